"""Which value of a dimension each account had on which days, from current values, the change log and assignments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import pyarrow as pa

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
    ids = accounts["account_id"].to_pylist()
    rows: list[tuple[str, int, str, int, int]] = []
    changed: dict[tuple[str, int], list[tuple[int, Any, Any]]] = {}
    for account, name, old, new, day in zip(*(history[c].to_pylist() for c in ("account_id", "field", "old", "new", "day")), strict=True):
        changed.setdefault((name, account), []).append((day, old, new))
    for dimension in dimensions:
        if dimension == "owner":
            rows.extend((dimension, *span) for span in _owners(ids, assignments, people))
            continue
        for account, value in zip(ids, accounts[dimension].to_pylist(), strict=True):
            steps = changed.get((dimension, account))
            spans = _steps(account, value, steps) if steps else [(account, value or "", BEGINNING, FAR)]
            rows.extend((dimension, *span) for span in spans)
    months: dict[int, int] = {BEGINNING: BEGINNING, FAR: FAR}
    for row in rows:
        for day in row[3:]:
            if day not in months:
                months[day] = month_number(date_of(day))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    data = {
        "dimension": columns[0], "account_id": columns[1], "value": columns[2], "from_d": columns[3], "from_m": [months[d] for d in columns[3]],
        "until_d": columns[4], "until_m": [months[d] for d in columns[4]],
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
        edges = sorted({BEGINNING, FAR, *(d for start, until, _ in held for d in (start, until))})
        spans: list[Span] = []
        for start, until in pairwise(edges):
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
