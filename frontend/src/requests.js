// Every htmx request: the CSRF token on writes, the line of progress at the top, a word when something fails.
import { word } from "./words.js";
import { toast } from "./toasts.js";

// These carry a body meant for the page (a form with its errors, a conflict); the others are error pages and are not swapped in.
const SWAPPED_ERRORS = new Set([400, 409, 422]);

const WAITS = 150; // ms: what takes longer shows bars in the place of what was there (`.is-waiting`), of the same size, so that nothing jumps
const waiting = new WeakMap();

let running = 0;
let timer;

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

function progress(step) {
  const line = document.getElementById("progress-line");
  if (!line) return;
  running = Math.max(0, running + step);
  clearTimeout(timer);
  if (running > 0) {
    // Answers within 120 ms show no progress at all.
    timer = setTimeout(() => {
      line.classList.remove("is-done");
      line.classList.add("is-on");
    }, 120);
  } else if (line.classList.contains("is-on")) {
    line.classList.replace("is-on", "is-done");
    timer = setTimeout(() => line.classList.remove("is-done"), 500);
  }
}

export function watchRequests() {
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (!/^(GET|HEAD|OPTIONS)$/i.test(ctx.request.method)) ctx.request.headers["X-CSRFToken"] = csrfToken();
  });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.closest?.("[data-quiet]")) ctx.quiet = true;
    else progress(1);
    if (!ctx.target?.matches?.("[data-dims]")) return;
    ctx.target.classList.add("is-loading");
    clearTimeout(waiting.get(ctx.target));
    waiting.set(ctx.target, setTimeout(() => ctx.target.classList.add("is-waiting"), WAITS));
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (!ctx.quiet) progress(-1);
    clearTimeout(waiting.get(ctx.target));
    ctx.target?.classList?.remove("is-loading", "is-waiting");
  });
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    const { status } = ctx.response;
    if (SWAPPED_ERRORS.has(status)) return;
    ctx.swap = "none";
    if (status === 401) location.reload();
    toast({ text: word([403, 404, 429].includes(status) ? `status_${status}` : "status_other", { status }), level: "bad" });
  });
  document.addEventListener("htmx:error", ({ detail }) => {
    if (detail.ctx?.request) toast({ text: word("no_answer"), level: "bad" });
  });
}
