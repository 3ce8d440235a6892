"""Random inputs of facts in their declared shapes, and what of them was not known yet on a day, changed."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa

from laer.cycle.fact_inputs import schema_of
from laer.metrics.inputs import INPUTS
from laer.metrics.spine import BLOCK
from laer.records.periods import FAR

FIRST, LAST = 19_700, 20_200
ACCOUNTS = 12
WORDS = {
    "outcome": ("won", "lost"), "result": ("signed", "automatic", "lost"), "motion": ("land", "expand", "renew", None),
    "kind": ("nps", "csat", "ces", "call", "mail", "meeting"), "plan": ("Basic", "Pro", None), "dimension": ("segment", "country", "owner"),
    "value": ("A", "B", "C", ""), **dict.fromkeys(("on_time", "expanded", "notice_missed"), (0.0, 1.0, None)),
    **dict.fromkeys(("call_30", "call_60", "call_90"), ("commit", "likely", "at_risk", "lost", None)), "role": ("champion", "decision maker", "user", None),
    "happened": ("touch", "ticket", "answer"), "name": ("seats_assigned", "teams_active", "other"),
    "paid": (True, False), "team": ("Ops", "Sales", None),
}  # fmt: skip
Row = dict[str, Any]


def book(seed: int, rows: int = 150) -> dict[str, pa.Table]:
    rng = random.Random(seed)
    return {name: table(name, [_row(name, rng) for _ in range(rows)]) for name in INPUTS}


def table(name: str, rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema_of(name))


def perturbed(name: str, given: pa.Table, day: int, rng: random.Random) -> pa.Table:
    """The same table with what became known after the day left out, moved, given to others, doubled, or of another value."""
    made: list[Row] = []
    for row in given.to_pylist():
        known = row[INPUTS[name].known]
        if known == row.get("block") and known is not None:
            made += _other_days(row, day, rng)
        elif known > day:
            made += _other_row(row, INPUTS[name].known, rng)
        else:
            made.append(row | {column: _later(column, row, until, day, rng) for column, until in INPUTS[name].late.items()})
    return table(name, made)


def _row(name: str, rng: random.Random) -> Row:
    given = INPUTS[name]
    row: Row = {} if given.firm else {"account_id": rng.randint(1, ACCOUNTS)}
    for column, kind in given.columns.items():
        row[column] = _value(column, kind, rng)
    start = row[given.known]
    for column, until in given.late.items():  # an end lies after its beginning, and what comes with it is known then
        if column == until:
            row[column] = FAR if rng.random() < 0.3 else start + rng.randint(1, 300)
    for column, until in given.late.items():
        if column != until and row[until] == FAR:
            row[column] = None
    return row


def _value(column: str, kind: str, rng: random.Random) -> Any:
    if column in WORDS:
        return rng.choice(WORDS[column])
    if column == "block":
        return rng.randint(FIRST // BLOCK, LAST // BLOCK)
    if column == "mask":
        return rng.getrandbits(BLOCK) & rng.getrandbits(BLOCK)
    if column == "level":
        return rng.randint(0, 2)
    if kind == "int32":
        return rng.randint(FIRST, LAST)
    return {"int64": rng.randint(1, 40), "float64": float(rng.randint(1, 5)), "string": "x", "boolean": rng.random() < 0.5}[kind]


def _other_row(row: Row, known: str, rng: random.Random) -> list[Row]:
    fate = rng.random()
    if fate < 0.3:
        return []
    shift = rng.randint(0, 90)
    moved = {column: value + shift if column.endswith("_d") and value != FAR else value for column, value in row.items()}
    if "account_id" in row:
        moved["account_id"] = rng.randint(1, ACCOUNTS) if fate < 0.6 else row["account_id"]
    return [moved, moved] if fate > 0.8 else [moved]


def _later(column: str, row: Row, until: str, day: int, rng: random.Random) -> Any:
    if row[until] <= day:
        return row[column]
    if column == until:
        return FAR if rng.random() < 0.5 else day + rng.randint(1, 200)
    return rng.choice(WORDS[column]) if column in WORDS else float(rng.randint(1, 5))


def _other_days(row: Row, day: int, rng: random.Random) -> list[Row]:
    first = row["block"] * BLOCK
    if first > day:
        return [] if rng.random() < 0.5 else [row | {"mask": rng.getrandbits(BLOCK) | 1}]
    seen = (1 << min(day - first + 1, BLOCK)) - 1
    mask = (row["mask"] & seen) | (rng.getrandbits(BLOCK) & ~seen & ((1 << BLOCK) - 1))
    return [row | {"mask": mask}] if mask else []
