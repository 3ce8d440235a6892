"""What falls due: one row per contract with an end, with the MRR that stands behind it and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle import terms
from laer.cycle.ledger import LedgerInput
from laer.records.periods import FAR, date_of, day_number

SETTLED = (terms.RENEWED, terms.LATE, terms.BACK, terms.LOST)
HELD = pa.schema([("account_id", pa.int64()), ("contract_id", pa.int64()), ("dated", pa.bool_())])
SOON = 90  # days
Lot = tuple[int, int, int]  # first day, end, parts
SCHEMA = pa.schema(
    [
        ("account_id", pa.int64()), ("contract_id", pa.int64()), ("name", pa.string()), ("due_on", pa.date32()), ("state", pa.string()),
        ("signed_on", pa.date32()), ("late_days", pa.int32()), ("successor_id", pa.int64()), ("auto_renews", pa.bool_()), ("parts", pa.decimal128(38, 0)),
        ("notice_on", pa.date32()), ("cancelled", pa.bool_()),
    ]
)  # fmt: skip


def held(when: terms.Counting, as_of: date) -> pa.Table:
    """Contracts in force at the end of a day, as the ledger counts: one past its end holds while it is pending, unresolved or rolls on.

    Grain   contract_id
    Out     dated: whether it says when it ends; one that renews by itself says it of each term
    """
    day = day_number(as_of)
    there = [
        {"account_id": term.account, "contract_id": number, "dated": term.end < FAR}
        for number, term in when.terms.items()
        if not term.never_was and (term.start is None or term.start <= day) and (number not in when.outcomes or when.outcomes[number].until > day)
    ]
    return pa.Table.from_pylist(there, schema=HELD)


def ends_of(due: pa.Table) -> pa.Array:
    """The last covered day of each contract."""
    ends_on = pc.subtract(due["due_on"].cast(pa.int32()), pa.scalar(1, pa.int32())).cast(pa.date32())
    return pc.max_element_wise(ends_on, pa.scalar(date.min, pa.date32()))


def ahead(due: pa.Table, as_of: date | None) -> Any:
    """Mask of what ends on the day or later, and is due or rolls on."""
    open_ones = pc.is_in(due["state"], pa.array((terms.DUE, terms.ROLLS)))
    return open_ones if as_of is None else pc.and_(open_ones, pc.greater_equal(ends_of(due), pa.scalar(as_of)))


def soon(due: pa.Table, as_of: date) -> Any:
    """Mask of what of it ends within SOON days."""
    return pc.and_(ahead(due, as_of), pc.less_equal(ends_of(due), pa.scalar(as_of + timedelta(days=SOON))))


def open_within(due: pa.Table, as_of: date, months: int) -> Any:
    """Mask of what is not settled and ends in so many months, that of the day among them."""
    ends_on = ends_of(due)
    ahead_by = pc.subtract(pc.add(pc.multiply(pc.year(ends_on), 12), pc.month(ends_on)), as_of.year * 12 + as_of.month)
    inside = pc.and_(pc.greater_equal(ahead_by, 0), pc.less(ahead_by, months))
    return pc.and_(inside, pc.invert(pc.is_in(due["state"], pa.array(SETTLED))))


def late(due: pa.Table) -> Any:
    """Mask of what was signed after its last day."""
    return pc.is_in(due["state"], pa.array((terms.LATE, terms.BACK)))


def with_notice(when: terms.Counting, contracts: pa.Table) -> list[dict[str, Any]]:
    """`Counting.renewals`, each with the last day of notice of the term that falls due, and whether somebody said that it ends.

    A contract that renews by itself moves its day of notice on with each term.
    """
    stated = dict(zip(contracts["contract_id"].to_pylist(), contracts["notice_on"].to_pylist(), strict=True))
    made = []
    for row in when.renewals:
        term, notice = when.terms[row["contract_id"]], stated.get(row["contract_id"])
        moved = day_number(row["due_on"]) - term.end
        notice_on = None if notice is None else date_of(day_number(notice) + max(0, moved))
        made.append({**row, "notice_on": notice_on, "cancelled": term.gone or term.cancelled is not None})
    return made


def due(rows: Iterable[Mapping[str, Any]], lines: pa.Table, given: LedgerInput) -> pa.Table:
    """Renewals with the MRR that was up for renewal.

    Grain   contract_id
    In      rows   `terms.Counting.renewals`;  lines  record_subscription_lines (for their contracts);  given  the ledger's lines
    Out     parts: MRR over the ledger's denominator, of the contract's own lines, of the account's lines without a contract
            where it has none: on the last day of the term, or on the day before a renewal cut it where that came first; of a term
            that is settled and was left before, on the last day on which any of them paid. Shared with nothing else, so that a line
            stands behind one contract of a day
    """
    contract_of = dict(zip(lines["line_id"].to_pylist(), lines["contract_id"].to_pylist(), strict=True))
    by_contract: dict[int, list[Lot]] = {}
    by_account: dict[int, list[Lot]] = {}
    rows = list(rows)
    accounts = {row["account_id"] for row in rows}
    columns = ("line_id", "account_id", "start_d", "end_d", "parts")
    for line, account, start, end, parts in zip(*(given.lines[c].to_pylist() for c in columns), strict=True):
        if account not in accounts:
            continue
        contract = contract_of.get(line)
        there = by_account.setdefault(account, []) if contract is None else by_contract.setdefault(contract, [])
        there.append((start, end, int(parts)))
    made = []
    for row in rows:
        lots = by_contract.get(row["contract_id"]) or by_account.get(row["account_id"], [])
        made.append({**row, "parts": _due_parts(lots, row)})
    return pa.Table.from_pylist(made, schema=SCHEMA)


def _due_parts(lots: list[Lot], row: Mapping[str, Any]) -> int:
    last = row["until"] - 1
    if live := _at(lots, last):
        return live
    if row["state"] in SETTLED and row["begins"] is not None:
        paid = [min(end - 1, last) for start, end, parts in lots if parts > 0 and start < end and start <= last]
        if paid and max(paid) >= row["begins"]:
            return _at(lots, max(paid))
    return sum(parts for start, end, parts in lots if end > last)  # due before the first day that is known, or dated oddly: what it pays now


def _at(lots: list[Lot], day: int) -> int:
    return sum(parts for start, end, parts in lots if start <= day < end)


def whole_shape(table: pa.Table) -> pa.Table:
    """With the columns that a run of before did not have: what they say is unknown of it."""
    for field in SCHEMA:
        if field.name not in table.column_names:
            table = table.append_column(field.name, pa.nulls(table.num_rows, field.type))
    return table
