// `/` search, `g` then a letter goes to a page, `n` the field that adds a row, `z` the newest Undo, `?` help. Never while someone types, never with a modifier.
const place = (letter) => (/^[a-z]$/.test(letter) ? document.querySelector(`a[data-place="${letter}"]`) : null); // a navigation entry's `key`

export function typing(target) {
  return target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") != null;
}

export function watchKeys() {
  const asked = () => location.hash === "#new-task" && document.getElementById("new-task")?.focus();
  asked();
  addEventListener("hashchange", asked);
  let went = -Infinity; // when the key was pressed: a busy page hears of it later
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
      went = event.timeStamp;
    } else if (event.timeStamp - went < 1200 && place(event.key)) {
      went = -Infinity;
      event.preventDefault(); // the letter is a row's key on some pages
      place(event.key).click();
    } else if (event.key === "n" && document.querySelector("[data-new]")) {
      event.preventDefault();
      document.querySelector("[data-new]").focus();
    } else if (event.key === "z") {
      [...document.querySelectorAll("#toasts form button")].at(-1)?.click();
    } else if (event.key === "e") {
      document.querySelector("[data-edit]")?.click();
    }
  });
}
