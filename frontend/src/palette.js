import { toast } from "./toasts.js";
import { logTouch } from "./touch.js";

// What an option with [data-does] does on the page where one is.
const DOES = {
  theme: () => document.querySelector("[data-theme-toggle]")?.click(),
  copy: () => document.querySelector(".menu [data-copy]")?.click(),
  help: () => document.getElementById("help")?.showModal(),
  touch: (palette) => logTouch() || toast({ text: palette.dataset.noAccount, level: "info" }),
};

// dialog#palette: Ctrl+K (or Cmd+K) opens it anywhere; up and down choose among what was found, Enter opens it. The focus stays in the field.
export function watchPalette() {
  const palette = document.getElementById("palette");
  if (!palette) return;
  const field = palette.querySelector("input");
  const list = document.getElementById("palette-found");
  const options = () => [...list.querySelectorAll("a[role=option]")];

  const choose = (option) => {
    for (const other of options()) {
      other.setAttribute("aria-selected", String(other === option));
      other.removeAttribute("id"); // ids of their own would make htmx carry the choice over to other options
    }
    if (!option) return field.removeAttribute("aria-activedescendant");
    option.id = "found-chosen";
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const chosen = () => list.querySelector('a[aria-selected="true"]');
  const open = () => {
    if (!palette.open) palette.showModal();
    field.value = "";
    field.focus();
    field.dispatchEvent(new CustomEvent("palette"));
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (palette.open) palette.close();
      else if (!document.querySelector("dialog[open]")) open();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) open();
    const does = event.target.closest("#palette [data-does]");
    if (!does) return;
    event.preventDefault();
    palette.close();
    DOES[does.dataset.does]?.(palette);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault(); // a search field would only empty itself
      palette.close();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const all = options();
    if (!all.length) return;
    const at = all.indexOf(chosen());
    choose(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
  });
  palette.querySelector("form").addEventListener("submit", (event) => {
    const link = chosen();
    if (!link) return; // nothing was found yet: the form leads to the page that finds
    event.preventDefault();
    link.click();
  });
  // Whatever brought new options, the first of them is chosen.
  new MutationObserver(() => choose(options()[0])).observe(list, { childList: true });
}
