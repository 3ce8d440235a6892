"""Bands with hysteresis are a fold of the scores before them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laer.scores.bands import Held, fold, held, hold, raw
from laer.scores.peers import grid, places
from laer.scores.scorecard import Thresholds

BOUNDS = Thresholds()
NAN = float("nan")


def told(scores: list[float], limits: list[int] | None = None) -> list[str]:
    row = np.array([scores], np.float64) * 100
    found = fold(row, np.array([limits or [0] * len(scores)]), BOUNDS)[0]
    return ["green yellow red unknown".split()[place] for place in found]


def test_a_band_is_held_until_it_is_clearly_left() -> None:
    assert told([70, 68, 67, 66.99, 68, 69.99, 70]) == ["green", "green", "green", "yellow", "yellow", "yellow", "green"]
    assert told([41, 38, 36.99, 39, 40]) == ["yellow", "yellow", "red", "red", "yellow"]
    assert told([68]) == ["yellow"], "the first score has nothing to hold"


def test_an_unknown_score_has_no_band_and_what_was_held_stays_remembered() -> None:
    assert told([72, NAN, 68]) == ["green", "unknown", "green"]
    assert told([NAN, 68]) == ["unknown", "yellow"]


def test_a_cap_lets_go_of_a_band_at_once() -> None:
    assert told([72, 69.99, 69], [0, 1, 0]) == ["green", "yellow", "yellow"]
    assert told([72, 39.99, 39], [0, 2, 0]) == ["green", "red", "red"]


def plainly(scores: list[float]) -> list[str]:
    """The same said one score after the other."""
    green = yellow = None
    found = []
    for one in scores:
        green = one >= 70 or (one >= 67 and green is True)
        yellow = one >= 40 or (one >= 37 and yellow is True)
        found.append("green" if green else "yellow" if yellow else "red")
    return found


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40))
def test_the_fold_is_what_one_score_after_the_other_gives_and_may_be_cut_anywhere(scores: list[int]) -> None:
    points = [one / 100 for one in scores]
    whole = told(points)
    assert whole == plainly(points)
    state = Held.nothing(1)
    for score, band in zip(scores, whole, strict=True):
        state = hold(np.array([float(score)]), np.array([0]), state, BOUNDS)
        assert "green yellow red unknown".split()[held(np.array([float(score)]), state)[0]] == band
    assert (raw(np.array([7_000.0, 6_999, 4_000, 3_999, NAN]), BOUNDS) == [0, 1, 1, 2, 3]).all()


@given(st.lists(st.integers(-50, 50), min_size=10, max_size=60))
def test_a_place_among_peers_rises_with_the_value_and_equals_share_theirs(values: list[int]) -> None:
    there = np.array(values, np.float64)
    found = places(there, grid(there))
    order = np.argsort(there, kind="stable")
    assert np.all(np.diff(found[order]) >= 0)
    assert abs(found.mean() - 0.5) < 1e-9
    assert np.isnan(places(there, grid(there[:9]))).all(), "nine are too few to say a place"
