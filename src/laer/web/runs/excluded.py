"""Excluded rows and the pass: what is left out of the records it reads."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from laer.records.record import record_type
from laer.web.book.exclusions import active

LINES = "subscription_lines"
WHOLE = (LINES, "opportunities")  # records of which an excluded account has nothing left; what else is its own stays


def without_excluded(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Records of the book without excluded rows and without the lines of excluded accounts; accounts themselves stay, without MRR. One query."""
    excluded: dict[str, list[int]] = {}
    for record, object_id in active().order_by().values_list("record", "object_id"):
        excluded.setdefault(record, []).append(object_id)
    accounts = excluded.pop("accounts", [])
    kept = dict(tables)
    for record in tables:
        if record in excluded:
            kept[record] = _but(kept[record], record_type(record).info.key, excluded[record])
        if accounts and record in WHOLE:
            kept[record] = _but(kept[record], "account_id", accounts)
    return kept


def _but(table: pa.Table, column: str, ids: list[int]) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(table[column], pa.array(ids, pa.int64()))))
