"""Files to tables: delimiters, encodings, ragged rows, workbooks, and one clear error for what is no table."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.sources.tabular import delimited
from laer.sources.tabular.read import UnreadableFile, files_at, open_tables
from laer.sources.tabular.sniff import delimiter_of
from laer.sources.tabular.table import header_of


@pytest.fixture
def table(tmp_path):
    def make(content, name="file.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (one,) = open_tables(path)
        return one

    return make


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(table, delimiter):
    one = table(delimiter.join(["id", "name", "amount"]) + "\n" + delimiter.join(["1", "Acme", "5"]) + "\n")
    assert one.header == ["id", "name", "amount"]
    assert list(one.rows()) == [(2, ["1", "Acme", "5"])]


def test_decimal_commas_and_dates_do_not_mislead(table):
    assert table("id;amount;day\n1;1,5;01,02\n2;2,5;03,04\n").header == ["id", "amount", "day"]
    assert table('name,note\n"Acme; Inc","a|b;c"\n"B; C","d|e;f"\n').header == ["name", "note"]


def test_one_column_of_names_with_commas_stays_one_column(table):
    one = table("name\nAcme, Inc.\nBolt, Ltd.\n")
    assert [cells for _, cells in one.rows()] == [["Acme, Inc."], ["Bolt, Ltd."]]


def test_excels_sep_line_is_obeyed_and_not_a_row(table):
    one = table("sep=;\nid;name\n1;Acme\n")
    assert one.header == ["id", "name"]
    assert list(one.rows()) == [(3, ["1", "Acme"])]


@pytest.mark.parametrize(
    "encoded",
    ["näme;ort\nMüller;Köln\n".encode(e) for e in ("utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le", "utf-16-be")]
    + [b"\xfe\xff" + "näme;ort\nMüller;Köln\n".encode("utf-16-be")],
)
def test_every_common_encoding_reads_the_same(table, encoded):
    one = table(encoded)
    assert one.header == ["näme", "ort"]
    assert list(one.rows()) == [(2, ["Müller", "Köln"])]


def test_a_western_byte_late_in_a_utf8_file_is_read_and_not_fatal(table):
    one = table(b"id,name\n" + b"1,x\n" * 40_000 + b"2,M\xfcller\n" + "3,Zoë\n".encode())
    assert [cells[1] for _, cells in one.rows()][-2:] == ["Müller", "Zoë"]


def test_lines_count_physically_through_quoted_newlines_and_blank_lines(table):
    one = table('id,note\n1,"two\nlines"\n\n,\n2,"a\r\nb\rc"\n3,x\n')
    assert list(one.rows()) == [(2, ["1", "two\nlines"]), (6, ["2", "a\r\nb\rc"]), (9, ["3", "x"])]


def test_short_rows_are_padded_and_surplus_is_kept(table):
    one = table("a,b,c\n1\n1,2,3,,\n1,2,3,4,5\n")
    assert [cells for _, cells in one.rows()] == [["1", "", ""], ["1", "2", "3"], ["1", "2", "3", "4, 5"]]
    assert one.raw(["1", "2", "3", "4, 5"]) == {"a": "1", "b": "2", "c": "3", "": "4, 5"}
    assert "Row 4 has more cells than the header" in one.notes[0]


def test_headers_are_trimmed_unique_and_named(table):
    assert table(" id ,amount,amount,,\n1,2,3,4,\n2,3,4,5,\n").header == ["id", "amount", "amount (2)", "column 4"]
    assert header_of(["a", "a (2)", "a"]) == ["a", "a (2)", "a (3)"]


def test_nul_bytes_are_left_out_and_noted(table):
    one = table(b"id,name\n1,Ac\0me\n")
    assert list(one.rows()) == [(2, ["1", "Acme"])]
    assert any("NUL" in note for note in one.notes)


def test_rows_can_be_read_again_and_in_chunks_and_say_how_far_they_are(table):
    one = table("id,x\n" + "".join(f"{i},y\n" for i in range(2500)))
    assert list(one.rows()) == list(one.rows())
    chunks = list(one.chunks(1000))
    assert [line for lines, _ in chunks for line in lines] == list(range(2, 2502))
    assert one.done == 1.0


def test_quotation_marks_that_enclose_nothing_swallow_no_rows(table):
    assert len(list(table('id,name\n1,"open\n' + "2,x\n" * 500).rows())) == 501
    one = table('text\tlabel\n"Oh no, he said\t1\nfine\t0\nshe said "yes"\t1\n')
    assert [cells[0] for _, cells in one.rows()] == ['"Oh no, he said', "fine", 'she said "yes"']


def test_a_quotation_mark_left_open_is_noted(table):
    one = table('id,name\n1,"open, alas\n' + "2,x\n" * 500)
    assert sum(1 for _ in one.rows()) == 1
    assert any("left open" in note for note in one.notes)


def test_a_huge_cell_is_one_error_with_its_line(table):
    with pytest.raises(UnreadableFile, match="near line 3"):
        list(table(b"id,name\n1,x\n2," + b"y" * 10_000_001 + b"\n").rows())


def test_a_line_without_end_is_one_error(table, monkeypatch):
    monkeypatch.setattr(delimited, "LARGEST_LINE", 1_000_000)
    with pytest.raises(UnreadableFile, match="line of more than"):
        list(table(b"id,name\n" + b"1," * 2_000_000).rows())


CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('\n\r\t",;'), min_size=1, max_size=8)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=20))
@settings(max_examples=60)
def test_what_csv_writes_is_read_back(tmp_path_factory, rows):
    rows = [["k", *row] for row in rows]
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["key", "a", "b", "c"], *rows])
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    path.write_bytes(text.getvalue().encode())
    (one,) = open_tables(path)
    assert [cells for _, cells in one.rows()] == rows


def test_the_delimiter_of_a_header_alone():
    assert delimiter_of("a;b;c") == ";"
    assert delimiter_of("Report of 2024\n\na;b;c\n1;2;3\n4;5;6\n") == ";"


# --- workbooks


@pytest.fixture
def workbook(tmp_path):
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        day, moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet = book.add_worksheet("Accounts")
        sheet.write_row(1, 0, ["id", "since", "seen", "seats", "live"])
        sheet.write_datetime(2, 1, datetime(2024, 1, 5), day)
        sheet.write_datetime(2, 2, datetime(2024, 1, 5, 10, 30), moment)
        sheet.write(2, 0, "A1")
        sheet.write(2, 3, 12.0)
        sheet.write(2, 4, True)
        sheet.write_row(4, 0, ["A2", "", "", 1.5])
        book.add_worksheet("Empty")
        secret = book.add_worksheet("Secret")
        secret.hide()
        secret.write_row(0, 0, ["id"])
    return path


def test_every_sheet_with_rows_is_a_table_of_plain_texts(workbook):
    accounts, secret = open_tables(workbook, name="upload.xlsx")
    assert (accounts.title, accounts.header) == ("upload.xlsx / Accounts", ["id", "since", "seen", "seats", "live"])
    assert list(accounts.rows()) == [(3, ["A1", "2024-01-05", "2024-01-05 10:30:00", "12", "TRUE"]), (5, ["A2", "", "", "1.5", ""])]
    assert "hidden" in secret.notes[0]


def test_a_folder_gives_its_tables_in_name_order(tmp_path, workbook):
    for name in ("b.csv", "a.tsv", "note.md", ".hidden.csv"):
        (tmp_path / name).write_text("id\tx\n1\t2\n")
    (tmp_path / "deep").mkdir()
    assert [path.name for path in files_at(tmp_path)] == ["a.tsv", "b.csv", "book.xlsx"]
    assert [one.file for one in open_tables(tmp_path)] == ["a.tsv", "b.csv", "book.xlsx", "book.xlsx"]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [("a.csv", b"", "an empty file"), ("a.csv", b"\n\n \n", "no rows"), ("a.csv", bytes(range(256)) * 20, "binary data"), ("a.csv", b"%PDF-1.7 x", "a PDF document"),
     ("a.xlsx", b"PK\x03\x04 broken", "a broken workbook"), ("a.xlsx", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "a broken workbook")],
)  # fmt: skip
def test_a_file_that_is_no_table_is_one_clear_sentence(tmp_path, name, content, found):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=found) as fault:
        list(open_tables(path))
    assert "expected" in str(fault.value)
    assert "\n" not in str(fault.value)


def test_nothing_and_a_folder_without_tables_are_clear_errors(tmp_path):
    with pytest.raises(UnreadableFile, match="nothing"):
        list(open_tables(tmp_path / "gone.csv"))
    with pytest.raises(UnreadableFile, match="without tables"):
        list(open_tables(tmp_path))


def test_a_file_we_may_not_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n")

    def refuse(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(UnreadableFile, match="may not read"):
        list(open_tables(path))


def test_a_date_cell_without_time_is_a_date():
    from laer.sources.tabular.workbook import as_text

    assert as_text(date(2024, 1, 5)) == as_text(datetime(2024, 1, 5)) == "2024-01-05"
    assert as_text(1e21) == "1e+21"
    assert as_text(0.1) == "0.1"
