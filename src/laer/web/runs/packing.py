"""The board pack's figures: one month of the ledger with what moved it, the flow, the renewals ahead and health, with the rows behind each.

All of it is of one run under one scope, by the same questions that the pages ask: nothing is counted a second way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.scope import Scope
from laer.flow.joints import Joints
from laer.flow.statement import Flow
from laer.metrics.policy import load_policy
from laer.metrics.statement import Month
from laer.records.money import minor_units, rounded, rounded_together
from laer.records.periods import day_number, first_day, last_day, month_number
from laer.web.book.many import listed
from laer.web.book.models import ChurnEvent
from laer.web.runs import bands, flowing, in_use, revenue
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.renewing import Renewals, renewals_of
from laer.web.runs.reported import reported_of

GAINS, LOSSES = ("opening_balance", "new", "reactivation", "expansion"), ("contraction", "churn")
BY_CAUSE = ("expansion", "contraction")
BACK, AHEAD, TOP = 12, 12, 10  # months before the pack's in its table, months of renewals, movements a side
CHUNK = 30_000


class NoMonth(Exception):
    """The ledger has no such month: what there is."""


@dataclass(frozen=True)
class Moved:
    """What one account did to MRR in the month: `amount` signed, exact; cause as rule 16 and departures say it, "" where nothing does."""

    account_id: int
    movement: str
    before: Fraction
    after: Fraction
    amount: Fraction
    cause: str


@dataclass(frozen=True)
class Who:
    """An account in a row: today's name, segment and CSM."""

    name: str | None = None
    segment: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class Pack:
    """Everything that the workbook and the printed pages show.

    day      the month's last day, or the run's where the month is not over
    months   the month and the twelve before, as far as the ledger reaches;  reported  month -> the same as it was reported, of those that are closed
    moved    every movement of the month, the largest first;  closing  account -> its MRR at the month's end
    flow     as of the day;  late  accounts that were late at a joint then: account_id, amount (MRR), on_d (since when), stage
    due      renewals, open ones with both calls; ahead of the run's day whatever the month is
    health   band -> `bands.Band` at the day, and on the last day of the month before;  by_band  account_id, health, arr
    """

    run: PassRun
    scope: Scope
    month: int
    day: date
    now: Month
    months: list[Month]
    moved: list[Moved]
    closing: dict[int, Fraction]
    joints: Joints
    flow: Flow
    late: pa.Table
    due: Renewals
    health: Mapping[str | None, bands.Band]
    health_before: Mapping[str | None, bands.Band]
    by_band: pa.Table
    who: Mapping[int, Who]
    reported: Mapping[int, Month]

    @property
    def currency(self) -> str:
        return self.run.currency

    @property
    def to_date(self) -> bool:
        return self.day == self.run.as_of and self.day != last_day(self.month)

    def money(self, amount: Fraction | int | None) -> Decimal:
        return rounded(Fraction(amount or 0), minor_units(self.currency))

    def together(self, amounts: Iterable[Fraction]) -> list[Decimal]:
        """Amounts rounded so that they add up to the rounded sum."""
        return rounded_together(list(amounts), minor_units(self.currency))

    def top(self, *, gains: bool) -> list[Moved]:
        return [one for one in self.moved if (one.amount > 0) == gains][:TOP]

    def ahead(self) -> list[tuple[int, int, Fraction, dict[str, Fraction]]]:
        """Month -> contracts and ARR of what ends in it and is open, and the ARR by the call that stands."""
        first = month_number(self.run.as_of)
        mask = self.open_ahead()
        found = self.due.sums(mask, "month", "call")
        made = []
        for month in range(first, first + AHEAD):
            cells = {call: one for (m, call), one in found.items() if m == month}
            contracts, arr = sum(n for n, _arr in cells.values()), sum((arr for _n, arr in cells.values()), Fraction(0))
            made.append((month, contracts, arr, {call: one for call, (_n, one) in cells.items()}))
        return made

    def open_ahead(self) -> Any:
        first = month_number(self.run.as_of)
        return pc.and_(self.due.between(first, first + AHEAD - 1), pc.invert(self.due.table["settled"]))


def months_known(run: PassRun, scope: Scope) -> tuple[int, int] | None:
    """First and last month of the ledger under the scope; None where nobody ever paid."""
    return revenue.span_of_data(revenue.ledger_of(run, scope), run)


