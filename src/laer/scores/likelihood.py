"""How likely an outcome is, learned from a table, by a method that knows how little it knows.

Method  docs/methods/likelihood.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from laer.scores import boosting, mix
from laer.scores.additive import Additive, Explained, explain
from laer.scores.columns import Floats, Rules, Table, read_column, read_outcome, read_rules, read_table
from laer.scores.copies import without_copies
from laer.scores.evaluation import LEAST, Evaluation, Fold, Unseen, evaluate, folds
from laer.scores.logistic import logit, sigmoid
from laer.scores.mix import RULES

Basis = Literal["prior", "mix", "boosting", "base rate"]
FEW_ROWS, MANY = 30, 100
CLEAR = 1.0  # standard errors by which the boosting machine must beat the mix
VERDICTS: dict[Basis, str] = {
    "prior": "prior, not learned", "mix": "learned", "boosting": "learned", "base rate": "no usable signal in this data",
}  # fmt: skip


class Likelihood:
    """`fit` on what is known, `predict` for what is not.

    Args
        prior     share expected before anything is known (a year's churn, as a rule one in ten)
        boosting  whether the explainable boosting machine may be tried, where it is installed
        folds, seed  of the cross-validation

    After `fit`
        basis       prior (the rules only), mix, boosting, or base rate
        usable      whether `predict` says more than one rate for all;  learned: whether it was learned from this table
        verdict     the same in words
        rows, events, base_rate   that were learned from
        evaluation  by cross-validation of what `predict` would say (of what was tried, where that is of no use); None where too few to cross-validate
        notes       what was left out, and why;  weight  of the model that stands on the rules, in the mix
    """

    def __init__(self, *, prior: float = 0.1, boosting: bool = True, folds: int = 5, seed: int = 0) -> None:
        if not 0 < prior < 1:
            raise ValueError(f"prior is {prior}; expected a share between 0 and 1")
        if folds < 2:
            raise ValueError(f"folds are {folds}; expected at least 2")
        self.prior, self.boosting, self.folds, self.seed = prior, boosting, folds, seed
        self.model: Additive | None = None
        self.basis: Basis = "base rate"
        self.rows = self.events = 0
        self.base_rate = float("nan")
        self.evaluation: Evaluation | None = None
        self.weight: float | None = None
        self.notes: list[str] = []
        self.rules: str | dict[str, float] | None = None  # how predict finds the rule score by itself
        self.has_rules = False
        self._rules_of: Any = None

    @property
    def usable(self) -> bool:
        return bool(self._fitted.terms)

    @property
    def learned(self) -> bool:
        return self.basis in ("mix", "boosting")

    @property
    def verdict(self) -> str:
        return VERDICTS[self.basis]

    @property
    def auc(self) -> float | None:
        return None if self.evaluation is None else self.evaluation.auc

    @property
    def _fitted(self) -> Additive:
        if self.model is None:
            raise RuntimeError("this likelihood has not been fitted; call fit(features, outcome) first")
        return self.model

    def fit(self, features: Any, outcome: Any, rules: Rules = None, time: Any = None) -> Likelihood:
        """Learn from rows whose outcome is known. Out: itself.

        Args
            features  a table (`columns.read_table`); rows without an outcome are left out
            outcome   1 and 0, true and false, yes and no; missing where it is not known
            rules     a score per row, the higher the likelier: an array, the name of a column, weights by column, or a callable of the features
            time      when each row was cut (numbers or dates): it is then judged by what came later, never by what came before
        Raises
            ValueError  no rows, wrong lengths, an outcome that is not one
        """
        table = read_table(features)
        truth = read_outcome(outcome, table.rows)
        self.notes = []
        score = read_rules(rules, features, table)
        when = None if time is None else _times(time, table.rows)
        kept = ~np.isnan(truth) & (True if when is None else ~np.isnan(when))
        if not kept.all():
            self.notes.append(f"{int((~kept).sum())} rows without {'an outcome' if when is None else 'an outcome or a time'} are left out")
        at = np.flatnonzero(kept)
        if not len(at):
            raise ValueError("no row with a known outcome to learn from")
        self._remember(rules, score is not None)
        table, truth, when = table.taken(at), truth[at], None if when is None else when[at]
        once = without_copies(table, truth, when)
        if len(once) < len(truth):
            self.notes.append(f"{len(truth) - len(once)} rows are exact copies of others and count once")
            at, table, truth, when = at[once], table.taken(once), truth[once], None if when is None else when[once]
        if RULES in table and score is not None:
            raise ValueError(f"a column is named {RULES!r}, as the rules' own is; rename it")
        self.rows, self.events = len(truth), int(truth.sum())
        self.base_rate = float(truth.mean())
        whole = table if score is None else Table({**table, RULES: score[at]}, table.rows)
        self._learn(whole, truth, when)
        return self

    def _learn(self, whole: Table, truth: Floats, when: Floats | None) -> None:
        self.evaluation = self.weight = None
        rarer = min(self.events, self.rows - self.events)
        if rarer < LEAST or self.rows < FEW_ROWS:
            self.basis, self.model = "prior", mix.by_rules(whole, truth, self.prior)
            self.notes.append(f"{self.events} events in {self.rows} rows are too few to learn from: {LEAST} of each kind and {FEW_ROWS} rows are needed")
            return
        parts, by_time = folds(truth, self.folds, self.seed, when)
        if when is not None and not by_time:
            self.notes.append("too few lie before one another to judge by time: judged by folds drawn by lot")
        tried = mix.trials(whole, (fold for repeat in parts for fold in repeat))
        chosen, self.weight = mix.judged(tried, truth, self.prior, by_time)
        self.basis = "mix"
        if rarer > MANY and self.boosting:
            chosen = self._boosted(whole, truth, parts[0], chosen)
        self.evaluation = evaluate(chosen, truth)
        of = mix.ready(whole)
        self.notes += [f"{name} is left out: {why}" for name, why in of.how.left_out]
        if not self._says_more(self.evaluation, tried[: len(parts[0])], truth):
            self.basis, self.model = "base rate", Additive(float(logit(self.base_rate)))
        elif self.basis == "boosting":
            self.model = boosting.boosted(whole, truth, self.seed)
        else:
            told = mix.told_of(self.evaluation.gain, self.evaluation.gain_error)
            self.model = mix.learned(of, truth, self.prior).additive(self.weight, told, float(logit(self.base_rate)))
            self.evaluation = evaluate(chosen.with_chance(sigmoid(told * logit(chosen.chance) + (1 - told) * logit(chosen.base))), truth)

    def _says_more(self, found: Evaluation, tried: list[mix.Trial], truth: Floats) -> bool:
        """Whether the log-loss lies below the base rate's, and by more than chance would have it."""
        if found.gain <= 0:
            return False
        if found.gain > mix.SURE * found.gain_error:
            return True
        if self.basis == "boosting":  # too slow to shuffle
            return found.auc_low is not None and found.auc_low > 0.5
        return mix.beats_chance(tried, truth, self.prior, self.seed)

    def _boosted(self, whole: Table, truth: Floats, parts: list[Fold], mixed: Unseen) -> Unseen:
        """The boosting machine's chances where it beats the mix by more than one standard error, else the mix's. Judged on one repeat: it takes seconds."""
        if not boosting.installed():
            self.notes.append(boosting.MISSING)
            return mixed
        once = sum(len(part.judge) for part in parts)
        chance = np.concatenate([boosting.boosted(whole.taken(part.learn), truth[part.learn], self.seed).chances(whole.taken(part.judge)) for part in parts])
        same = Unseen(mixed.row[:once], mixed.fold[:once], chance, mixed.base[:once], mixed.by_time)
        ahead, error = same.ahead(mixed.chance[:once], truth)
        if ahead > CLEAR * error:
            self.basis, self.weight = "boosting", None
            return same
        return mixed

    def predict(self, features: Any, rules: Rules = None) -> Floats:
        """Likelihood per row, 0 to 1. Where nothing usable was learned: the base rate for each.

        Raises
            ValueError  a column that was learned from is absent; the model stands on rules that were given per row and are not given now
        """
        table = self._table(features, rules)
        return np.full(table.rows, self.base_rate) if self.basis == "base rate" else self._fitted.chances(table)

    def explain(self, features: Any, rules: Rules = None) -> list[Explained]:
        """Reasons per row: intercept and contributions, which sum to the logit exactly. No reasons where nothing usable was learned."""
        return explain(self._fitted, self._table(features, rules))

    def bands(self, features: Any, rules: Rules = None) -> list[str]:
        """low, middle, high: under three quarters, about, and over one and a half times the rate of all."""
        told = self.predict(features, rules)
        rate = float(sigmoid(np.array(self._fitted.intercept))) if self.basis == "prior" else self.base_rate
        return ["low" if one < 0.75 * rate else "high" if one > 1.5 * rate else "middle" for one in told.tolist()]

    def _table(self, features: Any, rules: Rules) -> Table:
        needed = self._fitted.names
        table = read_table(features)
        if RULES in needed:
            source = rules if rules is not None else self._rules_of if self._rules_of is not None else self.rules
            if source is None:
                raise ValueError("this likelihood stands on a rule score per row: give predict the same rules=… for these rows")
            table = Table({**table, RULES: read_rules(source, features, table)}, table.rows)  # type: ignore[dict-item]
        absent = [name for name in needed if name not in table]
        if absent:
            raise ValueError(f"columns that were learned from are absent: {', '.join(absent)}; existing columns: {', '.join(table) or 'none'}")
        return table

    def _remember(self, rules: Rules, there: bool) -> None:
        self.has_rules = there
        self._rules_of = rules if callable(rules) else None
        self.rules = rules if isinstance(rules, str) else {k: float(v) for k, v in rules.items()} if isinstance(rules, Mapping) else None

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values; rules that are a callable are not kept."""
        return {
            "version": 1, "prior": self.prior, "boosting": self.boosting, "folds": self.folds, "seed": self.seed, "basis": self.basis, "rows": self.rows,
            "events": self.events, "base_rate": self.base_rate, "weight": self.weight, "notes": self.notes, "rules": self.rules, "has_rules": self.has_rules,
            "evaluation": None if self.evaluation is None else self.evaluation.as_dict(), "model": self._fitted.as_dict(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Likelihood:
        if told.get("version") != 1:
            raise ValueError(f"a likelihood of version {told.get('version')!r}; this release reads version 1")
        made = cls(prior=told["prior"], boosting=told["boosting"], folds=told["folds"], seed=told["seed"])
        for name in ("basis", "rows", "events", "base_rate", "weight", "rules", "has_rules"):
            setattr(made, name, told[name])
        made.notes = list(told["notes"])
        made.evaluation = None if told["evaluation"] is None else Evaluation.from_dict(told["evaluation"])
        made.model = Additive.from_dict(told["model"])
        return made

    def to_json(self) -> str:
        return json.dumps(self.as_dict())

    @classmethod
    def from_json(cls, text: str) -> Likelihood:
        return cls.from_dict(json.loads(text))


def _times(time: Any, rows: int) -> Floats:
    column = read_column(time)
    if column.dtype.kind != "f":
        from datetime import date

        try:
            column = np.array([np.nan if value is None else float(date.fromisoformat(str(value)[:10]).toordinal()) for value in column.tolist()])
        except ValueError as fault:
            raise ValueError(f"time is neither a number nor a date: {fault}") from None
    if len(column) != rows:
        raise ValueError(f"time has {len(column)} values, the features have {rows} rows; expected one for each")
    return np.asarray(column, dtype=np.float64)
