// [data-chart="waterfall|lines|heatmap|bars|area|sankey"][data-source="id of a json_script"]: drawn by ECharts, which is fetched
// only on pages that hold a chart, drawn again when the theme changes, let go when htmx takes its element away.
import { word } from "./words.js";

const drawn = new Map();
let drawing;

async function mount() {
  for (const [element, chart] of drawn) {
    if (!element.isConnected) {
      chart.dispose();
      drawn.delete(element);
    }
  }
  const waiting = [...document.querySelectorAll("[data-chart]")].filter((element) => !drawn.has(element) && !element.dataset.failed);
  if (!waiting.length) return;
  drawing ??= import("./charts/charts.js");
  const { draw } = await drawing;
  for (const element of waiting) {
    if (drawn.has(element) || !element.isConnected) continue;
    try {
      drawn.set(element, draw(element));
    } catch (error) {
      element.dataset.failed = "yes";
      element.textContent = word("chart_failed");
      console.error(error);
    }
  }
}

export function watchCharts() {
  mount();
  document.addEventListener("htmx:after:swap", mount);
  document.addEventListener("laer:theme", () => {
    for (const chart of drawn.values()) chart.redraw();
  });
}
