"""How a term ends: whether the account stays, on which day and with which signature, and why it leaves."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from math import exp
from random import Random

from laer.sources.demo.deals import Churn, Contract, Profile
from laer.sources.demo.market import DISCOUNTER, OVERLOADED
from laer.sources.demo.voices import CHURN, COMPETITORS


def risk(profile: Profile, fit: float, term: int) -> float:
    """Probability that the account leaves in or at the end of a term of so many months (0: month to month, told by years)."""
    yearly: float = profile.segment.churn * exp(4.2 * (0.53 - fit)) * (1.25 if profile.csm is OVERLOADED else 1.0)
    years = max(12, term) / 12
    return float(1 - (1 - min(0.78, yearly)) ** (years**0.6))


def renewal_dates(rng: Random, contract: Contract | None, end: date, term: int) -> tuple[date, date]:
    """First day and signature of the next term: early, by itself, late, or in time."""
    draw = rng.random()
    if term and draw < 0.15:
        signed = end - timedelta(days=rng.randint(30, 75))
        return signed + timedelta(days=rng.randint(1, 14)), signed
    if contract is None or contract.auto_renews:
        return end, end
    if draw < 0.31:
        renewed = end + timedelta(days=rng.randint(5, 25))
        return renewed, renewed - timedelta(days=rng.randint(0, 3))
    return end, end - timedelta(days=rng.randint(2, 60))


def departure(profile: Profile, rng: Random, notified: date, end: date, lost: Decimal) -> Churn:
    """The departure with its cause; most that could have been avoided are announced by fading usage, six to ten weeks ahead."""
    weights = _weights(profile)
    reason = rng.choices(list(weights), list(weights.values()))[0]
    _, avoidable, to_competitor, words = CHURN[reason]
    was_avoidable, text = rng.random() < avoidable, rng.choice(words)
    competitor = rng.choice(COMPETITORS) if "{competitor}" in text or rng.random() < to_competitor else None
    warned = rng.random() < (0.9 if was_avoidable else 0.25)
    fading = end - timedelta(days=rng.randint(42, 70)) if warned else None
    return Churn(notified, end, reason, was_avoidable, competitor, lost, text.format(competitor=competitor) if rng.random() < 0.88 else None, fading)


def _weights(profile: Profile) -> dict[str, float]:
    """How likely each cause is: bad deals end by fit and price, a neglected book by support and value, small firms by money."""
    weights = {reason: float(entry[0]) for reason, entry in CHURN.items()}
    if profile.seller is DISCOUNTER:
        weights["fit"] *= 3
        weights["price"] *= 2
    if profile.csm is OVERLOADED:
        weights["support"] *= 2.5
        weights["value"] *= 1.5
    weights["payment"] *= {"Enterprise": 0.0, "Mid-market": 0.3, "Startup": 3.0}.get(profile.segment.name, 1.0)
    weights["people change"] *= 1.6 if profile.segment.large else 0.6
    return weights
