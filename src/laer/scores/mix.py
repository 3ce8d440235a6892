"""Two regressions mixed by evidence: one beside the rules, strongly held; one alone, held less.

Method  docs/methods/likelihood.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from laer.scores.additive import Additive, Line
from laer.scores.columns import Floats, Table, as_floats
from laer.scores.encoding import Encoding, encoding
from laer.scores.evaluation import Fold, Unseen, losses
from laer.scores.logistic import logit, ridge, rules_map, sigmoid

RULES = "rule score"
BESIDE_RULES, ALONE = 0.003, 0.03  # variances of the ridge's weights
FREED = 100  # of the rarer outcome; beyond it weights are held the looser the more there are, since they then speak for themselves
WIDE = 50  # encoded columns; of more, each is held the tighter, so that what all of them can say together stays the same
SHUFFLES = 19  # of the outcome; to be ahead of all by chance happens once in twenty times
LEAST_SAID = 0.5  # of what was learned, where it is used at all
SURE = 2.0  # standard errors ahead of the base rate from which on nothing is shuffled


@dataclass(frozen=True)
class Ready:
    """A part of a table to learn from, encoded by what it holds itself. `rule`: mean and deviation of the rule score; None without rules."""

    how: Encoding
    wide: Floats
    rule: tuple[float, float] | None
    score: Floats

    def scores_of(self, whole: Table) -> Floats:
        return np.zeros(whole.rows) if self.rule is None else Line(RULES, *self.rule, 1.0).of(whole[RULES])


def ready(whole: Table) -> Ready:
    features = Table({name: column for name, column in whole.items() if name != RULES}, whole.rows)
    how = encoding(features)
    rule = None
    score = np.zeros(whole.rows)
    if RULES in whole:
        told = as_floats(whole[RULES])
        known = told[~np.isnan(told)]
        rule = (float(known.mean()), float(known.std()) or 1.0) if len(known) else (0.0, 1.0)
        score = Line(RULES, *rule, 1.0).of(told)
    return Ready(how, how.encode(features), rule, score)


@dataclass(frozen=True)
class Mixed:
    """What was learned: the rules' logit (intercept, slope), and intercept and weights of either regression."""

    of: Ready
    rules: tuple[float, float]
    beside: tuple[float, Floats]
    alone: tuple[float, Floats]

    def logits(self, wide: Floats, score: Floats) -> tuple[Floats, Floats]:
        return self.rules[0] + self.rules[1] * score + self.beside[0] + wide @ self.beside[1], self.alone[0] + wide @ self.alone[1]

    def additive(self, weight: float, told: float = 1.0, base: float = 0.0) -> Additive:
        """The mix is one sum again: a weighted mean of two sums over the same columns. In: told: how much of it is said, the rest being a base logit."""
        terms = self.of.how.terms(told * (weight * self.beside[1] + (1 - weight) * self.alone[1]))
        intercept = weight * (self.rules[0] + self.beside[0]) + (1 - weight) * self.alone[0]
        rule = () if self.of.rule is None else (Line(RULES, *self.of.rule, told * weight * self.rules[1]),)
        return Additive(told * intercept + (1 - told) * base, (*rule, *terms))


def learned(of: Ready, truth: Floats, prior: float) -> Mixed:
    rarer = min(float(truth.sum()), float((1 - truth).sum()))
    tight = min(1.0, WIDE / max(1, of.how.width)) * max(1.0, rarer / FREED)
    at, slope = rules_map(of.score, truth, prior)
    slope = 0.0 if of.rule is None else slope
    return Mixed(of, (at, slope), ridge(of.wide, truth, BESIDE_RULES * tight, at + slope * of.score), ridge(of.wide, truth, ALONE * tight))


def by_rules(whole: Table, truth: Floats, prior: float) -> Additive:
    """The calibrated rules alone; without rules, the prior and the base rate between them."""
    of = ready(Table({RULES: whole[RULES]} if RULES in whole else {}, whole.rows))
    if of.rule is None:
        return Additive(float(logit(rate_of(truth, prior))))
    at, slope = rules_map(of.score, truth, prior)
    return Additive(at, (Line(RULES, *of.rule, slope),))


