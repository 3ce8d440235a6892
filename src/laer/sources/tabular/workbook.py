"""Spread-sheets (XLSX and what else calamine reads): every sheet with rows, cells as the text a person would type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.package import EXPECTED, REPAIR, look_through
from laer.sources.tabular.table import Row, Table, is_blank


class SheetTable(Table):
    """One sheet of a workbook, held in memory as calamine reads it (streaming a sheet is not possible).

    A formula without a stored value stands as its own text, so that it is unreadable rather than empty.
    """

    def __init__(self, path: Path, file: str, sheet: CalamineSheet, formulas: dict[int, dict[int, str]]) -> None:
        super().__init__(path, file, sheet.name)
        self._sheet, self._formulas = sheet, formulas
        if formulas:
            count, line = sum(map(len, formulas.values())), min(formulas)
            self.note(
                "formulas",
                f"{count:,} {'cell holds a formula' if count == 1 else 'cells hold formulas'} without a stored value (first on line {line:,}), read as text. "
                "Open the file in a spread-sheet program and save it, so that the values are stored.",
            )
        self._line = 0
        rows = self._read()
        first = next((row for row in rows if not is_blank(row[1])), None)
        self._header_line = first[0] if first else 0
        self.header = self.named(first[1], (cells for _, cells in islice(rows, 100) if not is_blank(cells))) if first else []

    @property
    def done(self) -> float:
        return min(1.0, self._line / self._sheet.total_height) if self._sheet.total_height else 1.0

    def rows(self) -> Iterator[Row]:
        width, after = len(self.header), self._header_line
        for line, cells in self._read():
            self._line = line
            if line > after and not is_blank(cells):
                yield line, cells if len(cells) == width else self.fit(line, cells)

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
        if sheet.visible != SheetVisibleEnum.Visible:
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
