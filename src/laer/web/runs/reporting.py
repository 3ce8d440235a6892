"""A report's figures: one measure of the firm by month, whole or by the values of a dimension, and the rows behind any of its points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from laer.cycle.company import company_catalogue
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.land.costs import RESTRICTED as LAND_COSTS
from laer.metrics.company import SUM
from laer.metrics.motion_costs import RESTRICTED as MOTION_COSTS
from laer.web.people.models import User
from laer.web.runs.desk import ask
from laer.web.runs.landing import NOTHING, Amount, span
from laer.web.runs.models import PassRun

RESTRICTED = LAND_COSTS | MOTION_COSTS  # for who may see costs


def measures_for(user: User) -> list[str]:
    """The measures of the firm that the person may read, as the catalogue has them."""
    return [name for name in company_catalogue() if user.may_see_costs or name not in RESTRICTED]


def adds_up(measure: str) -> bool:
    """Whether the parts of a split add up to the whole: true of sums, not of rates and middles."""
    one = company_catalogue().one(measure)
    return one is not None and one.how == SUM


@dataclass(frozen=True)
class Report:
    """Amounts by value and month. `values`: the largest first, '' (not said) last; None alone where nothing is split.

    whole  of each month, without the split
    """

    months: tuple[int, ...]
    values: tuple[str | None, ...]
    found: Mapping[tuple[str | None, int], Amount]
    whole: Mapping[int, Amount]

    def of(self, value: str | None) -> list[Amount]:
        return [self.found.get((value, month), NOTHING) for month in self.months]


def report_of(run: PassRun, scope: Scope, measure: str, by: str | None, months: Sequence[int]) -> Report | None:
    """Asked of the run, point in time; None of a run that does not know it.

    In   months  month numbers, the last not after the run's;  by  a dimension of accounts or of the items, or None
    """
    try:
        whole = _asked(run, scope, measure, None, months)
        found = _asked(run, scope, measure, by, months) if by else whole
    except QuestionFault:
        return None
    total: dict[str | None, float] = {}
    for (value, _month), amount in found.items():
        total[value] = total.get(value, 0.0) + abs(amount.amount or 0.0)
    values = tuple(sorted(total, key=lambda value: (value == "", -total[value], value or ""))) if by else (None,)
    return Report(tuple(months), values, found, {month: amount for (_value, month), amount in whole.items()})


def _asked(run: PassRun, scope: Scope, measure: str, by: str | None, months: Sequence[int]) -> dict[tuple[str | None, int], Amount]:
    table = ask("company", {"measures": (measure,), "periods": tuple(span(m, m) for m in months), "by": by}, scope, run.pk)
    return {
        ((row["value"] or "") if by else None, months[row["p"]]): Amount(*(row[name] for name in ("amount", "n", "low", "high", "top", "bottom")))
        for row in table.to_pylist()
    }


@dataclass(frozen=True)
class Point:
    """One measure over some months, of one value of a dimension where one is said (''; not said by the account)."""

    measure: str
    first: int
    last: int
    by: str | None = None
    value: str | None = None


def amount_of(run: PassRun, scope: Scope, point: Point) -> Amount:
    """What the point says; nothing where it is unknown."""
    params = {"measures": (point.measure,), "periods": (span(point.first, point.last),), "by": point.by}
    for row in ask("company", params, scope, run.pk).to_pylist():
        if point.by is None or (row["value"] or "") == (point.value or ""):
            return Amount(*(row[name] for name in ("amount", "n", "low", "high", "top", "bottom")))
    return NOTHING


def behind(run: PassRun, scope: Scope, point: Point) -> pa.Table:
    """The rows that a point is made of, what adds most first: account_id, on_d, top, bottom and the columns of its items.

    Holds   of a sum: the tops add up to it; of a ratio: the tops over the bottoms are it
    Raises  QuestionFault of a measure that is made of others
    """
    first, until = span(point.first, point.last)
    params = {"measure": point.measure, "first": first, "until": until, "by": point.by, "value": point.value or ""}
    table: pa.Table = ask("company_behind", params if point.by else params | {"value": None}, scope, run.pk)
    return table.sort_by([("top", "descending"), ("on_d", "descending"), ("account_id", "ascending")])
