"""Exact money: fractions while computing, one half-even rounding at output."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

# ISO 4217 currencies whose minor unit is not a hundredth.
MINOR_UNITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
INT64 = 2**63 - 1


def minor_units(currency: str | None) -> int:
    """Decimal places of a currency's minor unit; 2 where the currency is unknown."""
    return MINOR_UNITS.get((currency or "").upper(), 2)


def common_denominator(denominators: Iterable[int]) -> int:
    """The least common multiple: amounts as integers over it add up exactly."""
    return math.lcm(*denominators) if denominators else 1


def rounded(value: Fraction, places: int) -> Decimal:
    """Round half-even to `places` decimals, from the exact fraction (never from a float)."""
    scale = 10**places
    scaled = value * scale
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    if twice > scaled.denominator or (twice == scaled.denominator and whole % 2):
        whole += 1
    return (
        Decimal(whole).scaleb(-places).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN) if abs(whole) < 10**27 else Decimal(f"{whole}e-{places}")
    )


def rounded_together(values: Sequence[Fraction], places: int) -> list[Decimal]:
    """Amounts that stand under one total, rounded so that they add up to it: what cutting leaves over goes to the largest remainders.

    Holds   the sum is `rounded(sum(values))`; each differs from its value by less than one minor unit; equal remainders are served in order
    """
    scale = 10**places
    cut = [math.floor(value * scale) for value in values]
    over = int(rounded(sum(values, Fraction(0)), places) * scale) - sum(cut)
    order = sorted(range(len(values)), key=lambda at: (cut[at] - values[at] * scale, at))
    for at in order[:over]:
        cut[at] += 1
    return [Decimal(amount).scaleb(-places) for amount in cut]
