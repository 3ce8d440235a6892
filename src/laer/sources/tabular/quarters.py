"""The quarters of a wide header (`Q1 2024`, `2024-Q1`, `1Q24`), and what the amount of a quarter is.

A month's amount is its MRR unless something says ARR. A quarter's may be the MRR or the ARR at its end, or all that it
brought in, three times the MRR: names and columns beside it tell, else it is asked. Quarters of a fiscal year need the month
in which it begins; without it they are refused, and so are months or quarters without a year, with what would say which they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import islice

from laer.records.periods import fiscal_year_start, month_number
from laer.sources.tabular.around import around, measure_in, year_of
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.grid_header import FEWEST, LONGEST, WIDEST, Month, Wide, bare_months, in_order, is_sum, one_measure, taken_apart, wide_of
from laer.sources.tabular.headers import header_words, match_columns
from laer.sources.tabular.numbers import read_number
from laer.sources.tabular.table import Table

FEWEST_QUARTERS = 2
SAMPLE = 200
AGREE = 0.8  # share of rows that must come to one reading
READINGS = {"mrr": Decimal(1), "arr": Decimal(1) / 12, "quarterly": Decimal(1) / 3}  # of a quarter's amount: its share that is a month's
FIRST_MONTH = (
    "Say in Settings, Company (or LAER_FISCAL_YEAR_START=4 for April) in which month its fiscal year begins, which the file does not say. "
    "Or: Rename the columns to those."
)
IN_WORDS = {"mrr": "the MRR", "arr": "the ARR", "quarterly": "what the quarter brought in"}
_WORD = re.compile(r"\b(?:quarters?|quartal|qtr|trimestre|trim|kwartaal)\b\.?")
_NTH = re.compile(r"\b([1-4])(?:st|nd|rd|th|er|eme|e|o|\.)\s?q")
_Q_YEAR = re.compile(r"[qt]\.?\s?([1-4])[\s\-/_.,'’]*(?:de |of )?(\d{4}|\d{2})", re.ASCII)
_YEAR_Q = re.compile(r"(\d{4})[\s\-/_.,]*[qt]\.?\s?([1-4])", re.ASCII)
_NTH_YEAR = re.compile(r"([1-4])\s?[qt][\s\-/_.,'’]*(?:de |of )?(\d{4}|\d{2})", re.ASCII)
_BARE = re.compile(r"(?:[qt]\.?\s?[1-4]|[1-4]\s?[qt])", re.ASCII)
_FY = r"fy[\s\-']*\d{2}(?:\d{2})?(?:/\d\d)?"
_FY_Q = re.compile(r"fy[\s\-']*(?:(?:\d{4}|\d\d)/(?=\d\d\b))?(\d{4}|\d{2})[\s\-/_]*f?[qt]([1-4])", re.ASCII)
_Q_FY = re.compile(r"f?[qt]([1-4])[\s\-/_']*fy[\s\-']*(?:(?:\d{4}|\d\d)/(?=\d\d\b))?(\d{4}|\d{2})", re.ASCII)
_FISCAL = re.compile(rf"{_FY}[\s\-/_]*f?[qt][1-4]|f?[qt][1-4][\s\-/_']*{_FY}|f[qt][1-4].*", re.ASCII)
_YEAR_IN_NAME = re.compile(r"(?<!\d)20\d\d(?!\d)")


def wide_quarters(header: list[str], year: int | None = None, fiscal: int | None = None) -> Wide | None:
    """The quarters of a header, each by the first of its months; None where it has fewer than two.

    In   fiscal   the first month of the firm's fiscal year, where it is known
    """
    if len(header) > WIDEST:
        return None
    taken = [(place, name, *_plain(name)) for place, name in enumerate(header) if len(name) <= LONGEST]
    found = [Month(place, name, number, measure, None) for place, name, plain, measure in taken if (number := _quarter(plain, year, fiscal))]
    found = one_measure(found, FEWEST_QUARTERS)
    return wide_of(found, taken, 3) if len({quarter.number for quarter in found}) >= FEWEST_QUARTERS else None


def quarter_said(text: str) -> int | None:
    """Number of the first month of the calendar quarter that a text names (`Q1 2027`); None where it names none."""
    return (_quarter(_plain(text)[0], None) or None) if len(text) <= LONGEST and any(c.isdigit() for c in text) else None


def unclear(table: Table) -> UnreadableFile | None:
    """Why the columns of a grid cannot be told to be months, where they are quarters of a fiscal year or lack a year."""
    quarters = [name for name in table.header if len(name) <= LONGEST and _FISCAL.fullmatch(_plain(name)[0])]
    if len(quarters) >= FEWEST_QUARTERS and says_amounts(table, quarters):
        return UnreadableFile(
            table.title, f"quarters of a fiscal year ('{quarters[0]}' to '{quarters[-1]}')", "quarters of the calendar ('Q1 2024') or months ('2024-01')",
            FIRST_MONTH,
        )  # fmt: skip
    months = bare_months(table.header)
    for kind, bare in (("months", list(months)), ("quarters", [name for name in table.header if len(name) <= LONGEST and _BARE.fullmatch(_plain(name)[0])])):
        if len(bare) < FEWEST or not says_amounts(table, bare):
            continue
        if year_of(table) and kind == "months" and not in_order(list(months.values())):
            found, do = f"{kind} that turn over a year's end ('{bare[0]}' to '{bare[-1]}')", "Write the year into each header, as in 'Apr 2024'."
        else:
            found = f"{kind} without a year ('{bare[0]}' to '{bare[-1]}')"
            do = "Name the sheet or the file after the year, as in '2024', or write the year into the headers."
        return UnreadableFile(table.title, found, f"{kind} with their year", do)
    return None


def said_by_names(table: Table, wide: Wide, spans: str, brought_in: str) -> tuple[str, str] | None:
    """What headers, sheet or file say by their names of the amounts of `spans`; `brought_in` is what revenue means of them."""
    if said := next((m.measure for m in wide.months if m.measure), None):
        return (brought_in if said == "revenue" else said), f"the headers of the {spans} say {said.upper() if said != 'revenue' else said}"
    for where, text in around(table):
        if named := measure_in(text):
            return named, f"{where} says {named.upper()}"
        words = header_words(text).split()
        if {"revenue", "umsatz", "sales"} & set(words) and "recurring" not in words:
            return brought_in, f"{where} says revenue"
    return None


def said_of_quarters(table: Table, wide: Wide) -> tuple[str | None, str]:
    """What the amount of a quarter is (a key of `READINGS`), None where nothing tells; and why, in words."""
    if told := said_by_names(table, wide, "quarters", "quarterly"):
        return told
    places = {m.place for m in wide.months}
    stated = {target: h for h, target in match_columns(table.header, "subscription_lines").items() if target in ("mrr", "arr")}
    for target, header in stated.items():
        at = table.header.index(header)
        if at in places:
            continue
        if agreed := _agreeing(table, at, 12 if target == "arr" else 1, wide.months[-1].place):
            return agreed, f"the column {header} makes the last quarter {IN_WORDS[agreed]}"
    for place in wide.sums:
        if adds_up(table, place, wide.months):
            return "quarterly", f"the column {table.header[place]} adds the quarters up, which neither MRR nor ARR does"
    return None, "nothing says whether a quarter's amount is MRR, ARR or what the quarter brought in"


def _plain(name: str) -> tuple[str, str | None]:
    plain, measure = taken_apart(name)
    return _NTH.sub(r"\1q", _WORD.sub("q", plain)), measure


def _quarter(plain: str, year: int | None, fiscal: int | None = None) -> int:
    """Number of a quarter's first month, 0 where the text is no quarter of a calendar year, nor of a fiscal year whose first month is known."""
    if fiscal and (found := _FY_Q.fullmatch(plain) or _Q_FY.fullmatch(plain)):
        quarter, of = (int(found[2]), int(found[1])) if plain.startswith("fy") else (int(found[1]), int(found[2]))
        return month_number(fiscal_year_start(of + 2000 * (of < 100), fiscal)) + 3 * (quarter - 1)
    if found := _Q_YEAR.fullmatch(plain) or _NTH_YEAR.fullmatch(plain):
        quarter, of = int(found[1]), int(found[2])
    elif found := _YEAR_Q.fullmatch(plain):
        quarter, of = int(found[2]), int(found[1])
    elif year is not None and _BARE.fullmatch(plain):
        quarter, of = int(next(c for c in plain if c.isdigit())), year
    else:
        return 0
    of += (2000 if of < 70 else 1900) if of < 100 else 0
    return month_number(date(of, 3 * quarter - 2, 1)) if 1970 <= of < 2100 else 0


