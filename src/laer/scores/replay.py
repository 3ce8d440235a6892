"""How well a score would have foreseen what came: its past scores beside the outcomes that followed each of them.

Rows are account x date of a grid. Each was scored with what was known on the date; its outcome is what came within the horizon after it.
Rows of one account are alike, so that intervals are bootstrapped by account, not by row.

Method  docs/methods/score-lab.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laer.scores.bands import GREEN, RED, YELLOW
from laer.scores.columns import Floats
from laer.scores.evaluation import LEAST, Z95

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
DRAWS, SEED = 200, 0
DECILE = 0.1
BANDS = (GREEN, YELLOW, RED)  # by their place in `bands.NAMES`
UNKNOWN = 3


@dataclass(frozen=True)
class Rows:
    """Account x date, sorted by account and then by date.

    account, day   numbers;  score  hundredths, NaN unknown;  band  0 green, 1 yellow, 2 red, 3 unknown: as it was held on the day
    applies        whether the card was about the account;  coverage  share from 0 to 1, NaN unknown
    paying         whether it paid on the day: only such rows are judged;  until  days to its next outcome, inf where none has come
    settled        whether the horizon after the day has passed
    """

    account: Ints
    day: Ints
    score: Floats
    band: Ints
    applies: Flags
    coverage: Floats
    paying: Flags
    until: Floats
    settled: Flags

    def came(self, horizon: int) -> Flags:
        """Whether the outcome came within the horizon after the day."""
        return np.asarray(self.until <= horizon)

    @property
    def judged(self) -> Flags:
        return np.asarray(self.paying & self.settled & self.applies & ~np.isnan(self.score))


@dataclass(frozen=True)
class Area:
    """AUC of a low score for a coming outcome, with its 95 % interval (bootstrap by account), and the lift of the lowest tenth.

    rows, events   judged, and of them with the outcome;  accounts: of which an outcome came
    lift           share of the outcome among the tenth of rows with the lowest scores, over the share among all; None without an outcome
    """

    rows: int
    events: int
    accounts: int
    base_rate: float | None
    auc: float | None
    low: float | None
    high: float | None
    lift: float | None

    @property
    def usable(self) -> bool:
        """Whether chance is not within the interval. With fewer than five accounts that had the outcome nothing can be said."""
        return self.accounts >= LEAST and self.low is not None and self.low > 0.5

    @property
    def verdict(self) -> str:
        """usable, few (too few outcomes), wrong (it says the contrary), none (no usable signal)."""
        if self.accounts < LEAST or self.auc is None:
            return "few"
        return "usable" if self.usable else "wrong" if self.high is not None and self.high < 0.5 else "none"


@dataclass(frozen=True)
class OfBand:
    """What came of rows in a band: the share with the outcome, and its 95 % interval after Wilson."""

    band: str
    rows: int
    events: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class OfMonth:
    """A date of the grid. `changed` of `both` accounts whose band is known then and on the date before; `events`: None where the horizon has not passed."""

    day: int
    paying: int
    known: int
    green: int
    yellow: int
    red: int
    both: int
    changed: int
    events: int | None


@dataclass(frozen=True)
class Missed:
    """An account that was green within the horizon before its outcome: on which day the last time, with which score, and how many days before."""

    account: int
    green_on: int
    came_on: int
    score: float
    days: int


@dataclass(frozen=True)
class Judged:
    """A card's past beside what came.

    lead           days from the first date of the unbroken stretch of yellow or red before an outcome to that outcome, of those warned: median
    warned         outcomes before which the last known band was not green;  outcomes: those with a known band within the horizon before
    missed         false greens
    coverage       mean share of the weight that was known;  known: share of rows of paying accounts with a score
    stability      share of bands changed from one date to the next, over all
    """

    area: Area
    bands: tuple[OfBand, ...]
    months: tuple[OfMonth, ...]
    missed: tuple[Missed, ...]
    outcomes: int
    warned: int
    lead: float | None
    known: float | None
    coverage: float | None
    stability: float | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"verdict": self.area.verdict}


def judge(rows: Rows, horizon: int) -> Judged:
    """In: rows of one card; horizon in days."""
    paying = rows.paying
    of_card = paying & rows.applies
    bothed, changed = _changes(rows)
    found, warned, leads, outcomes = _warnings(rows, horizon)
    return Judged(
        area_of(rows, rows.score, horizon), _by_band(rows, horizon), _months(rows, horizon, bothed, changed), found, outcomes, warned,
        float(np.median(leads)) if len(leads) else None, _share(of_card & ~np.isnan(rows.score), paying), _mean(rows.coverage[of_card]),
        _share(changed, bothed),
    )  # fmt: skip


def area_of(rows: Rows, score: Floats, horizon: int, draws: int = DRAWS) -> Area:
    """Of any score of the same rows (a part's points, too). Without draws there is no interval."""
    at = np.flatnonzero(rows.paying & rows.settled & rows.applies & ~np.isnan(score))
    came = rows.came(horizon)[at]
    events = int(came.sum())
    accounts = len(np.unique(rows.account[at][came]))
    if not events or events == len(at):
        return Area(len(at), events, accounts, float(came.mean()) if len(at) else None, None, None, None, None)
    sorted_rows = _Sorted.of(score[at], came)
    who = np.unique(rows.account[at], return_inverse=True)[1]
    drawn = [one for weights in _draws(who, draws) if (one := sorted_rows.area(weights)) is not None]
    low, high = (float(v) for v in np.quantile(drawn, (0.025, 0.975))) if drawn else (None, None)
    return Area(len(at), events, accounts, float(came.mean()), sorted_rows.area(np.ones(len(at))), low, high, sorted_rows.lift())


@dataclass(frozen=True)
class Compared:
    """Challenger less champion on the rows that both score: the difference of AUC, its 95 % interval from the same draws of accounts for both."""

    rows: int
    events: int
    champion: float | None
    challenger: float | None
    difference: float | None
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        """better, worse, alike (the interval holds 0), few."""
        if self.low is None or self.high is None:
            return "few"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "alike"


def compare(champion: Rows, challenger: Rows, horizon: int) -> Compared:
    """In: rows of the same keys."""
    at = np.flatnonzero(champion.judged & challenger.judged)
    came = champion.came(horizon)[at]
    events = int(came.sum())
    if not events or events == len(at) or len(np.unique(champion.account[at][came])) < LEAST:
        return Compared(len(at), events, None, None, None, None, None)
    one, other = _Sorted.of(champion.score[at], came), _Sorted.of(challenger.score[at], came)
    who = np.unique(champion.account[at], return_inverse=True)[1]
    pairs = [(one.area(weights), other.area(weights)) for weights in _draws(who)]
    drawn = [b - a for a, b in pairs if a is not None and b is not None]
    low, high = (float(v) for v in np.quantile(drawn, (0.025, 0.975)))
    first, second = one.area(np.ones(len(at))), other.area(np.ones(len(at)))
    assert first is not None
    assert second is not None
    return Compared(len(at), events, first, second, second - first, low, high)


@dataclass(frozen=True)
class _Sorted:
    """Rows in order of their score, with where each stretch of equal scores begins: a weighted AUC is then two sums."""

    order: Ints
    begins: Ints
    came: Floats

    @classmethod
    def of(cls, score: Floats, came: Flags) -> _Sorted:
        order = np.argsort(score, kind="stable")
        held = score[order]
        begins = np.flatnonzero(np.concatenate([[True], held[1:] != held[:-1]]))
        return cls(order, begins, came[order].astype(np.float64))

    def area(self, weights: Floats) -> float | None:
        """Chance that a row with the outcome has the lower score, ties half; None where a class is absent."""
        held = weights[self.order]
        happened = np.add.reduceat(held * self.came, self.begins)
        not_happened = np.add.reduceat(held * (1 - self.came), self.begins)
        n, m = happened.sum(), not_happened.sum()
        if n <= 0 or m <= 0:
            return None
        above = m - np.cumsum(not_happened)  # without the outcome, and a higher score
        return float((happened * (above + 0.5 * not_happened)).sum() / (n * m))

    def lift(self) -> float:
        """Of a stretch of equal scores at the edge of the tenth, its share counts."""
        sizes = np.diff(np.append(self.begins, len(self.order)))
        happened = np.add.reduceat(self.came, self.begins)
        left, found = math.ceil(DECILE * len(self.order)), 0.0
        tenth = left
        for size, n in zip(sizes.tolist(), happened.tolist(), strict=True):
            taken = min(size, left)
            found, left = found + n * taken / size, left - taken
            if not left:
                break
        return float(found / tenth / self.came.mean())


def _draws(who: Ints, draws: int = DRAWS) -> Iterator[Floats]:
    """Weights of rows under each draw of as many accounts, with replacement. The same rows give the same draws."""
    chance, n = np.random.default_rng(SEED), int(who.max()) + 1
    for _ in range(draws):
        yield np.bincount(chance.integers(0, n, n), minlength=n).astype(np.float64)[who]


def _by_band(rows: Rows, horizon: int) -> tuple[OfBand, ...]:
    judged, came = rows.judged, rows.came(horizon)
    found = []
    for place, band in enumerate(BANDS):
        mine = judged & (rows.band == place)
        n, events = int(mine.sum()), int((mine & came).sum())
        share, low, high = wilson(events, n)
        found.append(OfBand(band, n, events, share, low, high))
    return tuple(found)


def wilson(events: int, n: int) -> tuple[float | None, float | None, float | None]:
    """A share with its 95 % interval."""
    if not n:
        return None, None, None
    share = events / n
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n)) / (1 + Z95**2 / n)
    return share, max(0.0, middle - half), min(1.0, middle + half)