def pack_of(run: PassRun, scope: Scope, month: int, calls: Mapping[tuple[int, date], str], known: datetime | None = None) -> Pack:
    """The pack of a month.

    In      calls  (contract, due day) -> what people said of it (`work.calls`);  known  closings in force at an instant, None: now
    Raises  NoMonth where the ledger does not have it, TimeoutError where the book is too large to be asked in time
    """
    ledger = revenue.ledger_of(run, scope)
    span = revenue.span_of_data(ledger, run)
    if span is None:
        raise NoMonth("nobody has paid yet: there is no month to pack")
    if not span[0] <= month <= span[1]:
        raise NoMonth(f"found {revenue.name_of(month)}, expected a month from {revenue.name_of(span[0])} to {revenue.name_of(span[1])}")
    day = min(last_day(month), run.as_of)
    months = ledger.months(max(span[0], month - BACK), month)
    moved = _moved(run, scope, month)
    closing = {row["account_id"]: row["amount"] for row in _behind(run, scope, "closing", month)}
    joints = in_use.joints_of(run)
    at = None if day == run.as_of else day_number(day)
    flow = flowing.flow_of(run, scope, joints, day=at)
    late = flowing.behind(run, scope, joints, {"joint": "any", "state": "late", "day": at})
    health, by_band = bands.bands_at(run, scope, day)
    before, _accounts = bands.bands_at(run, scope, min(last_day(month - 1), run.as_of))
    due = renewals_of(run, scope).with_calls(calls)
    reported = _reported(run, scope, months, known)
    pack = Pack(run, scope, month, day, months[-1], months, moved, closing, joints, flow, late, due, health, before, by_band, {}, reported)
    ids = {one.account_id for one in moved} | set(closing) | set(late["account_id"].to_pylist()) | set(by_band["account_id"].to_pylist())
    ids |= set(due.table.filter(pack.open_ahead())["account_id"].to_pylist())
    return Pack(**{**pack.__dict__, "who": _who(ids)})


def _reported(run: PassRun, scope: Scope, months: list[Month], known: datetime | None) -> dict[int, Month]:
    """Closed months as they were reported, of what the scope may read."""
    found = reported_of(run, scope, "event", load_policy(run.policy).windows, known)
    if found is None or found.empty:
        return {}
    return {one.month: one for one in found.months(months) if found.first <= one.month <= found.last}


def _who(ids: Iterable[int]) -> dict[int, Who]:
    """Names of accounts, in reads of at most so many."""
    found: dict[int, Who] = {}
    numbers = sorted(ids)
    for begin in range(0, len(numbers), CHUNK):
        cards = AccountCard.objects.filter(account_id__in=listed(set(numbers[begin : begin + CHUNK])))
        found |= {pk: Who(name, segment, owner) for pk, name, segment, owner in cards.values_list("account_id", "name", "segment", "owner_name")}
    return found


def _behind(run: PassRun, scope: Scope, movement: str, month: int, cause: str | None = None) -> list[dict[str, Any]]:
    """As the Revenue page asks for the accounts behind a figure, so that both have the one answer."""
    by = "cause" if cause is not None else None
    params = {"movement": movement, "first": month, "last": month, "movements": "event", "churn_basis": None, "by": by, "value": cause, "cohort": None}
    return revenue.behind(run, scope, params)


def _moved(run: PassRun, scope: Scope, month: int) -> list[Moved]:
    """Every movement of the month with its cause: of expansion and contraction the one that made most of it, of churn the stated reason."""
    causes = _causes(run, scope, month)
    reasons = _reasons(scope, month)
    found = []
    for movement in (*GAINS, *LOSSES):
        sign = -1 if movement in LOSSES else 1
        for row in _behind(run, scope, movement, month):
            account = row["account_id"]
            cause = causes.get((account, movement), "") or (reasons.get(account, "") if movement in LOSSES else "")
            found.append(Moved(account, movement, row["before"], row["after"], row["amount"] * sign, cause))
    return sorted(found, key=lambda one: (-abs(one.amount), one.account_id, one.movement))


def _causes(run: PassRun, scope: Scope, month: int) -> dict[tuple[int, str], str]:
    """(account, movement) -> the cause of most of it. Only causes that moved anything in the month are asked about."""
    by = revenue.ledger_of(run, scope, by="cause")
    said: dict[tuple[int, str], tuple[Fraction, str]] = {}
    for row in by.months_by_value(month, month):
        for movement in BY_CAUSE:
            if row.value in (None, "", "-", "TOTAL") or not row.figures.get(f"{movement}_mrr"):
                continue
            for one in _behind(run, scope, movement, month, row.value):
                key = (one["account_id"], movement)
                said[key] = max(said.get(key, (Fraction(0), "")), (abs(one["amount"]), str(row.value)))
    return {key: cause for key, (_amount, cause) in said.items()}


def _reasons(scope: Scope, month: int) -> dict[int, str]:
    """Account -> why it left or shrank, as somebody stated it for the month."""
    events = ChurnEvent.objects.filter(archived_at=None, effective_on__gte=first_day(month), effective_on__lt=first_day(month + 1)).exclude(reason=None)
    rows = events.order_by("effective_on", "id").values_list("account_id", "reason")
    return {account: reason for account, reason in rows if reason and (scope.everything or account in scope.account_ids)}
