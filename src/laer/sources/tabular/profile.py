"""What the values of a column can be read as: a quick look at a sample, and a watch over the whole column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from laer.sources.tabular.cells import spelled
from laer.sources.tabular.dates import shape_of
from laer.sources.tabular.grid_header import month_of
from laer.sources.tabular.quarters import quarter_said
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import (
    ERRORS,
    STATED,
    NumberStyle,
    Unreadable,
    affix,
    is_absent,
    is_open,
    is_serial,
    read_boolean,
    read_date,
    read_integer,
    read_number,
)

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_CODE = re.compile(r"[+]?0[0-9]|\+")  # leading zeros and phone numbers are names, not quantities
_PLAIN_BOOLEAN = frozenset(spelled("true false yes no y n t f x 1 0 ja nein oui non wahr falsch vrai faux"))  # a lone `s` may be a size
_DATE_NAME = re.compile(r"\b(?:date|datum|fecha|data)\b|\b(?:on|at|am|since|until)$")
_NOT_MIDNIGHT = re.compile(r"[1-9]|[pP]\.?[mM]")
HEAVIEST = 50_000_000  # characters of a sample
MANY = 50_000  # distinct values remembered per column; beyond it some are looked at again


def reads_as(kind: str, text: str) -> bool:
    """Whether a filled cell can be read as a kind under some order or style."""
    if kind in ("date", "instant"):
        return any(type(read_date(text, order)) is not Unreadable for order in ("dmy", "mdy"))
    if kind == "boolean":
        return type(read_boolean(text)) is not Unreadable
    if kind == "decimal":
        return any(type(read_number(text, style)) is not Unreadable for style in ("point", "comma"))
    if kind == "integer":
        return any(type(read_integer(text, style)) is not Unreadable for style in ("point", "comma"))
    return True


def reads_in(kind: str, text: str) -> bool:
    """Whether a filled cell of a column that is named as one of a kind can be read: `45292` is a day there, `1.2k` a number."""
    if kind == "date" and (month_of(text) is not None or quarter_said(text)):  # a month without a day: which is meant is decided over the column
        return True
    return reads_as(kind, text) or (kind in STATED and type(STATED[kind](text)) is not Unreadable)


def _says_nothing(kind: str, text: str) -> bool:
    """Whether a cell is left out when a column's values are counted: empty in words, a failed formula, or a day that is not to come."""
    return is_absent(text) or text.casefold() in ERRORS or (kind == "date" and is_open(text))


class Sample:
    """The first rows of a table, by column."""

    def __init__(self, table: Table, size: int) -> None:
        self.rows: list[list[str]] = []
        self.header = table.header
        size, weight, self.complete = table.lot_of(size), 0, True
        for _, cells in table.rows() if table.header else ():
            if len(self.rows) == size or weight > HEAVIEST:
                self.complete = False
                break
            self.rows.append(cells)
            weight += sum(map(len, cells))
        self.size = len(self.rows)
        self._values = {name: Counter(filter(None, (row[i].strip() for row in self.rows))) for i, name in enumerate(table.header)}
        self._shares: dict[tuple[str, str], float] = {}

    def values(self, name: str) -> Counter[str]:
        """Filled cells of a column with their counts."""
        return self._values[name]

    def share(self, name: str, kind: str, words: tuple[str, ...] = ()) -> float | None:
        """Share of the filled cells that read as a kind (or are among the words); None where all are empty."""
        values = self._values[name]
        if not values:
            return None
        if words:
            return sum(n for text, n in values.items() if text.casefold() in words) / values.total()
        if (name, kind) not in self._shares:
            said = {text: n for text, n in values.items() if kind not in STATED or not _says_nothing(kind, text)}
            self._shares[name, kind] = sum(n for text, n in said.items() if reads_in(kind, text)) / sum(said.values()) if said else 1.0
        return self._shares[name, kind]


class Watch:
    """Narrows down what a column can be, over every distinct value it has."""

    def __init__(self, commas: bool = False) -> None:
        self.style = NumberStyle(commas)
        self.filled = False
        self.kinds = {"boolean", "integer", "decimal", "date"}
        self.affixes: set[str] = set()
        self._seen: set[str] = set()
        self._binary = True
        self._timed = False
        self._telling = self._dated = self._serial = False

    def see(self, texts: Iterable[str]) -> None:
        new = set(texts) - self._seen
        if len(self._seen) < MANY:
            self._seen |= new
        for cell in new:
            text = cell.strip()
            if not text:
                continue
            self.filled = True
            self.style.see(text)
            if self.kinds and not is_absent(text):
                self._telling = True
                self._narrow(text)

    def _narrow(self, text: str) -> None:
        self._binary = self._binary and text in ("0", "1")
        for kind in tuple(self.kinds):
            fits = bool(_INTEGER.fullmatch(text)) if kind == "integer" else reads_as(kind, text)
            if fits and kind == "boolean":
                fits = text.casefold() in _PLAIN_BOOLEAN
            if fits and kind == "date" and (shape := shape_of(text)):
                self._dated = True
                self._timed = self._timed or bool(_NOT_MIDNIGHT.search(shape.rest))
            elif kind == "date" and is_serial(text):
                fits = self._serial = True
            if fits and kind == "decimal":
                self.affixes.add(affix(text))
                fits = len(self.affixes) == 1 and not _CODE.match(text)
            if not fits:
                self.kinds.discard(kind)

    def kind(self, header_words: str) -> str:
        """The type of a custom field. Names and codes stay text, as do amounts in several currencies and times of day."""
        if not self._telling or header_words.endswith((" id", " number", " code", "phone", "zip", "postcode")) or header_words in ("id", "code", "number"):
            return "text"
        flag = header_words.startswith(("is ", "has ")) or header_words.endswith((" flag", " yn"))
        if "boolean" in self.kinds and (not self._binary or flag):
            return "boolean"
        if "date" in self.kinds and self._serial and not self._dated and _DATE_NAME.search(header_words):
            return "date"  # Excel's days, without a format
        kind = next((kind for kind in ("integer", "decimal", "date") if kind in self.kinds), "text")
        return "text" if kind == "date" and self._timed else kind

    def consistent(self, kind: str) -> bool:
        """Whether a decimal column reads in one style throughout."""
        style = self.style.decide()
        return kind != "decimal" or all(is_absent(text) or type(read_number(text, style)) is not Unreadable for text in self._seen)


def whole_columns(table: Table, names: Iterable[str], size: int = 5000) -> Iterator[dict[str, set[str]]]:
    """The distinct values of columns, chunk by chunk, in one pass over the file."""
    places = {name: table.header.index(name) for name in names}
    for _, rows in table.chunks(size):
        yield {name: {row[i] for row in rows} for name, i in places.items()}
