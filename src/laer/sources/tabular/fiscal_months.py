"""Months of a fiscal year in a wide header (`FY26-M01`, `P03 FY26`, `Jan FY26`): read where the firm's first month is known, else refused."""

from __future__ import annotations

import re
from datetime import date

from laer.records.periods import fiscal_year_start, month_number
from laer.sources.tabular.dates import MONTHS
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.grid_header import FEWEST, LONGEST, WIDEST, Month, Wide, one_measure, taken_apart, wide_of
from laer.sources.tabular.quarters import FIRST_MONTH, says_amounts
from laer.sources.tabular.table import Table

_FY = r"fy[\s\-']*(?:(?:\d{4}|\d\d)/(?=\d\d\b))?(\d{4}|\d{2})"
_NTH = r"(?:m|p|mo|month|period|periode|monat)[\s\-.]*(\d{1,2})"
_FY_NTH = re.compile(rf"{_FY}[\s\-/_.]*{_NTH}", re.ASCII)
_NTH_FY = re.compile(rf"{_NTH}[\s\-/_.']*{_FY}", re.ASCII)
_FY_NAME = re.compile(rf"{_FY}[\s\-/_.]*([^\W\d_]+)\.?", re.ASCII)
_NAME_FY = re.compile(rf"([^\W\d_]+)\.?[\s\-/_.']*{_FY}", re.ASCII)


def wide_fiscal(header: list[str], fiscal: int | None) -> Wide | None:
    """The months of a header that names them by their fiscal year; None where it has fewer than three, or the year's first month is unknown."""
    if not fiscal or len(header) > WIDEST:
        return None
    taken = [(place, name, *taken_apart(name)) for place, name in enumerate(header) if len(name) <= LONGEST]
    found = [Month(place, name, number, measure, None) for place, name, plain, measure in taken if (number := _number(plain, fiscal)) is not None]
    found = one_measure(found)
    return wide_of(found, taken) if len({month.number for month in found}) >= FEWEST else None


def fiscal_unclear(table: Table) -> UnreadableFile | None:
    """Why the columns of a grid cannot be told to be months, where they are those of a fiscal year that begins nobody knows when."""
    months = [name for name in table.header if len(name) <= LONGEST and _number(taken_apart(name)[0], 1) is not None]
    if len(months) < FEWEST or not says_amounts(table, months):
        return None
    expected = "months of the calendar ('2024-01')"
    return UnreadableFile(table.title, f"months of a fiscal year ('{months[0]}' to '{months[-1]}')", expected, FIRST_MONTH)


def _number(plain: str, fiscal: int) -> int | None:
    """Number of a month of a fiscal year that begins in the month `fiscal`."""
    if "fy" not in plain:
        return None
    if found := _FY_NTH.fullmatch(plain):
        of, nth = int(found[1]), int(found[2])
    elif found := _NTH_FY.fullmatch(plain):
        of, nth = int(found[2]), int(found[1])
    elif (found := _FY_NAME.fullmatch(plain)) and found[2] in MONTHS:
        of, nth = int(found[1]), (MONTHS[found[2]] - fiscal) % 12 + 1
    elif (found := _NAME_FY.fullmatch(plain)) and found[1] in MONTHS:
        of, nth = int(found[2]), (MONTHS[found[1]] - fiscal) % 12 + 1
    else:
        return None
    year = of + 2000 * (of < 100)
    if not 1 <= nth <= 12 or not 1970 < year < 2099:
        return None
    first: date = fiscal_year_start(year, fiscal)
    return month_number(first) + nth - 1
