"""What people say beside the scores of some accounts: the pulse that stands, and the override of a band. From the book, so that a word shows at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db.models import OuterRef, Subquery

from laer.web.book.models import Account, Pulse
from laer.web.work.models import Override
from laer.web.work.overrides import standing_overrides
from laer.web.work.pulses import is_stale


@dataclass(frozen=True)
class Beside:
    """pulse: green, yellow, red, None where nobody stated one;  overrides: scorecard -> the one that stands"""

    pulse: str | None
    pulse_on: date | None
    stale: bool
    overrides: dict[str, Override]


def beside(account_ids: Collection[int], today: date) -> dict[int, Beside]:
    """Of accounts that the caller took from a scope, as of the reader's day. Two queries, none without accounts."""
    if not account_ids:
        return {}
    newest = Pulse.objects.filter(account=OuterRef("pk"), archived_at=None).order_by("-stated_on", "-id")
    rows = Account.objects.filter(pk__in=list(account_ids)).values_list("pk", Subquery(newest.values("colour")[:1]), Subquery(newest.values("stated_on")[:1]))
    of: dict[int, dict[str, Override]] = {}
    for (account, card), one in standing_overrides(account_ids, today).items():
        of.setdefault(account, {})[card] = one
    return {pk: Beside(colour, on, on is not None and is_stale(on, today), of.get(pk, {})) for pk, colour, on in rows}
