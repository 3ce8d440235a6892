// The first run: the browser knows where it is, and says so until somebody says otherwise.
export function watchStart() {
  const field = document.querySelector("[data-guess-zone]");
  if (!field) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = [...field.list.options].some((option) => option.value === zone);
  if (known && field.value === field.defaultValue) field.value = zone;
}
