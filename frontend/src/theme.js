// Runs before the first paint, so that a dark page never flashes white. "auto" follows the system.
const stored = (() => {
  try {
    return localStorage.getItem("laer-theme");
  } catch {
    return null; // storage switched off: follow the system
  }
})();
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = stored === "light" || stored === "dark" ? stored : dark.matches ? "dark" : "light";
document.documentElement.dataset.bsTheme = theme;
document.documentElement.classList.add("js");
