"""The ledger as it would be if a contradiction were settled another way: the same lines with one thing changed, and its sums again.

Each way takes the lines of a run and what it needs beside them (`Handed`) and returns lines; nothing else of the ledger changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.ledger import Ledger, LedgerInput, tables
from laer.cycle.lines_input import parts_array
from laer.cycle.to_date import lines_to_date
from laer.engine.session import Session
from laer.metrics import months, retention
from laer.metrics.statement import Sums
from laer.records.periods import FAR

WINDOWS = (12,)
DAYS = 2**23  # day numbers fit below it, FAR too: (account, day) as one integer


@dataclass(frozen=True)
class Handed:
    """A table handed to a question. Answers are remembered by its mark, so the mark must say what is in it."""

    mark: str
    table: pa.Table = field(compare=False)
    denominator: int = field(default=1, compare=False)


def cut(given: LedgerInput, handed: Handed) -> LedgerInput:
    """Lines end at their account's event; lines that start later count (rule 20 of the policy).

    In      handed  account_id, day: of events
    Holds   a line that starts on the day of an event is never active
    """
    lines = given.lines
    events = np.unique(_keys(handed.table["account_id"], handed.table["day"]))
    if not len(events):
        return given
    accounts, starts = _whole(lines["account_id"]), _whole(lines["start_d"])
    place = np.searchsorted(events, accounts * DAYS + starts)
    following = events[np.minimum(place, len(events) - 1)]
    mine = (place < len(events)) & (following // DAYS == accounts)
    return _ending(given, np.where(mine, np.minimum(following % DAYS, _whole(lines["end_d"])), _whole(lines["end_d"])))


def a_day_longer(given: LedgerInput, _: Handed) -> LedgerInput:
    """Ends are last paid days: every line that ends does so a day later, but where its account goes on at the end itself."""
    lines = given.lines
    accounts, starts, ends = (_whole(lines[name]) for name in ("account_id", "start_d", "end_d"))
    touched = np.isin(accounts * DAYS + ends, accounts * DAYS + starts)
    return _ending(given, np.where((ends < FAR) & ~touched, ends + 1, ends))


def without(given: LedgerInput, handed: Handed) -> LedgerInput:
    """Some lines do not count.  In  handed  line_id"""
    left_out = pc.is_in(given.lines["line_id"], handed.table["line_id"].combine_chunks())
    return LedgerInput(given.lines.filter(pc.invert(left_out)), given.denominator, given.currency)


def together(given: LedgerInput, handed: Handed) -> LedgerInput:
    """Some lines count too.  In  handed  lines as the ledger takes them, in parts of its own denominator"""
    common = math.lcm(given.denominator, handed.denominator)
    there, n = handed.table.schema.names, handed.table.num_rows
    added = pa.table({f.name: handed.table[f.name] if f.name in there else pa.nulls(n, f.type) for f in given.lines.schema})
    ours, theirs = (_in_parts(table, common // denominator) for table, denominator in ((given.lines, given.denominator), (added, handed.denominator)))
    parts = parts_array([int(p) for p in (*ours["parts"].to_pylist(), *theirs["parts"].to_pylist())])
    whole = pa.concat_tables([ours.drop_columns(["parts"]), theirs.drop_columns(["parts"]).cast(ours.drop_columns(["parts"]).schema)])
    return LedgerInput(whole.append_column("parts", parts), common, given.currency)


def instead(given: LedgerInput, handed: Handed) -> LedgerInput:
    """Some accounts have other lines.  In  handed  all lines of those accounts, in parts of its own denominator"""
    accounts = pc.unique(handed.table["account_id"])
    others = given.lines.filter(pc.invert(pc.is_in(given.lines["account_id"], accounts)))
    return together(LedgerInput(others, given.denominator, given.currency), handed)


def priced(given: LedgerInput, handed: Handed) -> LedgerInput:
    """Some lines count another amount.  In  handed  line_id, parts (text: whole numbers of its denominator)"""
    common = math.lcm(given.denominator, handed.denominator)
    scale = common // handed.denominator
    other = {line: int(parts) * scale for line, parts in zip(handed.table["line_id"].to_pylist(), handed.table["parts"].to_pylist(), strict=True)}
    factor = common // given.denominator
    parts = [other.get(line, int(p) * factor) for line, p in zip(given.lines["line_id"].to_pylist(), given.lines["parts"].to_pylist(), strict=True)]
    return LedgerInput(_replaced(given.lines, "parts", parts_array(parts)), common, given.currency)


WAYS: Mapping[str, Callable[[LedgerInput, Handed], LedgerInput]] = {
    "cut": cut, "a_day_longer": a_day_longer, "without": without, "together": together, "instead": instead, "priced": priced,
}  # fmt: skip


def sums_otherwise(session: Session, given: LedgerInput, way: str, handed: Handed, how: Mapping[str, Any], day: int = FAR) -> Ledger:
    """Months and twelve-month retention of the ledger with one thing changed; no cohorts, no values of a dimension.

    To date of `day`, once the one thing is changed: it may move an end past the day, or bring lines that start after it.
    """
    given = WAYS[way](given, handed)
    given = replace(given, lines=lines_to_date(given.lines, day))
    made = tables(session, given, **how)
    ledger = Ledger(given.denominator, given.currency, WINDOWS, Sums())
    for row in session.fetch(months.change_sums(made.changes, made.levels)).to_pylist():
        exact = {k: int(v) if isinstance(v, Decimal) else v for k, v in row.items()}
        ledger.total.months[exact.pop("m")] = exact
    for row in session.fetch(retention.retained(made.states, WINDOWS)).to_pylist():
        ledger.total.retained[row["window"], row["m"]] = (int(row["closing"]), int(row["kept"]))
    return ledger


def month_of_days(days: Any) -> Any:
    """Month numbers of day numbers; FAR stays FAR."""
    known = np.where(days < FAR, days, 0).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.where(days < FAR, known, FAR)


def _ending(given: LedgerInput, ends: Any) -> LedgerInput:
    lines = _replaced(given.lines, "end_d", pa.array(ends, pa.int32()))
    return LedgerInput(_replaced(lines, "end_m", pa.array(month_of_days(ends), pa.int32())), given.denominator, given.currency)


def _in_parts(table: pa.Table, factor: int) -> pa.Table:
    return table if factor == 1 else _replaced(table, "parts", parts_array([int(p) * factor for p in table["parts"].to_pylist()]))


def _replaced(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)


def _keys(accounts: pa.ChunkedArray, days: pa.ChunkedArray) -> Any:
    return _whole(accounts) * DAYS + _whole(days)


def _whole(column: pa.ChunkedArray) -> Any:
    return column.to_numpy().astype(np.int64)
