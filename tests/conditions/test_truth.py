"""Three values: a table by hand, the laws of Kleene, and the same answer from the engine row by row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any as Given

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.conditions import tree
from laer.conditions.expression import to_expr
from laer.conditions.reading import parse
from laer.conditions.tree import All, Any, Condition, Not, canonical, pushed_in
from laer.conditions.truth import Truth, evaluate, explain
from laer.engine.session import DuckDBSession
from laer.records.expr import table
from laer.records.periods import day_number
from tests.conditions.made import TODAY, WORDS, conditions, field_tests, rows

T = tree.Test
PAGE = Path(__file__).parents[2] / "docs" / "methods" / "conditions.md"
NAMES: dict[str, Truth] = {"true": True, "false": False, "unknown": None}
ROWS = rows(60)
SCHEMA = {
    "users": "int64", "trend": "float64", "silence": "int64", "mrr": "int64", "segment": "string", "industry": "string", "escalated": "boolean",
    "renewal_on": "int32",
}  # fmt: skip
AGREEING = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def flag(name: str, of: Truth) -> tuple[tree.Test, dict[str, Given]]:
    return T(name, "=", True), {name: of}


@pytest.mark.parametrize("line", [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.count("|") == 7 and line.split("|")[1].strip() in NAMES])
def test_the_truth_table_of_the_page(line: str) -> None:
    a, b, all_, any_, not_a, fires = (cell.strip() for cell in line.strip("|").split("|"))
    (left, row), (right, more) = flag("a", NAMES[a]), flag("b", NAMES[b])
    row |= more
    assert evaluate(All((left, right)), row, TODAY) is NAMES[all_]
    assert evaluate(Any((left, right)), row, TODAY) is NAMES[any_]
    assert evaluate(Not(left), row, TODAY) is NAMES[not_a]
    assert (evaluate(All((left, right)), row, TODAY) is True) == (fires == "yes")


def test_the_truth_table_has_every_pair() -> None:
    cells = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in PAGE.read_text(encoding="utf-8").splitlines() if line.count("|") == 7]
    assert sorted(pair for pair in cells if pair[0] in NAMES) == sorted(product(NAMES, NAMES))


@pytest.mark.parametrize(
    ("line", "seen", "truth"),
    [
        ("users > 3", 4, True),
        ("users > 3", 3, False),
        ("users > 3", None, None),
        ("users > 3", float("nan"), None),
        ("users is known", float("nan"), False),
        ("users > 3", "4", None),
        ("users = 1", True, None),
        ("trend = 0.1", Decimal("0.1"), True),
        ("users != 3", None, None),
        ("not users = 3", None, None),
        ("users between 3 and 5", 5, True),
        ("users is unknown", None, True),
        ("users is known", 0, True),
        ("segment = SMB", "smb", False),
        ("segment in (SMB)", None, None),
        ("industry contains CARE", "Health care", True),
        ("industry contains Ö", "größe", False),
        ("escalated = no", False, True),
        ("escalated", 1, None),
        ("renewal_on within 90 d", TODAY, True),
        ("renewal_on within 90 d", TODAY + timedelta(90), True),
        ("renewal_on within 90 d", TODAY + timedelta(91), False),
        ("renewal_on within 90 d", TODAY - timedelta(1), False),
        ("renewal_on within 90 d", None, None),
        ("renewal_on within last 45 d", TODAY - timedelta(45), True),
        ("renewal_on within last 45 d", TODAY + timedelta(1), False),
        ("renewal_on older than 45 d", TODAY - timedelta(45), False),
        ("renewal_on older than 45 d", TODAY - timedelta(46), True),
        ("renewal_on older than 45 d", day_number(TODAY) - 46, True),
        ("renewal_on before 2026-11-22", TODAY, False),
        ("renewal_on = 2026-11-22", TODAY, True),
    ],
)
def test_one_test_of_one_value(line: str, seen: object, truth: Truth) -> None:
    condition = parse(line, WORDS)
    (field,) = tree.references(condition)
    assert evaluate(condition, {field: seen}, TODAY) is truth
    if seen is None:
        assert evaluate(condition, {}, TODAY) is truth


@given(conditions(field_tests()), st.sampled_from(ROWS))
def test_not_turns_true_and_false_and_leaves_unknown(condition: Condition, row: dict[str, Given]) -> None:
    truth = evaluate(condition, row, TODAY)
    assert evaluate(Not(condition), row, TODAY) is (None if truth is None else not truth)


@given(conditions(field_tests()), st.sampled_from(ROWS))
def test_rewriting_leaves_the_truth(condition: Condition, row: dict[str, Given]) -> None:
    truth = evaluate(condition, row, TODAY)
    assert evaluate(canonical(condition), row, TODAY) is truth
    assert evaluate(pushed_in(condition), row, TODAY) is truth
    assert evaluate(pushed_in(condition, truth=False), row, TODAY) is (None if truth is None else not truth)


@given(conditions(field_tests()), st.sampled_from(ROWS), st.sampled_from(ROWS))
def test_learning_a_value_never_turns_true_into_false(condition: Condition, row: dict[str, Given], other: dict[str, Given]) -> None:
    """What is said of known values stays, whatever the unknown ones turn out to be; `is known` alone asks about knowing."""
    if any(test.operator in tree.PRESENCE for test in tree.tests(condition)):
        return
    truth = evaluate(condition, row, TODAY)
    learned = {name: other[name] if value is None else value for name, value in row.items()}
    assert truth is None or evaluate(condition, learned, TODAY) is truth


@pytest.fixture(scope="module")
def facts() -> Given:
    """The rows as a pass keeps them: dates are day numbers."""
    kinds = {"string": pa.string(), "boolean": pa.bool_(), "int64": pa.int64(), "int32": pa.int32(), "float64": pa.float64()}
    columns = {name: [day_number(row[name]) if isinstance(row[name], date) else row[name] for row in ROWS] for name in SCHEMA}
    rows_ = pa.table({"n": pa.array(range(len(ROWS))), **{name: pa.array(columns[name], kinds[kind]) for name, kind in SCHEMA.items()}})
    with DuckDBSession() as session:
        session.bind("facts", rows_)

        def answer(asked: list[Condition]) -> list[list[Truth]]:
            source = table({"n": "int64", **SCHEMA}, "facts")
            truths = {f"c{at}": to_expr(condition, source, TODAY) for at, condition in enumerate(asked)}
            found = session.fetch(source.select("n", **truths).order_by("n"))
            return [found.column(name).to_pylist() for name in truths]

        yield answer


@AGREEING
@given(st.lists(conditions(field_tests()), min_size=1, max_size=8))
def test_the_engine_says_what_the_reference_says(facts: Callable[[list[Condition]], list[list[Truth]]], asked: list[Condition]) -> None:
    for condition, truths in zip(asked, facts(asked), strict=True):
        assert truths == [evaluate(condition, row, TODAY) for row in ROWS]


def test_the_engine_takes_what_is_not_a_number_for_unknown() -> None:
    asked = parse("trend > 1 or trend is known", WORDS)
    with DuckDBSession() as session:
        session.bind("facts", pa.table({"trend": [float("nan"), 2.0, None]}))
        source = table({"trend": "float64"}, "facts")
        assert session.fetch(source.select(x=to_expr(asked, source, TODAY))).column("x").to_pylist() == [None, True, None]


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="no column users; there is: user"):
        to_expr(T("users", ">", 3), table({"user": "int64"}, "facts"), TODAY)


def test_it_explains_what_each_test_saw() -> None:
    condition = parse("segment = SMB and not (users > 3 or no touch in 45 d)", WORDS)
    why = explain(condition, {"segment": "SMB", "users": 2}, TODAY)
    assert why.truth is None
    (segment, not_) = why.parts
    assert (segment.truth, segment.seen) == (True, "SMB")
    assert not_.truth is None
    (users, touch) = not_.parts[0].parts
    assert (users.truth, users.seen) == (False, 2)
    assert (touch.truth, touch.seen) == (None, None)
    assert isinstance(touch.condition, tree.Test)
    assert touch.condition.derived is not None
    assert touch.condition.derived.source == "touch"
