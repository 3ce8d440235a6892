"""Land as its page shows it: the firm's measures over the last twelve months against the twelve before, and the deals behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.periods import FAR, date_of, day_number, first_day, month_number
from laer.web.runs.desk import ask
from laer.web.runs.models import PassRun

MONTHS = 12
WON, LOST, OPEN = "won", "lost", "open"
NEW_BUSINESS = "land"


@dataclass(frozen=True)
class Amount:
    """A measure of the firm in a period: None is unknown; `n` rows made it; low and high as the measure's words say."""

    amount: float | None = None
    n: int = 0
    low: float | None = None
    high: float | None = None
    top: float | None = None
    bottom: float | None = None


NOTHING = Amount()


@dataclass(frozen=True)
class Firm:
    """Measures of the firm: over the last twelve months and the twelve before, in each month, and over the twelve months to each month's end."""

    months: tuple[int, ...]
    found: Mapping[tuple[str, int], Amount] = field(default_factory=dict)

    def now(self, measure: str) -> Amount:
        return self.found.get((measure, 0), NOTHING)

    def before(self, measure: str) -> Amount:
        return self.found.get((measure, 1), NOTHING)

    def by_month(self, measure: str) -> list[Amount]:
        return [self.found.get((measure, 2 + at), NOTHING) for at in range(len(self.months))]

    def to_month(self, measure: str) -> list[Amount]:
        """Over the twelve months that end with each month."""
        return [self.found.get((measure, 2 + len(self.months) + at), NOTHING) for at in range(len(self.months))]


def months_of(run: PassRun) -> tuple[int, ...]:
    """The last twelve months, the running one to date among them."""
    last = month_number(run.as_of)
    return tuple(range(last - MONTHS + 1, last + 1))


def span(first: int, last: int) -> tuple[int, int]:
    """Day numbers of months first..last: the first day, and the day after the last."""
    return day_number(first_day(first)), day_number(first_day(last + 1))


def firm_of(run: PassRun | None, scope: Scope, measures: Iterable[str], beside: Iterable[str] = ()) -> Firm:
    """Asked once of the run; without `beside` of one that was made before those were kept, and nothing is known of one before facts were."""
    if run is None:
        return Firm(())
    months = months_of(run)
    year = [span(m - MONTHS + 1, m) for m in months]
    periods = (year[-1], span(months[0] - MONTHS, months[0] - 1), *(span(m, m) for m in months), *year)
    try:
        table = ask("company", {"measures": (*measures, *beside), "periods": periods}, scope, run.pk)
    except QuestionFault:
        return firm_of(run, scope, measures) if beside else Firm(months)
    return Firm(months, {(row["measure"], row["p"]): _amount(row) for row in table.to_pylist()})


def split_of(run: PassRun | None, scope: Scope, measures: Sequence[str], by: str) -> dict[str, dict[str, Amount]]:
    """Measures of the last twelve months by a dimension: value ('' where it is not said) -> measure -> amount."""
    if run is None:
        return {}
    months = months_of(run)
    try:
        table = ask("company", {"measures": tuple(measures), "periods": (span(months[0], months[-1]),), "by": by}, scope, run.pk)
    except QuestionFault:
        return {}
    found: dict[str, dict[str, Amount]] = {}
    for row in table.to_pylist():
        found.setdefault(row["value"] or "", {})[row["measure"]] = _amount(row)
    return found


def _amount(row: Mapping[str, Any]) -> Amount:
    return Amount(*(row[name] for name in ("amount", "n", "low", "high", "top", "bottom")))


class Deals:
    """The deals of new business that a person may see, as of a run: those that ended in some months, and those open on its day.

    table  the columns of the question `deals`, and `state`, `on_d` (the day on which it ended; of an open one the day on which it began)
    """

    def __init__(self, table: pa.Table, first: int, last: int, as_of: date) -> None:
        self.as_of = as_of
        new = pc.equal(pc.fill_null(table["motion"], NEW_BUSINESS), NEW_BUSINESS)
        ended = pc.is_valid(table["outcome"])
        begin, until = span(first, last)
        inside = pc.and_(pc.greater_equal(table["closed_d"], begin), pc.less(table["closed_d"], until))
        shown = pc.and_(new, pc.or_(pc.and_(ended, inside), pc.and_(pc.invert(ended), pc.greater_equal(table["closed_d"], FAR))))
        table = table.filter(shown)
        state = pc.fill_null(table["outcome"], OPEN)
        on_d = pc.if_else(pc.equal(state, OPEN), table["created_d"], table["closed_d"])
        self.table = table.append_column("state", state).append_column("on_d", on_d)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def mask(self, state: str = "", split: str | None = None, month: int | None = None) -> Any:
        """Which of them are in a state, have a value of the dimension, ended in a month."""
        kept = pc.is_valid(self.table["state"])
        if state:
            kept = pc.and_(kept, pc.equal(self.table["state"], state))
        if split is not None:
            kept = pc.and_(kept, pc.equal(self.table["split"], split))
        if month is not None:
            begin, until = span(month, month)
            ended = pc.and_(pc.greater_equal(self.table["closed_d"], begin), pc.less(self.table["closed_d"], until))
            kept = pc.and_(kept, ended)
        return kept

    def count(self, mask: Any) -> int:
        return int(pc.sum(mask).as_py() or 0)

    def arr(self, mask: Any) -> float:
        """Of the deals that say one."""
        return float(pc.sum(self.table.filter(mask)["arr"]).as_py() or 0.0)

    def rows(self, mask: Any, begin: int = 0, count: int | None = None) -> list[dict[str, Any]]:
        """Newest first: account_id, deal_id, state, on (a day), arr, discount, cycle_days, seller, lead_source."""
        ordered = self.table.filter(mask).sort_by([("on_d", "descending"), ("deal_id", "descending")]).slice(begin, count)
        return [row | {"on": date_of(row["on_d"]), "cycle_days": _cycle(row)} for row in ordered.to_pylist()]


def _cycle(row: Mapping[str, Any]) -> int | None:
    """Days from qualified to won; a win before its qualification says nothing."""
    took = None if row["qualified_d"] is None else row["closed_d"] - row["qualified_d"]
    return took if row["state"] == WON and took is not None and took >= 0 else None


def deals_of(run: PassRun | None, scope: Scope, by: str | None = None) -> Deals | None:
    if run is None:
        return None
    months = months_of(run)
    try:
        return Deals(ask("deals", {"by": by}, scope, run.pk), months[0], months[-1], run.as_of)
    except QuestionFault:
        return None
