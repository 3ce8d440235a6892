"""The rows that scorecards and positions read, as arrays: each column is turned once, whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from laer.conditions.arrays import Coded, Truths, truths
from laer.conditions.tree import Condition
from laer.metrics.catalogue import Measure
from laer.scores.points import HOLDS, HOLDS_NOT, UNSAID, Numbers, Said

RATIO_PLACES = 12
SAID = np.array([HOLDS_NOT, UNSAID, HOLDS], np.int8)  # by FALSE, UNKNOWN, TRUE


class Read:
    """Columns of cards join them as they are made. In: rows: account_id x d, sorted."""

    def __init__(self, rows: pa.Table, measures: Mapping[str, Measure], of_cards: Mapping[str, Measure]) -> None:
        self.rows, self.measures, self.of_cards = rows, measures, of_cards
        self.days: npt.NDArray[np.int32] = rows["d"].to_numpy()
        self.dates = np.unique(self.days)
        accounts = rows["account_id"].to_numpy()
        self.ids: npt.NDArray[np.int64] = accounts
        self.place: npt.NDArray[np.int64] = np.arange(len(accounts))
        if len(self.dates) > 1:
            self.ids, self.place = np.unique(accounts, return_inverse=True)
        self._values: dict[str, Numbers | Coded] = {}
        self._since: dict[str, Numbers] = {}
        self._asked: dict[Condition, Truths] = {}

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        for name, column in columns.items():
            self.rows = self.rows.append_column(name, column)

    def at(self, day: int) -> npt.NDArray[np.int64]:
        """The places of the rows of a date."""
        return np.arange(len(self.days)) if len(self.dates) < 2 else np.flatnonzero(self.days == day)

    def value(self, name: str) -> Numbers | Coded:
        """A column as it is: texts coded, flags 1 and 0, dates day numbers; NaN where it is unknown."""
        if name not in self._values:
            if name not in self.rows.column_names:
                raise ValueError(f"no column {name}; there are: {', '.join(self.rows.column_names)}")
            self._values[name] = values_of(self.rows[name])
        return self._values[name]

    def number(self, name: str) -> Numbers:
        """A column as normalisers take it: of a date the days since then."""
        if self.kind(name) != "date":
            found = self.value(name)
            assert not isinstance(found, Coded), f"{name} is a text"
            return found
        if name not in self._since:
            day = self.value(name)
            assert not isinstance(day, Coded), f"{name} is a text"
            self._since[name] = self.days - day
        return self._since[name]

    def text(self, name: str) -> Coded:
        found = self.value(name)
        assert isinstance(found, Coded), f"{name} is no text"
        return found

    def kind(self, name: str) -> str:
        found = self.measures.get(name) or self.of_cards.get(name)
        return found.kind if found else "number"

    def truths(self, conditions: Mapping[str, Condition]) -> dict[str, Said]:
        """Each condition row by row, as points take them. Days are counted from each row's own."""
        return {name: SAID[truths(condition, self, self._asked)] for name, condition in conditions.items()}


def values_of(column: pa.ChunkedArray) -> Numbers | Coded:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        told = column.combine_chunks().dictionary_encode()
        codes = told.indices.fill_null(-1).to_numpy().astype(np.int32, copy=False)
        return Coded(codes, tuple(told.dictionary.to_pylist()))
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()  # type: ignore[no-any-return]


def nullable(values: Numbers) -> pa.Array:
    """Numbers as a column; NaN is null. Nothing is copied."""
    known = np.packbits(~np.isnan(values), bitorder="little")
    return pa.Array.from_buffers(pa.float64(), len(values), [pa.py_buffer(known), pa.py_buffer(np.ascontiguousarray(values, np.float64))])


def quotient(a: Numbers, b: Numbers) -> Numbers:
    """a / b as `records.expr.ratio` has it on an engine: unknown where b is 0 or unknown, rounded so that equal ratios compare equal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Numbers = np.where(b == 0, np.nan, a / b)
        return np.asarray(np.round(found, RATIO_PLACES), np.float64)
