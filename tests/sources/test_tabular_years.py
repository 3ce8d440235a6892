"""Columns of years, of fiscal quarters, and of two months: read as a grid where they hold what customers pay, asked where they do not say what."""

from __future__ import annotations

from pathlib import Path

import pytest

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.grid import GridTable
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.table import Table


def read(folder: Path, text: str, name: str = "list.csv", fiscal: int | None = None) -> Table:
    (folder / name).write_text(text, encoding="utf-8")
    (table,) = open_tables(folder / name, fiscal=fiscal)
    return table


def lines(table: Table) -> list[tuple[str, str, str, str]]:
    at = [table.header.index(table.header[0]), *(len(table.header) - n for n in (3, 2, 1))]
    return [(cells[at[0]], *(cells[i] for i in at[1:])) for _, cells in table.rows()]


@pytest.mark.parametrize(
    ("headers", "measure", "per"),
    [
        ("2023,2024,2025", "amount", None),
        ("ARR 2023,ARR 2024,ARR 2025", "arr", None),
        ("2023 MRR,2024 MRR,2025 MRR", "mrr", None),
        ("Revenue 2023,Revenue 2024,Revenue 2025", "amount", "annual"),
        ("Umsatz 2023,Umsatz 2024,Umsatz 2025", "amount", "annual"),
        ("CY23,CY24,CY25", "amount", None),
    ],
)
def test_years_are_a_grid_and_what_they_hold_is_asked_unless_said(tmp_path: Path, headers: str, measure: str, per: str | None) -> None:
    table = read(tmp_path, f"Customer,CSM,{headers}\nAcme,Ana,1200,1200,2400\nBeta,Bo,,600,\n")
    assert isinstance(table, GridTable)
    assert table.known is not None
    assert (table.span, table.measure, table.known.per) == (12, measure, per)
    assert lines(table) == [("Acme", "2023-01-01", "2025-01-01", "1200"), ("Acme", "2025-01-01", "", "2400"), ("Beta", "2024-01-01", "2025-01-01", "600")]


def test_a_column_that_adds_the_years_up_says_what_they_are(tmp_path: Path) -> None:
    table = read(tmp_path, "Customer,2023,2024,Total\nAcme,1200,1200,2400\nBeta,300,600,900\n")
    assert isinstance(table, GridTable)
    assert table.known is not None
    assert table.known.per == "annual"


@pytest.mark.parametrize(
    "text",
    [
        "Customer,ARR,2023,2024\nAcme,1200,1,2\n",  # something else is the amount
        "Customer,2023,2024\nAcme,red,green\n",  # no amounts
        "Customer,2023\nAcme,1200\n",  # one year
        "Customer,2019,2024\nAcme,1200,1300\n",  # not beside one another
        "Product,2023,2024\nCore,1200,1300\n",  # nobody's
    ],
)
def test_years_that_say_something_else_are_columns(tmp_path: Path, text: str) -> None:
    assert not isinstance(read(tmp_path, text), GridTable)


def test_fiscal_years_and_quarters_need_the_month_in_which_they_begin(tmp_path: Path) -> None:
    for headers in ("FY23,FY24", "FY24 Q1,FY24 Q2,FY24 Q3", "Q1 FY24,Q2 FY24"):
        text = f"Customer,{headers}\nAcme,{','.join('1200' for _ in headers.split(','))}\n"
        with pytest.raises(UnreadableFile, match="LAER_FISCAL_YEAR_START"):
            read(tmp_path, text)
    years = read(tmp_path, "Customer,ARR FY23,ARR FY24\nAcme,1200,2400\n", fiscal=4)
    assert lines(years) == [("Acme", "2022-04-01", "2023-04-01", "1200"), ("Acme", "2023-04-01", "", "2400")]
    quarters = read(tmp_path, "Customer,FY24 Q1,FY24 Q2,Q3 FY24\nAcme,100,200,200\n", "mrr.csv", fiscal=7)
    assert lines(quarters) == [("Acme", "2023-07-01", "2023-10-01", "100"), ("Acme", "2023-10-01", "", "200")]
    assert lines(read(tmp_path, "Customer,Q1 FY24/25,Q2 FY24/25\nAcme,100,200\n", "mrr.csv", fiscal=7))[0][1:3] == ("2024-07-01", "2024-10-01")
    assert lines(read(tmp_path, "Customer,ARR 2023/24,ARR 2024/25\nAcme,1200,2400\n", fiscal=7))[0][1:3] == ("2023-07-01", "2024-07-01")
    assert lines(read(tmp_path, "Customer,ARR FY23,ARR FY24\nAcme,1,2\n", fiscal=1))[0][1:3] == ("2023-01-01", "2024-01-01")


@pytest.mark.parametrize("headers", ["Jan-24,Feb-24", "2024-01,2024-02", "2024-01-31,2024-02-29", "Dec 2023,Jan 2024"])
def test_two_months_beside_one_another_are_a_grid(tmp_path: Path, headers: str) -> None:
    table = read(tmp_path, f"Customer,{headers}\nAcme,100,200\nBeta,50,\n")
    assert isinstance(table, GridTable)
    assert [amount for *_, amount in lines(table)] == ["100", "200", "50"]


@pytest.mark.parametrize("text", ["Customer,Jan-24,Mar-24\nAcme,100,200\n", "Customer,MRR,Jan-24,Feb-24\nAcme,1,100,200\n", "Customer,Jan-24,CSM,Feb-24\nAcme,1,Ana,2\n"])
def test_two_months_that_are_none(tmp_path: Path, text: str) -> None:
    assert not isinstance(read(tmp_path, text), GridTable)
