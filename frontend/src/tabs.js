// Rows of links that scroll sideways (.tabs, .switcher) begin where the current one is seen.
function show() {
  for (const current of document.querySelectorAll(":is(.tabs, .switcher) [aria-current]")) {
    const row = current.closest(".tabs, .switcher");
    if (row.scrollWidth <= row.clientWidth) continue;
    const [inner, outer] = [current.getBoundingClientRect(), row.getBoundingClientRect()];
    row.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
  }
}

export function watchTabs() {
  show();
  document.fonts.ready.then(show);
  document.addEventListener("htmx:after:swap", show);
}
