"""A condition over a table of facts, as an expression for the engine: true, false, or null where it is unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any as Given

from laer.conditions.faults import existing
from laer.conditions.tree import DAY_COUNTS, All, Any, Condition, Not, Single, Test
from laer.conditions.truth import days_asked
from laer.conditions.truth import lowered as lowered_text
from laer.records.expr import BooleanValue, Column, Scalar, Table, literal, lowered, not_nan
from laer.records.periods import day_number

COMPARE: dict[str, Callable[[Given, Given], Given]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def to_expr(condition: Condition, table: Table, as_of: date) -> BooleanValue:
    """Whether the condition holds for each row.

    In     table  a column for each field: numbers and money int64 or float64 (money as in `checking.scaled`), text string, flags
                  boolean, dates int32 day numbers
           as_of  the day that `within` and `older than` count from
    Out    a nullable boolean; null is unknown
    Holds  equal to `truth.evaluate` for every row: SQL's three values are those of Kleene
    """
    match condition:
        case Not(part):
            return ~to_expr(part, table, as_of)
        case All(parts) | Any(parts):
            return reduce(and_ if isinstance(condition, All) else or_, [to_expr(part, table, as_of) for part in parts])
    if condition.field not in table.columns:
        raise ValueError(f"no column {condition.field}; there is: {existing(condition.field, table.columns)}")
    return _test(condition, not_nan(table[condition.field]), as_of)


def _test(test: Test, column: Column, as_of: date) -> BooleanValue:
    if test.operator in ("known", "unknown"):
        return column.notnull() if test.operator == "known" else column.isnull()
    if test.operator in DAY_COUNTS:
        first, last = days_asked(test, as_of)
        asked = [column >= literal(first, "int32")] if first is not None else []
        return reduce(and_, [*asked, column <= literal(last, "int32")])
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    if test.operator == "contains":
        return lowered(column).contains(lowered_text(str(test.value)))
    if any(isinstance(value, float) for value in values):  # else an engine compares decimals, some of which overflow
        column = column.cast("float64")
        values = tuple(float(value) for value in values if isinstance(value, int | float))
    asked = [_literal(value) for value in values if value is not None]
    if test.operator == "between":
        return (column >= asked[0]) & (column <= asked[1])
    return column.isin(asked) if test.operator == "in" else COMPARE[test.operator](column, asked[0])


def _literal(value: Single) -> Scalar:
    if isinstance(value, bool):
        return literal(value, "boolean")
    if isinstance(value, date):
        return literal(day_number(value), "int32")
    return literal(value, "string" if isinstance(value, str) else "float64" if isinstance(value, float) else "int64")
