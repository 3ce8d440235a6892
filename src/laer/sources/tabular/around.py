"""What is written around a table of amounts: its titles, the name of its sheet, that of its file. The nearest counts first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from laer.sources.tabular.headers import header_words

if TYPE_CHECKING:
    from laer.sources.tabular.table import Table

SAID = {"mrr": ("mrr", "monthly recurring"), "arr": ("arr", "annual recurring", "annualized recurring", "annualised recurring")}
_ENDING = re.compile(r"[.][a-z]+$")
_YEAR_IN_NAME = re.compile(r"(?<!\d)20\d\d(?!\d)")


def around(table: Table) -> Iterator[tuple[str, str]]:
    """(where it stands, text), the nearest first. A title that names two measures (`MRR and ARR`) says neither, and is left out."""
    for title in table.titles:
        if sum(_has(title, telling) for telling in SAID.values()) < 2:
            yield f"the title '{title[:60]}'", title
    yield "the name of the sheet", table.sheet or ""
    yield "the name of the file", _ENDING.sub("", table.file.lower())


def measure_in(text: str) -> str | None:
    """`mrr` or `arr`, where a text names one."""
    return next((measure for measure, telling in SAID.items() if _has(text, telling)), None)


def year_of(table: Table) -> int | None:
    """The one year that the titles, else the sheet, else the file name; a text with other figures may be a day's."""
    titles = [year for title in table.titles if (year := _year_in(title))]
    if len(set(titles)) == 1:
        return titles[0]
    return next((year for name in (table.sheet or "", _ENDING.sub("", table.file.lower())) if (year := _year_in(name))), None)


def _year_in(text: str) -> int | None:
    years = _YEAR_IN_NAME.findall(text)
    return int(years[0]) if len(years) == 1 and not re.search(r"\d", _YEAR_IN_NAME.sub("", text)) else None


def _has(text: str, telling: tuple[str, ...]) -> bool:
    words = f" {header_words(text)} "
    return any(f" {each} " in words for each in telling)
