// {"unit": "percent|money|number", "currency": "USD", "x": ["2026-01", …], "series": [{"name": "NRR, 12 months", "values": [1.04, null, …],
//  "dash": "solid|dashed|dotted|dashdot", "area": true, "end": false (no value behind its end), "urls": ["/…", …]}], "target": {"value": 1.1, "label": "target 110%"}}
// A month without a value is a gap, never a zero. Each line differs in its dash and carries its name at its end.
import { exactly, number, say } from "./numbers.js";
import { axisText, moment, steps, tooltip } from "./palette.js";

const DASHES = ["solid", [6, 4], [2, 3], [10, 3, 2, 3]];
// The dash of each line in its key, for who sees no colour.
const KEYS = { solid: "path://M0 4h24v3H0z", dashed: "path://M0 4h10v3H0zM14 4h10v3H14z", dotted: "path://M0 4h4v3H0zM7 4h4v3H7zM14 4h4v3H14zM21 4h3v3H21z", dashdot: "path://M0 4h12v3H0zM15 4h3v3H15zM21 4h3v3H21z" };
const NAMES = Object.keys(KEYS);
const named = { solid: "solid", dashed: [6, 4], dotted: [2, 3], dashdot: [10, 3, 2, 3] };

// How many lines the keys take: each goes on the line begun, if there is room.
function rows(series, width) {
  let lines = 1;
  let used = 0;
  for (const { name } of series) {
    const room = 48 + 6.4 * name.length;
    if (used && used + room > width) {
      lines += 1;
      used = 0;
    }
    used += room;
  }
  return lines;
}

export function lines(data, colors, width) {
  const unit = { unit: data.unit, currency: data.currency };
  const series = data.series.map((one) => ({ ...one, values: one.values.map(number) }));
  const target = data.target ? number(data.target.value) : null;
  const all = [...series.flatMap(({ values }) => values), target].filter((value) => value !== null);
  const low = all.length ? Math.min(...all) : 0;
  const high = all.length ? Math.max(...all) : 1;
  const pad = Math.max((high - low) * 0.12, high * 0.01);
  const floor = data.from_zero || low - pad < 0 ? Math.min(0, low) : low - pad;
  const keys = rows(series, width);
  const ends = width > 330; // room for each line's last value behind its end
  return {
    color: colors.series,
    grid: { left: 6, right: ends ? 52 : 14, top: 20 + 20 * keys, bottom: 4, containLabel: true },
    legend: { type: "scroll", pageTextStyle: { color: colors.text }, pageIconColor: colors.text, pageIconInactiveColor: colors.grid, left: 0, right: 0, top: 0, data: series.map(({ name, dash }, at) => ({ name, icon: KEYS[dash] ?? KEYS[NAMES[at % NAMES.length]] })), itemWidth: 22, itemHeight: 8, itemGap: 18, textStyle: { color: colors.text, fontSize: 12 }, selectedMode: series.length > 1 },
    tooltip: tooltip(colors, (points) => [moment(data.x[points[0].dataIndex], { long: true }), ...points.map((p) => `${p.seriesName}   ${exactly(series[p.seriesIndex].values[p.dataIndex], unit)}`)].join("\n")),
    xAxis: {
      type: "category",
      boundaryGap: false,
      data: data.x,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colors.line } },
      axisLabel: { ...axisText(colors), formatter: (text) => moment(text), interval: steps(data.x.length, width, 72), alignMaxLabel: ends ? "center" : "right" },
    },
    yAxis: { type: "value", min: floor, max: high + pad || 1, interval: high > low || high ? undefined : 1, splitNumber: 5, splitLine: { lineStyle: { color: colors.grid } }, axisLabel: { ...axisText(colors), showMinLabel: floor === 0, showMaxLabel: false, formatter: (value) => say(value, { ...unit, whole: high - low > 0.08 }) } },
    series: series.map((one, at) => ({
      type: "line",
      name: one.name,
      symbol: one.values.length === 1 ? "circle" : "none",
      showSymbol: one.values.length === 1,
      smooth: 0.18,
      connectNulls: false,
      data: one.values.map((value, index) => ({ value: value ?? "-", url: one.urls?.[index] })),
      lineStyle: { width: 2.25, type: named[one.dash] ?? DASHES[at % DASHES.length] },
      areaStyle: one.area ? { color: colors.area } : undefined,
      endLabel: { show: ends && one.end !== false, formatter: ({ value }) => (value === "-" ? "" : say(value, unit)), color: colors.strong, fontSize: 11, fontWeight: 600 },
      emphasis: { disabled: true },
      triggerLineEvent: true,
      markLine:
        at === 0 && target !== null
          ? { silent: true, symbol: "none", label: { formatter: data.target.label, position: "insideStartTop", color: colors.text, fontSize: 11 }, lineStyle: { color: colors.text, type: [3, 3], width: 1 }, data: [{ yAxis: target }] }
          : undefined,
    })),
  };
}