def says_amounts(table: Table, columns: list[str]) -> bool:
    """Whether columns hold amounts, of customers, and no other column does: then they are what the file is about."""
    beside = [name for name in table.header if name not in columns and not is_sum(name)]
    known = match_columns(beside, "subscription_lines").values()
    if not beside or {"mrr", "arr", "amount"} & set(known):
        return False
    places = [table.header.index(name) for name in columns]
    texts = [text for _, cells in islice(table.rows(), SAMPLE) for place in places if (text := cells[place].strip())]
    read = [value for text in texts if isinstance(value := read_number(text), Decimal)]
    return 2 * len(read) >= len(texts) > 0 and "account_id" in {*known, *match_columns(beside, "accounts").values()}


def _agreeing(table: Table, stated: int, months: int, last: int) -> str | None:
    """The reading to which nearly all rows come that have both the last quarter and an MRR or ARR beside it."""
    found = []
    for _, cells in islice(table.rows(), SAMPLE):
        said, amount = read_number(cells[stated]), read_number(cells[last])
        if isinstance(said, Decimal) and isinstance(amount, Decimal) and said > 0 and amount > 0:
            found.append(_reading(amount, said / months))
    return next((each for each in READINGS if found and found.count(each) >= AGREE * len(found)), None)


def _reading(amount: Decimal, monthly: Decimal) -> str | None:
    return next((each for each, share in READINGS.items() if abs(amount * share - monthly) <= Decimal("0.01") * monthly), None)


def adds_up(table: Table, place: int, quarters: Iterable[Month]) -> bool:
    """Whether a column is the sum of the quarters, or of those of the year that its header names."""
    year = next((int(each) for each in _YEAR_IN_NAME.findall(table.header[place])), None)
    places = [m.place for m in quarters if year is None or m.number // 12 == month_number(date(year, 1, 1)) // 12]
    told = 0
    for _, cells in islice(table.rows(), SAMPLE):
        total = read_number(cells[place])
        parts = [value for at in places if isinstance(value := read_number(cells[at]), Decimal)]
        if not isinstance(total, Decimal) or len([part for part in parts if part]) < FEWEST_QUARTERS:
            continue
        if abs(sum(parts, Decimal(0)) - total) > Decimal("0.01") * len(parts):
            return False
        told += 1
    return told > 0
