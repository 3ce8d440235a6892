"""Looking back on what was landed: sold against used, promised against reached, who left before having paid for their winning, what they had in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from laer.metrics.company import wilson

AGES = (90, 180, 365)  # days after the first paid day
READS = ("seats", "seat_use", "active_days_28d")
DAYS_OF_MONTH = 365.25 / 12
OVERSOLD = 0.5  # active users over seats bought under which more was sold than is used
UNUSED = 4  # days of use in 28 under which it is hardly used, where no users are known
TRAITS = ("segment", "seller", "lead_source", "discount_band")
FEWEST = 5  # customers with a trait under which nothing is said of it
BANDS = ((0.0, "none"), (0.1, "to 10 %"), (0.2, "to 20 %"))


@dataclass(frozen=True)
class Age:
    """What became of customers at an age. known: of how many use is known; under: of those, how many use less than half of what they bought (else under
    UNUSED days of 28); use, days: medians; promised, reached: outcomes"""

    age: int
    customers: int
    known: int
    under: int
    use: float | None
    days: float | None
    promised: int
    reached: int


def at_age(rows: Iterable[Mapping[str, Any]], age: int) -> Age:
    """In   rows of the question `landed`"""
    ages = [row["ages"][age] for row in rows if age in row["ages"]]
    use, days = ([one[name] for one in ages if one[name] is not None] for name in ("seat_use", "active_days_28d"))
    said = [under for under in map(underused, ages) if under is not None]
    return Age(age, len(ages), len(said), sum(said), median(use) if use else None, median(days) if days else None, sum(one["promised"] for one in ages),
        sum(one["reached"] for one in ages))  # fmt: skip


def underused(one: Mapping[str, Any]) -> bool | None:
    """Whether less was used than half of what was bought; by days of use where no users are known; None where neither is."""
    if one["seat_use"] is not None:
        return bool(one["seat_use"] < OVERSOLD)
    return None if one["active_days_28d"] is None else bool(one["active_days_28d"] < UNUSED)


def short_term(row: Mapping[str, Any], cac: float, margin: float) -> float | None:
    """How much was lost on a customer that left before its gross margin had paid for its winning: CAC less that margin. None of others."""
    if row["left_d"] is None:
        return None
    missing = cac - row["paid"] * margin
    return missing if missing > 0 else None


def discount_band(discount: float | None) -> str | None:
    if discount is None:
        return None
    return next((name for most, name in BANDS if discount <= most), "over 20 %")


@dataclass(frozen=True)
class Trait:
    """Of `n` customers with a value of a trait `short` left before they had paid for their winning: a share between low and high (Wilson).

    more   whether the share of those with it lies above that of all others by more than chance: low above their share
    """

    trait: str
    value: str
    short: int
    n: int
    low: float
    high: float
    others: float
    more: bool

    @property
    def rate(self) -> float:
        return self.short / self.n


def in_common(rows: Sequence[Mapping[str, Any]], short: Iterable[int]) -> list[Trait]:
    """Traits by the share of their customers that were short-term, those that stand out first.

    In      rows  all customers that were landed, with TRAITS;  short  account_id of those that were short-term
    """
    gone = set(short)
    found = []
    for trait in TRAITS:
        for value in dict.fromkeys(row[trait] for row in rows if row[trait]):
            mine = [row for row in rows if row[trait] == value]
            rest = [row for row in rows if row[trait] != value]
            if len(mine) < FEWEST or not rest:
                continue
            k = sum(row["account_id"] in gone for row in mine)
            others = sum(row["account_id"] in gone for row in rest) / len(rest)
            low, high = wilson(k, len(mine))
            found.append(Trait(trait, value, k, len(mine), low, high, others, low > others))
    return sorted(found, key=lambda one: (not one.more, -one.rate, one.trait, one.value))


@dataclass(frozen=True)
class Conflict:
    """A figure of one team that moved for the better while the one of the next motion moved for the worse."""

    first: str
    then: str
    first_change: float
    then_change: float


PAIRS = (  # a measure of one team, that of the next, whether less of the second is better
    ("arr_won", "activation_rate", False), ("new_accounts", "onboarding_completion", False), ("new_mrr_firm", "outcome_rate", False),
    ("win_rate", "renewal_rate", False), ("arr_gained_expand", "renewal_rate_gross", False), ("new_accounts", "silent_accounts", True),
)  # fmt: skip
MOVED = 0.02  # relative change under which a figure has not moved


def conflicts(now: Mapping[str, float | None], before: Mapping[str, float | None]) -> tuple[list[Conflict], int]:
    """Pairs of which the first rose and the second got worse against the period before, and of how many pairs both are known.

    Method  docs/methods/land-lookback.md
    """
    found, known = [], 0
    for first, then, less_is_better in PAIRS:
        changes = [_change(now.get(name), before.get(name)) for name in (first, then)]
        rose, moved = changes
        if rose is None or moved is None:
            continue
        known += 1
        if rose > MOVED and (moved > MOVED if less_is_better else moved < -MOVED):
            found.append(Conflict(first, then, rose, moved))
    return found, known


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else now / before - 1
