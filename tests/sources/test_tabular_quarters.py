"""A grid of quarters: which headers are quarters, what their amounts are by evidence, and what is refused with words that help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from laer.records.periods import month_number
from laer.sources.tabular.answers import period_open
from laer.sources.tabular.grid import GridTable
from laer.sources.tabular.parts import recognise_all
from laer.sources.tabular.quarters import wide_quarters
from laer.sources.tabular.read import UnreadableFile, open_tables
from laer.sources.tabular.table import Table

Maker = Callable[..., Table]
JANUARY = month_number(date(2024, 1, 1))


@pytest.fixture
def table(tmp_path: Path) -> Maker:
    def make(text: str, name: str = "file.csv") -> Table:
        (tmp_path / name).write_text(text, encoding="utf-8")
        (one,) = open_tables(tmp_path / name)
        return one

    return make


@pytest.mark.parametrize(
    "header",
    [
        "Q1 2024,Q2 2024", "2024-Q1,2024-Q2", "2024 Q1,2024 Q2", "2024Q1,2024Q2", "Q1-24,Q2-24", "Q1'24,Q2'24", "Q1/2024,Q2/2024", "1Q24,2Q24", "Q2 2024,Q1 2024",
        "Quarter 1 2024,Quarter 2 2024", "1. Quartal 2024,2. Quartal 2024", "T1 2024,T2 2024", "1st quarter 2024,2nd quarter 2024", "ARR Q1 2024,ARR Q2 2024",
        "Q1 2024 (MRR),Q2 2024 (MRR)",
    ],
)  # fmt: skip
def test_a_quarter_is_read_as_people_write_it(header: str) -> None:
    wide = wide_quarters(["Customer", *header.split(",")])
    assert wide is not None
    assert [m.number for m in wide.months] == [JANUARY, JANUARY + 3]


@pytest.mark.parametrize("header", ["Q1 2024,Name", "Q5 2024,Q6 2024", "Q1 note,Q2 note", "Q1 FY24,Q2 FY24", "KW1 2024,KW2 2024"])
def test_what_is_no_quarter_of_the_calendar(header: str) -> None:
    assert wide_quarters(["Customer", *header.split(",")]) is None


QUARTERS = "Q1 2024,Q2 2024,Q3 2024"


@pytest.mark.parametrize(
    ("name", "header", "rows", "measure", "per"),
    [
        ("file.csv", QUARTERS, "300,300,600", "amount", None),
        ("arr by quarter.csv", QUARTERS, "300,300,600", "arr", None),
        ("MRR.csv", QUARTERS, "300,300,600", "mrr", None),
        ("revenue by quarter.csv", QUARTERS, "300,300,600", "amount", "quarterly"),
        ("recurring revenue.csv", QUARTERS, "300,300,600", "amount", None),
        ("file.csv", "Q1 2024 Revenue,Q2 2024 Revenue,Q3 2024 Revenue", "300,300,600", "amount", "quarterly"),
        ("file.csv", "Q1 2024 ARR,Q2 2024 ARR,Q3 2024 ARR", "300,300,600", "arr", None),
        ("file.csv", f"ARR,{QUARTERS}", "600,300,300,600", "arr", None),
        ("file.csv", f"ARR,{QUARTERS}", "7200,300,300,600", "mrr", None),
        ("file.csv", f"ARR,{QUARTERS}", "2400,300,300,600", "amount", "quarterly"),
        ("file.csv", f"MRR,{QUARTERS}", "200,300,300,600", "amount", "quarterly"),
        ("file.csv", f"MRR,{QUARTERS}", "77,300,300,600", "amount", None),
        ("file.csv", f"{QUARTERS},2024", "300,300,600,1200", "amount", "quarterly"),
        ("file.csv", f"{QUARTERS},Total", "300,300,600,1200", "amount", "quarterly"),
        ("file.csv", f"{QUARTERS},Total", "300,300,600,600", "amount", None),
    ],
)  # fmt: skip
def test_what_a_quarters_amount_is_comes_from_names_and_columns_else_it_is_open(
    table: Maker, name: str, header: str, rows: str, measure: str, per: str | None
) -> None:
    one = table(f"Customer,{header}\nAcme,{rows}\n", name)
    assert isinstance(one, GridTable)
    assert one.known is not None
    assert (one.measure, one.known.per) == (measure, per)
    (mapping,) = recognise_all(one)
    assert period_open(mapping) == (measure == "amount" and per is None)
    assert mapping.fixed.get("interval") == per


def test_a_quarter_holds_until_the_next_ones_first_day_and_the_last_stays_open(table: Maker) -> None:
    one = table("Customer,Q4 2024,Q2 2024,Q1 2024\nAcme,600,300,300\nBolt,,50,\n", "arr.csv")
    assert [cells for _, cells in one.rows()] == [
        ["Acme", "2024-01-01", "2024-10-01", "300"], ["Acme", "2024-10-01", "", "600"], ["Bolt", "2024-04-01", "2024-10-01", "50"],
    ]  # fmt: skip
    assert any("no column for 2024-07, 2024-08, 2024-09" in note for note in one.notes)
    assert isinstance(one, GridTable)
    assert one.through == JANUARY + 11  # December: the quarter is over then


def test_a_row_per_customer_and_quarter_is_the_same_grid(table: Maker) -> None:
    one = table("Customer,Quarter,ARR\nAcme,Q1 2024,100\nAcme,Q2 2024,150\nBeta,Q1 2024,7\nBeta,Q2 2024,7\n")
    assert [cells for _, cells in one.rows()] == [["Acme", "2024-01-01", "2024-04-01", "100"], ["Acme", "2024-04-01", "", "150"], ["Beta", "2024-01-01", "", "7"]]
    assert isinstance(one, GridTable)
    assert one.measure == "arr"


@pytest.mark.parametrize(
    ("name", "header", "found", "do"),
    [
        ("file.csv", "FY24 Q1,FY24 Q2", "quarters of a fiscal year ('FY24 Q1' to 'FY24 Q2')", "in which month its fiscal year begins"),
        ("file.csv", "Q1 FY24/25,Q2 FY24/25", "quarters of a fiscal year", "Rename the columns"),
        ("file.csv", "Q1,Q2,Q3,Q4", "quarters without a year ('Q1' to 'Q4')", "Name the sheet or the file after the year"),
        ("file.csv", "Jan,Feb,Mar", "months without a year ('Jan' to 'Mar')", "Name the sheet or the file after the year"),
        ("list 2024-05-31.csv", "Jan,Feb,Mar", "months without a year", "write the year into the headers"),
        ("mrr 2024.csv", "Nov,Dec,Jan", "months that turn over a year's end", "Apr 2024"),
        ("file.csv", "Q1 2024,Q1-24,Q2 2024", "two columns for one quarter ('Q1 2024' and 'Q1-24')", "Delete or rename"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_would_say_it(table: Maker, name: str, header: str, found: str, do: str) -> None:
    with pytest.raises(UnreadableFile) as fault:
        table(f"Customer,{header}\nAcme,{','.join('300' for _ in header.split(','))}\n", name)
    assert found in str(fault.value)
    assert do in str(fault.value)


@pytest.mark.parametrize(("name", "header"), [("2024.csv", "Jan,Feb,Mar"), ("MRR 2024.csv", "January,February,March"), ("2024.csv", "März,Februar,Januar")])
def test_months_without_a_year_are_of_the_year_that_the_file_is_named_after(table: Maker, name: str, header: str) -> None:
    one = table(f"Customer,{header}\nAcme,1,2,3\n", name)
    assert isinstance(one, GridTable)
    assert one.first == JANUARY


def test_other_columns_by_quarter_leave_a_list_of_customers_a_list(table: Maker) -> None:
    one = table("Customer,ARR,Renewal date,FY24 Q1,FY24 Q2\nAcme,1200,2025-03-31,7,8\nBolt,2400,2025-06-30,9,9\n")
    assert not isinstance(one, GridTable)


def test_a_long_list_of_amounts_by_month_does_not_decide_for_mrr(table: Maker) -> None:
    rows = [f"{name},2024-0{m},{amount}" for m in (1, 2, 3) for name, amount in (("Acme", 100), ("Beta", 7))]
    (mapping,) = recognise_all(table("Customer,Month,Amount\n" + "\n".join(rows)))
    assert period_open(mapping)
    assert mapping.headers["amount"] == "Amount"
    (mapping,) = recognise_all(table("Customer,Month,Revenue\n" + "\n".join(rows)))
    assert not period_open(mapping)


def test_a_long_list_that_stands_newest_first_takes_its_newest_words(table: Maker) -> None:
    one = table("Customer,Month,CSM,MRR\nAcme,2024-03,Zoe,9\nAcme,2024-02,Ana,7\nAcme,2024-01,Ana,7\nBeta,2024-03,Bo,1\nBeta,2024-02,Bo,1\nBeta,2024-01,Bo,1\n")
    assert [cells[:2] for _, cells in one.rows()] == [["Acme", "Zoe"], ["Acme", "Zoe"], ["Beta", "Bo"]]
