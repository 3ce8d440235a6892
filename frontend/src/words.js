// What the scripts say, in the reader's language: templatetags/script_words.py puts it into every page of the shell.
let words;

export function word(key, values = {}) {
  words ??= JSON.parse(document.getElementById("words")?.textContent ?? "{}");
  return (words[key] ?? key).replace(/%\((\w+)\)s/g, (whole, name) => String(values[name] ?? whole));
}
