"""How good a likelihood is where the truth is known: folds, losses, AUC with its interval, calibration.

Method  docs/methods/likelihood.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laer.scores.columns import Floats
from laer.scores.logistic import logit, penalised

Rows = NDArray[np.int64]
Z95 = 1.959963984540054
LEAST = 5  # of each class, for a part to be learned from


@dataclass(frozen=True)
class Bin:
    """Accounts of like likelihood: what was said, what came, and the 95 % (Wilson) interval of what came."""

    n: int
    said: float
    came: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """Of predictions for rows that the model had not seen.

    rows, events  that were judged;  base_rate  of them
    auc           chance that a row with the outcome stands above one without, ties half; None where one of them is absent; its 95 % interval
    brier, log_loss, and those of the base rate (of the part learned from)
    gain, gain_error  mean log-loss of the base rate less the model's, and its standard error
    slope         of the outcome's logit on the predicted one: 1 is right, below 1 too sure, above 1 too timid
    """

    rows: int
    events: int
    base_rate: float
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    brier: float
    brier_base: float
    log_loss: float
    log_loss_base: float
    gain: float
    gain_error: float
    slope: float | None
    bins: tuple[Bin, ...]
    by_time: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Evaluation:
        return cls(**{**told, "bins": tuple(Bin(**one) for one in told["bins"])})


def losses(chance: Floats, outcome: Floats) -> Floats:
    """Log-loss per row; a certainty that fails costs as much as one in a thousand million."""
    held = np.clip(chance, 1e-9, 1 - 1e-9)
    return np.asarray(-(outcome * np.log(held) + (1 - outcome) * np.log(1 - held)), dtype=np.float64)


def brier(chance: Floats, outcome: Floats) -> float:
    return float(np.mean((chance - outcome) ** 2))


def ranks(values: Floats) -> Floats:
    """Ranks from 1, ties in the middle."""
    _, back, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2.0)[back], dtype=np.float64)


def auc(score: Floats, outcome: Floats) -> tuple[float, float] | None:
    """Area under the ROC curve and its variance (DeLong 1988, by mid-ranks). None where a class is absent."""
    happened = outcome > 0.5
    n, m = int(happened.sum()), int((~happened).sum())
    if not n or not m:
        return None
    whole = ranks(score)
    above = (whole[happened] - ranks(score[happened])) / m
    below = 1.0 - (whole[~happened] - ranks(score[~happened])) / n
    area = float(above.mean())
    spread = (float(above.var(ddof=1)) / n if n > 1 else 0.25) + (float(below.var(ddof=1)) / m if m > 1 else 0.25)
    return area, max(spread, 0.25 / (12 * n * m))


def calibration_slope(chance: Floats, outcome: Floats) -> float | None:
    """Slope of a logistic regression of the outcome on the predicted logit; None where the prediction never varies."""
    told = logit(chance)
    if len(told) < 2 or float(told.std()) < 1e-9 or not 0 < outcome.mean() < 1:
        return None
    wide = np.column_stack([np.ones(len(told)), told])
    return float(penalised(wide, outcome, 0.0, np.zeros(2), np.array([0.0, 1e-4]))[1])


def bins(chance: Floats, outcome: Floats, most: int = 10) -> tuple[Bin, ...]:
    """Rows in order of likelihood, cut into parts of like size (at least 15 rows each)."""
    order = np.argsort(chance, kind="stable")
    parts = np.array_split(order, max(1, min(most, len(order) // 15)))
    return tuple(_bin(float(chance[part].mean()), outcome[part]) for part in parts if len(part))


def _bin(said: float, outcome: Floats) -> Bin:
    n, came = len(outcome), float(outcome.mean())
    middle = (came + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 * math.sqrt(came * (1 - came) / n + Z95**2 / (4 * n * n)) / (1 + Z95**2 / n)
    return Bin(n, said, came, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True)
class Fold:
    learn: Rows
    judge: Rows


def folds(outcome: Floats, count: int, seed: int, time: Floats | None = None) -> tuple[list[list[Fold]], bool]:
    """Parts to learn from and parts to judge by: `repeats` of `count` folds each, and whether they are by time.

    With times, each part is judged by what was learned before it; where too few lie before, and without times, folds are drawn by lot within
    each class, four times over where there are fewer than 500 rows. Nothing is ever drawn twice into one fold.
    """
    if time is not None:
        forward = list(_forward(outcome, time, count))
        if len(forward) >= 2 and any(0 < outcome[fold.judge].mean() < 1 for fold in forward):
            return [forward], True
    return [_drawn(outcome, count, seed + repeat) for repeat in range(4 if len(outcome) < 500 else 1)], False


def _forward(outcome: Floats, time: Floats, count: int) -> Iterator[Fold]:
    order = np.argsort(time, kind="stable")
    edges = np.unique([time[order[len(order) * part // (count + 1)]] for part in range(1, count + 1)])  # rows of one time stay together
    for at, edge in enumerate(edges):
        learn = np.flatnonzero(time < edge)
        until = edges[at + 1] if at + 1 < len(edges) else math.inf
        judge = np.flatnonzero((time >= edge) & (time < until))
        happened = int(outcome[learn].sum())
        if len(judge) and min(happened, len(learn) - happened) >= LEAST:
            yield Fold(learn, judge)


def _drawn(outcome: Floats, count: int, seed: int) -> list[Fold]:
    chance = np.random.default_rng(seed)
    of = np.empty(len(outcome), dtype=np.int64)
    begun = 0
    for kind in (1.0, 0.0):
        there = chance.permutation(np.flatnonzero(outcome == kind))
        of[there] = (np.arange(len(there)) + begun) % count
        begun += len(there)
    return [Fold(np.flatnonzero(of != at), np.flatnonzero(of == at)) for at in range(count) if (of == at).any()]


@dataclass
class Unseen:
    """Predictions for rows when they were not learned from, a repeat after the other: row, repeat and fold of each, chance and the base rate then."""

    row: Rows
    fold: Rows
    chance: Floats
    base: Floats
    by_time: bool

    def with_chance(self, chance: Floats) -> Unseen:
        return Unseen(self.row, self.fold, chance, self.base, self.by_time)

    def total(self, outcome: Floats) -> float:
        """Log-loss summed over the rows, each once."""
        return float(losses(self.chance, outcome[self.row]).sum() / self.repeats)

    @property
    def repeats(self) -> float:
        return len(self.row) / len(np.unique(self.row))

    def ahead(self, of: Floats, outcome: Floats) -> tuple[float, float]:
        """By how much the mean log-loss lies under that of other chances of the same rows, and the standard error (rows are the units)."""
        apart = losses(of, outcome[self.row]) - losses(self.chance, outcome[self.row])
        rows, at = np.unique(self.row, return_inverse=True)
        each = np.bincount(at, apart) / np.bincount(at)
        return float(each.mean()), float(each.std(ddof=1) / math.sqrt(len(rows))) if len(rows) > 1 else 0.0


def evaluate(unseen: Unseen, outcome: Floats) -> Evaluation:
    """Grain: one model. AUC is taken within each fold, so that models of different folds are never ranked against one another."""
    truth = outcome[unseen.row]
    areas = []
    for fold in np.unique(unseen.fold):
        inside = unseen.fold == fold
        found = auc(unseen.chance[inside], truth[inside])
        if found:
            areas.append((*found, int(truth[inside].sum()) * int((1 - truth[inside]).sum())))
    area = low = high = None
    if areas:
        pairs = float(sum(weight for *_, weight in areas))
        area = sum(value * weight for value, _, weight in areas) / pairs
        # repeats look at the same rows again: they steady the mean and add no evidence
        spread = math.sqrt(sum(variance * (weight / pairs) ** 2 for _, variance, weight in areas) * unseen.repeats)
        low, high = max(0.0, area - Z95 * spread), min(1.0, area + Z95 * spread)
    rows = np.unique(unseen.row)
    gain, error = unseen.ahead(unseen.base, outcome)
    return Evaluation(
        len(rows), int(outcome[rows].sum()), float(outcome[rows].mean()), area, low, high,
        brier(unseen.chance, truth), brier(unseen.base, truth), float(losses(unseen.chance, truth).mean()), float(losses(unseen.base, truth).mean()),
        gain, error, calibration_slope(unseen.chance, truth), bins(*_meaned(unseen, outcome)), unseen.by_time,
    )  # fmt: skip


def _meaned(unseen: Unseen, outcome: Floats) -> tuple[Floats, Floats]:
    rows, at = np.unique(unseen.row, return_inverse=True)
    return np.asarray(np.bincount(at, unseen.chance) / np.bincount(at), dtype=np.float64), outcome[rows]
