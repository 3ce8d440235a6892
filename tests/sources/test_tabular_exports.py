"""Exports as people have them: a fixture for each shape, and what must come of it, rows and notes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.cli.line_file import read_line_file
from laer.metrics.policy import load_policy
from laer.sources.tabular.batches import batches
from laer.sources.tabular.labels import is_footer, label_of
from laer.sources.tabular.read import UnreadableFile, open_tables
from laer.sources.tabular.recognise import recognise
from laer.sources.tabular.salesforce_ids import checksum, one_id
from laer.sources.tabular.table import Table

EXPORTS = Path(__file__).parent / "exports"
DAY = {"num_format": "yyyy-mm-dd"}


@pytest.fixture
def opened(tmp_path):
    """A fixture as CSV, or its cells as a sheet: every shape must read alike in both."""

    def open_one(name: str, how: str = "csv") -> Table:
        path = EXPORTS / name
        (one,) = open_tables(path)
        if how == "xlsx":
            copy = tmp_path / f"{path.stem}.xlsx"
            with xlsxwriter.Workbook(copy) as book:
                sheet = book.add_worksheet("Sheet1")
                for line, cells in _all_rows(one):
                    for place, cell in enumerate(cells):
                        sheet.write_string(line - 1, place, cell)
            (one,) = open_tables(copy)
        return one

    return open_one


@pytest.fixture
def sheets(tmp_path):
    def make(fill) -> list[Table]:
        path = tmp_path / "book.xlsx"
        with xlsxwriter.Workbook(path) as book:
            fill(book)
        return list(open_tables(path))

    return make


def _all_rows(one):
    for lines, rows in one._lots(1000):
        yield from zip(lines, rows, strict=True)


def _read(one):
    """Firsts of the rows, (line, kind) of what is set aside, notes: each only once the file was gone through."""
    firsts = [cells[0] for _, cells in one.rows()]
    return firsts, [(aside.line, aside.kind) for aside in one.aside], one.notes


BOTH = pytest.mark.parametrize("how", ["csv", "xlsx"])


@BOTH
def test_title_rows_above_the_header_are_set_aside(opened, how):
    one = opened("titles.csv", how)
    assert one.header == ["Account ID", "Account Name", "CSM", "ARR", "Renewal Date", "Health"]
    assert [(aside.line, aside.kind, aside.cells[0]) for aside in one.aside] == [
        (1, "title", "Acme Software GmbH"), (2, "title", "Report generated on March 31, 2026"),
    ]  # fmt: skip
    assert _read(one)[0] == ["A-1", "A-2", "A-3"]
    assert "Row 1 and 1 more above the header are titles ('Acme Software GmbH'); the header is row 4." in one.notes
    assert recognise(one).columns["CSM"] == "owner"


@BOTH
def test_titles_with_commas_do_not_hide_the_semicolons_of_the_table(opened, how):
    one = opened("titles_semicolon.csv", how)
    assert one.header == ["Kunde", "Betreuer", "ARR", "Vertragsende"]
    firsts, aside, notes = _read(one)
    assert firsts == ["Nordwind", "Südwind", "Ostwind"]
    assert aside == [(1, "title"), (2, "title"), (8, "total")]
    assert "Row 8 is a total (ARR 14,000.75) and no record; the rows add up to it." in notes


@BOTH
def test_the_total_and_the_small_print_of_a_salesforce_report_are_no_records(opened, how):
    firsts, aside, notes = _read(opened("salesforce.csv", how))
    assert firsts == ["0015g00000AbCdE", "0015g00000AbCdF", "0015g00000AbCdG"]
    assert aside == [(5, "total"), *((line, "footer") for line in range(8, 13))]
    assert notes == [
        "Row 5 is a total (ARR 24,500.00) and no record; the rows add up to it.",
        "Rows 8 to 12 are small print below the table ('Accounts by owner') and no records.",
    ]


@BOTH
def test_subtotals_of_groups_are_known_by_their_sums_and_a_customer_called_total_energies_stays(opened, how):
    one = opened("subtotals.csv", how)
    assert [cells[1] for _, cells in one.rows()] == ["Northwind", "Contoso", "Fabrikam", "Total Energies"]
    assert [(aside.line, aside.kind) for aside in one.aside] == [(4, "subtotal"), (7, "subtotal"), (8, "total")]
    assert "Row 4 is a subtotal (ARR 3,000, Seats 30) and no record; the rows add up to it." in one.notes


@BOTH
def test_totals_in_other_languages(opened, how):
    firsts, aside, _ = _read(opened("totals_abroad.csv", how))
    assert firsts == ["Vent du nord", "Vent du sud", "Vent d'est"]
    assert aside == [(4, "subtotal"), (6, "subtotal"), (7, "total")]


@BOTH
def test_a_total_that_the_rows_do_not_add_up_to_says_by_how_much(opened, how):
    firsts, aside, notes = _read(opened("total_off.csv", how))
    assert firsts == ["Northwind", "Contoso"]
    assert aside == [(4, "total")]
    assert notes == ["Row 4 is a total (ARR 1,234,000.00) and no record; the rows add up to 1,233,000.00, 1,000.00 less."]


@BOTH
def test_customers_called_total_and_sum_stay_customers(opened, how):
    one = opened("customers_called_total.csv", how)
    assert len(_read(one)[0]) == 5
    assert one.aside == []
    assert one.notes == []


@BOTH
def test_a_row_called_total_whose_numbers_are_no_sums_stays_a_record_and_that_is_said(opened, how):
    firsts, aside, notes = _read(opened("total_in_the_middle.csv", how))
    assert firsts == ["Northwind", "Total", "Contoso", "Total Energies"]
    assert aside == []
    assert notes == ["Row 3 is called 'Total', but its numbers are not the sums of the rows above; it was read as a record."]


@BOTH
def test_a_header_said_again_is_no_record(opened, how):
    firsts, aside, notes = _read(opened("header_again.csv", how))
    assert firsts == ["A-1", "A-2", "A-3"]
    assert aside == [(3, "header"), (5, "header")]
    assert notes == ["The header stands again in rows 3, 5; those are no records."]


def test_many_subtotals_are_one_note(tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("region,account,arr\n" + "".join(f"R{i},A{i}a,10\nR{i},A{i}b,{i}\nR{i} Total,,{10 + i}\n" for i in range(3_000)))
    (one,) = open_tables(path)
    assert len(_read(one)[0]) == 6_000
    assert len(one.aside) == 3_000
    assert one.notes == ["Rows 4, 7, 10, 13, 16 and 2,995 more are subtotals and no records; the rows above add up to each of them."]


def test_what_is_set_aside_is_the_same_in_every_pass_and_lot(opened):
    one = opened("subtotals.csv")
    first = list(one.rows())
    assert [line for lines, _ in one.chunks(2) for line in lines] == [line for line, _ in first] == [2, 3, 5, 6]
    assert len(one.aside) == 3


# --- ordinary files


@pytest.mark.parametrize(
    "text",
    [
        "name\nTotal\nSum\n",
        "name,city\nNorthwind,\nContoso,Berlin\nConfidential Computing Ltd,\n",
        "name,,\nNorthwind,Berlin,5\nContoso,Paris,6\n",
        "name,,\nNorthwind,Berlin,Ann\nContoso,Paris,Bob\n",
        "a,b\n1,2,3,4,5\n1,2,3,4,5\n",
        ",name,amount\n0,Northwind,5\n1,Contoso,6\n",
        "id,name,,amount\nA1,Northwind,x,\nA2,Contoso,y,5\nA3,Fabrikam,z,6\n",
        "id,note\n1,Total\n2,Generated by hand\n",
        "id,name\n1,Total (all sites)\n2,Sub Total\n",
        "Total,Sum\n5,6\n7,8\n",
    ],
)
def test_an_ordinary_file_reads_as_ever(tmp_path, text):
    path = tmp_path / "file.csv"
    path.write_text(text)
    (one,) = open_tables(path)
    assert one.aside == []
    assert len(list(one.rows())) == text.count("\n") - 1
    assert next(line for line, _ in one.rows()) == 2


CELL = st.sampled_from(
    [
        "",
        "",
        "Total",
        "Sum",
        "Subtotal: A",
        "A Total",
        "5",
        "10",
        "1,5",
        "A",
        "B",
        "Account ID",
        "ARR",
        "2024-01-05",
        "Confidential",
        "Generated by X",
        "(c) 2024",
    ]
)


@given(st.lists(st.lists(CELL, min_size=5, max_size=5), min_size=1, max_size=25).filter(lambda rows: any(map(any, rows))))
@settings(max_examples=60, deadline=None)
def test_any_layout_gives_each_row_a_place_or_one_clear_error(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("any")
    text = "\n".join(",".join(f'"{cell}"' if "," in cell else cell for cell in cells) for cells in rows)
    (folder / "any.csv").write_text(text)
    with xlsxwriter.Workbook(folder / "any.xlsx") as book:
        sheet = book.add_worksheet("Any")
        for line, cells in enumerate(rows):
            sheet.write_row(line, 0, cells)
    for path in (folder / "any.csv", folder / "any.xlsx"):
        try:
            (one,) = open_tables(path)
        except UnreadableFile:
            continue
        for size in (1000, 3):
            (one,) = open_tables(path)
            lines = [line for part, _ in one.chunks(size) for line in part]
            placed = Counter([*lines, *(aside.line for aside in one.aside)])
            header = {one._layout.line, one._layout.upper or one._layout.line} - {0}  # 0: the header stands below its rows, and is aside
            assert placed.keys() | header == {line for line, cells in enumerate(rows, 1) if any(cells)}
            assert max(placed.values(), default=1) == 1
            recognise(one)


@pytest.mark.parametrize(
    ("text", "alone", "group"),
    [("Total", True, ""), ("GRAND TOTAL:", True, ""), ("Grand Totals (250 records)", True, ""), ("Sub-total", True, ""), ("Subtotal: EMEA", True, ""), ("Gesamtergebnis", True, ""),
     ("Total général", True, ""), ("Totaal", True, ""), ("Suma", True, ""), ("Total ARR", True, ""), ("EMEA Total", False, "emea"), ("Total for EMEA", False, "emea"),
     ("Total Energies", False, "energies"), ("Grand Total Systems", False, "systems")],
)  # fmt: skip
def test_labels_of_totals(text, alone, group):
    label = label_of(text)
    assert label is not None
    assert (label.alone, label.group) == (alone, group)


def test_names_are_no_labels_and_no_small_print():
    assert not any(map(label_of, ["Summit Corp", "Totalis", "Somerset", "Sumo Logic", "Resumen SA", "x" * 5000, ""]))
    assert label_of("Total-Tech GmbH") is None or not label_of("Total-Tech GmbH").alone
    assert not any(map(is_footer, ["Acme", "Confidential Computing Ltd", "Generated", "Copyrighters Inc", "Page Group"]))


# --- workbooks


def test_a_header_in_two_rows_is_joined_below_titles_with_hidden_rows_and_a_total(sheets):
    def fill(book):
        sheet = book.add_worksheet("Customers")
        sheet.merge_range("B1:H1", "Customer list 2026")
        sheet.write("B2", "Report generated on 2026-03-31")
        sheet.merge_range("B4:B5", "Account")
        for cells, group in (("C4:D4", "Owner"), ("E4:F4", "Revenue"), ("G4:H4", "Dates")):
            sheet.merge_range(cells, group)
        sheet.write_row("C5", ["Name", "Team", "ARR", "Seats", "Start", "End"])
        for i in range(3):
            sheet.write_row(5 + i, 1, [f"Acme {i}", "Ann", "North", 1000 * (i + 1), 10])
            sheet.write_datetime(5 + i, 6, datetime(2025, 1, 1 + i), book.add_format(DAY))
            sheet.write(5 + i, 7, 46_022 + i)
        sheet.set_row(6, None, None, {"hidden": True})
        sheet.set_row(20, None, None, {"hidden": True})
        sheet.write_row(8, 1, ["Total", "", "", 6000, 30])
        sheet.write(10, 1, "Confidential - do not distribute")

    (one,) = sheets(fill)
    assert one.header == ["Account", "Owner Name", "Owner Team", "Revenue ARR", "Seats", "Start", "End"]
    assert list(one.rows())[1] == (7, ["Acme 1", "Ann", "North", "2000", "10", "2025-01-02", "46023"])
    assert [(aside.line, aside.kind) for aside in one.aside] == [(1, "title"), (2, "title"), (9, "total"), (11, "footer")]
    assert "1 hidden row was read too." in one.notes
    assert "The header stands in two rows, 4 and 5; they were joined, as in 'Owner Name'." in one.notes
    assert "Row 9 is a total (Revenue ARR 6,000, Seats 30) and no record; the rows add up to it." in one.notes


def test_years_above_months_are_joined_without_merged_cells(sheets):
    def fill(book):
        sheet = book.add_worksheet("MRR")
        sheet.write_row(0, 0, ["", "2024", "", "2025", ""])
        sheet.write_row(1, 0, ["Customer", "Nov", "Dec", "Jan", "Feb"])
        sheet.write_row(2, 0, ["Acme", 1, 2, 3, 4])
        sheet.write_row(3, 0, ["Bolt", 1, 2, "", 4])
        sheet.write_row(4, 0, ["Total", 2, 4, 3, 8])

    (one,) = sheets(fill)
    assert one.header == ["Customer", "start_date", "end_date", "mrr"]
    assert [cells for _, cells in one.rows()][-2:] == [["Bolt", "2024-12-01", "2025-01-01", "2"], ["Bolt", "2025-02-01", "", "4"]]
    assert [(aside.line, aside.kind) for aside in one.aside] == [(5, "total")]


def test_a_grid_of_dated_months_below_a_title(sheets):
    def fill(book):
        sheet = book.add_worksheet("MRR")
        sheet.write(0, 0, "Finance: MRR by customer")
        sheet.write(2, 0, "Customer")
        for month in range(4):
            sheet.write_datetime(2, 1 + month, datetime(2024, 1 + month, 1), book.add_format({"num_format": "mmm-yy"}))
        sheet.write_row(3, 0, ["Acme", 1, 2, 3, 4])
        sheet.write_row(4, 0, ["Bolt", 1, 2, "", 4])

    (one,) = sheets(fill)
    assert one.header == ["Customer", "start_date", "end_date", "mrr"]
    assert [cells[0] for _, cells in one.rows()] == ["Acme"] * 4 + ["Bolt"] * 3


def test_rows_hidden_by_a_filter_are_read_and_counted(sheets):
    def fill(book):
        sheet = book.add_worksheet("Accounts")
        sheet.write_row(0, 0, ["account_id", "account_name", "country"])
        for i in range(20):
            sheet.write_row(1 + i, 0, [f"A-{i}", f"Account {i}", "Germany" if i < 8 else "France"])
            if i >= 8:
                sheet.set_row(1 + i, None, None, {"hidden": True})
        sheet.autofilter(0, 0, 20, 2)
        sheet.filter_column("C", "x == Germany")

    (one,) = sheets(fill)
    assert len(_read(one)[0]) == 20
    assert one.notes == ["12 hidden rows were read too."]


def test_a_sheet_called_churned_lists_accounts_that_left(sheets):
    def fill(book):
        sheet = book.add_worksheet("Customers")
        sheet.write_row(0, 0, ["Customer ID", "Customer", "Country"])
        sheet.write_row(1, 0, ["A-1", "Northwind", "Germany"])
        dated = book.add_worksheet("Churned 2025")
        dated.write_row(0, 0, ["Customer ID", "Customer", "Lost on", "Reason"])
        dated.write_row(1, 0, ["A-2", "Contoso", "2025-03-31", "price"])
        plain = book.add_worksheet("Former customers")
        plain.write_row(0, 0, ["Customer ID", "Customer", "Country"])
        plain.write_row(1, 0, ["A-3", "Fabrikam", "Spain"])

    customers, dated, plain = sheets(fill)
    assert [one.hint for one in (customers, dated, plain)] == [None, "churned", "churned"]
    found = recognise(dated)
    assert found.record == "churn_events"
    assert (found.columns["Customer ID"], found.columns["Lost on"]) == ("account_id", "effective_on")
    assert (recognise(customers).record, recognise(plain).record) == ("accounts", "accounts")
    assert "left" in recognise(plain).why


def test_a_file_called_churned_and_others_that_only_mention_it(tmp_path):
    (churned,) = open_tables(EXPORTS / "churned.csv")
    ((batch, rejects),) = batches(churned, recognise(churned))
    assert batch.record == "churn_events"
    assert (batch.rows[0]["account_id"], batch.rows[0]["effective_on"], rejects) == ("A-1", date(2025, 3, 31), [])
    for name in ("churn_events.csv", "lost deals.csv", "cancelled tickets.csv", "accounts.csv"):
        (tmp_path / name).write_text("id,name\n1,x\n")
        assert next(open_tables(tmp_path / name)).hint is None


# --- cells


def _typed(one, **settings):
    mapping = recognise(one)
    ((batch, rejects),) = batches(one, mapping, **settings)
    return mapping, batch, rejects


@BOTH
def test_days_of_excel_are_dates_where_the_column_is_one(opened, how):
    mapping, batch, rejects = _typed(opened("serial_dates.csv", how))
    assert [row["signed_up_on"] for row in batch.rows] == [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)]
    assert [row["custom.kick_off_date"] for row in batch.rows] == [date(2024, 1, 9), date(2024, 1, 10), date(2024, 1, 12)]
    assert batch.rows[0]["custom.review_date"] == date(2024, 4, 18)
    assert [row["custom.seats"] for row in batch.rows] == [45_292, 45_293, 7]
    assert "45292 is a day as Excel counts them, 2024-01-01" in mapping.reasons["signup_date"]
    assert rejects == []


def test_a_time_of_excel_is_local_to_the_firm(tmp_path):
    path = tmp_path / "tickets.csv"
    path.write_text("ticket_id,account_id,subject,submitted_at\nT1,A1,x,45292.5\n")
    (one,) = open_tables(path)
    assert _typed(one, zone="Europe/Berlin")[1].rows[0]["opened_at"] == datetime(2024, 1, 1, 11, tzinfo=UTC)


@BOTH
def test_ids_that_lost_their_digits_are_set_aside_and_flagged(opened, how):
    one = opened("ids_lost.csv", how)
    mapping, batch, rejects = _typed(one)
    assert batch.keys == ["12345", "12E5"]
    assert rejects[0].reason == "id without its last digits in account_id: a spread-sheet made '1.20E+15' of it; format the column as text and export again"
    assert len(rejects) == 2
    assert "lost their last digits" in mapping.reasons["account_id"]
    assert any("lost their last digits" in note for note in one.notes)


def test_long_numbers_of_a_sheet_are_such_ids_too(sheets):
    def fill(book):
        sheet = book.add_worksheet("Accounts")
        sheet.write_row(0, 0, ["account_id", "account_name"])
        sheet.write_row(1, 0, [1234567890123450000, "Northwind"])
        sheet.write_row(2, 0, [123456789012345, "Contoso"])

    (one,) = sheets(fill)
    assert _typed(one)[1].keys == ["123456789012345"]


@pytest.mark.parametrize(("short", "suffix"), [("001A0000006Vm9r", "IAC"), ("a0D30000001n7Pi", "EAI"), ("0019000000B98de", "AAB"), ("500x000000003TR", "AAY")])
def test_a_salesforce_id_of_18_is_its_15(short, suffix):
    assert checksum(short) == suffix
    assert one_id(short + suffix) == one_id(short) == short


@pytest.mark.parametrize("text", ["001A0000006Vm9rIAA", "0015g00000XYZabAAA", "not-an-id-of-18-ch", "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄAAA", "", "001A0000006Vm9rIACx"])
def test_other_texts_are_no_salesforce_ids(text):
    assert one_id(text) == text


@BOTH
def test_both_spellings_of_a_salesforce_id_are_one_account_and_case_still_counts(opened, how):
    _, batch, _ = _typed(opened("salesforce_ids.csv", how))
    assert [row["account_id"] for row in batch.rows] == ["001A0000006Vm9r", "001A0000006Vm9r", "001A0000006Vm9R"]


@BOTH
def test_words_for_nothing_are_empty_in_numbers_dates_and_flags_and_names_elsewhere(opened, how):
    _, batch, rejects = _typed(opened("empty_words.csv", how))
    assert [row["name"] for row in batch.rows] == ["None", "Null", "N/A", "-"]
    assert [row["signed_up_on"] for row in batch.rows] == [None, date(2024, 1, 5), None, None]
    assert [row["employees"] for row in batch.rows] == [None, 1200, 250, None]
    assert [row["churn_flag"] for row in batch.rows] == [None, True, False, True]
    assert [row["custom.rating"] for row in batch.rows] == [None, 4, None, 5]
    assert rejects == []


@BOTH
def test_money_as_europe_writes_it(opened, how):
    mapping, batch, rejects = _typed(opened("european_money.csv", how))
    assert mapping.record == "subscription_lines"
    assert [row["mrr"] for row in batch.rows] == [
        Decimal("1200.5"), Decimal(99), Decimal(1000), Decimal(1500), Decimal(-1000), Decimal(2500), None, Decimal(3_400_000),
    ]  # fmt: skip
    assert [row["churn_flag"] for row in batch.rows] == [False, False, False, None, True, True, False, True]
    assert rejects == []


@BOTH
def test_dates_in_two_orders_are_flagged_and_never_guessed(opened, how):
    mapping, batch, rejects = _typed(opened("two_orders.csv", how))
    assert mapping.undecided == ("signup_date",)
    assert mapping.date_why == "The dates contradict one another: 1 value day first and 1 value month first (signup_date)."
    assert [reject.reason for reject in rejects] == ["unreadable date in signup_date: '02/03/2024'"]
    assert batch.keys == ["A-1", "A-2", "A-4"]


def test_texts_beside_real_dates_of_a_sheet_are_not_guessed_either(sheets):
    def fill(book):
        sheet = book.add_worksheet("Accounts")
        sheet.write_row(0, 0, ["account_id", "account_name", "signup_date"])
        sheet.write_row(1, 0, ["A-1", "Northwind", "31/01/2024"])
        sheet.write_row(2, 0, ["A-2", "Contoso", "01/31/2024"])
        sheet.write_row(3, 0, ["A-3", "Fabrikam", "02/03/2024"])
        sheet.write_row(4, 0, ["A-4", "Tailspin"])
        sheet.write_datetime(4, 2, datetime(2024, 3, 2), book.add_format(DAY))

    (one,) = sheets(fill)
    mapping, batch, rejects = _typed(one)
    assert mapping.undecided == ("signup_date",)
    assert [reject.line for reject in rejects] == [4]
    assert batch.rows[-1]["signed_up_on"] == date(2024, 3, 2)


# --- laer revenue reads through the same door


def test_the_command_line_passes_titles_totals_and_small_print(tmp_path):
    file = read_line_file(EXPORTS / "lines_with_total.csv", load_policy())
    assert (file.accepted.account, sum(file.accepted.mrr), file.rejects) == (["A-1", "A-2"], 1500, [])
    assert "Row 7 is a total (MRR 1,500.00) and no record; the rows add up to it." in file.notes


def test_the_command_line_takes_days_of_excel_and_both_salesforce_ids_and_warns_of_lost_digits(tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text(
        "account_id,start_date,end_date,mrr\n001A0000006Vm9r,45292,45658,100\n001A0000006Vm9rIAC,45658,,5 %\n001A0000006Vm9rIAC,45658,,120\n1.2E+15,2025-01-01,,5\n"
    )
    file = read_line_file(path, load_policy())
    assert file.accepted.account == ["001A0000006Vm9r", "001A0000006Vm9r", "1.2E+15"]
    assert file.counts == {"unreadable amount": 1}
    assert file.accepted.start[:2] == [date(2024, 1, 1), date(2025, 1, 1)]
    assert any(note.startswith("warning: 1 row of lines.csv name an account by an id that lost its last digits") for note in file.notes)