def rate_of(truth: Floats, prior: float) -> float:
    """One rate for all where little is known: the prior counts as one row, and as less where what was seen lies far from it.

    (events + k x prior) / (rows + k), k = min(1, 2 s (1 - s) / (prior - s)^2) with s = (events + 1/2) / (rows + 1): as long as k is below that
    bound, moving towards the prior takes more from the chance of the draw than it adds by being wrong. Where the prior and what was seen lie on
    either side of a half, it is another outcome's: k is a fiftieth, so that nothing is ever certain.
    """
    rows, events = len(truth), float(truth.sum())
    seen = (events + 0.5) / (rows + 1)
    counts = min(1.0, 2 * seen * (1 - seen) / max((prior - seen) ** 2, 1e-9)) if (prior <= 0.5) == (seen <= 0.5) else 0.02
    return (events + counts * prior) / (rows + counts)


def told_of(gain: float, error: float) -> float:
    """How much of what was learned is said: 1 - 1 / z^2 (James and Stein), z being the gain over the base rate in standard errors; half at least.

    What was chosen for having gained owes a part of its gain to luck: of one that is small against its error a large part, of a sure one none.
    """
    return LEAST_SAID if gain <= error else max(LEAST_SAID, 1 - (error / gain) ** 2)


@dataclass(frozen=True)
class Trial:
    """A fold, encoded once, however often outcomes are shuffled over it."""

    fold: Fold
    of: Ready
    wide: Floats
    score: Floats


def trials(whole: Table, folds: Iterable[Fold]) -> list[Trial]:
    made = []
    for fold in folds:
        of, judged = ready(whole.taken(fold.learn)), whole.taken(fold.judge)
        made.append(Trial(fold, of, of.how.encode(judged), of.scores_of(judged)))
    return made


def judged(tried: Sequence[Trial], truth: Floats, prior: float, by_time: bool) -> tuple[Unseen, float]:
    """Chances of the mix for rows that it has not seen, and the weight w = sigmoid(LB - LA + 1) of the model beside the rules, L being total log-losses."""
    beside, alone, base = [], [], []
    for one in tried:
        a, b = learned(one.of, truth[one.fold.learn], prior).logits(one.wide, one.score)
        beside.append(a)
        alone.append(b)
        base.append(np.full(len(a), truth[one.fold.learn].mean()))
    row = np.concatenate([one.fold.judge for one in tried])
    fold = np.repeat(np.arange(len(tried)), [len(one.fold.judge) for one in tried])
    rates = np.concatenate(base)
    told = Unseen(row, fold, rates, rates, by_time)
    first, second = (sigmoid(np.concatenate(part)) for part in (beside, alone))
    weight = float(sigmoid(np.array(told.with_chance(second).total(truth) - told.with_chance(first).total(truth) + 1.0)))
    return told.with_chance(sigmoid(weight * logit(first) + (1 - weight) * logit(second))), weight


def beats_chance(tried: Sequence[Trial], truth: Floats, prior: float, seed: int) -> bool:
    """Whether the mix gains more over the base rate than it does where the outcomes are shuffled within the folds, each of so many times.

    A table of noise passes once in twenty times; by the log-loss alone, a third of them would.
    """
    draw = np.random.default_rng(seed)
    parts = [one.fold.judge for one in tried]
    begun = np.setdiff1d(np.arange(len(truth)), np.concatenate(parts))  # by time: what is learned from only
    gained = _gain(tried, truth, prior)
    for _ in range(SHUFFLES):
        shuffled = truth.copy()
        for part in (*parts, begun):
            shuffled[part] = draw.permutation(truth[part])
        if _gain(tried, shuffled, prior) >= gained:
            return False
    return True


def _gain(tried: Sequence[Trial], truth: Floats, prior: float) -> float:
    told, _ = judged(tried, truth, prior, False)
    return float((losses(told.base, truth[told.row]) - losses(told.chance, truth[told.row])).mean())
