"""Time to value: how long it takes until an account is there, accounts that are not there yet counted as what they are.

The product-limit estimator of Kaplan and Meier (J. Am. Stat. Assoc. 53, 1958, 457-481). Leaving out who is not there yet
makes a firm look quick: the quick ones are there first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Z = 1.959963984540054  # 95 %
QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Span:
    """One account: `days` from its start to value (`reached`), or to the last day on which it was not there (censored)."""

    days: int
    reached: bool


@dataclass(frozen=True)
class Step:
    """After `days`: at_risk had neither reached it before nor left our sight, reached did so on that day, share has reached it by then."""

    days: int
    at_risk: int
    reached: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Quantile:
    """Days until `part` of the accounts are there, with the 95 % interval; None: not within what was seen."""

    part: float
    days: int | None
    low: int | None
    high: int | None


@dataclass(frozen=True)
class TimeToValue:
    """n accounts, of which `reached` are there; the curve, and its quartiles."""

    n: int
    reached: int
    curve: tuple[Step, ...]
    quartiles: tuple[Quantile, ...]

    @property
    def median(self) -> Quantile:
        return self.quartiles[1]


def time_to_value(spans: Iterable[Span]) -> TimeToValue:
    """The share of accounts that reached value by each day, and when a quarter, half and three quarters had.

    In     spans   days >= 0; an account censored on a day was still at risk on it
    Out    curve   a step for each day on which any account reached it, in order; its interval is that of log(-log S) with
                   Greenwood's variance, which stays within 0 and 1
    Holds  without censoring the curve is the plain share of accounts; shares never fall; low <= share <= high
    Faults ValueError for a negative span
    Method docs/methods/time-to-value.md
    """
    given = sorted(spans, key=lambda span: span.days)
    if given and given[0].days < 0:
        raise ValueError(f"time to value: a span of {given[0].days} days; it cannot end before it begins")
    days: dict[int, list[int]] = {}
    for span in given:
        days.setdefault(span.days, [0, 0])[0 if span.reached else 1] += 1
    left, survival, variance = len(given), 1.0, 0.0
    curve = []
    for day, (reached, censored) in days.items():
        if reached:
            survival *= (left - reached) / left
            variance = variance + reached / (left * (left - reached)) if left > reached else math.inf
            low, high = _interval(survival, variance)
            curve.append(Step(day, left, reached, 1 - survival, 1 - high, 1 - low))
        left -= reached + censored
    quartiles = tuple(Quantile(q, _when(curve, "share", q), _when(curve, "high", q), _when(curve, "low", q)) for q in QUARTERS)
    return TimeToValue(len(given), sum(span.reached for span in given), tuple(curve), quartiles)


def _interval(survival: float, variance: float) -> tuple[float, float]:
    """Of the share that is not there yet. Nobody left: nothing is uncertain any more, and the interval is the point."""
    if survival <= 0.0 or math.isinf(variance):
        return 0.0, 0.0
    width = Z * math.sqrt(variance) / math.log(survival)
    low, high = (math.exp(math.log(survival) * math.exp(sign * width)) for sign in (-1, 1))
    return min(low, high), max(low, high)


def _when(curve: list[Step], bound: str, part: float) -> int | None:
    """The first day by which the share, or a bound of it, has come to `part`."""
    return next((step.days for step in curve if getattr(step, bound) >= part - 1e-12), None)
