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

// Letters typed before app.js listens are kept for it (ahead.js); what is typed into a field is nobody's business.
const early = [];
const keep = (event) => {
  if (!event.target.closest?.("input, textarea, select")) early.push(event);
};
addEventListener("keydown", keep);
window.typedEarly = () => {
  removeEventListener("keydown", keep);
  return early;
};
