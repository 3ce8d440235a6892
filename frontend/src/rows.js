// table[data-rows]: j and k move from row to row (and the panel with them), Enter and e open the row's link, a click anywhere on the row clicks it. x ticks the row's box.
// [data-row-key="c"] in a row and [data-bulk-key="c"] in its form (or [data-bulk], where rows hold forms of their own): what that key presses, the second where rows are ticked.
import { typing } from "./keyboard.js";
import { follow, peek } from "./peek.js";

const link = (row) => row?.querySelector("[data-row-link]");

function press(event, row) {
  if (event.key === "x") row?.querySelector('input[type="checkbox"]')?.click();
  else if (event.key === "e" && row && !document.querySelector("[data-edit]")) link(row).click();
  else if (/^[a-z]$/.test(event.key)) {
    const form = (row ?? document.querySelector("table[data-rows]")).closest("form, [data-bulk]");
    const ticked = form?.querySelector('table[data-rows] input[type="checkbox"]:checked');
    const button = (ticked ? form : row)?.querySelector(`[data-${ticked ? "bulk" : "row"}-key="${event.key}"]`);
    if (!button) return;
    event.preventDefault();
    button.click();
  }
}

export function watchRows() {
  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.defaultPrevented) return;
    const rows = [...document.querySelectorAll("table[data-rows] tbody tr")].filter(link);
    const at = rows.findIndex((row) => row.classList.contains("is-current"));
    if (event.key !== "j" && event.key !== "k" && event.key !== "Enter") {
      if (rows.length) press(event, rows[at]);
      return;
    }
    if (event.key === "Enter") {
      if (at >= 0 && (event.target === document.body || rows[at].contains(event.target)) && !event.target.closest("a, button")) link(rows[at]).click();
      return;
    }
    if (!rows.length) return;
    const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)));
    rows[at]?.classList.remove("is-current");
    rows[next].classList.add("is-current");
    link(rows[next]).focus({ preventScroll: true });
    rows[next].scrollIntoView({ block: "nearest" });
    follow(rows[next]);
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("table[data-rows] tbody tr");
    if (!row || event.target.closest("a, button, input, select, label, summary") || getSelection()?.toString()) return;
    const target = link(row);
    if (!target) return;
    if (target.href && (event.metaKey || event.ctrlKey)) open(target.href, "_blank", "noopener");
    else if (!target.matches("a[data-peek]") || !peek(target)) target.click();
  });
}
