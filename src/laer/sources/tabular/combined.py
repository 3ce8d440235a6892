"""Tables that say one thing in several places: a sheet per month, an amount in a column per currency. Read as the one table that they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from laer.records.periods import month_name
from laer.sources.tabular.currency_signs import IN_HEADERS, SIGNS, currency_named
from laer.sources.tabular.grid_header import month_of
from laer.sources.tabular.headers import header_words, synonyms
from laer.sources.tabular.layout import Aside, Row
from laer.sources.tabular.numbers import read_number
from laer.sources.tabular.table import Table, TableOver

AMOUNTS = ("mrr", "arr", "amount")
MONTH, CURRENCY = "Month", "Currency"


class SheetsOfMonths(TableOver):
    """The sheets of a workbook that are named after months and have one header: a row per customer and month."""

    def __init__(self, sheets: Sequence[Table], months: Sequence[int]) -> None:
        super().__init__(sheets[0])
        self.sheets = [sheet for _, sheet in sorted(zip(months, sheets, strict=True), key=lambda pair: pair[0])]
        self._months = sorted(months)
        self.sheet = f"{self.sheets[0].sheet} to {self.sheets[-1].sheet}"
        self.header = [*sheets[0].header, MONTH]
        names = ", ".join(sheet.sheet or "" for sheet in self.sheets[:24])
        self.note("sheets", f"{len(sheets)} sheets, one for each month, were read as one table ({names}).")

    @property
    def notes(self) -> list[str]:
        below = chain.from_iterable([f"Sheet {sheet.sheet}: {note}" for note in sheet.notes] for sheet in self.sheets)
        return [*below, *self._notes.values()]

    @property
    def aside(self) -> list[Aside]:
        return [aside for sheet in self.sheets for aside in sheet.aside]

    def rows(self) -> Iterator[Row]:
        width = len(self.header) - 1
        for sheet, month in zip(self.sheets, self._months, strict=True):
            for line, cells in sheet.rows():
                yield line, [*cells[:width], month_name(month), *cells[width:]]


class OneAmount(TableOver):
    """A table with an amount in a column per currency, one of them filled in each row: the amount and its currency."""

    def __init__(self, table: Table, amounts: list[_Amount]) -> None:
        super().__init__(table)
        self._amounts = amounts
        left = {amount.place for amount in amounts}
        self._beside = [place for place in range(len(table.header)) if place not in left]
        self.header = [*(table.header[place] for place in self._beside), amounts[0].name, CURRENCY]
        columns = ", ".join(table.header[amount.place] for amount in amounts)
        self.note("currencies", f"{columns} hold one amount in several currencies: each row has it in one of them.")

    def rows(self) -> Iterator[Row]:
        width = len(self._table.header)
        for line, cells in self._table.rows():
            said = next((amount for amount in self._amounts if _says(cells[amount.place])), None)
            zero = next((amount for amount in self._amounts if cells[amount.place].strip()), None)
            stated = said or zero
            amount, currency = (cells[stated.place], stated.currency) if stated else ("", "")
            yield line, [*(cells[place] for place in self._beside), amount, currency, *cells[width:]]


class _Amount(NamedTuple):
    place: int
    name: str
    currency: str


def one_amount(table: Table) -> Table:
    """The table with one amount and its currency where its columns say that; else the table itself.

    Rows with amounts in two currencies say one amount twice (converted): then nothing is joined.
    """
    known = {name for column in AMOUNTS for name in synonyms("subscription_lines").get(column, ())}
    currencies = synonyms("subscription_lines")["currency"]
    groups: dict[str, list[_Amount]] = {}
    for place, header in enumerate(table.header):
        if currency := currency_named(header):
            words = " ".join(word for word in header_words(header).split() if word.upper() not in IN_HEADERS and word not in SIGNS)
            if words in known:
                groups.setdefault(words, []).append(_Amount(place, words.upper() if words in AMOUNTS[:2] else words, currency))
    several = [amounts for amounts in groups.values() if len({amount.currency for amount in amounts}) == len(amounts) > 1]
    if len(several) != 1 or any(header_words(header) in currencies for header in table.header):
        return table
    if any(sum(_says(cells[amount.place]) for amount in several[0]) > 1 for _, cells in table.rows()):
        return table
    return OneAmount(table, several[0])


def of_months(tables: Sequence[Table]) -> SheetsOfMonths | None:
    """Those of the sheets that are named after months of their own and have one header, as one table; None where no two do."""
    found: dict[tuple[str, ...], list[tuple[int, Table]]] = {}
    for table in tables:
        if table.sheet and (month := month_of(table.sheet)):
            found.setdefault(tuple(map(header_words, table.header)), []).append((month, table))
    fullest = max(found.values(), key=len, default=[])
    months = [month for month, _ in fullest]
    return SheetsOfMonths([table for _, table in fullest], months) if 2 <= len(months) == len(set(months)) else None


def _says(text: str) -> bool:
    """Whether a cell holds an amount: a nought in one currency beside an amount in another says none."""
    return bool(text.strip()) and read_number(text.strip()) != 0
