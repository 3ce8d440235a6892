// State a pulse: `h` opens dialog[data-pulse] with the form of the account at hand (that in the panel, the page's own, that of the current row), `g`, `y` or `r` chooses, Enter saves.
// a[data-pulse-open] does the same by mouse; without script it leads to the form as a page.
import htmx from "htmx.org";
import { typing } from "./keyboard.js";

const OF = /^\/accounts\/\d+\//;
let early = null; // a colour that was pressed before its form was there

function at() {
  const panel = document.querySelector("#peek:not([hidden])");
  const own = document.querySelector("a[data-pulse-open][data-pulse-own]");
  const link = panel?.querySelector("a[data-pulse-open]") ?? (panel ? null : (document.querySelector("tr.is-current a[data-peek]") ?? own));
  return link?.pathname.match(OF)?.[0];
}

function choose(dialog, letter) {
  const radio = dialog.querySelector(`input[data-pulse-key="${letter}"]`);
  if (!radio) return false;
  radio.checked = true;
  dialog.querySelector("[data-pulse-reason]").focus();
  return true;
}

async function open(dialog, where) {
  early = null;
  dialog.querySelector("#pulse-body").replaceChildren();
  dialog.showModal();
  await htmx.ajax("GET", `${where}pulse/`, { target: "#pulse-body", source: "#pulse-body", swap: "innerHTML" });
  if (!dialog.querySelector("form")) return dialog.close(); // a word says why
  if (!early || !choose(dialog, early)) dialog.querySelector("#pulse-body input[type=radio]")?.focus();
  early = null;
}

// False where no account is at hand.
export function statePulse() {
  const dialog = document.querySelector("dialog[data-pulse]");
  const where = at();
  if (!dialog || !where) return false;
  open(dialog, where);
  return true;
}

export function watchPulses() {
  document.addEventListener("keydown", (event) => {
    const dialog = document.querySelector("dialog[data-pulse]");
    if (!dialog || event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
    if (dialog.open) {
      if (!["g", "y", "r"].includes(event.key)) return;
      event.preventDefault();
      if (!choose(dialog, event.key)) early = event.key;
    } else if (event.key === "h" && !document.querySelector("dialog[open]") && statePulse()) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-pulse-open]");
    const dialog = document.querySelector("dialog[data-pulse]");
    if (!link || !dialog || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(dialog, link.pathname.match(OF)[0]);
  });
}
