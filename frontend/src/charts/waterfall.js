// {"currency": "USD", "bars": [{"label": "Opening MRR", "kind": "total"|"up"|"down", "value": 1180000, "url": "/revenue/behind/?…"}]}
// Values of up and down are magnitudes. The axis may begin above zero; then the totals say so with a break at their foot.
import { exactly, number, say } from "./numbers.js";
import { axisText, tooltip } from "./palette.js";
import { word } from "../words.js";

export function waterfall(data, colors, width) {
  const unit = { unit: data.unit ?? "money", currency: data.currency };
  let level = 0;
  const steps = data.bars.map((bar) => {
    const value = number(bar.value) ?? 0;
    const from = bar.kind === "total" ? 0 : level;
    level = bar.kind === "total" ? value : bar.kind === "down" ? level - value : level + value;
    return { ...bar, value, low: Math.min(from, level), high: Math.max(from, level), end: level };
  });
  const floating = steps.filter((step) => step.kind !== "total" && step.value > 0);
  const lowest = Math.min(...steps.filter((s) => s.kind === "total").map((s) => s.high), ...floating.map((s) => s.low));
  const highest = Math.max(...steps.map((s) => s.high), 0);
  // Where the movements are small against the total, an axis from zero would make them invisible.
  const span = highest - lowest;
  const broken = lowest > 0 && span < highest * 0.4;
  const floor = broken ? round(Math.max(0, lowest - Math.max(span * 0.9, highest * 0.04)), span || highest) : 0;
  const fill = { total: colors.total, up: colors.up, down: colors.down };
  const narrow = width < 520;
  const crowded = narrow && steps.length > 7; // then every second label stands a line higher
  return {
    grid: { left: 6, right: 12, top: 26, bottom: 4, containLabel: true },
    tooltip: tooltip(colors, (points) => {
      const step = steps[points[0].dataIndex];
      const sign = step.kind === "down" ? "−" : step.kind === "up" ? "+" : "";
      return `${step.label}\n${sign}${exactly(step.value, unit)}${step.url ? `\n${word("click_accounts")}` : ""}`;
    }),
    xAxis: {
      type: "category",
      data: steps.map(({ label }) => label),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colors.line } },
      axisLabel: { ...axisText(colors), interval: 0, rotate: narrow ? 38 : 0, hideOverlap: false, formatter: (text) => (narrow ? text.replace(" MRR", "") : text) },
    },
    yAxis: {
      type: "value",
      min: floor,
      splitNumber: 5,
      splitLine: { lineStyle: { color: colors.grid } },
      axisLabel: { ...axisText(colors), formatter: (value) => (broken && value === floor ? "" : say(value, unit)) },
    },
    series: [
      {
        type: "custom",
        name: "MRR movement",
        data: steps.map((step, at) => ({ value: [at, step.low, step.high, step.end], url: step.url })),
        encode: { x: 0, y: [1, 2] },
        renderItem: (_, api) => {
          const at = api.value(0);
          const step = steps[at];
          const top = api.coord([at, step.high]);
          const bottom = api.coord([at, Math.max(step.low, floor)]);
          const band = api.size([1, 0])[0];
          const wide = Math.min(64, band * 0.6);
          const tall = Math.max(step.value > 0 ? 2.5 : 1, bottom[1] - top[1]);
          const left = top[0] - wide / 2;
          const sign = !step.value ? "" : step.kind === "down" ? "−" : step.kind === "up" ? "+" : "";
          const children = [
            { type: "rect", shape: { x: left, y: top[1], width: wide, height: tall, r: Math.min(3, tall / 2) }, style: { fill: step.value ? fill[step.kind] : colors.line } },
            {
              type: "text",
              style: { x: top[0], y: top[1] - 6 - (crowded && at % 2 ? 12 : 0), text: `${sign}${say(step.value, { ...unit, whole: narrow })}`, fill: colors.strong, font: `600 ${narrow ? 10 : 11.5}px ${getComputedStyle(document.body).fontFamily}`, align: "center", verticalAlign: "bottom" },
              silent: true,
            },
          ];
          // A loss is hatched as well as red.
          if (step.kind === "down" && tall > 5) {
            for (let x = left - tall; x < left + wide; x += 7) {
              const x1 = Math.max(x, left);
              const x2 = Math.min(x + tall, left + wide);
              if (x2 - x1 < 1) continue;
              children.push({ type: "line", silent: true, shape: { x1, y1: top[1] + tall - (x1 - x), x2, y2: top[1] + tall - (x2 - x) }, style: { stroke: colors.surface, lineWidth: 1.5, opacity: 0.5 } });
            }
          }
          if (step.kind === "total" && broken) {
            const y = bottom[1] - 9;
            children.push({ type: "polyline", silent: true, shape: { points: [0, 1, 2, 3, 4].map((n) => [left - 2 + ((wide + 4) * n) / 4, y + (n % 2 ? -3 : 3)]) }, style: { stroke: colors.surface, lineWidth: 3, fill: "none" } });
          }
          if (at < steps.length - 1) {
            const y = api.coord([at, step.end])[1];
            const next = api.coord([at + 1, step.end])[0];
            children.unshift({ type: "line", silent: true, shape: { x1: top[0] + wide / 2, y1: y, x2: next - wide / 2, y2: y }, style: { stroke: colors.line, lineWidth: 1, lineDash: [3, 3] } });
          }
          return { type: "group", children };
        },
      },
    ],
  };
}

function round(value, span) {
  const step = 10 ** Math.floor(Math.log10(Math.max(span, 1e-9)));
  return Math.floor(value / step) * step;
}
