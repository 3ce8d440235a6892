"""What a scorecard's text would change of today's bands, shown before it is put in force: how many accounts move, with how much ARR, and which first."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from laer.cycle.definitions import read
from laer.cycle.draft_cards import NONE, UNKNOWN
from laer.cycle.run_tables import QuestionFault
from laer.records.definition import LONGEST
from laer.records.money import minor_units
from laer.web.book import definitions as own
from laer.web.book.many import listed
from laer.web.book.scope import scope_of
from laer.web.pages.account_health import BANDS, TONES
from laer.web.pages.settings_definitions import reader
from laer.web.runs import desk
from laer.web.runs.latest import last_run
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.queries import currency_of
from laer.web.templatetags.laer import money, money_short, number
from laer.web.wording import gettext_lazy

FIRST = 10  # accounts that are named, the largest first
ORDER = ("green", "yellow", "red", UNKNOWN, NONE)
SAID = {**BANDS, UNKNOWN: gettext_lazy("unknown"), NONE: gettext_lazy("not about it")}


@require_POST
def effect(request: HttpRequest) -> HttpResponse:
    """The accounts whose band would be another by this text than by the one in force; of a large book it is made in the background and asked for again."""
    user = reader(request)
    if not own.may_define(user, "scorecard"):
        raise Http404
    text = request.POST.get("text", "")[: LONGEST + 1]
    found = read("scorecard", text, own.known(), request.POST.get("name") or None)
    run = last_run()
    context: dict[str, Any] = {"effect_url": reverse("definition_effect"), "faults": bool(found.faults), "computed": run is not None}
    if run is not None and not found.faults:
        try:
            with desk.impatient():
                rows = desk.ask("draft_bands", {"text": text}, scope_of(user), run.pk)
        except desk.BeingMade:
            context["being_made"] = number(AccountCard.objects.count())
        except QuestionFault:
            context["faults"] = True
        else:
            context |= told(rows.to_pylist(), run)
    return render(request, "parts/definition_effect.html", context)


def told(rows: list[dict[str, Any]], run: PassRun) -> dict[str, Any]:
    """Moves from band to band with their ARR, the most ARR first, and the first accounts by ARR. Two queries."""
    moved = {row["account_id"]: row for row in rows if row["before"] != row["after"]}
    of_health = sum(1 for row in rows if row["health_before"] != row["health_after"])
    currency = currency_of(run)
    cards = AccountCard.objects.filter(account__archived_at=None, account_id__in=listed(list(moved)))
    arr = {pk: Decimal(minor or 0).scaleb(-minor_units(currency)) for pk, minor in cards.values_list("account_id", "arr_minor")}
    counts: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], Decimal] = {}
    for pk, row in moved.items():
        way = row["before"], row["after"]
        counts[way] += 1
        sums[way] = sums.get(way, Decimal(0)) + arr.get(pk, Decimal(0))
    first = sorted(moved, key=lambda pk: (-arr.get(pk, Decimal(0)), pk))[:FIRST]
    names = dict(cards.filter(account_id__in=first).values_list("account_id", "name"))
    return {
        "as_of": run.as_of, "moved": len(moved), "of_health": of_health, "about": sum(1 for row in rows if row["after"] != NONE),
        "total": {"short": money_short(sum(arr.values(), Decimal(0)), currency), "exact": money(sum(arr.values(), Decimal(0)), currency)},
        "now": [{**_said(band), "before": _count(rows, "before", band), "after": _count(rows, "after", band)} for band in ORDER[:-1]],
        "ways": [
            {"before": _said(way[0]), "after": _said(way[1]), "n": number(n), "arr": money_short(sums[way], currency), "exact": money(sums[way], currency)}
            for way, n in sorted(counts.items(), key=lambda one: (-sums[one[0]], ORDER.index(one[0][0]), ORDER.index(one[0][1])))
        ],
        "first": [
            {
                "name": names.get(pk, _("account %(id)s") % {"id": pk}),
                "url": f"{reverse('account', args=[pk])}?tab=health", "before": _said(moved[pk]["before"]), "after": _said(moved[pk]["after"]),
                "score": number(moved[pk]["score"]), "arr": money_short(arr.get(pk), currency), "exact": money(arr.get(pk), currency),
            }
            for pk in first
        ],
    }  # fmt: skip


def _said(band: str) -> dict[str, Any]:
    return {"text": SAID[band], "tone": TONES.get(band, "outline")}


def _count(rows: list[dict[str, Any]], side: str, band: str) -> str:
    return str(number(sum(1 for row in rows if row[side] == band)))


urlpatterns = [path("definitions/effect/", effect, name="definition_effect")]
