"""Facts: what is known of each account at a date, a column per measure of the catalogue.

Tonight's facts are a spine with one date, a chart's or a back-test's one with many; the formulas are the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.adopt import measures as adopt
from laer.adopt.activation import SHIPPED, ActivationRule, first_days
from laer.cycle.fact_inputs import ARROW, Book, empty, inputs_of
from laer.cycle.ledger import LedgerInput
from laer.engine.session import DuckDBSession, Session
from laer.expand import measures as expand
from laer.land import measures as land
from laer.metrics import inputs
from laer.metrics import measures as base
from laer.metrics.catalogue import TYPES, Catalogue, Family
from laer.metrics.inputs import INPUTS
from laer.metrics.spine import BLOCK, REACH, Spine
from laer.records.expr import Table, ifelse, literal, table
from laer.records.money import minor_units
from laer.renew import measures as renew

SEEN = pa.schema([("input", pa.string()), ("day", pa.int32())])
OF_DAYS = "account_days"  # whether usage goes on is asked of its days
BLOCKS = frozenset(name for name, given in INPUTS.items() if given.known == "block")
USAGE = ("user_blocks", "feature_blocks", "account_days", "activations", "watched")
Usage = Callable[[DuckDBSession, tuple[int, int], ActivationRule | None], Mapping[str, pa.Table]]
FROM_RECORDS = tuple(name for name in INPUTS if name not in ("states", "changes", *USAGE))
AT_ONCE = 6  # dates whose facts are joined together: more are dearer by far in memory, and no quicker
REFERENCES = pa.schema([("d", pa.int32()), ("segment", pa.string()), ("measure", pa.string()), ("median", pa.float64())])


@cache
def catalogue() -> Catalogue:
    """Every measure that ships."""
    rooms = (base, land, adopt, expand, renew)
    families = [family for room in rooms for family in getattr(room, "FAMILIES", ())]
    return Catalogue(families, [derived for room in rooms for derived in getattr(room, "DERIVED", ())])


def of_the_firm(measures: Iterable[str] | None) -> bool:
    """Whether one of the measures (None: all) stands beside the median of a segment."""
    return any(derived.beside for derived in (catalogue() if measures is None else catalogue().narrowed(measures)).derived)


@dataclass(frozen=True)
class Wanted:
    """Accounts and dates. `since` says from which day each account exists: before it, it has no row."""

    dates: tuple[int, ...]
    account_ids: pa.Array
    since: pa.Array

    def spine(self, dates: Sequence[int]) -> pa.Table:
        """Grain: account_id x d."""
        ids, since, days = self.account_ids.to_numpy(), self.since.to_numpy(), np.array(dates, np.int32)
        there = since[None, :] <= days[:, None]
        at, who = np.nonzero(there)
        return pa.table({"account_id": pa.array(ids[who], pa.int64()), "d": pa.array(days[at], pa.int32())})


@dataclass(frozen=True)
class Facts:
    """table       account_id, d and a column per measure, in that order of rows; null is unknown
    references  d, segment, measure, median;  seen  input, day on which it has a row of any account: both of the whole firm,
                which a pass over a few accounts takes from the last full one
    """

    table: pa.Table
    references: pa.Table
    seen: pa.Table


@dataclass(frozen=True)
class Firm:
    """What a part of the book is held against: `Facts.references` and `Facts.seen` of the whole."""

    references: pa.Table
    seen: pa.Table


def compute(
    session: Session,
    wanted: Wanted,
    given: Mapping[str, pa.Table],
    made: Iterable[str] = (),
    measures: Iterable[str] | None = None,
    firm: Firm | None = None,
    ever: Mapping[str, pa.Table] | None = None,
) -> Facts:
    """Facts at every date.

    In   given     inputs by name (`fact_inputs.inputs_of`);  made  inputs that the session holds already
         measures  some of the catalogue's, else all;  firm  the whole, where `wanted` is a part of it
         ever      days on which an input of `made` has rows, where the session holds a part of it only
    """
    asked = catalogue() if measures is None else catalogue().narrowed(measures)
    names = [name for name in INPUTS if name in {given for family in asked.families for given in family.inputs}]
    names += [OF_DAYS] if set(names) & BLOCKS and OF_DAYS not in names else []
    for name in names:
        if name not in made:
            session.bind(name, given[name])

    def rows_of(name: str) -> pa.Table:
        return ever[name] if ever and name in ever else session.fetch(_days(name)) if name in made else given[name]

    seen = {name: _days_of(name, rows_of(name)) for name in names}
    silent = frozenset(name for name, days in seen.items() if not days)
    if measures is None:  # what measures of the firm alone read
        seen |= {name: _days_of(name, rows) for name, rows in given.items() if name not in seen}
    if firm is not None:
        seen = {name: sorted({*days, *_said(firm.seen, name)}) for name, days in seen.items()}
    parts, medians = [], []
    for start in range(0, len(wanted.dates), AT_ONCE):
        dates = wanted.dates[start : start + AT_ONCE]
        session.bind("spine", wanted.spine(dates))
        session.bind("spine_dates", pa.table({"d": pa.array(dates, pa.int32())}))
        session.bind("covered", covered(seen, dates))
        wide, median = _wide(session, asked, None if firm is None else firm.references, silent)
        parts.append(session.fetch(wide))
        medians.append(median)
    whole = pa.concat_tables(parts) if parts else _empty(asked)
    return Facts(
        in_order(whole),
        pa.concat_tables(medians) if medians else REFERENCES.empty_table(),
        pa.table({"input": [n for n, days in seen.items() for _ in days], "day": [day for days in seen.values() for day in days]}, schema=SEEN),
    )


def in_order(rows: pa.Table) -> pa.Table:
    """Rows by account_id and d. Sorting copies every column, and most tables are in this order already."""
    accounts, days = rows["account_id"].to_numpy(), rows["d"].to_numpy()
    ahead, same = accounts[1:] > accounts[:-1], accounts[1:] == accounts[:-1]
    if (ahead | (same & (days[1:] >= days[:-1]))).all():
        return rows
    return rows.sort_by([("account_id", "ascending"), ("d", "ascending")])


def _said(seen: pa.Table, name: str) -> list[int]:
    days: list[int] = seen.filter(pc.equal(seen["input"], name))["day"].to_pylist()
    return days


def _empty(asked: Catalogue) -> pa.Table:
    return pa.schema([("account_id", pa.int64()), ("d", pa.int32()), *((m.id, ARROW[TYPES[m.kind]]) for m in asked.values())]).empty_table()


def covered(seen: Mapping[str, Sequence[int]], dates: Iterable[int]) -> pa.Table:
    """Whether an absence in an input means that nothing was there: it had begun by the date, and went on of late.

    A block of days says on which of them it has something only when it is over: it covers until the next one is, while days of use go on.

    Grain   d
    In      seen  input -> days on which it has rows, sorted; with a table of blocks, that of account days
    Out     d and a boolean per input of `INPUTS`; False for those not asked for
    """
    dates = list(dates)
    columns: dict[str, pa.Array] = {"d": pa.array(dates, pa.int32())}
    for name, days in seen.items():
        stale, blocks = INPUTS[name].stale, INPUTS[name].known == "block"
        stale = stale + BLOCK - 1 if blocks and stale is not None else stale
        latest = [days[place - 1] if (place := bisect_right(days, d)) else None for d in dates]
        columns[name] = pa.array([day is not None and (stale is None or d - day <= stale) for day, d in zip(latest, dates, strict=True)])
    columns |= {name: pa.array([False] * len(dates)) for name in INPUTS if name not in columns}
    return pa.table({name: pc.and_(said, columns[OF_DAYS]) if name in BLOCKS else said for name, said in columns.items()})


@cache
def _days(name: str) -> Table:
    rows = INPUTS[name].table(name)
    return rows.select(INPUTS[name].known).distinct()


def _days_of(name: str, rows: pa.Table) -> list[int]:
    """The days on which an input has rows, sorted; of blocks the last day that they may hold."""
    days = sorted(day for day in pc.unique(rows[INPUTS[name].known]).to_pylist() if day is not None)
    return [(block + 1) * BLOCK - 1 for block in days] if INPUTS[name].known == "block" else days


def _wide(session: Session, asked: Catalogue, references: pa.Table | None, silent: frozenset[str]) -> tuple[Table, pa.Table]:
    """All families beside the spine, zeros where they are ones, and what is derived of them; the medians that it used."""
    shape = tuple(asked)
    for family in asked.families:
        if family.input in silent:  # nothing to compute: it takes its place without a row
            session.bind(f"family_{family.name}", pa.schema([(name, ARROW[kind]) for name, kind in _columns(family).items()]).empty_table())
        else:
            session.keep(f"family_{family.name}", _family(family.name))
    session.keep("facts", _alone(shape))
    medians = []
    for name in dict.fromkeys(derived.beside for derived in asked.derived if derived.beside):
        mine = session.fetch(_medians(shape, name)) if references is None else references.filter(pc.equal(references["measure"], name))
        session.bind(f"medians_{name}", mine)
        medians.append(mine)
    return _beside(shape), pa.concat_tables(medians) if medians else REFERENCES.empty_table()


# Building an expression takes longer than running it on a small book: each is built once per process.


@cache
def _family(name: str) -> Table:
    family = next(family for family in catalogue().families if family.name == name)
    made = family.build(Spine(), inputs.records())
    return made.select(**{column: made[column].cast(kind) for column, kind in _columns(family).items()})


def _columns(family: Family) -> dict[str, str]:
    return {"account_id": "int64", "d": "int32", **{m.id: TYPES[m.kind] for m in family.measures}}


@cache
def _alone(shape: tuple[str, ...]) -> Table:
    """Every measure that an account has of itself."""
    asked, wide = catalogue().narrowed(shape), Spine().keys
    for family in asked.families:
        made = table(_columns(family), f"family_{family.name}")
        wide = wide.left_join(made, ["account_id", "d"]).drop("account_id_right", "d_right")
    flags = table({"d": "int32", **dict.fromkeys(INPUTS, "boolean")}, "covered").rename({f"covered_{name}": name for name in INPUTS})
    wide = wide.inner_join(flags, "d")
    each = [name for name in INPUTS if INPUTS[name].each and any(name in family.inputs for family in asked.families)]
    for name in each:
        wide = wide.left_join(_named(name), [("account_id", f"who_{name}")]).drop(f"who_{name}")
        wide = wide.mutate(**{f"covered_{name}": wide[f"covered_{name}"] & (wide[f"since_{name}"] <= wide.d).fill_null(False)})
    zeros = {m.id: _zero(wide, family.needed(m), m.id, m.kind) for family in asked.families for m in family.measures if m.zero}
    wide = wide.mutate(**zeros).drop(*(f"covered_{name}" for name in INPUTS), *(f"since_{name}" for name in each))
    for derived in asked.derived:
        if derived.beside is None:
            wide = wide.mutate(**{derived.measure.id: derived.formula(wide).cast(TYPES[derived.measure.kind])})
    return wide


@cache
def _beside(shape: tuple[str, ...]) -> Table:
    """What stands beside the account's segment, too."""
    asked = catalogue().narrowed(shape)
    facts = table(dict(_alone(shape).schema().items()), "facts")
    for derived in asked.derived:
        if derived.beside is not None:
            name = derived.beside
            there = table({"d": "int32", "segment": "string", "median": "float64"}, f"medians_{name}").rename({f"segment_{name}": "median"})
            facts = facts.mutate(of=facts.segment.fill_null("")).left_join(there, [("d", "d"), ("of", "segment")]).drop("of", "d_right", "segment_right")
            facts = facts.mutate(**{derived.measure.id: derived.formula(facts).cast(TYPES[derived.measure.kind])}).drop(f"segment_{name}")
    return facts.select("account_id", "d", *asked)


