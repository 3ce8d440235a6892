"""Revenue by a dimension as it was reported: what a closing keeps of each value, and the statement made of it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from laer.cycle.ledger import Ledger
from laer.metrics.statement import TOTAL, Month
from laer.records.periods import month_number
from laer.web.runs.models import ClosedMonth, ReportedSplit
from laer.web.runs.reported import RESTATEMENT, Figures, as_kept, as_read, nothing

Kept = dict[tuple[int, str], dict[str, Fraction | int | None]]


def splits_of(ledger: Ledger, dimension: str, first: int, last: int) -> Iterator[tuple[int, ReportedSplit]]:
    """Month and what a closing keeps of each value in it, and of their total; a value of which there is nothing has no row."""
    for month in ledger.months_by_value(first, last):
        if month.value == TOTAL or any(month.figures.values()):
            yield month.month, ReportedSplit(dimension=dimension, value=month.value or "", figures=as_kept(month.figures))


class ReportedByValue:
    """The statement by the values of a dimension as reported: of the whole book, each change, at the values that the closings knew.

    Holds  opening + restatement + movements + entering - leaving == closing for each value and month with a level; it opens where the month
           before closed
    """

    def __init__(self, closings: list[ClosedMonth], kept: Kept, ledger: Ledger) -> None:
        self.first, self.last = month_number(closings[0].month), month_number(closings[-1].month)
        self._kept, self._ledger = kept, ledger

    def months_by_value(self, first: int, last: int) -> list[Month]:
        """As of a ledger: values in their order, then the total."""
        now = {(m.month, m.value or ""): m.figures for m in self._ledger.months_by_value(first, last)}
        total = self._ledger.months_by_value(first, first)[-1].figures
        values = sorted({v for _, v in (*now, *self._kept)} - {TOTAL})
        zero = {name: nothing(name) for name in total}
        return [Month(m, value, self._figures(m, value, now, zero)) for m in range(first, last + 1) for value in (*values, TOTAL)]

    def _figures(self, m: int, value: str, now: dict[tuple[int, str], Figures], zero: Figures) -> dict[str, Fraction | int | None]:
        found = dict(zero) | dict(self._kept.get((m, value), {}) if m <= self.last else now.get((m, value), {}))
        changed: Fraction = Fraction(0)
        if self.first < m <= self.last + 1 and found["opening_mrr"] is not None:
            before = self._kept.get((m - 1, value), {})
            opening = Fraction(before.get("closing_mrr") or 0)
            changed = Fraction(found["opening_mrr"]) - opening
            found |= {"opening_mrr": opening, "opening_accounts": before.get("closing_accounts") or 0}
        return found | {RESTATEMENT: changed}


def by_value_as_reported(closings: list[ClosedMonth], ledger: Ledger, dimension: str, first: int, last: int) -> ReportedByValue | ClosedMonth:
    """The statement of some months as reported; or the closing among them that kept no split. One query."""
    near = {c.pk: month_number(c.month) for c in closings if first - 1 <= month_number(c.month) <= last}
    kept: Kept = {}
    rows: Any = ReportedSplit.objects.filter(closed__in=list(near), dimension=dimension).values_list("closed_id", "value", "figures")
    for pk, value, figures in rows:
        kept[near[pk], value] = as_read(figures)
    without = [c for c in closings if c.pk in near and (near[c.pk], TOTAL) not in kept]
    return without[0] if without else ReportedByValue(closings, kept, ledger)
