import { locale } from "../reader.js";
import { word } from "../words.js";

// Decimals travel through JSON as text, so every value passes here before it is drawn. Missing stays missing.
export function number(value) {
  if (value === null || value === undefined || value === "") return null;
  const read = Number(value);
  return Number.isFinite(read) ? read : null;
}

function compact(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return [value / 1e9, "B", 2];
  if (size >= 1e6) return [value / 1e6, "M", size >= 1e7 ? 1 : 2];
  if (size >= 1e3) return [value / 1e3, "k", size >= 1e5 ? 0 : 1];
  return [value, "", 0];
}

// unit: money | percent | number. `sign` writes a plus or a minus in front, so that the direction needs no colour.
export function say(value, { unit = "number", currency = "USD", sign = false, whole = false } = {}) {
  if (value === null) return word("unknown");
  const signDisplay = sign ? "exceptZero" : "auto";
  if (unit === "percent") {
    const digits = whole ? 0 : 1;
    return new Intl.NumberFormat(locale(), { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay }).format(value);
  }
  if (unit === "money") {
    const [scaled, letter, most] = compact(value);
    const digits = whole && letter !== "M" && letter !== "B" ? 0 : most;
    const parts = new Intl.NumberFormat(locale(), { style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay }).formatToParts(scaled);
    const last = parts.findLastIndex(({ type }) => type === "integer" || type === "fraction");
    return parts.map(({ value: text }, at) => (at === last ? text + letter : text)).join("").replace("-", "−");
  }
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: 1, signDisplay }).format(value);
}

// As the table says it: to the unit, no letters.
export function exactly(value, { unit = "number", currency = "USD" } = {}) {
  if (value === null) return word("unknown");
  if (unit === "money") return new Intl.NumberFormat(locale(), { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(value);
  if (unit === "percent") return new Intl.NumberFormat(locale(), { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);
  return new Intl.NumberFormat(locale()).format(value);
}
