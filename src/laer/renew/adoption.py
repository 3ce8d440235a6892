"""Does adoption pay? Renewals by how well the account used it half a year before, against what became of them and what they took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Any

from laer.metrics.company import wilson

LEAD, MONTHS = 180, 36  # days before the due day on which adoption is looked at, and months of settled renewals
READS = ("seat_use", "active_days_28d", "usage_trend")
HIGH, MIDDLE, LOW, UNKNOWN = "high", "middle", "low", "unknown"
BANDS = (HIGH, MIDDLE, LOW, UNKNOWN)
FULL, HALF = 0.8, 0.5  # active users over seats bought from which adoption is high, and middle
OFTEN, WEEKLY = 12, 4  # days of use in 28 that stand for those where no users are known: three a week, and one
FALLING = -0.25  # a trend of use from which the band is one lower
ENOUGH = 20  # renewals of a band under which nothing is said of it
MEDIANS = ("minutes", "touches", "days")


def band(facts: Mapping[str, Any]) -> str:
    """The adoption band of an account by its facts: seats in use, else days of use; one lower where use falls; unknown without any use."""
    use, days, trend = facts.get("seat_use"), facts.get("active_days_28d"), facts.get("usage_trend")
    if use is not None:
        place = 0 if use >= FULL else 1 if use >= HALF else 2
    elif days is not None:
        place = 0 if days >= OFTEN else 1 if days >= WEEKLY else 2
    else:
        return UNKNOWN
    return BANDS[min(2, place + (trend is not None and trend <= FALLING))]


@dataclass(frozen=True)
class Part:
    """Settled renewals of a band.

    renewed, low, high  share renewed with Wilson's interval, of `n`;  gross, net  ARR kept and ARR renewed over ARR due;
    expanded            share of the `signed` ones that were signed for more;  effort  of each of MEDIANS the median and of how many it is known
    """

    n: int
    renewed: int
    low: float | None
    high: float | None
    gross: float | None
    net: float | None
    signed: int
    expanded: float | None
    effort: Mapping[str, tuple[float | None, int]]

    @property
    def rate(self) -> float | None:
        return self.renewed / self.n if self.n else None


def part_of(rows: Iterable[Mapping[str, Any]]) -> Part:
    """In   rows of the input `renewals` that are settled."""
    rows = list(rows)
    n, renewed = len(rows), sum(row["result"] != "lost" for row in rows)
    low, high = wilson(renewed, n) if n else (None, None)
    known = [row for row in rows if row["due"] is not None and row["kept"] is not None and row["renewed"] is not None]
    due = sum(row["due"] for row in known)
    signed = [row["expanded"] for row in rows if row["expanded"] is not None]
    effort: dict[str, tuple[float | None, int]] = {}
    for name in MEDIANS:
        values = [float(row[name]) for row in rows if row.get(name) is not None]
        effort[name] = (median(values) if values else None, len(values))
    gross, net = (sum(row[name] for row in known) / due if due else None for name in ("kept", "renewed"))
    return Part(n, renewed, low, high, gross, net, len(signed), sum(signed) / len(signed) if signed else None, effort)


@dataclass(frozen=True)
class Verdict:
    """kind  "few" (too few of a band), "chance" (the difference may be chance), "more" or "less" (of the high band more or fewer renew than of the low one);
    low, high  the 95 % interval of the difference of the shares, high band less low band, None where there are too few"""

    kind: str
    low: float | None = None
    high: float | None = None


def verdict(high: Part, low: Part) -> Verdict:
    """What the data show, and no more: Newcombe's interval (1998, method 10) of the difference of two shares. That one goes with the other is no cause."""
    if high.n < ENOUGH or low.n < ENOUGH:
        return Verdict("few")
    one, other = high.renewed / high.n, low.renewed / low.n
    (one_low, one_high), (other_low, other_high) = wilson(high.renewed, high.n), wilson(low.renewed, low.n)
    least = one - other - sqrt((one - one_low) ** 2 + (other_high - other) ** 2)
    most = one - other + sqrt((one_high - one) ** 2 + (other - other_low) ** 2)
    return Verdict("more" if least > 0 else "less" if most < 0 else "chance", round(least, 6), round(most, 6))
