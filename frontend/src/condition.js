// form[data-condition-test]: Add puts the test that stands in the controls at that moment to the end of the condition in #filter-where. One after the
// other, however slow the answers: a second test comes after what the first has made, and what was typed into the text meanwhile is kept.
import htmx from "htmx.org";

const area = () => document.getElementById("filter-where");
let turn = Promise.resolve(true); // whether every test so far was added
let waiting = 0;

async function add(url, test) {
  const question = {};
  do {
    Object.assign(question, { text: area()?.value, stale: false, added: false });
    if (question.text === undefined) return false; // the page went on without it
    await htmx.ajax("GET", `${url}?${new URLSearchParams([...test, ["add", "1"]])}`, { source: area(), target: "#condition-text", select: "#condition-text", swap: "outerMorph", question });
  } while (question.stale);
  return question.added;
}

export function watchCondition() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-condition-test]")) {
      const test = [...new FormData(form)];
      event.preventDefault();
      event.stopImmediatePropagation();
      const before = waiting ? turn : Promise.resolve(true);
      waiting += 1;
      turn = before.then(async (all) => (await add(form.action, test)) && all).finally(() => (waiting -= 1));
    } else if (waiting && form.contains(area())) {
      // With what is still being added; where that could not be, the person sees why.
      event.preventDefault();
      event.stopImmediatePropagation();
      turn.then((all) => all && form.isConnected && form.requestSubmit(event.submitter));
    }
  }, true);
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (!ctx.question || ctx.swap === "none") return;
    ctx.question.stale = area()?.value !== ctx.question.text; // typed meanwhile: asked again with what stands there now
    ctx.question.added = !tasks[0].fragment.querySelector(".errorlist");
    if (ctx.question.stale) event.preventDefault();
  });
}