def _changes(rows: Rows) -> tuple[Flags, Flags]:
    """Rows of paying accounts whose band is known on the day and on the date before; of them those whose band is another."""
    days = np.unique(rows.day)
    step = np.searchsorted(days, rows.day)
    both, changed = np.zeros(len(rows.day), bool), np.zeros(len(rows.day), bool)
    if len(rows.day) > 1:
        follows = (rows.account[1:] == rows.account[:-1]) & (step[1:] == step[:-1] + 1)
        known = (rows.band != UNKNOWN) & rows.paying
        both[1:] = follows & known[1:] & known[:-1]
        changed[1:] = both[1:] & (rows.band[1:] != rows.band[:-1])
    return both, changed


def _months(rows: Rows, horizon: int, both: Flags, changed: Flags) -> tuple[OfMonth, ...]:
    came, found = rows.came(horizon), []
    for day in np.unique(rows.day):
        mine = (rows.day == day) & rows.paying
        known = mine & rows.applies & ~np.isnan(rows.score)
        of_band = [int((known & (rows.band == place)).sum()) for place in range(len(BANDS))]
        settled = bool(rows.settled[rows.day == day].all())
        found.append(OfMonth(int(day), int(mine.sum()), int(known.sum()), of_band[0], of_band[1], of_band[2], int((both & mine).sum()),
            int((changed & mine).sum()), int((mine & came).sum()) if settled else None))  # fmt: skip
    return tuple(found)


