"""From when until when each line of the book counts: what cuts it, what bridges it, what rolls it on (rules 7, 9, 10 and 20).

A line as stated has a start and an end. Three things move them: a later line of its subscription takes its place; the
contract behind it renews late, by itself, or nobody knows; under `churn_basis: events` a churn event ends it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.cutting import Days, cut, day_numbers, next_cut
from laer.cycle.succession import Term, products_of, successors, terms_of
from laer.metrics.policy import Policy
from laer.records.periods import FAR, date_of, day_number

PENDING, UNRESOLVED, ROLLS, LOST, DUE = "pending", "unresolved", "rolls on", "lost", "due"
RENEWED, LATE, BACK = "renewed", "renewed late", "came back"
LINES = ("line_id", "account_id", "subscription_id", "product_id", "contract_id", "plan", "start_on", "end_on", "status", "cuts", "mrr_num")

@dataclass
class Counting:
    """start, end      day numbers between which each line counts, in the order of the lines; FAR where it is open
    end_by_event    the same end under `churn_basis: events`
    leaves          whether the end to come is a departure that somebody stated: a cancelled line or contract, no mere end of a term
    renewals        one row per contract with an end: what became of it
    terms, outcomes contracts by number, and what became of those with an end
    """

    start: Days
    end: Days
    end_by_event: Days
    leaves: Days
    renewals: list[dict[str, Any]] = field(default_factory=list)
    terms: dict[int, Term] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

@dataclass(frozen=True)
class Outcome:
    """What became of a term: the day until which its lines count, and its successor's first day where signing late moved it."""

    term: Term
    state: str
    until: int
    successor: Term | None = None
    signed: int | None = None
    late: int = 0
    back: int | None = None  # from this day the successor counts

def counting(lines: pa.Table, contracts: pa.Table, churn_events: pa.Table, policy: Policy, as_of: date) -> Counting:
    """When each line counts, as known at the end of a day.

    In      lines  record_subscription_lines, LINES of it are read;  contracts  record_contracts;  churn_events  record_churn_events
    Method  docs/methods/renewals.md
    """
    start = day_numbers(lines["start_on"])
    stated = day_numbers(lines["end_on"])
    end = cut(lines, start, stated).copy()
    terms = terms_of(contracts, _begun(lines, start)) if contracts.num_rows else {}
    outcomes: dict[int, Outcome] = {}
    if terms:
        outcomes = _outcomes(terms, lines, start, policy, day_number(as_of))
        _apply(lines, start, stated, end, outcomes, policy)
    by_event = _events(lines, start, end, churn_events)
    return Counting(start, end, by_event, _leaves(lines, terms, policy), _renewals(terms, outcomes, day_number(as_of)), terms, outcomes)

def _outcomes(terms: dict[int, Term], lines: pa.Table, start: Days, policy: Policy, today: int) -> dict[int, Outcome]:
    products = products_of(lines)
    following = successors(terms, products, policy.grace_days)
    going_on = _going_on(lines, start, terms)
    found = {}
    for number, term in terms.items():
        if term.end < FAR:
            lone = None if term.rolls else _lone(term, going_on.get(term.account, []), products.get(number), policy.grace_days)
            found[number] = _outcome(term, following.get(number), lone, policy.grace_days, today)
    return found

def _outcome(term: Term, following: Term | None, lone: int | None, grace: int, today: int) -> Outcome:
    stop = term.stop
    last_day = stop - 1
    first = term.end if following is None else following.start if following.start is not None else term.end
    if following is not None and term.rolls and first <= stop:
        return Outcome(term, RENEWED, max(first, term.start or 0), following, following.signed if following.signed is not None else first)
    linked = following is not None and following.renews == term.contract and first <= stop
    if not linked and (term.gone or term.cancelled is not None):
        return Outcome(term, LOST if today > last_day else DUE, stop)
    if following is not None:
        signed = following.signed if following.signed is not None else first
        late = max(0, signed - last_day) if following.signed is not None else max(0, first - stop)
        if late > grace or first > stop + grace:
            return Outcome(term, BACK, stop, following, signed, late, max(first, signed))
        return Outcome(term, LATE if late else RENEWED, max(first, term.start or 0), following, signed, late)
    if lone is not None:
        return Outcome(term, RENEWED if lone <= stop else LATE, lone, None, lone, max(0, lone - stop))
    if term.rolls:
        return Outcome(term, ROLLS, FAR)
    if today <= last_day:
        return Outcome(term, DUE, stop)
    if today <= last_day + grace:
        return Outcome(term, PENDING, FAR)
    if term.auto is None:
        return Outcome(term, UNRESOLVED, FAR)
    return Outcome(term, LOST, stop)

