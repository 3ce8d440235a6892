"""What a run keeps of the flow says to the cent what its lines say: whole and by segment, for everybody and for a part of the book."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle import flowing
from laer.cycle.run_tables import RunTables
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.flow import landed, sums
from laer.flow.joints import JOINTS, SHIPPED
from laer.metrics import changes
from tests.flow.books import Book, spans
from tests.flow.test_holds import SEVERAL, flows
from tests.metrics.books import DAY0, DECIMAL, LENGTH

PARAMS = {"deadlines": SHIPPED.days(), "gap_days": 0}
TODAY = DAY0 + LENGTH


def kept(book: Book, kind: Any = None) -> RunTables:
    """The run of a book: its own tables, and what the pass counted of them."""
    tables = book.tables()
    inputs = {name.removeprefix("input_"): table for name, table in tables.items() if name.startswith("input_")}
    inputs |= {"lines": empty(landed.LINES), "deals": empty(landed.DEALS)}
    segments = spans(book.values)
    with DuckDBSession() as session:
        session.bind("lines", book.given(kind))
        events = session.keep("events", changes.mrr_changes(changes.lines_table("int64", "int64" if kind is None else "decimal(38, 0)", book=True), 0))
        dimensions = segments.append_column("dimension", pa.array(["segment"] * segments.num_rows, pa.string()))
        made = flowing.kept(session, events, inputs, tables["facts"], {}, TODAY, SHIPPED.days(), dimensions)
    return RunTables({**tables, **made, "dimension_segment": segments}, 7, "USD", TODAY)


def empty(columns: dict[str, str]) -> pa.Table:
    return pa.table({name: pa.array([], flowing.TYPES[type_]) for name, type_ in columns.items()})


@SEVERAL
@given(flows(), st.sampled_from([None, "segment"]), st.sets(st.integers(0, 5)), st.booleans(), st.sampled_from([None, DECIMAL]))
def test_sums_of_what_is_kept_are_those_of_the_moves(book: Book, by: str | None, some: set[int], everything: bool, kind: Any):
    run, scope = kept(book, kind), Scope(everything, frozenset(some))
    moved = RunTables({name: table for name, table in run.tables.items() if not name.startswith("flow_st")}, 7, "USD", TODAY)
    answers = []
    for there, engine in ((run, None), (moved, DuckDBSession())):  # no engine is needed where the rows are kept
        answers.append(flowing.flow(None, engine, there, PARAMS | {"by": by}, scope))  # type: ignore[arg-type]
    ours, again = answers
    assert ours.cohorts == again.cohorts
    assert ours.values == again.values
    for first in (None, *ours.cohorts):
        for value in (None, *ours.values):
            assert ours.part(first, first, value) == again.part(first, first, value)


def test_a_run_of_before_with_no_numbered_cells_is_counted_from_its_moves():
    run = kept(Book([]))
    assert "cell" in run.tables["flow_standing"].column_names
    old = RunTables({**run.tables, "flow_standing": run.tables["flow_standing"].drop_columns(["cell"])}, 7, "USD", TODAY)
    with DuckDBSession() as session:
        assert flowing.flow(None, session, old, PARAMS, Scope(True)).cohorts == []  # type: ignore[arg-type]


def test_sums_that_whole_numbers_do_not_hold_are_decimals():
    table = pa.table({"cohort": pa.array([1, 1], pa.int32()), "mrr": pa.array([2**62, 2**62], pa.int64())})
    assert int(sums.summed(table, ("cohort",), ("mrr",))["mrr"][0].as_py()) == 2**63


@pytest.mark.parametrize("stage", range(6))
def test_a_cell_says_what_it_was_made_of(stage: int):
    states = {joint: (stage + at) % 5 for at, joint in enumerate(JOINTS)}
    cell = stage
    for joint in JOINTS:
        cell = cell * 5 + states[joint]
    row = sums.decoded(pa.table({"cell": pa.array([cell], pa.int32())})).to_pylist()[0]
    assert row == {"cell": cell, "stage": stage, **states}
