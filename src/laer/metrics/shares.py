"""Shares of exact amounts: computed as floats, cut to whole parts, compared with the slack that rounding in files needs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from laer.records.expr import BooleanValue, NumericValue, greatest, literal


def whole(part: NumericValue, kind: Any) -> NumericValue:
    """The whole part of a float. Engines make other decimals of a large float, so 60 bits at a time go through integers."""
    if not kind.is_decimal():
        return part.floor().cast(kind)
    high = (part * literal(2.0**-60, "float64")).floor()
    low = (part - high.cast("float64") * literal(2.0**60, "float64")).floor()
    return (high.cast("decimal(19, 0)") * literal(Decimal(2**60), "decimal(19, 0)") + low.cast("decimal(19, 0)")).cast(kind)


def near(a: NumericValue, b: NumericValue, slack: float) -> BooleanValue:
    """Whether two floats differ by at most `slack` of the larger."""
    return (a - b).abs() <= greatest(a.abs(), b.abs()) * literal(slack, "float64")
