"""From when until when each line of the book counts: what cuts it, what bridges it, what rolls it on (rules 7, 9, 10 and 20).

A line as stated has a start and an end. Three things move them: a later line of its subscription takes its place; the
contract behind it renews late, by itself, or nobody knows; under `churn_basis: events` a churn event ends it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.metrics.policy import Policy
from laer.records.periods import FAR, date_of, day_number

GONE = ("cancelled", "canceled", "churned", "terminated", "lost", "not renewed", "non renewal", "ended")
PENDING, UNRESOLVED, ROLLS, LOST, DUE = "pending", "unresolved", "rolls on", "lost", "due"
RENEWED, LATE, BACK = "renewed", "renewed late", "came back"
MONTHLY = 1  # a term of one month is never due


@dataclass(frozen=True)
class Term:
    """A contract as the ledger needs it: days as numbers, the end exclusive."""

    contract: int
    account: int
    start: int | None
    end: int
    signed: int | None
    months: int | None
    auto: bool | None
    cancelled: int | None
    gone: bool
    renews: int | None
    name: str | None = None

    @property
    def monthly(self) -> bool:
        return self.months == MONTHLY


@dataclass
class Counting:
    """start, end      day numbers between which each line counts, in the order of the lines; FAR where it is open
    end_by_event    the same end under `churn_basis: events`
    leaves          whether the end to come is a departure that somebody stated: a cancelled line or contract, no mere end of a term
    renewals        one row per contract with an end: what became of it
    """

    start: np.ndarray[Any, Any]
    end: np.ndarray[Any, Any]
    end_by_event: np.ndarray[Any, Any]
    leaves: np.ndarray[Any, Any]
    renewals: list[dict[str, Any]] = field(default_factory=list)


def counting(lines: pa.Table, contracts: pa.Table, churn_events: pa.Table, policy: Policy, as_of: date) -> Counting:
    """When each line counts, as known at the end of a day.

    In      lines  record_subscription_lines;  contracts  record_contracts;  churn_events  record_churn_events
    Method  docs/methods/renewals.md
    """
    start = _days(lines["start_on"])
    end = _days(lines["end_on"])
    end = cut(lines, start, end)
    terms = terms_of(contracts)
    today = day_number(as_of)
    outcomes: dict[int, _Outcome] = {}
    if terms:
        outcomes = _outcomes(terms, lines, start, policy, today)
        _apply(lines, start, end, outcomes, policy)
    by_event = _events(lines, start, end, churn_events)
    return Counting(start, end, by_event, _leaves(lines, terms, policy), _renewals(terms, outcomes, lines, start, end))


def cut(lines: pa.Table, start: np.ndarray[Any, Any], end: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Ends after replacement: a line that takes the place of its subscription's others (`cuts`) ends those that began before it.

    Of several that begin on one day the one recorded last rules. Lines of one subscription for different products stand apart.
    """
    cuts = pc.fill_null(lines["cuts"], False).to_numpy(zero_copy_only=False).astype(bool)
    if not cuts.any():
        return end
    subscription = lines["subscription_id"].to_numpy()
    product = pc.fill_null(lines["product_id"], -1).to_numpy()
    order = np.lexsort((lines["line_id"].to_numpy(), start, product, subscription))
    group = np.empty(len(order), dtype=bool)
    group[:-1] = (subscription[order][1:] == subscription[order][:-1]) & (product[order][1:] == product[order][:-1])
    group[-1:] = False
    following = np.full(len(order), FAR, dtype=end.dtype)
    nearest = np.where(cuts[order], start[order], FAR)
    # The nearest later start that cuts, within the group: walked backwards over the few rows that have a follower.
    for i in np.nonzero(group)[0][::-1]:
        following[i] = min(nearest[i + 1], following[i + 1])
    shortened = end.copy()
    shortened[order] = np.minimum(end[order], np.maximum(following, start[order]))
    return shortened


