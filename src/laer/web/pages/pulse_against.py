"""Pulse against score: where a person and a scorecard disagree of the same account, the largest ARR first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import CharField, Count, F, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from laer.adopt.measures import PULSE_STALE
from laer.records.money import minor_units
from laer.web.book.scope import scope_of
from laer.web.pages.account_health import BANDS, TONES
from laer.web.pages.accounts import user_of
from laer.web.pages.data_metrics import state_of
from laer.web.pages.exports import Money, format_of
from laer.web.pages.lists import Column, List, Value, carried, opened, register
from laer.web.runs import band_changes, why
from laer.web.runs.latest import last_run
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.queries import cards_of, currency_of
from laer.web.templatetags.laer import money_short, number

SHOWN = 50
SIDES = {"brighter": gettext_lazy("Pulse better than the score"), "darker": gettext_lazy("Pulse worse than the score")}


def _of(name: str) -> Value:
    return lambda row: row[name]


LIST = register(
    List(
        "pulse_against",
        "pulse_against",
        {
            "pulse": Column(gettext_lazy("Pulse"), "pulse", _of("pulse")),
            "pulse_on": Column(gettext_lazy("Said on"), "said_on", _of("pulse_on")),
            "health": Column(gettext_lazy("Score’s band"), "band", _of("health")),
            "points": Column(gettext_lazy("Points"), "points", _of("points")),
            "card": Column(gettext_lazy("Scorecard"), "scorecard", _of("card")),
            "arr": Column(gettext_lazy("ARR"), "arr", lambda row: None if row["arr"] is None else Money(row["arr"], row["currency"])),
            "owner": Column(gettext_lazy("Owner"), "owner", _of("owner")),
        },
        keys=("side", "stale"),
        before={"account_id": _of("account_id"), "account": _of("account")},
        after={"currency": _of("currency")},
    )
)


@require_safe
def pulse_against(request: HttpRequest) -> HttpResponseBase:
    """Accounts in one's scope whose pulse says another colour than the band of their health, by ARR; stale pulses only where they are asked for."""
    user, run = user_of(request), last_run()
    listed = opened(request, user, LIST)
    if listed.elsewhere:
        return listed.elsewhere
    side = request.GET.get("side", "")
    side = side if side in SIDES else ""
    stale = request.GET.get("stale") == "yes"
    currency = currency_of(run)
    rows: QuerySet[Any, Any] = disagreeing(scope_of(user), run, side, stale=stale) if run else AccountCard.objects.none().values()
    names = {one.card.id: one.card.name for one in why.scorecards(run).cards} if run else {}
    if format_of(request):
        return LIST.file(request, (_row(row, names, currency) for row in rows.iterator(2_000)), f"pulse-against-score-{run.as_of if run else 'none'}")
    total = rows.aggregate(n=Count("account_id"), arr=Sum("arr_minor")) if run else {"n": 0, "arr": 0}
    page = Paginator(rows, SHOWN).get_page(request.GET.get("page"))
    arr = Decimal(total["arr"] or 0).scaleb(-minor_units(currency))
    context = listed.context | {
        "rows": [_row(row, names, currency) for row in page],
        "total": total["n"],
        "sides": [{"text": text, "url": _url(request, side=None if key == side else key), "active": key == side} for key, text in SIDES.items()],
        "stale": {"active": stale, "url": _url(request, stale=None if stale else "yes")},
        "stale_after": PULSE_STALE,
        "previous_url": _url(request, page=page.previous_page_number()) if page.has_previous() else None,
        "next_url": _url(request, page=page.next_page_number()) if page.has_next() else None,
        "download_url": request.get_full_path() if total["n"] else None,
        "state": {
            "shown": ngettext("%(n)s account, %(arr)s of ARR", "%(n)s accounts, %(arr)s of ARR", total["n"])
            % {"n": number(total["n"]), "arr": money_short(arr, currency)},
            **state_of(run, scope_of(user).everything),
        },
    }
    return render(request, "pages/pulse_against.html", context)


def disagreeing(scope: Any, run: PassRun, side: str = "", *, stale: bool = False) -> QuerySet[Any, Any]:
    """Cards of paying accounts whose pulse is another than the held band of their health, the largest ARR first. One query when it is read.

    In   side   brighter, darker; "": both;  stale: those whose pulse is too old to be held against anything, too
    """
    order = band_changes.ORDER
    pairs = [(pulse, band) for pulse in order for band in order if order[pulse] != order[band]]
    pairs = [(pulse, band) for pulse, band in pairs if not side or (order[pulse] < order[band]) == (side == "brighter")]
    wanted = Q(pk__in=[])
    for pulse, band in pairs:
        wanted |= Q(facts__pulse=pulse, facts__health=band)
    rows = cards_of(scope).filter(wanted, state="paying")
    if not stale:
        rows = rows.alias(said_on=Cast(KT("facts__pulse_on"), CharField())).filter(said_on__gte=(run.as_of - timedelta(days=PULSE_STALE)).isoformat())
    return rows.order_by("-arr_minor", "account_id").values(
        "account_id", "name", "owner_name", "arr_minor", pulse=F("facts__pulse"), pulse_on=F("facts__pulse_on"), health=F("facts__health"),
        points=F("facts__health_score"), card=F("facts__health_card"),
    )  # fmt: skip


def _row(row: Mapping[str, Any], names: dict[str, str], currency: str) -> dict[str, Any]:
    order = band_changes.ORDER
    said = date.fromisoformat(row["pulse_on"])
    return {
        "account_id": row["account_id"], "account": row["name"], "owner": row["owner_name"], "pulse": row["pulse"], "health": row["health"], "pulse_on": said,
        "pulse_text": BANDS.get(row["pulse"]), "pulse_tone": TONES.get(row["pulse"], ""), "band_text": BANDS.get(row["health"]),
        "band_tone": TONES.get(row["health"], ""), "points": None if row["points"] is None else round(row["points"], 2),
        "card": names.get(row["card"], row["card"]),
        "arr": None if row["arr_minor"] is None else Decimal(row["arr_minor"]).scaleb(-minor_units(currency)), "currency": currency,
        "far": abs(order[row["pulse"]] - order[row["health"]]) == 2, "url": reverse("account", args=[row["account_id"]]),
        "why_url": f"{reverse('account', args=[row['account_id']])}?tab=health", "pulse_url": reverse("pulse", args=[row["account_id"]]),
    }  # fmt: skip


def _url(request: HttpRequest, **changes: Any) -> str:
    kept = {key: request.GET[key] for key in ("side", "stale") if request.GET.get(key)} | changes
    return "?" + urlencode([*((key, value) for key, value in kept.items() if value), *carried(request.GET)])


urlpatterns = [path("accounts/health/pulse/", pulse_against, name="pulse_against")]
