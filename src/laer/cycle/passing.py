"""The pass: read the book, compute the ledger, publish what pages read, keep the tables that questions are asked of.

`read` and `publish` are handed in (protocols below); `web/runs` implements them with Django. A small pass does the same
over some accounts only and takes the rest of its snapshot from the run before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle import fact_inputs, facts
from laer.cycle.adjustments import Beside
from laer.cycle.book_lines import book_lines
from laer.cycle.booked import signed
from laer.cycle.cards import cards, fact_rows
from laer.cycle.ledger import LedgerInput
from laer.cycle.renewals import due
from laer.cycle.spans import dimension_spans
from laer.cycle.terms import counting
from laer.cycle.to_date import lines_to_date
from laer.engine.session import DuckDBSession
from laer.metrics import changes, months
from laer.metrics.policy import Policy
from laer.records.periods import day_number

RECORDS = (
    "people", "accounts", "contracts", "products", "subscription_lines", "discounts", "pauses", "opportunities", "churn_events", "assignments",
)  # fmt: skip
DIMENSIONS = ("segment", "country", "industry", "region", "lead_source", "owner")


class Read(Protocol):
    """Records of the book through its seam, in one consistent read."""

    def records(self, names: Iterable[str], accounts: frozenset[int] | None) -> dict[str, pa.Table]: ...

    def field_history(self, record: str, fields: Iterable[str], accounts: frozenset[int] | None) -> pa.Table:
        """Changes of an account's fields: account_id, field, old, new, effective day number; oldest first."""
        ...


    def usage(self, session: DuckDBSession, accounts: frozenset[int] | None) -> None:
        """Make the tables of usage (`engine/rollups.py`) in the session."""
        ...

    def firm(self) -> facts.Firm:
        """What the last full pass found of the whole firm, for a pass over a few accounts."""
        ...


class Publish(Protocol):
    """Where results go. Both write only rows whose content changed, in small commits."""

    def cards(self, rows: list[dict[str, Any]], accounts: frozenset[int] | None) -> int: ...

    def account_months(self, rows: pa.Table, denominator: int, currency: str, accounts: frozenset[int] | None) -> int: ...

    def snapshot(self, tables: Mapping[str, pa.Table], denominator: int, accounts: frozenset[int] | None) -> None: ...


@dataclass
class Passed:
    """What a pass did: rows written, seconds per part, what could not count and why."""

    counts: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    denominator: int = 1


@dataclass(frozen=True)
class Settings:
    """The firm's settings that a pass reads: frozen, so that the run can name them."""

    policy: Policy
    currency: str
    rates: Mapping[str, Fraction]
    zone: str = "UTC"


def run_pass(read: Read, publish: Publish, settings: Settings, as_of: date, accounts: frozenset[int] | None = None, memory: str = "1GB") -> Passed:
    """Compute and publish as of the end of a day: what is published is to date, the snapshot knows what is to come, too.

    Args
        accounts  None for the whole book, else only these (their published rows and their part of the snapshot)
    """
    passed, clock = Passed(), _Clock()
    tables = read.records((*RECORDS, *fact_inputs.RECORDS), accounts)
    passed.timings["read"] = clock.lap()
    when = counting(tables["subscription_lines"], tables["contracts"], tables["churn_events"], settings.policy, as_of)
    beside = Beside(tables["discounts"], tables["pauses"], tables["contracts"])
    lines = book_lines(tables["subscription_lines"], settings.policy, settings.currency, settings.rates, when, beside)
    passed.denominator = lines.given.denominator
    for code, count in sorted(lines.left_out.items()):
        passed.notes.append(f"{count} line{'' if count == 1 else 's'} in {code} do not count: no rate for {code} to {settings.currency} is known")
    passed.notes += lines.notes
    if lines.floored:
        passed.notes.append(f"the discounts of {lines.floored} account{'' if lines.floored == 1 else 's'} pass what they pay; they count as 0 then")
    with DuckDBSession(memory=memory) as session:
        session.bind("lines", lines_to_date(lines.given.lines, day_number(as_of)))
        unbound = changes.lines_table(lines.given.account_type, lines.given.parts_type, book=True)
        events = session.keep("events", changes.mrr_changes(unbound, settings.policy.gap_days))
        account_months = session.fetch(months.account_months(events))
        levels = session.fetch(changes.mrr_at(events, day_number(as_of)))
        passed.timings["ledger"] = clock.lap()
        history = read.field_history("accounts", DIMENSIONS[:-1], accounts)
        spans = dimension_spans(tables["accounts"], history, tables["assignments"], tables["people"], DIMENSIONS)
        book = fact_inputs.Book(tables, lines.given, when, spans, settings.currency, settings.rates, settings.zone, day_number(as_of))
        firm = None if accounts is None else read.firm()
        found = facts.of_book(session, events, book, (day_number(as_of),), lambda held: read.usage(held, accounts), firm)
        passed.timings["facts"] = clock.lap()
    card_rows = cards(tables, levels, lines.given, as_of)
    said = fact_rows(found.facts.table)
    for row in card_rows:
        row["facts"] = said.get(row["account_id"], {})
    passed.timings["cards"] = clock.lap()
    names = product_names(tables["products"])
    snapshot = {"lines": _named(lines.given, names), "dimensions": spans, "renewals": due(when.renewals, tables["subscription_lines"], lines.given)}
    snapshot["signed"] = signed(tables, lines.given, settings.currency, settings.rates)
    snapshot |= {"facts": found.facts.table, "references": found.facts.references, "seen": found.facts.seen, "existing": found.existing}
    snapshot |= {f"input_{name}": table for name, table in found.inputs.items()}
    publish.snapshot(snapshot, lines.given.denominator, accounts)
    passed.counts["account_months"] = publish.account_months(account_months, lines.given.denominator, settings.currency, accounts)
    passed.counts["cards"] = publish.cards(card_rows, accounts)
    passed.timings["publish"] = clock.lap()
    passed.counts |= {"accounts": tables["accounts"].num_rows, "lines": lines.given.lines.num_rows}
    return passed


def product_names(products: pa.Table) -> dict[int, str]:
    return dict(zip(products["product_id"].to_pylist(), products["name"].to_pylist(), strict=True))


def _named(given: LedgerInput, names: dict[int, str]) -> pa.Table:
    """Lines with the product's name in place of its id."""
    ids = given.lines["product_id"].combine_chunks()
    found = pc.index_in(ids, pa.array(list(names), pa.int64()))
    product = pa.array(list(names.values()), pa.string()).take(found)
    return given.lines.drop_columns(["product_id"]).append_column("product", product)


class _Clock:
    def __init__(self) -> None:
        self.last = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        seconds, self.last = now - self.last, now
        return round(seconds, 3)
