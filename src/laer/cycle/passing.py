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
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from laer.adopt.activation import SHIPPED, ActivationRule
from laer.cycle import fact_inputs, facts, flowing, play_asked, positions, potential, scoring, segments
from laer.cycle.adjustments import Beside
from laer.cycle.book_lines import book_lines
from laer.cycle.booked import signed
from laer.cycle.cards import cards, known, months, rests
from laer.cycle.fact_source import OfPass, read_by
from laer.cycle.learned import concluded, with_likelihoods
from laer.cycle.ledger import LedgerInput
from laer.cycle.own_measures import Measures
from laer.cycle.renewals import due, held, with_notice
from laer.cycle.run_tables import split_by_dimension
from laer.cycle.segments import Members, Named
from laer.cycle.spans import dimension_spans
from laer.cycle.terms import counting
from laer.cycle.to_date import lines_to_date
from laer.engine.content import with_content
from laer.engine.session import DuckDBSession
from laer.expand.potential import Rates
from laer.flow.joints import SHIPPED as AS_SHIPPED
from laer.flow.joints import Joints
from laer.metrics import changes
from laer.metrics.effort import MINUTES
from laer.metrics.months import account_months
from laer.metrics.policy import Policy
from laer.records.periods import day_number
from laer.scores.likelihood import Likelihood

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


    def usage(self, session: DuckDBSession, days: tuple[int, int], rule: ActivationRule | None, accounts: frozenset[int] | None) -> Mapping[str, pa.Table]:
        """Make the tables of usage (`engine/rollups.py`) in the session, of the days from first to last; returns what is known of other days."""
        ...

    def firm(self) -> facts.Firm:
        """What the last full pass found of the whole firm, for a pass over a few accounts."""
        ...

    def members(self) -> segments.Before | None:
        """What the last pass found of segments; None where none has computed any."""
        ...

    def standing(self) -> segments.Before | None:
        """What the last pass found of signals: whose episodes stand; None where none has computed any."""
        ...

    def bands(self) -> scoring.Before | None:
        """What the last pass held of scorecards; None where none has computed any."""
        ...

    def likelihoods(self) -> Mapping[str, Likelihood | None]:
        """What was learned from the firm's past, by kind (`likelihoods.KINDS`); nothing for a pass over the past, which may not know it."""
        ...

    def growth(self, *, small: bool) -> tuple[Rates, pa.Table | None]:
        """What the firm's past says of reasons to grow, and for a pass over some accounts what the last full one found usual (`potential.USUAL`)."""
        ...

    def peers(self) -> pa.Table | None:
        """Among whom the last full pass took places (`scoring.PEERS`)."""
        ...


