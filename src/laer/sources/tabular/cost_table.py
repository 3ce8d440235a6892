"""A list or grid of costs read as one row per month: a column of months, or a column per month, becomes dates.

Only a file, a sheet or a column that says cost is looked at, so that nothing else is read another way. A blank cell of a
grid makes no row: nobody said that nothing was spent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from laer.records.periods import first_day
from laer.sources.tabular.around import year_of
from laer.sources.tabular.cells import spelled
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.grid_header import Wide, month_said, wide_header
from laer.sources.tabular.headers import header_words, match_columns
from laer.sources.tabular.layout import Row
from laer.sources.tabular.table import Table, TableOver

COSTS = frozenset(spelled("cost costs expense expenses spend spending opex kosten ausgaben"))
BLANK = frozenset(spelled("- -- – — n/a na n.a. nil null none nan .")) | {""}
_SUFFIX = re.compile(r"[.][a-z]+$")


def says_costs(table: Table) -> bool:
    """Whether the name of the file, of the sheet or of a column says cost."""
    names = [f"{_SUFFIX.sub('', table.file.lower())} {table.sheet or ''}", *(name for name in table.header if len(name) <= 60)]
    return any(COSTS & set(in_english(header_words(name)).split()) for name in names)


class CostGrid(TableOver):
    """The cells of a grid of months, a row each: the columns beside the months as they stand, then `month` and `cost`."""

    def __init__(self, table: Table, wide: Wide) -> None:
        super().__init__(table)
        left = {m.place for m in wide.months} | set(wide.sums)
        self._months = [(m.place, first_day(m.number).isoformat()) for m in wide.months]
        self._beside = [place for place in range(len(table.header)) if place not in left]
        self.header = [table.header[place] for place in self._beside] + ["month", "cost"]
        self.note("grid", f"A grid of {len(wide.months)} months of costs; a blank is not entered and makes no row.")
        if wide.sums:
            self.note("sums", f"Left out, because they sum months up: {', '.join(table.header[place] for place in wide.sums)}.")

    def rows(self) -> Iterator[Row]:
        for line, cells in self._table.rows():
            beside = [cells[place] for place in self._beside]
            for place, month in self._months:
                if cells[place].strip().casefold() not in BLANK:
                    yield line, [*beside, month, cells[place]]


class CostMonths(TableOver):
    """A list with a column of months (`2026-03`, `Mar 2026`), which become their first days; what reads as none stays as it is."""

    def __init__(self, table: Table, place: int) -> None:
        super().__init__(table)
        self.header, self._place = list(table.header), place

    def rows(self) -> Iterator[Row]:
        for line, cells in self._table.rows():
            number = month_said(cells[self._place])
            if number is not None:
                cells = [*cells]
                cells[self._place] = first_day(number).isoformat()
            yield line, cells


def as_costs(table: Table) -> Table | None:
    """The table as rows of costs by month; None where it is none."""
    if not table.header or not says_costs(table):
        return None
    wide = wide_header(table.header, year_of(table))
    if wide is not None and not wide.twice:
        beside = [name for place, name in enumerate(table.header) if place not in {m.place for m in wide.months}]
        return CostGrid(table, wide) if {"motion", "kind"} & set(match_columns(beside, "costs").values()) else None
    known = {target: name for name, target in match_columns(table.header, "costs").items()}
    return CostMonths(table, table.header.index(known["month"])) if {"month", "motion", "amount"} <= known.keys() else None
