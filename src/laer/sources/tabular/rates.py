"""A table of exchange rates: one unit of a currency = rate units of the report's currency, for all time or per fiscal year (plan rates)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path

from laer.records.periods import fiscal_year, fiscal_year_start
from laer.sources.tabular.dates import read_date
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.values import Unreadable, normal_words, read_number

YEAR, FROM = "fiscal year", "from"
YEAR_TEXT = re.compile(r"(?:FY ?)?(\d{4})", re.ASCII | re.IGNORECASE)
Rates = dict[str, Fraction]


class NoPlanYear(ValueError):
    """The rates of a fiscal year are asked for and are not in the table: what was asked, what there is."""


@dataclass(frozen=True)
class RateTable:
    """Currency code -> exact rate.

    plain   of a file that names no year: it holds for all
    years   fiscal year -> its plan rates
    lasts   the last year's rates hold for later ones too (rates from a day)
    """

    name: str
    plain: Rates = field(default_factory=dict)
    years: Mapping[int, Rates] = field(default_factory=dict)
    lasts: bool = False

    def has(self, year: int) -> bool:
        return year in self.years or (self.lasts and bool(self.years) and year > max(self.years))

    def of(self, year: int | None) -> Rates:
        """The rates of a fiscal year; the file's only ones where none is named.

        Raises  NoPlanYear where there are none, or several and none is named
        """
        there = ", ".join(map(str, sorted(self.years)))
        if not self.years:
            if year is not None:
                raise NoPlanYear(f"{self.name} has no plan rates for {year}: it has one rate per currency, without a year")
            return self.plain
        if year is None and len(self.years) > 1:
            raise NoPlanYear(f"{self.name} has plan rates for several fiscal years: {there}; name one with --plan-year")
        if year is None:
            return next(iter(self.years.values()))
        if not self.has(year):
            raise NoPlanYear(f"{self.name} has no plan rates for {year}; there are: {there}")
        return self.years[min(year, max(self.years))]

    def nearest(self, year: int) -> int:
        """The year that stands in for one that is missing: the last before it, else the first. Only of a table with years."""
        return max((y for y in self.years if y <= year), default=min(self.years))


def rate_table(name: str, stated: Mapping[int, Rates], dated: Mapping[str, Mapping[date, Fraction]], starts: int = 1) -> RateTable:
    """The table of rates that are stated by fiscal year, and from a day on: the latter are a year's plan rates where none is stated for it.

    In   stated  fiscal year -> its rates;  dated  currency -> day -> rate from that day on;  starts  first month of the fiscal year, 1 to 12
    """
    if not any(dated.values()):
        return RateTable(name, years=dict(stated))
    years: dict[int, Rates] = {}
    first = min(fiscal_year(day, starts) for by_day in dated.values() for day in by_day)
    last = max(*_in_force(dated, starts), first, *(year + 1 for year in stated))  # later years have those of the last one, and no stated rate
    for year in range(first, last + 1):
        if found := _on(dated, fiscal_year_start(year, starts)):
            years[year] = found
    return RateTable(name, years={year: {**years.get(year, {}), **stated.get(year, {})} for year in sorted({*years, *stated})}, lasts=bool(years))


def read_rates(path: Path, starts: int = 1) -> RateTable:
    """The table from the columns currency and rate, and fiscal_year or from where it has one of them.

    A rate `from` a day holds until the next of its currency; the plan rate of a year is the one in force on its first day.

    Args    starts  first month of the fiscal year, 1 to 12
    Faults  UnreadableFile where a column is missing, or a code, rate, year or day cannot be read, or is there twice
    """
    table = next(iter(open_tables(path)))
    names = {normal_words(h): i for i, h in enumerate(table.header)}
    if not {"currency", "rate"} <= names.keys():
        raise UnreadableFile(path.name, f"the columns {', '.join(table.header)}", "the columns currency and rate")
    dated = YEAR if YEAR in names else FROM if FROM in names else None
    plain: Rates = {}
    found: dict[str, dict[date, Fraction]] = {}
    for line, cells in table.rows():
        code, rate = cells[names["currency"]].strip().upper(), read_number(cells[names["rate"]].strip())
        where = f"{path.name}, line {line}"
        if not code or rate is None or isinstance(rate, Unreadable) or rate <= 0:
            raise UnreadableFile(where, repr(", ".join(cells)), "a currency code and a rate above 0")
        plain[code] = Fraction(rate)
        if dated:
            day = _day(cells[names[dated]].strip(), dated, starts, where)
            if found.setdefault(code, {}).setdefault(day, Fraction(rate)) != Fraction(rate):
                raise UnreadableFile(where, f"a second rate for {code} in {cells[names[dated]].strip()}", "one rate per currency and year")
    if not dated:
        return RateTable(path.name, plain)
    return RateTable(path.name, years=_stated(found, starts)) if dated == YEAR else RateTable(path.name, years=_in_force(found, starts), lasts=True)


def _day(text: str, dated: str, starts: int, where: str) -> date:
    """The first day for which a rate is meant."""
    if dated == YEAR:
        said = YEAR_TEXT.fullmatch(text)
        if said and 1900 <= int(said[1]) <= 2200:
            return fiscal_year_start(int(said[1]), starts)
        raise UnreadableFile(where, repr(text), "a fiscal year of four digits, by the year in which it ends")
    day = read_date(text, "ymd")
    if day is None or isinstance(day, Unreadable):
        raise UnreadableFile(where, repr(text), "a day such as 2025-01-01")
    return day


def _stated(found: Mapping[str, Mapping[date, Fraction]], starts: int) -> dict[int, Rates]:
    years: dict[int, Rates] = {}
    for code, by_day in found.items():
        for day, rate in by_day.items():
            years.setdefault(fiscal_year(day, starts), {})[code] = rate
    return years


def _in_force(found: Mapping[str, Mapping[date, Fraction]], starts: int) -> dict[int, Rates]:
    days = [day for by_day in found.values() for day in by_day]
    years: dict[int, Rates] = {}
    last = fiscal_year(max(days), starts) if days else 0
    last += bool(days) and max(days) > fiscal_year_start(last, starts)  # in force on the first day of the year after
    for year in range(fiscal_year(min(days), starts), last + 1) if days else ():
        if rates := _on(found, fiscal_year_start(year, starts)):
            years[year] = rates
    return years


def _on(found: Mapping[str, Mapping[date, Fraction]], day: date) -> Rates:
    """The rates in force on a day."""
    rates: Rates = {}
    for code, by_day in found.items():
        known = sorted(by_day)
        if place := bisect_right(known, day):
            rates[code] = by_day[known[place - 1]]
    return rates
