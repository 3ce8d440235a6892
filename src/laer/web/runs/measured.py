"""How much is known of each measure in a run, under a scope: counted as columns of the run's facts, so that no account costs a row.

What is unknown is null there and stays so: it is counted apart, and no figure takes it for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from laer.cycle.facts import SEEN, USAGE, catalogue
from laer.cycle.scope import Scope
from laer.metrics.inputs import INPUTS
from laer.records.periods import date_of, day_number
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.runs.queries import mark
from laer.web.runs.snapshots import folder_of

memory = Memory(200)


@dataclass(frozen=True)
class Coverage:
    """Of how many accounts each measure is known; `accounts` is None where the run has no facts."""

    accounts: int | None
    known: dict[str, int]


@dataclass(frozen=True)
class Missing:
    """Why a measure is unknown.

    why     `source` (no such record is there), `silent` (records are there, but do not say it), `stale` (the newest is too old for an
            absence to mean anything), `nothing` (nothing is said of it)
    record  the record type that would say it;  newest  its newest day
    """

    why: str
    record: str
    newest: date | None = None


def coverage(run: PassRun | None, scope: Scope) -> Coverage:
    """Of the accounts in scope. Remembered for the run."""

    def counted() -> Coverage:
        if scope.everything and run is not None:
            return _of_all(run)
        table = _facts(run, None, scope)
        if table is None:
            return Coverage(None, {})
        return Coverage(table.num_rows, {name: table.num_rows - table[name].null_count for name in table.column_names if name in catalogue()})

    found: Coverage = memory.get(("coverage", scope.key), mark(run), counted)
    return found


def values(run: PassRun | None, scope: Scope, measure: str) -> pa.Table:
    """account_id, segment, value (null: unknown) of every account in scope, by account; days are numbers. Remembered for the run."""

    def read() -> pa.Table:
        table = _facts(run, list(dict.fromkeys(("account_id", "segment", measure))), scope)
        if table is None:
            return pa.table({"account_id": pa.array([], pa.int64()), "segment": pa.array([], pa.string()), "value": pa.nulls(0)})
        of = table[measure] if measure in table.column_names else pa.chunked_array([pa.nulls(table.num_rows)])
        return pa.table({"account_id": table["account_id"], "segment": table["segment"], "value": of}).sort_by("account_id")

    found: pa.Table = memory.get(("values", scope.key, measure), mark(run), read)
    return found


def missing(run: PassRun | None, measure: str) -> Missing:
    """Why nothing is known of it, of the first of its sources that does not say it. It is about the firm, not about an account."""
    newest = _newest(run)
    today = run.as_of if run else date.max
    for name in _inputs(measure):
        given, record = INPUTS[name], INPUTS[name].record
        there = [newest[other] for other, one in INPUTS.items() if one.record == record and other in newest]
        if not there:
            return Missing("source", record)
        if name not in newest:
            return Missing("silent", record, max(there))
        if given.stale is not None and (today - newest[name]).days > given.stale:
            return Missing("stale", record, newest[name])
    return Missing("nothing", catalogue()[measure].sources[0])


def _of_all(run: PassRun) -> Coverage:
    """Of the whole firm: the file's footer counts what is null, which takes a hundredth of reading 100,000 accounts."""
    path = folder_of(run.pk) / "facts.parquet"
    if not path.exists():
        return Coverage(None, {})
    footer = pq.read_metadata(path)
    groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
    nulls = {name: sum(group.column(place).statistics.null_count for group in groups) for place, name in enumerate(footer.schema.names) if name in catalogue()}
    return Coverage(footer.num_rows, {name: footer.num_rows - count for name, count in nulls.items()})


@cache
def _inputs(measure: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(family.input for family in catalogue().narrowed([measure]).families))


def _newest(run: PassRun | None) -> dict[str, date]:
    """Input -> the newest day, up to that of the run, of which any account of the firm has a row. Remembered for the run."""

    def read() -> dict[str, date]:
        path = folder_of(run.pk) / "seen.parquet" if run else None
        seen = pq.read_table(path) if path and path.exists() else SEEN.empty_table()
        today = day_number(run.as_of) if run else 0
        # A block of 28 days is named by its last one, which may lie ahead; of other inputs a day ahead is no news yet.
        near = pc.if_else(pc.is_in(seen["input"], pa.array(USAGE)), pc.min_element_wise(seen["day"], today), seen["day"])
        near = pc.max_element_wise(near, day_number(date.min))  # what was always so begins before every calendar
        seen = seen.set_column(1, "day", near).filter(pc.less_equal(near, today))
        latest = seen.group_by("input").aggregate([("day", "max")])
        return {row["input"]: date_of(row["day_max"]) for row in latest.to_pylist()}

    found: dict[str, date] = memory.get("seen", mark(run), read)
    return found


def _facts(run: PassRun | None, columns: list[str] | None, scope: Scope) -> pa.Table | None:
    """The run's facts of the accounts in scope; None where the run has none."""
    path = folder_of(run.pk) / "facts.parquet" if run else None
    if path is None or not path.exists():
        return None
    there = pq.read_schema(path).names
    table = pq.read_table(path, columns=None if columns is None else [name for name in columns if name in there])
    return table if scope.everything else table.filter(pc.is_in(table["account_id"], pa.array(sorted(scope.account_ids), pa.int64())))
