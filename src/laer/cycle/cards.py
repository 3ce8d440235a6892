"""The AccountCard: name, owner, MRR, ARR, next contract end, and the facts. Dates, never day counts, so that a quiet night rewrites little."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa

from laer.cycle.facts import catalogue
from laer.cycle.ledger import LedgerInput
from laer.records.money import minor_units, rounded
from laer.records.periods import date_of

ON_CARD = ("segment", "country", "industry", "owner", "state", "first_paid_on")
FINE = 10**9  # parts of a minor unit in which what rounding took from a card is kept
RESTS = pa.schema([("account_id", pa.int64()), ("mrr_rest", pa.int64()), ("arr_rest", pa.int64())])
FIELDS = ("name", "domain", "segment", "country", "industry")


def cards(tables: dict[str, pa.Table], levels: pa.Table, given: LedgerInput, as_of: date) -> list[dict[str, Any]]:
    """One card per account of the book.

    In   tables  people, accounts, assignments, contracts;  levels  `changes.mrr_at` of the day
    """
    mrr = {a: (int(p), d) for a, p, d in zip(*(levels[c].to_pylist() for c in ("account_id", "mrr", "first_d")), strict=True)}
    owners, ends = _owners(tables, as_of), _contract_ends(tables["contracts"], as_of)
    scale = 10 ** minor_units(given.currency)
    places = minor_units(given.currency)
    made = []
    for row in zip(*(tables["accounts"][c].to_pylist() for c in ("account_id", *FIELDS)), strict=True):
        account = row[0]
        parts, first = mrr.get(account, (0, None))
        exact = Fraction(parts, given.denominator)
        mrr_minor, arr_minor = (int(rounded(amount, places) * scale) for amount in (exact, exact * 12))
        owner_id, owner_name = owners.get(account, (None, None))
        made.append(
            {
                "account_id": account, **dict(zip(FIELDS, row[1:], strict=True)), "owner_id": owner_id, "owner_name": owner_name,
                "state": "paying" if parts > 0 else "churned" if first is not None else "prospect",
                "mrr_minor": mrr_minor, "arr_minor": arr_minor, "currency": given.currency or "",
                "mrr_rest": round((exact * scale - mrr_minor) * FINE), "arr_rest": round((exact * 12 * scale - arr_minor) * FINE),
                "first_paid_on": None if first is None else date_of(first), "contract_end_on": ends.get(account),
            }
        )  # fmt: skip
    return made


def fact_rows(facts: pa.Table) -> dict[int, dict[str, Any]]:
    """Facts as a card keeps them, by account: what is known, dates as ISO text; without what the card has in columns of its own."""
    ids = facts["account_id"].to_pylist()
    rows: dict[int, dict[str, Any]] = {account: {} for account in ids}
    for name in facts.column_names[2:]:
        if name in ON_CARD:
            continue
        dated = catalogue()[name].kind == "date"
        for account, value in zip(ids, facts[name].to_pylist(), strict=True):
            if value is not None:
                rows[account][name] = date_of(value).isoformat() if dated else value
    return rows


def rests(made: list[dict[str, Any]]) -> pa.Table:
    """What rounding took from cards, so that their totals are exact: rows only of accounts where it took anything."""
    return pa.Table.from_pylist([{name: row[name] for name in RESTS.names} for row in made if row["mrr_rest"] or row["arr_rest"]], schema=RESTS)


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