def terms_of(contracts: pa.Table) -> dict[int, Term]:
    """Contracts that have an end."""
    found = {}
    names = ("contract_id", "account_id", "name", "start_on", "end_on", "signed_on", "term_months", "auto_renews", "cancelled_on", "status", "renews_id")
    for contract, account, name, start, end, signed, months, auto, cancelled, status, renews in zip(*(contracts[c].to_pylist() for c in names), strict=True):
        if end is not None:
            gone = (status or "").strip().lower() in GONE
            found[contract] = Term(
                contract, account, _day(start), day_number(end), _day(signed), months or _months(start, end), auto, _day(cancelled), gone, renews, name
            )
    return found


@dataclass(frozen=True)
class _Outcome:
    """What became of a term: the day until which its lines count, and its successor's first day where signing late moved it."""

    term: Term
    state: str
    until: int
    successor: Term | None = None
    signed: int | None = None
    late: int = 0
    back: int | None = None  # from this day the successor counts


def _outcomes(terms: dict[int, Term], lines: pa.Table, start: np.ndarray[Any, Any], policy: Policy, today: int) -> dict[int, _Outcome]:
    by_account: dict[int, list[Term]] = {}
    for term in terms.values():
        by_account.setdefault(term.account, []).append(term)
    starts = _starts(lines, start, by_account)
    renewed = {t.renews: t for t in terms.values() if t.renews is not None}
    found = {}
    for own in by_account.values():
        own.sort(key=lambda t: (t.end, t.contract))
        for place, term in enumerate(own):
            following = renewed.get(term.contract) or _following(term, own[place + 1 :])
            found[term.contract] = _outcome(term, following, starts.get(term.account, []), policy.grace_days, today)
    return found


def _following(term: Term, later: Iterable[Term]) -> Term | None:
    """The next contract of the account that goes on where this one ends: not one that ran beside it from well before."""
    for other in later:
        if other.renews is None and (other.start is None or other.start >= term.end - 92 or (other.start > (term.start or 0) and other.signed is not None)):
            return other
    return None


def _outcome(term: Term, following: Term | None, starts: list[tuple[int, int | None]], grace: int, today: int) -> _Outcome:
    last_day = term.end - 1
    if term.gone or (term.cancelled is not None and (not term.auto or term.cancelled <= term.end)):
        return _Outcome(term, LOST if today > last_day else DUE, term.end)
    if following is not None:
        first = following.start if following.start is not None else term.end
        signed = following.signed if following.signed is not None else first
        late = max(0, signed - last_day) if following.signed is not None else max(0, first - term.end)
        if late > grace or first > term.end + grace:
            return _Outcome(term, BACK, term.end, following, signed, late, max(first, signed))
        return _Outcome(term, LATE if late else RENEWED, max(first, term.start or 0), following, signed, late)
    place = bisect_left(starts, (term.end, -1))  # a line without a contract of its own that goes on
    if place < len(starts) and starts[place][1] != term.contract and starts[place][0] <= term.end + grace:
        return _Outcome(term, RENEWED if starts[place][0] <= term.end else LATE, starts[place][0], None, starts[place][0], max(0, starts[place][0] - term.end))
    if term.auto or term.monthly:
        return _Outcome(term, ROLLS, _rolled(term))
    if today <= last_day:
        return _Outcome(term, DUE, term.end)
    if today <= last_day + grace:
        return _Outcome(term, PENDING, FAR)
    if term.auto is None:
        return _Outcome(term, UNRESOLVED, FAR)
    return _Outcome(term, LOST, term.end)


def _rolled(term: Term) -> int:
    """Until when a term that renews by itself goes on: the end of the term in which notice was given, else open."""
    if term.cancelled is None:
        return FAR
    end, months = term.end, term.months or 12
    while end < term.cancelled:
        end = day_number(_later(date_of(end), months))
    return end


