"""A measure over the last months: the middle of those of whom it was known at the end of each, asked of the run, point in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.periods import day_number, last_day, month_number
from laer.web.runs import desk
from laer.web.runs.models import PassRun
from laer.web.runs.spread import quartiles

MONTHS = 12
KINDS = ("number", "money", "flag")  # a middle of words or of days is no line


@dataclass(frozen=True)
class Point:
    """The end of a month, or the run's own day: `n` of `accounts` were known.

    low, middle, high  the quartiles of those, or of a flag the share of yes as the middle; None where none was known
    """

    day: date
    accounts: int
    n: int
    low: Any = None
    middle: Any = None
    high: Any = None


def trend(run: PassRun, scope: Scope, measure: str, kind: str) -> list[Point]:
    """The last twelve month ends before the run's day, and that day. Empty for a run without facts.

    Raises  TimeoutError where the book is too large to be asked within a page's time
    """
    days = month_ends(run.as_of)
    try:
        table = desk.ask("facts", {"dates": tuple(map(day_number, days)), "measures": (measure,)}, scope, run.pk)
    except QuestionFault:
        return []
    return [_point(day, table.filter(pc.equal(table["d"], day_number(day)))[measure], kind) for day in days]


def month_ends(today: date) -> list[date]:
    """The last twelve month ends before the day, and the day."""
    last = month_number(today)
    return sorted({*(day for month in range(last - MONTHS, last + 1) if (day := last_day(month)) < today), today})


def _point(day: date, values: pa.ChunkedArray, kind: str) -> Point:
    known = values.drop_null()
    if not len(known):
        return Point(day, len(values), 0)
    if kind == "flag":
        return Point(day, len(values), len(known), middle=pc.mean(known).as_py())
    __, low, middle, high, __ = quartiles(kind, known)
    return Point(day, len(values), len(known), low, middle, high)

