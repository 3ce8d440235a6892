"""Broken files by seed: what exports, mail gateways, editors and ill will do to a table. Each says how many rows it still holds."""

from __future__ import annotations

import csv
import io
import random
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import xlsxwriter

MONTHS = ["Jan-24", "Feb-24", "Mar-24", "Apr-24", "May-24", "Jun-24"]
Mutation = Callable[[random.Random, Path], tuple[Path, int | None]]
KINDS: dict[str, Mutation] = {}


class Broken(NamedTuple):
    """path   the file
    kind   what was done to it
    rows   rows below its header that must come out, be rejected or be told of; None where nobody can count them
    """

    path: Path
    kind: str
    rows: int | None


def broken(seed: int, folder: Path) -> Broken:
    """The file of a seed: kinds take turns, details are by chance."""
    kind = list(KINDS)[seed % len(KINDS)]
    home = folder / f"{seed:03d}-{kind}"
    home.mkdir(parents=True, exist_ok=True)
    path, rows = KINDS[kind](random.Random(seed), home)
    return Broken(path, kind, rows)


def kind(made: Mutation) -> Mutation:
    KINDS[made.__name__.removeprefix("_")] = made
    return made


# -- sound files to start from ----------------------------------------------------------------------------------------


def lines(chance: random.Random, count: int = 60) -> list[list[str]]:
    table = [["subscription_id", "account_id", "customer name", "start_date", "end_date", "mrr", "currency", "status"]]
    for i in range(count):
        end = f"2025-{chance.randrange(1, 13):02d}-01" if i % 3 == 0 else ""
        name = chance.choice(["Müller & Söhne", "Acme, Inc.", "O'Neill", "日本商事", "Bolt"])
        table.append([f"S{i}", f"A{i % 20}", name, f"2024-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}", end, f"{chance.randrange(1, 9999)}.{i % 100:02d}", "EUR", "active"])  # fmt: skip
    return table


def grid(chance: random.Random, count: int = 40) -> list[list[str]]:
    return [["Customer", "CSM", *MONTHS], *([f"C{i}", "Maya", *(chance.choice(["", "100", "250.50", "1,000"]) for _ in MONTHS)] for i in range(count))]


def sound(chance: random.Random) -> list[list[str]]:
    return chance.choice([lines, grid])(chance)


