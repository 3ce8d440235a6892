"""Segments: which accounts belong together, who came and who left? The list, a segment's page with its months, and a condition kept as one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

import yaml
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.cycle.definitions import Known, condition_of, read
from laer.cycle.scope import Scope
from laer.cycle.segments import Named
from laer.records.money import minor_units
from laer.web.book import definitions
from laer.web.book.definitions import may_define
from laer.web.book.models import Definition
from laer.web.book.scope import scope_of
from laer.web.pages.accounts import user_of
from laer.web.pages.data_metrics import state_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.lists import Value, filed
from laer.web.pages.measure_words import missing_text
from laer.web.people.roles import Refused
from laer.web.runs import fact_filters, segment_months, segment_stays
from laer.web.runs.latest import last_run, mark
from laer.web.runs.measured import why_unknown
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.runs.queries import currency_of
from laer.web.templatetags.laer import money, money_short, number, url_with
from laer.web.wording import gettext_lazy

SHOWN = 50
NONE = segment_stays.Unknown(0, False)
memory = Memory(200)
VIEWS = {"members": gettext_lazy("Members"), "entered": gettext_lazy("Entered"), "left": gettext_lazy("Left")}
HEADER = ("account_id", "account", "segment", "owner", "arr", "currency", "from", "until", "entry")


@require_safe
def segments(request: HttpRequest) -> HttpResponseBase:
    """All segments that passes compute, with their members in one's own scope."""
    user, run = user_of(request), last_run()
    scope, currency = scope_of(user), currency_of(run)
    counted = _counted(run, scope)
    unknown = segment_stays.unknown(run, scope)
    known = definitions.known()
    rows = []
    for row in definitions.in_force("segment"):
        if row.status in definitions.IN_USE:
            found, less = counted.get(row.name, segment_stays.Counted()), unknown.get(row.name, NONE)
            there = {"id": row.name, "name": row.title, "trial": row.status == "trial", "minor": found.arr_minor, "currency": currency}
            there |= {"url": reverse("segment", args=[row.name])}
            rows.append(there | _said(row, found, less, currency) | _unsaid(request, run, row, less, known))
    if file := filed(request, f"segments-{run.as_of if run else 'none'}", CELLS, lambda: rows):
        return file
    context = {
        "rows": rows,
        "download_url": request.path if rows else None,
        "lately": segment_stays.LATELY,
        "definitions_url": reverse("definitions") if may_define(user, "segment") else None,
        "new_url": reverse("definition_new", args=["segment"]) if may_define(user, "segment") else None,
        "state": {"shown": ngettext("%(n)s segment", "%(n)s segments", len(rows)) % {"n": number(len(rows))}, **state_of(run, scope.everything)},
    }
    return render(request, "pages/segments.html", context)


CELLS: dict[str, Value] = {
    "segment_id": itemgetter("id"), "segment": lambda row: str(row["name"]), "status": lambda row: "trial" if row["trial"] else "in use",
    "description": lambda row: str(row["description"]), "members": itemgetter("members"),
    "arr": lambda row: Money(_major(row["minor"], row["currency"]), row["currency"]), "currency": itemgetter("currency"),
    "entered": itemgetter("entered"), "left": itemgetter("left"),
}  # fmt: skip


