"""An account's place among its peers: between 0 for the lowest value and 1 for the highest, equal values sharing the middle of theirs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
FEWEST = 10  # peers: among fewer, a place says nothing
KEPT = 200  # values of a group that are kept, evenly from its lowest to its highest


def grid(values: Numbers) -> Numbers:
    """What is kept of a group's values, sorted: all of them, or as many quantiles."""
    there = np.sort(values[~np.isnan(values)])
    if len(there) <= KEPT:
        return there
    return there[np.round(np.linspace(0, len(there) - 1, KEPT)).astype(int)]


def places(values: Numbers, among: Numbers) -> Numbers:
    """In: values; among: a group's grid. Out: NaN where a value is unknown, or the group too small."""
    if len(among) < FEWEST:
        return np.full(len(values), np.nan)
    steps, often = np.unique(among, return_counts=True)
    below = np.concatenate([[0], np.cumsum(often)])  # of how many each step is greater; of all, beyond the last
    found = np.searchsorted(steps, values)
    same = steps[np.minimum(found, len(steps) - 1)] == values
    places = np.round(np.array([below, below + np.append(often / 2, 0.0)]) / len(among), 12)
    made = places[same.astype(np.int64), found]
    made[np.isnan(values)] = np.nan
    return np.asarray(made)
