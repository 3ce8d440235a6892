"""A wide grid of months becomes dated lines: which headers are months, which lines come of the cells, what is set aside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.records.periods import last_day, month_name, month_number
from laer.sources.tabular.batches import batches
from laer.sources.tabular.grid import GridTable
from laer.sources.tabular.grid_header import wide_header
from laer.sources.tabular.read import UnreadableFile, open_tables
from laer.sources.tabular.recognise import recognise
from laer.sources.tabular.table import Table, header_of

JANUARY = month_number(date(2024, 1, 1))
Maker = Callable[..., Table]


@pytest.fixture
def table(tmp_path: Path) -> Maker:
    def make(text: str, name: str = "file.csv") -> Table:
        (tmp_path / name).write_text(text, encoding="utf-8")
        (one,) = open_tables(tmp_path / name)
        return one

    return make


def lines(one: Table) -> list[tuple[str, ...]]:
    """Account, start, end and amount of each line of a grid."""
    assert isinstance(one, GridTable)
    assert one.known is not None
    places = [one.header.index(h) for target in ("account_id", "start_on", "end_on", one.measure) for h, t in one.known.columns.items() if t == target]
    return [tuple(cells[place] for place in places) for _, cells in one.rows()]


@pytest.mark.parametrize(
    "header",
    [
        "Jan-24,Feb-24,Mar-24", "Jan 2024,Feb 2024,Mar 2024", "January 2024,February 2024,March 2024", "2024-01,2024-02,2024-03", "01/2024,02/2024,03/2024",
        "2024M01,2024M02,2024M03", "M1 2024,M2 2024,M3 2024", "2024-01-31,2024-02-29,2024-03-31", "2024-01-01,2024-02-01,2024-03-01", "45292,45323,45352",
        "45322,45351,45382", "Januar 2024,Februar 2024,März 2024", "janv. 2024,févr. 2024,mars 2024", "enero de 2024,febrero de 2024,marzo de 2024", "Jan'24,Feb'24,Mar'24",
        "01/01/2024,01/02/2024,01/03/2024", "1/1/2024,2/1/2024,3/1/2024", "31.01.2024,29.02.2024,31.03.2024", "202401,202402,202403", "01/24,02/24,03/24",
        "MRR Jan-24,MRR Feb-24,MRR Mar-24", "Jan-24 (MRR),Feb-24 (MRR),Mar-24 (MRR)", "2024 Jan,2024 Feb,2024 Mar", "1-Jan-24,1-Feb-24,1-Mar-24", "2024/1,2024/2,2024/3",
        "Jan-24,2024-02,2024-03-01", "2024-01-01 00:00:00,2024-02-01 00:00:00,2024-03-01 00:00:00", "Sum,Jan-24,Feb-24,Q1 2024,Mar-24",
    ],
)  # fmt: skip
def test_a_month_is_read_as_people_write_it(header: str) -> None:
    wide = wide_header(header_of(["Customer", *header.split(",")]))
    assert wide is not None
    assert [m.number for m in wide.months] == [JANUARY, JANUARY + 1, JANUARY + 2]
    assert wide.twice is None


@pytest.mark.parametrize(
    "header",
    [
        "Q1 2024,Q2 2024,Q3 2024,Q4 2024", "2021,2022,2023,2024", "FY21,FY22,FY23", "Jan-24,Feb-24", "Start date,End date,MRR", "2024-01-01,2024-01-08,2024-01-15,2024-01-22",
        "Jan 10,Jan 11,Jan 12,Jan 13", "2024-01-03,2024-02-11,2024-03-17", "Jan,Feb,Mar", "1,2,3,4", "10001,10002,10003", "2024-13,2024-14,2024-15", "W1 2024,W2 2024,W3 2024",
    ],
)  # fmt: skip
def test_what_is_no_row_of_months_is_left_as_it_is(header: str) -> None:
    assert wide_header(header_of(["Customer", *header.split(",")])) is None


def test_equal_months_are_one_line_and_the_last_value_stays_open(table: Maker) -> None:
    one = table("Customer ID,Plan,Jan-24,Feb-24,Mar-24,Apr-24\nA,Pro,100,100,150,150\nB,Pro,80,80,,\nC,Pro,,,,\nD,Basic,,0,5,-\n")
    assert lines(one) == [("A", "2024-01-01", "2024-03-01", "100"), ("A", "2024-03-01", "", "150"), ("B", "2024-01-01", "2024-03-01", "80"), ("D", "2024-03-01", "2024-04-01", "5")]  # fmt: skip
    assert [line for line, _ in one.rows()] == [2, 2, 3, 5]
    assert any("1 of 4 rows have no amount" in note for note in one.notes)


def test_it_is_recognised_as_lines_with_exclusive_ends_and_nothing_is_asked(table: Maker) -> None:
    text = "Customer,CSM,Segment,Industry,Country,Health,Jan-24,Feb-24,Mar-24\nAcme,Maya,SMB,Energy,DE,80,1,2,3\nBolt,Tom,SMB,Energy,FR,70,1,,3\nCole,Tom,SMB,Foods,FR,60,,,3\n"
    found = recognise(table(text, "accounts.csv"))
    assert (found.record, found.end, found.undecided, found.sure) == ("subscription_lines", "exclusive", (), 1.0)
    assert found.headers["account_id"] == "Customer"
    assert found.columns["Health"] == "custom.health"
    assert (found.missing, found.columns["mrr"], found.columns["start_date"], found.columns["end_date"]) == (("subscription_id",), "mrr", "start_on", "end_on")
    assert found.end_evidence is not None
    assert "first unpaid day" in found.end_evidence.sentence


def test_a_cell_that_cannot_be_read_is_set_aside_alone_and_names_its_line_and_column(table: Maker) -> None:
    one = table("Customer,Jan-24,Feb-24,Mar-24\nAcme,100,t.b.d.,100\nBolt,100,12%,\n")
    assert lines(one) == [
        ("Acme", "2024-01-01", "2024-02-01", "100"), ("Acme", "2024-02-01", "2024-03-01", "t.b.d. in column Feb-24"), ("Acme", "2024-03-01", "", "100"),
        ("Bolt", "2024-01-01", "2024-02-01", "100"), ("Bolt", "2024-02-01", "2024-03-01", "12% in column Feb-24"),
    ]  # fmt: skip
    ((batch, rejects),) = batches(one, recognise(one))
    assert [row["mrr"] for row in batch.rows] == [100, 100, 100]
    assert [(r.line, r.reason) for r in rejects] == [
        (2, "unreadable number in mrr: 't.b.d. in column Feb-24'"),
        (3, "unreadable number in mrr: '12% in column Feb-24'"),
    ]
    assert rejects[0].raw == {"Customer": "Acme", "start_date": "2024-02-01", "end_date": "2024-03-01", "mrr": "t.b.d. in column Feb-24"}


def test_the_last_month_and_a_negative_one_stand_as_they_are(table: Maker) -> None:
    assert lines(table("Customer,Jan-24,Feb-24,Mar-24\nAcme,1,(5),x\n")) == [
        ("Acme", "2024-01-01", "2024-02-01", "1"), ("Acme", "2024-02-01", "2024-03-01", "-5"), ("Acme", "2024-03-01", "", "x in column Mar-24"),
    ]  # fmt: skip


def test_amounts_of_one_size_are_equal_however_they_are_written_and_keep_their_decimals(table: Maker) -> None:
    assert lines(table("Customer;Jan-24;Feb-24;Mar-24;Apr-24\nAcme;1.200,50 €;1200,5;1,234;€ 1.000\n")) == [
        ("Acme", "2024-01-01", "2024-03-01", "1200.50"), ("Acme", "2024-03-01", "2024-04-01", "1.2340"), ("Acme", "2024-04-01", "", "1000"),
    ]  # fmt: skip


def test_columns_may_go_backwards_and_a_month_without_column_is_carried_with_a_note(table: Maker) -> None:
    one = table("Customer,Apr-24,Feb-24,Jan-24\nAcme,7,5,5\nBolt,,5,5\n")
    assert lines(one) == [("Acme", "2024-01-01", "2024-04-01", "5"), ("Acme", "2024-04-01", "", "7"), ("Bolt", "2024-01-01", "2024-04-01", "5")]
    assert any("no column for 2024-03" in note for note in one.notes)


def test_two_columns_for_one_month_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    path.write_text("Customer,Jan-24,Feb-24,Mar-24,2024-01\nAcme,1,2,3,4\n")
    with pytest.raises(UnreadableFile, match=r"two columns for one month \('Jan-24' and '2024-01'\)"):
        list(open_tables(path))


def test_two_columns_of_one_name_are_two_columns_of_one_month(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    path.write_text("Customer,Jan-24,Feb-24,Mar-24,Jan-24\nAcme,1,2,3,4\n")
    with pytest.raises(UnreadableFile, match=r"'Jan-24' and 'Jan-24 \(2\)'"):
        list(open_tables(path))


@pytest.mark.parametrize(
    ("name", "header", "measure"),
    [
        ("arr_by_month.csv", "Customer,Jan-24,Feb-24,Mar-24", "arr"), ("mrr_2024.csv", "Customer,Jan-24,Feb-24,Mar-24", "mrr"),
        ("grid.csv", "Customer,ARR Jan-24,ARR Feb-24,ARR Mar-24", "arr"), ("grid.csv", "Customer (ARR),Jan-24,Feb-24,Mar-24", "arr"),
        ("grid.csv", "Customer,Jan-24,Feb-24,Mar-24", "mrr"), ("usage_mrr.csv", "Customer,Jan-24,Feb-24,Mar-24", "mrr"),
    ],
)  # fmt: skip
def test_mrr_or_arr_is_what_names_say(table: Maker, name: str, header: str, measure: str) -> None:
    one = table(f"{header}\nAcme,120,120,120\n", name)
    assert isinstance(one, GridTable)
    assert one.measure == measure == one.header[-1]


@pytest.mark.parametrize(("stated", "value", "measure"), [("ARR", 1200, "mrr"), ("ARR", 100, "arr"), ("MRR", 100, "mrr"), ("MRR", "8.3333", "arr")])
def test_a_stated_arr_or_mrr_beside_the_months_says_which_they_are(table: Maker, stated: str, value: object, measure: str) -> None:
    one = table(f"Customer,{stated},Jan-24,Feb-24,Mar-24\nAcme,{value},90,90,100\nBolt,,1,1,1\n")
    assert isinstance(one, GridTable)
    assert one.measure == measure


def test_mrr_and_arr_side_by_side_gives_the_mrr_and_keeps_the_arr_as_columns(table: Maker) -> None:
    one = table("Customer,MRR Jan-24,ARR Jan-24,MRR Feb-24,ARR Feb-24,MRR Mar-24,ARR Mar-24\nAcme,1,12,1,12,2,24\n")
    assert lines(one) == [("Acme", "2024-01-01", "2024-03-01", "1"), ("Acme", "2024-03-01", "", "2")]
    assert one.header[:4] == ["Customer", "ARR Jan-24", "ARR Feb-24", "ARR Mar-24"]


@pytest.mark.parametrize("name", ["usage_by_month.csv", "invoices 2024.csv", "nps.csv", "cohorts.csv"])
def test_months_of_something_else_are_no_revenue(table: Maker, name: str) -> None:
    assert not isinstance(table("Customer,Jan-24,Feb-24,Mar-24\nAcme,1,2,3\n", name), GridTable)


def test_months_of_words_are_no_revenue(table: Maker) -> None:
    assert not isinstance(table("Customer,Jan-24,Feb-24,Mar-24\nAcme,green,red,red\nBolt,green,,5\n"), GridTable)
    assert not isinstance(table("Jan-24,Feb-24,Mar-24\n1,2,3\n"), GridTable)


@pytest.mark.parametrize(
    ("header", "account"),
    [
        ("Name,CSM", "Name"), ("CSM,Company", "Company"), ("ID,Name", "ID"), ("Kunde,Land", "Kunde"), ("Whoever,Land", "Whoever"), ("Account ID,Account Name", "Account ID"), ("Company,CSM name", "Company"), ("Whoever,CSM name", "Whoever"),
    ],
)  # fmt: skip
def test_the_account_is_found_by_id_by_name_or_by_place(table: Maker, header: str, account: str) -> None:
    one = table(f"{header},Jan-24,Feb-24,Mar-24\nA,B,1,2,3\n")
    assert one.known is not None
    assert one.known.columns[account] == "account_id"


def test_an_id_of_the_row_is_not_the_customer(table: Maker) -> None:
    one = table("ID,Name,Jan-24,Feb-24,Mar-24\n1,Acme,1,2,3\n2,Acme,1,2,3\n")
    assert one.known is not None
    assert one.known.columns["Name"] == "account_id"


def test_each_row_of_a_customer_is_a_subscription_of_its_own(table: Maker) -> None:
    one = table("Customer,Product,Jan-24,Feb-24,Mar-24\nAcme,Core,1,1,1\nAcme,Core,1,1,1\nAcme,More,1,1,1\nBolt,Core,1,1,1\n")
    place = one.header.index("subscription_id")
    assert [cells[place] for _, cells in one.rows()] == ["Acme/Core", "Acme/Core/2", "Acme/More", "Bolt/Core"]
    assert "subscription_id" not in table("Customer,Product,Jan-24,Feb-24,Mar-24\nAcme,Core,1,1,1\nAcme,More,1,1,1\n").header


def test_dates_status_and_sums_beside_the_months_do_not_decide_for_them(table: Maker) -> None:
    one = table("Customer,Start date,Status,MRR,Jan-24,Feb-24,Mar-24,Total,2024\nAcme,2020-01-01,Churned,3,1,2,3,6,6\n")
    assert one.known is not None
    assert one.header == ["Customer", "Start date", "Status", "MRR", "start_date of the grid", "end_date", "mrr of the grid"]
    assert one.known.columns == {"Customer": "account_id", "start_date of the grid": "start_on", "end_date": "end_on", "mrr of the grid": "mrr"}
    assert recognise(one).columns["Status"] == "custom.status"
    assert any("Total, 2024" in note for note in one.notes)


def test_a_row_with_too_many_cells_is_set_aside_not_cut(table: Maker) -> None:
    one = table("Customer,Jan-24,Feb-24,Mar-24\nAcme,1,1,1\nBolt,1,1,1,lost?\nCole,1,1,1\nDove,1,1,1\n")
    ((batch, rejects),) = batches(one, recognise(one))
    assert [row["account_id"] for row in batch.rows] == ["Acme", "Cole", "Dove"]
    assert [(r.line, r.raw[""]) for r in rejects] == [(3, "lost?")]


def test_a_sheet_with_dates_or_serials_as_header(tmp_path: Path) -> None:
    path = tmp_path / "grid.xlsx"
    book = xlsxwriter.Workbook(str(path))
    months = book.add_format({"num_format": "mmm-yy"})
    dated, serial, notes = book.add_worksheet("MRR"), book.add_worksheet("ARR"), book.add_worksheet("Notes")
    dated.write_row(0, 0, ["Customer", "CSM"])
    serial.write_row(0, 0, ["Customer", "CSM", 45322, 45351, 45382])
    notes.write_row(0, 0, ["What", "Why"])
    notes.write_row(1, 0, ["a", "b"])
    for place in range(3):
        dated.write_datetime(0, 2 + place, date(2024, place + 1, 1), months)  # type: ignore[arg-type]
    for sheet in (dated, serial):
        sheet.write_row(1, 0, ["Acme", "Maya", 100, 100, 120.5])
    book.close()
    first, second, third = open_tables(path)
    assert lines(first) == [("Acme", "2024-01-01", "2024-03-01", "100"), ("Acme", "2024-03-01", "", "120.5")] == lines(second)
    assert (first.header[-1], second.header[-1], third.header, third.known) == ("mrr", "arr", ["What", "Why"], None)
    assert first.done == 1.0


def test_a_sheet_with_two_columns_for_one_month_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    path = tmp_path / "grid.xlsx"
    book = xlsxwriter.Workbook(str(path))
    for name, last in (("Bad", "Jan-24"), ("Good", "Mar-24")):
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, ["Customer", "Jan-24", "Feb-24", "Apr-24", last])
        sheet.write_row(1, 0, ["Acme", 1, 2, 3, 4])
    book.close()
    tables = open_tables(path)
    assert next(tables).sheet == "Good"
    with pytest.raises(UnreadableFile, match="two columns for one month"):
        next(tables)


CELLS = st.one_of(st.none(), st.just(Decimal(0)), st.decimals(0, 99_999, places=2), st.sampled_from([Decimal(100), Decimal("99.999"), Decimal("1.5")]))
GRIDS = st.integers(3, 15).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8))


@given(grid=GRIDS, backwards=st.booleans(), comma=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_lines_of_any_grid_come_to_its_cells_month_by_month(tmp_path: Path, grid: list[list[Decimal | None]], backwards: bool, comma: bool) -> None:
    months = [JANUARY + i for i in range(len(grid[0]))]
    order = list(reversed(range(len(months)))) if backwards else list(range(len(months)))
    shown = [["" if cell is None else f"{cell:f}".replace(".", ",") if comma else f"{cell:f}" for cell in row] for row in grid]
    path = tmp_path / "grid.csv"
    table_rows = [["Customer", *(month_name(months[i]) for i in order)], *([f"C{n}", *(row[i] for i in order)] for n, row in enumerate(shown))]
    path.write_text("\n".join(";".join(row) for row in table_rows) + "\n")
    (one,) = open_tables(path)
    if not any(cell is not None for row in grid for cell in row):
        assert not isinstance(one, GridTable)  # a grid of blanks says nothing
        return
    mark = "," if comma else "."
    places = {len(text.partition(mark)[2]) for row in shown for text in row if mark in text}
    if not places - {3} and (comma or places):  # `1.200` alone can be read in two ways, in a file with semicolons above all
        return
    sums: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for batch, rejects in batches(one, recognise(one)):
        assert not rejects
        for row in batch.rows:
            assert row["mrr"] > 0
            for month in months:
                day = last_day(month)
                if row["start_on"] <= day and (row["end_on"] is None or day < row["end_on"]):
                    sums[row["account_id"], month] += row["mrr"]
    for n, cells in enumerate(grid):
        for month, cell in zip(months, cells, strict=True):
            assert sums[f"C{n}", month] == (cell or 0)
            if month == months[-1] and cell:
                assert any(line[0] == f"C{n}" and line[2] == "" for line in lines(one))


def test_a_row_per_customer_and_month_is_a_grid_too(table: Maker) -> None:
    one = table("Customer,Month,MRR\nAcme,2025-01,100\nAcme,2025-02,100\nBeta,2025-01,200\nBeta,2025-03,250\nAcme,2025-03,150\n")
    assert lines(one) == [
        ("Acme", "2025-01-01", "2025-03-01", "100"), ("Acme", "2025-03-01", "", "150"),
        ("Beta", "2025-01-01", "2025-02-01", "200"), ("Beta", "2025-03-01", "", "250"),
    ]  # fmt: skip
    assert any("a month without a row is 0" in note for note in one.notes)


def test_rows_of_one_customer_and_month_stand_beside_one_another(table: Maker) -> None:
    rows = [f"Acme,2025-0{m}-28,60\nAcme,2025-0{m}-28,40" for m in (1, 2, 3)]
    one = table("Customer,Month,ARR\n" + "\n".join(rows) + "\n")
    assert isinstance(one, GridTable)
    assert (one.measure, lines(one)) == ("arr", [("Acme", "2025-01-01", "", "60"), ("Acme", "2025-01-01", "", "40")])


def test_a_month_that_cannot_be_read_is_set_aside_with_what_it_says(table: Maker) -> None:
    rows = [f"{name},2025-0{m},10" for name in ("Acme", "Beta", "Cato", "Dora") for m in (1, 2, 3)]
    one = table("Customer,Month,MRR\n" + "\n".join([*rows, "Emil,soon,99"]) + "\n")
    assert [line[3] for line in lines(one) if line[0] == "Emil"] == ["99 of 'soon' in column 2025-01"]


@pytest.mark.parametrize(
    "text",
    [
        "Customer,Month,MRR\nAcme,2025-01,100\nBeta,2025-02,200\nCato,2025-03,50\n",  # each once: when they began
        "Customer,Date,MRR\nAcme,2025-01-03,100\nAcme,2025-02-11,120\nAcme,2025-03-19,130\n",  # changes on their days
        "Customer,Invoice Number,Month,Amount\nAcme,1,2025-01,100\nAcme,2,2025-02,100\nAcme,3,2025-03,100\n",
        "Customer,Start Date,Month,MRR\nAcme,2025-01-01,2025-01,100\nAcme,2025-01-01,2025-02,100\nAcme,2025-01-01,2025-03,100\n",
        "Account ID,Date,Amount\nA1,2025-01-31,10\nA1,2025-02-28,10\nA1,2025-03-31,10\n",
        "Customer,Date,MRR\nA,2024-01-01,100\nA,2024-06-01,150\nB,2024-02-01,50\nB,2024-09-01,70\nC,2024-03-01,9\nC,2024-04-01,8\n",  # changes on first days
        "Customer,Month,MRR\nA,2024-01,100\nA,2024-12,150\nB,2024-02,50\nB,2024-11,70\nC,2024-03,9\nC,2024-10,8\n",  # and in months
        "Customer,Month,Contract Value\nA,2024-01,1200\nA,2024-02,1200\nB,2024-01,900\nB,2024-02,900\n",  # signed in a month
        "Customer,Month,TCV\nA,2024-01,1200\nA,2024-02,1200\nB,2024-01,900\nB,2024-02,900\n",
        "Customer,Opportunity,Month,Amount\nA,Seats,2024-01,1200\nA,More,2024-02,1200\nB,Seats,2024-01,900\nB,More,2024-02,900\n",
        "Customer,Stage,Month,Amount\nA,Won,2024-01,1200\nA,Lost,2024-02,1200\nB,Won,2024-01,900\nB,Won,2024-02,900\n",
    ],
)
def test_what_is_no_list_of_months_stays_as_it_is(table: Maker, text: str) -> None:
    assert not isinstance(table(text), GridTable)