@require_safe
def segment(request: HttpRequest, segment_id: str) -> HttpResponseBase:
    """One segment: who belongs to it, what they pay, who came and who left."""
    user, run, row = user_of(request), last_run(), _row(segment_id)
    scope, currency, name = scope_of(user), currency_of(run), row.name
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "members"
    rows = segment_stays.rows(name, scope, view)
    if form := format_of(request):
        return export(f"{name}-{view}-{run.as_of if run else 'none'}", HEADER, _cells(rows.iterator(2_000), currency), form)
    start = request.GET.get("start", "0")
    begin = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    part = list(rows[begin : begin + SHOWN + 1])
    found = _counted(run, scope).get(name, segment_stays.Counted())
    named = _named(row)
    line = fact_filters.line_of(named.condition) if named else None
    computed = bool(run and PassRun.objects.values_list("position", flat=True).get(pk=run.pk).get("segments", {}).get(name) == (named and named.mark))
    less = segment_stays.unknown(run, scope).get(name, NONE) if computed else NONE
    context = {
        "segment": {
            "id": name, "name": row.title, "description": _description(row), "status": row.status, "trial": row.status == "trial",
            "in_use": row.status in definitions.IN_USE, "condition": fact_filters.words_of(named.condition, currency) if named else None, "line": line,
            "edit_url": reverse("definition", args=["segment", name]) if may_define(user, "segment") else None,
        },
        "computed": computed,
        "figures": _figures(found, less, currency, name),
        "why": _unsaid(request, run, row, less, definitions.known())["why"] if less.accounts else None,
        "nothing_known": less.all,
        "months_url": reverse("segment_months", args=[name]) if computed else None,
        "views": [{"title": title, "url": url_with(request, view=key, start=None), "active": key == view} for key, title in VIEWS.items()],
        "view": view,
        "lately": segment_stays.LATELY,
        "rows": [_account(one, currency) for one in part[:SHOWN]],
        "previous_url": url_with(request, start=max(0, begin - SHOWN) or None) if begin else None,
        "next_url": url_with(request, start=begin + SHOWN) if len(part) > SHOWN else None,
        "list_url": f"{reverse('accounts')}?in={name}",
        "download_url": url_with(request, format="csv", start=None) if part else None,
        "state": state_of(run, scope.everything),
    }  # fmt: skip
    return render(request, "pages/segment.html", context)


