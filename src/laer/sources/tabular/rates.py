"""A table of exchange rates: one unit of a currency = rate units of the report's currency."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.values import Unreadable, normal_words, read_number


def read_rates(path: Path) -> dict[str, Fraction]:
    """Currency code -> exact rate, from the columns currency and rate.

    Faults  UnreadableFile where a column is missing, or a code or rate cannot be read
    """
    table = next(iter(open_tables(path)))
    names = {normal_words(h): i for i, h in enumerate(table.header)}
    if not {"currency", "rate"} <= names.keys():
        raise UnreadableFile(path.name, f"the columns {', '.join(table.header)}", "the columns currency and rate")
    rates = {}
    for line, cells in table.rows():
        code, rate = cells[names["currency"]].strip().upper(), read_number(cells[names["rate"]].strip())
        if not code or rate is None or isinstance(rate, Unreadable) or rate <= 0:
            raise UnreadableFile(f"{path.name}, line {line}", repr(", ".join(cells)), "a currency code and a rate above 0")
        rates[code] = Fraction(rate)
    return rates
