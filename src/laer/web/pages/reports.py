"""The report builder: one measure, split by a dimension, over months. The address is the report; it is saved, shared and pinned to Home as a view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.cycle.company import company_catalogue
from laer.metrics.catalogue import MOTIONS
from laer.records.periods import first_day, month_name, month_number
from laer.web.pages import measure_words as words
from laer.web.pages import motion, report_rows
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.data_firm_measure import dimensions_of, unit_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.lists import SAVED, List, opened, register, url_of
from laer.web.pages.motion import MONEY, Asked, Line, meaning_of_measure, said
from laer.web.pages.motion_accounts import state_of
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.people.models import SavedView, User
from laer.web.people.roles import Refused
from laer.web.people.saved_views import views_for
from laer.web.runs import reporting
from laer.web.runs.measured import firm_missing
from laer.web.runs.models import PassRun
from laer.web.runs.queries import currency_of
from laer.web.runs.reporting import Report, adds_up
from laer.web.templatetags.laer import month as month_text
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy
from laer.web.work import pins

FIRST = "mrr_firm"
KINDS = {"lines": gettext_lazy("Lines"), "bars": gettext_lazy("Columns"), "table": gettext_lazy("Table")}
SPANS = ("12", "6", "24", "36")  # months
DRAWN = 6  # values of a split in a chart; the table has all
DASHES = ("solid", "dashed", "dotted", "dashdot", "solid", "dashed")
REPORTS = register(List(pins.PAGE, "report", {}, ("measure", "by", "months", "kind", TEAM)))


@dataclass(frozen=True)
class Built:
    """What the address asks for: a measure, a dimension or None, months, and how it is drawn."""

    measure: str
    by: str | None
    months: int
    kind: str
    dimensions: Mapping[str, Any]
    asked: Asked

    @property
    def one(self) -> Any:
        return company_catalogue()[self.measure]


@require_safe
@as_then
def report(request: HttpRequest, then: Then) -> HttpResponseBase:
    """A report: a measure of the firm by month and dimension, drawn and as a table; every point opens to its rows."""
    user, run, looked = user_of(request), then.run, looked_at(request)
    tools = opened(request, user, REPORTS)
    if tools.elsewhere:
        return tools.elsewhere
    built = _built(request, user, then)
    if "measure" not in request.GET:
        return redirect(_whole_address(built, request))
    missing = firm_missing(run, built.measure)
    found = None if run is None or missing else reporting.report_of(run, looked.scope, built.measure, built.by, _months(run, built.months))
    currency = currency_of(run)
    if (form := format_of(request)) and run is not None:
        return _download(built, found, run, form)
    context = {
        "title": words.text(built.one.name), "built": built, "meaning": meaning_of_measure(built.measure), "team_chip": looked.chip(built.asked),
        "state": state_of(run, looked.scope, then, _said_of(built)) | {"whose": looked.whose}, "form": _form(built, user),
        "missing": words.missing_text(request, missing) if missing else None,
        "chart": None if found is None or built.kind == "table" else _chart(built, found, currency),
        "table": None if found is None else _table(built, found, currency), "saved": _saved(request, user),
        "download_url": built.asked.url(format="csv") if found else None, "address": built.asked.url(),
        "chart_id": f"pin-data-{_saved_id(request) or 0}", **tools.context,
    } | then.context(request, built.asked.url())  # fmt: skip
    return render(request, "pages/report.html#pin" if request.GET.get("part") == "pin" else "pages/report.html", context)


def _built(request: HttpRequest, user: User, then: Then) -> Built:
    given = request.GET.get("measure", FIRST)
    if given in reporting.RESTRICTED and not user.may_see_costs:
        raise PermissionDenied
    allowed = reporting.measures_for(user)
    measure = given if given in allowed else FIRST
    dimensions = dimensions_of(company_catalogue()[measure])
    choices = {"measure": (measure,), "by": ("", *dimensions), "months": SPANS, "kind": tuple(KINDS)}
    asked = Asked(request, "report", choices, (TEAM,), then.query)
    asked.usual = {}  # the address says the whole report, what is usual too
    return Built(measure, asked["by"] or None, int(asked["months"]), asked["kind"], dimensions, asked)


def _whole_address(built: Built, request: HttpRequest) -> str:
    saved = request.GET.get(SAVED)
    address = built.asked.url()
    return f"{address}&{urlencode({SAVED: saved})}" if saved and f"{SAVED}=" not in address else address


def _months(run: PassRun, n: int) -> tuple[int, ...]:
    last = month_number(run.as_of)
    return tuple(range(last - n + 1, last + 1))


def _said_of(built: Built) -> str:
    months = ngettext("%(n)s month", "%(n)s months", built.months) % {"n": number(built.months)}
    return _("%(months)s by %(dimension)s") % {"months": months, "dimension": str(built.dimensions[built.by]).lower()} if built.by else months


def _form(built: Built, user: User) -> dict[str, Any]:
    """The choices: measures by motion, dimensions of the measure, months, kinds."""
    catalogue, allowed = company_catalogue(), reporting.measures_for(user)
    groups = [
        {"title": words.MOTIONS[group], "options": [{"value": name, "label": words.text(catalogue[name].name), "on": name == built.measure}
                                                    for name in allowed if catalogue[name].motion == group]}
        for group in ("base", *(one for one in MOTIONS if one != "base"))
    ]  # fmt: skip
    return {
        "groups": [group for group in groups if group["options"]],
        "by": [{"value": "", "label": _("nothing"), "on": built.by is None}]
        + [{"value": name, "label": title, "on": name == built.by} for name, title in built.dimensions.items()],
        "months": [{"value": span, "label": _("%(n)s months") % {"n": number(int(span))}, "on": int(span) == built.months} for span in sorted(SPANS, key=int)],
        "kinds": [{"value": name, "label": title, "on": name == built.kind} for name, title in KINDS.items()],
        "team": built.asked[TEAM], "saved": built.asked.carried,
    }  # fmt: skip


def _point(built: Built, month: int, value: str | None) -> str:
    query = {"measure": built.measure, "first": month_name(month), "last": month_name(month), TEAM: built.asked[TEAM], **built.asked.then}
    if value is not None:
        query |= {"by": built.by or "", "value": value or report_rows.NOT_SAID}
    return f"{reverse('report_behind')}?{urlencode({k: v for k, v in query.items() if v})}"


def _chart(built: Built, found: Report, currency: str) -> dict[str, Any]:
    """The six largest values. Parts that do not add up are never stacked."""
    unit = unit_of(built.one)
    stacked = built.kind == "bars" and (built.by is None or adds_up(built.measure))
    lines = [
        Line(_name(value) if built.by else words.text(built.one.name), [amount.amount for amount in found.of(value)], DASHES[at] if not stacked else "solid",
             [_point(built, month, value) for month in found.months])
        for at, value in enumerate(found.values[:DRAWN])
    ]  # fmt: skip
    note = _("the %(n)s largest; the table has all") % {"n": number(DRAWN)} if len(found.values) > DRAWN else ""
    if built.kind == "bars" and not stacked:
        note = " ".join(part for part in (_("drawn as lines: these parts do not add up"), note) if part)
    made = motion.trend("report", words.text(built.one.name), found.months, lines, unit, currency)
    return {"kind": "bars" if stacked else "lines", "data": made["data"], "note": note}


def _name(value: str | None) -> str:
    return value or _("not said")


def _table(built: Built, found: Report, currency: str) -> dict[str, Any]:
    """Months as rows, the newest first; the values as columns, and the whole."""
    unit = unit_of(built.one)

    def cell(amount: reporting.Amount, month: int, value: str | None) -> dict[str, Any]:
        text, exact = said(amount.amount, unit, currency)
        return {"text": text, "title": exact, "url": _point(built, month, value) if amount.amount is not None else None,
                "label": words.text(built.one.name) if value is None else _name(value)}  # fmt: skip

    values = found.values if built.by else ()
    rows = [
        {"month": first_day(month), "cells": [*(cell(found.found.get((value, month), reporting.NOTHING), month, value) for value in values),
                                              cell(found.whole.get(month, reporting.NOTHING), month, None)]}
        for month in reversed(found.months)
    ]  # fmt: skip
    heads = [*(_name(value) for value in values), _("Whole") if built.by else words.text(built.one.name)]
    return {"heads": heads, "rows": rows, "any": any(one.amount is not None for one in found.whole.values())}


def _saved(request: HttpRequest, user: User) -> dict[str, Any] | None:
    """The open report as it is saved: whether it is on the person's Home."""
    number_ = _saved_id(request)
    view = views_for(user, pins.PAGE).filter(pk=number_).first() if number_ else None
    if view is None:
        return None
    return {"name": view.name, "pinned": any(one.pk == view.pk for one in pins.pinned_views(user)), "pin_url": reverse("report_pin", args=[view.pk])}


