// {"unit": "percent|money|number", "currency": "USD", "rows": ["2026-01", …], "row_notes": ["24", …], "row_title": "Cohort", "columns": ["0", "1", …],
//  "cells": [{"row": 0, "column": 0, "value": 1.0, "url": "/…"}]}
// Every cell carries its number where there is room, so the colour only repeats it. A missing cell is left empty.
import { exactly, number, say } from "./numbers.js";
import { axisText, moment, tooltip } from "./palette.js";
import { word } from "../words.js";

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const readable = (fill) => (luminance(fill) > 0.19 ? "#0d1324" : "#ffffff");

export function heatmap(data, colors, width) {
  const unit = { unit: data.unit, currency: data.currency };
  const cells = data.cells.map((cell) => ({ ...cell, value: number(cell.value) })).filter(({ value }) => value !== null);
  const values = cells.map(({ value }) => value);
  const low = data.unit === "percent" ? Math.min(0.5, ...values) : 0;
  const high = Math.max(data.unit === "percent" ? 1 : 1e-9, ...values);
  const shade = (value) => colors.heat[Math.min(5, Math.max(0, Math.floor(((value - low) / (high - low || 1)) * 5.999)))];
  const room = (width - 110) / data.columns.length;
  const fits = room >= (data.unit === "money" ? 40 : 27);
  return {
    grid: { left: 6, right: 6, top: 26, bottom: 4, containLabel: true },
    tooltip: tooltip(
      colors,
      ({ data: { row, column, exact, url } }) => `${data.row_title ?? word("cohort")} ${moment(data.rows[row])}${data.row_notes?.[row] ? `, ${word("cohort_first", { count: data.row_notes[row] })}` : ""}\n${word("cohort_month", { count: data.columns[column] })}: ${exactly(exact, unit)}${url ? `\n${word("click_accounts")}` : ""}`,
      "item",
    ),
    xAxis: { type: "category", position: "top", data: data.columns, name: data.column_title ?? word("cohort_axis"), nameLocation: "middle", nameGap: 26, nameTextStyle: { color: colors.text, fontSize: 11 }, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { ...axisText(colors), hideOverlap: true } },
    yAxis: { type: "category", inverse: true, data: data.rows, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { ...axisText(colors), formatter: (text, at) => moment(text, { tight: width <= 520 }) + (data.row_notes?.[at] && width > 520 ? `  ·  ${data.row_notes[at]}` : "") } },
    series: [
      {
        type: "heatmap",
        data: cells.map(({ row, column, value, url }) => ({
          value: [column, row, value],
          row,
          column,
          exact: value,
          url,
          itemStyle: { color: shade(value), borderColor: colors.surface, borderWidth: 2, borderRadius: 5 },
          label: { show: fits, color: readable(shade(value)) },
        })),
        label: { fontSize: room < 34 ? 9.5 : 10.5, formatter: ({ data: { exact } }) => (data.unit === "percent" ? String(Math.round(exact * 100)) : say(exact, unit)) },
        emphasis: { itemStyle: { borderColor: colors.strong, borderWidth: 1.5 } },
      },
    ],
    visualMap: { show: false, min: low, max: high, inRange: { color: colors.heat }, seriesIndex: [] },
  };
}
