"""Where a table stands in its file: title rows above it, a header in one row or in two.

The first filled row is the header, as in nearly all files. It is a title only where it is much narrower than the rows
below it and one of these is clearly the header: several distinct texts over values of another kind, or names that our
records know. An ordinary file is never read otherwise than before, however odd its rows are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from statistics import median

from laer.sources.tabular.cells import BLANKS, Unreadable
from laer.sources.tabular.dates import read_date
from laer.sources.tabular.grid_header import month_said
from laer.sources.tabular.headers import ALL_OF, RECORDS, header_words, synonyms
from laer.sources.tabular.numbers import read_number

SEARCHED = 30  # filled rows among which the header is looked for
BODY = 60  # rows below it that are looked at
RULES, SHORTEST_RULE = "-=_–—+| \t", 3  # what rules are drawn with
WIDEST = 3000  # columns; nothing is looked for in wider files
LONGEST_NAME = 200  # characters; longer texts are prose
_YEAR = re.compile(r"(?:19|20)\d\d")
_MONEY = re.compile(r"(?:in )?[kKtTmM]?(?:EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|CAD|AUD|JPY|[€$£])[kKmM]?(?: ?'?000s?)?")
_UNIT = re.compile(
    rf"[(\[]?(?:{_MONEY.pattern}|date|datum|text|string|number|zahl|integer|decimal|boolean|yes/no|y/n|ja/nein|%|#|months?|monate|days?|tage|years?|pcs|qty"
    r"|(?:dd|tt|mm|yyyy|jjjj|yy|jj)(?:[-./ ](?:dd|tt|mm|yyyy|jjjj|yy|jj))+)[)\]]?", re.IGNORECASE
)
_REMARK = re.compile(r"\(.{1,80}\)|\[.{1,80}\]")  # what a row of units says of the other columns

Row = tuple[int, list[str]]
Range = tuple[tuple[int, int], tuple[int, int]]  # of merged cells: first and last (row, column), from 0


@dataclass(frozen=True)
class Aside:
    """A row of the file that is no record: a title, a header said again, a subtotal, a total or a footer."""

    line: int
    kind: str  # title, header, heading, subtotal, total or footer
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """names   cells of the header, both rows joined where it has two
    line    on which the header ends: records stand below it
    below   place of the first row after it among the rows given
    titles  rows above it
    upper   line of the upper one of two header rows
    said    the header's rows as they stand, to know them again further down
    below_rows  line of a header that stands below the rows that it names, or among them; 0 where it stands above them
    units   what a row below the names says of their columns (`EUR`, `dd/mm/yyyy`); that row is then the line on which the header ends
    """

    names: list[str]
    line: int
    below: int = 1
    titles: tuple[Row, ...] = ()
    upper: int | None = None
    said: tuple[list[str], ...] = ()
    units: tuple[str, ...] = ()
    below_rows: int = 0

    @property
    def names_line(self) -> int:
        """Line of the names, which units may stand below."""
        return self.line - bool(self.units)


def find_layout(rows: Sequence[Row], merged: Sequence[Range] = ()) -> Layout:
    """The layout of a table by its first filled rows (at least one)."""
    return _with_units(_named_layout(rows, merged), rows)


def _with_units(found: Layout, rows: Sequence[Row]) -> Layout:
    """The layout with the row of units that stands right below the names, where there is one: an amount's column takes its currency along."""
    if found.below >= len(rows) or rows[found.below][0] != found.line + 1:
        return found
    cells = rows[found.below][1]
    said = [cells[place].strip() for place in filled(cells)]
    units = [text for text in said if _UNIT.fullmatch(text)]
    if len(units) < 2 or not all(text in units or _REMARK.fullmatch(text) for text in said):
        return found
    money = {place: text for place in filled(cells) if _MONEY.fullmatch(text := cells[place].strip(" ()[]"))}
    names = [f"{name} ({money[place]})" if place in money and name.strip() else name for place, name in enumerate(found.names)]
    return replace(found, names=names, line=found.line + 1, below=found.below + 1, said=(*found.said, cells), units=tuple(units))


