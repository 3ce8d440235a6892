"""A table of a file: a header and a stream of rows that can be read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from laer.sources.tabular.cells import BLANKS
from laer.sources.tabular.files import UnreadableFile

MOST_COLUMNS = 4_000  # a wider header is no table of records
MOST_CELLS = 2_000_000  # held at once by a lot of rows
LONGEST_NAME = 200  # characters of a column's name
SURPLUS = ""  # the header under which cells beyond the last column are kept
Row = tuple[int, list[str]]


class Known(NamedTuple):
    """What a reader knows of the table that it made, so that nothing is guessed and nobody is asked.

    record   the record type
    columns  target by header
    why      in words, and by header
    end      what its ends mean, and why in a sentence
    through  number of the last month that it speaks of
    """

    record: str
    columns: dict[str, str]
    why: str
    reasons: dict[str, str]
    end: str
    end_why: str
    through: int


class Table:
    """One sheet or delimited file.

    file     its name as shown to people
    sheet    name of the sheet, None for delimited files
    header   column names: trimmed, unique (`amount (2)`), unnamed columns called `column 3`
    notes    what a person should know of how it was read
    known    what needs no guess, None for a table as it stands in the file
    """

    known: Known | None = None

    def __init__(self, path: Path, file: str, sheet: str | None = None) -> None:
        self.path, self.file, self.sheet = path, file, sheet
        self.header: list[str] = []
        self._notes: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<{self.title}: {len(self.header)} columns>"

    @property
    def title(self) -> str:
        return f"{self.file} / {self.sheet}" if self.sheet else self.file

    @property
    def notes(self) -> list[str]:
        return list(self._notes.values())

    @property
    def done(self) -> float:
        """Share of the file that the newest `rows()` has taken in, 0 to 1."""
        return 0.0

    def note(self, about: str, text: str) -> None:
        """Keep one note about a thing: the first."""
        self._notes.setdefault(about, text)

    def rows(self) -> Iterator[Row]:
        """(line on which the row starts, cells as they stand). Blank rows are left out, short ones padded with ''.

        A row with more non-empty cells than the header has one cell more: the surplus, joined, under the header ''.
        """
        raise NotImplementedError

    def chunks(self, size: int) -> Iterator[tuple[list[int], list[list[str]]]]:
        """The rows in lots of `size`, fewer where they are wide: lines, and cells."""
        rows, size = self.rows(), self.lot_of(size)
        while lot := list(islice(rows, size)):
            lines, cells = zip(*lot, strict=True)
            yield list(lines), list(cells)

    def lot_of(self, size: int) -> int:
        """How many rows to hold at once."""
        return max(1, min(size, MOST_CELLS // max(1, len(self.header))))

    def named(self, first: list[str], sample: Iterable[list[str]]) -> list[str]:
        """The header from the first row. A header that no record has is refused before anything is compared with it."""
        width = len(first)
        while width and not first[width - 1].strip():
            width -= 1
        header = header_of(first[:width], sample) if width <= MOST_COLUMNS else []
        if (width := max(width, len(header))) > MOST_COLUMNS:
            what_to_do = "Look at the first row: the file may lie on its side, or lack line breaks."
            raise UnreadableFile(self.title, f"a header of {width:,} columns", f"at most {MOST_COLUMNS:,}", what_to_do)
        return header

    def raw(self, cells: list[str]) -> dict[str, str]:
        """The row as it stood, by header."""
        row = dict(zip(self.header, cells, strict=False))
        if len(cells) > len(self.header):
            row[SURPLUS] = cells[-1]
        return row

    def fit(self, line: int, cells: list[str]) -> list[str]:
        """Pad a short row; join what lies beyond the last column of a long one."""
        width = len(self.header)
        if len(cells) < width:
            return cells + [""] * (width - len(cells))
        beyond = cells[width:]
        while beyond and not beyond[-1].strip():
            beyond.pop()
        if not beyond:
            return cells[:width]
        self.note("surplus", f"Row {line} has more cells than the header ({width + len(beyond)} against {width}); the rest is kept under an empty name.")
        return [*cells[:width], ", ".join(beyond)]


def is_blank(cells: list[str]) -> bool:
    return not "".join(cells).strip()


def header_of(cells: Iterable[str], sample: Iterable[list[str]] = ()) -> list[str]:
    """Column names from the header row: trimmed and unique; widened where most rows of the sample have more cells."""
    names = [_cut(BLANKS.sub(" ", cell[: 10 * LONGEST_NAME].replace("\ufeff", "")).strip()) for cell in cells]
    used = [max((i for i, cell in enumerate(row, 1) if cell.strip()), default=0) for row in sample]
    while names and not names[-1]:
        names.pop()
    longer = Counter(width for width in used if width > len(names))
    if used and sum(longer.values()) > len(used) / 2:
        names += [""] * (longer.most_common(1)[0][0] - len(names))
    header: dict[str, None] = {}
    taken = set(filter(None, names))
    times: Counter[str] = Counter()
    for place, name in enumerate(names, 1):
        unique = wanted = name or f"column {place}"
        again = max(1, times[wanted])
        while unique in header or (unique != name and unique in taken):
            again += 1
            unique = f"{wanted} ({again})"
        times[wanted] = again
        header[unique] = None
    return list(header)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
