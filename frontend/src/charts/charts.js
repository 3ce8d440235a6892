// Entry of the lazy chunk: registers what our six kinds of chart need of ECharts, and draws one element.
import * as echarts from "echarts/core";
import { BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";
import { palette } from "./palette.js";
import { area, bars } from "./bars.js";
import { heatmap } from "./heatmap.js";
import { lines } from "./lines.js";
import { sankey } from "./sankey.js";
import { waterfall } from "./waterfall.js";

echarts.use([BarChart, LineChart, HeatmapChart, CustomChart, SankeyChart, GridComponent, TooltipComponent, LegendComponent, MarkLineComponent, VisualMapComponent, AriaComponent, SVGRenderer]);

const KINDS = { waterfall, lines, heatmap, bars, area, sankey };

export function draw(element) {
  const kind = KINDS[element.dataset.chart];
  if (!kind) throw new Error(`no chart "${element.dataset.chart}"; there are ${Object.keys(KINDS).join(", ")}`);
  const source = document.getElementById(element.dataset.source);
  if (!source) throw new Error(`no json_script "${element.dataset.source}" for the chart`);
  const data = JSON.parse(source.textContent);
  element.replaceChildren();
  if (kind === heatmap) element.style.height = `${Math.max(4, data.rows.length) * 24 + 56}px`;
  const chart = echarts.init(element, null, { renderer: "svg" });
  const option = () => ({
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    ...kind(data, palette(), element.clientWidth),
  });
  // The size that it was drawn for, so that paper of another width can scale it.
  const show = (...how) => {
    chart.setOption(option(), ...how);
    element.querySelector("svg")?.setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
  };
  show();
  // The picture is described by the element's own aria-label, and its numbers by the table below it.
  element.querySelector("svg")?.setAttribute("aria-hidden", "true");
  chart.on("click", (event) => {
    const url = event.data?.url ?? event.data?.value?.url;
    if (url) location.assign(url);
  });
  chart.on("mousemove", (event) => chart.getZr().setCursorStyle(event.data?.url ? "pointer" : "default"));
  let width = element.clientWidth;
  const observer = new ResizeObserver(() => {
    if (element.clientWidth === width || !element.clientWidth) return;
    width = element.clientWidth;
    chart.resize();
    show(true);
  });
  observer.observe(element);
  return {
    redraw: () => show(true),
    dispose: () => {
      observer.disconnect();
      chart.dispose();
    },
  };
}
