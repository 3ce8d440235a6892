// [data-copy]: the address of this page with its filters, or the text in the attribute, to the clipboard.
import { toast } from "./toasts.js";

export function watchCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    button.closest("details.menu")?.removeAttribute("open");
    try {
      await navigator.clipboard.writeText(button.dataset.copy || location.href);
      toast({ text: button.dataset.copied || "Link copied", level: "good" });
    } catch {
      toast({ text: "The browser does not allow copying here. Copy the address from the address bar.", level: "warn" });
    }
  });
}
