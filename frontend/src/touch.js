// Log a touch: `l`, then the letter of its kind, opens dialog[data-touch] with that kind and now. Enter saves. On a list the touch is of the current row.
import { typing } from "./keyboard.js";
import { zone } from "./reader.js";

const now = (there) => new Date().toLocaleString("sv-SE", { timeZone: there }).slice(0, 16).replace(" ", "T");

// Where its form goes: to the account in the panel, else the page's own, else that of the current row. False without one.
function aim(dialog) {
  const form = dialog.querySelector("form");
  const own = form.getAttribute("action");
  const panel = document.querySelector("#peek:not([hidden])");
  const link = panel?.querySelector("a[data-touch-open]") ?? (own || panel ? null : document.querySelector("tr.is-current a[data-peek]"));
  if (!link) return Boolean(own) && !panel;
  const name = dialog.querySelector("[data-touch-account]");
  form.setAttribute("action", `${link.pathname.match(/^\/accounts\/\d+\//)[0]}touches/`);
  name.textContent = `, ${(panel?.querySelector("#peek-title") ?? link).textContent.trim()}`;
  dialog.addEventListener("close", () => {
    form.setAttribute("action", own ?? "");
    name.textContent = "";
  }, { once: true });
  return true;
}

function open(dialog, option) {
  if (!aim(dialog)) return false;
  if (option) option.selected = true;
  dialog.querySelector("[data-touch-at]").value = now(zone());
  dialog.showModal();
  dialog.querySelector("[data-touch-summary]").focus();
  return true;
}

// False where no account is at hand.
export function logTouch() {
  const dialog = document.querySelector("dialog[data-touch]");
  return Boolean(dialog) && open(dialog);
}

export function watchTouches() {
  let began = -Infinity;
  document.addEventListener("keydown", (event) => {
    const dialog = document.querySelector("dialog[data-touch]");
    if (!dialog || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.key === "Enter" && !event.shiftKey && event.target.matches("[data-touch-summary]")) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const option = dialog.querySelector(`option[data-touch-key="${CSS.escape(event.key)}"]`);
    if (event.timeStamp - began < 1500 && option) {
      event.preventDefault(); // the letter means the kind, and nothing else
      open(dialog, option);
    }
    began = event.key === "l" ? event.timeStamp : -Infinity;
  });
  document.addEventListener("click", (event) => {
    const dialog = document.querySelector("dialog[data-touch]");
    if (!dialog || !event.target.closest("[data-touch-open]")) return;
    event.preventDefault();
    open(dialog);
  });
}
