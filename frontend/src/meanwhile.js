// What somebody did since a question was asked stands in its answer: a field that was typed into, chosen or ticked, a menu that was opened.
// On a slow line an answer comes seconds late, and what it holds of these is older than what the person sees.
const FIELDS = "input:not([type=hidden], [type=file], [type=submit], [type=button]), select, textarea";
const touched = new WeakMap(); // field or menu -> when, in milliseconds of performance.now()
const asked = new WeakMap(); // request -> when
const kept = new WeakMap(); // request -> what to put back after its answer was swapped in
let ours = false;

const ticks = (field) => field.type === "checkbox" || field.type === "radio";
const around = (one) => one.parentElement?.closest("[id]")?.id ?? null;
const name = (one) => (one.matches("details") ? one.querySelector("summary")?.textContent.trim() : [one.type, one.name, ticks(one) ? one.value : ""].join(" "));

// The same field or menu in another version of the page.
function twin(one, root) {
  if (one.id) return root.querySelector(`[id="${CSS.escape(one.id)}"]`);
  const alike = [...root.querySelectorAll(one.matches("details") ? "details" : FIELDS)].filter((other) => !other.id && name(other) === name(one) && around(other) === around(one));
  return alike.length === 1 ? alike[0] : null;
}

const state = (one) => (one.matches("details") ? { open: one.open } : ticks(one) ? { checked: one.checked } : { value: one.value });

// False where it is no longer to be had.
function put(one, said) {
  if ("value" in said && one.tagName === "SELECT" && ![...one.options].some((option) => option.value === said.value)) return false;
  for (const [key, value] of Object.entries(said)) if (one[key] !== value) one[key] = value;
  return true;
}

// A morph leaves standing what a person did before, too: that the answer knows.
function reset(field) {
  if (field.tagName !== "SELECT") put(field, ticks(field) ? { checked: field.defaultChecked } : { value: field.defaultValue });
  else if (!field.multiple) put(field, { value: ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value });
}

// A list that is narrowed while one types: the question for the last letter may have waited in what is gone.
function ask(field) {
  if (!field.form?.getAttribute("hx-trigger")?.includes("input")) return;
  ours = true;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  ours = false;
}

const fits = ({ target, swapSpec }) => target?.querySelectorAll && /^(inner|outer)/.test(swapSpec?.style ?? "");
const morphs = ({ swapSpec }) => swapSpec.style.endsWith("Morph");

// What was done in the target since the question was asked: [what stands in the answer, what the person made of it].
function since(when, task) {
  const found = [];
  for (const one of task.target.querySelectorAll(`${FIELDS}, details.menu`)) {
    const next = touched.get(one) > when ? twin(one, task.fragment) : null;
    if (!next) continue;
    if (!morphs(task)) put(next, state(one));
    found.push([morphs(task) ? one : next, state(one)]);
  }
  return found;
}

export function watchMeanwhile() {
  const touch = ({ target, timeStamp }) => !ours && target.matches?.(FIELDS) && touched.set(target, timeStamp);
  for (const kind of ["input", "change"]) document.addEventListener(kind, touch, true);
  document.addEventListener("click", ({ target, timeStamp }) => {
    const menu = target.closest?.("summary")?.closest("details.menu");
    if (menu) touched.set(menu, timeStamp);
  }, true);
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => asked.set(ctx, performance.now()));
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (event.defaultPrevented) return;
    const fitting = tasks.filter(fits);
    kept.set(ctx, { done: fitting.flatMap((task) => since(asked.get(ctx), task)), morphed: fitting.filter(morphs).map(({ target }) => target) });
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    const { done, morphed } = kept.get(ctx) ?? { done: [], morphed: [] };
    const again = new Map(done.map(([one, said]) => [one.isConnected ? one : twin(one, document), said]));
    for (const root of morphed) for (const field of root.querySelectorAll(FIELDS)) if (!again.has(field)) reset(field);
    for (const [one, said] of again) {
      if (!one) continue;
      if (!put(one, said)) reset(one);
      else if ("value" in said) ask(one);
    }
  });
}
