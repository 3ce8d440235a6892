// Log a touch: `l`, then the letter of its kind, opens dialog[data-touch] with that kind and now. Enter saves. On a list the touch is of the current row.
import { typing } from "./keyboard.js";

const now = (zone) => new Date().toLocaleString("sv-SE", { timeZone: zone }).slice(0, 16).replace(" ", "T");

// Where its form goes: the address that the page gave, else that of the current row's account. False without one.
function aim(dialog) {
  const form = dialog.querySelector("form");
  if (form.getAttribute("action")) return true;
  const link = document.querySelector("tr.is-current a[data-row-link]");
  if (!link) return false;
  form.action = `${link.pathname}touches/`;
  dialog.querySelector("[data-touch-account]").textContent = `, ${link.textContent.trim()}`;
  dialog.addEventListener("close", () => form.setAttribute("action", ""), { once: true });
  return true;
}

function open(dialog, option) {
  if (!aim(dialog)) return;
  if (option) option.selected = true;
  dialog.querySelector("[data-touch-at]").value = now(dialog.dataset.zone);
  dialog.showModal();
  dialog.querySelector("[data-touch-summary]").focus();
}

export function watchTouches() {
  let began = 0;
  document.addEventListener("keydown", (event) => {
    const dialog = document.querySelector("dialog[data-touch]");
    if (!dialog || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.key === "Enter" && !event.shiftKey && event.target.matches("[data-touch-summary]")) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const option = dialog.querySelector(`option[data-touch-key="${CSS.escape(event.key)}"]`);
    if (Date.now() - began < 1500 && option) {
      event.preventDefault(); // the letter means the kind, and nothing else
      open(dialog, option);
    }
    began = event.key === "l" ? Date.now() : 0;
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-touch-open]")) return;
    event.preventDefault();
    open(document.querySelector("dialog[data-touch]"));
  });
}
