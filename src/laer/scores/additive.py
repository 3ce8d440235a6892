"""Models that are a sum: an intercept and a term per column, in logits, so that every likelihood is its reasons.

Terms are rounded to 2^-20 of a logit: such numbers add without a rounding error in whatever order, and so the reasons of a row sum exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import numpy as np

from laer.scores.columns import Floats, Table, Words, as_floats, as_words
from laer.scores.logistic import sigmoid

GRAIN = 2.0**20
FURTHEST = 3.0  # standard deviations from the mean; what lies beyond counts as this far


def grained(values: Floats) -> Floats:
    return np.asarray(np.round(values * GRAIN) / GRAIN, dtype=np.float64)


@dataclass(frozen=True)
class Line:
    """A number's term: weight x standard deviations from the mean, and what a known or an unknown value adds."""

    kind: ClassVar[str] = "line"
    name: str
    mean: float
    deviation: float
    weight: float
    known: float = 0.0
    unknown: float = 0.0

    def of(self, column: Floats | Words) -> Floats:
        values = as_floats(column)
        apart = np.clip((values - self.mean) / self.deviation, -FURTHEST, FURTHEST)
        return np.where(np.isnan(values), self.unknown, self.weight * apart + self.known)


@dataclass(frozen=True)
class Steps:
    """A number's term in steps: `scores[i]` from `cuts[i - 1]` on, below `cuts[i]`."""

    kind: ClassVar[str] = "steps"
    name: str
    cuts: Sequence[float]
    scores: Sequence[float]
    unknown: float = 0.0

    def of(self, column: Floats | Words) -> Floats:
        values = as_floats(column)
        at = np.searchsorted(np.asarray(self.cuts, dtype=np.float64), np.nan_to_num(values), side="right")
        return np.where(np.isnan(values), self.unknown, np.asarray(self.scores, dtype=np.float64)[at])


@dataclass(frozen=True)
class Answers:
    """A word's term: a score per answer, one for any other answer, one for none."""

    kind: ClassVar[str] = "answers"
    name: str
    scores: Mapping[str, float]
    other: float = 0.0
    unknown: float = 0.0

    def of(self, column: Floats | Words) -> Floats:
        return np.array([self.unknown if value is None else self.scores.get(value, self.other) for value in as_words(column).tolist()], dtype=np.float64)


Term = Line | Steps | Answers
KINDS: dict[str, type[Line] | type[Steps] | type[Answers]] = {term.kind: term for term in (Line, Steps, Answers)}


@dataclass(frozen=True)
class Additive:
    intercept: float
    terms: tuple[Term, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(term.name for term in self.terms)

    def contributions(self, table: Table) -> Floats:
        """Grain: row x term, in logits."""
        made = [grained(term.of(table[term.name])) for term in self.terms]
        return np.column_stack(made) if made else np.zeros((table.rows, 0))

    def logits(self, table: Table) -> Floats:
        return np.asarray(self.contributions(table).sum(axis=1) + float(grained(np.array(self.intercept))), dtype=np.float64)

    def chances(self, table: Table) -> Floats:
        return sigmoid(self.logits(table))

    def as_dict(self) -> dict[str, Any]:
        return {"intercept": self.intercept, "terms": [{"kind": term.kind, **asdict(term)} for term in self.terms]}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Additive:
        terms = []
        for one in told["terms"]:
            given = dict(one)
            kind = given.pop("kind")
            if kind not in KINDS:
                raise ValueError(f"a model has a term of the kind {kind!r}; expected one of {', '.join(KINDS)}")
            terms.append(KINDS[kind](**given))
        return cls(float(told["intercept"]), tuple(terms))


@dataclass(frozen=True)
class Reason:
    """What one column adds to the logit of one row, and the value that it had (None: unknown)."""

    name: str
    value: float | str | None
    contribution: float


@dataclass(frozen=True)
class Explained:
    """One row: `intercept` + the contributions of `reasons` == `logit`, exactly; the strongest reason first."""

    chance: float
    logit: float
    intercept: float
    reasons: tuple[Reason, ...]


def explain(model: Additive, table: Table) -> list[Explained]:
    parts = model.contributions(table)
    intercept = float(grained(np.array(model.intercept)))
    values = [_shown(table[name]) for name in model.names]
    rows = []
    for at in range(table.rows):
        reasons = [Reason(name, values[i][at], float(parts[at, i])) for i, name in enumerate(model.names) if parts[at, i]]
        total = intercept + sum(reason.contribution for reason in reasons)
        rows.append(Explained(float(sigmoid(np.array(total))), total, intercept, tuple(sorted(reasons, key=lambda one: (-abs(one.contribution), one.name)))))
    return rows


def _shown(column: Floats | Words) -> list[float | str | None]:
    return [None if value is None or (isinstance(value, float) and math.isnan(value)) else value for value in column.tolist()]
