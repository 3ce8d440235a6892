"""A look through a workbook's archive before it is opened: how much it unpacks to, how large its sheets are, which formulas have no value.

The reader of workbooks unpacks a sheet whole and lays it out as a rectangle, so one far-off cell or a few megabytes of
zeros can take all memory. Sizes that an archive states of itself are checked by unpacking in pieces, without keeping them.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from laer.sources.tabular.files import UnreadableFile

LARGEST = 1_000_000_000  # bytes of a workbook once unpacked
BOMB = 200  # times that a large part may unpack to its packed size; real sheets stay below 50
LARGE = 20_000_000  # bytes of a part that is looked at for this
LAST_ROW = 1_048_576  # of XLSX
MOST_CELLS = 20_000_000  # cells of all sheets, empty ones between them too
REPAIR = "Open it and save it again as XLSX, or export it as CSV."
EXPECTED = "a workbook that a spread-sheet program can open"
STREAMED = "Export the sheet as CSV, which is streamed."
Formulas = dict[str, dict[int, dict[int, str]]]  # sheet -> line -> column (from 0) -> formula without a value, or the error that stands there

_PIECE = 1 << 20
_REF = re.compile(rb'r="([A-Z]{1,3})([0-9]{1,7})"')
_FORMULA = re.compile(rb"<c\b([^>]*)>\s*<f\b[^>]*?(?:/>|>([^<]*)</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
_ERROR = re.compile(rb"""<c\b([^>]*\bt="e"[^>]*)>\s*(?:<f\b[^>]*?(?:/>|>[^<]*</f>)\s*)?<v>([^<]{1,30})</v>""")
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_ATTRIBUTE = re.compile(r"""([\w:]+)=["']([^"']*)["']""")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")


def look_through(path: Path) -> Formulas:
    """The formulas without a stored value and the errors (`#REF!`), by sheet; empty for what is no zip archive (the old XLS).

    The reader of workbooks gives both as empty cells.

    Faults  UnreadableFile for a broken or foreign archive, and for one that would take too much memory
    """
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            entries = archive.infolist()
            _check_sizes(path, entries)
            found: dict[str, dict[int, dict[int, str]]] = {}
            cells = 0
            for entry in entries:
                sheet = _Sheet()
                for piece in _unpacked(path, file, entry):
                    sheet.see(piece)
                cells += sheet.finish()
                if sheet.formulas:
                    found[entry.filename] = sheet.formulas
                if cells > MOST_CELLS:
                    raise UnreadableFile(path, f"sheets that span {cells:,} cells", f"at most {MOST_CELLS:,}, empty ones between them counted", STREAMED)
            return {name: found[part] for name, part in _parts(archive).items() if part in found} if found else {}
    except (zipfile.BadZipFile, OSError, zlib.error, struct.error, ValueError, KeyError, NotImplementedError, RuntimeError) as error:
        raise UnreadableFile(path, f"a broken workbook ({error})", EXPECTED, REPAIR) from error


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if not {entry.filename.split("/")[0] for entry in entries} & {"xl", "content.xml"}:
        raise UnreadableFile(path, "a zip archive that is no workbook", "a CSV or XLSX file with a header row", "Unpack it and import the folder.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > LARGEST:
        raise UnreadableFile(path, f"a workbook of {unpacked / 1e9:.1f} GB once unpacked", f"at most {LARGEST / 1e9:.0f} GB", STREAMED)
    for entry in entries:
        if entry.file_size > LARGE and entry.file_size > BOMB * entry.compress_size:
            found = f"a part of {entry.file_size / 1e6:,.0f} MB packed into {entry.compress_size / 1e6:,.1f} MB ({entry.filename})"
            raise UnreadableFile(path, found, f"parts that unpack to at most {BOMB} times their size", "It looks made to fill the memory. " + STREAMED)


def _unpacked(path: Path, file: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part in pieces. Raises where it goes on beyond the size that the archive states."""
    file.seek(entry.header_offset)
    header = file.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"{entry.filename} is not where the archive says")
    name, extra = struct.unpack("<HH", header[26:30])
    file.seek(name + extra, 1)
    left, given = entry.compress_size, 0
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{entry.filename} is packed in an unknown way")
    inflate = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    while left and (packed := file.read(min(left, _PIECE // 4))):
        left -= len(packed)
        while packed:
            piece = inflate.decompress(packed, _PIECE) if inflate else packed
            packed = inflate.unconsumed_tail if inflate else b""
            given += len(piece)
            if given > entry.file_size:
                raise UnreadableFile(path, f"an archive that states a false size of {entry.filename}", EXPECTED, REPAIR)
            if piece:
                yield piece
            if inflate and inflate.eof:
                return


class _Sheet:
    """What one part says of cells, piece by piece; a part that is no sheet says nothing.

    Every reference counts, whatever its place in the file, and yet few are looked at one by one: only those of a piece in
    which a pattern finds one beyond what was seen. Rows are bounded by their first digit and their length.
    """

    def __init__(self) -> None:
        self.formulas: dict[int, dict[int, str]] = {}
        self._rest = b""
        self._cells = 0
        self._last_column = self._last_row = 0
        self._beyond = _beyond(0, 0)
        self._sheet: bool | None = None

    def see(self, piece: bytes) -> None:
        if self._sheet is None:
            self._sheet = b"<worksheet" in piece[:4_000] or b":worksheet" in piece[:4_000]
        if not self._sheet:
            return
        text = self._rest + piece
        cut = text.rfind(b"</row>") + 6 if b"</row>" in text else 0 if len(text) < 16 * _PIECE else len(text)
        self._take(text[:cut])
        self._rest = text[cut:]

    def finish(self) -> int:
        """Cells of the rectangle that the sheet's cells span (at most twice as many), at least those that it has."""
        self._take(self._rest)
        return max(self._cells, (self._last_column + 1) * self._last_row)

    def _take(self, text: bytes) -> None:
        if not text:
            return
        if b"r='" in text:
            text = text.replace(b"'", b'"')
        self._cells += text.count(b"<c ") + text.count(b"<c>")
        if self._beyond.search(text):
            columns, rows = map(set, zip(*_REF.findall(text), strict=True))
            self._last_column = max(self._last_column, *map(_column, columns))
            self._last_row = max(self._last_row, *map(int, rows))
            first, rest = divmod(self._last_row, 10 ** (len(str(self._last_row)) - 1))
            self._last_row = min((first + 1) * (self._last_row - rest) // max(first, 1) - 1, LAST_ROW)
            self._beyond = _beyond(self._last_column, self._last_row)
        if b"<f" in text:
            self._take_formulas(text)
        if b't="e"' in text:
            self._take_errors(text)

    def _take_formulas(self, text: bytes) -> None:
        for found in _FORMULA.finditer(text):
            said = dict(_ATTRIBUTE.findall(found[1].decode("utf-8", "replace")))
            place = re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", said.get("r", ""))
            if place and said.get("t") != "str":  # a stored empty text is a value
                formula = (found[2] or b"").decode("utf-8", "replace").strip()
                self.formulas.setdefault(int(place[2]), {})[_column(place[1].encode())] = f"={formula[:200] or 'formula'}"


    def _take_errors(self, text: bytes) -> None:
        for found in _ERROR.finditer(text):
            place = re.search(r'r="([A-Z]{1,3})([0-9]{1,7})"', found[1].decode("utf-8", "replace"))
            if place:
                self.formulas.setdefault(int(place[2]), {})[_column(place[1].encode())] = found[2].decode("utf-8", "replace").strip()


def _beyond(column: int, row: int) -> re.Pattern[bytes]:
    """A reference to a column or row beyond these (the row a number like 699 or 6999)."""
    letters = _letters(column)
    columns = [f"[A-Z]{{{len(letters) + 1},3}}"] if len(letters) < 3 else []
    columns += [f"{letters[:i]}[{chr(ord(c) + 1)}-Z][A-Z]{{{len(letters) - i - 1}}}" for i, c in enumerate(letters) if c != "Z"]
    digits = str(row)
    rows = [f"[0-9]{{{len(digits) + 1},7}}"] if len(digits) < 7 else []
    rows += [f"[{int(digits[0]) + 1}-9][0-9]{{{len(digits) - 1}}}"] if digits[0] != "9" else []
    return re.compile(f'r="(?:(?:{"|".join(columns)})[0-9]|[A-Z]{{1,3}}(?:{"|".join(rows)})")'.encode())


def _letters(column: int) -> str:
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def _column(letters: bytes) -> int:
    """Place of a column from 0: A, B, ... Z, AA."""
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place - 1


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Part of each sheet by the sheet's name."""
    names = set(archive.namelist())
    book, links = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    if not {book, links} <= names:
        return {}
    targets = {}
    for link in _RELATION.findall(archive.read(links).decode("utf-8", "replace")):
        said = dict(_ATTRIBUTE.findall(link))
        target = said.get("Target", "")
        targets[said.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    found = {}
    for sheet in _SHEET.findall(archive.read(book).decode("utf-8", "replace")):
        said = dict(_ATTRIBUTE.findall(sheet))
        found[_unescaped(said.get("name", ""))] = targets.get(next((value for key, value in said.items() if key.endswith(":id")), ""), "")
    return found


def _unescaped(text: str) -> str:
    from html import unescape

    return unescape(text)
