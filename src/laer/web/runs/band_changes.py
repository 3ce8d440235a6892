"""Which accounts changed their band, when and by how much: written by a pass, read by lists under a scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from django.db.models import F, QuerySet

from laer.cycle.scope import Scope
from laer.web.book.many import listed
from laer.web.runs.models import BandChange, PassRun

WEEK = 7  # days
ORDER = {"green": 0, "yellow": 1, "red": 2}
SHOWN = ("account_id", "card", "on", "before", "band", "score", "account__name", "account__card__owner_name", "account__card__arr_minor")


def write(run: PassRun, changes: pa.Table, accounts: frozenset[int] | None, chunks: Callable[[Sequence[Any], Callable[[Any], Any]], None]) -> int:
    """The day's changes, in place of those that an earlier pass of the day found of these accounts. Where nothing changed, nothing is written."""
    fresh = {(row["account_id"], row["card"]): row for row in changes.to_pylist()}
    there = BandChange.objects.filter(on=run.as_of)
    there = there if accounts is None else there.filter(account_id__in=accounts)
    gone = []
    for pk, account, card, before, band in there.values_list("id", "account_id", "card", "before", "band"):
        held = fresh.get((account, card))
        if held is not None and (held["before"], held["band"]) == (before, band):
            del fresh[account, card]
        else:
            gone.append(pk)
    made = [BandChange(on=run.as_of, run_id=run.pk, **row) for row in fresh.values()]
    chunks(gone, lambda part: BandChange.objects.filter(pk__in=part).delete())
    chunks(made, lambda part: BandChange.objects.bulk_create(part, ignore_conflicts=True))
    return len(gone) + len(made)


def since(scope: Scope, today: date, days: int = WEEK, cards: Sequence[str] | None = None) -> QuerySet[Any, dict[str, Any]]:
    """Changes of the last days, the newest first, of the largest accounts first within a day. One query."""
    found = BandChange.objects.filter(account__archived_at=None, on__gt=today - timedelta(days=days), on__lte=today)
    found = found if cards is None else found.filter(card__in=cards)
    found = found if scope.everything else found.filter(account_id__in=listed(scope.account_ids))
    return found.order_by("-on", F("account__card__arr_minor").desc(nulls_last=True), "account_id").values(*SHOWN)


def of_account(account_id: int, cards: Sequence[str] | None = None) -> list[BandChange]:
    """The newest first. One query."""
    found = BandChange.objects.filter(account_id=account_id)
    return list((found if cards is None else found.filter(card__in=cards)).order_by("-on", "card")[:50])
