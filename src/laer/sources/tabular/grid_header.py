"""The months of a wide header: which columns are months, of which measure, and which only sum months up.

A month is written in many ways (`Jan-24`, `January 2024`, `2024-01`, `2024M01`, a row of dates, Excel's serial numbers).
What can be read in two ways (`01/02/2024`, `01/24`) is read in the one that gives every column a month of its own. Months
without a year (`Jan`, `Feb`) are those of the one year that the sheet or the file is named after.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from laer.records.periods import last_day, month_number
from laer.sources.tabular.dates import MONTHS, ORDERS, shape_of

FEWEST = 3  # months that make a grid
WIDEST = 5_000  # columns; no grid of months is wider
LONGEST = 40  # characters of a header that may be a month
MEASURES = {
    "mrr": "mrr", "monthly recurring revenue": "mrr", "arr": "arr", "annual recurring revenue": "arr", "revenue": "revenue", "recurring revenue": "revenue",
    "umsatz": "revenue", "ingresos": "revenue", "revenu": "revenue",
}  # fmt: skip
_AGAIN = re.compile(r" \(\d+\)$")  # how a header that stands twice was made unique
_NAME_YEAR = re.compile(r"([^\W\d_]+)\.?[\s\-/.,'’]*(?:de |of )?['’]?(\d{4}|\d{2})", re.ASCII)
_YEAR_NAME = re.compile(r"(\d{4})[\s\-/.,]*([^\W\d_]+)\.?")
_YEAR_MONTH = re.compile(r"(\d{4})\s?[-/._ ]\s?(\d{1,2})", re.ASCII)
_YEAR_M = re.compile(r"(\d{4})[\s\-_]?m(\d{1,2})", re.ASCII)
_M_YEAR = re.compile(r"m(\d{1,2})[\s\-/_]*(\d{4})", re.ASCII)
_MONTH_YEAR = re.compile(r"(\d{1,2})\s?[-/._]\s?(\d{4}|\d{2})", re.ASCII)
_COMPACT = re.compile(r"(20\d{2})(\d{2})", re.ASCII)
_SERIAL = re.compile(r"[2-7]\d{4}", re.ASCII)
_MEASURE = re.compile(
    rf"(?:({'|'.join(sorted(MEASURES, key=len, reverse=True))})[\s:_\-–(]+)?(.+?)(?:[\s:_\-–(]+({'|'.join(sorted(MEASURES, key=len, reverse=True))})\)?)?"
)
_YEAR = r"(?:19|20)?\d{2}"
_SUM = re.compile(
    rf"(?:(?:grand |row |sub)?-?\s?totals?|sum|summe|gesamt(?:summe)?|total general|average|avg|mean|ytd|ltm|ttm)(?:[\s\-]*(?:fy)?{_YEAR})?"
    rf"|(?:fy|cy)[\s\-']*{_YEAR}(?:/\d\d)?|20\d\d(?:[\s\-]*(?:total|ytd|sum))?|[qh][1-4][\s\-/']*(?:fy)?{_YEAR}|20\d\d[\s\-/]*[qh][1-4]|fy[\s\-']*{_YEAR}[\s\-/]*[qh][1-4]"
)
_EXCEL_ZERO = date(1899, 12, 30)


class Month(NamedTuple):
    """A column of a month: where it stands, its header, its month number, the measure its header names."""

    place: int
    header: str
    number: int
    measure: str | None
    day: int | None


class Wide(NamedTuple):
    """months   one per column, oldest first; of a quarter the first of its months
    sums     places of columns that only sum months up (totals, quarters, years)
    twice    two headers of one month, or None
    span     months of a column: 1, of a grid of quarters 3
    """

    months: list[Month]
    sums: list[int]
    twice: tuple[str, str] | None
    span: int = 1


def wide_header(header: list[str], year: int | None = None, fewest: int = FEWEST) -> Wide | None:
    """The months of a header, None where it has too few or columns that read as days rather than months.

    In   year     of months that stand without one
         fewest   months that make a grid: of two that stand alone, more must be known (`grid.as_grid`)
    """
    if len(header) > WIDEST:
        return None
    taken = [(place, name, *taken_apart(name)) for place, name in enumerate(header) if len(name) <= LONGEST]
    if year is not None and (bare := bare_months(header)) and in_order(list(bare.values())):
        taken = [(place, name, f"{plain} {year}" if name in bare else plain, measure) for place, name, plain, measure in taken]
    texts = [(place, name, plain, measure) for place, name, plain, measure in taken if any(c.isdigit() for c in plain)]
    if len(texts) < fewest:
        return None
    months = [m for place, name, plain, measure in texts for m in _plain_month(place, name, plain, measure)]
    sure = {m.place for m in months}
    rest = [each for each in texts if each[0] not in sure]
    readings = [_in_order(rest, how) for how in (*ORDERS, "serial", "compact", "month-year")]
    fullest: list[Month] = max(readings, key=len)
    months += fullest
    months = one_measure(months, fewest)
    if len(months) < fewest or not _same_day_of_month(months) or len({m.number % 12 for m in months}) == 1:
        return None  # `Jan 10`, `Jan 11`: days, or one month of several years
    return wide_of(months, taken)


def month_said(text: str) -> int | None:
    """The month that a text names in one way only: `2026-03`, `Mar 2026`, a day of it; None where it names none."""
    return next((m.number for m in _plain_month(0, text, taken_apart(text)[0], None)), None) if len(text) <= LONGEST and text.strip() else None


def wide_of(months: list[Month], taken: Iterable[tuple[int, str, str, str | None]], span: int = 1) -> Wide:
    """A header's months in their order, and what beside them sums them up."""
    months.sort(key=lambda m: (m.number, m.place))
    count = Counter(m.number for m in months)
    twice = next((number for number in count if count[number] > 1), None)
    pair = [m.header for m in months if m.number == twice][:2]
    there = {m.place for m in months}
    sums = [place for place, name, plain, _ in taken if place not in there and _SUM.fullmatch(plain)]
    return Wide(months, sums, (pair[0], pair[1]) if pair else None, span)


