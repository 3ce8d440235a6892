"""Questions about the ledger of a run: its months, the accounts behind a figure, what is signed or known to leave, what rests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.ledger import Ledger, LedgerInput, compute, tables
from laer.cycle.rates import at_rates
from laer.cycle.run_tables import QuestionFault, RunTables, dimension_names, scoped, spans_of
from laer.cycle.scope import Scope
from laer.cycle.to_date import lines_to_date, spans_to_date
from laer.engine.session import DuckDBSession
from laer.metrics import months, retention
from laer.metrics.changes import BALANCE, MOVEMENTS
from laer.metrics.rate_rules import RateRules
from laer.records.expr import literal
from laer.records.periods import FAR

LINE_DIMENSIONS = ("plan", "product", "currency")
CAUSE = "cause"
RETAINED = {"nrr": "closing", "grr": "kept"}


def revenue(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Ledger:
    """The ledger of the run's lines.

    Parameters  movements, gap_days, churn_basis; by (a dimension of lines or accounts, `cause`, or None); without_price (NRR
                without price, too); logo_churn, net_churn (rule 11, as the policy has them)
    """
    given, how = ledger_input(run, params, scope)
    rates = RateRules(**{k: str(params[k]) for k in ("logo_churn", "net_churn") if k in params})
    return compute(session, given, rates=rates, **how)


def revenue_behind(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> list[dict[str, Any]]:
    """The accounts behind one figure of the revenue ledger, largest first.

    Parameters  as of `revenue`; movement (new … churn, entering, leaving, opening, closing, nrr, grr), first and last (month
                numbers of the period), value (of the dimension), cohort (month number: its accounts at month `last`),
                window (months of nrr and grr; 12)
    Returns     account_id, before, after, amount (exact fractions of the currency), movements
    Holds       sum of amount == the figure; of nrr and grr: sum of amount / sum of before == the rate of month `last` (rule 12)
    """
    given, how = ledger_input(run, params, scope)
    made = tables(session, given, **how)
    booked, states = made.booked_months, made.booked_states
    if params.get("by") is not None:
        booked = booked.filter(booked.value == str(params.get("value") or ""))
    if made.value_states is not None:
        states = states.filter(states.value == str(params.get("value") or ""))
    last, movement = int(params["last"]), str(params["movement"])
    first = int(params.get("first", last))
    if params.get("cohort") is not None:
        at = months.behind_level(states, last)
        answer = at.semi_join(months.cohort_accounts(made.event_months, int(params["cohort"])), "account_id")
    elif movement in ("opening", "closing"):
        answer = months.behind_level(states, first - 1 if movement == "opening" else last)
    elif movement == BALANCE and BALANCE not in booked.columns:  # only lines of the book say that nobody knows since when they were paid
        return []
    elif movement in (BALANCE, *MOVEMENTS, "entering", "leaving"):
        answer = months.behind_movement(booked, movement, first, last)
    elif movement in RETAINED:
        found = retention.behind_retained(made.states, int(params.get("window", 12)), last, None if made.value_states is None else states)
        answer = found.select("account_id", "before", "after", amount=found[RETAINED[movement]], movements=literal(0, "int64"))
    else:
        there = ("opening", BALANCE, *MOVEMENTS, "entering", "leaving", "closing", *RETAINED)
        raise QuestionFault(f"no movement {movement!r}; there are {', '.join(there)}")
    rows = session.fetch(answer).to_pylist()
    money = ("before", "after", "amount")
    exact = [row | {k: Fraction(row[k]) / given.denominator for k in money} for row in rows]
    return sorted(exact, key=lambda r: (-r["amount"], r["account_id"]))


def committed(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> dict[str, Fraction]:
    """What is signed and not live yet, and what is known to leave, as MRR (rule 2). Parameter: rates, as of `revenue`.

    Returns     coming, leaving: the sums of `committed_lines`. ARR + 12 x (coming - leaving) is CARR
    """
    rows, denominator = committed_lines(run, params, scope)
    return {name: Fraction(sum(row[2] for row in rows if row[1] == name), denominator) for name in ("coming", "leaving")}


def committed_lines(run: RunTables, params: Mapping[str, Any], scope: Scope) -> tuple[list[tuple[int, str, int]], int]:
    """Account, coming or leaving, and parts of each line that is to come, or that one to come takes the place of (below 0), or that is known to leave.

    Returns     coming: lines that start after the day, less what they take the place of on that very day; leaving: lines with a
                departure to come that somebody stated; and what parts are parts of
    """
    day, given = run.day, lines_of(run, params, scope)
    lines = given.lines
    coming = lines.filter(pc.greater(lines["start_d"], day))
    ends = lines.filter(pc.and_(pc.greater(lines["end_d"], day), pc.less_equal(lines["start_d"], day)))
    starts = set(zip(coming["account_id"].to_pylist(), coming["start_d"].to_pylist(), strict=True))
    found = [(account, "coming", int(parts)) for account, parts in zip(coming["account_id"].to_pylist(), coming["parts"].to_pylist(), strict=True)]
    said = ends["leaves"].to_pylist() if "leaves" in ends.column_names else [False] * ends.num_rows
    for account, end, parts, leaves in zip(ends["account_id"].to_pylist(), ends["end_d"].to_pylist(), ends["parts"].to_pylist(), said, strict=True):
        if (account, end) in starts:
            found.append((account, "coming", -int(parts)))
        elif leaves and end < FAR:
            found.append((account, "leaving", int(parts)))
    return found, given.denominator


def paused(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """MRR that pauses rest upon on a day, whether the policy lets it count or not (rule 5). Parameter: day (day number).

    Returns     mrr (exact), accounts
    """
    lines = scoped(run.tables["lines"], scope)
    if "paused_parts" not in lines.column_names:  # a snapshot of before
        return {"mrr": Fraction(0), "accounts": 0}
    day = int(params["day"])
    there = lines.filter(pc.and_(pc.and_(pc.less_equal(lines["start_d"], day), pc.greater(lines["end_d"], day)), pc.is_valid(lines["paused_parts"])))
    total = sum(map(int, there["paused_parts"].to_pylist()))
    return {"mrr": Fraction(total, run.denominator), "accounts": len(pc.unique(there["account_id"]))}


def packed(rates: Mapping[str, Fraction]) -> tuple[tuple[str, str], ...]:
    """Rates as a parameter of a question: answers are remembered by it."""
    return tuple((code, str(rate)) for code, rate in sorted(rates.items()))


def lines_of(run: RunTables, params: Mapping[str, Any], scope: Scope) -> LedgerInput:
    """The run's lines that the scope allows, at its own rates or those asked for."""
    given = LedgerInput(scoped(run.tables["lines"], scope), run.denominator, run.currency)
    if params.get("rates") is None:
        return given
    return at_rates(given, run.rates, {code: Fraction(rate) for code, rate in params["rates"]})


