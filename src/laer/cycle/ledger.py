"""Compute the ledger over a table of lines: the one place where its expressions are put together and run.

`laer revenue`, the pass and the Revenue page all come through here, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from laer.engine.session import Session
from laer.metrics import booking, causes, changes, dimensions, months, retention
from laer.metrics.rate_rules import RateRules
from laer.metrics.statement import AS_DEFAULT, TOTAL, Month, Sums, cohort_rows, movements_only, statement
from laer.records.expr import Table


@dataclass(frozen=True)
class LedgerInput:
    """Lines ready for the ledger: see `changes.lines_table`. Amounts are parts of 1/denominator of the currency's unit."""

    lines: pa.Table
    denominator: int
    currency: str | None = None

    @property
    def parts_type(self) -> str:
        return "decimal(38, 0)" if pa.types.is_decimal(self.lines.schema.field("parts").type) else "int64"

    @property
    def book(self) -> bool:
        """Whether the lines are the book's, which say of some that nobody knows since when they were paid."""
        return "unknown" in self.lines.column_names

    @property
    def account_type(self) -> str:
        return "string" if pa.types.is_string(self.lines.schema.field("account_id").type) else "int64"


NAMED = 5  # accounts that started and stopped within a month which a ledger names
STATED = 4  # periods whose rows by value a ledger remembers


@dataclass
class Ledger:
    """The sums that every revenue figure is made of. Sparse: months without a change have no row."""

    denominator: int
    currency: str | None
    windows: tuple[int, ...]
    total: Sums
    values: dict[str, Sums] = field(default_factory=dict)
    cohorts: list[tuple[int, int, int, int]] = field(default_factory=list)
    flash: int = 0
    came_and_went: list[tuple[str, int]] = field(default_factory=list)  # the first of them by month: account, month
    rates: RateRules = AS_DEFAULT
    by_cause: bool = False
    stated: dict[tuple[int, int], list[Month]] = field(default_factory=dict, repr=False, compare=False)  # by value, of the periods asked for last
    told: dict[tuple[int, int], list[Month]] = field(default_factory=dict, repr=False, compare=False)  # the same as a whole

    def months(self, first: int, last: int) -> list[Month]:
        """Rows by month. Remembered: a page asks for the same ones at every look."""
        rows = self.told.get((first, last))
        if rows is None:
            rows = self.told[first, last] = statement(self.total, first, last, self.denominator, self.windows, rates=self.rates)
            for period in list(self.told)[:-STATED]:
                self.told.pop(period, None)
        return list(rows)

    def months_by_value(self, first: int, last: int) -> list[Month]:
        """Rows by value and month; each month closes with its TOTAL row. Causes have movements, and no level. Remembered: 200 owners take 0.1 s."""
        rows = self.stated.pop((first, last), None) or self._by_value(first, last)
        self.stated[first, last] = rows
        for period in list(self.stated)[:-STATED]:
            self.stated.pop(period, None)
        return rows

    def _by_value(self, first: int, last: int) -> list[Month]:
        by_value = {v: statement(s, first, last, self.denominator, self.windows, v, self.rates) for v, s in sorted(self.values.items())}
        if self.by_cause:
            by_value = {v: [movements_only(row) for row in rows] for v, rows in by_value.items()}
        totals = statement(self._total_with_moves(), first, last, self.denominator, self.windows, TOTAL, self.rates)
        return [row for i, total in enumerate(totals) for row in (*(rows[i] for rows in by_value.values()), total)]

    def cohort_rows(self, first: int, last: int) -> list[dict[str, Any]]:
        return cohort_rows(self.cohorts, first, last, self.denominator)

    @property
    def first_month(self) -> int | None:
        """Month of the first paying day; None where nobody ever paid."""
        return min((c[0] for c in self.cohorts), default=None)

    def _total_with_moves(self) -> Sums:
        moved = replace(self.total, months={m: dict(row) for m, row in self.total.months.items()})
        for sums in self.values.values():
            for m, row in sums.months.items():
                there = moved.months.setdefault(m, {"change": 0, "paying": 0})
                for name in ("entering", "leaving"):
                    there[name] = there.get(name, 0) + row[name]
        return moved


@dataclass(frozen=True)
class Tables:
    """The ledger's intermediate tables, kept in a session: what sums and lists alike are taken from.

    changes, levels   of the movements asked for: each change, and at what accounts opened and closed the months they moved in
    states            what an account pays at the ends of months; events and event_levels are always of event movements
    value_months, value_states   months and states per value of a dimension, where one was asked for
    price_states                 states with what price has changed, where retention without price was asked for
    """

    changes: Table
    levels: Table
    events: Table
    event_levels: Table
    states: Table
    value_months: Table | None = None
    value_states: Table | None = None
    price_states: Table | None = None

    @property
    def months(self) -> Table:
        """Months per account, of the movements asked for: an expression, computed where a list needs it."""
        return months.account_months(self.changes)

    @property
    def event_months(self) -> Table:
        return months.account_months(self.events)

    @property
    def booked_months(self) -> Table:
        return self.months if self.value_months is None else self.value_months

    @property
    def booked_states(self) -> Table:
        return self.states if self.value_states is None else self.value_states


