"""Episodes open, hold and close as a fold; a record judges only what is over, and never flatters."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laer.metrics.company import wilson
from laer.signals.episodes import Episode, episodes, hold, record

TRUTH = st.sampled_from([1.0, 0.0, math.nan])


def by_hand(when: list[float], close: list[float], dates: list[int]) -> list[tuple[int, int | None, bool]]:
    """One account, told step by step: the plain reading of the method's page."""
    found, since, base, known = [], None, False, False
    for day, opens, closes in zip(dates, when, close, strict=True):
        if since is None and opens == 1:
            since, base = day, not known
        elif since is not None and opens != 1 and closes == 1:
            found.append((since, day, base))
            since = None
        known = known or not math.isnan(opens)
    return found + ([(since, None, base)] if since is not None else [])


@given(st.lists(st.tuples(TRUTH, TRUTH), min_size=1, max_size=12), st.integers(1, 4))
def test_episodes_are_what_the_steps_say(rows: list[tuple[float, float]], accounts: int) -> None:
    dates = [7 * n for n in range(len(rows))]
    when, close = (np.array([[row[at]] * accounts for row in rows]) for at in (0, 1))
    found = episodes(list(range(1, accounts + 1)), dates, when, close)
    expected = by_hand([row[0] for row in rows], [row[1] for row in rows], dates)
    for account in range(1, accounts + 1):
        assert [(e.opened, e.closed, e.base) for e in found if e.account == account] == expected


@given(st.lists(st.tuples(TRUTH, TRUTH), min_size=1, max_size=12))
def test_it_is_a_fold(rows: list[tuple[float, float]]) -> None:
    """What stands after all dates is what each date makes of what stood before it: a pass needs only yesterday."""
    standing = np.array([False])
    for opens, closes in rows:
        standing = hold(np.array([opens]), np.array([closes]), standing)
    dates = list(range(len(rows)))
    found = episodes([1], dates, np.array([[r[0]] for r in rows]), np.array([[r[1]] for r in rows]))
    assert bool(standing[0]) == any(e.closed is None for e in found)


def test_unknown_opens_nothing_and_closes_nothing() -> None:
    nan = math.nan
    found = episodes([1], [0, 1, 2, 3, 4], np.array([[0.0], [nan], [1.0], [nan], [0.0]]), np.array([[1.0], [nan], [0.0], [nan], [1.0]]))
    assert found == [Episode(1, 2, 4, base=False)]


def test_what_stands_at_the_first_look_is_no_event() -> None:
    found = episodes([1, 2], [0, 7], np.array([[1.0, math.nan], [1.0, 1.0]]), np.array([[0.0, 0.0], [0.0, 0.0]]))
    assert [(e.account, e.base) for e in found] == [(1, True), (2, True)]


def test_a_record_by_hand() -> None:
    """Ten weeks. Four episodes opened after the first look: one right after 10 days, one quiet, one still within its days, one at the start."""
    found = [Episode(1, 7, 30, False), Episode(2, 7, 21, False), Episode(3, 60, None, False), Episode(4, 0, None, True)]
    outcomes = {1: [17], 3: [61], 4: [20], 5: [40]}
    made = record(found, outcomes, within=28, first=0, last=70, usual=0.1, interval=wilson)
    assert (made.fired, made.judged, made.right, made.quiet) == (3, 2, 1, 1)  # the third is not over: that it was right already does not count
    assert made.precision == 0.5
    assert made.lead == 10
    assert (made.outcomes, made.warned) == (4, 3)  # that of account 5 came without a warning; the one that stood from the start warned, too
    assert made.lift == 5
    assert made.low is not None
    assert made.high is not None
    assert 0 < made.low < 0.5 < made.high < 1


def test_nothing_judged_is_unknown_and_not_zero() -> None:
    made = record([Episode(1, 60, None, False)], {}, within=28, first=0, last=70, usual=None, interval=wilson)
    assert made.precision is None
    assert made.low is None
    assert made.lift is None
    assert made.fired == 1
