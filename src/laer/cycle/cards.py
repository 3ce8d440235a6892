"""The AccountCard: name, owner, MRR, ARR, next contract end, and the facts. Dates, never day counts, so that a quiet night rewrites little."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.facts import catalogue
from laer.cycle.ledger import LedgerInput
from laer.engine.content import hashed
from laer.engine.session import DuckDBSession
from laer.metrics.changes import MOVEMENTS
from laer.records.money import minor_units
from laer.records.periods import first_day

ON_CARD = ("segment", "country", "industry", "owner", "state", "first_paid_on")
FINE = 10**9  # parts of a minor unit in which what rounding took from a card is kept
RESTS = pa.schema([("account_id", pa.int64()), ("mrr_rest", pa.int64()), ("arr_rest", pa.int64())])
CARD = pa.schema(
    [
        ("account_id", pa.int64()), ("name", pa.string()), ("domain", pa.string()), ("segment", pa.string()), ("country", pa.string()),
        ("industry", pa.string()), ("owner_id", pa.int64()), ("owner_name", pa.string()), ("state", pa.string()), ("mrr_minor", pa.int64()),
        ("arr_minor", pa.int64()), ("currency", pa.string()), ("mrr_rest", pa.int64()), ("arr_rest", pa.int64()), ("first_paid_on", pa.date32()),
        ("contract_end_on", pa.date32()),
    ]
)  # fmt: skip
FIELDS = ("name", "domain", "segment", "country", "industry")


def cards(tables: dict[str, pa.Table], levels: pa.Table, given: LedgerInput, as_of: date) -> pa.Table:
    """One card per account of the book.

    In   tables  people, accounts, assignments, contracts;  levels  `changes.mrr_at` of the day
    Out  the columns of CARD;  mrr_rest, arr_rest: what rounding took, in parts of a minor unit
    """
    ids = tables["accounts"]["account_id"].to_pylist()
    paid = {a: (int(p), d) for a, p, d in zip(*(levels[c].to_pylist() for c in ("account_id", "mrr", "first_d")), strict=True)}
    owners, ends = _owners(tables, as_of), _contract_ends(tables["contracts"], as_of)
    scale, nobody = 10 ** minor_units(given.currency), (None, None)
    several = {0, *(parts for parts, _ in paid.values())}
    amounts = {parts: (*_minor(parts * scale, given.denominator), *_minor(parts * 12 * scale, given.denominator)) for parts in several}
    found = [paid.get(account, (0, None)) for account in ids]
    mrr, mrr_rest, arr, arr_rest = zip(*(amounts[parts] for parts, _ in found), strict=True) if ids else ((),) * 4
    made = {name: tables["accounts"][name] for name in ("account_id", *FIELDS)} | {
        "owner_id": [owners.get(account, nobody)[0] for account in ids], "owner_name": [owners.get(account, nobody)[1] for account in ids],
        "state": ["paying" if parts > 0 else "churned" if first is not None else "prospect" for parts, first in found],
        "mrr_minor": mrr, "arr_minor": arr, "currency": [given.currency or ""] * len(ids), "mrr_rest": mrr_rest, "arr_rest": arr_rest,
        "first_paid_on": pa.array([first for _, first in found], pa.int32()).cast(pa.date32()), "contract_end_on": [ends.get(account) for account in ids],
    }  # fmt: skip
    return pa.table({f.name: made[f.name].cast(f.type) if isinstance(made[f.name], pa.ChunkedArray) else pa.array(made[f.name], f.type) for f in CARD})


def _minor(scaled: int, denominator: int) -> tuple[int, int]:
    """An amount in minor units, rounded half-even once, and what that took from it."""
    whole, rest = divmod(scaled, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole, rest = whole + 1, rest - denominator
    return whole, round(Fraction(rest * FINE, denominator)) if rest else 0


def months(session: DuckDBSession, moved: pa.Table, given: LedgerInput) -> pa.Table:
    """Months in which accounts moved, as lists show them: minor units, each rounded once.

    Grain  account_id x month
    In     moved  `months.account_months`
    Out    account_id, month (its first day), opening_minor, closing_minor, a column per movement, content_hash
    """
    scale = 10 ** minor_units(given.currency)
    columns = {"account_id": moved["account_id"], "month": _of_each(moved["m"], first_day, pa.date32())}
    for name in ("opening", "closing", *MOVEMENTS):
        columns[f"{name}_minor"] = _of_each(moved[name], lambda parts: _minor(int(parts) * scale, given.denominator)[0], pa.int64())
    return hashed(session, pa.table(columns))


def _of_each(column: pa.ChunkedArray, make: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    """A function of a column, asked once for each different value."""
    told = column.combine_chunks().dictionary_encode()
    return pa.array([make(value) for value in told.dictionary.to_pylist()], kind).take(told.indices)


def known(facts: pa.Table) -> pa.Table:
    """Facts as a card keeps them: dates as dates, without what the card has in columns of its own. Grain: account_id."""
    dated = {name for name, measure in catalogue().items() if measure.kind == "date"}
    kept = [name for name in facts.column_names if name != "d" and name not in ON_CARD]
    return pa.table({name: facts[name].cast(pa.int32()).cast(pa.date32()) if name in dated else facts[name] for name in kept})


def rests(made: pa.Table) -> pa.Table:
    """What rounding took from cards, so that their totals are exact: rows only of accounts where it took anything."""
    return made.filter(pc.or_(pc.not_equal(made["mrr_rest"], 0), pc.not_equal(made["arr_rest"], 0))).select(RESTS.names)


def _owners(tables: dict[str, pa.Table], as_of: date) -> dict[int, tuple[int, str]]:
    """The CSM of the day; of several, the one assigned last."""
    names = dict(zip(tables["people"]["person_id"].to_pylist(), tables["people"]["name"].to_pylist(), strict=True))
    found: dict[int, tuple[tuple[date, date, str], int]] = {}
    columns = ("account_id", "person_id", "job", "from_on", "until_on")
    for account, person, job, start, until in zip(*(tables["assignments"][c].to_pylist() for c in columns), strict=True):
        if job != "csm" or person not in names or (start and start > as_of) or (until and until <= as_of):
            continue
        place = (start or date.min, until or date.max, names[person])  # the order of `spans._owners`, so that both name the same
        if account not in found or place > found[account][0]:
            found[account] = (place, person)
    return {a: (p, names[p]) for a, (_, p) in found.items()}


def _contract_ends(contracts: pa.Table, as_of: date) -> dict[int, date]:
    """The next end that is still to come; where all are past, the latest."""
    ends: dict[int, date] = {}
    for account, end in zip(contracts["account_id"].to_pylist(), contracts["end_on"].to_pylist(), strict=True):
        if end is None:
            continue
        before = ends.get(account)
        coming, had = end >= as_of, before is not None and before >= as_of
        if before is None or (coming and (not had or end < before)) or (not coming and not had and end > before):
            ends[account] = end
    return ends