def _warnings(rows: Rows, horizon: int) -> tuple[tuple[Missed, ...], int, list[float], int]:
    """False greens, outcomes of which the last band was not green, days of warning, and outcomes with a known band within the horizon before."""
    near = np.flatnonzero(rows.came(horizon) & rows.paying & rows.applies & (rows.band != UNKNOWN))
    by_outcome: dict[tuple[int, int], list[int]] = {}
    for at in near.tolist():
        by_outcome.setdefault((int(rows.account[at]), int(rows.day[at] + rows.until[at])), []).append(at)
    missed, leads, warned = [], [], 0
    for (account, came_on), places in by_outcome.items():
        greens = [at for at in places if rows.band[at] == 0]
        if greens:
            last = greens[-1]
            missed.append(Missed(account, int(rows.day[last]), came_on, float(rows.score[last]) / 100, int(rows.until[last])))
        if rows.band[places[-1]] != 0:
            warned += 1
            leads.append(float(came_on - rows.day[_first_warning(rows, places[-1])]))
    return tuple(sorted(missed, key=lambda one: (-one.came_on, one.account))), warned, leads, len(by_outcome)


def _first_warning(rows: Rows, at: int) -> int:
    """The first row of the unbroken stretch of yellow or red that ends with this one."""
    while at > 0 and rows.account[at - 1] == rows.account[at] and rows.paying[at - 1] and rows.band[at - 1] in (1, 2):
        at -= 1
    return at


def _share(part: Flags, whole: Flags) -> float | None:
    n = int(whole.sum())
    return float(part.sum() / n) if n else None


def _mean(values: Floats) -> float | None:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else None


def parts_of(rows: Rows, points: Mapping[str, Floats], horizon: int) -> dict[str, Area]:
    """How well each part of a card alone foresees it, without intervals."""
    return {name: area_of(rows, found, horizon, draws=0) for name, found in points.items()}
