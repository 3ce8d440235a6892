// [data-chart-csv="id of a chart's json_script"]: what the chart draws as a file, with exact values and ISO days, as the exports of lists have them.
import { word } from "./words.js";

const RUNS = /^[=+\-@\t\r]/; // what a spreadsheet would take for a formula, as pages/exports.py has it
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;
const DAY = /^\d{4}-\d{2}(-\d{2})?$/;

function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = RUNS.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function rows(data) {
  const named = (name) => (data.currency && (data.unit ?? "money") === "money" ? `${name} (${data.currency})` : name);
  if (data.bars) return [[word("csv_step"), named(word("csv_amount"))], ...data.bars.map(({ label, kind, value }) => [label, kind === "down" && NUMBER.test(value) && Number(value) ? `-${value}` : value])];
  if (data.links) {
    const name = Object.fromEntries(data.nodes.map((node) => [node.id, node.name]));
    return [[word("csv_from"), word("csv_to"), named(word("csv_amount"))], ...data.links.map(({ source, target, value }) => [name[source], name[target], value])];
  }
  if (data.cells) {
    const at = new Map(data.cells.map(({ row, column, value }) => [`${row} ${column}`, value]));
    return [[data.row_title ?? word("cohort"), ...data.columns], ...data.rows.map((title, row) => [title, ...data.columns.map((_, column) => at.get(`${row} ${column}`))])];
  }
  const series = [...data.series, ...(data.line ? [data.line] : [])];
  const over = word(data.x.every((text) => DAY.test(text)) ? "csv_period" : "csv_value");
  return [[over, ...series.map(({ name }) => named(name))], ...data.x.map((x, at) => [x, ...series.map(({ values }) => values[at])])];
}

export function watchChartFiles() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chart-csv]");
    if (!button) return;
    const data = JSON.parse(document.getElementById(button.dataset.chartCsv).textContent);
    const text = rows(data).map((row) => row.map(cell).join(",") + "\r\n").join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = [...location.pathname.split("/"), button.dataset.chartCsv.replace(/-(data|chart)$/, "")].filter(Boolean).join("-") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
