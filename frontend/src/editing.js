// Edit in place: the form that htmx swapped in takes the focus, Escape presses its [data-cancel].
export function watchEditing() {
  document.addEventListener("htmx:after:swap", () => {
    const field = document.querySelector(".fact-form [autofocus]");
    if (field && !field.dataset.focused) {
      field.dataset.focused = "yes";
      field.focus();
      field.select?.();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.closest?.(".fact-form")?.querySelector("[data-cancel]")?.click();
  });
}
