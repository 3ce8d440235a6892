"""Settings, Exchange rates: the plan rates of each fiscal year, and rates from a day on. Admins and finance enter them; leads read them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from babel.numbers import format_decimal
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from laer.records.periods import fiscal_year
from laer.web.book import plan_rates
from laer.web.book.actions import Refused
from laer.web.book.models import SubscriptionLine
from laer.web.pages.accounts import user_of
from laer.web.pages.settings import frame
from laer.web.people.company import firm
from laer.web.people.formats import formats
from laer.web.people.models import User
from laer.web.runs import passes
from laer.web.runs import rates as in_force

NEW_LINES = 2  # empty lines of the form
MOST = 60  # currencies of one form


@require_http_methods(["GET", "HEAD", "POST"])
def rates(request: HttpRequest) -> HttpResponse:
    """The rates in force by fiscal year, the form of one of them, and the rates that hold from a day on."""
    user = user_of(request)
    if not user.may_see_costs:
        raise PermissionDenied
    own, error, typed = firm(), "", None
    this_year = fiscal_year(timezone.localdate(), own.fiscal_year_start)
    year = _year(request.POST.get("year") or request.GET.get("year", ""), this_year)
    day_error, day_typed = "", {"day": "", "currency": "", "rate": ""}
    if request.method == "POST" and "day" in request.POST:
        day_typed = {name: request.POST.get(name, "").strip() for name in day_typed}
        try:
            done = _save_day(user, **day_typed)
        except Refused as refused:
            day_error = str(refused)
        else:
            messages.success(request, done)
            return redirect(reverse("settings_rates"))
    elif request.method == "POST":
        typed = _typed(request)
        try:
            changed = plan_rates.save_year(user, year, typed)
        except Refused as refused:
            error = str(refused)
        else:
            said = _("Rates of fiscal year %(year)s saved: the figures are computed anew") if changed else _("Rates of fiscal year %(year)s are as they were")
            messages.success(request, said % {"year": year})
            return redirect(f"{reverse('settings_rates')}?year={year}")
    context = frame(user, "settings_rates") | _shown(year, this_year, typed) | {
        "error": error, "day_error": day_error, "day_typed": day_typed, "days": _days(),
        "file": settings.FX_FILE, "trouble": in_force.trouble(), "may_enter": user.may_close and not settings.FX_FILE, "currency": own.currency,
        "state": {"shown": _("what one unit of each currency is, by plan"), "note": _("one rate for each currency and fiscal year, for the whole history")},
    }  # fmt: skip
    return render(request, "pages/settings_rates.html", context, status=422 if error or day_error else 200)


def _save_day(user: User, day: str, currency: str, rate: str) -> str:
    """Keep a rate from a day on; what was done, in words."""
    if not user.may_close:
        raise PermissionDenied
    try:
        since = date.fromisoformat(day)
    except ValueError:
        raise Refused(_("Day: found %(found)s, expected one such as 2026-04-01.") % {"found": day[:20] or "–"}) from None
    said = {"code": currency.upper(), "day": since.isoformat()}
    if not plan_rates.save_day(user, since, said["code"], rate):
        return _("The rate of %(code)s from %(day)s is as it was") % said
    if not rate:
        return _("The rate of %(code)s from %(day)s is taken out: the figures are computed anew") % said
    return _("The rate of %(code)s from %(day)s is saved: the figures are computed anew") % said


def _days() -> list[dict[str, Any]]:
    """Rates from a day on, the newest first."""
    found = [(day, code, rate) for code, by_day in plan_rates.by_day().items() for day, rate in by_day.items()]
    return [{"day": day, "code": code, "text": _text(rate)} for day, code, rate in sorted(found, key=lambda each: (each[0], each[1]), reverse=True)]


def _shown(year: int, this_year: int, typed: dict[str, str] | None) -> dict[str, Any]:
    own, known, run = firm().currency, in_force.table(), passes.latest_run()
    lines = SubscriptionLine.objects.filter(archived_at=None).exclude(currency=None).exclude(currency__in=("", own))
    used = {str(code) for code in lines.values_list("currency", flat=True).distinct()[:MOST]}
    table: dict[int | None, dict[str, Fraction]] = dict(known.years.items())
    if known.plain and not known.years:
        table[None] = known.plain
    codes = sorted(used | {code for found in table.values() for code in found})[:MOST]
    years = sorted({this_year, this_year + 1, year, *(y for y in table if y is not None)})
    table |= {y: known.of(y) for y in years if known.years and known.has(y)}  # rates from a day hold for later years, too
    cells = [
        {"code": code, "used": code in used, "rates": [{"year": y, "text": _text(_of(table, y).get(code)), "missing": code in used} for y in years]}
        for code in codes
    ]
    own_rates = plan_rates.stated(year)
    values = typed if typed is not None else {code: _text(own_rates.get(code)) for code in codes}
    in_use = run.plan_year if run is not None else None
    shown = [{"year": y, "url": f"{reverse('settings_rates')}?year={y}", "active": y == year, "in_use": y == in_use} for y in years]
    return {"year": year, "rows": cells, "values": list(values.items()), "fresh": range(NEW_LINES), "years": shown}


def _of(table: dict[int | None, dict[str, Fraction]], year: int) -> dict[str, Fraction]:
    """The rates of a year; of a table without years its only ones."""
    return table.get(year, table.get(None, {}))


def _typed(request: HttpRequest) -> dict[str, str]:
    """Currency -> text of the form. A new line without a currency and a rate is none."""
    found = {name.removeprefix("rate-"): str(text) for name, text in request.POST.items() if name.startswith("rate-")}
    for place in range(NEW_LINES):
        code, text = (request.POST.get(f"new-{place}-{part}", "").strip() for part in ("currency", "rate"))
        if code or text:
            found[code.upper()] = text
    return dict(list(found.items())[:MOST])


def _year(text: str, this_year: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 and int(text) in plan_rates.YEARS else this_year


def _text(rate: Fraction | None) -> str:
    """As a reader writes it, to nine places."""
    if rate is None:
        return ""
    exact = round(Decimal(rate.numerator) / rate.denominator, plan_rates.PLACES)
    return format_decimal(exact, format="#,##0.#########", locale=formats().locale)
