// form[data-ticks]: rows that are ticked. Shift ticks all between, [data-tick-all] those of the page, [data-together-all] stands for the whole list.
const boxes = (form) => [...form.querySelectorAll('tbody input[type="checkbox"]')];
let last = null;

function count(form) {
  const bar = form.querySelector("[data-together]");
  const all = boxes(form);
  const ticked = all.filter((box) => box.checked).length;
  const whole = form.querySelector("[data-together-all]");
  if (bar) bar.querySelector("[data-together-count]").textContent = whole?.checked ? bar.dataset.total : ticked;
  const head = form.querySelector("[data-tick-all]");
  if (!head) return;
  head.checked = ticked > 0 && ticked === all.length;
  head.indeterminate = ticked > 0 && ticked < all.length;
}

export function watchTogether() {
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.('form[data-ticks] tbody input[type="checkbox"]');
    if (!box) return;
    const all = boxes(box.form);
    const [here, there] = [all.indexOf(box), all.indexOf(last)];
    if (event.shiftKey && there >= 0) for (const one of all.slice(Math.min(here, there), Math.max(here, there) + 1)) one.checked = box.checked;
    last = box;
    count(box.form);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-ticks]");
    if (!form || event.target.type !== "checkbox") return;
    if (event.target.matches("[data-tick-all]")) for (const box of boxes(form)) box.checked = event.target.checked;
    count(form);
  });
  document.addEventListener("reset", (event) => {
    if (event.target.matches("form[data-ticks]")) setTimeout(() => count(event.target)); // after the boxes are as they were
  });
  // Enter in a menu presses that menu's own button, not the first of the form.
  document.addEventListener("keydown", (event) => {
    const panel = event.key === "Enter" ? event.target.closest?.("form[data-ticks] .menu-panel") : null;
    if (!panel || !event.target.matches("input, select")) return;
    event.preventDefault();
    panel.querySelector("button[type=submit]").click();
  });
}