def text_of(table: list[list[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(table)
    return out.getvalue()


def put(folder: Path, content: bytes | str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def sheet(folder: Path, table: list[list[object]] | list[list[str]], name: str = "file.xlsx") -> Path:
    path = folder / name
    book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": True, "strings_to_formulas": False})
    page = book.add_worksheet("Data")
    for i, row in enumerate(table):
        page.write_row(i, 0, row)
    book.close()
    return path


def repacked(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The same archive with parts changed, or left out where the change gives None."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)
    return path


# -- text ---------------------------------------------------------------------------------------------------------------


@kind
def _cut_off(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    text = text_of(sound(chance)).encode()
    return put(folder, text[: chance.randrange(1, len(text))]), None


@kind
def _bytes_shuffled(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    text = bytearray(text_of(sound(chance)).encode())
    for _ in range(chance.randrange(5, 400)):
        a, b = chance.randrange(len(text)), chance.randrange(len(text))
        text[a], text[b] = text[b], text[a]
    return put(folder, bytes(text)), None


@kind
def _bytes_changed(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    text = bytearray(text_of(sound(chance)).encode())
    for _ in range(chance.randrange(1, 200)):
        text[chance.randrange(len(text))] = chance.randrange(256)
    return put(folder, bytes(text)), None


@kind
def _lines_shuffled(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = lines(chance)
    chance.shuffle(table)
    return put(folder, text_of(table)), len(table) - 1


@kind
def _random_bytes(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    return put(folder, chance.randbytes(chance.choice([1, 10, 1_000, 200_000])), chance.choice(["file.csv", "file.xlsx"])), None


@kind
def _utf16_without_mark(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = sound(chance)
    return put(folder, text_of(table).encode(chance.choice(["utf-16-le", "utf-16-be"]))), len(table) - 1


@kind
def _utf16_cut_within_a_letter(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    return put(folder, text_of(lines(chance)).encode("utf-16")[:-3]), 60


@kind
def _latin1_said_to_be_utf8(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = [[cell.replace("日本商事", "Ünal") for cell in row] for row in sound(chance)]
    return put(folder, b"\xef\xbb\xbf" + text_of(table).encode("latin-1")), len(table) - 1


@kind
def _encodings_mixed(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = lines(chance)
    rows = [text_of([row]).encode(chance.choice(["utf-8", "latin-1", "cp1252", "mac-roman"]), "replace") for row in table]
    return put(folder, b"".join(rows)), 60


@kind
def _a_million_columns(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    names = ",".join(chance.choice(["", "name", f"column {i}"]) for i in range(1_000_000))
    return put(folder, f"{names}\n{','.join('1' for _ in range(1_000_000))}\n" * chance.choice([1, 3])), None


@kind
def _a_row_of_a_million_cells(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = lines(chance)
    table[chance.randrange(1, 60)] += ["x"] * 1_000_000
    return put(folder, text_of(table)), 60


@kind
def _cells_of_ten_megabytes(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = lines(chance)
    for _ in range(3):
        table[chance.randrange(1, 60)][chance.randrange(8)] = chance.choice("x1,\t-é") * chance.choice([9_999_000, 10_000_100])
    return put(folder, text_of(table)), None


@kind
def _a_header_of_ten_megabytes(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = lines(chance)
    table[0][chance.choice([2, 7])] = "note " * 1_900_000
    return put(folder, text_of(table)), 60


@kind
def _control_characters(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = lines(chance)
    for _ in range(chance.choice([3, 15, 200])):
        row, place = chance.randrange(1, 61), chance.randrange(8)
        table[row][place] += chr(chance.choice([0, 1, 7, 8, 11, 12, 27, 28, 127, 0x85, 0x2028, 0xFEFF, 0x202E]))
    return put(folder, text_of(table)), None


@kind
def _nulls(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    text = text_of(lines(chance)).encode()
    at = chance.randrange(len(text))
    return put(folder, text[:at] + b"\0" * chance.choice([1, 50, 100_000]) + text[at:]), None


@kind
def _a_quote_left_open(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    rows = text_of([[cell.replace(",", "") for cell in row] for row in lines(chance)]).splitlines()
    for _ in range(chance.choice([1, 1, 2, 3])):
        i = chance.randrange(1, len(rows))
        cells = rows[i].split(",")
        place = chance.randrange(len(cells))
        cells[place] = f'"{cells[place]}'
        rows[i] = ",".join(cells)
    return put(folder, "\n".join(rows) + "\n"), 60


@kind
def _a_quote_left_open_in_a_long_file(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    rows = text_of([[*row[:2], row[2] * 200, *row[3:]] for row in lines(chance, 12_000)]).splitlines()
    rows[5] = rows[5].replace(",A", ',"A', 1)
    return put(folder, "\n".join(rows) + "\n"), None


@kind
def _no_line_breaks(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    return put(folder, text_of(lines(chance, 80_000)).replace("\n", ",")), None


@kind
def _ragged(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = sound(chance)
    for row in table[1:]:
        if chance.random() < 0.3:
            row[chance.randrange(1, len(row)) :] = ["x"] * chance.randrange(12)
    return put(folder, text_of(table)), len(table) - 1


@kind
def _headers_twice(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = sound(chance)
    a, b = chance.sample(range(len(table[0])), 2)
    table[0][a] = table[0][b]
    return put(folder, text_of(table)), len(table) - 1 if table[0][0] == "subscription_id" else None


@kind
def _no_header(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    return put(folder, text_of(sound(chance)[1:])), None


@kind
def _only_blanks(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    return put(folder, chance.choice([b"", b"\n" * 100_000, b",,,\n,,,\n", b"\xef\xbb\xbf", b" ", b"\0" * 5_000, b"\xff\xfe", b'"', b"a,b,c\n"])), None


@kind
def _huge_numbers(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = sound(chance)
    place = 5 if table[0][0] == "subscription_id" else 4
    for row in table[1:]:
        if chance.random() < 0.4:
            row[place] = chance.choice(
                ["1e308", "1E9999", "9" * 29, "9" * 400, "1e-300", "NaN", "inf", "-1e20", "0x10", "1.2E+15", "9999999999999999999.99", "1/0", "٣"]
            )
    return put(folder, text_of(table)), len(table) - 1 if place == 5 else None


@kind
def _dates_out_of_range(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = lines(chance)
    for row in table[1:]:
        if chance.random() < 0.4:
            row[chance.choice([3, 4])] = chance.choice(
                ["0000-00-00", "9999-12-31", "0001-01-01", "2024-02-30", "10000-01-01", "31/12/99999", "-1", "45292", "2958466", "1900-02-29"]
            )
    return put(folder, text_of(table)), 60


@kind
def _formulas_in_text(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table = lines(chance)
    for row in table[1:]:
        row[chance.randrange(8)] = chance.choice(["=1+1", "=cmd|' /C calc'!A0", "@SUM(A1:A9)", "+1+1", '=HYPERLINK("http://x","y")'])
    return put(folder, text_of(table)), 60


@kind
def _one_delimiter_within_another(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    rows = [chance.choice([",", ";", "\t", "|"]).join(row) for row in lines(chance)]
    return put(folder, "\n".join(rows)), None


# -- workbooks ----------------------------------------------------------------------------------------------------------


@kind
def _a_workbook_cut_off(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    path = sheet(folder, sound(chance))
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(4, len(content))])
    return path, None


@kind
def _a_workbook_with_bytes_changed(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    path = sheet(folder, sound(chance))
    content = bytearray(path.read_bytes())
    for _ in range(chance.randrange(1, 60)):
        content[chance.randrange(4, len(content))] = chance.randrange(256)
    path.write_bytes(bytes(content))
    return path, None


@kind
def _a_workbook_with_xml_changed(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    def change(name: str, content: bytes) -> bytes:
        if chance.random() < 0.5:
            return content
        text = bytearray(content)
        for _ in range(chance.randrange(1, 30)):
            text[chance.randrange(len(text))] = chance.choice(b'<>/"&1Az\x00\xff')
        return bytes(text)

    return repacked(sheet(folder, sound(chance)), change), None


@kind
def _a_workbook_without_a_part(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    path = sheet(folder, sound(chance))
    with zipfile.ZipFile(path) as archive:
        lost = chance.choice(archive.namelist())
    return repacked(path, lambda name, content: None if name == lost else content), None


def _padded(text: bytes, size: int) -> tuple[bytes, int, int]:
    """A part that begins with a text and goes on with a repeated piece up to a size: packed, its checksum, its size."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = b'<row r="2"><c r="A2"><v>1</v></c></row>' * 100_000
    begun = pack.compress(text) + pack.flush(zlib.Z_FULL_FLUSH)
    again = pack.compress(piece) + pack.flush(zlib.Z_FULL_FLUSH)  # from here on a block that may be repeated
    times = size // len(piece)
    check = zlib.crc32(text)
    for _ in range(times):
        check = zlib.crc32(piece, check)
    return begun + again * times + pack.flush(), check, len(text) + times * len(piece)


@kind
def _a_bomb(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    """A sheet that unpacks to hundreds of megabytes or gigabytes; its stated size may be a lie."""
    size, lie = chance.choice([300_000_000, 2_500_000_000]), chance.random() < 0.5
    path = sheet(folder, lines(chance))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    begin = parts["xl/worksheets/sheet1.xml"].partition(b"</sheetData>")[0]
    packed, check, given = _padded(begin, size)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if name != "xl/worksheets/sheet1.xml":
                archive.writestr(name, content)
        info = zipfile.ZipInfo("xl/worksheets/sheet1.xml")
        info.compress_type, info.CRC, info.file_size, info.compress_size = zipfile.ZIP_STORED, check, len(packed), len(packed)
        archive.writestr(info, packed)
        info.compress_type, info.CRC, info.file_size = zipfile.ZIP_DEFLATED, check, 10_000 if lie else given
    content = bytearray(path.read_bytes())  # the local header was written for a stored part
    at = content.find(b"PK\x03\x04", info.header_offset)
    content[at + 8 : at + 10] = (8).to_bytes(2, "little")
    content[at + 14 : at + 18] = check.to_bytes(4, "little")
    content[at + 22 : at + 26] = (10_000 if lie else min(given, 2**32 - 1)).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    return path, None


@kind
def _a_cell_far_away(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    far = chance.choice([b"XFD1048576", b"ZZ1048576", b"XFD9", b"XFD99999"])
    cell = b'<row r="%d"><c r="%s"><v>1</v></c></row></sheetData>' % (chance.choice([61, 1_048_576]), far)
    return repacked(sheet(folder, lines(chance)), lambda name, content: content.replace(b"</sheetData>", cell) if "sheet1" in name else content), None


@kind
def _formulas_without_values(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    path, table = folder / "file.xlsx", sound(chance)
    book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": True})
    page = book.add_worksheet("Data")
    for i, row in enumerate(table):
        page.write_row(i, 0, row)
    place = len(table[0]) - (3 if len(table[0]) == 8 and table[0][0] == "subscription_id" else 1)
    for i in range(1, len(table)):
        page.write_formula(i, place, "=1+1")
    book.close()
    return repacked(path, lambda name, content: content.replace(b"</f><v>0</v>", b"</f>") if "sheet1" in name else content), None if table[0][
        0
    ] == "Customer" else 60


@kind
def _errors_and_odd_values(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    table: list[list[object]] = [list(row) for row in lines(chance)]
    for row in table[1:]:
        row[chance.randrange(8)] = chance.choice([1e308, -1e-300, True, "#REF!", "#N/A", 2_958_466, -1.5, "x" * 32_000, ""])
    return sheet(folder, table), 60


@kind
def _dates_that_are_no_dates(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    path, table = folder / "file.xlsx", lines(chance)
    book = xlsxwriter.Workbook(str(path))
    page, day = book.add_worksheet("Data"), book.add_format({"num_format": "yyyy-mm-dd"})
    for i, row in enumerate(table):
        page.write_row(i, 0, row)
        if i:
            page.write_number(i, 3, chance.choice([0, 60, -5, 45_292.7, 2_958_466, 1e15, 45_292]), day)
    book.close()
    return path, 60


@kind
def _empty_sheets(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    path = folder / "file.xlsx"
    book = xlsxwriter.Workbook(str(path))
    for i in range(chance.randrange(1, 30)):
        book.add_worksheet(f"Sheet {i}")
    if chance.random() < 0.5:
        book.add_worksheet("Header").write_row(0, 0, ["account_id", "start_date", "mrr"])
    book.close()
    return path, None


@kind
def _a_zip_within_a_zip(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    inner = sheet(folder, sound(chance), "inner.xlsx").read_bytes()
    path = folder / "file.xlsx"
    for _ in range(chance.randrange(1, 4)):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(chance.choice(["inner.xlsx", "xl/inner.zip", "xl/workbook.xml"]), inner)
        inner = path.read_bytes()
    return path, None


@kind
def _a_shared_string_that_is_not_there(chance: random.Random, folder: Path) -> tuple[Path, int | None]:
    def change(name: str, content: bytes) -> bytes:
        return content.replace(b't="s"><v>', b't="s"><v>' + chance.choice([b"99", b"-", b"9999999999999"])) if "sheet1" in name else content

    return repacked(sheet(folder, sound(chance)), change), None
