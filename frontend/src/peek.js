// a[data-peek]: the link of an account. A click opens it in aside#peek; a second one, Enter, Ctrl-click, or no script, in full.
// `p` or space on a row (or on the link that has the focus) does the same, again: the focus goes into the panel. Escape closes it and gives the focus back.
import htmx from "htmx.org";
import { typing } from "./keyboard.js";

const KEPT = "laer.peek"; // a form that was sent while the panel was open comes back to this page, and the panel with it
const panel = () => document.getElementById("peek");
const at = (link) => link?.pathname.match(/^\/accounts\/\d+\//)?.[0];
let from = null; // who gets the focus back
let newest = 0;

export const peeking = () => panel()?.hidden === false;

export function follow(row) {
  const link = row?.querySelector("a[data-peek]");
  if (link && peeking()) peek(link);
}

// False where the panel shows this account already.
export function peek(link) {
  const where = at(link);
  if (!panel() || !where || (peeking() && panel().dataset.shows === where)) return false;
  from = link;
  for (const row of document.querySelectorAll("tr.is-current")) row.classList.remove("is-current");
  link.closest("table[data-rows] tbody tr")?.classList.add("is-current");
  show(where);
  return true;
}

async function show(where) {
  const body = document.getElementById("peek-body");
  const mine = ++newest;
  if (!peeking()) body.replaceChildren(document.getElementById("peek-skeleton").content.cloneNode(true));
  panel().dataset.shows = where;
  panel().hidden = false;
  await htmx.ajax("GET", `${where}peek/`, { target: body, source: body, swap: "innerHTML" });
  if (mine !== newest) return;
  const title = document.getElementById("peek-title");
  if (!title || !peeking()) return close();
  panel().scrollTop = 0;
  document.getElementById("peek-says").textContent = title.textContent;
}

function close() {
  if (!peeking()) return;
  const back = from?.isConnected ? from : document.querySelector(`a[data-peek][href^="${panel().dataset.shows}"]`);
  panel().hidden = true;
  panel().dataset.shows = "";
  newest += 1;
  back?.focus({ preventScroll: true });
}

function keys(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (!document.querySelector("details.menu[open], details.meaning[open]") && (panel()?.contains(event.target) || !typing(event.target))) close();
    return;
  }
  if ((event.key !== "p" && event.key !== " ") || typing(event.target)) return;
  const link = event.target.closest("a[data-peek]") ?? document.querySelector("tr.is-current a[data-peek]");
  if (!link || (event.key === " " && event.target !== document.body && !event.target.closest("a"))) return;
  if (panel().contains(event.target)) return;
  event.preventDefault();
  if (!peek(link)) document.getElementById("peek-title")?.focus();
}

export function watchPeek() {
  if (!panel()) return;
  // In the capture phase: a link that htmx would follow opens the panel first. A click that a key made has no detail.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-peek]");
    if (event.target.closest("[data-peek-close]")) close();
    if (!link || event.detail === 0 || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || !peek(link)) return;
    event.preventDefault();
    event.stopPropagation();
    link.focus({ preventScroll: true });
  }, true);
  document.addEventListener("keydown", keys);
  document.addEventListener("submit", (event) => {
    if (peeking() && event.target.method === "post") sessionStorage.setItem(KEPT, JSON.stringify([location.pathname + location.search, panel().dataset.shows]));
  });
  const [page, where] = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  sessionStorage.removeItem(KEPT);
  if (page !== location.pathname + location.search || !where) return;
  from = [...document.querySelectorAll("a[data-peek]")].find((link) => at(link) === where) ?? null;
  from?.closest("table[data-rows] tbody tr")?.classList.add("is-current");
  show(where);
}