def is_sum(name: str) -> bool:
    """Whether a header says that its column only sums others up."""
    return len(name) <= LONGEST and bool(_SUM.fullmatch(taken_apart(name)[0]))


def month_of(name: str) -> int | None:
    """The month after which a sheet is named (`Jan 2025`, `MRR 2025-01`); None where it names none, or a day."""
    plain, measure = taken_apart(name)
    found = next(iter(_plain_month(0, name, plain, measure)), None) if len(name) <= LONGEST else None
    return found.number if found and found.day is None else None


def bare_months(header: Iterable[str]) -> dict[str, int]:
    """Headers that are the name of a month and no year -> the month, where there are enough of them."""
    plain = {name: taken_apart(name)[0].rstrip(".") for name in header if len(name) <= LONGEST}
    found = {name: MONTHS[text] for name, text in plain.items() if text in MONTHS}
    return found if len(found) >= FEWEST else {}


def in_order(numbers: list[int]) -> bool:
    """Whether they go one way: what turns over a year's end (Apr to Mar) belongs to two years."""
    return numbers == sorted(set(numbers)) or numbers == sorted(set(numbers), reverse=True)


def taken_apart(name: str) -> tuple[str, str | None]:
    """The header in plain lower-case letters without the measure it names, and the measure."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", _AGAIN.sub("", name).strip().casefold()) if not unicodedata.combining(c))
    found = _MEASURE.fullmatch(plain)
    if not found:
        return plain, None
    said = found[1] or found[3]
    return found[2].strip(" ()"), MEASURES[said] if said else None


def _plain_month(place: int, name: str, plain: str, measure: str | None) -> Iterable[Month]:
    """The month that a header names in one way only."""
    year, month, day = 0, 0, None
    if found := _NAME_YEAR.fullmatch(plain):
        year, month = int(found[2]), MONTHS.get(found[1], 0)
    elif found := _YEAR_NAME.fullmatch(plain):
        year, month = int(found[1]), MONTHS.get(found[2], 0)
    elif found := _YEAR_MONTH.fullmatch(plain) or _YEAR_M.fullmatch(plain):
        year, month = int(found[1]), int(found[2])
    elif found := _M_YEAR.fullmatch(plain) or (_MONTH_YEAR.fullmatch(plain) if plain[-4:].isdigit() else None):
        year, month = int(found[2]), int(found[1])
    elif (shape := shape_of(plain)) and shape.fixed and (on := shape.day("ymd")):
        year, month, day = on.year, on.month, on.day
    yield from _month(place, name, measure, year, month, day)


def _in_order(rest: list[tuple[int, str, str, str | None]], how: str) -> list[Month]:
    """The months of headers that can be read in several ways, read in one of them; none where two of them come to one month."""
    found: list[Month] = []
    for place, name, plain, measure in rest:
        if how in ORDERS:
            shape = shape_of(plain)
            on = shape.day(how) if shape and not shape.fixed else None
        elif how == "serial":
            on = _EXCEL_ZERO + timedelta(days=int(plain)) if _SERIAL.fullmatch(plain) else None
        else:
            parts = (_COMPACT if how == "compact" else _MONTH_YEAR).fullmatch(plain)
            year, month = (int(parts[1]), int(parts[2])) if parts and how == "compact" else (int(parts[2]), int(parts[1])) if parts else (0, 0)
            found += _month(place, name, measure, year, month, None)
            continue
        if on:
            found += _month(place, name, measure, on.year, on.month, on.day)
    days = {(m.number, m.day) for m in found}
    return found if _same_day_of_month(found) and len(days) == len({m.number for m in found}) else []


def _month(place: int, name: str, measure: str | None, year: int, month: int, day: int | None) -> Iterable[Month]:
    if 0 < year < 100:
        year += 2000 if year < 70 else 1900
    if 1 <= month <= 12 and 1970 <= year < 2100:
        yield Month(place, name, month_number(date(year, month, 1)), measure, day)


def one_measure(months: list[Month], fewest: int = FEWEST) -> list[Month]:
    """Where columns of several measures stand side by side, the MRR; the others stay what they are."""
    by_measure: dict[str | None, list[Month]] = {}
    for month in months:
        by_measure.setdefault(month.measure, []).append(month)
    if len(by_measure) == 1:
        return months
    return next((by_measure[m] for m in ("mrr", None, "arr", "revenue") if len(by_measure.get(m, ())) >= fewest), [])


def _same_day_of_month(months: list[Month]) -> bool:
    """A row of dates stands for months when each is the first, or the last, or the same day of its month."""
    days = [m.day for m in months if m.day is not None]
    return len(set(days)) <= 1 or all(m.day == last_day(m.number).day for m in months if m.day is not None)
