"""Metrics: what is measured of accounts, what each measure says, and of how many accounts it is known here.

Everybody sees the catalogue; it is counted over the accounts that the person may see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.company import company_catalogue
from laer.cycle.own_measures import Measures
from laer.land.costs import RESTRICTED
from laer.metrics.catalogue import GRAINS, MOTIONS, Measure
from laer.metrics.motion_costs import RESTRICTED as COSTS_OF_MOTIONS
from laer.web.book.definitions import may_define, measures
from laer.web.book.scope import scope_of
from laer.web.pages import measure_words as words
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.data import frame, user_of
from laer.web.pages.exports import export, format_of
from laer.web.runs.measured import Coverage, Missing, coverage, firm_missing, missing
from laer.web.runs.models import PassRun
from laer.web.runs.passes import stale_since
from laer.web.templatetags.laer import number, url_with
from laer.web.wording import gettext_lazy

HOW = {"known": gettext_lazy("some account"), "unknown": gettext_lazy("no account")}
HEADER = ("id", "name", "of", "motion", "kind", "unit", "leading", "better", "formula", "sources", "method", "known", "accounts")


@require_safe
@partial(as_then, newest=True)
def metrics(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The catalogue of measures, and how much of it is known."""
    user, run = user_of(request), then.run
    scope = scope_of(user)
    counted = coverage(run, scope)
    asked = {"motion": request.GET.get("motion", ""), "known": request.GET.get("known", ""), "of": request.GET.get("of", "")}
    motion = asked["motion"] if asked["motion"] in MOTIONS else ""
    how = asked["known"] if asked["known"] in HOW else ""
    q = request.GET.get("q", "").strip()[:120]
    grain = asked["of"] if asked["of"] in GRAINS else ""
    firm = {name: firm_missing(run, name) for name in company_catalogue()}
    there_are = measures()
    every = [m for m in every_measure(there_are) if user.may_see_costs or m.id not in RESTRICTED | COSTS_OF_MOTIONS]
    known = {m for m in there_are if counted.known.get(m)} | {name for name, why in firm.items() if why is None}
    found = [m for m in every if _is_like(m, motion, how, grain, q, known)]
    if form := format_of(request):
        return export(f"metrics-{run.as_of if run else 'none'}", HEADER, (_cells(m, counted) for m in found), form)
    context = frame(user, "metrics") | {
        "groups": _groups(request, found, run, counted, firm, there_are, then),
        "q": q,
        "facets": _facets(request, motion, how, grain, known, every),
        "filters": _chips(request, motion, how, grain),
        "clear_url": request.path,
        "download_url": url_with(request, format="csv"),
        "nothing": counted.accounts is None or counted.accounts == 0,
        "nothing_yours": counted.accounts == 0 and not scope.everything,
        "may_import": user.may_import,
        "new_url": reverse("definition_new", args=["measure"]) if may_define(user, "measure") else None,
        "state": {
            "shown": ngettext("%(ever)s of %(n)s measure known", "%(ever)s of %(n)s measures known", len(every))
            % {"ever": number(sum(m.id in known for m in every)), "n": number(len(every))},
            **state_of(run, scope.everything),
        },
    } | then.context(request)
    return render(request, "pages/metrics.html", context)


def state_of(run: PassRun | None, everything: bool) -> dict[str, Any]:
    """As of when, whose, of which run: parts/state_line.html."""
    return {
        "as_of": run.as_of if run else None,
        "whose": _("the whole book") if everything else _("your book"),
        "run": {"label": _("run %(run)s") % {"run": run.pk}} if run else None,
        "recomputing": stale_since() is not None,
    }


def covered_text(known: int, accounts: int) -> str:
    return ngettext("known for %(known)s of %(n)s account", "known for %(known)s of %(n)s accounts", accounts) % {
        "known": number(known),
        "n": number(accounts),
    }


def every_measure(of_accounts: Measures | None = None) -> tuple[Measure, ...]:
    """The catalogue: measures of accounts, of items, and of the firm."""
    return (*(of_accounts or Measures()).values(), *company_catalogue().of_items.values(), *company_catalogue().values())


def _is_like(measure: Measure, motion: str, how: str, grain: str, q: str, known: Collection[str]) -> bool:
    if (motion and measure.motion != motion) or (grain and measure.grain != grain):
        return False
    if how and (measure.id in known) != (how == "known"):
        return False
    sources = " ".join(words.source_text(source) for source in measure.sources)
    text = " ".join((measure.id, words.text(measure.name), words.text(measure.words), sources)).casefold()
    return all(word in text for word in q.casefold().split())


