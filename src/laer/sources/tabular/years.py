"""The years of a wide header (`2023`, `FY24`, `ARR 2024`), and what the amount of a year is.

A year's amount may be the MRR or the ARR at its end, or all that it brought in: names and columns beside it tell, else it is
asked. A column is called after a year for many reasons, so years make a grid only where nothing else beside them is an amount.
Years of a fiscal year need the month in which it begins; without it they are refused.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

from laer.records.periods import fiscal_year_start, month_number
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.grid_header import LONGEST, WIDEST, Month, Wide, one_measure, taken_apart, wide_of
from laer.sources.tabular.quarters import FIRST_MONTH, adds_up, said_by_names, says_amounts
from laer.sources.tabular.table import Table

FEWEST_YEARS = 2
_CALENDAR = re.compile(r"(?:cy[\s\-']*)?(20\d\d|19[89]\d)|cy[\s\-']*(\d\d)", re.ASCII)
_FISCAL = re.compile(r"fy[\s\-']*(?:\d{4}|\d\d)/(\d\d)|fy[\s\-']*(\d{4}|\d\d)|20\d\d/(\d\d)", re.ASCII)


def wide_years(table: Table, fiscal: int | None) -> Wide | None:
    """The years of a header, each by the first of its months; None where it has fewer than two beside one another, or they hold no amounts.

    Faults  UnreadableFile where they are fiscal years and nobody said in which month those begin
    """
    if len(table.header) > WIDEST:
        return None
    taken = [(place, name, *taken_apart(name)) for place, name in enumerate(table.header) if len(name) <= LONGEST]
    found = one_measure(
        [Month(place, name, number, measure, None) for place, name, plain, measure in taken if (number := _year(plain, fiscal or 1))], FEWEST_YEARS
    )
    numbers = sorted({year.number for year in found})
    if not any(after - before == 12 for before, after in pairwise(numbers)) or not says_amounts(table, [year.header for year in found]):
        return None
    named = [year.header for year in found if _FISCAL.fullmatch(taken_apart(year.header)[0])]
    if named and fiscal is None:
        raise UnreadableFile(table.title, f"fiscal years ('{named[0]}' to '{named[-1]}')", "years of the calendar ('2024') or months ('2024-01')", FIRST_MONTH)
    return wide_of(found, taken, 12)


def said_of_years(table: Table, wide: Wide) -> tuple[str | None, str]:
    """What the amount of a year is (`mrr`, `arr`, `annual`: what it brought in), None where nothing tells; and why, in words."""
    if told := said_by_names(table, wide, "years", "annual"):
        return told
    for place in wide.sums:
        if adds_up(table, place, wide.months):
            return "annual", f"the column {table.header[place]} adds the years up, which neither MRR nor ARR does"
    return None, "nothing says whether a year's amount is MRR, ARR or what the year brought in"


def _year(plain: str, fiscal: int) -> int:
    """Number of a year's first month, 0 where the text is no year."""
    if found := _CALENDAR.fullmatch(plain):
        return month_number(date(int(found[1] or 2000 + int(found[2])), 1, 1))
    if found := _FISCAL.fullmatch(plain):
        of = int(next(filter(None, found.groups())))
        return month_number(fiscal_year_start(of + 2000 * (of < 100), fiscal))
    return 0
