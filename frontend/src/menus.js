// details.menu and details.meaning: one open at a time, closed by Escape (focus goes back) and by a click elsewhere.
// [data-open="id"] and [data-close] open and close a <dialog>.
const OPEN = "details.menu[open], details.meaning[open]";
const EDGE = 8; // px between a panel and the edge of the window

export function watchMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(OPEN)) if (!menu.contains(event.target)) menu.open = false;
    const opener = event.target.closest("[data-open]");
    if (opener) {
      opener.closest("details.menu")?.removeAttribute("open");
      document.getElementById(opener.dataset.open)?.showModal();
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    if (event.target instanceof HTMLDialogElement) event.target.close(); // a click on the backdrop
  });
  // What opens stays in sight: a panel that its button's place would push over the edge is moved back.
  document.addEventListener(
    "toggle",
    ({ target }) => {
      const panel = target.matches?.(OPEN) && target.querySelector(":scope > .menu-panel, :scope > .meaning-panel");
      if (!panel) return;
      panel.style.translate = "";
      const { left, right } = panel.getBoundingClientRect();
      const over = left < EDGE ? EDGE - left : Math.min(0, document.documentElement.clientWidth - EDGE - right);
      if (over) panel.style.translate = `${over}px`;
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll(OPEN)) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
  // Fields with [data-submits] send their form on change; the form keeps its button for those without script.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form?.requestSubmit();
  });
}
