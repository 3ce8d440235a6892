"""What an account may grow by: an amount for each reason that it has to grow, times how often accounts with that reason grew at this firm.

Method  docs/methods/expansion-potential.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

SEATS, PLAN, PRODUCT = "seats", "plan", "product"
REASONS = (SEATS, PLAN, PRODUCT)
HORIZON = 180  # days within which growth counts
PRIOR, STRENGTH = 0.1, 20.0  # what is expected before anything is known, and as how many accounts it counts
GROWTH = 0.1  # of MRR: what who fills their seats adds, before anything is known
FEW, FEWEST = 30, 5  # cases and growths under which a rate is a prior, not learned
ALIKE = 5  # accounts on the next plan under which the middle of what they pay is somebody's taste


@dataclass(frozen=True)
class Rate:
    """Of `n` cases with a reason to grow `grew` did within the horizon."""

    n: int = 0
    grew: int = 0
    prior: float = PRIOR

    @property
    def likelihood(self) -> float:
        """The mean of Beta(grew + STRENGTH * prior, n - grew + STRENGTH * (1 - prior)): with few cases near the prior."""
        return (self.grew + STRENGTH * self.prior) / (self.n + STRENGTH)

    @property
    def learned(self) -> bool:
        return self.n >= FEW and self.grew >= FEWEST


@dataclass(frozen=True)
class Rates:
    """What the firm's past says of each reason.

    growth  what accounts with full seats that grew added, as a share of their MRR: the median; GROWTH where fewer than five grew
    """

    seats: Rate = Rate()
    plan: Rate = Rate()
    products: Rate = Rate()
    by_product: Mapping[str, Rate] = field(default_factory=dict)
    growth: float = GROWTH

    def of(self, reason: str, name: str = "") -> Rate:
        """A product stands on its own cases, with that of all products as what is expected."""
        if reason == PRODUCT:
            own = self.by_product.get(name, Rate())
            return Rate(own.n, own.grew, self.products.likelihood)
        return self.seats if reason == SEATS else self.plan

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Rates:
        return cls(
            Rate(**told["seats"]), Rate(**told["plan"]), Rate(**told["products"]), {name: Rate(**one) for name, one in told["by_product"].items()},
            told["growth"],
        )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """An account that had a reason to grow on a day of the past. grew: whether it did within the horizon; share: by how much of its MRR."""

    reason: str
    name: str
    grew: bool
    share: float | None = None


def rates_of(cases: Iterable[Case]) -> Rates:
    counted: dict[tuple[str, str], list[int]] = {}
    shares: list[float] = []
    for one in cases:
        for key in {(one.reason, ""), (one.reason, one.name)}:
            found = counted.setdefault(key, [0, 0])
            found[0] += 1
            found[1] += one.grew
        if one.reason == SEATS and one.grew and one.share is not None:
            shares.append(one.share)

    def rate(reason: str, name: str = "") -> Rate:
        n, grew = counted.get((reason, name), (0, 0))
        return Rate(n, grew)

    by_product = {name: rate(PRODUCT, name) for reason, name in counted if reason == PRODUCT and name}
    return Rates(rate(SEATS), rate(PLAN), rate(PRODUCT), by_product, median(shares) if len(shares) >= FEWEST else GROWTH)


@dataclass(frozen=True)
class Reason:
    """A reason to grow: what it would bring a month, how likely within the horizon, by how many cases; `worth` is their product."""

    reason: str
    name: str
    amount: float
    likelihood: float
    n: int
    learned: bool

    @property
    def worth(self) -> float:
        return self.amount * self.likelihood


def reasons_of(
    rates: Rates, mrr: float, *, full: bool, tight: bool, next_plan: tuple[str, float] | None, lacks: Iterable[tuple[str, float]]
) -> list[Reason]:  # fmt: skip
    """The reasons of one paying account, the most worth first.

    In      full, tight  seats nearly taken, plan outgrown;  next_plan  its name and what accounts on it usually pay;  lacks  product, what owners pay
    Holds   of seats and plan at most one counts: both are room in what is bought, and who moves up buys both
    """
    found = []
    if full and mrr > 0:
        found.append(_reason(rates, SEATS, "", mrr * rates.growth))
    if tight and next_plan is not None and next_plan[1] > mrr:
        found.append(_reason(rates, PLAN, next_plan[0], next_plan[1] - mrr))
    found = sorted(found, key=lambda one: -one.worth)[:1]
    found += [_reason(rates, PRODUCT, name, amount) for name, amount in lacks]
    return sorted(found, key=lambda one: (-one.worth, one.reason, one.name))


def _reason(rates: Rates, reason: str, name: str, amount: float) -> Reason:
    rate = rates.of(reason, name)
    return Reason(reason, name, amount, rate.likelihood, rate.n, rate.learned)