def _saved_id(request: HttpRequest) -> int | None:
    text = request.GET.get(SAVED, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _download(built: Built, found: Report | None, run: PassRun, form: str) -> HttpResponseBase:
    """A row per month and value; the whole has none."""
    currency, money = run.currency, unit_of(built.one) == MONEY

    def told(amount: reporting.Amount) -> Any:
        value = None if amount.amount is None else Decimal(f"{amount.amount:.12g}")
        return Money(value, currency) if money else value

    def cells() -> Iterator[tuple[Any, ...]]:
        for month in found.months if found else ():
            for value in found.values if found and built.by else ():
                amount = found.found.get((value, month), reporting.NOTHING)  # type: ignore[union-attr]
                yield (first_day(month), value or None, told(amount), amount.n)
            whole = found.whole.get(month, reporting.NOTHING)  # type: ignore[union-attr]
            yield (first_day(month), "TOTAL" if built.by else None, told(whole), whole.n)

    header = ("month", built.by or "value", built.measure, "rows")
    return export(f"{built.measure}{f'-by-{built.by}' if built.by else ''}-{run.as_of}", header, cells(), form)


@require_POST
def pin(request: HttpRequest, view_id: int) -> HttpResponse:
    """Put a saved report on one's Home, or take it off."""
    user = user_of(request)
    try:
        if request.POST.get("do") == "unpin":
            view: SavedView = pins.unpin_report(user, view_id)
            messages.success(request, _("Report %(name)s is off your Home") % {"name": view.name})
        else:
            view = pins.pin_report(user, view_id)
            messages.success(request, _("Report %(name)s is on your Home") % {"name": view.name})
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("home")
    return redirect("home" if request.POST.get("to") == "home" else f"{reverse('report')}{url_of(view)}")


def months_said(first: int, last: int) -> str:
    """`November 2026`, or from one to another."""
    if first == last:
        return str(month_text(month_name(first)))
    return _("%(first)s to %(last)s") % {"first": month_text(month_name(first)), "last": month_text(month_name(last))}


urlpatterns = [
    path("home/reports/", report, name="report"),
    path("home/reports/behind/", report_rows.behind, name="report_behind"),
    path("home/reports/<int:view_id>/pin/", pin, name="report_pin"),
]
