// Short messages with undo. From the server: rendered into #toasts (parts/toast.html), or by the response header
//   HX-Trigger: {"laer:toast": {"text": "Owner changed", "level": "good", "undo_url": "/accounts/7/undo/12/"}}
// One with an undo stays ten seconds; the clock stands still under the pointer and while it has the focus.
import { csrfToken } from "./requests.js";

const ICONS = { good: "circle-check", bad: "alert-circle", warn: "alert-triangle", info: "info-circle" };

function life(element) {
  let left = element.querySelector("form") ? 10_000 : element.matches(".is-bad") ? 12_000 : 5_000;
  let started;
  let timer;
  const run = () => {
    started = Date.now();
    timer = setTimeout(() => element.remove(), left);
  };
  const hold = () => {
    clearTimeout(timer);
    left -= Date.now() - started;
  };
  element.addEventListener("pointerenter", hold);
  element.addEventListener("pointerleave", run);
  element.addEventListener("focusin", hold);
  element.addEventListener("focusout", run);
  run();
}

export function toast({ text, level = "info", undo_url: undoUrl }) {
  const tray = document.getElementById("toasts");
  const model = document.getElementById("toast-model");
  if (!tray || !model || !text) return;
  const element = model.content.firstElementChild.cloneNode(true);
  element.classList.add(`is-${level}`);
  element.querySelector(".note-toast-text").textContent = text;
  const use = element.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${ICONS[level] ?? ICONS.info}`));
  const form = element.querySelector("form");
  if (undoUrl) {
    form.action = undoUrl;
    form.querySelector('[name="csrfmiddlewaretoken"]').value = csrfToken();
  } else {
    form.remove();
  }
  tray.append(element);
  life(element);
}

export function watchToasts() {
  for (const element of document.querySelectorAll("#toasts .note-toast")) life(element);
  document.addEventListener("laer:toast", ({ detail }) => toast(detail.value ? { text: detail.value } : detail));
  document.addEventListener("click", (event) => {
    event.target.closest("[data-toast-close]")?.closest(".note-toast")?.remove();
  });
}
