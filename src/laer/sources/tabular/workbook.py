"""Spread-sheets (XLSX and what else calamine reads): every sheet with rows, cells as the text a person would type."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from laer.sources.tabular.cells import Unreadable
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.hidden import hidden_rows
from laer.sources.tabular.labels import is_footer
from laer.sources.tabular.layout import Range, Row, filled
from laer.sources.tabular.numbers import read_number
from laer.sources.tabular.package import EXPECTED, REPAIR, look_through
from laer.sources.tabular.table import Lot, Table, is_blank

FOOT = 100  # rows at the end in which small print is looked for


class SheetTable(Table):
    """One sheet of a workbook, held in memory as calamine reads it (streaming a sheet is not possible).

    A formula without a stored value stands as its own text, so that it is unreadable rather than empty.
    """

    def __init__(self, path: Path, file: str, sheet: CalamineSheet, formulas: dict[int, dict[int, str]]) -> None:
        super().__init__(path, file, sheet.name)
        self._sheet, self._formulas = sheet, formulas
        errors = [(line, text) for line, row in sorted(formulas.items()) for text in row.values() if text.startswith("#")]
        if errors:
            line, text = errors[0]
            said = "cell holds an error" if len(errors) == 1 else "cells hold errors"
            where = f"{len(errors):,} {said} of the spread-sheet (first on line {line:,}: {text})"
            self.note("errors", f"{where}, which says nothing: an amount is set aside for it.")
        unstored = [line for line, row in formulas.items() for text in row.values() if not text.startswith("#")]
        if unstored:
            count, line = len(unstored), min(unstored)
            self.note(
                "formulas",
                f"{count:,} {'cell holds a formula' if count == 1 else 'cells hold formulas'} without a stored value (first on line {line:,}), read as text. "
                "Open the file in a spread-sheet program and save it, so that the values are stored.",
            )
        self._line = 0
        self._last: list[Row] = []
        self._left_of = sheet.start[1] if sheet.start else 0  # empty columns at the left, which the rows do not have
        first = list(islice((row for row in self._read() if not is_blank(row[1])), 200))
        if first:
            self._lay_out(first, self._merged(first[-1][0]))

    @property
    def done(self) -> float:
        return min(1.0, self._line / self._sheet.total_height) if self._sheet.total_height else 1.0

    def _lots(self, size: int) -> Generator[Lot, None, None]:
        rows = self._carried(self._read())
        while lot := list(islice(rows, size)):
            if self._sheet.total_height - lot[-1][0] <= FOOT:  # the end in one lot, so that small print is seen as a whole
                lot += rows
            self._line, self._last = lot[-1][0], lot
            for start in range(0, len(lot), size):
                part = lot[start : start + size]
                yield [line for line, _ in part], [cells for _, cells in part]

    def _foot_reached(self) -> bool:
        alone = (cells[places[0]].strip() for _, cells in self._last[-FOOT:] if len(places := filled(cells)) == 1)
        return self._sheet.total_height - self._line <= FOOT and any(map(is_footer, alone))

    def hidden(self, lines: set[int]) -> int:
        """How many of the hidden lines hold something below the header."""
        if not lines:
            return 0
        return sum(1 for line, cells in self._read() if line in lines and line > self._layout.line and not is_blank(cells))

    def _read(self) -> Iterator[Row]:
        with _faults(self.path, f"a broken sheet '{self.sheet}'"):
            line = 0
            for line, cells in enumerate(self._sheet.iter_rows(), 1):
                read = [cell if type(cell) is str else as_text(cell) for cell in cells]
                yield line, self._with_formulas(line, read) if line in self._formulas else read
            for after in sorted(line_after for line_after in self._formulas if line_after > line):
                yield after, self._with_formulas(after, [])

    def _with_formulas(self, line: int, cells: list[str]) -> list[str]:
        left = (self._sheet.start or (0, 0))[1]  # columns before the first filled one are not among the cells
        for column, formula in self._formulas[line].items():
            place = column - left
            if place >= len(cells):
                cells = cells + [""] * (place + 1 - len(cells))
            if place >= 0 and not cells[place]:
                cells[place] = formula
        return cells

    def _carried(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Rows below the header, where a text that is merged over several of them stands in each: a customer beside its products.

        Texts only: an amount that is merged over rows is one amount, and said once.
        """
        over = {(top, first - self._left_of): bottom for (top, first), (bottom, last) in self._sheet.merged_cell_ranges or () if first == last and bottom > top}
        if not over:
            yield from rows
            return
        columns = {column for _, column in over}
        open_ones: dict[int, tuple[int, str]] = {}
        filled_in = 0
        for line, cells in rows:
            if line > self._layout.line:
                for column in columns:
                    text = cells[column] if 0 <= column < len(cells) else ""
                    if (bottom := over.get((line - 1, column))) is not None and text.strip() and isinstance(read_number(text), Unreadable):
                        open_ones[column] = bottom, text
                    elif not text and column in open_ones and line - 1 <= open_ones[column][0] and not is_blank(cells):
                        cells = [*cells, *[""] * (column + 1 - len(cells))]
                        cells[column] = open_ones[column][1]
                        filled_in += 1
            yield line, cells
        if filled_in:
            self.note("merged", f"{filled_in:,} cell{' is' if filled_in == 1 else 's are'} merged with the one above: the row has the same text.")

    def _merged(self, until: int) -> list[Range]:
        """Merged cells of the first rows, in columns as the rows have them."""
        ranges = self._sheet.merged_cell_ranges or ()
        left = self._left_of
        return [((top, first - left), (bottom, last - left)) for (top, first), (bottom, last) in ranges if top < until and first >= left]


@contextmanager
def _faults(path: Path, what: str) -> Iterator[None]:
    """Whatever the reader of workbooks trips over becomes one clear error; it may panic, which is no Exception."""
    try:
        yield
    except PasswordError as error:
        raise UnreadableFile(path, "a workbook with a password", EXPECTED, "Save it without a password.") from error
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise UnreadableFile(path, f"{what} ({error})", EXPECTED, REPAIR) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise UnreadableFile(path, f"{what} ({error})", EXPECTED, REPAIR) from error

def open_sheets(path: Path, file: str) -> Iterator[SheetTable]:
    """Tables of the sheets that have a header; the hidden ones carry a note.

    Faults  UnreadableFile for a broken, locked or oversized workbook, and for one without any row
    """
    formulas = look_through(path)
    with _faults(path, "a broken workbook"):
        workbook = CalamineWorkbook.from_path(path)
    empty = True
    for sheet in workbook.sheets_metadata:
        if sheet.typ != SheetTypeEnum.WorkSheet:
            continue
        with _faults(path, f"a broken sheet '{sheet.name}'"):
            table = SheetTable(path, file, workbook.get_sheet_by_name(sheet.name), formulas.get(sheet.name, {}))
        if not table.header:
            continue
        if rows := table.hidden(hidden_rows(path, sheet.name)):
            table.note("hidden rows", f"{rows:,} hidden row{' was' if rows == 1 else 's were'} read too.")
        if sheet.visible != SheetVisibleEnum.Visible:
            table.secret = True
            table.note("hidden", f"The sheet '{sheet.name}' is hidden in the workbook.")
        empty = False
        yield table
    if empty:
        raise UnreadableFile(path, "a workbook without rows", "a sheet with a header row", "Export it again.")


def as_text(cell: Any) -> str:
    """A cell as the shortest text that says the same: 12.0 is `12`, a date is ISO, true is `TRUE`."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        hours, rest = divmod(round(cell.total_seconds()), 3600)
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return "" if cell is None else str(cell)
