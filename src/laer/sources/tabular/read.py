"""The door to files: a path becomes tables, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from laer.sources.tabular.delimited import SAMPLE, DelimitedTable
from laer.sources.tabular.files import UnreadableFile, files_at, first_bytes
from laer.sources.tabular.grid import as_grid
from laer.sources.tabular.table import SURPLUS, Table
from laer.sources.tabular.workbook import open_sheets

__all__ = ["SURPLUS", "Table", "UnreadableFile", "files_at", "open_tables"]

_WORKBOOKS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")  # zip (XLSX, ODS) and the old Office container (XLS)


def open_tables(path: Path | str, name: str | None = None) -> Iterator[Table]:
    """Tables of a file (a CSV has one, a workbook one per sheet with rows) or of a folder's files in name order.

    A wide grid of months comes as the dated lines that it says.

    In     name   what people call the file, where it differs from its name on disk (an upload)
    Faults UnreadableFile, raised when the file's turn comes (of a sheet: after the file's other sheets); to go on with the
           next file, loop over `files_at`
    """
    for file in files_at(path):
        shown = name or file.name
        fault: UnreadableFile | None = None
        for table in _as_they_stand(file, shown):
            try:
                read = as_grid(table)
            except UnreadableFile as error:
                fault = error
            else:
                yield read
        if fault:
            raise fault


def _as_they_stand(file: Path, shown: str) -> Iterator[Table]:
    sample = first_bytes(file, SAMPLE)
    if sample.startswith(_WORKBOOKS):
        yield from open_sheets(file, shown)
    else:
        yield DelimitedTable(file, shown, sample)
