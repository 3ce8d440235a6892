"""What leaves as CSV or XLSX: every list goes through `export`, row by row, so that a long one needs no more memory than a short one.

The types are those of the values: dates stay dates, numbers numbers, `Money` carries its currency. A text that a spreadsheet would
run is escaped in a CSV; in an XLSX it is a cell of text, which is never run.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.http import FileResponse, HttpRequest, StreamingHttpResponse

from laer.records.money import minor_units

RUNS = ("=", "+", "-", "@", "\t", "\r")
FORMATS = ("csv", "xlsx")
SHEET_ROWS = 1_048_576  # of an XLSX sheet; what is longer goes on in the next one
DIGITS = 15  # that a spreadsheet's numbers keep; a longer one is text there, so that no digit is lost
FIRST_DAY = date(1900, 3, 1)  # spreadsheets know no earlier day that is right
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Money(NamedTuple):
    """An amount in major units; None is unknown."""

    amount: Decimal | None
    currency: str


class Rate(NamedTuple):
    """A share of 1; None is unknown."""

    share: float | None


class Sheet(NamedTuple):
    """One sheet of a workbook: its name, lines that stand above its head (each a row of cells), its head, its rows."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[Any]]
    above: Sequence[Sequence[Any]] = ()


def format_of(request: HttpRequest) -> str:
    """`csv` or `xlsx` where the address asks for a file, else ""."""
    asked = request.GET.get("format", "")
    return asked if asked in FORMATS else ""


def export(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]], form: str = "csv", *, marked: bool = False) -> StreamingHttpResponse:
    """A list as a file called `name` (without its ending). `marked` puts a byte order mark before a CSV, for one that a spreadsheet gives back."""
    if form == "xlsx":
        return FileResponse(_xlsx(header, rows), as_attachment=True, filename=f"{name}.xlsx", content_type=SPREADSHEET)
    answer = StreamingHttpResponse(_csv(header, rows, marked), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def workbook(name: str, sheets: Iterable[Sheet]) -> FileResponse:
    """Several sheets as one XLSX called `name` (without its ending)."""
    return FileResponse(written(sheets), as_attachment=True, filename=f"{name}.xlsx", content_type=SPREADSHEET)


def escaped(text: str) -> str:
    """The cell with a leading apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(RUNS) else text


# -- CSV --------------------------------------------------------------------------------------------------------------


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]], marked: bool) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield ("\ufeff" if marked else "") + writer.writerow([escaped(title) for title in header])
    lines: list[str] = []
    for row in rows:
        lines.append(writer.writerow([_text(value) for value in row]))
        if len(lines) == 500:  # a line a write would cost more than the line
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, Money):
        value = value.amount
    elif isinstance(value, Rate):
        value = None if value.share is None else Decimal(f"{value.share:.6f}")
    if value is None:
        return ""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else str(value)


# -- XLSX -------------------------------------------------------------------------------------------------------------


def _xlsx(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """A list as a workbook of one sheet, or more where it is longer than a sheet can be."""
    return written([Sheet("", header, rows)])


def written(sheets: Iterable[Sheet]) -> Any:
    """The workbook in a temporary file, at its beginning. Rows go to disk as they come (`constant_memory`)."""
    import xlsxwriter

    file = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    formats: dict[str, Any] = {}

    def styled(number: str) -> Any:
        if number not in formats:
            formats[number] = book.add_format({"num_format": number})
        return formats[number]

    head = book.add_format({"bold": True, "bottom": 1})
    used: set[str] = set()
    for one in sheets:
        _sheet(book, one, head, styled, used)
    book.close()
    file.seek(0)
    return file


def _sheet(book: Any, one: Sheet, head: Any, styled: Callable[[str], Any], used: set[str]) -> None:
    def begin(above: Sequence[Sequence[Any]]) -> tuple[Any, int]:
        sheet = book.add_worksheet(_sheet_name(one.name, used) if one.name else None)
        sheet.set_column(0, max(len(one.header) - 1, 0), 16)
        for line, cells in enumerate(above):
            for at, value in enumerate(cells):
                _write(sheet, line, at, value, styled)
        sheet.freeze_panes(len(above) + 1, 0)
        for at, title in enumerate(one.header):
            sheet.write_string(len(above), at, title, head)
        return sheet, len(above) + 1

    sheet, line = begin(one.above)
    for row in one.rows:
        if line == SHEET_ROWS:
            sheet, line = begin(())
        for at, value in enumerate(row):
            _write(sheet, line, at, value, styled)
        line += 1


def _sheet_name(name: str, used: set[str]) -> str:
    """As spreadsheets take it: at most 31 characters, none of those that mean something to them, and no name twice."""
    plain = "".join(" " if c in "[]:*?/\\" else c for c in name).strip("' ")[:31] or "Sheet"
    made, n = plain, 2
    while made.casefold() in used:
        made, n = f"{plain[:27]} {n}", n + 1
    used.add(made.casefold())
    return made


def _write(sheet: Any, line: int, at: int, value: Any, styled: Callable[[str], Any]) -> None:
    number = ""
    if isinstance(value, Money):
        places = minor_units(value.currency)
        code = "".join(c for c in value.currency if c.isalnum())
        number = f"[${code}] #,##0{'.' + '0' * places if places else ''}"
        value = value.amount
    elif isinstance(value, Rate):
        value = None if value.share is None else Decimal(f"{value.share:.6f}")
        number = "0.0%"
    if value is None:
        return
    if isinstance(value, datetime):  # a spreadsheet knows no time zone: instants are in UTC, as everywhere
        sheet.write_datetime(line, at, value.astimezone(UTC).replace(tzinfo=None), styled("yyyy-mm-dd hh:mm:ss"))
    elif isinstance(value, date) and value >= FIRST_DAY:
        sheet.write_datetime(line, at, value, styled("yyyy-mm-dd"))
    elif isinstance(value, int | Decimal) and not isinstance(value, bool) and len(Decimal(value).as_tuple().digits) <= DIGITS:
        sheet.write_number(line, at, value, styled(number) if number else None)
    else:
        sheet.write_string(line, at, str(value)[:32_767])
