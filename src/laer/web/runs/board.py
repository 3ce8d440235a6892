"""The board: the base by motion and state, as the run published it, with the stays behind each state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from laer.adopt.time_to_value import Span, TimeToValue, time_to_value
from laer.cycle.scope import Scope
from laer.flow.board import FAR, Stay, Went, at_days, spans, went_on
from laer.flow.positions import MOTIONS, STATES, column_of
from laer.records.periods import day_number
from laer.web.people.models import User
from laer.web.runs import in_use, queries
from laer.web.runs.latest import mark
from laer.web.runs.measured import Missing, facts_table, why_unknown
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun, PositionStay
from laer.web.runs.queries import Filters
from laer.web.runs.trend import month_ends

memory = Memory(20)


@dataclass(frozen=True)
class State:
    """Accounts in one state of a motion.

    state   None: too little is known of them
    time    of the stays that began within the year;  went  of those that ended within it
    months  accounts at the last month ends and on the run's day; None before anything was known
    """

    state: str | None
    accounts: int
    arr: float
    time: TimeToValue
    went: Went
    months: tuple[int | None, ...]


@dataclass(frozen=True)
class Motion:
    """states in their order, `none` among them, those of which nothing is known last;  missing  of the unknown, which source would say it"""

    motion: str
    states: tuple[State, ...]
    missing: Missing | None

    def of(self, *names: str) -> tuple[int, float]:
        """Accounts and ARR of some states together."""
        chosen = [one for one in self.states if one.state in names]
        return sum(one.accounts for one in chosen), sum(one.arr for one in chosen)


@dataclass(frozen=True)
class Board:
    """days: the month ends, and the run's day;  replayed: whether the months before were computed yet"""

    accounts: int
    motions: tuple[Motion, ...]
    days: tuple[date, ...]
    replayed: bool


def board(user: User, run: PassRun, filters: Filters, within: Scope, *, as_kept: bool = False, then: bool = False) -> Board | None:
    """Of the accounts that the person may see and the filters leave. None where the run knows no positions.

    In   within  what the page looks at: the person's scope, or a part of it;  as_kept  filters narrowed it already
         then  as that run of before left the stays
    """
    scope = within
    if filters and not as_kept:
        scope = scope.narrowed(queries.account_ids(user, filters=filters, run=run))
    ruling = in_use.ruling_of(run)
    facts = facts_table(run, ["account_id", "arr", *(column_of(motion) for motion in MOTIONS)], scope)
    if facts is None or not ruling.motions:
        return None
    days = tuple(month_ends(run.as_of))
    stays = _within(_as_known(run) if then else _stays(run), scope)
    measures = in_use.measures_of(run).unplaced
    motions = []
    for one in ruling.motions:
        if column_of(one.motion) not in facts.column_names:
            continue
        counted = _counted(facts, column_of(one.motion))
        missing = None
        if counted.get(None, (0, 0.0))[0]:
            why = (why_unknown(run, condition, measures) for condition in one.conditions)
            missing = next((found for found in why if found is not None and found.why in ("source", "stale")), None)
        motions.append(Motion(one.motion, _states(one.motion, counted, stays.get(one.motion, []), run, days), missing))
    return Board(facts.num_rows, tuple(motions), days, not _waits(run))


def _states(motion: str, counted: dict[str | None, tuple[int, float]], stays: list[Stay], run: PassRun, days: tuple[date, ...]) -> tuple[State, ...]:
    day = day_number(run.as_of)
    lengths, went, months = spans(stays, day), went_on(motion, stays, day), at_days(stays, [day_number(one) for one in days])
    named = (*STATES[motion][1:], STATES[motion][0])
    rows = [
        State(
            name, *counted.get(name, (0, 0.0)), time_to_value(Span(length, over) for length, over in lengths.get(name, ())), went.get(name, Went()),
            tuple(months.get(name, ())),
        )
        for name in named
    ]  # fmt: skip
    if unknown := counted.get(None):
        rows.append(State(None, *unknown, time_to_value(()), Went(), ()))
    return tuple(rows)


def _counted(facts: pa.Table, column: str) -> dict[str | None, tuple[int, float]]:
    found = facts.group_by(column).aggregate([("account_id", "count"), ("arr", "sum")])
    return {row[column]: (row["account_id_count"], row["arr_sum"] or 0.0) for row in found.to_pylist()}


def _stays(run: PassRun) -> dict[str, list[Stay]]:
    """Motion -> the stays by the rules of the run, sorted by account and beginning. One query, remembered for the run."""

    found: dict[str, list[Stay]] = memory.get("stays", (mark(run), _waits(run)), lambda: _read(run))
    return found


def _as_known(run: PassRun) -> dict[str, list[Stay]]:
    """The same as that run left them: what later runs found is not there yet, and what they ended goes on."""
    found: dict[str, list[Stay]] = memory.get(("stays", run.pk), (run.pk, run.finished_at), lambda: _read(run, run.pk))
    return found


def _read(run: PassRun, known: int | None = None) -> dict[str, list[Stay]]:
    """By motion, as of the newest run or as one of before left them. One query."""
    marks = run.position.get("positions", {})
    found: dict[str, list[Stay]] = {}
    rows = PositionStay.objects.filter(mark__in=marks.values()).order_by("account_id", "from_on", "id")
    columns = ("motion", "mark", "account_id", "state", "from_on", "until_on", "begins_base", "ends_base", "run_id", "until_run_id")
    for motion, rules, account, state, from_on, until_on, base, ends, made, ended in rows.values_list(*columns).iterator(5_000):
        if marks.get(motion) == rules and (known is None or made <= known):
            open_yet = until_on is None or (known is not None and ended is not None and ended > known)
            until = FAR if open_yet else day_number(until_on)
            found.setdefault(motion, []).append(Stay(account, state, day_number(from_on), until, base, ends and not open_yet))
    return found


def _within(stays: dict[str, list[Stay]], scope: Scope) -> dict[str, list[Stay]]:
    if scope.everything:
        return stays
    return {motion: [stay for stay in there if stay.account in scope.account_ids] for motion, there in stays.items()}


def _waits(run: PassRun) -> bool:
    """Whether a stay has no beginning that anybody saw or looked for: the months before are still to be computed. One query."""
    marks: dict[str, Any] = run.position.get("positions", {})
    return PositionStay.objects.filter(until_on=None, begins_base=True, replayed=False, mark__in=marks.values()).exists()

