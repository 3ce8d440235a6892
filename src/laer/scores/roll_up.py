"""The health of a parent account: what its own and those of the accounts below it amount to. Method: docs/methods/scores.md"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from laer.scores.scorecard import BANDS, Cover

SHARE = Fraction(1, 5)  # of the ARR that is known: a band is the parent's where so much of it stands in it or in a worse one
COVER = Cover()  # how much of the ARR has to be known, as of a card's weight


@dataclass(frozen=True)
class Held:
    """One account: its ARR (whole units, 0 or more) and its health; None where that is unknown."""

    arr: int
    score: float | None
    band: str | None


@dataclass(frozen=True)
class RolledUp:
    """score   mean of the known scores by ARR, 0 to 100;  band: green, yellow, red; both None where too little is known
    known   the share of the ARR whose health is known, 0 to 1
    shares  band -> its share of the known ARR;  few: whether the band is no better than yellow since too little is known
    """

    score: float | None
    band: str | None
    known: float
    shares: dict[str, float]
    few: bool = False


def roll_up(accounts: Iterable[Held]) -> RolledUp:
    """By ARR: the mean of the scores, and the worst band in which, together with worse ones, a fifth of the known ARR stands.

    Holds  min(scores) <= score <= max(scores); more ARR in a worse band never makes the band better; the order of accounts changes nothing
    """
    there = list(accounts)
    whole = sum(one.arr for one in there)
    known = [(one.arr, one.score, one.band) for one in there if one.score is not None and one.band in BANDS and one.arr > 0]
    sure = sum(arr for arr, _, _ in known)
    share = Fraction(sure, whole) if whole else Fraction(0)
    if not sure or share * 100 < COVER.unknown:
        return RolledUp(None, None, float(share), {})
    parts = {band: Fraction(sum(arr for arr, _, held in known if held == band), sure) for band in BANDS}
    worst, so_far = BANDS[0], Fraction(0)
    for band in reversed(BANDS):  # the worst first
        so_far += parts[band]
        if so_far >= SHARE:
            worst = band
            break
    few = share * 100 < COVER.yellow and worst == BANDS[0]
    mean = sum(Fraction(arr) * Fraction(score) for arr, score, _ in known) / sure
    return RolledUp(round(float(mean), 2), BANDS[1] if few else worst, float(share), {band: float(part) for band, part in parts.items()}, few)