@cache
def _medians(shape: tuple[str, ...], measure: str) -> Table:
    """Grain: d x segment (unknown: '')."""
    facts = table(dict(_alone(shape).schema().items()), "facts")
    named = facts.mutate(segment=facts.segment.fill_null(""))
    found = named.group_by("d", "segment").agg(median=named[measure].median())
    return found.select("d", "segment", measure=literal(measure), median=found["median"].round(12))


def _zero(wide: Table, inputs: Iterable[str], column: str, kind: str) -> Table:
    nothing = literal(False) if kind == "flag" else literal(0.0, "float64")
    covered = reduce(lambda one, other: one & other, (wide[f"covered_{name}"] for name in inputs))
    return wide[column].fill_null(ifelse(covered, nothing, literal(None, TYPES[kind])))


def _named(name: str) -> Table:
    """Since when a source has named each account. Grain: account."""
    rows = INPUTS[name].table(name)
    first = rows.group_by("account_id").agg(first_=rows[INPUTS[name].known].min())
    return first.select(**{f"who_{name}": first.account_id, f"since_{name}": first.first_})


@dataclass(frozen=True)
class Found:
    """Facts of a pass, the inputs that they were made of, and since when each account exists (account_id, since)."""

    facts: Facts
    inputs: dict[str, pa.Table]
    existing: pa.Table


