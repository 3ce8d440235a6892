"""Which rule decides: the first that holds, and none behind one of which too little is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle.position_stays import Stay, stays_of
from laer.cycle.positions import OTHERWISE, first_of

TRUTHS = st.sampled_from([0.0, 1.0, np.nan])


def test_the_first_that_holds_decides_and_what_is_unknown_before_it_leaves_the_state_open() -> None:
    truths = [np.array([0, 1, np.nan, 0, 0]), np.array([1, 1, 1, np.nan, 0]), np.array([0, 0, 0, 1, 0])]
    assert first_of(truths, 5).tolist() == [1, 0, -1, -2, OTHERWISE]


@given(st.lists(st.lists(TRUTHS, min_size=3, max_size=3), min_size=1, max_size=6))
def test_it_is_what_a_reader_of_the_rules_from_above_finds(rules: list[list[float]]) -> None:
    found = first_of([np.array(rule) for rule in rules], 3)
    for row in range(3):
        wanted = OTHERWISE
        for place, rule in enumerate(rules):
            if np.isnan(rule[row]):
                wanted = -1 - place
                break
            if rule[row]:
                wanted = place
                break
        assert found[row] == wanted


def states(*rows: tuple[int, int, str | None]) -> pa.Table:
    return pa.table({"account_id": [r[0] for r in rows], "d": [r[1] for r in rows], "s": pa.array([r[2] for r in rows], pa.string())})


def test_stays_of_several_dates_go_on_through_what_is_unknown() -> None:
    found = list(stays_of(states((1, 10, "a"), (1, 20, None), (1, 30, "a"), (1, 40, "b"), (2, 20, "a"), (2, 30, "a"), (3, 30, None)), "s", {1: 0, 2: 15, 3: 25}))
    assert found == [Stay(1, "a", 10, 40, True), Stay(1, "b", 40, None, False), Stay(2, "a", 20, None, False)]


def test_an_account_that_was_there_before_its_state_was_known_begins_as_base() -> None:
    found = list(stays_of(states((1, 10, "b"), (2, 10, None), (2, 20, "a")), "s", {1: 0, 2: 5}))
    assert [stay.base for stay in found if stay.account == 2] == [True]
