"""The share that reached a play's success with no play, read from a past that is not over for everybody."""

from __future__ import annotations

import numpy as np

from laer.cycle.play_replaying import _entries

WEEKS = tuple(range(0, 140, 7))


def test_only_who_has_had_all_of_the_days_says_how_many_reach_it_anyway() -> None:
    """A hundred enter over the last ten weeks and one in twenty reaches it in the week after; 90 days are over for nobody."""
    begun, success = [(10 + one % 10, one) for one in range(100)], np.zeros((len(WEEKS), 100))
    for one in range(0, 100, 20):
        success[min(11 + one % 10, 19), one] = 1
    assert {entry.reached for entry in _entries(np.arange(100), WEEKS, begun, {"success": success}, 0, 90)} == {None}
    over = [entry.reached for entry in _entries(np.arange(100), WEEKS, begun, {"success": success}, 0, 28) if entry.reached is not None]
    assert (sum(over), len(over)) == (5, 60)  # who entered by the last day but 28: looks 10 to 15


def test_reached_is_within_the_days_and_not_on_the_day_of_the_entry() -> None:
    success = np.zeros((5, 3))
    success[0, 0] = success[2, 1] = success[3, 2] = 1
    found = {entry.account: entry.reached for entry in _entries(np.arange(3), (0, 7, 14, 21, 28), [(0, 0), (0, 1), (0, 2)], {"success": success}, 0, 14)}
    assert found == {0: False, 1: True, 2: False}