def ledger_input(run: RunTables, params: Mapping[str, Any], scope: Scope, *, to_date: bool = True) -> tuple[LedgerInput, dict[str, Any]]:
    given = lines_of(run, params, scope)
    lines = lines_to_date(given.lines, run.day) if to_date else given.lines
    if params.get("churn_basis") == "events" and "event_end_d" in lines.column_names:  # rule 20
        for name in ("end_d", "end_m"):
            lines = lines.set_column(lines.schema.get_field_index(name), name, lines[f"event_{name}"])
    by, spans = params.get("by"), None
    without_price = bool(params.get("without_price"))
    if by == CAUSE or without_price:
        lines = _with_facts(lines)
    if by == CAUSE:
        pass
    elif by in LINE_DIMENSIONS:
        lines = lines.append_column("value", pc.fill_null(lines[str(by)], ""))
    elif by is not None:
        whole = spans_of(run, str(by))
        if whole is None:
            raise QuestionFault(f"revenue by {by!r} is not known; there are {', '.join((*LINE_DIMENSIONS, *dimension_names(run), CAUSE))}")
        spans = spans_to_date(scoped(whole, scope), run.day)
    how = {"movements": params.get("movements", "event"), "gap_days": params.get("gap_days", 0), "by": by not in (None, CAUSE), "spans": spans}
    how |= {"by_cause": by == CAUSE, "without_price": without_price}
    return replace(given, lines=lines), how


def _with_facts(lines: pa.Table) -> pa.Table:
    """Lines with every column that causes compare; a snapshot of before knows no seats and no list amounts."""
    for name, kind in (("units", pa.int64()), ("list_parts", pa.float64())):
        if name not in lines.column_names:
            lines = lines.append_column(name, pa.nulls(lines.num_rows, kind))
    return lines
