"""The Facts tab of an account: every measure that is known of it, by motion, and apart from those what is unknown and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from laer.metrics.catalogue import MOTIONS
from laer.web.book.definitions import measures
from laer.web.book.models import Account
from laer.web.pages import measure_words as words
from laer.web.people.models import User
from laer.web.runs import queries as runs
from laer.web.runs.measured import missing
from laer.web.runs.models import AccountCard, PassRun

COLUMNS = {"segment": "segment", "country": "country", "industry": "industry", "state": "state", "owner": "owner_name", "first_paid_on": "first_paid_on"}


def facts_of_account(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    """Facts as the account's card has them, which is as of the run that the page names."""
    card = runs.card_of(row.pk)
    found = {measure: _value(card, measure) for measure in (*COLUMNS, *card.facts)} if card else None
    return facts_from(request, found, run, (card.currency if card else "") or runs.currency_of(run))


def facts_from(request: HttpRequest, found: Mapping[str, Any] | None, run: PassRun | None, currency: str, kept: str = "") -> dict[str, Any]:
    """The tab's context from facts by the id of their measure; None where nothing is computed. `kept` keeps links with a run of before."""
    facts: list[dict[str, Any]] = []
    unknown, there = [], measures()
    for motion in MOTIONS:
        known = []
        for measure in (m for m in there.values() if m.motion == motion):
            value = words.plain(measure, (found or {}).get(measure.id))
            named = {
                "id": measure.id, "name": words.text(measure.name), "url": reverse("measure", args=[measure.id]) + kept, "words": words.sentence(measure.words),
                "own": measure.own,
            }  # fmt: skip
            if value is None:
                unknown.append(named | {"motion": words.MOTIONS[motion], "missing": words.missing_text(request, missing(run, measure.id, there))})
            else:
                known.append(named | words.said(measure, value, currency))
        if known:
            facts.append({"id": motion, "title": words.MOTIONS[motion], "rows": known})
    return {"facts_known": facts, "facts_unknown": unknown, "facts_computed": found is not None}


def _value(card: AccountCard, measure: str) -> Any:
    return getattr(card, COLUMNS[measure]) if measure in COLUMNS else card.facts.get(measure)