def _named_layout(rows: Sequence[Row], merged: Sequence[Range]) -> Layout:
    widths = [len(filled(cells)) for _, cells in rows[: SEARCHED + BODY]]
    usual = median(widths[1:]) if len(widths) > 1 else 0
    if max(widths) > WIDEST:
        return _one_row(rows, 0)
    first = _two_rows(rows, 0, merged)
    if first or widths[0] >= usual or (widths[0] >= 3 and 2 * widths[0] > usual):
        return first or _one_row(rows, 0)
    widest = widths[0]
    for place in range(1, min(len(rows), SEARCHED)):
        narrow = widest <= 2 or 2 * widest <= widths[place]
        if narrow and (found := _two_rows(rows, place, merged)):
            return found
        if widths[place] > max(1, widest) and names_what_is_below(rows[place][1], _cells(rows, place + 1)):
            known_above = known_names(rows[0][1]) >= max(2, known_names(rows[place][1]))
            return _one_row(rows, place if narrow and not known_above else 0)
        widest = max(widest, widths[place])
    return _one_row(rows, 0)


def _one_row(rows: Sequence[Row], at: int) -> Layout:
    return Layout(rows[at][1], rows[at][0], at + 1, tuple(rows[:at]), said=(rows[at][1],))


def _two_rows(rows: Sequence[Row], at: int, merged: Sequence[Range]) -> Layout | None:
    """The layout whose header is this row and the next; None where the two are no header."""
    if at + 1 >= len(rows) or rows[at + 1][0] != rows[at][0] + 1:
        return None
    names = _joined(rows[at], rows[at + 1], _cells(rows, at + 2), merged)
    return Layout(names, rows[at + 1][0], at + 2, tuple(rows[:at]), rows[at][0], (rows[at][1], rows[at + 1][1])) if names else None


def _cells(rows: Sequence[Row], start: int) -> list[list[str]]:
    return [cells for _, cells in rows[start : start + BODY]]


def is_rule(cells: Sequence[str]) -> bool:
    """Whether a row is a rule drawn of dashes, as reports have them between a header and its rows."""
    text = "".join(cells).strip()
    return len(text) >= SHORTEST_RULE and text[0] in RULES and not text.strip(RULES)


def filled(cells: Sequence[str]) -> list[int]:
    """Places of the cells that hold something."""
    return [place for place, cell in enumerate(cells) if cell and not cell.isspace()]


def names_what_is_below(cells: Sequence[str], body: Sequence[Sequence[str]], places: Sequence[int] | None = None) -> bool:
    """Whether a row is the header of the rows below: distinct names, as wide as they are, over values or known by name.

    In     places   the columns whose names and values speak, where not all of them do
    """
    named = filled(cells)
    kinds = {place: kind_of(cells[place]) for place in named}
    texts = [place for place in named if kinds[place] == "text"]
    if any(kind == "number" and not _YEAR.fullmatch(cells[place].strip()) for place, kind in kinds.items()):
        return False
    distinct = {cells[place].strip().casefold() for place in named}
    if any(len(cells[place]) > LONGEST_NAME for place in texts) or len(distinct) * 2 <= len(named) or not texts:
        return False
    if len(texts) < 2 and len(named) - len(texts) < 3:  # names, or a name and the dates of a grid
        return False
    if not body:
        return known_names(cells) >= 2
    taken = set(named) | ({0} if 0 not in named and _months_below(body) else set())
    inside = sum(1 for row in body for place in filled(row) if place in taken)
    everywhere = sum(len(filled(row)) for row in body)
    wide = sum(len(filled(row)) >= 2 for row in body)
    if inside < 0.9 * everywhere or 2 * wide < len(body):
        return False
    speaking = named if places is None else places
    if known_names([cells[place] for place in speaking]) >= 2:
        return True
    return any(_over_values(place, body) for place in speaking if kinds[place] == "text" or len(named) - len(texts) >= 3)


def _months_below(body: Sequence[Sequence[str]]) -> bool:
    """Whether a first column without a name holds months: those of a grid on its side."""
    said = [row[0] for row in body if row and row[0].strip()]
    return len(said) > 1 and 3 * sum(month_said(text) is not None for text in said) >= 2 * len(said)


