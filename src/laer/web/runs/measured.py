"""How much is known of each measure in a run, under a scope: counted as columns of the run's facts, so that no account costs a row.

What is unknown is null there and stays so: it is counted apart, and no figure takes it for zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils.translation import gettext, gettext_noop

from laer.conditions.tree import Condition, derived, tests
from laer.cycle.company import company_catalogue
from laer.cycle.derived import fields_of, inputs_of
from laer.cycle.facts import SEEN, USAGE
from laer.cycle.own_measures import Measures
from laer.cycle.scope import Scope
from laer.cycle.scorecards import OF_BAND, OF_COVERAGE
from laer.metrics.company import FACTS
from laer.metrics.inputs import INPUTS
from laer.records.periods import date_of, day_number
from laer.web.runs.latest import mark
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.runs.snapshots import folder_of

KEYS = ("account_id", "d")
BEHIND = {OF_BAND: gettext_noop("%(card)s: band"), OF_COVERAGE: gettext_noop("%(card)s: coverage")}
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
            absence to mean anything), `nothing` (nothing is said of it), `waits` (it is newer than the run)
    record  the record type that would say it;  newest  its newest day
    """

    why: str
    record: str
    newest: date | None = None


def named(name: str) -> str:
    """What a measure is called, in the reader's language; a scorecard's own name is the firm's, in whatever language that is."""
    for ending, form in BEHIND.items():
        if name.endswith(ending):
            return gettext(form) % {"card": gettext(name.removesuffix(ending))}
    return gettext(name)


def coverage(run: PassRun | None, scope: Scope) -> Coverage:
    """Of the accounts in scope. Remembered for the run."""

    def counted() -> Coverage:
        if scope.everything and run is not None:
            return _of_all(run)
        table = facts_table(run, None, scope)
        if table is None:
            return Coverage(None, {})
        return Coverage(table.num_rows, {name: table.num_rows - table[name].null_count for name in table.column_names if name not in KEYS})

    found: Coverage = memory.get(("coverage", scope.key), mark(run), counted)
    return found


def values(run: PassRun | None, scope: Scope, measure: str) -> pa.Table:
    """account_id, segment, value (null: unknown) of every account in scope, by account; days are numbers. Remembered for the run."""

    def read() -> pa.Table:
        table = facts_table(run, list(dict.fromkeys(("account_id", "segment", measure))), scope)
        if table is None:
            return pa.table({"account_id": pa.array([], pa.int64()), "segment": pa.array([], pa.string()), "value": pa.nulls(0)})
        of = table[measure] if measure in table.column_names else pa.chunked_array([pa.nulls(table.num_rows)])
        return pa.table({"account_id": table["account_id"], "segment": table["segment"], "value": of}).sort_by("account_id")

    found: pa.Table = memory.get(("values", scope.key, measure), mark(run), read)
    return found


def missing(run: PassRun | None, measure: str, there_are: Measures | None = None) -> Missing:
    """Why nothing is known of it, of the first of its sources that does not say it. It is about the firm, not about an account."""
    there_are = there_are or Measures()
    if there_are[measure].own and run is not None and not _holds(run, measure):
        return Missing("waits", there_are[measure].sources[0])
    return _unsaid(run, there_are.inputs_behind(measure)) or Missing("nothing", there_are[measure].sources[0])


def why_unknown(run: PassRun, condition: Condition, there_are: Measures) -> Missing | None:
    """Why a condition is known of no account: the first of what it asks about of which the firm has no source, or an old one; None where each has one."""
    columns = derived(condition)
    asked = dict.fromkeys((*(test.field for test in tests(condition) if test.derived is None), *fields_of(columns)))
    inputs = [name for one in there_are.behind(asked) if one in there_are for name in there_are.inputs_behind(one)]
    return _unsaid(run, dict.fromkeys((*inputs, *inputs_of(columns))))


def _unsaid(run: PassRun | None, inputs: Iterable[str]) -> Missing | None:
    """The first table that says nothing, or nothing new."""
    newest = _newest(run)
    today = run.as_of if run else date.max
    for name in inputs:
        given, record = INPUTS[name], INPUTS[name].record
        there = [newest[other] for other, one in INPUTS.items() if one.record == record and other in newest]
        if not there:
            return Missing("source", record)
        if name not in newest:
            return Missing("silent", record, max(there))
        if given.stale is not None and (today - newest[name]).days > given.stale:
            return Missing("stale", record, newest[name])
    return None


def _holds(run: PassRun, measure: str) -> bool:
    """Whether the run computed it: one of the firm's own may be newer. A run without facts says nothing of that."""
    path = folder_of(run.pk) / "facts.parquet"
    return not path.exists() or measure in pq.read_schema(path).names


def firm_missing(run: PassRun | None, measure: str) -> Missing | None:
    """Why a measure of the firm is unknown, of the first table that says nothing; None where all that it counts is there."""
    catalogue_ = company_catalogue()
    newest = _newest(run)
    for name in catalogue_.needed([measure]):
        one = catalogue_.companies.get(name)
        if one is not None and one.of == FACTS:
            counted = coverage(run, Scope(True))
            silent = [read for read in one.reads if not counted.known.get(read)]
            if silent:
                return missing(run, silent[0])
            continue
        for given in catalogue_.inputs_of(name):
            if given not in newest:
                record = INPUTS[given].record
                there = [newest[other] for other, shape in INPUTS.items() if shape.record == record and other in newest]
                return Missing("silent", record, max(there)) if there else Missing("source", record)
    return None


def _of_all(run: PassRun) -> Coverage:
    """Of the whole firm: the file's footer counts what is null, which takes a hundredth of reading 100,000 accounts."""
    path = folder_of(run.pk) / "facts.parquet"
    if not path.exists():
        return Coverage(None, {})
    footer = pq.read_metadata(path)
    groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
    nulls = {name: sum(group.column(place).statistics.null_count for group in groups) for place, name in enumerate(footer.schema.names) if name not in KEYS}
    return Coverage(footer.num_rows, {name: footer.num_rows - count for name, count in nulls.items()})


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


def facts_of_one(run: PassRun | None, account: int) -> dict[str, Any] | None:
    """All facts of one account in a run; None where the run has none of it. The caller has looked whether it may be seen."""
    path = folder_of(run.pk) / "facts.parquet" if run else None
    if path is None or not path.exists():
        return None
    rows = pq.read_table(path, filters=[("account_id", "=", account)]).to_pylist()
    return rows[0] if rows else None


def facts_table(run: PassRun | None, columns: list[str] | None, scope: Scope) -> pa.Table | None:
    """The run's facts of the accounts in scope; None where the run has none."""
    path = folder_of(run.pk) / "facts.parquet" if run else None
    if path is None or not path.exists():
        return None
    there = pq.read_schema(path).names
    table = pq.read_table(path, columns=None if columns is None else [name for name in columns if name in there])
    return table if scope.everything else table.filter(pc.is_in(table["account_id"], pa.array(sorted(scope.account_ids), pa.int64())))