def _apply(lines: pa.Table, start: np.ndarray[Any, Any], end: np.ndarray[Any, Any], outcomes: dict[int, _Outcome], policy: Policy) -> None:
    """Move the ends (and late starts) of lines that stand under a contract. A line marked cancelled or churned ends at its end."""
    contract = pc.fill_null(lines["contract_id"], -1).to_numpy()
    words = pc.utf8_lower(pc.fill_null(lines["status"], "")).to_pylist()
    for i in np.nonzero(contract >= 0)[0]:
        outcome = outcomes.get(int(contract[i]))
        if outcome is None or words[i] in policy.status.needs_end:
            continue
        term = outcome.term
        stated = int(end[i])
        if stated != FAR and abs(stated - term.end) > 1:
            continue  # it ended, or was replaced, by itself and not with its contract
        if outcome.state in (RENEWED, LATE) and stated != FAR:
            end[i] = max(outcome.until, int(start[i])) if outcome.until > stated else stated
        elif outcome.state in (PENDING, UNRESOLVED, ROLLS):
            end[i] = outcome.until
        elif outcome.state in (LOST, BACK):
            end[i] = min(stated, term.end) if stated != FAR else term.end
        if outcome.state in (RENEWED, LATE) and outcome.successor is not None and outcome.until < int(end[i]):
            end[i] = max(outcome.until, int(start[i]))  # an early renewal cuts its predecessor
    late = {o.successor.contract: o.back for o in outcomes.values() if o.state == BACK and o.successor is not None and o.back is not None}
    for i in np.nonzero(np.isin(contract, np.fromiter(late, dtype=contract.dtype, count=len(late))))[0] if late else ():
        start[i] = max(int(start[i]), late[int(contract[i])])


def _events(lines: pa.Table, start: np.ndarray[Any, Any], end: np.ndarray[Any, Any], churn_events: pa.Table) -> np.ndarray[Any, Any]:
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


def _leaves(lines: pa.Table, terms: dict[int, Term], policy: Policy) -> np.ndarray[Any, Any]:
    gone = pc.is_in(pc.utf8_lower(pc.fill_null(lines["status"], "")), pa.array(sorted(policy.status.needs_end)))
    ending = [t.contract for t in terms.values() if t.gone or t.cancelled is not None]
    cancelled = pc.fill_null(pc.is_in(lines["contract_id"], pa.array(ending, pa.int64())), False)
    leaves: np.ndarray[Any, Any] = pc.or_(gone, cancelled).to_numpy()
    return leaves


def _renewals(
    terms: dict[int, Term], outcomes: dict[int, _Outcome], lines: pa.Table, start: np.ndarray[Any, Any], end: np.ndarray[Any, Any]
) -> list[dict[str, Any]]:
    return [
        {
            "contract_id": o.term.contract, "account_id": o.term.account, "name": o.term.name, "due_on": date_of(o.term.end), "state": o.state,
            "signed_on": None if o.signed is None or o.successor is None else date_of(o.signed), "late_days": o.late,
            "successor_id": o.successor.contract if o.successor else None, "auto_renews": o.term.auto,
        }
        for o in (outcomes[c] for c in terms)
        if not o.term.monthly
    ]  # fmt: skip


def _starts(lines: pa.Table, start: np.ndarray[Any, Any], accounts: Iterable[int]) -> dict[int, list[tuple[int, int | None]]]:
    """(first day, contract) of the lines of accounts with contracts, sorted."""
    wanted = set(accounts)
    found: dict[int, list[tuple[int, int | None]]] = {}
    for account, day, contract in zip(lines["account_id"].to_pylist(), start.tolist(), lines["contract_id"].to_pylist(), strict=True):
        if account in wanted:
            found.setdefault(account, []).append((day, contract if contract is not None else 0))
    for days in found.values():
        days.sort()
    return found


def _days(dates: Any) -> np.ndarray[Any, Any]:
    """Day numbers of a column of dates; FAR where there is none. Written to by whoever asks."""
    days: np.ndarray[Any, Any] = pc.fill_null(pc.cast(dates, pa.int32()), FAR).to_numpy()
    return days.copy()


def _day(value: date | None) -> int | None:
    return None if value is None else day_number(value)


def _months(start: date | None, end: date) -> int | None:
    if start is None:
        return None
    return max(1, round((end - start).days / 30.44))


def _later(day: date, months: int) -> date:
    from calendar import monthrange

    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