def tables(
    session: Session,
    given: LedgerInput,
    *,
    movements: str = "event",
    gap_days: int = 0,
    by: bool = False,
    spans: pa.Table | None = None,
    by_cause: bool = False,
    without_price: bool = False,
) -> Tables:
    """Compute the ledger's tables.

    Args
        given      the lines (with a column `value` when `by` and no spans are given)
        movements  event (each day of change) or net (each month)
        gap_days   rule 9
        spans      the values of a dated dimension of accounts, see `dimensions.spans_table`
        by_cause, without_price   rule 16: movements by cause, and retention without price; the lines carry `causes.FACTS`
    """
    session.bind("lines", given.lines)
    lines = changes.lines_table(given.account_type, given.parts_type, by=by and spans is None, book=given.book)
    if spans is not None:
        session.bind("spans", spans)
        lines = session.keep("ledger_lines", dimensions.split_by(lines, dimensions.spans_table()))
    events = session.keep("ledger_events", changes.mrr_changes(lines, gap_days))
    event_levels = session.keep("ledger_event_levels", months.month_levels(events))
    net = movements == "net"
    moved = session.keep("ledger_net", changes.month_changes(events)) if net else events
    levels = session.keep("ledger_levels", months.month_levels(moved)) if net else event_levels
    states = _states(session, events, event_levels)
    made = Tables(moved, levels, events, event_levels, states)
    if without_price:
        made = replace(made, price_states=session.keep("ledger_prices", causes.price_states(events, _causes(session, given, events, gap_days, net=False))))
    if by_cause:
        booked = session.keep("ledger_booked", booking.booked(_causes(session, given, moved, gap_days, net), moved))
        return replace(made, value_months=session.keep("ledger_value_months", booking.value_months(booked, made.months)))
    if not by:
        return made
    values = session.keep("ledger_values", changes.value_changes(lines, gap_days))
    if net:
        values = session.keep("ledger_net_values", booking.month_value_changes(values))
    booked = session.keep("ledger_booked", booking.booked(values, moved))
    value_months = session.keep("ledger_value_months", booking.value_months(booked, made.months))
    value_states = session.keep("ledger_value_states", retention.month_states(value_months, ("value",)))
    return replace(made, value_months=value_months, value_states=value_states)


def _states(session: Session, events: Table, levels: Table) -> Table:
    """What accounts pay at the ends of months; where opening balances were stated beside what was paid, with those."""
    if "unknown" in events.columns:
        beside = events.filter(events.unknown, events.delta > 0, events.before > 0)
        if session.fetch(beside.aggregate(n=beside.count())).to_pylist()[0]["n"]:
            return session.keep("ledger_states", retention.opened_states(months.account_months(events)))
    return retention.month_states(levels)


def _causes(session: Session, given: LedgerInput, moved: Table, gap_days: int, net: bool) -> Table:
    """Changes by cause, kept. Each step is kept too: written as one expression, the later would repeat the earlier ones."""
    lines = causes.bridged(causes.facts_table(given.account_type, given.parts_type, book=given.book), gap_days)
    items = session.keep(f"ledger_items_{net}", causes.item_changes(lines, net))
    found = session.keep(f"ledger_found_{net}", causes.item_causes(items))
    return session.keep(f"ledger_causes_{net}", causes.cause_changes(found, moved))


def compute(session: Session, given: LedgerInput, *, windows: tuple[int, ...] = retention.WINDOWS, rates: RateRules = AS_DEFAULT, **how: Any) -> Ledger:
    """Run the ledger: the sums of all months, windows, cohorts and values.

    Args
        windows  months over which NRR and GRR are taken
        rates    what movement rates divide by (rule 11)
        how      as of `tables`
    """
    made = tables(session, given, **how)
    ledger = Ledger(given.denominator, given.currency, windows, Sums(), rates=rates, by_cause=bool(how.get("by_cause")))
    for row in _rows(session, months.change_sums(made.changes, made.levels)):
        ledger.total.months[row.pop("m")] = row
    for row in _rows(session, retention.retained(made.states, windows)):
        ledger.total.retained[row["window"], row["m"]] = (row["closing"], row["kept"])
    ledger.cohorts = [(r["cohort"], r["m"], r["paying"], r["change"]) for r in _rows(session, months.cohorts(made.event_levels))]
    came_and_went = made.event_levels.filter(made.event_levels.opening == 0, made.event_levels.closing == 0)
    ledger.flash = sum(r["n"] for r in _rows(session, came_and_went.aggregate(n=came_and_went.count())))
    if ledger.flash:
        first = came_and_went.order_by("m", "account_id").limit(NAMED)
        ledger.came_and_went = [(str(r["account_id"]), r["m"]) for r in _rows(session, first.select("account_id", "m"))]
    if made.price_states is not None:
        rows = _rows(session, retention.retained_without_price(made.price_states))
        ledger.total.without_price = {(row["window"], row["m"]): row["closing"] for row in rows}
    if made.value_months is None:
        return ledger
    for row in _rows(session, months.month_sums(made.value_months, ("value",))):
        value, m = row.pop("value"), row.pop("m")
        ledger.values.setdefault(value, Sums()).months[m] = row
    if made.value_states is None:
        return ledger
    for row in _rows(session, retention.retained_by_value(made.value_states, made.states, windows)):
        ledger.values.setdefault(row["value"], Sums()).retained[row["window"], row["m"]] = (row["closing"], row["kept"])
    return ledger


def _rows(session: Session, expression: Table) -> Iterator[dict[str, Any]]:
    """Rows with exact numbers: 38-digit decimals of the engine are whole numbers here."""
    for row in session.fetch(expression).to_pylist():
        yield {k: int(v) if isinstance(v, Decimal) else v for k, v in row.items()}
