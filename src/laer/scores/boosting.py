"""The explainable boosting machine (extra `learn`), read into a sum of steps, so that neither it nor a pickle is needed afterwards."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from laer.scores.additive import Additive, Answers, Steps, Term
from laer.scores.columns import Floats, Table
from laer.scores.encoding import Encoding, encoding, lumped

MISSING = "the explainable boosting machine is not installed (the extra `learn`): the mix of rules and regression is used"


def installed() -> bool:
    try:
        import interpret.glassbox  # noqa: F401
    except ImportError:
        return False
    return True


def boosted(table: Table, outcome: Floats, seed: int) -> Additive:
    """Fit and translate. `interactions=0, outer_bags=8`, one thread."""
    from interpret.glassbox import ExplainableBoostingClassifier

    how = encoding(table)
    ready = lumped(table, how)
    if not ready:
        share = min(max(float(outcome.mean()), 1e-9), 1 - 1e-9)
        return Additive(math.log(share / (1 - share)))
    names = list(ready)
    kinds = ["continuous" if ready[name].dtype.kind == "f" else "nominal" for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the data: what is odd in a column is said by the notes of the likelihood
        model: Any = ExplainableBoostingClassifier(
            feature_names=names, feature_types=kinds, interactions=0, outer_bags=8, n_jobs=1, random_state=seed
        )  # fmt: skip
        wide = np.empty((ready.rows, len(names)), dtype=object)
        for at, name in enumerate(names):
            wide[:, at] = ready[name]
        model.fit(wide, outcome.astype(int))
    return translated(model, how)


def translated(model: Any, how: Encoding) -> Additive:
    """Terms of a fitted machine. Scores stand as: unknown, one per bin, unseen."""
    kept = {column.name: column for column in how.columns}
    terms: list[Term] = []
    for features, scores in zip(model.term_features_, model.term_scores_, strict=True):
        at = features[0]
        name, bins = model.feature_names_in_[at], model.bins_[at][0]
        flat = np.asarray(scores, dtype=np.float64)
        if isinstance(bins, dict):
            told = {answer: float(flat[place]) for answer, place in bins.items()}
            other = told.pop("", float(flat[-1]))
            terms.append(Answers(name, told, other, float(flat[0])))
        else:
            terms.append(Steps(name, [float(cut) for cut in bins], [float(score) for score in flat[1:-1]], float(flat[0])))
        assert name in kept
    return Additive(float(np.ravel(model.intercept_)[0]), tuple(terms))
