// Edit in place: the form that htmx swapped in takes the focus, Escape presses its [data-cancel]. [data-row-close]: the form is a row of its own, which goes.
export function watchEditing() {
  document.addEventListener("htmx:before:settle", () => {
    const field = [...document.querySelectorAll(".fact-form [autofocus]")].find((one) => !one.dataset.focused);
    for (const open of document.querySelectorAll("[data-row-close]")) if (field && !open.closest("tr").contains(field)) open.closest("tr").remove(); // one at a time
    if (field) {
      field.dataset.focused = "yes";
      field.focus();
      field.select?.();
    }
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row-close]")?.closest("tr");
    if (!row) return;
    row.previousElementSibling?.querySelector("[data-row-link]")?.focus({ preventScroll: true });
    row.remove();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.closest?.(".fact-form")?.querySelector("[data-cancel]")?.click();
  });
}
