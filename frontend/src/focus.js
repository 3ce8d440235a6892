// A fragment that is swapped takes the focus with it, and the next Tab would begin at the top of the page. What had the focus gets it back:
// the same link, button or field where it is still there, else what opened the menu it stood in, else the nearest [id] around it.
const words = (element) => element.getAttribute("aria-label") ?? element.getAttribute("name") ?? element.textContent.trim();
const reach = "a[href], button, input:not([type=hidden]), select, textarea, summary";

function remember() {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const around = [];
  for (let one = element.parentElement; one; one = one.parentElement) if (one.id) around.push(one.id);
  const menu = element.closest("details.menu")?.querySelector("summary");
  return { element, id: element.id, tag: element.tagName, words: words(element), group: group(element), menu: menu && menu !== element ? words(menu) : null, around };
}

const group = (element) => element.closest("[aria-label]:not(a, button, input, select, textarea)")?.getAttribute("aria-label");
const seen = (element) => element.checkVisibility?.({ visibilityProperty: true }) && !element.disabled;

function again({ id, tag, words: said, group: of, menu, around }) {
  const same = id && document.getElementById(id); // a morph makes a field of another kind anew
  if (same && seen(same)) return same;
  const within = around.map((id) => document.getElementById(id)).find(Boolean);
  if (!within) return null;
  const all = [...within.querySelectorAll(reach)].filter(seen);
  const alike = all.filter((element) => element.tagName === tag && words(element) === said);
  return (
    alike.find((element) => group(element) === of) ??
    alike[0] ??
    (menu && all.find((element) => element.matches("summary") && words(element) === menu)) ??
    all.find((element) => element.matches("[data-edit]")) ??
    all[0] ??
    null
  );
}

export function watchFocus() {
  let had = null;
  document.addEventListener("htmx:before:swap", () => {
    had = remember() ?? had;
  });
  // As soon as the answer stands: the swap itself ends some milliseconds later, and a Tab in between would begin at the top.
  document.addEventListener("htmx:before:settle", () => {
    if (!had || had.element.isConnected || document.activeElement !== document.body) return;
    again(had)?.focus({ preventScroll: true });
    had = null;
  });
}
