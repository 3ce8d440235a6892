"""`laer revenue` on files as a sceptical examiner makes them: the figure by hand, what was decided is said, what cannot be known is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from typer.testing import CliRunner

from laer.cli import app

Closing = dict[str, str]


def told(path: Path, *words: str) -> tuple[Closing, str]:
    """Closing MRR by month, and what was said beside it."""
    done = CliRunner().invoke(app, ["revenue", str(path), "--format", "csv", *words])
    assert done.exit_code == 0, done.output
    return {row["month"]: row["closing_mrr"] for row in csv.DictReader(io.StringIO(done.stdout))}, done.stderr


def refused(path: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["revenue", str(path), *words])
    assert done.exit_code == 2, done.output
    return done.stderr


def lines(folder: Path, text: str, name: str = "lines.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def book(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    with xlsxwriter.Workbook(path) as made:
        for name, rows in sheets.items():
            page = made.add_worksheet(name)
            for place, cells in enumerate(rows):
                page.write_row(place, 0, cells)
    return path


# -- what stands above a grid -----------------------------------------------------------------------------------------

GRID = [["Name", "Jan 2024", "Feb 2024", "Mar 2024"], ["Ash", 1200, 0, 1200], ["Birch", "", 2400, 2400]]


def test_a_title_that_says_arr_makes_a_grid_one_of_arr(tmp_path: Path) -> None:
    found, said = told(book(tmp_path / "finance.xlsx", {"Sheet1": [["ARR by month"], *GRID]}))
    assert found == {"2024-01": "100.00", "2024-02": "200.00", "2024-03": "300.00"}  # 1,200 / 12; 2,400 / 12; both
    assert "The title 'ARR by month' says ARR." in said


def test_a_title_that_says_both_says_neither(tmp_path: Path) -> None:
    found, said = told(book(tmp_path / "finance.xlsx", {"Sheet1": [["MRR and ARR, our view"], *GRID]}))
    assert (found["2024-03"], "nothing says ARR" in said) == ("3600.00", True)


def test_a_title_gives_its_year_to_months_without_one(tmp_path: Path) -> None:
    found, _ = told(book(tmp_path / "finance.xlsx", {"Sheet1": [["MRR 2025"], ["Name", "Jan", "Feb", "Mar"], ["Ash", 10, 20, 30]]}))
    assert found == {"2025-01": "10.00", "2025-02": "20.00", "2025-03": "30.00"}


def test_an_empty_column_between_two_years_keeps_blocks_apart(tmp_path: Path) -> None:
    found, _ = told(lines(tmp_path, ";2024;;;2025;\nCustomer;Nov;Dec;;Jan;Feb\nAsh;1,5;2;;3;4\nBirch;1,5;2;;3;\n"))
    assert found == {"2024-11": "3.00", "2024-12": "4.00", "2025-01": "6.00", "2025-02": "4.00"}


def test_a_grid_on_its_side_is_turned(tmp_path: Path) -> None:
    found, said = told(lines(tmp_path, "Month,Ash,Birch,Total\n2024-03,0,50,50\n2024-02,100,50.25,150.25\n2024-01,100,x,100\n"))
    assert found == {"2024-01": "100.00", "2024-02": "150.25", "2024-03": "50.00"}
    assert "rejected: unreadable amount: 1" in said
    assert "The table lies on its side: a row per month, and a column for each of 2 customers (Ash, Birch)." in said


def test_measures_by_month_are_no_customers(tmp_path: Path) -> None:
    assert "no column was recognised as account_id" in refused(lines(tmp_path, "Month,New,Expansion,Closing MRR\n2024-01,1,0,1\n2024-02,1,0,2\n2024-03,1,0,3\n"))


# -- columns by other names -------------------------------------------------------------------------------------------


def test_amounts_in_thousands_by_their_header_are_read_so(tmp_path: Path) -> None:
    found, said = told(lines(tmp_path, "Customer,Start,ARR (k€)\nAsh,2024-01-01,12\nBirch,2024-02-01,6.3\n"))
    assert found == {"2024-01": "1000.00", "2024-02": "1525.00"}  # 12,000 / 12, and 6,300 / 12
    assert "ARR (k€): the amounts are in thousands" in said


def test_a_title_that_says_thousands_holds_for_lines(tmp_path: Path) -> None:
    rows = [["All amounts in EUR thousands"], ["Customer", "Start", "MRR"], ["Ash", "2024-01-01", 1.25]]
    assert told(book(tmp_path / "lines.xlsx", {"Lines": rows}))[0] == {"2024-01": "1250.00"}


def test_the_plain_column_is_taken_where_one_in_thousands_stands_beside_it(tmp_path: Path) -> None:
    assert told(lines(tmp_path, "Customer,Start,MRR (k),MRR\nAsh,2024-01-01,0.1,104\n"))[0] == {"2024-01": "104.00"}


def test_a_price_for_each_seat_counts_times_the_seats(tmp_path: Path) -> None:
    text = "Client,Begin,End,Seats,Price per seat,Interval\nAsh,2024-01-01,,10,5.50,monthly\nBirch,2024-01-01,2024-02-01,3,120,annual\n"
    assert told(lines(tmp_path, text), "--to", "2024-02")[0] == {"2024-01": "85.00", "2024-02": "55.00"}  # 55 + 360 / 12


def test_customers_may_be_called_by_no_more_than_a_name(tmp_path: Path) -> None:
    assert told(lines(tmp_path, "Name,Start,MRR\nAsh,2024-01-01,5\n"))[0] == {"2024-01": "5.00"}


# -- months without a day ---------------------------------------------------------------------------------------------

MONTHS = "account_id,start_date,end_date,mrr\nA,2024-01,2024-03,100\nA,2024-04,,120\nB,Feb 2024,Mar 2024,50\n"


def test_months_as_start_and_last_month_of_a_term(tmp_path: Path) -> None:
    found, said = told(lines(tmp_path, MONTHS))
    assert found == {"2024-01": "100.00", "2024-02": "150.00", "2024-03": "150.00", "2024-04": "120.00"}
    assert "are read as the last day, which is paid for; --months first reads them as the first" in said


@pytest.mark.parametrize("words", [("--end", "inclusive"), ("--months", "last"), ("--end", "inclusive", "--months", "last")])
def test_however_the_last_month_is_said_it_is_paid(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert told(lines(tmp_path, MONTHS), *words)[0] == {"2024-01": "100.00", "2024-02": "150.00", "2024-03": "150.00", "2024-04": "120.00"}


def test_a_month_may_be_the_first_unpaid(tmp_path: Path) -> None:
    found, _ = told(lines(tmp_path, MONTHS), "--months", "first")
    assert found == {"2024-01": "100.00", "2024-02": "150.00", "2024-03": "0.00", "2024-04": "120.00"}


def test_a_month_alone_among_days_is_a_mistake(tmp_path: Path) -> None:
    found, said = told(lines(tmp_path, "account_id,start_date,mrr\nA,2024-01-05,1\nB,2024-02,1\nC,2024-01-07,1\n"))
    assert (found, "rejected: unreadable date: 1" in said) == ({"2024-01": "2.00"}, True)


# -- what would else be a wrong figure --------------------------------------------------------------------------------


def test_amounts_in_two_currencies_are_no_sum(tmp_path: Path) -> None:
    said = refused(lines(tmp_path, "Customer,Start,MRR\nAsh,2024-01-01,$50\nBirch,2024-01-01,€50\n"))
    assert "several currency signs ('$50', '€50')" in said
    assert "Add a column of currencies" in said


@pytest.mark.parametrize("amounts", [("$50", "USD 50"), ("50 €", "EUR 50"), ("$50", "50")])
def test_one_currency_in_two_spellings_is_a_sum(tmp_path: Path, amounts: tuple[str, str]) -> None:
    assert told(lines(tmp_path, f"Customer,Start,MRR\nAsh,2024-01-01,{amounts[0]}\nBirch,2024-01-01,{amounts[1]}\n"))[0] == {"2024-01": "100.00"}


def test_an_mrr_that_its_amount_contradicts_is_named(tmp_path: Path) -> None:
    text = "Customer,Start,Amount,Interval,MRR\nAsh,2024-01-01,1000,annual,83.33\nBirch,2024-01-01,360,annual,360\n"
    found, said = told(lines(tmp_path, text))
    assert found == {"2024-01": "443.33"}  # rule 15: MRR is taken
    assert "1 line says an MRR that differs from the amount beside it (first line 3: MRR 360, and its amount comes to 30.00 a month)" in said


def test_a_second_column_of_one_name_is_named(tmp_path: Path) -> None:
    assert "the header MRR stands more than once; its first column was read" in told(lines(tmp_path, "Customer,Start,MRR,MRR\nAsh,2024-01-01,1,2\n"))[1]


def test_a_second_sheet_of_lines_is_named(tmp_path: Path) -> None:
    header = ["Customer", "Start", "MRR"]
    path = book(tmp_path / "lines.xlsx", {"Old": [header, ["Ash", "2024-01-01", 1]], "New": [header, ["Birch", "2024-01-01", 2]], "Empty": [header]})
    found, said = told(path)
    assert found == {"2024-01": "1.00"}
    assert "warning: lines.xlsx / New holds lines too; only those of lines.xlsx / Old were read" in said


def test_a_mark_of_a_trial_that_says_nothing_is_named(tmp_path: Path) -> None:
    found, said = told(lines(tmp_path, "Customer,Start,MRR,Trial\nAsh,2024-01-01,10,maybe\nBirch,2024-01-01,10,yes\n"))
    assert (found, "1 row says neither yes nor no of being a trial ('maybe' in line 2)" in said) == ({"2024-01": "10.00"}, True)


def test_a_page_of_html_is_called_so(tmp_path: Path) -> None:
    page = "<html><body><table><tr><td>Customer</td><td>Start</td></tr></table></body></html>"
    assert "found a web page (HTML or XML), as some systems call their export to Excel" in refused(lines(tmp_path, page, "report.xls"))


def test_a_hidden_sheet_is_read_last(tmp_path: Path) -> None:
    path = tmp_path / "lines.xlsx"
    with xlsxwriter.Workbook(path) as made:
        old, new = made.add_worksheet("Old"), made.add_worksheet("New")
        for page, mrr in ((old, 1), (new, 2)):
            page.write_row(0, 0, ["Customer", "Start", "MRR"])
            page.write_row(1, 0, ["Ash", "2024-01-01", mrr])
        new.activate()
        old.hide()
    found, said = told(path)
    assert (found, "lines.xlsx / Old holds lines too" in said) == ({"2024-01": "2.00"}, True)


def test_an_id_is_the_same_with_what_nobody_sees_in_it(tmp_path: Path) -> None:
    path = lines(tmp_path, "account_id,start_date,end_date,mrr\nA1,2024-01-01,2024-02-01,10\nA1\u200b,2024-02-01,,15\n")
    done = CliRunner().invoke(app, ["revenue", str(path), "--format", "csv"])
    february = list(csv.DictReader(io.StringIO(done.stdout)))[1]
    assert (february["expansion_mrr"], february["new_mrr"], february["churn_mrr"]) == ("5.00", "0.00", "0.00")


def test_a_grid_in_two_currencies_has_each_row_in_its_own(tmp_path: Path) -> None:
    path = lines(tmp_path, "Customer,Jan-24,Feb-24,Mar-24\nAsh,US$1000,$0,1200\nBirch,€5,€5,€5\n")
    assert "the file has the currencies EUR, USD and no table of rates was given" in refused(path)
    rates = lines(tmp_path, "currency,rate\nUSD,1\nEUR,1.1\n", "rates.csv")
    assert told(path, "--fx", str(rates))[0] == {"2024-01": "1005.50", "2024-02": "5.50", "2024-03": "1205.50"}


def test_a_bare_dollar_beside_euros_is_no_currency(tmp_path: Path) -> None:
    assert "$ beside other currencies is none of them. Add a column of currencies" in refused(lines(tmp_path, "Customer,Jan-24,Feb-24,Mar-24\nAsh,$1000,,1200\nBirch,€5,€5,€5\n"))
