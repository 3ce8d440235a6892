"""A condition over columns in memory, all rows at once: what the arithmetic of scores and positions asks, on any engine the same.

Truth is a small whole number, so that all is the least of its parts, any the greatest and not the opposite end (Kleene).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import eq, ge, gt, le, lt, ne
from typing import Any as Given
from typing import Protocol

import numpy as np
import numpy.typing as npt

from laer.conditions.tree import DAY_COUNTS, All, Any, Condition, Not, Single, Test
from laer.conditions.truth import days_asked, evaluate
from laer.records.periods import date_of, day_number

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.int8]
FALSE, UNKNOWN, TRUE = np.int8(0), np.int8(1), np.int8(2)
TODAY = date_of(0)  # days are counted from each row's own day, which is taken for this one
COMPARE: dict[str, Callable[[Given, Given], Given]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True)
class Coded:
    """A column of texts: the place of each row's text in `words`, -1 where it is unknown."""

    codes: npt.NDArray[np.int32]
    words: tuple[str, ...]

    def taken(self, rows: npt.NDArray[np.int64]) -> Coded:
        return Coded(self.codes[rows], self.words)


class Columns(Protocol):
    @property
    def days(self) -> npt.NDArray[np.int32]:
        """The day number from which `within` and `older than` count, of each row."""
        ...

    def value(self, name: str) -> Floats | Coded:
        """A column by name. Numbers, flags as 1 and 0 and dates as day numbers are floats, NaN where unknown."""
        ...


def truths(condition: Condition, columns: Columns, asked: dict[Condition, Truths]) -> Truths:
    """FALSE, UNKNOWN or TRUE for each row.

    In     asked  answers that are there already; new ones are added
    Holds  equal to `truth.evaluate` for every row
    """
    if condition not in asked:
        match condition:
            case Not(part):
                asked[condition] = TRUE - truths(part, columns, asked)
            case All(parts) | Any(parts):
                least = isinstance(condition, All)
                asked[condition] = reduce(np.minimum if least else np.maximum, [truths(part, columns, asked) for part in parts])
            case Test():
                asked[condition] = _test(condition, columns)
    return asked[condition]


def _test(test: Test, columns: Columns) -> Truths:
    column = columns.value(test.field)
    if isinstance(column, Coded):
        said = (*(evaluate(test, {test.field: word}, TODAY) for word in column.words), evaluate(test, {}, TODAY))  # the last is for -1
        return np.array([UNKNOWN if one is None else TRUE if one else FALSE for one in said], np.int8)[column.codes]
    unknown = np.isnan(column)
    if test.operator in ("known", "unknown"):
        return np.where(unknown == (test.operator == "unknown"), TRUE, FALSE)
    found = _number(test, column, columns.days).astype(np.int8) * TRUE
    found[unknown] = UNKNOWN
    return found


def _number(test: Test, column: Floats, days: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    if test.operator in DAY_COUNTS:
        first, last = days_asked(test, TODAY)
        ahead = column - days
        found = np.ones(len(column), bool) if first is None else ahead >= first
        return found if last is None else found & (ahead <= last)
    asked = [_literal(value) for value in (test.value if isinstance(test.value, tuple) else (test.value,)) if value is not None]
    if test.operator == "in":
        return np.isin(column, asked)
    if test.operator == "between":
        return (column >= asked[0]) & (column <= asked[1])
    return np.asarray(COMPARE[test.operator](column, asked[0]))


def _literal(value: Single) -> float:
    if isinstance(value, str):
        raise ValueError(f"{value!r} is compared with a number; `check` names what is wrong with a condition")
    return float(day_number(value) if isinstance(value, date) else value)
