"""A condition put together by clicking: one test at a time, added to what stands in the field. The line that comes of it is the condition itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.conditions.checking import Field
from laer.conditions.faults import ConditionFault
from laer.conditions.reading import parse
from laer.conditions.tree import All, canonical
from laer.conditions.writing import quoted, to_line
from laer.cycle.own_measures import Measures
from laer.metrics.catalogue import MOTIONS
from laer.web.book.definitions import measures
from laer.web.pages import measure_words as words
from laer.web.people.company import firm
from laer.web.runs import fact_filters
from laer.web.runs.condition_words import fault_text
from laer.web.wording import gettext_lazy

SORTS = {
    "fact": gettext_lazy("What is known"), "change": gettext_lazy("What changed"), "lasted": gettext_lazy("What lasted"),
    "happened": gettext_lazy("What happened"), "absent": gettext_lazy("What did not happen"), "there": gettext_lazy("What belongs to it"),
}  # fmt: skip
PRESENT = {"is known": gettext_lazy("is known"), "is unknown": gettext_lazy("is unknown")}
COMPARED = {"<": gettext_lazy("is below"), "<=": gettext_lazy("is at most"), ">": gettext_lazy("is above"), ">=": gettext_lazy("is at least"),
    "=": gettext_lazy("is"), "!=": gettext_lazy("is not")}  # fmt: skip
OPERATORS: dict[str, Mapping[str, Any]] = {
    "number": COMPARED | PRESENT, "money": COMPARED | PRESENT,
    "text": {"is": gettext_lazy("is"), "is not": gettext_lazy("is not"), "contains": gettext_lazy("contains")} | PRESENT,
    "flag": {"= yes": gettext_lazy("yes"), "= no": gettext_lazy("no")} | PRESENT,
    "date": {
        "within": gettext_lazy("in the next days"), "within last": gettext_lazy("in the last days"), "older than": gettext_lazy("more than days ago"),
        "before": gettext_lazy("before"), "after": gettext_lazy("after"),
    } | PRESENT,
}  # fmt: skip
TURNS = {"fell by": gettext_lazy("fell by"), "rose by": gettext_lazy("rose by")}
TIMES = {"at least": gettext_lazy("at least"), "at most": gettext_lazy("at most"), "exactly": gettext_lazy("exactly")}
IN_DAYS = ("within", "within last", "older than")
ALONE = (*PRESENT, "= yes", "= no")  # operators that ask for no value
DAYS, LONGEST = 30, 2_000


@require_safe
def builder(request: HttpRequest) -> HttpResponse:
    """The controls for what has been chosen so far; `add` puts the test at the end of the condition."""
    given, where = request.GET, request.GET.get("where", "")[:LONGEST]
    there = measures()
    context = controls(given, there) | {"where": where, "said": None, "faults": []}
    if "add" in given:
        line, context["faults"] = added(where, line_of(given, there), there)
        context["where"] = line
    context["said"] = _said(context["where"], there)
    return render(request, "parts/condition_builder.html", context)


def line_of(given: Mapping[str, str], there: Measures) -> str:
    """The test that the controls say, as a line. What is missing stays out, and the reading says so."""
    sort, name, value = _sort(given), given.get("name", ""), given.get("value", "").strip()
    days = given.get("days", "").strip() or str(DAYS)
    if sort == "happened":
        return f"{name} {given.get('op', 'at least')} {value or 1} times in {days} d"
    if sort == "absent":
        return f"no {name} in {days} d"
    if sort == "there":
        return f"{'no' if given.get('op') == 'no' else 'any'} {name}"
    if sort == "change":
        share = " %" if given.get("unit", "%") == "%" else ""
        return f"{name} {given.get('op', 'fell by')} {value}{share} in {days} d"
    kind, operator = there[name].kind if name in there else "number", given.get("op", "")
    share = " %" if given.get("unit") == "%" else ""
    said = "" if operator in ALONE else f" {quoted(value)}" if kind == "text" and value else f" {value}{share}" + (" d" if operator in IN_DAYS else "")
    return f"{name} {operator}{said}" + (f" for {days} d" if sort == "lasted" else "")


def added(where: str, line: str, there: Measures) -> tuple[str, list[str]]:
    """The condition with one more test that must hold, and what is wrong with that test; a condition that does not read yet is left as it is."""
    vocabulary = fact_filters.vocabulary(there)
    try:
        test = parse(line, vocabulary)
        before = parse(where, vocabulary) if where.strip() else None
    except ConditionFault as fault:
        return where, [fault_text(one) for one in fault.faults]
    return to_line(test if before is None else canonical(All((before, test)))), []


def _sort(given: Mapping[str, str]) -> str:
    return given["sort"] if given.get("sort") in SORTS else "fact"


def controls(given: Mapping[str, str], there: Measures) -> dict[str, Any]:
    """What may be chosen, given what was: `parts/condition_builder.html`."""
    sort, vocabulary = _sort(given), fact_filters.vocabulary(there)
    named: Mapping[str, str] | None = {"happened": vocabulary.records, "absent": vocabulary.records, "there": vocabulary.related}.get(sort)
    if named is not None:
        names: list[dict[str, Any]] = [{"title": "", "options": [{"id": one, "label": label} for one, label in named.items()]}]
        known: list[str] = list(named)
    else:
        names = _fields(vocabulary.fields, there, numeric=sort == "change")
        known = [one["id"] for group in names for one in group["options"]]
    name = given["name"] if given.get("name") in known else known[0]
    field = vocabulary.fields.get(name)
    of_sort: dict[str, Mapping[str, Any]] = {
        "happened": TIMES, "absent": {}, "there": {"any": _("there is one"), "no": _("there is none")}, "change": TURNS,
    }  # fmt: skip
    operators = of_sort.get(sort, OPERATORS[field.kind] if field else {})
    if sort == "lasted":  # days that are counted from today cannot last
        operators = {one: label for one, label in operators.items() if one not in IN_DAYS}
    operator = given["op"] if given.get("op") in operators else next(iter(operators), "")
    share = field is not None and field.kind == "number" and field.unit in ("", "%")
    return {
        "sorts": [{"id": one, "label": label, "active": one == sort} for one, label in SORTS.items()], "sort": sort, "names": names, "name": name,
        "operators": [{"id": one, "label": label, "active": one == operator} for one, label in operators.items()],
        "asks_value": bool(operator) and sort not in ("absent", "there") and operator not in ALONE,
        "choices": [{"id": word, "label": words.text(word)} for word in field.words] if field and sort in ("fact", "lasted") else [],
        "value": given.get("value", ""), "is_date": operator in ("before", "after"),
        "units": [{"id": "%", "label": "%"}, {"id": "", "label": _unit(field)}] if sort == "change" or (share and field and field.unit == "%") else [],
        "unit": given.get("unit", "%"), "after": _("days") if operator in IN_DAYS else _("times") if sort == "happened" else "",
        "asks_days": sort in ("change", "lasted", "happened", "absent"), "days": given.get("days", "") or DAYS,
        "days_label": _("days in a row") if sort == "lasted" else _("within days"),
    }  # fmt: skip


def _unit(field: Field | None) -> str:
    if field is None or field.unit == "%":
        return _("as a number")
    return words.text(field.unit) or words.KINDS[field.kind]


def _fields(fields: Mapping[str, Field], there: Measures, numeric: bool) -> list[dict[str, Any]]:
    """By motion, in the order of the catalogue."""
    groups: dict[str, list[dict[str, str]]] = {motion: [] for motion in MOTIONS}
    for one in there.values():
        if one.id in fields and (not numeric or one.kind in ("number", "money")):
            groups[one.motion].append({"id": one.id, "label": fields[one.id].label})
    return [{"title": words.MOTIONS[motion], "options": options} for motion, options in groups.items() if options]


def _said(where: str, there: Measures) -> str | None:
    """The condition in words; None where it does not read."""
    try:
        found = parse(where, fact_filters.vocabulary(there))
    except ConditionFault:
        return None
    return fact_filters.said(to_line(found), firm().currency)


urlpatterns = [path("conditions/builder/", builder, name="condition_builder")]
