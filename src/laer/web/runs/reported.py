"""Months as they were reported: what closings kept, and what has changed since as one restatement in the first open month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db.models import Q

from laer.cycle.ledger import Ledger
from laer.cycle.scope import Scope
from laer.metrics.statement import COUNT, Month, statement
from laer.records.periods import month_number
from laer.web.runs.models import ClosedMonth, PassRun
from laer.web.runs.reported_accounts import Accounts

Figures = Mapping[str, Fraction | int | None]
RESTATEMENT = "restatement_mrr"


def closings(known_at: datetime | None = None) -> list[ClosedMonth]:
    """The closings in force, or those that were at an instant, oldest month first. One query."""
    if known_at is None:
        found = ClosedMonth.objects.filter(closed_at__isnull=False, reopened_at=None).order_by("month")
    else:
        found = ClosedMonth.objects.filter(Q(reopened_at=None) | Q(reopened_at__gt=known_at), closed_at__lte=known_at).order_by("month")
    return list(found.select_related("closed_by__person"))


def as_kept(figures: Figures) -> dict[str, Any]:
    """Figures as a closing keeps them: exact fractions as text, counts as numbers."""
    return {name: str(value) if isinstance(value, Fraction) else value for name, value in figures.items()}


def as_read(kept: Mapping[str, Any]) -> dict[str, Fraction | int | None]:
    return {name: Fraction(value) if isinstance(value, str) else value for name, value in kept.items()}


class Reported:
    """The statement as reported, for a scope.

    Months up to `last` are closed. Who sees the whole book gets the very figures that were kept; who sees a part of it gets
    the same months made of the accounts that were kept.
    """

    def __init__(self, found: list[ClosedMonth], scope: Scope, movements: str, windows: Iterable[int]) -> None:
        self.closings, self.scope, self.movements = found, scope, movements
        self.first, self.last = month_number(found[0].month), month_number(found[-1].month)
        self.kept: dict[int, dict[str, Fraction | int | None]] = {}
        self.empty = False  # whether nothing was kept of what the scope may read
        if scope.everything:
            self.kept = {month_number(c.month): as_read(c.figures[movements]) for c in found}
            return
        accounts = Accounts(found, scope)
        self.empty = not accounts.rows and not accounts.taken
        sums = accounts.sums(self.first, windows, net=movements == "net")
        for month in statement(sums, self.first, self.last, accounts.denominator, windows):
            taken = sum((v for (_, m), v in accounts.taken.items() if m == month.month), 0)
            self.kept[month.month] = dict(month.figures) | {RESTATEMENT: accounts.exact(taken)}

    @property
    def closing(self) -> Fraction:
        """MRR as reported at the end of the last closed month."""
        return Fraction(self.kept[self.last]["closing_mrr"] or 0)

    def outstanding(self, ledger: Ledger) -> Fraction:
        """What has changed in closed months since, in sum: the restatement of the first open month."""
        return Fraction(ledger.months(self.last + 1, self.last + 1)[0]["opening_mrr"] or 0) - self.closing

    def span(self, span: tuple[int, int] | None, ledger: Ledger) -> tuple[int, int]:
        """Months worth showing: those of the data, those that are closed, and the one that holds a restatement."""
        last = self.last + 1 if self.outstanding(ledger) else self.last
        return (min(span[0], self.first), max(span[1], last)) if span else (self.first, last)

    def months(self, restated: Iterable[Month]) -> list[Month]:
        """The months of a statement as reported.

        In     restated  months as the ledger has them now
        Holds  opening + restatement + movements == closing, every month; opening == closing of the month before
        """
        return [self._month(month) for month in restated]

    def _month(self, month: Month) -> Month:
        if month.month > self.last + 1:
            return Month(month.month, month.value, dict(month.figures) | {RESTATEMENT: Fraction(0)})
        if month.month == self.last + 1:
            before = self.kept[self.last]
            changed = Fraction(month["opening_mrr"] or 0) - self.closing
            opening = {"opening_mrr": self.closing, "opening_accounts": before["closing_accounts"], RESTATEMENT: changed}
            return Month(month.month, month.value, dict(month.figures) | opening)
        # A month before the first closed one came into the data later: it was reported as nothing. A movement that was not
        # known to the version that closed the month is 0.
        return Month(month.month, month.value, {n: nothing(n) for n in month.figures} | {RESTATEMENT: Fraction(0)} | self.kept.get(month.month, {}))


def nothing(name: str) -> Fraction | int | None:
    """What a figure is of which nothing was reported: an amount or a count is 0, a rate is unknown."""
    return 0 if name in COUNT else Fraction(0) if name.endswith("_mrr") or name == "arr" else None


def reported_of(run: PassRun, scope: Scope, movements: str, windows: Iterable[int], known_at: datetime | None = None) -> Reported | None:
    """The statement as reported; None where no month is closed, or none in the currency of the run."""
    found = closings(known_at)
    return Reported(found, scope, movements, tuple(windows)) if found and all(c.currency == run.currency for c in found) else None


def differences(restated: Figures, reported: Figures) -> dict[str, Fraction]:
    """What differs between the two: restated less reported, for each amount where that is not 0."""
    names = [n for n in restated if n.endswith("_mrr") and n != RESTATEMENT]
    found = {n: Fraction(restated[n] or 0) - Fraction(reported.get(n) or 0) for n in names}
    return {n: v for n, v in found.items() if v}
