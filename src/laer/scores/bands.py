"""Bands with hysteresis: the band at a date is the fold of the stored scores before it.

Two bounds, each decided by the latest score outside its dead zone (two Schmitt triggers), so that no recursion is needed and tonight
follows from two stored bits. Daily closes are what is folded: a second pass of a day begins where the day before ended.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from laer.scores.scorecard import Thresholds

GREEN, YELLOW, RED, UNKNOWN = "green", "yellow", "red", "unknown"
NAMES = np.array([GREEN, YELLOW, RED, None], object)
UNSCORED = 3  # its place
Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Held:
    """Whether each bound is held, 1 or 0; NaN where no score was ever known."""

    green: Numbers
    yellow: Numbers

    @classmethod
    def nothing(cls, rows: int) -> Held:
        return cls(np.full(rows, np.nan), np.full(rows, np.nan))


def raw(score: Numbers, bounds: Thresholds) -> Places:
    """0 green, 1 yellow, 2 red, 3 unknown: the score of the day alone."""
    found = np.where(score >= bounds.green * 100, 0, np.where(score >= bounds.yellow * 100, 1, 2))
    return np.where(np.isnan(score), UNSCORED, found)


def hold(score: Numbers, limit: Places, before: Held, bounds: Thresholds) -> Held:
    """The bounds that are held after one more score (hundredths, NaN unknown). A cap lets go of a bound at once."""
    return Held(
        _bound(score, limit > 0, before.green, bounds.green, bounds.hysteresis), _bound(score, limit > 1, before.yellow, bounds.yellow, bounds.hysteresis)
    )  # fmt: skip


def _bound(score: Numbers, forbidden: npt.NDArray[np.bool_], before: Numbers, up: float, slack: float) -> Numbers:
    reached = (score >= up * 100).astype(np.float64)
    stays = np.where(np.isnan(before), reached, before)
    found = np.where(score >= up * 100, 1.0, np.where((score < (up - slack) * 100) | forbidden, 0.0, stays))
    return np.where(np.isnan(score), before, found)


def held(score: Numbers, now: Held) -> Places:
    """0 green, 1 yellow, 2 red, 3 unknown: what is shown. A score that is unknown today has no band, and what it held stays remembered."""
    return np.where(np.isnan(score), UNSCORED, np.where(now.green == 1, 0, np.where(now.yellow == 1, 1, 2)))


def fold(scores: Numbers, limits: Places, bounds: Thresholds) -> Places:
    """Bands of scores by date: rows are accounts, columns dates in their order."""
    state, found = Held.nothing(len(scores)), np.empty(scores.shape, np.int64)
    for place in range(scores.shape[1]):
        state = hold(scores[:, place], limits[:, place], state, bounds)
        found[:, place] = held(scores[:, place], state)
    return found
