"""The flow of a few lines and joints, computed by the formulas, for tests that know by hand what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pyarrow as pa

from laer.cycle.flowing import prepared
from laer.engine.session import DuckDBSession
from laer.flow import standing
from laer.flow.joints import SHIPPED, Allowed
from laer.flow.statement import Flow
from laer.metrics import changes
from laer.metrics.dimensions import SPANS
from tests.metrics.books import FAR, Line, arrow, month_of

BEGINNING = -800_000
KINDS = {"int64": pa.int64(), "int32": pa.int32(), "string": pa.string()}


@dataclass
class Book:
    """lines, and of accounts in `before` nobody knows since when they paid; what sources say of joints, a row each."""

    lines: list[Line]
    before: frozenset[int] = frozenset()
    plans: list[tuple[int, int, int]] = field(default_factory=list)  # account, started, done
    use: list[tuple[int, int | None, int | None]] = field(default_factory=list)  # account, activated, usage known since
    outcomes: list[tuple[int, int, int]] = field(default_factory=list)  # account, promised, reached
    terms: list[tuple[int, int, int]] = field(default_factory=list)  # account, known, end
    dues: list[tuple[int, int, int, str | None]] = field(default_factory=list)  # account, due, settled, result
    segments: dict[int, str] = field(default_factory=dict)
    values: list[tuple[int, str, int, int]] = field(default_factory=list)  # account, value, from, until

    def tables(self) -> dict[str, pa.Table]:
        def made(rows: list[Any], **columns: pa.DataType) -> pa.Table:
            return pa.table({name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(columns.items())})

        account, day, text = {"account_id": pa.int64()}, pa.int32(), pa.string()
        return {
            "input_plans": made(self.plans, **account, started_d=day, done_d=day),
            "facts": made(self.use, **account, activated_on=day, usage_since_on=day),
            "input_outcomes": made(self.outcomes, **account, promised_d=day, reached_d=day),
            "input_terms": made(self.terms, **account, known_d=day, end_d=day),
            "input_renewals": made(self.dues, **account, due_d=day, settled_d=day, result=text),
        }

    def given(self, kind: pa.DataType | None = None) -> pa.Table:
        table = arrow(self.lines, kind=kind)
        unknown = [one.account in self.before and one.start == min(x.start for x in self.lines if x.account == one.account) for one in self.lines]
        return table.append_column("unknown", pa.array(unknown, pa.bool_()))


def spans(rows: list[tuple[int, str, int, int]]) -> pa.Table:
    def m(day: int) -> int:
        return day if day in (FAR, BEGINNING) else month_of(day)

    columns = {"account_id": [r[0] for r in rows], "value": [r[1] for r in rows], "from_d": [r[2] for r in rows], "from_m": [m(r[2]) for r in rows],
        "until_d": [r[3] for r in rows], "until_m": [m(r[3]) for r in rows]}  # fmt: skip
    return pa.table({name: pa.array(columns[name], KINDS[kind]) for name, kind in SPANS.items()})


class Computed:
    """The flow of a book as of a day."""

    def __init__(self, book: Book, day: int, *, today: int | None = None, allowed: Allowed | None = None, split: bool = False, kind: Any = None) -> None:
        self.day, self.split = day, split
        self.session = DuckDBSession()
        parts = "int64" if kind is None else "decimal(38, 0)"
        self.session.bind("lines", book.given(kind))
        events = self.session.keep("events", changes.mrr_changes(changes.lines_table("int64", parts, book=True), 0))
        self.moves, self.ways = prepared(self.session, events, book.tables(), day if today is None else today)
        rows = list((allowed or dict(SHIPPED.days())).items())
        columns = ([segment for segment, _ in rows], *([days[at] for _, days in rows] for at in range(3)))
        self.session.bind("flow_deadlines", pa.table({name: pa.array(column, KINDS[type_]) for (name, type_), column in
            zip(standing.DEADLINES.items(), columns, strict=True)}))  # fmt: skip
        self.session.bind("flow_segments", spans([(a, v, BEGINNING, FAR) for a, v in book.segments.items()]))
        self.session.bind("flow_values", spans(book.values))
        self.standing = self.session.keep("flow_standing", standing.account_standing(self.moves, self.ways, day, split))
        self.staged = standing.staged_moves(self.moves, self.standing, day, split)

    def flow(self, denominator: int = 1) -> Flow:
        states = self.session.fetch(standing.joint_sums(self.standing))
        moved = self.session.fetch(standing.move_sums(self.staged))
        return Flow(states, moved, denominator, "USD", self.day)

    def accounts(self) -> dict[int, dict[str, Any]]:
        return {row["account_id"]: row for row in self.session.fetch(self.standing).to_pylist()}


def identity(moves: Any) -> Fraction:
    """What the movements come to."""
    inward = moves["landed"] + moves["expansion"] + moves["reactivation"] + moves["entering"]
    return inward - moves["contraction"] - moves["churn"] - moves["leaving"]  # type: ignore[no-any-return]
