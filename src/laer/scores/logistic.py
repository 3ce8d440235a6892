"""Penalised logistic regression with an offset, by Newton's method: what scikit-learn's has not, in one small place.

Method  docs/methods/likelihood.md
"""

from __future__ import annotations

import numpy as np

from laer.scores.columns import Floats

STEPS, CLOSE, FAR = 60, 1e-9, 30.0


def sigmoid(logit: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -FAR, FAR))), dtype=np.float64)


def logit(share: Floats | float) -> Floats:
    held = np.clip(np.asarray(share, dtype=np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(held / (1 - held)), dtype=np.float64)


def penalised(columns: Floats, outcome: Floats, offset: Floats | float, mean: Floats, precision: Floats) -> Floats:
    """Weights that maximise the likelihood of `outcome` times independent normal priors.

    Args
        columns    rows x weights (a column of ones where an intercept is meant)
        offset     logit that stands before any weight
        mean, precision  of each weight's prior; a precision of 0 leaves it free, held by a hair so that it always ends
    Out  a weight per column
    """
    held = np.maximum(precision, 1e-6)
    weights = mean.astype(np.float64).copy()
    worth = _worth(columns, outcome, offset, weights, mean, held)
    for _ in range(STEPS):
        chance = sigmoid(columns @ weights + offset)
        gradient = columns.T @ (outcome - chance) - held * (weights - mean)
        curvature = (columns * (chance * (1 - chance))[:, None]).T @ columns
        curvature[np.diag_indices_from(curvature)] += held
        step = np.linalg.solve(curvature, gradient)
        length = 1.0
        while True:  # halved until it is no worse: a full step may leap past a steep base rate
            moved = weights + length * step
            now = _worth(columns, outcome, offset, moved, mean, held)
            if now >= worth or length < 1e-4:
                break
            length /= 2
        weights, gained, worth = moved, now - worth, now
        if gained < CLOSE * (1 + abs(worth)) and float(np.abs(length * step).max(initial=0.0)) < 1e-6:
            break
    return weights


def _worth(columns: Floats, outcome: Floats, offset: Floats | float, weights: Floats, mean: Floats, precision: Floats) -> float:
    z = columns @ weights + offset
    return float((outcome * z - np.logaddexp(0.0, z)).sum() - 0.5 * (precision * (weights - mean) ** 2).sum())


def ridge(columns: Floats, outcome: Floats, strength: float, offset: Floats | float = 0.0) -> tuple[float, Floats]:
    """A free intercept and weights of standardised columns under N(0, `strength`) each. Out: intercept, weights."""
    if columns.shape[1] > len(outcome) > 1:
        # No row sees what lies across all rows: as many directions as there are rows say the same, and the penalty is alike in all of them.
        directions = np.linalg.qr(columns.T)[0]
        start_at, along = ridge(columns @ directions, outcome, strength, offset)
        return start_at, directions @ along
    wide = np.column_stack([np.ones(len(outcome)), columns])
    precision = np.concatenate([[0.0], np.full(columns.shape[1], 1.0 / strength)])
    start = np.zeros(wide.shape[1])
    found = penalised(wide, outcome, offset, start, precision)
    return float(found[0]), found[1:]


def rules_map(score: Floats, outcome: Floats, prior: float) -> tuple[float, float]:
    """A standardised rule score as a logit: intercept ~ N(logit(prior), 1), slope ~ N(1, 0.5). Out: intercept, slope."""
    wide = np.column_stack([np.ones(len(outcome)), score])
    found = penalised(wide, outcome, 0.0, np.array([float(logit(prior)), 1.0]), np.array([1.0, 1.0 / 0.5**2]))
    return float(found[0]), float(found[1])
