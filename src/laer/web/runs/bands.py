"""How paying accounts stand by the band of their health, and how that differs from a month before: from the facts of a run, point in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.money import minor_units
from laer.records.periods import day_number
from laer.web.runs import desk
from laer.web.runs.latest import mark
from laer.web.runs.measured import facts_table
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun

BANDS = ("green", "yellow", "red", None)  # None: unknown
READS = ("state", "health", "arr")
MONTH = 30  # days
memory = Memory(100)


@dataclass(frozen=True)
class Band:
    """Paying accounts of one band and their ARR in units; `before` and `arr_before` those of the earlier day, None where they are not known (yet)."""

    accounts: int
    arr: Decimal
    before: int | None = None
    arr_before: Decimal | None = None


def bands_of(run: PassRun, scope: Scope, earlier: date | None = None, *, waits: bool = True) -> dict[str | None, Band]:
    """Band -> how many pay and how much, on the run's day and on an earlier one (a month before it). Empty where the run has no facts.

    In   waits  False: what is not known at once is asked for in the background and left out
    """
    now = memory.get(("now", scope.key), mark(run), lambda: _counted_now(run, scope))
    if now is None:
        return {}
    then = _counted_at(run, scope, earlier or run.as_of - timedelta(days=MONTH), waits)
    none = (0, Decimal(0))
    return {band: Band(*now.get(band, none), *(then.get(band, none) if then is not None else (None, None))) for band in BANDS}


def bands_at(run: PassRun, scope: Scope, day: date) -> tuple[dict[str | None, Band], pa.Table]:
    """The same of one day, not after the run's, without what was before; and the accounts: account_id, health, arr, of those that paid."""
    table = facts_table(run, ["account_id", *READS], scope) if day == run.as_of else _facts(run, scope, day, waits=True)
    if table is None:
        return {}, pa.table({"account_id": pa.array([], pa.int64()), "health": pa.array([], pa.string()), "arr": pa.array([], pa.float64())})
    table = _whole(table)
    counted = _counted(table, run.currency)
    return {band: Band(*counted.get(band, (0, Decimal(0)))) for band in BANDS}, _paying(table).select(["account_id", "health", "arr"])


def largest_in(run: PassRun, scope: Scope, band: str, n: int) -> list[tuple[int, float]]:
    """The paying accounts of a band that pay most: account, ARR."""

    def read() -> list[tuple[int, float]]:
        table = facts_table(run, ["account_id", *READS], scope)
        if table is None:
            return []
        there = _paying(_whole(table))
        there = there.filter(pc.fill_null(pc.equal(there["health"], band), False)).sort_by([("arr", "descending"), ("account_id", "ascending")]).slice(0, n)
        return [(row["account_id"], row["arr"] or 0.0) for row in there.to_pylist()]

    found: list[tuple[int, float]] = memory.get(("largest", scope.key, band, n), mark(run), read)
    return found


def _counted_now(run: PassRun, scope: Scope) -> dict[str | None, tuple[int, Decimal]] | None:
    table = facts_table(run, ["account_id", *READS], scope)
    return None if table is None else _counted(_whole(table), run.currency)


def _counted_at(run: PassRun, scope: Scope, day: date, waits: bool) -> Mapping[str | None, tuple[int, Decimal]] | None:
    table = _facts(run, scope, day, waits)
    return None if table is None else _counted(table, run.currency)


def _facts(run: PassRun, scope: Scope, day: date, waits: bool) -> pa.Table | None:
    params = {"dates": (day_number(day),), "measures": READS}
    try:
        return desk.ask("facts", params, scope, run.pk) if waits else desk.soon("facts", params, scope, run.pk)
    except (QuestionFault, TimeoutError):
        return None


def _whole(table: pa.Table) -> pa.Table:
    """A run of before there were scorecards knows no health."""
    for name, kind in (("health", pa.string()), ("arr", pa.float64()), ("state", pa.string())):
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
    return table


def _paying(table: pa.Table) -> pa.Table:
    return table.filter(pc.fill_null(pc.equal(table["state"], "paying"), False))


def _counted(table: pa.Table, currency: str) -> dict[str | None, tuple[int, Decimal]]:
    """Band -> (accounts, ARR): each account's ARR rounded to the minor unit, as cards have it, then added up."""
    places, there = minor_units(currency), _paying(table)
    minor = pc.cast(pc.round(pc.multiply(pc.fill_null(there["arr"], 0.0), 10.0**places)), pa.int64())
    summed = pa.table({"health": there["health"], "minor": minor}).group_by("health").aggregate([("minor", "sum"), ("minor", "count")])
    rows: list[dict[str, Any]] = summed.to_pylist()
    return {row["health"]: (row["minor_count"], Decimal(row["minor_sum"] or 0).scaleb(-places)) for row in rows}