def _under(outcome: Outcome, found: Mapping[int, Outcome], with_lines: set[int]) -> Outcome:
    """The outcome under which a contract's lines stand: where its renewal has no lines of its own, they go on under that."""
    seen = {outcome.term.contract}
    while outcome.state in (RENEWED, LATE) and outcome.successor is not None:
        number = outcome.successor.contract
        if number in with_lines or number in seen:
            break
        seen.add(number)
        if number not in found:
            return Outcome(outcome.successor, ROLLS, FAR)  # it has no end
        outcome = found[number]
    return outcome

def _going_on(lines: pa.Table, start: Days, terms: Mapping[int, Term]) -> dict[int, list[tuple[int, int | None]]]:
    """Account -> (first day, product) of its lines that stand under no contract, sorted, where it has contracts."""
    wanted = {term.account for term in terms.values() if term.end < FAR}
    paid = pc.fill_null(pc.greater(lines["mrr_num"], 0), True)  # neither a credit nor a free plan goes on for what was paid
    if "start_unknown" in lines.column_names:  # it was there before it was stated: its day is that of a list, and renews nothing
        paid = pc.and_(paid, pc.invert(pc.fill_null(lines["start_unknown"], False)))
    free = pc.and_(pc.and_(pc.is_null(lines["contract_id"]), paid), pc.is_in(lines["account_id"], pa.array(sorted(wanted), pa.int64())))
    found: dict[int, list[tuple[int, int | None]]] = {}
    rows = np.flatnonzero(free.to_numpy())
    picked = lines.select(["account_id", "product_id"]).take(pa.array(rows))
    for account, product, day in zip(picked["account_id"].to_pylist(), picked["product_id"].to_pylist(), start[rows].tolist(), strict=True):
        found.setdefault(account, []).append((day, product))
    for days in found.values():
        days.sort(key=lambda row: row[0])
    return found

def _lone(term: Term, lines: list[tuple[int, int | None]], products: set[int] | None, grace: int) -> int | None:
    """The first day of a line without a contract that goes on where a term ends: of its products, or of none that is named."""
    for day, product in lines[bisect_left(lines, term.end - 1, key=lambda row: row[0]) :]:
        if day > term.end + grace:
            return None
        if product is None or not products or product in products:
            return day
    return None

def _apply(lines: pa.Table, start: Days, stated: Days, end: Days, outcomes: dict[int, Outcome], policy: Policy) -> None:
    """Move the ends (and late starts) of lines that stand under a contract. A line marked cancelled or churned ends at its end."""
    contract = pc.fill_null(lines["contract_id"], -1).to_numpy()
    words = pc.utf8_lower(pc.fill_null(lines["status"], "")).to_pylist()
    moved: list[int] = []
    with_lines = set(np.unique(contract).tolist())
    for i in np.flatnonzero(contract >= 0).tolist():
        outcome = outcomes.get(int(contract[i]))
        if outcome is None or words[i] in policy.status.needs_end:
            continue
        was, first = int(end[i]), int(start[i])
        if was != FAR and not outcome.term.turns_on(was):
            continue  # it ended, or was replaced, by itself and not with its contract
        outcome = _under(outcome, outcomes, with_lines)
        until = outcome.until
        if outcome.state in (LOST, BACK, DUE) and was != FAR and abs(was - until) <= 1:
            until = min(was, until)
        elif outcome.state == DUE and was == FAR:
            until = FAR  # an open line goes on until somebody knows better
        elif outcome.state in (RENEWED, LATE) and abs(was - until) <= 1 and outcome.successor is None:
            until = was
        end[i] = max(until, first)
        if end[i] > was:
            moved.append(i)
    if moved:
        for i, day in next_cut(lines, start, stated, moved).items():
            end[i] = min(int(end[i]), day)
    _late_starts(contract, start, end, outcomes)

