"""Settings, Costs: what each motion cost in each month, and the gross margin of each product. Admins, leads and finance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from laer.metrics.effort import MINUTES
from laer.records.periods import first_day, month_name, month_number, month_of
from laer.web.book import costing
from laer.web.book.actions import Refused
from laer.web.book.costing import KIND_WORDS, MOTION_WORDS, Entered
from laer.web.book.models import Cost, FieldChange, Product
from laer.web.pages.accounts import user_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.settings import frame
from laer.web.pages.work_words import WORK_WORDS
from laer.web.people import company
from laer.web.people.company import firm
from laer.web.people.roles import Refused as UnclearFirm
from laer.web.runs.firm import change_minutes
from laer.web.templatetags.laer import money, money_short, number
from laer.web.templatetags.laer import month as month_text

MONTHS = 12
NEW_LINES = 3  # empty lines of the form
HEADER = ("month", "motion", "kind", "person", "account", "amount", "currency")
Sums = dict[str, Decimal]  # currency -> amount


@require_http_methods(["GET", "HEAD", "POST"])
def costs(request: HttpRequest) -> HttpResponseBase:
    """Twelve months by motion and kind, the form of one of them, and the margins."""
    user = costing.allowed(user_of(request))
    if form := format_of(request):
        return export("costs", HEADER, _cells(), form)
    today = month_number(timezone.localdate())
    month = _month(request.GET.get("month", ""), today)
    error, typed = "", None
    if request.method == "POST":
        month = _month(request.POST.get("month", ""), today)
        lines = _typed(request)
        try:
            change = costing.save_month(user, first_day(month), lines)
        except Refused as refused:
            error, typed = str(refused), lines
        else:
            said = _("Costs of %(month)s saved") if change else _("Costs of %(month)s are as they were")
            _tell(request, said % {"month": month_text(first_day(month))}, change)
            return redirect(_url(month))
    shown = range(max(month, today) - MONTHS + 1, max(month, today) + 1)
    rows = list(Cost.objects.filter(archived_at=None, month__gte=first_day(shown[0]), month__lte=first_day(shown[-1])).select_related("person", "account"))
    context = frame(user, "settings_costs") | _grid(rows, shown, month) | _form(rows, month, typed) | {
        "error": error,
        "margins": _margins(),
        "usual": [{"kind": kind, "label": WORK_WORDS[kind], "minutes": company.firm().minutes[kind], "ships": ships} for kind, ships in MINUTES.items()],
        "usual_ships": dict(company.firm().minutes) == MINUTES,
        "anything": bool(rows) or Cost.objects.filter(archived_at=None).exists(),
        "download_url": f"{reverse('settings_costs')}?format=csv",
        "state": {"shown": _("what each motion cost, month by month"), "note": _("seen by admins, leads and finance")},
    }
    return render(request, "pages/settings_costs.html", context, status=422 if error else 200)


@require_POST
def copy(request: HttpRequest) -> HttpResponse:
    """Enter in a month what the month before has and it has not."""
    user = costing.allowed(user_of(request))
    month = _month(request.POST.get("month", ""), month_number(timezone.localdate()))
    change = costing.copy_month(user, first_day(month))
    before = month_text(first_day(month - 1))
    _tell(request, (_("Costs of %(month)s copied") if change else _("Nothing to copy from %(month)s")) % {"month": before}, change)
    return redirect(_url(month))


@require_POST
def margins(request: HttpRequest) -> HttpResponse:
    """Save the gross margins of products."""
    user = costing.allowed(user_of(request))
    typed = {int(name.removeprefix("margin-")): text for name, text in request.POST.items() if name.startswith("margin-") and _is_number(name[7:])}
    try:
        change = costing.set_margins(user, {number: str(text) for number, text in typed.items()})
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        _tell(request, _("Gross margins saved") if change else _("Gross margins are as they were"), change)
    return redirect(f"{reverse('settings_costs')}#margins")


@require_POST
def minutes(request: HttpRequest) -> HttpResponse:
    """Save the usual minutes of work that does not say how long it took, or take those that ship again."""
    user = costing.allowed(user_of(request))
    try:
        given = {} if request.POST.get("ships") else company.read_minutes({name.removeprefix("minutes-"): str(text) for name, text in request.POST.items()})
        changed = change_minutes(user, given)
    except UnclearFirm as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Saved: the next pass reads it over the whole history") if changed else _("Nothing has changed"))
    return redirect(f"{reverse('settings_costs')}#minutes")


@require_POST
def undo(request: HttpRequest, change_id: int) -> HttpResponse:
    """Take back one save, whole."""
    try:
        n = costing.undo(user_of(request), change_id)
        messages.success(request, ngettext("%(n)s entry is back to what it was", "%(n)s entries are back to what they were", n) % {"n": number(n)})
    except Refused as refused:
        messages.warning(request, _("Not undone: %(reason)s") % {"reason": refused})
    change = FieldChange.objects.get(pk=change_id)
    row = Cost.objects.filter(pk=change.object_id).first() if change.record == "costs" else None
    return redirect(_url(month_number(row.month)) if row else f"{reverse('settings_costs')}#margins")


def _tell(request: HttpRequest, text: str, change: FieldChange | None) -> None:
    messages.success(request, text, extra_tags=f"undo:{reverse('settings_costs_undo', args=[change.pk])}" if change else "")


def _month(text: str, usual: int) -> int:
    try:
        return month_of(text)
    except ValueError:
        return usual


def _url(month: int) -> str:
    return f"{reverse('settings_costs')}?month={month_name(month)}#month"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _typed(request: HttpRequest) -> list[Entered]:
    """The lines of the form: `amount-<id>` of rows that are there, `new-<n>-…` of new ones."""
    post = request.POST
    there = [Entered(int(name[7:]), post[name]) for name in post if name.startswith("amount-") and _is_number(name[7:])]
    new = [Entered(None, *(post.get(f"new-{at}-{name}", "") for name in ("amount", "motion", "kind", "currency"))) for at in range(NEW_LINES)]
    return [*there, *(line for line in new if line.amount.strip())]


def _grid(rows: list[Cost], shown: range, month: int) -> dict[str, Any]:
    """The months as columns, a row per motion and kind; what is not entered is empty."""
    sums: dict[tuple[str, str], dict[int, Sums]] = {}
    totals: dict[int, Sums] = {}
    for row in rows:
        at, code = month_number(row.month), row.currency or firm().currency
        for one in (sums.setdefault((row.motion, row.kind), {}).setdefault(at, {}), totals.setdefault(at, {})):
            one[code] = one.get(code, Decimal(0)) + Decimal(row.amount)
    order = [(m, k) for m in MOTION_WORDS for k in KIND_WORDS if (m, k) in sums]
    months = [
        {"month": first_day(m), "url": _url(m), "active": m == month, "entered": m in totals} for m in shown
    ]
    return {
        "months": months,
        "lines": [{"motion": MOTION_WORDS[m], "kind": KIND_WORDS[k], "cells": [_cell(sums[m, k].get(at)) for at in shown]} for m, k in order],
        "totals": [_cell(totals.get(at)) for at in shown],
        "entered": ngettext("%(n)s of these %(of)s months is entered", "%(n)s of these %(of)s months are entered", len(totals))
        % {"n": number(len(totals)), "of": number(len(months))},
        "earlier_url": _url(shown[0] - 1), "later_url": _url(month + 1) if month >= month_number(timezone.localdate()) else None,
    }  # fmt: skip


def _cell(amounts: Mapping[str, Decimal] | None) -> dict[str, str]:
    found = sorted((amounts or {}).items())
    return {"text": " + ".join(str(money_short(a, code)) for code, a in found), "title": " + ".join(str(money(a, code)) for code, a in found)}


def _form(rows: list[Cost], month: int, typed: list[Entered] | None) -> dict[str, Any]:
    """The form of one month. `typed` is what was not taken."""
    again = {line.cost: line for line in typed or [] if line.cost is not None}
    fresh = [line for line in typed or [] if line.cost is None]
    order = {name: at for at, name in enumerate((*MOTION_WORDS, *KIND_WORDS))}
    here = sorted((row for row in rows if month_number(row.month) == month), key=lambda row: (order[row.motion], order[row.kind], row.pk))
    before = Cost.objects.filter(archived_at=None, month=first_day(month - 1)).count()
    return {
        "month": first_day(month), "month_name": month_name(month), "previous_url": _url(month - 1), "next_url": _url(month + 1),
        "here": [
            {
                "id": row.pk, "motion": MOTION_WORDS[row.motion], "kind": KIND_WORDS[row.kind], "currency": row.currency or firm().currency,
                "amount": again[row.pk].amount if row.pk in again else row.amount, "of": " · ".join(one.name for one in (row.person, row.account) if one),
            }
            for row in here
        ],
        "fresh": [fresh[at] if at < len(fresh) else Entered(None, "") for at in range(NEW_LINES)],
        "motions": list(MOTION_WORDS.items()), "kinds": list(KIND_WORDS.items()), "currency": firm().currency,
        "copied": {"count": before, "month": first_day(month - 1)} if before else None,
    }  # fmt: skip


def _margins() -> list[dict[str, Any]]:
    return [
        {"id": product.pk, "name": product.name, "family": product.family or "", "margin": product.margin or ""}
        for product in Product.objects.filter(archived_at=None).order_by("name", "pk")[:500]
    ]


def _cells() -> Iterator[tuple[date, str, str, str | None, str | None, Money, str]]:
    rows = Cost.objects.filter(archived_at=None).select_related("person", "account").order_by("month", "motion", "kind", "id")
    for row in rows.iterator(chunk_size=1_000):
        code = row.currency or firm().currency
        person, account = (one.name if one else None for one in (row.person, row.account))
        yield row.month, row.motion, row.kind, person, account, Money(Decimal(row.amount), code), code

