"""Health: how does the base stand, and what changed its band this week? Bands by accounts and ARR, changes with their reasons behind them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Sum
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.scope import Scope
from laer.records.money import minor_units
from laer.web.book.scope import scope_of
from laer.web.pages.account_health import BANDS, TONES
from laer.web.pages.accounts import user_of
from laer.web.pages.data_metrics import state_of
from laer.web.pages.exports import Money
from laer.web.pages.lists import Value, filed
from laer.web.runs import band_changes, why
from laer.web.runs.latest import last_run, mark
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.runs.queries import cards_of, currency_of
from laer.web.templatetags.laer import money, money_short, number

SHOWN = 200  # changes
memory = Memory(50)


@require_safe
def health(request: HttpRequest) -> HttpResponseBase:
    """How the customers in one's scope stand by their health, and whose band changed within a week."""
    user, run = user_of(request), last_run()
    scope, currency = scope_of(user), currency_of(run)
    names = {one.card.id: one.card.name for one in why.scorecards(run).cards} if run else {}
    rows = [_row(row, names, currency) for row in band_changes.since(scope, run.as_of)[: SHOWN + 1]] if run else []
    if file := filed(request, f"band-changes-{run.as_of if run else 'none'}", CELLS, lambda: rows):
        return file
    context = {
        "figures": _figures(run, scope, currency) if run else [],
        "rows": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "download_url": request.path if rows else None,
        "against_url": reverse("pulse_against"),
        "state": {"shown": ngettext("%(n)s change of a band in a week", "%(n)s changes of a band in a week", len(rows)) % {"n": number(len(rows))},
                  **state_of(run, scope.everything)},
    }  # fmt: skip
    return render(request, "pages/health.html", context)


def _figures(run: PassRun, scope: Scope, currency: str) -> list[dict[str, Any]]:
    """Customers by the band of their health. One query, once a run and scope."""

    def counted() -> dict[str | None, tuple[int, int]]:
        found = cards_of(scope).filter(state="paying").values_list("facts__health").annotate(n=Count("account_id"), arr=Sum("arr_minor")).order_by()
        return {band: (n, arr or 0) for band, n, arr in found}

    by = memory.get(("health", scope.key), mark(run), counted)
    titles = {"green": _("Green"), "yellow": _("Yellow"), "red": _("Red"), None: _("Unknown")}
    figures = []
    for band, title in titles.items():
        n, arr = by.get(band, (0, 0))
        amount = Decimal(arr).scaleb(-minor_units(currency))
        where = f"health = {band}" if band else "health is unknown"
        figures.append(
            {"label": title, "value": money_short(amount, currency), "title": money(amount, currency), "url": _list_url(f"state = paying and {where}"),
             "hint": ngettext("ARR of %(n)s customer", "ARR of %(n)s customers", n) % {"n": number(n)}}
        )  # fmt: skip
    return figures


def _list_url(where: str) -> str:
    return f"{reverse('accounts')}?{urlencode({'where': where, 'sort': '-arr'})}"


def _row(row: dict[str, Any], names: dict[str, str], currency: str) -> dict[str, Any]:
    before = row["on"] - timedelta(days=band_changes.WEEK)
    arr = row["account__card__arr_minor"]
    return {
        "account_id": row["account_id"], "account": row["account__name"], "owner": row["account__card__owner_name"],
        "card": names.get(row["card"], row["card"]),
        "on": row["on"], "before": row["before"], "band": row["band"],
        "before_text": BANDS.get(row["before"]), "band_text": BANDS.get(row["band"]),
        "before_tone": TONES.get(row["before"], ""), "band_tone": TONES.get(row["band"], ""), "points": round(row["score"], 2),
        "arr": None if arr is None else Decimal(arr).scaleb(-minor_units(currency)), "currency": currency,
        "worse": band_changes.ORDER.get(row["band"], 0) > band_changes.ORDER.get(row["before"], 0),
        "url": reverse("account", args=[row["account_id"]]), "why_url": f"{reverse('account', args=[row['account_id']])}?tab=health&since={before}",
    }  # fmt: skip


CELLS: dict[str, Value] = {
    **{name: itemgetter(name) for name in ("account_id", "account", "card", "on", "before", "band", "points")},
    "arr": lambda row: None if row["arr"] is None else Money(row["arr"], row["currency"]), "currency": itemgetter("currency"), "owner": itemgetter("owner"),
}  # fmt: skip

urlpatterns = [path("accounts/health/", health, name="account_health")]
