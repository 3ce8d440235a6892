"""How a delimited file is written: its encoding and its delimiter, from its first bytes.

`csv.Sniffer` guesses by character frequencies and is misled by dates and decimal commas. Here a delimiter is good when
the rows have as many cells as the header.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from laer.sources.tabular.files import UnreadableFile

DELIMITERS = (",", ";", "\t", "|")
FEW_CONTROLS = 20  # stray control characters that make no file binary
TITLES = 15  # rows that may stand above a header
NONE = "\x1f"  # a delimiter that no file has: one column
_BOMS = (  # the longer marks first: one begins like another
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_MAGIC = {
    b"%PDF": "a PDF document", b"\x89PNG": "a picture", b"GIF8": "a picture", b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a gzip archive", b"PAR1": "a Parquet file",
    b"SQLite format": "an SQLite database", b"Rar!": "an archive", b"7z\xbc\xaf": "an archive", b"{\\rtf": "a text document (RTF)",
}  # fmt: skip
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\x0b\x0c\x1a\x1b\x1c\x1d\x1e\x1f\0")
_SEP = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


def _western(error: UnicodeError) -> tuple[str, int]:
    """A byte that is not UTF-8 is read as Windows-1252, which is what Excel on a Western PC writes."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    byte = error.object[error.start : error.start + 1]
    return byte.decode("cp1252", errors="ignore") or byte.decode("latin-1"), error.start + 1


codecs.register_error("laer.western", _western)


class Format(NamedTuple):
    """encoding     with `errors`, for the decoder
    skip         bytes before the text (a byte order mark)
    delimiter    between cells
    quoted       whether quotation marks enclose cells
    skip_lines   lines before the table (`sep=;`)
    note         what a person should know
    """

    encoding: str
    skip: int
    delimiter: str = ","
    quoted: bool = True
    skip_lines: int = 0
    note: str | None = None

    @property
    def errors(self) -> str:
        return "laer.western" if self.encoding in ("utf-8", "cp1252") else "replace"


def sniff(path: Path, sample: bytes, whole: bool) -> Format:
    """The format of a file from its first bytes (`whole`: they are all of it).

    Faults  UnreadableFile for a file that is no text
    """
    for magic, what in _MAGIC.items():
        if sample.startswith(magic):
            raise UnreadableFile(path, what, "a CSV or XLSX file with a header row", "Export the table as CSV.")
    encoding, skip, note = _encoding(path, sample)
    text = sample[skip:].decode(encoding, errors=Format(encoding, skip).errors).lstrip("\ufeff").replace("\0", "")
    if not whole and (cut := max(text.rfind("\n"), text.rfind("\r"))) > 0:
        text = text[: cut + 1]
    if said := _SEP.match(text):
        return Format(encoding, skip, said[1], skip_lines=1, note=note)
    delimiter = delimiter_of(text, whole)
    if _quotes_are_text(text, delimiter):
        return Format(encoding, skip, delimiter, quoted=False, note="Quotation marks are part of the text, not around cells.")
    return Format(encoding, skip, delimiter, note=note)


def delimiter_of(text: str, whole: bool = True) -> str:
    """The delimiter under which most rows are as long as the header; `NONE` for a single column."""
    best, titled = (0.0, NONE), (0, NONE)
    for delimiter in DELIMITERS:
        lengths = _lengths(text, delimiter, whole)
        if not lengths:
            continue
        first, body = lengths[0], lengths[1:]
        if first > 1:
            same = sum(1.0 if n == first else 0.5 if 1 < n < first else 0.4 if n > first else 0.0 for n in body) / len(body) if body else 1.0
            best = max(best, (same * (1 - 0.5 / first), delimiter), key=lambda each: each[0])
        elif body:
            usual, count = Counter(body).most_common(1)[0]
            if usual >= 3 and count >= len(body) / 2:
                titled = max(titled, (usual, delimiter), key=lambda each: each[0])
    if best[0] >= 0.2 and (below := _below_titles(text, best[1], whole)):
        return below
    return best[1] if best[0] >= 0.2 or titled[1] == NONE else titled[1]


def _below_titles(text: str, found: str, whole: bool) -> str | None:
    """Another delimiter than the one found, which only the commas of titles and amounts may speak for: all rows below a few
    short ones have the same three or more cells under it, and the first of them, the header, has one cell under the one found."""
    for delimiter in DELIMITERS:
        lengths = _lengths(text, delimiter, whole) if delimiter != found else []
        usual = max(lengths, default=0)
        start = lengths.index(usual) if usual >= 3 else 0
        if 0 < start <= TITLES and len(lengths) > start + 1 and lengths[start:].count(usual) >= 0.8 * (len(lengths) - start):
            header = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if "".join(row).strip()][start]
            if found not in "".join(header):
                return delimiter
    return None


def _quotes_are_text(text: str, delimiter: str) -> bool:
    """Some cell opens a quotation mark that it does not close, and yet every line has as many cells as the header."""
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    width = lines[0].count(delimiter) + 1 if lines else 1
    if width == 1 or any(line.count(delimiter) + 1 != width for line in lines):
        return False
    cells = (cell for line in lines for cell in line.split(delimiter))
    return any(cell[:1] == '"' and (len(cell) == 1 or cell[-1] != '"') for cell in cells)


def _lengths(text: str, delimiter: str, whole: bool) -> list[int]:
    """Cells per row of the sample, blank rows left out; the last row too, where it may be cut off."""
    try:
        rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 500))
    except csv.Error:
        return []
    if not whole and 1 < len(rows) < 500:
        rows.pop()
    return [len(row) for row in rows if row and "".join(row).strip()]


def _encoding(path: Path, sample: bytes) -> tuple[str, int, str | None]:
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding, len(mark) if encoding == "utf-8" else 0, None
    nulls = sample.count(0)
    if nulls > len(sample) / 10:
        odd = sample[1::2].count(0)
        for encoding, here in (("utf-16-le", odd), ("utf-16-be", nulls - odd)):
            if here > 0.9 * nulls:
                return encoding, 0, None
    control = len(sample) - len(sample.translate(None, _CONTROL))
    if nulls > len(sample) / 10 or control > max(len(sample) / 50, FEW_CONTROLS):
        raise UnreadableFile(path, "binary data", "a CSV or XLSX file with a header row", "Export the table as CSV.")
    note = "Contains NUL characters, which were left out." if nulls else None
    good, bad = _counts(sample)
    if bad > good:
        return "cp1252", 0, "Read as Windows-1252 (Western European); if letters look wrong, save the file as UTF-8."
    return "utf-8", 0, "Some bytes are not UTF-8; they were read as Windows-1252." if bad else note


def _counts(sample: bytes) -> tuple[int, int]:
    """Characters beyond ASCII that are valid UTF-8, and bytes that are not."""
    text = sample.decode("utf-8", errors="surrogateescape")
    tail = 3 if len(sample) > 3 else 0  # the sample may end within a character
    bad = sum("\udc80" <= c <= "\udcff" for c in text[: len(text) - tail])
    return sum(c > "\x7f" for c in text) - bad, bad
