"""What the firm's lines add up to, in plain Python: used to choose, among firms of one seed, one that looks like a healthy firm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from laer.sources.demo.deals import Life
from laer.sources.demo.seasons import add_months, month_end_before

MRR_BAND = (1_020_000, 1_280_000)  # for 420 accounts
GRR_BAND = (0.864, 0.906)
NRR_BAND = (1.046, 1.114)


@dataclass(frozen=True)
class Figures:
    mrr: float
    grr: float
    nrr: float
    reactivated: int


def figures(lives: list[Life], opening: date, closing: date) -> Figures:
    """MRR on `closing`; GRR and NRR of the accounts that paid on `opening`."""
    pairs = [(life.mrr_on(opening), life.mrr_on(closing)) for life in lives]
    base = sum(a for a, _ in pairs)
    kept, grown = sum(min(a, b) for a, b in pairs), sum(b for a, b in pairs if a > 0)
    back = sum(1 for life in lives if life.churns and any(line.start >= life.churns[0].effective for sub in life.subs for line in sub.lines))
    return Figures(sum(b for _, b in pairs), kept / base if base else 0.0, grown / base if base else 0.0, back)


def windows(as_of: date) -> list[tuple[date, date]]:
    """The windows of twelve months that a page may show: to the day, the month to date, and the last full month."""
    last = month_end_before(as_of)
    return [
        (add_months(as_of, -12), as_of),
        (month_end_before(add_months(as_of.replace(day=1), -11)), as_of),
        (month_end_before(add_months(last + timedelta(days=1), -12)), last),
    ]


def distance(lives: list[Life], as_of: date) -> float:
    """How far the firm is from the bands, 0 inside all of them."""
    out = 0.0
    for opening, closing in windows(as_of):
        found = figures(lives, opening, closing)
        for value, (low, high) in ((found.mrr / len(lives) * 420, MRR_BAND), (found.grr, GRR_BAND), (found.nrr, NRR_BAND)):
            out += max(0.0, low - value, value - high) / high
        out += 0.01 * max(0, 3 - found.reactivated)
    return out
