"""A signal, or a draft of one, over the past: when it would have fired, on whom, how right it was, and how much of a load it would have been.

Only what was known by each date is read (`docs/methods/signals.md`): facts are computed back-filled, by the code of tonight's pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.conditions.tree import Condition, derived, references
from laer.cycle.derived import fields_of, truths
from laer.cycle.fact_questions import kept_input, ledger_of, source_of
from laer.cycle.fact_source import read_by
from laer.cycle.run_tables import QuestionFault, RunTables, scoped
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.metrics.company import wilson
from laer.metrics.inputs import moves
from laer.records.money import minor_units
from laer.records.periods import date_of
from laer.signals.episodes import Episode, Record, episodes, record

AMOUNTS = {"churn": ("lost",), "loss": ("lost", "shrinking"), "growth": ("growth", "back")}


@dataclass(frozen=True)
class Replayed:
    """episodes, the latest opened first; by_date: date -> opened, standing; unknown: share of customers at the dates of whom too little was known"""

    episodes: tuple[Episode, ...]
    record: Record | None
    by_date: tuple[tuple[int, int, int], ...]
    unknown: float | None
    outcomes: Mapping[int, tuple[int, ...]]


def signal_replay(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Replayed:
    """Parameters  when, close (checked conditions; close None: once `when` is false); leads_to (of `signals.signal.OUTCOMES`, or None), within (days);
    dates (day numbers, none later than the run's)
    """
    when, close, within = params["when"], params.get("close"), int(params["within"])
    dates = tuple(sorted({int(day) for day in params["dates"]}))
    if not dates or dates[-1] > run.day:
        raise QuestionFault(f"signals are replayed up to {date_of(run.day)}, the day of the run")
    asked = [one for one in (when, close) if one is not None]
    rows = rows_of(session, run, scope, asked, dates, ("mrr",))
    accounts = np.unique(rows["account_id"].to_numpy())
    opens, closes, paying = (np.full((len(dates), len(accounts)), np.nan) for _ in range(3))
    for at, day in enumerate(dates):
        part = rows.filter(pc.equal(rows["d"], day)).sort_by("account_id")
        place = np.searchsorted(accounts, part["account_id"].to_numpy())
        opens[at, place] = _flags(truths(session, when, part, date_of(day)))
        closes[at, place] = 1 - opens[at, place] if close is None else _flags(truths(session, close, part, date_of(day)))
        paying[at, place] = pc.fill_null(part["mrr"], 0.0).cast(pa.float64()).to_numpy() > 0
    found = episodes(accounts.tolist(), dates, opens, closes)
    opened = dict.fromkeys(dates, 0)
    for one in found:
        opened[one.opened] += not one.base
    stands = {day: sum(one.opened <= day and (one.closed is None or one.closed > day) for one in found) for day in dates}
    customers = paying == 1
    unknown = float(np.isnan(opens[customers]).mean()) if customers.any() else None
    outcomes = _outcomes(session, run, scope, params.get("leads_to"))
    made = None
    if outcomes is not None:
        usual = _usual(outcomes, accounts, dates, customers, within, run.day)
        made = record(found, outcomes, within, dates[0], run.day, usual, wilson)
    latest = tuple(sorted(found, key=lambda one: (-one.opened, one.account)))
    return Replayed(latest, made, tuple((day, opened[day], stands[day]) for day in dates), unknown, {a: tuple(days) for a, days in (outcomes or {}).items()})


def rows_of(session: DuckDBSession, run: RunTables, scope: Scope, asked: Sequence[Condition], dates: tuple[int, ...], more: Sequence[str] = ()) -> pa.Table:
    """Every column that the conditions read, and more measures. Grain: account_id x d."""
    columns = [column for one in asked for column in derived(one)]
    names = {name for one in asked for name in references(one)} - {column.id for column in columns} | set(fields_of(columns)) | {*more}
    if unknown := sorted(names - set(run.measures)):
        raise QuestionFault(f"the run knows no measure {', '.join(unknown)}: it is newer than the run")
    return scoped(read_by(source_of(session, run, scope, names), run.measures, asked, dates, tuple(more)), scope)


def _flags(found: pa.Table) -> Any:
    return found.sort_by("account_id")["truth"].cast(pa.int8()).to_numpy().astype(np.float64)


def _outcomes(session: DuckDBSession, run: RunTables, scope: Scope, leads_to: str | None) -> dict[int, list[int]] | None:
    """Account -> days on which it came, sorted; None where the signal is said to lead to nothing."""
    if leads_to is None:
        return None
    found: dict[int, list[int]] = {}
    if leads_to == "escalation":
        tickets = scoped(kept_input(run, "tickets"), scope)
        tickets = tickets.filter(pc.and_(tickets["escalated"], pc.less_equal(tickets["opened_d"], run.day)))
        ids, days = tickets["account_id"], tickets["opened_d"]
    else:
        ledger, events = ledger_of(session, run, scope)
        moved = session.fetch(moves(events, ledger.denominator, minor_units(ledger.currency)))
        there = None
        for name in AMOUNTS[leads_to]:
            of = pc.not_equal(pc.fill_null(moved[name], 0.0), 0.0)
            there = of if there is None else pc.or_(there, of)
        moved = moved.filter(there)
        ids, days = moved["account_id"], moved["on_d"]
    for account, day in zip(ids.to_pylist(), days.to_pylist(), strict=True):
        found.setdefault(account, []).append(int(day))
    return {account: sorted(set(days)) for account, days in found.items()}


def _usual(outcomes: Mapping[int, list[int]], accounts: Any, dates: Sequence[int], customers: Any, within: int, last: int) -> float | None:
    """The share of customers at the dates to whom it came within as many days, of dates whose days are over."""
    came = seen = 0
    place = {int(account): at for at, account in enumerate(accounts)}
    those = [(place[account], days) for account, days in outcomes.items() if account in place]
    for at, day in enumerate(dates):
        if day + within <= last:
            seen += int(customers[at].sum())
            came += sum(bool(customers[at, one]) and any(day < came_on <= day + within for came_on in days) for one, days in those)
    return came / seen if seen else None
