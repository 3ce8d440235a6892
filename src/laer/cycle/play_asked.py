"""What plays ask of every account, found by each pass: whether each of their conditions holds, and the day that a date trigger falls on.

One column per question, `play|slot`, so that whoever moves runs on, counts an audience or says why not reads a table and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from laer.conditions.tree import Condition
from laer.cycle.derived import all_truths
from laer.engine.session import Session

ON = "on"  # the slot of the day of a date trigger


@dataclass(frozen=True)
class Asked:
    """A play as a pass reads it; an earlier text of one is called as `then` says.

    conditions  slot -> condition;  date, days  a measure that is a day, and the days from it on which the play begins; None: no such trigger
    """

    id: str
    version: int
    conditions: Mapping[str, Condition]
    date: str | None = None
    days: int = 0


def column(play: str, slot: str) -> str:
    return f"{play}|{slot}"


def then(play: str, version: int) -> str:
    """How an earlier text of a play is called, by which runs that began with it go on."""
    return f"{play}@{version}"


def asked_of(session: Session, plays: Iterable[Asked], rows: pa.Table, as_of: date) -> pa.Table:
    """Grain  account_id
    In        rows: account_id, d (one date) and every column that is read
    Out       account_id; per condition a boolean (null: unknown); per date trigger a day number (null: unknown, or none)
    """
    chosen = list(plays)
    found = all_truths(session, {column(one.id, slot): condition for one in chosen for slot, condition in one.conditions.items()}, rows, as_of)
    ordered = rows.sort_by("account_id")
    for one in chosen:
        if one.date is not None:
            day = pc.cast(pc.cast(ordered[one.date], pa.date32()), pa.int32())
            found = found.append_column(column(one.id, ON), pc.add(day, pa.scalar(one.days, pa.int32())))
    return found
