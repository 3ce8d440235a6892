"""What stays in states say together: how long accounts are in one, where they go from it, and how many were in it at the end of each month.

Method: docs/methods/position.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from laer.flow.positions import AHEAD

FAR = 2**31 - 1
YEAR = 365  # days in which what began or ended is counted


@dataclass(frozen=True, slots=True)
class Stay:
    """An account in a state from a day until another (left out, FAR: still). base: nobody saw it begin; ends_base: it left by no move of its own."""

    account: int
    state: str
    from_d: int
    until_d: int
    base: bool = False
    ends_base: bool = False


@dataclass(frozen=True)
class Went:
    """Of `ended` stays in a state that ended within the year, `on` went on to a state ahead of it in the same motion."""

    ended: int = 0
    on: int = 0

    @property
    def share(self) -> float | None:
        return self.on / self.ended if self.ended else None


def spans(stays: Iterable[Stay], day: int) -> dict[str, list[tuple[int, bool]]]:
    """State -> (days, whether it has ended) of each stay that was seen to begin within the year; those that go on are counted up to the day.

    A stay of which nobody saw the beginning has no length, and one that ended by no move of its own is as long as it was seen.
    """
    found: dict[str, list[tuple[int, bool]]] = {}
    for stay in stays:
        if not stay.base and stay.from_d > day - YEAR:
            over = stay.until_d != FAR and not stay.ends_base
            found.setdefault(stay.state, []).append((min(stay.until_d, day) - stay.from_d, over))
    return found


def went_on(motion: str, stays: Sequence[Stay], day: int) -> dict[str, Went]:
    """State -> what became of the stays that ended within the year. In: stays of one motion, sorted by account and beginning."""
    counts: dict[str, list[int]] = {}
    for at, stay in enumerate(stays):
        if stay.until_d == FAR or stay.ends_base or stay.until_d <= day - YEAR:
            continue
        after = stays[at + 1] if at + 1 < len(stays) else None
        ahead = AHEAD[motion].get(stay.state, ())
        count = counts.setdefault(stay.state, [0, 0])
        count[0] += 1
        count[1] += after is not None and after.account == stay.account and after.from_d == stay.until_d and after.state in ahead
    return {state: Went(*count) for state, count in counts.items()}


def at_days(stays: Iterable[Stay], days: Sequence[int]) -> dict[str, list[int | None]]:
    """State -> how many accounts were in it at the end of each day; None before anything was known. In: stays of one motion; days in their order."""
    given = list(stays)
    begun = min((stay.from_d for stay in given), default=FAR)
    found: dict[str, list[int | None]] = {stay.state: [None if day < begun else 0 for day in days] for stay in given}
    for stay in given:
        counts = found[stay.state]
        for at, day in enumerate(days):
            count = counts[at]
            if count is not None and stay.from_d <= day < stay.until_d:
                counts[at] = count + 1
    return found
