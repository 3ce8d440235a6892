"""Customers that were landed, and what became of each: the question that the land lookback rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.company import as_known
from laer.cycle.fact_questions import account_facts, kept_input, ledger_of
from laer.cycle.run_tables import RunTables, scoped, spans_of
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.land.lookback import AGES, DAYS_OF_MONTH, READS
from laer.metrics.inputs import moves, states
from laer.records.money import minor_units
from laer.records.periods import FAR, date_of, day_number, first_day, month_number

SOON = 60  # days after the first paid day by which the deal that won it was closed


def month_end_after(day: int) -> int:
    """The last day of a month that is not before the day."""
    return day_number(first_day(month_number(date_of(day)) + 1)) - 1


def landed(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """Accounts that began to pay in the last months, the latest first.

    Parameters  months (how many before the run's own)
    Returns     account_id, first_d, mrr (on that day), left_d (since when it pays nothing, None while it pays), paid (all MRR so far, in money), segment (on
                the first day), seller, lead_source, discount (of the deal that won it), promised and reached (outcomes: see `ages`), and under `ages`
                a mapping from each age in days to d (the end of a month at which its facts are taken: the first that is not before), READS, promised and
                reached (outcomes promised, and of those reached, by that age); None for an age that the account has not, or had left before
    """
    since = day_number(first_day(month_number(date_of(run.day)) - int(params["months"])))
    ledger, events = ledger_of(session, run, scope)
    places = minor_units(ledger.currency)
    moved = session.fetch(moves(events, ledger.denominator, places))
    new = moved.filter(pc.and_(pc.greater(moved["new"], 0), pc.greater_equal(moved["on_d"], since)))
    held = session.fetch(states(events, ledger.denominator, places))
    rows = {
        account: {"account_id": account, "first_d": day, "mrr": mrr, "left_d": None, "paid": 0.0, "ages": {}}
        for account, day, mrr in zip(*(new[name].to_pylist() for name in ("account_id", "on_d", "new")), strict=True)
    }  # fmt: skip
    last: dict[int, int] = {}
    for account, start, until, mrr in zip(*(held[name].to_pylist() for name in ("account_id", "from_d", "until_d", "mrr")), strict=True):
        if account in rows:
            rows[account]["paid"] += mrr * (min(until, run.day + 1) - start) / DAYS_OF_MONTH
            last[account] = max(until, last.get(account, 0))
    for account, until in last.items():
        rows[account]["left_d"] = until if until <= run.day else None
    _deals(rows, as_known("deals", scoped(kept_input(run, "deals"), scope), run.day))
    _segments(rows, run, scope)
    _ages(session, run, scope, rows)
    return sorted(rows.values(), key=lambda row: (-row["first_d"], row["account_id"]))


def _deals(rows: Mapping[int, dict[str, Any]], deals: pa.Table) -> None:
    """Who sold it, where it came from and at what discount: of the last deal of new business that was won by then."""
    for row in rows.values():
        row |= {"seller": None, "lead_source": None, "discount": None, "won_d": None}
    names = ("account_id", "closed_d", "outcome", "motion", "seller", "lead_source", "discount")
    for account, closed, outcome, motion, seller, source, discount in zip(*(deals[name].to_pylist() for name in names), strict=True):
        won = rows.get(account)
        if won is None or outcome != "won" or motion not in (None, "land") or closed > won["first_d"] + SOON:
            continue
        if won["won_d"] is None or closed > won["won_d"]:
            won |= {"seller": seller, "lead_source": source, "discount": discount, "won_d": closed}


def _segments(rows: Mapping[int, dict[str, Any]], run: RunTables, scope: Scope) -> None:
    for row in rows.values():
        row["segment"] = None
    there = spans_of(run, "segment")
    if there is None:
        return
    spans = scoped(there, scope)
    for account, value, start, until in zip(*(spans[name].to_pylist() for name in ("account_id", "value", "from_d", "until_d")), strict=True):
        if account in rows and start <= rows[account]["first_d"] < until:
            rows[account]["segment"] = value or None


def _ages(session: DuckDBSession, run: RunTables, scope: Scope, rows: Mapping[int, dict[str, Any]]) -> None:
    """Facts and outcomes of each account at each age that it has reached as a customer."""
    wanted: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in rows.values():
        for age in AGES:
            day = month_end_after(row["first_d"] + age)
            if day <= run.day and (row["left_d"] is None or day < row["left_d"]):
                row["ages"][age] = one = {"d": day, "promised": 0, "reached": 0, **dict.fromkeys(READS)}
                wanted.setdefault((row["account_id"], day), []).append(one)
    if not wanted:
        return
    measures = [name for name in READS if name in run.measures]
    asked = {"dates": tuple({day for _account, day in wanted}), "measures": measures, "accounts": frozenset(account for account, _day in wanted)}
    facts = account_facts(session, run, asked, scope)
    for found in facts.to_pylist():
        for one in wanted.get((found["account_id"], found["d"]), ()):
            one |= {name: found[name] for name in measures}
    outcomes = scoped(kept_input(run, "outcomes"), scope)
    for account, promised, reached in zip(*(outcomes[name].to_pylist() for name in ("account_id", "promised_d", "reached_d")), strict=True):
        for one in rows[account]["ages"].values() if account in rows else ():
            if promised <= one["d"]:
                one["promised"] += 1
                one["reached"] += reached <= one["d"] and reached < FAR