def _over_values(place: int, body: Sequence[Sequence[str]]) -> bool:
    """Whether a column holds numbers or dates, and not texts as its header does."""
    kinds = [kind for row in body if place < len(row) and (kind := kind_of(row[place]))]
    return bool(kinds) and 2 * sum(kind != "text" for kind in kinds) > len(kinds)


def _joined(upper: Row, lower: Row, body: Sequence[Sequence[str]], merged: Sequence[Range]) -> list[str] | None:
    """Names of a header in two rows, groups above columns: `Owner Name`. None where the two are not that."""
    width = max((place + 1 for row in (upper[1], lower[1], *body) for place in filled(row)), default=0)
    above, under = _padded(upper[1], width), _padded(lower[1], width)
    row = upper[0] - 1
    groups = [(left, right) for (top, left), (_, right) in merged if top == row and right > left]
    if any(left == 0 and right >= width - 1 for left, right in groups):
        return None  # a title across the whole table
    starts, subs = filled(above), filled(under)
    if not starts or any(kind_of(above[place]) != "text" and not _YEAR.fullmatch(above[place].strip()) for place in starts):
        return None
    owner = list(above)
    if groups:
        if starts[0] == 0 and len(starts) == 1:
            return None  # a title
        for left, right in groups:
            owner[left : right + 1] = [above[left]] * (min(right, width - 1) - left + 1) if left < width else []
    else:
        gaps = any(after - before > 1 for before, after in pairwise(starts))
        again = any(after - before == 1 and above[before].strip() == above[after].strip() for before, after in pairwise(starts))
        if not (gaps or again) or (known_names(under) >= 2 and len(subs) == width and not again):
            return None  # columns side by side; or names enough of their own, and titles above them
        for start, end in zip(starts, [*starts[1:], width], strict=True):
            owner[start:end] = [above[start]] * (end - start)
    apart = [place for place in range(width) if place not in subs and not above[place].strip() and not (groups and owner[place].strip())]
    if any(place < len(row) and row[place].strip() for row in body for place in apart):
        return None  # a gap in both rows is no column, unless it only keeps blocks apart
    for place in apart:
        owner[place] = ""
    if len({under[place].strip().casefold() for place in subs}) < 2:
        return None
    if any(kind_of(under[place]) == "number" and not _YEAR.fullmatch(under[place].strip()) for place in subs):
        return None
    names = _recognised([_join(group, name) for group, name in zip(owner, under, strict=True)], under)
    return names if names_what_is_below(names, body, subs) else None


def _recognised(joined: list[str], under: Sequence[str]) -> list[str]:
    """A column whose own name says what it is keeps that where its group's makes it unknown: `ARR`, and not `Revenue ARR`."""
    known = _all_names()
    own = [BLANKS.sub(" ", name).strip() for name in under]
    times = Counter(name.casefold() for name in (*own, *joined))
    return [
        name if header_words(whole) not in known and header_words(name) in known and times[name.casefold()] == 1 else whole
        for whole, name in zip(joined, own, strict=True)
    ]


def _join(group: str, name: str) -> str:
    group, name = BLANKS.sub(" ", group).strip(), BLANKS.sub(" ", name).strip()
    return name if name.casefold() == group.casefold() else f"{group} {name}".strip()


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


def kind_of(cell: str) -> str:
    """number, date or text; '' where empty."""
    text = cell.strip()
    if not text:
        return ""
    if any(type(read_number(text, style)) is not Unreadable for style in ("point", "comma")):
        return "number"
    if any(type(read_date(text, order)) is not Unreadable for order in ("dmy", "mdy")):
        return "date"
    return "text"


def known_names(cells: Sequence[str]) -> int:
    """How many cells are names of columns that some record has."""
    known = _all_names()
    return sum(header_words(cells[place]) in known for place in filled(cells) if len(cells[place]) <= LONGEST_NAME)


@lru_cache(maxsize=1)
def _all_names() -> frozenset[str]:
    return frozenset(name for record in RECORDS if record not in ALL_OF for names in synonyms(record).values() for name in names)
