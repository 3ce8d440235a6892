// {"unit": "number", "x": ["2026-11-02", …], "series": [{"name": "Active users", "values": […]}], "urls": ["/…"], "line": {"name": "Seats", "values": […]}}
// bars: columns, stacked where there is more than one series; a series may name the tone of its colour (`palette.js`). area: filled lines. `line` is drawn over either (seats over usage).
import { exactly, number, say } from "./numbers.js";
import { axisText, moment, steps, tooltip } from "./palette.js";

function frame(data, colors, names, boundaryGap, width) {
  const unit = { unit: data.unit, currency: data.currency };
  return {
    color: colors.series,
    grid: { left: 6, right: 16, top: names.length > 1 ? 38 : 14, bottom: 4, containLabel: true },
    legend: { type: "scroll", pageTextStyle: { color: colors.text }, pageIconColor: colors.text, pageIconInactiveColor: colors.grid, show: names.length > 1, left: 0, right: 0, top: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, itemGap: 18, textStyle: { color: colors.text, fontSize: 12 } },
    tooltip: tooltip(colors, (points) => [moment(data.x[points[0].dataIndex], { long: true }), ...points.map((p) => `${p.seriesName}   ${exactly(number(p.value === "-" ? null : p.value), unit)}`)].join("\n")),
    xAxis: {
      type: "category",
      boundaryGap,
      data: data.x,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colors.line } },
      axisLabel: { ...axisText(colors), interval: steps(data.x.length, width), hideOverlap: true, formatter: (text) => moment(text), ...(boundaryGap ? {} : { alignMaxLabel: "right" }) },
    },
    yAxis: { type: "value", min: 0, minInterval: data.unit === "number" || !data.unit ? 1 : undefined, splitNumber: 4, splitLine: { lineStyle: { color: colors.grid } }, axisLabel: { ...axisText(colors), formatter: (value) => say(value, unit) } },
  };
}

const points = (values, urls) => values.map((value, at) => ({ value: number(value) ?? "-", url: urls?.[at] }));

const over = (data, colors) =>
  data.line ? [{ type: "line", step: "middle", name: data.line.name, symbol: "none", data: points(data.line.values), lineStyle: { width: 2, type: [6, 4], color: colors.series[1] }, itemStyle: { color: colors.series[1] }, emphasis: { disabled: true } }] : [];

export function bars(data, colors, width) {
  const names = [...data.series, ...(data.line ? [data.line] : [])].map(({ name }) => name);
  return {
    ...frame(data, colors, names, true, width),
    series: [
      ...data.series.map((one, at) => ({ type: "bar", stack: "all", name: one.name, barMaxWidth: 30, barCategoryGap: "28%", data: points(one.values, one.urls ?? data.urls), itemStyle: { ...(one.tone ? { color: colors.tones[one.tone] } : {}), borderRadius: at === data.series.length - 1 ? [3, 3, 0, 0] : 0, borderColor: colors.surface, borderWidth: data.series.length > 1 ? 1 : 0 }, emphasis: { disabled: true } })),
      ...over(data, colors),
    ],
  };
}

export function area(data, colors, width) {
  const names = [...data.series, ...(data.line ? [data.line] : [])].map(({ name }) => name);
  return {
    ...frame(data, colors, names, false, width),
    series: [
      ...data.series.map((one, at) => ({ type: "line", name: one.name, symbol: "none", smooth: 0.18, connectNulls: false, data: points(one.values, one.urls ?? data.urls), lineStyle: { width: 2.25, type: at ? [6, 4] : "solid" }, areaStyle: at ? undefined : { color: colors.area }, emphasis: { disabled: true } })),
      ...over(data, colors),
    ],
  };
}
