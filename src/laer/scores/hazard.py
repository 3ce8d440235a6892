"""When an outcome comes: a discrete-time hazard, a logistic regression on account-months.

Each row of its table is one month of one account at risk. What the account looked like may change from month to month; how long it has been here and
whether a renewal falls due stand beside it. One month's chances multiply into those of 30, 60 and 90 days and of the renewal.

Method  docs/methods/time-to-event.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from laer.scores.additive import Additive, Explained, explain
from laer.scores.columns import Floats, Table, as_floats, read_column, read_outcome, read_table
from laer.scores.encoding import encoding
from laer.scores.evaluation import LEAST
from laer.scores.logistic import ridge

AGE, DUE = "age_months", "renewal_month"  # columns that it makes; features must not bear their names
KNOTS = (3.0, 12.0, 36.0)  # months at which the hazard of age may bend, on the scale of log(1 + age)
STRENGTH = 1.0  # variance of the weights: months are many
FREE = "not due"


class Hazard:
    """`fit` on account-months, `predict` the chance within the coming months.

    Additive: the logit of a month's hazard is an intercept, a term per feature, one of age and one of the renewal month (`explain`).

    After `fit`
        months, events   that were learned from;  rate: mean hazard of a month
        usable           whether there were enough events (5); else the rate alone is said
    """

    def __init__(self, *, strength: float = STRENGTH) -> None:
        if strength <= 0:
            raise ValueError(f"strength is {strength}; expected a variance above 0")
        self.strength = strength
        self.months = self.events = 0
        self.rate = float("nan")
        self.model: Additive | None = None
        self.notes: list[str] = []

    @property
    def _fitted(self) -> Additive:
        if self.model is None:
            raise RuntimeError("this hazard has not been fitted; call fit(features, age, event) first")
        return self.model

    @property
    def usable(self) -> bool:
        return bool(self._fitted.terms)

    def fit(self, features: Any, age: Any, event: Any, to_renewal: Any = None) -> Hazard:
        """Learn from account-months. Out: itself.

        Args
            features    a row per account and month at risk, as the account stood when the month began
            age         months that the account had been here when the month began, from 0
            event       whether it ended in that month
            to_renewal  months until the next renewal falls due (0: in this month); missing where none is known
        Raises
            ValueError  no rows, wrong lengths, an event that is not yes or no
        """
        table = read_table(features)
        truth = read_outcome(event, table.rows, "event")
        made = _with_time(table, _months(age, table.rows, "age"), None if to_renewal is None else _months(to_renewal, table.rows, "to_renewal"))
        kept = np.flatnonzero(~np.isnan(truth) & ~np.isnan(as_floats(made[AGE])))
        self.notes = [f"{table.rows - len(kept)} months without an event or an age are left out"] if len(kept) < table.rows else []
        if not len(kept):
            raise ValueError("no month to learn from")
        made, truth = made.taken(kept), truth[kept]
        self.months, self.events, self.rate = len(truth), int(truth.sum()), float(truth.mean())
        if min(self.events, self.months - self.events) < LEAST:
            self.notes.append(f"{self.events} events are too few to learn from: {LEAST} are needed")
            at = (self.events + 0.5) / (self.months + 1.0)  # half an event is added: none seen is not none possible
            self.model = Additive(float(np.log(at / (1 - at))))
            return self
        how = encoding(made)
        self.notes += [f"{name} is left out: {why}" for name, why in how.left_out if not name.startswith(AGE)]
        intercept, weights = ridge(how.encode(made), truth, self.strength)
        self.model = Additive(intercept, how.terms(weights))
        return self

    @classmethod
    def from_durations(cls, features: Any, duration: Any, event: Any, *, strength: float = STRENGTH) -> Hazard:
        """Fit where each account has one row, its months until the event or until it was last seen, and features that do not change."""
        table = read_table(features)
        truth, lasted = read_outcome(event, table.rows, "event"), _months(duration, table.rows, "duration")
        there = np.flatnonzero(~np.isnan(truth) & ~np.isnan(lasted))
        spans = np.maximum(1, np.ceil(lasted[there])).astype(np.int64)
        if not len(there):
            raise ValueError("no account with a known duration and event")
        row = np.repeat(there, spans)
        age = np.arange(len(row)) - np.repeat(np.cumsum(spans) - spans, spans)
        last = age == np.repeat(spans, spans) - 1
        return cls(strength=strength).fit(table.taken(row), age, np.where(last, truth[row], 0.0))

    def hazards(self, features: Any, age: Any, to_renewal: Any = None, months: int = 3) -> Floats:
        """Chance to end in each of the coming months, given that it has not before. Grain: row x month. Features stay as they are now."""
        table = read_table(features)
        self._check(table)
        old, due = _months(age, table.rows, "age"), None if to_renewal is None else _months(to_renewal, table.rows, "to_renewal")
        return np.column_stack([self._fitted.chances(_with_time(table, old + k, None if due is None else due - k)) for k in range(months)])

    def predict(self, features: Any, age: Any, to_renewal: Any = None, horizons: Sequence[int] = (1, 2, 3)) -> dict[int, Floats]:
        """Chance to end within so many months (1, 2, 3: 30, 60, 90 days). Out: horizon -> a chance per row."""
        if not horizons or min(horizons) < 1:
            raise ValueError(f"horizons are {list(horizons)}; expected months from 1")
        stays = np.cumprod(1 - self.hazards(features, age, to_renewal, max(horizons)), axis=1)
        return {months: np.asarray(1 - stays[:, months - 1], dtype=np.float64) for months in horizons}

    def at_renewal(self, features: Any, age: Any, to_renewal: Any, furthest: int = 36) -> Floats:
        """Chance to have ended by the end of the month in which the renewal falls due; NaN where none is due within `furthest` months."""
        table = read_table(features)
        due = _months(to_renewal, table.rows, "to_renewal")
        ahead = np.where((due >= 0) & (due < furthest), due, np.nan)
        if np.isnan(ahead).all():
            return np.full(table.rows, np.nan)
        until = int(np.nanmax(ahead)) + 1
        stays = np.cumprod(1 - self.hazards(table, age, to_renewal, until), axis=1)
        at = np.nan_to_num(ahead).astype(np.int64)
        return np.where(np.isnan(ahead), np.nan, 1 - stays[np.arange(table.rows), at])

    def explain(self, features: Any, age: Any, to_renewal: Any = None) -> list[Explained]:
        """Reasons of the coming month's hazard, per row; they and the intercept sum to its logit exactly."""
        table = read_table(features)
        self._check(table)
        made = _with_time(table, _months(age, table.rows, "age"), None if to_renewal is None else _months(to_renewal, table.rows, "to_renewal"))
        return explain(self._fitted, made)

    def _check(self, table: Table) -> None:
        absent = [name for name in self._fitted.names if name not in table and not _own(name)]
        if absent:
            raise ValueError(f"columns that were learned from are absent: {', '.join(absent)}; existing columns: {', '.join(table) or 'none'}")

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": 1, "strength": self.strength, "months": self.months, "events": self.events, "rate": self.rate, "notes": self.notes,
            "model": self._fitted.as_dict(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Hazard:
        if told.get("version") != 1:
            raise ValueError(f"a hazard of version {told.get('version')!r}; this release reads version 1")
        made = cls(strength=told["strength"])
        made.months, made.events, made.rate, made.notes = told["months"], told["events"], told["rate"], list(told["notes"])
        made.model = Additive.from_dict(told["model"])
        return made

    def to_json(self) -> str:
        return json.dumps(self.as_dict())

    @classmethod
    def from_json(cls, text: str) -> Hazard:
        return cls.from_dict(json.loads(text))


def concordance(risk: Floats, duration: Floats, event: Floats) -> float:
    """Harrell's C: of pairs of which it is known who ended first, how often the one of greater risk did; ties of risk half. Range 0 to 1."""
    right = pairs = 0.0
    order = np.argsort(duration, kind="stable")
    risk, duration, event = risk[order], duration[order], event[order]
    for at in np.flatnonzero(event > 0.5):
        later = np.searchsorted(duration, duration[at], side="right")
        others = risk[later:]
        censored = (duration[at : int(later)] == duration[at]) & (event[at : int(later)] < 0.5)  # still there when this one ended
        others = np.concatenate([others, risk[at : int(later)][censored]])
        right += float((risk[at] > others).sum()) + 0.5 * float((risk[at] == others).sum())
        pairs += len(others)
    if not pairs:
        raise ValueError("no pair of accounts of which it is known who ended first")
    return right / pairs


def _own(name: str) -> bool:
    return name == DUE or name.startswith(AGE)


def _with_time(table: Table, age: Floats, to_renewal: Floats | None) -> Table:
    taken = [name for name in table if _own(name)]
    if taken:
        raise ValueError(f"features bear names that the hazard makes itself: {', '.join(taken)}; rename them")
    log = np.log1p(np.maximum(age, 0))
    columns = {**table, AGE: log} | {f"{AGE}_from_{knot:g}": np.maximum(0.0, log - np.log1p(knot)) for knot in KNOTS}
    if to_renewal is not None:
        due = np.where(np.isnan(to_renewal), "unknown", np.where(to_renewal == 0, "due", np.where(to_renewal == 1, "due next", FREE))).astype(object)
        columns[DUE] = due
    return Table(columns, table.rows)


def _months(values: Any, rows: int, what: str) -> Floats:
    column = as_floats(read_column(values))
    if len(column) != rows:
        raise ValueError(f"{what} has {len(column)} values, the features have {rows} rows; expected one for each")
    return column