class Publish(Protocol):
    """Where results go. Both write only rows whose content changed, in small commits."""

    def cards(self, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        """Rows of `cards.CARD`, what is known of each as JSON (`facts`), and `content_hash`."""
        ...

    def account_months(self, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        """Rows of `cards.months`."""
        ...

    def segments(self, found: segments.Members, accounts: frozenset[int] | None) -> int: ...

    def signals(self, found: Members, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        """Open and close episodes. rows: facts of the day, of which evidence is kept."""
        ...

    def band_changes(self, changes: pa.Table, accounts: frozenset[int] | None) -> int:
        """Rows of `scoring.CHANGES` of the day, in place of those that an earlier pass of the day found of these accounts."""
        ...

    def positions(self, found: positions.Placed, existing: pa.Table, accounts: frozenset[int] | None) -> int:
        """Begin and end stays. In: existing: account_id, since (the first day that anything says of it)."""
        ...

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
    segments: tuple[segments.Named, ...] = ()
    measures: Measures = field(default_factory=Measures)
    activation: ActivationRule = SHIPPED
    joints: Joints = field(default_factory=lambda: AS_SHIPPED)
    signals: tuple[Named, ...] = ()
    plays: tuple[play_asked.Asked, ...] = ()
    minutes: Mapping[str, int] = field(default_factory=lambda: MINUTES)


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
        moved = months(session, session.fetch(account_months(events)), lines.given)
        levels = session.fetch(changes.mrr_at(events, day_number(as_of)))
        passed.timings["ledger"] = clock.lap()
        history = read.field_history("accounts", DIMENSIONS[:-1], accounts)
        spans = dimension_spans(tables["accounts"], history, tables["assignments"], tables["people"], DIMENSIONS)
        book = fact_inputs.Book(tables, lines.given, when, spans, settings.currency, settings.rates, settings.zone, day_number(as_of),
                                settings.minutes, settings.policy.grace_days)  # fmt: skip
        firm = None if accounts is None else read.firm()

        def usage(held: DuckDBSession, days: tuple[int, int], rule: ActivationRule | None) -> Mapping[str, pa.Table]:
            return read.usage(held, days, rule, accounts)

        found = facts.of_book(session, events, book, (day_number(as_of),), usage, firm, settings.activation)
        found = with_likelihoods(found, read.likelihoods(), day_number(as_of))
        names = product_names(tables["products"])
        rates, usual = read.growth(small=accounts is not None)
        grown = potential.of_pass(
            session, found.facts.table, _named(lines.given, names), day_number(as_of), lines.given.denominator, settings.currency, rates, usual
        )  # fmt: skip
        found = concluded(found, {potential.POTENTIAL: grown.column})
        source = OfPass(session, found, events, lines.given, day_number(as_of), usage, firm, settings.activation)
        fact_table = settings.measures.facts(source, (day_number(as_of),), settings.measures.plain)
        passed.timings["facts"] = clock.lap()
        scored = scoring.of_pass(source, settings.measures, day_number(as_of), read.bands(), None if accounts is None else read.peers())
        fact_table = source.scores = scoring.beside(fact_table, scored.table)
        placed = positions.of_pass(source, settings.measures, day_number(as_of))
        fact_table = source.scores = scoring.beside(fact_table, placed.states)
        passed.timings["scores"] = clock.lap()
        asked = [condition for one in (*settings.segments, *settings.signals) for condition in one.conditions]
        asked += [condition for one in settings.plays for condition in one.conditions.values()]
        days = {one.date for one in settings.plays if one.date is not None}
        columns = read_by(source, settings.measures, asked, (day_number(as_of),), sorted(days))
        members = segments.members(session, settings.segments, columns, found.existing, read.members(), as_of)
        passed.timings["segments"] = clock.lap()
        standing = segments.members(session, settings.signals, columns, found.existing, read.standing(), as_of)
        passed.timings["signals"] = clock.lap()
        played = play_asked.asked_of(session, settings.plays, columns, as_of)
        passed.timings["plays"] = clock.lap()
        flow = {}
        if settings.policy.churn_basis == "lines":
            flow = flowing.kept(session, events, found.inputs, fact_table, names, day_number(as_of), settings.joints.days(), spans)
        passed.timings["flow"] = clock.lap()
        made = cards(tables, levels, lines.given, as_of)
        card_rows = with_content(session, made.drop_columns(["mrr_rest", "arr_rest"]), known(scoring.beside(fact_table, scored.beside)), "account_id", "facts")
    passed.timings["cards"] = clock.lap()
    renewals = due(with_notice(when, tables["contracts"]), tables["subscription_lines"], lines.given)
    snapshot = {"lines": _named(lines.given, names), "renewals": renewals} | split_by_dimension(spans, DIMENSIONS)
    snapshot["held"] = held(when, as_of)
    snapshot["rests"] = rests(made)
    snapshot["signed"] = signed(tables, lines.given, settings.currency, settings.rates)
    snapshot |= {"facts": fact_table, "references": found.facts.references, "seen": found.facts.seen, "existing": found.existing}
    snapshot |= {"segments": members.held, "segment_truths": members.now} | flow
    snapshot |= {"signals": standing.held, "plays": played}
    snapshot |= {"potential": grown.items, "potential_usual": grown.usual}
    snapshot |= {"bands": scored.bits, "peers": scored.peers, "beside": scored.beside}
    snapshot |= {f"input_{name}": table for name, table in found.inputs.items()}
    publish.snapshot(snapshot, lines.given.denominator, accounts)
    passed.counts["account_months"] = publish.account_months(moved, accounts)
    passed.counts["cards"] = publish.cards(card_rows, accounts)
    passed.counts["segment_moves"] = publish.segments(members, accounts)
    passed.counts["signal_moves"] = publish.signals(standing, fact_table, accounts)
    passed.counts["position_moves"] = publish.positions(placed, found.existing, accounts)
    passed.counts["band_changes"] = publish.band_changes(scoring.changes(scored), accounts)
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
