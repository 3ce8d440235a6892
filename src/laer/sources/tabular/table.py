"""A table of a file: a header and a stream of rows that can be read again.

Rows that are no records (titles, totals, small print) are set aside, kept in `aside` and told in a note. Most files have
none: what could be one is looked for by its label, and only then is the file gone through for the sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from laer.sources.tabular.cells import BLANKS
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.header_below import header_below, is_headless
from laer.sources.tabular.hints import hint_of
from laer.sources.tabular.labels import label_of, may_be_label
from laer.sources.tabular.layout import Aside, Layout, Range, Row, filled, find_layout, is_rule
from laer.sources.tabular.title_units import unit_said, with_unit
from laer.sources.tabular.totals import Survey

MOST_COLUMNS = 4_000  # a wider header is no table of records
MOST_CELLS = 2_000_000  # held at once by a lot of rows
LONGEST_NAME = 200  # characters of a column's name
SURPLUS = ""  # the header under which cells beyond the last column are kept
LOT = 1000
Lot = tuple[list[int], list[list[str]]]


class Known(NamedTuple):
    """What a reader knows of the table that it made, so that nothing is guessed and nobody is asked.

    record   the record type
    columns  target by header
    why      in words, and by header
    end      what its ends mean, and why in a sentence
    through  number of the last month that it speaks of
    per      for which period an amount is, where it is no MRR or ARR; None: nothing tells; and what does, in a sentence
    """

    record: str
    columns: dict[str, str]
    why: str
    reasons: dict[str, str]
    end: str
    end_why: str
    through: int
    per: str | None = None
    per_why: str = ""


class Table:
    """One sheet or delimited file.

    file     its name as shown to people
    sheet    name of the sheet, None for delimited files
    header   column names: trimmed, unique (`amount (2)`), unnamed columns called `column 3`
    notes    what a person should know of how it was read
    known    what needs no guess, None for a table as it stands in the file
    aside    rows that are no records, in the order of the file: those above the header at once, the others once they were reached
    commas   it is written as where commas are decimal: numbers that can be read in two ways (`1.200`) are thousands
    unit     what a title says of all amounts (`EUR thousands`), '' where none does
    titles   what stands above the header
    secret   its sheet is hidden in the workbook
    hint     `churned` where the sheet's or the file's name says that its accounts left
    """

    known: Known | None = None
    commas = False
    unit = ""
    titles: tuple[str, ...] = ()
    secret = False

    def __init__(self, path: Path, file: str, sheet: str | None = None) -> None:
        self.path, self.file, self.sheet = path, file, sheet
        self.header: list[str] = []
        self.hint = hint_of(file, sheet)
        self._notes: dict[str, str] = {}
        self._layout = Layout([], 0)
        self._aside: list[Aside] = []
        self._skip: set[int] | None = None  # lines of rows below the header that are no records; None as long as nothing looked like one

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

    def note(self, about: str, text: str, *, anew: bool = False) -> None:
        """Keep one note about a thing: the first, unless what is known of it since says it anew."""
        if anew:
            self._notes[about] = text
        self._notes.setdefault(about, text)

    @property
    def aside(self) -> list[Aside]:
        return list(self._aside)

    def rows(self) -> Iterator[Row]:
        """(line on which the row starts, cells as they stand). Blank rows are left out, short ones padded with ''.

        A row with more non-empty cells than the header has one cell more: the surplus, joined, under the header ''.
        """
        for lines, rows in self.chunks(LOT):
            yield from zip(lines, rows, strict=True)

    def chunks(self, size: int) -> Iterator[Lot]:
        """The rows in lots of at most `size`: lines, and cells."""
        width, after = len(self.header), self._layout.line
        first = True
        for lines, rows in self._lots(self.lot_of(size)):
            if lines[0] > after and set(map(len, rows)) == {width} and all(map(str.strip, firsts := [cells[0] for cells in rows])):
                if self._skip is None and self._looks_odd(firsts):
                    self._survey()
                if self._skip is None or self._skip.isdisjoint(lines):
                    yield lines, rows
                    continue
            below = [(line, cells) for line, cells in zip(lines, rows, strict=True) if line > after and not is_blank(cells)]
            if self._skip is None and below and (self._looks_odd([next(filter(str.strip, cells)) for _, cells in below]) or any(map(_starts_late, below))):
                self._survey()
            if below and first:  # a list that begins with a row of one cell may be one of groups
                first = False
                if self._skip is None and width > 2 and len(filled(below[0][1])) == 1:
                    self._survey()
            skip = self._skip or ()
            kept = [(line, cells if len(cells) == width else self.fit(line, cells)) for line, cells in below if line not in skip]
            if kept:
                yield [line for line, _ in kept], [cells for _, cells in kept]

    def _lots(self, size: int) -> Generator[Lot, None, None]:
        """Every row of the file, blank ones too, with the line it starts on."""
        raise NotImplementedError

    def _foot_reached(self) -> bool:
        """Whether small print may stand below the table, and the newest lot may reach it."""
        return False

    def _lay_out(self, rows: Sequence[Row], merged: Sequence[Range] = ()) -> None:
        """Find the header among the first filled rows."""
        self.named(max((cells for _, cells in rows[:5]), key=len), ())  # refused before its names are compared
        layout = find_layout(rows, merged)
        if is_headless(layout, rows):
            layout = header_below(rows, (row for lines, lot in self._lots(LOT) for row in zip(lines, lot, strict=True))) or layout
        self._layout = layout
        names = list(layout.names)
        self.unit = unit_said(cells for _, cells in layout.titles)
        self.titles = tuple(cell.strip() for _, cells in layout.titles for cell in cells if cell.strip())
        if self.unit:
            names, told = with_unit(names, self.unit)
            whose = ", ".join(told[:4]) if told else "the amounts of its months"
            self.note("unit", f"The title says that amounts are in {self.unit}: {whose} {'are' if len(told) != 1 else 'is'} read so.")
        self.header = self.named(names, (cells for _, cells in rows[layout.below :]))
        self._aside = [Aside(line, "title", tuple(cells)) for line, cells in layout.titles]
        if layout.titles:
            first = next(cell.strip() for cell in layout.titles[0][1] if cell.strip())
            header = layout.below_rows or layout.upper or layout.names_line
            where = "is a title" if len(layout.titles) == 1 else f"and {len(layout.titles) - 1} more above the header are titles"
            self.note("titles", f"Row {layout.titles[0][0]:,} {where} ('{first[:60]}'); the header is row {header:,}.")
        if layout.below_rows:
            text = f"Row {layout.below_rows:,} is the header: it stands below rows that it names, as a sort leaves it. Those above it were read too."
            self.note("header below", text)
        if layout.upper is not None:
            both = f"{layout.upper:,} and {layout.names_line:,}"
            self.note("two rows", f"The header stands in two rows, {both}; they were joined, as in '{_longest(self.header)}'.")
        if layout.units:
            self._aside.append(Aside(layout.line, "units", tuple(layout.said[-1])))
            self.note("units", f"Row {layout.line:,} below the header says units ({', '.join(layout.units[:4])}) and is no record.")

    def _looks_odd(self, firsts: list[str]) -> bool:
        """Whether, by their first filled cells, some of these rows may be no records."""
        text = "\n".join(chain(("",), firsts, ("",)))
        if any(f"\n{name}\n" in text for row in self._layout.said if (name := next(filter(str.strip, row), ""))):
            return True
        if "\n--" in text or "\n==" in text or "\n__" in text:
            return True
        if may_be_label(text) and any(may_be_label(f"\n{first.strip()}\n") and label_of(first.strip()) for first in firsts):
            return True
        return self._foot_reached()

    def _survey(self) -> None:
        """Go through the file once for what is no record."""
        self._skip = set()
        found = Survey(self.header, self._layout.said, self.commas)
        for lines, rows in self._lots(LOT):
            for line, cells in zip(lines, rows, strict=True):
                if line > self._layout.line:
                    found.see(line, cells)
        found.close()
        self._skip = found.lines
        self._aside += sorted(found.asides, key=lambda aside: aside.line)
        if self._layout.below_rows and [aside.line for aside in found.asides if aside.kind == "header"] == [self._layout.below_rows]:
            found.notes.pop("header again", None)
        for about, text in found.notes.items():
            self.note(about, text)

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


class TableOver(Table):
    """A table made of the rows of another: its notes, what it set aside and how far it is are the other's."""

    def __init__(self, table: Table) -> None:
        super().__init__(table.path, table.file, table.sheet)
        self._table, self.commas, self.unit, self.titles, self.secret = table, table.commas, table.unit, table.titles, table.secret

    @property
    def notes(self) -> list[str]:
        return [*self._table.notes, *super().notes]

    @property
    def aside(self) -> list[Aside]:
        return self._table.aside

    @property
    def done(self) -> float:
        return self._table.done

    def rows(self) -> Iterator[Row]:
        raise NotImplementedError

    def chunks(self, size: int) -> Iterator[Lot]:
        rows, size = self.rows(), self.lot_of(size)
        while lot := list(islice(rows, size)):
            yield [line for line, _ in lot], [cells for _, cells in lot]


def _starts_late(row: Row) -> bool:
    """Whether a row has nothing in its first column, and a number first: a total without a label may be such a row."""
    return not row[1][0].strip() and next(filter(str.strip, row[1])).strip()[0] in "0123456789€$£-(+"


def _longest(names: list[str]) -> str:
    return max(names, key=lambda name: len(name.split()))


def is_blank(cells: list[str]) -> bool:
    """Whether a row says nothing: empty, or a rule drawn of dashes as reports have them."""
    return not "".join(cells).strip() or is_rule(cells)


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