def of_book(session: DuckDBSession, events: Table, book: Book, dates: tuple[int, ...], usage: Usage, firm: Firm | None = None,
            rule: ActivationRule = SHIPPED) -> Found:  # fmt: skip
    """Facts of what a pass has read and counted.

    In   events  `changes.mrr_changes`, in the session;  usage  makes the tables of the lake in the session, of a span of days
         firm    the whole, where the book holds some of its accounts only
    """
    given = inputs_of(book)
    ids, since = exists_since(book.tables["accounts"], given, dates[-1])
    found = of_inputs(session, events, book.given, given, (ids, since), dates, usage, firm, rule=rule)
    return Found(found, given, pa.table({"account_id": ids, "since": since}))


def of_inputs(
    session: DuckDBSession, events: Table, ledger: LedgerInput, given: Mapping[str, pa.Table], accounts: tuple[pa.Array, pa.Array], dates: tuple[int, ...],
    usage: Usage | None, firm: Firm | None = None, measures: Iterable[str] | None = None,
    rule: ActivationRule = SHIPPED,
) -> Facts:  # fmt: skip
    """The same of inputs that a run has kept. In: accounts: their numbers, and since when each exists; usage: None where there is none."""
    places = minor_units(ledger.currency)
    session.keep("states", inputs.states(events, ledger.denominator, places))
    session.keep("changes", inputs.moves(events, ledger.denominator, places))
    wanted = None if measures is None else frozenset(measures)
    read = {name for family in (catalogue() if wanted is None else catalogue().narrowed(wanted)).families for name in family.inputs}
    ever: Mapping[str, pa.Table] = {}
    if read & set(USAGE):
        if usage is not None:
            told = rule if read & {"activations", "watched"} else None
            ever = usage(session, (dates[0] - REACH, dates[-1]), told)
            if told is not None:
                session.keep("activations", first_days(told))
                session.bind("watched", _watched(session, accounts[0]))
        else:
            given = {**given, **{name: empty(name) for name in USAGE}}
    made = ("states", "changes", *(() if usage is None else USAGE))
    return compute(session, Wanted(dates, *accounts), given, made, wanted, firm, ever)


def _watched(session: DuckDBSession, ids: pa.Array) -> pa.Table:
    """Each account with the first day of which the firm's usage says anything; none where it says nothing."""
    since = session.fetch(table({"since_d": "int32"}, "usage_since"))["since_d"].to_pylist()
    known = [since[0]] * len(ids) if since and since[0] is not None else []
    return pa.table({"account_id": ids if known else pa.array([], pa.int64()), "since_d": pa.array(known, pa.int32())})


def exists_since(accounts: pa.Table, given: Mapping[str, pa.Table], today: int) -> tuple[pa.Array, pa.Array]:
    """Accounts and the day from which each exists: the first day that anything says of it, else today."""
    ids = accounts["account_id"].combine_chunks()
    since = accounts["signed_up_on"].combine_chunks().cast(pa.int32())
    for name in ("lines", "terms", "deals", "tickets", "answers", "pulses", "touches", "invoices"):
        firsts = given[name].group_by("account_id").aggregate([(INPUTS[name].known, "min")])
        at = pc.index_in(ids, firsts["account_id"].combine_chunks())
        since = pc.min_element_wise(since, firsts[f"{INPUTS[name].known}_min"].combine_chunks().take(at), skip_nulls=True)
    return ids, pc.fill_null(since, today)