def _groups(
    request: HttpRequest, found: Iterable[Measure], run: PassRun | None, counted: Coverage, firm: Mapping[str, Missing | None], there_are: Measures,
    then: Then,
) -> list[dict[str, Any]]:
    by_motion: dict[str, list[Measure]] = {motion: [] for motion in MOTIONS}
    for measure in found:
        by_motion[measure.motion].append(measure)
    return [
        {
            "id": motion, "title": words.MOTIONS[motion], "question": words.QUESTIONS[motion],
            "rows": [_row(request, m, run, counted, firm, there_are, then) for m in of_motion],
        }
        for motion, of_motion in by_motion.items()
        if of_motion
    ]  # fmt: skip


def _row(
    request: HttpRequest, measure: Measure, run: PassRun | None, counted: Coverage, firm: Mapping[str, Missing | None], there_are: Measures, then: Then
) -> dict[str, Any]:
    known, accounts = counted.known.get(measure.id, 0), counted.accounts or 0
    of_account, kept = measure.grain == "account", f"?{urlencode(then.query)}" if then.query else ""
    if of_account:
        why = missing(run, measure.id, there_are) if accounts and not known else None
    else:
        why = firm.get(measure.id) if accounts else None
    return {
        "of": None if of_account else words.GRAINS[measure.grain],
        "own": measure.own,
        "id": measure.id,
        "name": words.text(measure.name),
        "url": reverse("measure", args=[measure.id]) + kept if of_account or measure.grain == "company" else None,
        "unit": words.text(measure.unit) or words.KINDS[measure.kind],
        "moves": words.MOVES.get(measure.leading) if measure.leading is not None else None,
        "moves_title": words.SAID_OF_MOVES.get(measure.leading) if measure.leading is not None else None,
        "words": words.sentence(measure.words),
        "sources": ", ".join(words.source_text(source) for source in measure.sources),
        "known": known,
        "accounts": accounts if of_account else 0,
        "covered": ngettext("%(known)s of %(n)s account", "%(known)s of %(n)s accounts", accounts) % {"known": number(known), "n": number(accounts)},
        "missing": words.missing_text(request, why) if why else None,
    }


def _facets(request: HttpRequest, motion: str, how: str, grain: str, ever: Collection[str], every: Collection[Measure]) -> list[dict[str, Any]]:
    """Menus that add a filter; the option in force takes it out again."""
    motions = [
        {"label": words.MOTIONS[one], "count": sum(m.motion == one for m in every), "active": one == motion,
         "url": url_with(request, motion="" if one == motion else one)} for one in MOTIONS
    ]  # fmt: skip
    known = [
        {"label": HOW[one], "count": sum((m.id in ever) == (one == "known") for m in every), "active": one == how,
         "url": url_with(request, known="" if one == how else one)} for one in HOW
    ]  # fmt: skip
    grains = [
        {"label": words.GRAINS[one], "count": sum(m.grain == one for m in every), "active": one == grain,
         "url": url_with(request, of="" if one == grain else one)}
        for one in GRAINS if any(m.grain == one for m in every)
    ]  # fmt: skip
    return [
        {"name": "motion", "title": _("Motion"), "icon": "route", "options": motions},
        {"name": "of", "title": _("Of"), "icon": "building", "options": grains},
        {"name": "known", "title": _("Known of"), "icon": "circle-check", "options": known},
    ]


def _chips(request: HttpRequest, motion: str, how: str, grain: str) -> list[dict[str, Any]]:
    chips = [{"label": _("Motion is"), "value": words.MOTIONS[motion], "remove_url": url_with(request, motion="")}] if motion else []
    chips += [{"label": _("Of"), "value": words.GRAINS[grain], "remove_url": url_with(request, of="")}] if grain else []
    return chips + ([{"label": _("Known of"), "value": HOW[how], "remove_url": url_with(request, known="")}] if how else [])


def _cells(measure: Measure, counted: Coverage) -> list[Any]:
    leading = "" if measure.leading is None else "leading" if measure.leading else "lagging"
    known = None if counted.accounts is None or measure.grain != "account" else counted.known.get(measure.id, 0)
    return [
        measure.id, words.text(measure.name), measure.grain, measure.motion, measure.kind, words.text(measure.unit), leading, measure.better,
        words.text(measure.words), ", ".join(measure.sources), f"docs/methods/{measure.method}.md", known,
        counted.accounts if measure.grain == "account" else None,
    ]  # fmt: skip
