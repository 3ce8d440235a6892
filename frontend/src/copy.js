// [data-copy]: the address of this page with its filters, or the text in the attribute, to the clipboard.
// form[data-keep]: asks for an address that says the same tomorrow, and copies that.
import { toast } from "./toasts.js";
import { word } from "./words.js";

export function watchCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    button.closest("details.menu")?.removeAttribute("open");
    try {
      await navigator.clipboard.writeText(button.dataset.copy || location.href);
      toast({ text: button.dataset.copied || word("copied"), level: "good" });
    } catch {
      toast({ text: word("copy_refused"), level: "warn" });
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-keep]")) return;
    event.preventDefault();
    keep(event.target);
  });
}

async function keep(form) {
  const said = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } }).catch(() => null);
  if (!said || (!said.ok && said.status !== 409)) return form.submit();
  const answer = await said.json();
  if (!said.ok) return toast({ text: answer.said, level: "warn" });
  try {
    await navigator.clipboard.writeText(answer.url);
    toast({ text: answer.said, level: "good" });
  } catch {
    location.assign(answer.url); // its address bar holds what could not be copied
  }
}
