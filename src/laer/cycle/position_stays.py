"""Stays in states of a motion: made of what was found at several dates, and what became of those that ended."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Stay:
    """An account in a state from a day until another (left out; None: still). base: nobody saw it begin."""

    account: int
    state: str
    from_d: int
    until_d: int | None
    base: bool


def stays_of(states: pa.Table, column: str, since: dict[int, int]) -> Iterator[Stay]:
    """Stays of each account at several dates, in their order. What is unknown ends none: the state before it goes on.

    In   states  account_id, d and the column, sorted;  since  account -> the day from which it exists
    """
    ids, days, words = (states[name].to_pylist() for name in ("account_id", "d", column))
    dates = sorted(set(days))
    first = dates[0] if dates else 0
    at, state, begun, base = None, None, 0, False
    for account, day, word in zip(ids, days, words, strict=True):
        if account != at:
            if state is not None and at is not None:
                yield Stay(at, state, begun, None, base)
            at, state = account, None
        if word is None or word == state:
            continue
        if state is not None:
            yield Stay(account, state, begun, day, base)
            base = False
        else:
            base = since.get(account, first) <= first or day > _next(dates, since.get(account, first))
        state, begun = word, day
    if state is not None and at is not None:
        yield Stay(at, state, begun, None, base)


def _next(dates: Sequence[int], since: int) -> int:
    """The first of the dates, sorted, on which an account that exists since a day was looked at."""
    return dates[min(bisect_left(dates, since), len(dates) - 1)]
