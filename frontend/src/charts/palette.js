import { worded } from "../reader.js";

// The colours of the theme in force, read from the CSS variables.
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    total: read("chart-total"),
    up: read("chart-up"),
    down: read("chart-down"),
    series: [1, 2, 3, 4, 5, 6].map((n) => read(`chart-${n}`)),
    tones: { good: read("chart-up"), info: read("chart-2"), warn: read("chart-3"), bad: read("chart-down"), none: read("chart-text"), settled: read("chart-1") },
    grid: read("chart-grid"),
    text: read("chart-text"),
    strong: read("chart-strong"),
    area: read("chart-area"),
    surface: read("chart-surface"),
    line: read("line-2"),
    heat: [0, 1, 2, 3, 4, 5].map((n) => read(`heat-${n}`)),
  };
}

export const axisText = (colors) => ({ color: colors.text, fontSize: 11 });

export function tooltip(colors, formatter, trigger = "axis") {
  return {
    trigger,
    renderMode: "richText", // an HTML tooltip would need inline style, which the CSP refuses
    confine: true,
    backgroundColor: colors.surface,
    borderColor: colors.line,
    borderWidth: 1,
    padding: [8, 11],
    textStyle: { color: colors.strong, fontSize: 12, lineHeight: 18, fontFamily: getComputedStyle(document.body).fontFamily },
    axisPointer: { type: trigger === "axis" ? "line" : "none", lineStyle: { color: colors.line } },
    formatter,
  };
}

// Labels at even steps, counted back from the newest, as many as there is room for.
export const steps = (count, width, each = 64) => {
  const step = Math.max(1, Math.ceil(count / Math.max(2, Math.floor((width - 60) / each))));
  return (at) => (count - 1 - at) % step === 0;
};

// A month or a day as the axis says it; anything that is no ISO date is shown as given. A year of two digits would read as a day
// ("Mar 25"), so it is only for where there is no room.
export function moment(text, { long = false, tight = false } = {}) {
  const match = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(text);
  if (!match) return String(text);
  const date = new Date(Date.UTC(+match[1], +match[2] - 1, +(match[3] ?? 1)));
  const parts = match[3] ? { day: "numeric", month: "short", ...(long && { year: "numeric" }) } : { month: "short", year: tight ? "2-digit" : "numeric" };
  return new Intl.DateTimeFormat(worded(), { timeZone: "UTC", ...parts }).format(date);
}
