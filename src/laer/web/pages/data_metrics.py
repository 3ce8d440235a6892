"""Metrics: what is measured of accounts, what each measure says, and of how many accounts it is known here.

Everybody sees the catalogue; it is counted over the accounts that the person may see.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.facts import catalogue
from laer.metrics.catalogue import MOTIONS, Measure
from laer.web.book.scope import scope_of
from laer.web.pages import measure_words as words
from laer.web.pages.data import frame, user_of
from laer.web.pages.exports import export, format_of
from laer.web.runs.measured import Coverage, coverage, missing
from laer.web.runs.models import PassRun
from laer.web.runs.passes import stale_since
from laer.web.runs.queries import last_run
from laer.web.templatetags.laer import number, url_with
from laer.web.wording import gettext_lazy

HOW = {"known": gettext_lazy("some account"), "unknown": gettext_lazy("no account")}
HEADER = ("id", "name", "motion", "kind", "unit", "leading", "better", "formula", "sources", "method", "known", "accounts")


@require_safe
def metrics(request: HttpRequest) -> HttpResponseBase:
    """The catalogue of measures, and how much of it is known."""
    user, run = user_of(request), last_run()
    scope = scope_of(user)
    counted = coverage(run, scope)
    asked = {"motion": request.GET.get("motion", ""), "known": request.GET.get("known", "")}
    motion = asked["motion"] if asked["motion"] in MOTIONS else ""
    how = asked["known"] if asked["known"] in HOW else ""
    q = request.GET.get("q", "").strip()[:120]
    found = [m for m in catalogue().values() if _is_like(m, motion, how, q, counted)]
    if form := format_of(request):
        return export(f"metrics-{run.as_of if run else 'none'}", HEADER, (_cells(m, counted) for m in found), form)
    ever = sum(1 for m in catalogue() if counted.known.get(m))
    context = frame(user, "metrics") | {
        "groups": _groups(request, found, run, counted),
        "q": q,
        "facets": _facets(request, motion, how, counted),
        "filters": _chips(request, motion, how),
        "clear_url": request.path,
        "download_url": url_with(request, format="csv"),
        "nothing": counted.accounts is None or counted.accounts == 0,
        "nothing_yours": counted.accounts == 0 and not scope.everything,
        "may_import": user.may_import,
        "state": {
            "shown": ngettext("%(ever)s of %(n)s measure known", "%(ever)s of %(n)s measures known", len(catalogue()))
            % {"ever": number(ever), "n": number(len(catalogue()))},
            **state_of(run, scope.everything),
        },
    }
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


def _is_like(measure: Measure, motion: str, how: str, q: str, counted: Coverage) -> bool:
    if motion and measure.motion != motion:
        return False
    if how and bool(counted.known.get(measure.id)) != (how == "known"):
        return False
    sources = " ".join(words.source_text(source) for source in measure.sources)
    text = " ".join((measure.id, words.text(measure.name), words.text(measure.words), sources)).casefold()
    return all(word in text for word in q.casefold().split())


def _groups(request: HttpRequest, found: Iterable[Measure], run: PassRun | None, counted: Coverage) -> list[dict[str, Any]]:
    by_motion: dict[str, list[Measure]] = {motion: [] for motion in MOTIONS}
    for measure in found:
        by_motion[measure.motion].append(measure)
    return [
        {"id": motion, "title": words.MOTIONS[motion], "question": words.QUESTIONS[motion], "rows": [_row(request, m, run, counted) for m in measures]}
        for motion, measures in by_motion.items()
        if measures
    ]


def _row(request: HttpRequest, measure: Measure, run: PassRun | None, counted: Coverage) -> dict[str, Any]:
    known, accounts = counted.known.get(measure.id, 0), counted.accounts or 0
    return {
        "id": measure.id,
        "name": words.text(measure.name),
        "url": reverse("measure", args=[measure.id]),
        "unit": words.text(measure.unit) or words.KINDS[measure.kind],
        "moves": words.MOVES.get(measure.leading) if measure.leading is not None else None,
        "moves_title": words.SAID_OF_MOVES.get(measure.leading) if measure.leading is not None else None,
        "words": words.sentence(measure.words),
        "sources": ", ".join(words.source_text(source) for source in measure.sources),
        "known": known,
        "accounts": accounts,
        "covered": ngettext("%(known)s of %(n)s account", "%(known)s of %(n)s accounts", accounts) % {"known": number(known), "n": number(accounts)},
        "missing": words.missing_text(request, missing(run, measure.id)) if accounts and not known else None,
    }


def _facets(request: HttpRequest, motion: str, how: str, counted: Coverage) -> list[dict[str, Any]]:
    """Menus that add a filter; the option in force takes it out again."""
    every = list(catalogue().values())
    motions = [
        {"label": words.MOTIONS[one], "count": sum(m.motion == one for m in every), "active": one == motion,
         "url": url_with(request, motion="" if one == motion else one)} for one in MOTIONS
    ]  # fmt: skip
    known = [
        {"label": HOW[one], "count": sum(bool(counted.known.get(m.id)) == (one == "known") for m in every), "active": one == how,
         "url": url_with(request, known="" if one == how else one)} for one in HOW
    ]  # fmt: skip
    return [
        {"name": "motion", "title": _("Motion"), "icon": "route", "options": motions},
        {"name": "known", "title": _("Known of"), "icon": "circle-check", "options": known},
    ]


def _chips(request: HttpRequest, motion: str, how: str) -> list[dict[str, Any]]:
    chips = [{"label": _("Motion is"), "value": words.MOTIONS[motion], "remove_url": url_with(request, motion="")}] if motion else []
    return chips + ([{"label": _("Known of"), "value": HOW[how], "remove_url": url_with(request, known="")}] if how else [])


def _cells(measure: Measure, counted: Coverage) -> list[Any]:
    leading = "" if measure.leading is None else "leading" if measure.leading else "lagging"
    known = None if counted.accounts is None else counted.known.get(measure.id, 0)
    return [
        measure.id, words.text(measure.name), measure.motion, measure.kind, words.text(measure.unit), leading, measure.better, words.text(measure.words),
        ", ".join(measure.sources), f"docs/methods/{measure.method}.md", known, counted.accounts,
    ]  # fmt: skip
