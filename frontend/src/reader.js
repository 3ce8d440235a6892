// How this reader's numbers and days are written, as <html> says it: the server writes them the same way.
const { documentElement: root } = document;

export const language = () => root.lang || "en";
export const locale = () => root.dataset.locale || language();
export const zone = () => root.dataset.zone || "UTC";

// Months have names in the language of the texts; their order is that of the reader's country.
export function worded() {
  const { region } = new Intl.Locale(locale());
  return region ? `${language().split("-")[0]}-${region}` : locale();
}
