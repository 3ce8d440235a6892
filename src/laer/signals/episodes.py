"""Episodes: from when to when a signal stood for an account. One at a time: it opens, holds through what is unknown, and closes.

State at a date = open where `when` is true; else still open where it was open and `close` is not true; else closed. It is a fold
over the dates that were looked at (docs/methods/signals.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Truths = npt.NDArray[np.float64]  # 1, 0, NaN unknown
Flags = npt.NDArray[np.bool_]


def hold(when: Truths, close: Truths, before: Flags) -> Flags:
    """Whether an episode stands after a date. Shapes: accounts."""
    return np.asarray((when == 1) | (before & (close != 1)))


@dataclass(frozen=True)
class Episode:
    """One account's episode. closed: None while it stands; base: it stood at the first date that was looked at, or the account was not known before."""

    account: int
    opened: int
    closed: int | None
    base: bool


def episodes(accounts: Sequence[int], dates: Sequence[int], when: npt.NDArray[np.float64], close: npt.NDArray[np.float64]) -> list[Episode]:
    """Episodes over some dates, in order of their opening.

    In   accounts, dates (day numbers, sorted); when, close  dates x accounts: 1, 0, NaN unknown
    """
    found: list[Episode] = []
    standing = np.zeros(len(accounts), bool)
    known = np.zeros(len(accounts), bool)
    since = np.zeros(len(accounts), np.int64)
    base = np.zeros(len(accounts), bool)
    for at, day in enumerate(dates):
        now = hold(when[at], close[at], standing)
        for place in np.flatnonzero(standing & ~now).tolist():
            found.append(Episode(int(accounts[place]), int(since[place]), int(day), bool(base[place])))
        begun = now & ~standing
        since[begun], base[begun] = day, ~known[begun]
        known |= ~np.isnan(when[at])
        standing = now
    found += [Episode(int(accounts[place]), int(since[place]), None, bool(base[place])) for place in np.flatnonzero(standing).tolist()]
    return sorted(found, key=lambda one: (one.opened, one.account))


@dataclass(frozen=True)
class Record:
    """How right a signal was over a span of days.

    fired      episodes that opened, those that stood from the start left out
    judged     of those, episodes whose days are over: the others cannot be judged yet
    right      of those, episodes after which the outcome came within the days
    precision  right / judged with its 95 % interval (Wilson); None where nothing could be judged
    usual      share of customers, at the dates that were looked at, to whom the outcome came within as many days: what luck would find
    lead       median days from opening to outcome, of those that were right
    outcomes   outcomes in the span;  warned  of those, how many had an episode that opened before, within the days
    quiet      judged episodes that closed without the outcome: warned, and then quiet
    """

    fired: int = 0
    judged: int = 0
    right: int = 0
    precision: float | None = None
    low: float | None = None
    high: float | None = None
    usual: float | None = None
    lead: float | None = None
    outcomes: int = 0
    warned: int = 0
    quiet: int = 0

    @property
    def lift(self) -> float | None:
        return None if self.precision is None or not self.usual else self.precision / self.usual


def record(found: Sequence[Episode], outcomes: dict[int, list[int]], within: int, first: int, last: int, usual: float | None, interval: Any) -> Record:
    """A signal's record.

    In   outcomes  account -> days of the outcome, sorted;  first, last  the span that was looked at;  interval  (k, n) -> (low, high)
    """
    real = [one for one in found if not one.base]
    judged = right = quiet = 0
    leads: list[int] = []
    for one in real:
        if one.opened + within > last:  # also where the outcome came already: to judge those alone would flatter it
            continue
        came = next((day for day in outcomes.get(one.account, ()) if one.opened < day <= one.opened + within), None)
        judged += 1
        if came is None:
            quiet += one.closed is not None
        else:
            right += 1
            leads.append(came - one.opened)
    opened: dict[int, list[int]] = {}
    for one in found:  # one that stood from the start warned, too
        opened.setdefault(one.account, []).append(one.opened)
    happened = [(account, day) for account, days in outcomes.items() for day in days if first < day <= last]
    warned = sum(any(day - within <= begun < day for begun in opened.get(account, ())) for account, day in happened)
    low, high = interval(right, judged) if judged else (None, None)
    return Record(
        len(real), judged, right, right / judged if judged else None, low, high, usual, float(np.median(leads)) if leads else None,
        len(happened), warned, quiet,
    )  # fmt: skip
