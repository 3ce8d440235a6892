import { locale } from "./reader.js";

// [data-drop-zone]: files dropped on it go into its file field; [data-file-list] names what was chosen.
function size(bytes) {
  const unit = bytes >= 1e6 ? ["megabyte", 1e6] : ["kilobyte", 1e3];
  return new Intl.NumberFormat(locale(), { style: "unit", unit: unit[0], unitDisplay: "short", maximumFractionDigits: 1 }).format(bytes / unit[1]);
}

function list(field) {
  const place = field.form?.querySelector("[data-file-list]");
  if (!place) return;
  place.replaceChildren(
    ...[...field.files].map((file) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      name.className = "strong break";
      name.textContent = file.name;
      const note = document.createElement("span");
      note.className = "muted num";
      note.textContent = size(file.size);
      row.append(name, note);
      return row;
    }),
  );
  for (const button of field.form.querySelectorAll("[data-needs-file]")) button.disabled = field.files.length === 0;
}

export function watchUploads() {
  for (const field of document.querySelectorAll("[data-drop-zone] input[type=file]")) list(field);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-drop-zone] input[type=file]")) list(event.target);
  });
  for (const kind of ["dragover", "dragenter", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const zone = event.target.closest?.("[data-drop-zone]");
      if (!zone) return;
      event.preventDefault();
      zone.classList.toggle("is-over", kind === "dragover" || kind === "dragenter");
      if (kind !== "drop" || !event.dataTransfer.files.length) return;
      const field = zone.querySelector("input[type=file]");
      field.files = event.dataTransfer.files;
      list(field);
    });
  }
}
