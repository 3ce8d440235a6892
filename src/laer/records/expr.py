"""The expression language of all formulas: the subset of Ibis proved on every engine, plus `ratio()`.

Nothing else in the house imports Ibis (the engine, which executes, excepted), so that a stall of that project can be
met here. Use only what stands below: group-by, equi- and range joins, union, cases, and ordered windows. No as-of
join, no bare `/`, no float literals in a division: engines gave silently different results for those.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec

import ibis
from ibis import _ as this
from ibis import desc, ifelse, literal, null, row_number, union
from ibis.expr.types import BooleanValue, Column, NumericValue, Scalar, StringValue, Table, Value

__all__ = [
    "BooleanValue",
    "Column",
    "NumericValue",
    "Scalar",
    "StringValue",
    "Table",
    "Value",
    "bit_count",
    "cases",
    "desc",
    "greatest",
    "ifelse",
    "least",
    "literal",
    "lowered",
    "month_of_day",
    "not_nan",
    "ratio",
    "remembered",
    "row_number",
    "running",
    "table",
    "this",
    "union",
    "window",
]

cases = ibis.cases
greatest = ibis.greatest
least = ibis.least
window = ibis.window


@ibis.udf.scalar.builtin(name="bit_count")  # type: ignore[untyped-decorator]
def _bit_count(bits: int) -> int:
    """Ibis has no name for it; DuckDB and Spark have this one."""
    raise NotImplementedError


def bit_count(bits: NumericValue) -> NumericValue:
    """How many bits of an integer are set."""
    return _bit_count(bits)


def table(schema: dict[str, str], name: str) -> Table:
    """An unbound table: the engine binds it by name when the expression runs."""
    return ibis.table(schema, name=name)


P = ParamSpec("P")


def remembered(formula: Callable[P, Table]) -> Callable[P, Table]:
    """A formula whose expression is built once for equal arguments: building one takes longer than most questions run.

    Arguments are tables (known again by what they are, not by which object says it) and hashable values.
    """

    @lru_cache(maxsize=64)
    def made(*given: Any, **named: Any) -> Table:
        return formula(*(one.expression for one in given if isinstance(one, _Given)), **{k: v.expression for k, v in named.items()})

    @wraps(formula)
    def call(*given: P.args, **named: P.kwargs) -> Table:
        return made(*map(_Given, given), **{k: _Given(v) for k, v in named.items()})

    return call


class _Given:
    """An argument of a formula with a notion of equality that tables lack."""

    __slots__ = ("expression", "key")

    def __init__(self, expression: Any) -> None:
        self.expression = expression
        self.key = expression.op() if isinstance(expression, Table) else expression

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given) and type(self.key) is type(other.key) and bool(self.key == other.key)


def ratio(a: NumericValue, b: NumericValue, places: int | None = 12) -> NumericValue:
    """a / b as float64, null where b is 0 or null, rounded so that equal ratios compare equal on every engine.

    places=None leaves it unrounded, for a factor that is multiplied again and not compared.
    """
    quotient = a.cast("float64") / b.cast("float64").nullif(literal(0.0, "float64"))
    return quotient if places is None else quotient.round(places)


def lowered(text: StringValue) -> StringValue:
    """A to Z in small letters, all others as they are: what `lower()` does to other letters differs between engines and databases."""
    return text.translate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def not_nan(value: Column) -> Column:
    """The value, null where a float is not a number: engines hold NaN to be greater than every number, or equal to itself."""
    return ifelse(value.isnan(), null(), value) if value.type().is_floating() else value


def running(by: str | list[str], order: str) -> object:
    """Window from the first row of the group up to this one, in order."""
    return ibis.cumulative_window(group_by=by, order_by=order)


def month_of_day(day: NumericValue) -> NumericValue:
    """Month number (0 is January 1970) of a day number, by integer arithmetic alone (the civil calendar, proleptic Gregorian).

    Engines differ in date functions and divide integers differently, so: a day is shifted to 1 March of year 0, and
    eras, years and months follow by floor division (H. Hinnant, chrono-compatible low-level date algorithms).
    """
    z = day.cast("int64") + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (yoe * 365 + yoe // 4 - yoe // 100)
    mp = (doy * 5 + 2) // 153
    month = mp + ifelse(mp < 10, 3, -9)
    year = yoe + era * 400 + ifelse(month <= 2, 1, 0)
    return ((year - 1970) * 12 + month - 1).cast("int32")
