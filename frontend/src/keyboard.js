// `/` search, `g` then a letter goes to a page, `?` help. Never while someone types, never with a modifier.
const PLACES = { a: "accounts", r: "revenue", d: "data", t: "today", h: "home", f: "flow", k: "tasks", b: "notifications" };

// A navigation entry's `key` is the letter or the name.
const place = (letter) => document.querySelector(`[data-place="${letter}"], [data-place="${PLACES[letter]}"]`);

export function typing(target) {
  return target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") != null;
}

export function watchKeys() {
  let went = 0;
  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "/") {
      event.preventDefault();
      const field = document.querySelector("[data-search]");
      field?.focus();
      field?.select();
    } else if (event.key === "?") {
      event.preventDefault();
      document.getElementById("help")?.showModal();
    } else if (event.key === "g") {
      went = Date.now();
    } else if (Date.now() - went < 1200 && PLACES[event.key]) {
      went = 0;
      place(event.key)?.click();
    } else if (event.key === "e") {
      document.querySelector("[data-edit]")?.click();
    }
  });
}
