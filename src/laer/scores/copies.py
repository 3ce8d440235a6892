"""Rows that stand in a table more than once: exact copies say nothing anew, and one to learn from beside one to judge by would be a look at the answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laer.scores.columns import Floats, Table

APART = 0.9  # of the different rows, how many differ in one number alone: then two rows are not alike by chance


def without_copies(table: Table, truth: Floats, time: Floats | None = None) -> NDArray[np.int64]:
    """The rows, each once, in their order. A row counts as a copy only where it knows a number that tells rows apart: of three yes-or-no
    columns, and where that number is unknown, many rows are alike and each is one.

    Copies agree in every column, in the outcome and in the time.
    """
    every = np.arange(len(truth), dtype=np.int64)
    numbers = [column for column in table.values() if column.dtype.kind == "f"]
    if len(truth) < 2 or not numbers:
        return every
    columns = [_codes(column) for column in (*table.values(), truth, *(() if time is None else (time,)))]
    _, first = np.unique(np.column_stack(columns), axis=0, return_index=True)
    if len(first) == len(every):
        return every
    told = np.zeros(len(every), bool)
    for column in numbers:
        known = column[first][~np.isnan(column[first])]
        if len(known) and len(np.unique(known)) >= APART * len(known):
            told |= ~np.isnan(column)
    once = np.zeros(len(every), bool)
    once[first] = True
    return every[once | ~told]


def _codes(column: NDArray) -> NDArray[np.int64]:  # type: ignore[type-arg]
    if column.dtype.kind == "f":
        return np.asarray(np.unique(column, return_inverse=True, equal_nan=True)[1].reshape(-1), dtype=np.int64)
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in column.tolist()], dtype=np.int64)