@require_safe
def months(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Its members at the end of each month, asked for by the segment's page once that stands."""
    user, run, row = user_of(request), last_run(), _row(segment_id)
    named = _named(row)
    if run is None or named is None:
        raise Http404
    currency = currency_of(run)
    try:
        points = segment_months.months(run, scope_of(user), named.condition)
    except TimeoutError:
        return render(request, "pages/segment_months.html", {"segment": {"name": row.title}, "late": True})
    data = {
        "unit": "number", "currency": currency, "x": [f"{point.day:%Y-%m}" for point in points],
        "series": [{"name": _("Members"), "values": [point.members if point.accounts else None for point in points], "dash": "solid", "area": True}],
    }  # fmt: skip
    rows = [{"day": p.day, "members": p.members, "unknown": p.unknown, "accounts": p.accounts, "arr": money_short(p.arr, currency)} for p in points]
    return render(request, "pages/segment_months.html", {"segment": {"name": row.title}, "rows": rows, "data": data if points else None})


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """The condition of the account list, kept as a segment."""
    user, name = user_of(request), " ".join(request.POST.get("name", "").split())[:80]
    where = request.POST.get("where", "").strip()
    if not may_define(user, "segment"):
        raise PermissionDenied
    text = yaml.safe_dump({"id": _free_id(name), "name": name, "status": "stable", "condition": where}, sort_keys=False, allow_unicode=True, width=1_000)
    try:
        made = definitions.save_definition(user, "segment", text, request.POST.get("reason", ""))
    except definitions.Faulty as faulty:
        messages.error(request, " ".join(fault.text for fault in faulty.read.faults))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        undo = f"undo:{reverse('definition_undo', args=['segment', made.name])}?version={made.version}"
        messages.success(request, _("Segment %(name)s saved; the next pass finds its members") % {"name": made.title}, extra_tags=undo)
        return redirect("segment", made.name)
    return redirect(f"{reverse('accounts')}?{urlencode({'where': where})}")


def _free_id(name: str) -> str:
    """An id made of a name, that no segment has."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")[:50]
    plain = plain if plain[:1].isalpha() else f"segment_{plain}".strip("_")
    taken = set(Definition.objects.filter(kind="segment", name__startswith=plain).values_list("name", flat=True))
    return next(one for n in range(1, len(taken) + 2) if (one := plain if n == 1 else f"{plain}_{n}") not in taken)


def _row(name: str) -> Definition:
    row = definitions.current("segment", name)
    if row is None:
        raise Http404
    return row


def _counted(run: PassRun | None, scope: Scope) -> dict[str, segment_stays.Counted]:
    """Members, ARR, entries and exits of each segment; remembered for the run, as the totals of lists are."""
    if run is None:
        return {}
    found: dict[str, segment_stays.Counted] = memory.get(("counted", scope.key), mark(run), lambda: segment_stays.counted(scope, run.as_of))
    return found


def _named(row: Definition, known: Known | None = None) -> Named | None:
    """As a pass reads it; None where it cannot be read any more. Remembered while neither its text nor the measures that it may name change."""
    known = known or definitions.known()

    def made() -> Named | None:
        found = read("segment", row.text, known, row.name)
        return Named(row.name, row.version, condition_of(found.document, known.measures)) if found.document else None

    named: Named | None = memory.get(("named", row.name), (row.version, row.text, known.measures), made)
    return named


@lru_cache(maxsize=512)
def _described(text: str) -> str:
    return str((yaml.safe_load(text) or {}).get("description", ""))


def _description(row: Definition) -> str:
    return _described(row.text)


def _said(row: Definition, found: segment_stays.Counted, less: segment_stays.Unknown, currency: str) -> dict[str, Any]:
    """Where nothing is known of any account, no member is not 0 members."""
    arr = None if less.all else _major(found.arr_minor, currency)
    return {
        "description": _description(row), "members": None if less.all else found.members, "arr": money_short(arr, currency), "arr_exact": money(arr, currency),
        "entered": None if less.all else found.entered, "left": found.left, "unknown": less.accounts, "hint": _too_little(less),
    }  # fmt: skip


def _too_little(less: segment_stays.Unknown) -> str:
    if less.all:
        return ngettext("of %(n)s account too little is known", "of %(n)s accounts too little is known", less.accounts) % {"n": number(less.accounts)}
    more = ngettext("of %(n)s more too little is known", "of %(n)s more too little is known", less.accounts)
    return more % {"n": number(less.accounts)} if less.accounts else ""


def _unsaid(request: HttpRequest, run: PassRun | None, row: Definition, less: segment_stays.Unknown, known: Known) -> dict[str, Any]:
    """Why too little is known of accounts: the source that the firm lacks, where it lacks one."""
    named = _named(row, known) if run and less.accounts else None
    why = why_unknown(run, named.condition, known.measures) if run and named else None
    return {"why": missing_text(request, why) if why else None}


def _major(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-minor_units(currency))


def _figures(found: segment_stays.Counted, less: segment_stays.Unknown, currency: str, name: str) -> list[dict[str, Any]]:
    arr, days = None if less.all else _major(found.arr_minor, currency), segment_stays.LATELY
    within = ngettext("within %(n)s day", "within %(n)s days", days) % {"n": number(days)}
    return [
        {"label": _("Members"), "value": number(None if less.all else found.members), "hint": _too_little(less), "url": f"{reverse('accounts')}?in={name}"},
        {"label": _("ARR"), "value": money_short(arr, currency), "title": money(arr, currency), "hint": _("of the members")},
        {"label": _("Entered"), "value": number(found.entered), "hint": within, "url": "?view=entered#accounts"},
        {"label": _("Left"), "value": number(found.left), "hint": within, "url": "?view=left#accounts"},
    ]


def _account(one: dict[str, Any], currency: str) -> dict[str, Any]:
    arr = one["account__card__arr_minor"]
    return {
        "name": one["account__name"], "url": reverse("account", args=[one["account_id"]]), "segment": one["account__card__segment"],
        "owner_name": one["account__card__owner_name"], "arr": None if arr is None else _major(arr, currency), "currency": currency,
        "from_on": one["from_on"], "until_on": one["until_on"], "base": one["begins_base"],
    }  # fmt: skip


def _cells(rows: Iterator[dict[str, Any]], currency: str) -> Iterator[list[Any]]:
    for one in rows:
        arr = one["account__card__arr_minor"]
        amount = None if arr is None else Money(_major(arr, currency), currency)
        yield [one["account_id"], one["account__name"], one["account__card__segment"], one["account__card__owner_name"], amount, currency, one["from_on"],
               one["until_on"], not one["begins_base"]]  # fmt: skip


urlpatterns: list[URLPattern] = [
    path("accounts/segments/", segments, name="segments"),
    path("accounts/segment/", save, name="segment_save"),
    path("accounts/segments/<slug:segment_id>/", segment, name="segment"),
    path("accounts/segments/<slug:segment_id>/months/", months, name="segment_months"),
]
