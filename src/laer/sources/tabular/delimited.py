"""Delimited text files, streamed: quoted newlines, ragged rows, stray NUL bytes, any common encoding."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.headers import header_words
from laer.sources.tabular.labels import is_footer
from laer.sources.tabular.layout import Row
from laer.sources.tabular.numbers import proof
from laer.sources.tabular.sniff import sniff
from laer.sources.tabular.table import Lot, Table, is_blank

SAMPLE = 64 * 1024
LARGEST_CELL = 10_000_000  # characters
LARGEST_LINE = 50_000_000  # bytes without a line break
LONG_ROW = 100  # lines a row may span before a quote is likely left open
HEAVY = 8_000_000  # bytes of rows held at once
FEW = 4  # rows read before their weight is looked at again
FOOT = 16 * 1024  # bytes at the end in which small print is looked for
FOOT_LINES = 60
_DOTTED_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.(?:\d{4}|\d\d)", re.ASCII)


class DelimitedTable(Table):
    """A CSV file, opened anew by each `rows()` or `chunks()`."""

    def __init__(self, path: Path, file: str, sample: bytes) -> None:
        super().__init__(path, file)
        self.format = sniff(path, sample, whole=len(sample) < SAMPLE)
        self._size = path.stat().st_size
        self._source: _Bytes | None = None
        if self.format.note:
            self.note("encoding", self.format.note)
        lots = self._lots(101)
        filled = [(line, cells) for lines, rows in islice(lots, 2) for line, cells in zip(lines, rows, strict=True) if not is_blank(cells)]
        while not filled and (lot := next(lots, None)):
            filled = [(line, cells) for line, cells in zip(*lot, strict=True) if not is_blank(cells)]
        lots.close()
        if not filled:
            raise UnreadableFile(path, "no rows", what_to_do="Export it again.")
        self._lay_out(filled)
        self.commas = self._writes_commas(filled)
        self._foot = self._may_have_foot()

    @property
    def done(self) -> float:
        return min(1.0, self._source.taken / self._size) if self._source and self._size else 0.0

    def _writes_commas(self, rows: list[Row]) -> bool:
        """Whether the file was written where commas are decimal: by what its first numbers prove, else by its delimiter, dates or headers."""
        proved = {proof(text) for _, cells in rows for cell in cells if (text := cell.strip())}
        if proved & {"point", "comma"}:
            return "point" not in proved
        dotted = any(_DOTTED_DATE.fullmatch(cell.strip()) for _, cells in rows for cell in cells)
        return dotted or self.format.delimiter == ";" or any(in_english(words) != words for words in map(header_words, self.header))

    def _foot_reached(self) -> bool:
        return self._foot and self._source is not None and self._source.taken >= self._size - FOOT

    def _may_have_foot(self) -> bool:
        """Whether one of the last lines of the file is small print."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self._size - FOOT))
                # words of small print are ASCII nearly all: enough is seen of them in UTF-16 too
                text = file.read().replace(b"\0", b"").decode("utf-8", errors="ignore")
                around = self.format.delimiter + '" \t\r\0'
                return any(is_footer(line.strip(around)) for line in text.splitlines()[-FOOT_LINES:])
        except OSError:
            return False  # told when the rows are read

    def _survey(self) -> None:
        source = self._source
        super()._survey()
        self._source = source

    def _lots(self, size: int) -> Generator[Lot, None, None]:
        csv.field_size_limit(LARGEST_CELL)
        layout = self.format
        reader, line, rows = None, layout.skip_lines, []
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(layout.skip)
                self._source = _Bytes(self, file, strip_nulls=not layout.encoding.startswith(("utf-16", "utf-32")))
                with io.TextIOWrapper(io.BufferedReader(self._source, 1 << 18), encoding=layout.encoding, errors=layout.errors, newline="") as text:
                    for _ in range(layout.skip_lines):
                        text.readline()
                    reader = csv.reader(text, delimiter=layout.delimiter, quoting=csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE)
                    while rows := self._lot(reader, size):
                        lines, line = self._lines(rows, line, reader.line_num + layout.skip_lines)
                        yield lines, rows
        except csv.Error as error:
            at = reader.line_num + layout.skip_lines if reader else line + 1
            raise UnreadableFile(
                self.path, f"a cell near line {at:,} that cannot be read ({error})", f"cells of at most {LARGEST_CELL // 1_000_000} MB",
                f"Look at the lines before line {at:,}: a quotation mark may have been left open.",
            ) from error  # fmt: skip
        except OSError as error:
            raise UnreadableFile(self.path, f"an error of the system ({error.strerror})", what_to_do="Check the file.") from error

    def _lot(self, reader: Iterator[list[str]], size: int) -> list[list[str]]:
        """The next rows: `size` of them, fewer where they are heavy."""
        rows: list[list[str]] = []
        assert self._source is not None
        before = self._source.taken
        while len(rows) < size and self._source.taken - before < HEAVY:
            few = list(islice(reader, min(FEW, size - len(rows))))
            if not few:
                break
            rows += few
        return rows

    def _lines(self, rows: list[list[str]], before: int, last: int) -> tuple[list[int], int]:
        """The line each row starts on. A row takes one line, and one more for each line break inside its cells."""
        if last - before == len(rows):
            return list(range(before + 1, last + 1)), last
        lines = []
        for cells in rows:
            lines.append(before + 1)
            text = "\0".join(cells)
            span = 1 + text.count("\n") + text.count("\r") - text.count("\r\n")
            if span > 1 and (width := len(self.header)) > 1 and any("\n" in cell and cell.count(self.format.delimiter) >= width - 1 for cell in cells):
                self.note("swallowed", f"A cell of the row on line {before + 1:,} seems to hold whole rows: a quotation mark may have been left open there.")
            if span > LONG_ROW:
                self.note("long row", f"The row on line {before + 1:,} spans {span:,} lines: a quotation mark may have been left open there.")
            before += span
        return lines, last


class _Bytes(io.RawIOBase):
    """A file's bytes without NULs, counted, and guarded against a line that never ends."""

    def __init__(self, table: DelimitedTable, file: io.FileIO, strip_nulls: bool) -> None:
        self.table, self.file, self.strip_nulls = table, file, strip_nulls
        self.taken = 0
        self.unbroken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while data := self.file.read(len(buffer)):
            self.taken += len(data)
            self._guard(data)
            if self.strip_nulls and 0 in data:
                self.table.note("nulls", "Contains NUL characters, which were left out.")
                data = data.replace(b"\0", b"")
            if data:
                buffer[: len(data)] = data
                return len(data)
        return 0

    def _guard(self, data: bytes) -> None:
        cut = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self.unbroken = len(data) - cut if cut >= 0 else self.unbroken + len(data)
        if self.unbroken > LARGEST_LINE:
            found = f"a line of more than {LARGEST_LINE // 1_000_000} MB"
            raise UnreadableFile(self.table.path, found, "rows separated by line breaks", "Export it again as CSV.")
