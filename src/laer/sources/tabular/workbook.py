"""Spread-sheets (XLSX and what else calamine reads): every sheet with rows, cells as the text a person would type."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.hidden import hidden_rows
from laer.sources.tabular.labels import is_footer
from laer.sources.tabular.layout import Range, Row, filled
from laer.sources.tabular.table import Lot, Table, is_blank

FOOT = 100  # rows at the end in which small print is looked for
LARGEST = 1_000_000_000  # bytes of a workbook once unpacked
REPAIR = "Open it and save it again as XLSX, or export it as CSV."
EXPECTED = "a workbook that a spread-sheet program can open"


class SheetTable(Table):
    """One sheet of a workbook, held in memory as calamine reads it (streaming a sheet is not possible)."""

    def __init__(self, path: Path, file: str, sheet: CalamineSheet) -> None:
        super().__init__(path, file, sheet.name)
        self._sheet = sheet
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
        rows = self._read()
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
        for line, cells in enumerate(self._sheet.iter_rows(), 1):
            yield line, [cell if type(cell) is str else as_text(cell) for cell in cells]

    def _merged(self, until: int) -> list[Range]:
        """Merged cells of the first rows, in columns as the rows have them."""
        ranges = self._sheet.merged_cell_ranges or ()
        left = self._left_of
        return [((top, first - left), (bottom, last - left)) for (top, first), (bottom, last) in ranges if top < until and first >= left]


def open_sheets(path: Path, file: str) -> Iterator[SheetTable]:
    """Tables of the sheets that have a header; the hidden ones carry a note.

    Faults  UnreadableFile for a broken, locked or oversized workbook, and for one without any row
    """
    _guard_size(path)
    try:
        workbook = CalamineWorkbook.from_path(path)
    except PasswordError as error:
        raise UnreadableFile(path, "a workbook with a password", EXPECTED, "Save it without a password.") from error
    except (CalamineError, OSError) as error:
        raise UnreadableFile(path, f"a broken workbook ({error})", EXPECTED, REPAIR) from error
    empty = True
    for sheet in workbook.sheets_metadata:
        if sheet.typ != SheetTypeEnum.WorkSheet:
            continue
        try:
            table = SheetTable(path, file, workbook.get_sheet_by_name(sheet.name))
        except CalamineError as error:
            raise UnreadableFile(path, f"a broken sheet '{sheet.name}' ({error})", EXPECTED, REPAIR) from error
        if not table.header:
            continue
        if rows := table.hidden(hidden_rows(path, sheet.name)):
            table.note("hidden rows", f"{rows:,} hidden row{' was' if rows == 1 else 's were'} read too.")
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


def _guard_size(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            names = {entry.filename.split("/")[0] for entry in archive.infolist()}
    except (zipfile.BadZipFile, OSError) as error:
        raise UnreadableFile(path, f"a broken workbook ({error})", EXPECTED, REPAIR) from error
    if not names & {"xl", "content.xml"}:
        raise UnreadableFile(path, "a zip archive that is no workbook", "a CSV or XLSX file with a header row", "Unpack it and import the folder.")
    if unpacked > LARGEST:
        found = f"a workbook of {unpacked / 1e9:.1f} GB once unpacked"
        raise UnreadableFile(path, found, f"at most {LARGEST / 1e9:.0f} GB", "Export the sheet as CSV, which is streamed.")
