// Typed ahead: a letter that comes while a page is on its way is meant for the page that comes. It is kept, and pressed there.
// theme.js keeps those that come before this script runs. Only letters: what Tab and Enter do, no script can do for somebody.
import { typing } from "./keyboard.js";

const KEPT = "laer.typed";
const WAITS = 3000; // ms: what has not left by then was a download, and the letters are for this page after all
const LATE = 10_000; // ms after which nobody means them any more
let held = null; // while something is on its way

const letter = (event) => event.key?.length === 1 && !event.repeat && !(event.ctrlKey || event.metaKey || event.altKey) && !typing(event.target);

function press() {
  const keys = held ?? [];
  held = null;
  for (const key of keys) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}

function leave({ destination, downloadRequest, hashChange }) {
  if (held || hashChange || destination.sameDocument || downloadRequest != null) return;
  held = [];
  setTimeout(press, WAITS);
}

export function watchAhead() {
  const [at, keys] = JSON.parse(sessionStorage.getItem(KEPT) ?? "[0, []]");
  sessionStorage.removeItem(KEPT);
  held = [...(Date.now() - at < LATE ? keys : []), ...(window.typedEarly?.() ?? []).filter(letter).map((event) => event.key)];
  document.addEventListener("DOMContentLoaded", press, { once: true }); // everybody listens, htmx too
  window.navigation?.addEventListener("navigate", leave);
  window.addEventListener("pagehide", () => {
    if (held?.length) sessionStorage.setItem(KEPT, JSON.stringify([Date.now(), held]));
    held = null;
  });
  window.addEventListener("keydown", (event) => {
    if (!held || !letter(event)) return;
    held.push(event.key);
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}