def _late_starts(contract: Days, start: Days, end: Days, outcomes: dict[int, Outcome]) -> None:
    """A renewal that was signed after the grace counts from its signature, unless it also renews a contract in time."""
    back = {o.successor.contract: o.back for o in outcomes.values() if o.state == BACK and o.successor is not None and o.back is not None}
    in_time = {o.successor.contract for o in outcomes.values() if o.state in (RENEWED, LATE) and o.successor is not None}
    back = {number: day for number, day in back.items() if number not in in_time}
    for i in np.flatnonzero(np.isin(contract, np.fromiter(back, dtype=contract.dtype, count=len(back)))).tolist() if back else ():
        start[i] = max(int(start[i]), back[int(contract[i])])
        end[i] = max(int(end[i]), int(start[i]))

def _events(lines: pa.Table, start: Days, end: Days, churn_events: pa.Table) -> Days:
    """Ends where churn events end lines: a line ends at the first event after its start (rule 20)."""
    left: dict[int, list[int]] = {}
    columns = ("account_id", "effective_on", "is_reactivation")
    for account, day, back in zip(*(churn_events[c].to_pylist() for c in columns), strict=True):
        if day is not None and not back:
            left.setdefault(account, []).append(day_number(day))
    if not left:
        return end
    for days in left.values():
        days.sort()
    ended = end.copy()
    accounts = lines["account_id"].to_numpy()
    for i in np.nonzero(np.isin(accounts, np.fromiter(left, dtype=accounts.dtype, count=len(left))))[0]:
        days = left[int(accounts[i])]
        place = bisect_left(days, int(start[i]) + 1)
        if place < len(days):
            ended[i] = min(int(ended[i]), days[place])
    return ended

def _leaves(lines: pa.Table, terms: dict[int, Term], policy: Policy) -> Days:
    gone = pc.is_in(pc.utf8_lower(pc.fill_null(lines["status"], "")), pa.array(sorted(policy.status.needs_end)))
    ending = [t.contract for t in terms.values() if t.gone or t.cancelled is not None]
    cancelled = pc.fill_null(pc.is_in(lines["contract_id"], pa.array(ending, pa.int64())), False)
    leaves: Days = pc.or_(gone, cancelled).to_numpy()
    return leaves

def _renewals(terms: dict[int, Term], outcomes: dict[int, Outcome], today: int) -> list[dict[str, Any]]:
    """One row per term that falls due. A contract that renews by itself is due on its next turning day.

    Beside what pages show: begins (its first day, None where nobody knows) and until (the day on which it was due, or cut before it), as numbers
    """
    undated: dict[int, list[Term]] = {}
    dated: dict[int, list[int]] = {}
    for term in terms.values():
        if term.start is None:
            undated.setdefault(term.account, []).append(term)
        elif term.end < FAR:
            dated.setdefault(term.account, []).append(term.end)

    def said_otherwise(term: Term) -> bool:
        """Known by its end alone, and that was corrected since or is the end of a contract that the book knows."""
        if term.start is not None:
            return False
        corrected = any(t.contract > term.contract and t.end < term.end for t in undated[term.account])
        return corrected or any(abs(end - term.end) <= 1 for end in dated.get(term.account, ()))

    return [
        {
            "contract_id": o.term.contract, "account_id": o.term.account, "name": o.term.name, "due_on": date_of(_due(o, today)), "state": o.state,
            "signed_on": None if o.signed is None or o.successor is None else date_of(o.signed), "late_days": o.late,
            "successor_id": o.successor.contract if o.successor else None, "auto_renews": o.term.auto,
            "begins": o.term.start, "until": min(o.until, _due(o, today)),
        }
        for o in outcomes.values()
        if not (o.term.monthly and o.term.rolls) and not said_otherwise(o.term)
    ]  # fmt: skip

def _due(outcome: Outcome, today: int) -> int:
    term = outcome.term
    if outcome.state == ROLLS:
        return min(term.anniversary(today + 1), FAR)
    if term.rolls and outcome.state in (LOST, DUE):
        return min(term.stop, FAR)
    return term.end

def _begun(lines: pa.Table, start: Days) -> dict[int, int]:
    """Contract -> first day of its lines."""
    contract = pc.fill_null(lines["contract_id"], -1).to_numpy()
    found: dict[int, int] = {}
    rows = np.flatnonzero(contract >= 0)
    if len(rows):
        order = rows[np.lexsort((start[rows], contract[rows]))]
        first = np.r_[True, contract[order][1:] != contract[order][:-1]]
        found = dict(zip(contract[order][first].tolist(), start[order][first].tolist(), strict=True))
    return found
