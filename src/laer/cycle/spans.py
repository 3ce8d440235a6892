"""Which value of a dimension each account had on which days, from current values, the change log and assignments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.metrics.dimensions import SPANS
from laer.records.periods import FAR, date_of, day_number, month_number

BEGINNING = -800_000  # before every date that a calendar knows: an account's first value is carried back to it
SCHEMA = pa.schema([("dimension", pa.string()), *((n, {"int64": pa.int64(), "string": pa.string(), "int32": pa.int32()}[k]) for n, k in SPANS.items())])
Span = tuple[int, str, int, int]


def dimension_spans(accounts: pa.Table, history: pa.Table, assignments: pa.Table, people: pa.Table, dimensions: Iterable[str]) -> pa.Table:
    """Spans of all dimensions.

    Grain   dimension x account_id x from_d; the spans of an account cover all days
    Out     dimension and the columns of `dimensions.spans_table`; an unknown value is ''
    """
    ids = accounts["account_id"].combine_chunks()
    changed: dict[tuple[str, int], list[tuple[int, Any, Any]]] = {}
    for account, name, old, new, day in zip(*(history[c].to_pylist() for c in ("account_id", "field", "old", "new", "day")), strict=True):
        changed.setdefault((name, account), []).append((day, old, new))
    tables = []
    for dimension in dimensions:
        if dimension == "owner":
            tables.append(_table(dimension, _owners(ids.to_pylist(), assignments, people)))
            continue
        moved = pc.is_in(ids, pa.array([account for name, account in changed if name == dimension], pa.int64()))
        values = accounts[dimension].combine_chunks()
        tables.append(_still(dimension, ids.filter(pc.invert(moved)), values.filter(pc.invert(moved))))
        there = zip(ids.filter(moved).to_pylist(), values.filter(moved).to_pylist(), strict=True)
        tables.append(_table(dimension, (span for account, value in there for span in _steps(account, value, changed[dimension, account]))))
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _still(dimension: str, ids: pa.Array, values: pa.Array) -> pa.Table:
    """One span each: most accounts never changed."""
    same = {"dimension": dimension, "from_d": BEGINNING, "from_m": BEGINNING, "until_d": FAR, "until_m": FAR}
    columns = {name: pa.repeat(pa.scalar(value, SCHEMA.field(name).type), len(ids)) for name, value in same.items()}
    columns |= {"account_id": ids, "value": pc.fill_null(values, "")}
    return pa.table({f.name: columns[f.name] for f in SCHEMA}, schema=SCHEMA)


def _table(dimension: str, spans: Iterable[Span]) -> pa.Table:
    rows = list(spans)
    months: dict[int, int] = {BEGINNING: BEGINNING, FAR: FAR}
    for day in {day for row in rows for day in row[2:]} - months.keys():
        months[day] = month_number(date_of(day))
    account, value, start, until = zip(*rows, strict=True) if rows else ((),) * 4
    data = {
        "dimension": [dimension] * len(rows), "account_id": account, "value": value, "from_d": start, "from_m": [months[d] for d in start],
        "until_d": until, "until_m": [months[d] for d in until],
    }  # fmt: skip
    return pa.table({f.name: pa.array(data[f.name], f.type) for f in SCHEMA}, schema=SCHEMA)


def _steps(account: int, current: Any, steps: list[tuple[int, Any, Any]]) -> Iterator[Span]:
    """A field's history as spans: the value before each change held until it; the last one holds still."""
    start = BEGINNING
    for day, old, _ in sorted(steps, key=lambda s: s[0]):
        if day > start:
            yield account, _text(old), start, day
            start = day
    yield account, _text(current), start, FAR


def _owners(ids: list[int], assignments: pa.Table, people: pa.Table) -> Iterator[Span]:
    """The account's CSM; where several overlap, the one assigned last."""
    names = dict(zip(people["person_id"].to_pylist(), people["name"].to_pylist(), strict=True))
    given: dict[int, list[tuple[int, int, str]]] = {}
    columns = ("account_id", "person_id", "job", "from_on", "until_on")
    for account, person, job, start, until in zip(*(assignments[c].to_pylist() for c in columns), strict=True):
        if job == "csm" and person in names:
            given.setdefault(account, []).append((_day(start, BEGINNING), _day(until, FAR), names[person]))
    for account in ids:
        held = sorted(given.get(account, []))
        if not held or (len(held) == 1 and held[0][0] < held[0][1]):  # as most accounts: nothing overlaps
            edges = [(BEGINNING, FAR, "")] if not held else [(BEGINNING, held[0][0], ""), held[0], (held[0][1], FAR, "")]
            yield from ((account, name, start, until) for start, until, name in edges if start < until)
            continue
        cuts = sorted({BEGINNING, FAR, *(d for start, until, _ in held for d in (start, until))})
        spans: list[Span] = []
        for start, until in pairwise(cuts):
            name = next((n for a, b, n in reversed(held) if a <= start < b), "")
            if spans and spans[-1][1] == name:
                spans[-1] = (account, name, spans[-1][2], until)
            else:
                spans.append((account, name, start, until))
        yield from spans


def _day(value: date | None, otherwise: int) -> int:
    return otherwise if value is None else day_number(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
