"""A play, or a draft of one, over the past: who would have entered, when, whom its gates would have kept out, and who reached its success anyway.

Only what was known by each date is read: facts are computed back-filled, by the code of tonight's pass. Nobody was in the play then, so the share that
reached its success is the usual one, which the play has to beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.conditions.tree import Condition
from laer.cycle.derived import all_truths
from laer.cycle.replaying import rows_of
from laer.cycle.run_tables import QuestionFault, RunTables
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.records.periods import date_of
from laer.signals.episodes import episodes

SLOTS = ("when", "close", "who", "success")


@dataclass(frozen=True)
class Entry:
    """An account whose trigger came on a day (day number, of the date at which it was seen).

    kept     whether the play was for it; None: too little was known
    cooling  whether it had entered shortly before
    reached  whether the success came within its days; None where they are not over (also where it came already: those alone would flatter), or nothing
             says what success is
    """

    account: int
    day: int
    kept: bool | None
    cooling: bool
    reached: bool | None = None

    @property
    def enters(self) -> bool:
        return self.kept is True and not self.cooling


def play_replay(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> tuple[Entry, ...]:
    """Parameters  when, close (of the signal or segment that begins it) or date, days (the measure and the days from it); who, success (conditions or
    None), within (days); again_after (days); dates (day numbers, none later than the run's)

    Returns  the latest first
    """
    dates = tuple(sorted({int(day) for day in params["dates"]}))
    if not dates or dates[-1] > run.day:
        raise QuestionFault(f"plays are replayed up to {date_of(run.day)}, the day of the run")
    asked: dict[str, Condition] = {slot: params[slot] for slot in SLOTS if params.get(slot) is not None}
    measure: str | None = params.get("date")
    rows = rows_of(session, run, scope, list(asked.values()), dates, [measure] if measure else [])
    accounts = np.unique(rows["account_id"].to_numpy())
    found = {slot: np.full((len(dates), len(accounts)), np.nan) for slot in asked}
    days = np.full((len(dates), len(accounts)), np.nan)
    for at, day in enumerate(dates):
        part = rows.filter(pc.equal(rows["d"], day)).sort_by("account_id")
        place = np.searchsorted(accounts, part["account_id"].to_numpy())
        truths = all_truths(session, asked, part, date_of(day))
        for slot in asked:
            found[slot][at, place] = truths[slot].cast(pa.int8()).to_numpy().astype(np.float64)
        if measure:
            value = pc.cast(pc.cast(pc.cast(part[measure], pa.date32()), pa.int32()), pa.float64())
            days[at, place] = value.to_numpy().astype(np.float64) + int(params.get("days", 0))
    begun = _by_day(dates, days) if measure else _by_episode(accounts, dates, found)
    return _entries(accounts, dates, begun, found, int(params.get("again_after", 0)), int(params.get("within") or 0))


def _by_day(dates: Sequence[int], days: Any) -> list[tuple[int, int]]:
    """(place of the date, place of the account) at which the day of the trigger had come since the date before."""
    made = []
    for at in range(1, len(dates)):
        came = (days[at] > dates[at - 1]) & (days[at] <= dates[at])
        made += [(at, int(one)) for one in np.flatnonzero(came)]
    return made


def _by_episode(accounts: Any, dates: Sequence[int], found: Mapping[str, Any]) -> list[tuple[int, int]]:
    if "when" not in found:
        return []
    closes = found.get("close", 1 - found["when"])
    place = {day: at for at, day in enumerate(dates)}
    where = {int(account): at for at, account in enumerate(accounts)}
    return [(place[one.opened], where[one.account]) for one in episodes(accounts.tolist(), dates, found["when"], closes) if not one.base]


def _entries(
    accounts: Any, dates: Sequence[int], begun: Sequence[tuple[int, int]], found: Mapping[str, Any], again_after: int, within: int
) -> tuple[Entry, ...]:
    last: dict[int, int] = {}
    made = []
    for at, one in sorted(begun):
        day = dates[at]
        truth = found["who"][at, one] if "who" in found else 1.0
        kept = None if np.isnan(truth) else bool(truth)
        cooling = one in last and day - last[one] < again_after
        if kept and not cooling:
            last[one] = day
        made.append(Entry(int(accounts[one]), day, kept, cooling, _reached(dates, at, one, found, within)))
    return tuple(reversed(made))


def _reached(dates: Sequence[int], at: int, one: int, found: Mapping[str, Any], within: int) -> bool | None:
    if "success" not in found or dates[at] + within > dates[-1]:
        return None
    ahead = [place for place in range(at + 1, len(dates)) if dates[place] <= dates[at] + within]
    return any(found["success"][place, one] == 1 for place in ahead)
