"""The Facts tab of an account: every measure that is known of it, by motion, and apart from those what is unknown and what is missing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from laer.cycle.facts import catalogue
from laer.metrics.catalogue import MOTIONS, Measure
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
    currency = (card.currency if card else "") or runs.currency_of(run)
    facts: list[dict[str, Any]] = []
    unknown = []
    for motion in MOTIONS:
        known = []
        for measure in (m for m in catalogue().values() if m.motion == motion):
            value = words.plain(measure, _value(card, measure))
            named = {"id": measure.id, "name": words.text(measure.name), "url": reverse("measure", args=[measure.id]), "words": words.sentence(measure.words)}
            if value is None:
                unknown.append(named | {"motion": words.MOTIONS[motion], "missing": words.missing_text(request, missing(run, measure.id))})
            else:
                known.append(named | words.said(measure, value, currency))
        if known:
            facts.append({"id": motion, "title": words.MOTIONS[motion], "rows": known})
    return {"facts_known": facts, "facts_unknown": unknown, "facts_computed": card is not None}


def _value(card: AccountCard | None, measure: Measure) -> Any:
    if card is None:
        return None
    return getattr(card, COLUMNS[measure.id]) if measure.id in COLUMNS else card.facts.get(measure.id)
