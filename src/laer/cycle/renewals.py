"""What falls due: one row per contract with an end, with the MRR that stands behind it and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from laer.cycle.ledger import LedgerInput
from laer.records.periods import day_number

SCHEMA = pa.schema(
    [
        ("account_id", pa.int64()), ("contract_id", pa.int64()), ("name", pa.string()), ("due_on", pa.date32()), ("state", pa.string()),
        ("signed_on", pa.date32()), ("late_days", pa.int32()), ("successor_id", pa.int64()), ("auto_renews", pa.bool_()), ("parts", pa.decimal128(38, 0)),
    ]
)  # fmt: skip


def due(rows: Iterable[Mapping[str, Any]], lines: pa.Table, given: LedgerInput) -> pa.Table:
    """Renewals with the MRR in force on their last day.

    Grain   contract_id
    In      rows   `terms.Counting.renewals`;  lines  record_subscription_lines (for their contracts);  given  the ledger's lines
    Out     parts: MRR over the ledger's denominator, of the contract's own lines; of the account's lines without a contract
            where it has none; shared with nothing else, so that a line stands behind one contract of a day
    """
    contract_of = dict(zip(lines["line_id"].to_pylist(), lines["contract_id"].to_pylist(), strict=True))
    by_contract: dict[int, list[tuple[int, int, int]]] = {}
    by_account: dict[int, list[tuple[int, int, int]]] = {}
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
        last = day_number(row["due_on"]) - 1
        lots = by_contract.get(row["contract_id"]) or by_account.get(row["account_id"], [])
        live = sum(parts for start, end, parts in lots if start <= last < end)
        if not live and lots:  # due before the first day that is known, or dated oddly: what it pays now
            live = sum(parts for start, end, parts in lots if end > last)
        made.append({**row, "parts": live})
    return pa.Table.from_pylist(made, schema=SCHEMA)
