"""The door to files: a path becomes tables, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from laer.sources.tabular.combined import of_months, one_amount
from laer.sources.tabular.cost_table import as_costs
from laer.sources.tabular.delimited import SAMPLE, DelimitedTable
from laer.sources.tabular.files import UnreadableFile, files_at, first_bytes
from laer.sources.tabular.grid import as_grid
from laer.sources.tabular.grid_header import month_of
from laer.sources.tabular.table import SURPLUS, Table
from laer.sources.tabular.tall_grid import as_wide
from laer.sources.tabular.term_ends import with_ends
from laer.sources.tabular.workbook import open_sheets

__all__ = ["SURPLUS", "Table", "UnreadableFile", "files_at", "open_tables"]

_WORKBOOKS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")  # zip (XLSX, ODS) and the old Office container (XLS)
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|meta|style|\?xml)\b", re.IGNORECASE)


def open_tables(path: Path | str, name: str | None = None, fiscal: int | None = None, *, of_revenue: bool = False) -> Iterator[Table]:
    """Tables of a file (a CSV has one, a workbook one per sheet with rows) or of a folder's files in name order.

    A wide grid of months, quarters or years comes as the dated lines that it says, one of costs as a row per month.

    In     name    what people call the file, where it differs from its name on disk (an upload)
           fiscal  the first month of the firm's fiscal year, where somebody has said it
           of_revenue  whoever gave the file said that it holds recurring revenue
    Faults UnreadableFile, raised when the file's turn comes (of a sheet: after the file's other sheets); to go on with the
           next file, loop over `files_at`
    """
    for file in files_at(path):
        shown = name or file.name
        fault: UnreadableFile | None = None
        for table in _joined(_as_they_stand(file, shown)):
            try:
                read = as_costs(table) or with_ends(as_grid(one_amount(table), fiscal, of_revenue=of_revenue))
            except UnreadableFile as error:
                fault = error
            else:
                yield read
        if fault:
            raise fault


def _joined(tables: Iterator[Table]) -> Iterator[Table]:
    """The tables of a file; sheets of months as one where they are a grid together. Only those are held until the end."""
    held: list[Table] = []
    for table in tables:
        if table.sheet and month_of(table.sheet):
            held.append(table)
        else:
            yield table
    together = of_months(held)
    if together and as_wide(together):
        held = [table for table in held if table not in together.sheets]
        yield together
    yield from held


def _as_they_stand(file: Path, shown: str) -> Iterator[Table]:
    sample = first_bytes(file, SAMPLE)
    if sample.startswith(_WORKBOOKS):
        yield from open_sheets(file, shown)
    elif _MARKUP.match(sample):
        raise UnreadableFile(
            shown, "a web page (HTML or XML), as some systems call their export to Excel", "a CSV or XLSX file",
            "Open it in a spread-sheet program and save it as XLSX, or export it as CSV.",
        )  # fmt: skip
    else:
        yield DelimitedTable(file, shown, sample)
