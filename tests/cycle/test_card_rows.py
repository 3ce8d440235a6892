"""Conditions of cards on arrays, and changes between two days: equal to the plain reference, row by row."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.conditions.tree import Condition, Derived
from laer.conditions.truth import evaluate
from laer.cycle.card_rows import Read, nullable
from laer.cycle.derived import derive
from laer.cycle.facts import Wanted
from laer.engine.session import DuckDBSession
from laer.records.periods import date_of, day_number
from laer.scores.points import HOLDS, HOLDS_NOT, UNSAID
from tests.conditions.made import TODAY, conditions, field_tests, rows

ROWS = rows(60)
KINDS = {
    "users": pa.int64(), "trend": pa.float64(), "silence": pa.int64(), "mrr": pa.int64(), "segment": pa.string(), "industry": pa.string(),
    "escalated": pa.bool_(), "renewal_on": pa.int32(),
}  # fmt: skip
SAID = {True: HOLDS, False: HOLDS_NOT, None: UNSAID}


def read(days: list[date]) -> Read:
    """The rows, each account on one of the days."""
    columns = {name: [day_number(row[name]) if isinstance(row[name], date) else row[name] for row in ROWS] for name in KINDS}
    made = {name: pa.array(columns[name], kind) for name, kind in KINDS.items()}
    return Read(pa.table({"account_id": pa.array(range(len(ROWS))), "d": pa.array(map(day_number, days), pa.int32()), **made}), {}, {})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked=st.lists(conditions(field_tests()), min_size=1, max_size=8), apart=st.integers(0, 60))
def test_arrays_say_what_the_reference_says_each_row_as_of_its_own_day(asked: list[Condition], apart: int) -> None:
    days = [TODAY - timedelta(days=apart * (place % 3)) for place in range(len(ROWS))]
    found = read(days).truths({str(place): condition for place, condition in enumerate(asked)})
    for place, condition in enumerate(asked):
        assert found[str(place)].tolist() == [SAID[evaluate(condition, row, day)] for row, day in zip(ROWS, days, strict=True)]


def test_numbers_become_columns_with_what_is_unknown_as_null() -> None:
    for length in (0, 1, 7, 8, 9, 64, 65):
        values = np.arange(length, dtype=np.float64)
        values[::3] = np.nan
        assert nullable(values).to_pylist() == [None if place % 3 == 0 else float(place) for place in range(length)]


def test_a_change_is_of_the_same_account_on_the_two_days() -> None:
    """Account 1 went from 4 to 5, account 2 from nothing, account 3 has no row before, account 4 is unknown today: a quarter, and three times unknown."""
    day = day_number(TODAY)
    facts = pa.table({
        "account_id": [1, 1, 2, 2, 3, 4, 4], "d": pa.array([day - 28, day, day - 28, day, day, day - 28, day], pa.int32()),
        "users": pa.array([4, 5, 0, 7, 9, 2, None], pa.int64()),
    })  # fmt: skip
    columns = [Derived("change", "users", 28), Derived("difference", "users", 28)]
    accounts = pa.array([1, 2, 3, 4]), pa.array([0, 0, 0, 0], pa.int32())
    with DuckDBSession() as session:
        found = derive(session, columns, Wanted((day,), *accounts), {}, facts)
    assert found["account_id"].to_pylist() == [1, 2, 3, 4]
    assert found[columns[0].id].to_pylist() == [0.25, None, None, None]
    assert found[columns[1].id].to_pylist() == [1.0, 7.0, None, None]
    assert date_of(found["d"].to_pylist()[0]) == TODAY
