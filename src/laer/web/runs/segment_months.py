"""A segment over the last months: how many accounts its condition held for at the end of each, asked of the run, point in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow.compute as pc

from laer.conditions.tree import Condition
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.periods import day_number
from laer.web.runs import desk
from laer.web.runs.models import PassRun
from laer.web.runs.trend import month_ends


@dataclass(frozen=True)
class Point:
    """The end of a month, or the run's own day. `unknown` of the accounts too little was known; arr in units, of the members."""

    day: date
    accounts: int
    members: int
    unknown: int
    arr: float


def months(run: PassRun, scope: Scope, condition: Condition) -> list[Point]:
    """By the condition as it is now. Empty for a run without facts. Raises TimeoutError where the book is too large for a page."""
    days = month_ends(run.as_of)
    try:
        found = desk.ask("condition_at", {"condition": condition, "dates": tuple(map(day_number, days)), "beside": ("arr",)}, scope, run.pk)
    except QuestionFault:
        return []
    points = []
    for day in days:
        at = found.filter(pc.equal(found["d"], day_number(day)))
        inside = at.filter(pc.fill_null(at["truth"], False))
        points.append(Point(day, at.num_rows, inside.num_rows, at["truth"].null_count, pc.sum(inside["arr"]).as_py() or 0.0))
    return points
