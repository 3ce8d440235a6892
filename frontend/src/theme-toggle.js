// [data-theme-toggle]: light or dark, kept in this browser. Until someone chooses, the system decides (theme.js).
import { word } from "./words.js";

const KEY = "laer-theme";

export function currentTheme() {
  return document.documentElement.dataset.bsTheme === "dark" ? "dark" : "light";
}

function show(theme) {
  document.documentElement.dataset.bsTheme = theme;
  label();
  document.dispatchEvent(new CustomEvent("laer:theme", { detail: { theme } }));
}

function label() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const dark = currentTheme() === "dark";
    button.setAttribute("aria-label", word(dark ? "theme_light" : "theme_dark"));
    button.title = button.getAttribute("aria-label");
    for (const icon of button.querySelectorAll("[data-theme-icon]")) icon.toggleAttribute("hidden", icon.dataset.themeIcon === (dark ? "moon" : "sun"));
  }
}

export function watchTheme() {
  label();
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const theme = currentTheme() === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // storage switched off: the choice lasts for this page
    }
    show(theme);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    let chosen = null;
    try {
      chosen = localStorage.getItem(KEY);
    } catch {
      // as above
    }
    if (!chosen) show(event.matches ? "dark" : "light");
  });
}
