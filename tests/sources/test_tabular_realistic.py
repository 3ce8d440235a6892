"""Customer lists and billing exports as people send them: what is made of each, and that no row is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from laer.records.batch import Reject
from laer.sources.tabular.batches import batches
from laer.sources.tabular.headers import match_columns
from laer.sources.tabular.mapping import Mapping
from laer.sources.tabular.parts import recognise_all
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.scales import bare, power_of

Taken = dict[str, tuple[list[dict[str, Any]], list[Reject], Mapping]]


def take(path: Path) -> tuple[dict[str, Taken], dict[str, int]]:
    """Per table, per record: typed rows, rejects and mapping; and the rows that were set aside as no records."""
    found: dict[str, Taken] = {}
    aside: dict[str, int] = {}
    for table in open_tables(path):
        parts: Taken = {}
        for mapping in recognise_all(table, status=frozenset({"active", "canceled", "past due"})):
            if mapping.record is None:
                continue
            lots = list(batches(table, mapping))
            parts[mapping.record] = [row for lot, _ in lots for row in lot.rows], [r for _, rejects in lots for r in rejects], mapping
        found[table.sheet or ""] = parts
        aside[table.sheet or ""] = len([a for a in table.aside if a.kind != "title"])
    return found, aside


def every_row_is_somewhere(parts: Taken, rows: int) -> None:
    for taken, rejects, mapping in parts.values():
        assert len(taken) + len(rejects) == rows, mapping.record


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    def made(**sheets: list[list[Any]]) -> Path:
        path = tmp_path / "book.xlsx"
        with xlsxwriter.Workbook(path) as book:
            day = book.add_format({"num_format": "dd.mm.yyyy"})
            for name, rows in sheets.items():
                page = book.add_worksheet(name)
                for line, cells in enumerate(rows):
                    for place, value in enumerate(cells):
                        if isinstance(value, datetime):
                            page.write_datetime(line, place, value, day)
                        elif value != "":
                            page.write(line, place, value)
        return path

    return made


@pytest.fixture
def text(tmp_path: Path) -> Callable[..., Path]:
    def made(content: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "list.csv"
        path.write_text(content, encoding=encoding)
        return path

    return made


def test_a_report_with_titles_two_header_rows_and_a_grand_total(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page, middle = book.add_worksheet("Report"), book.add_format({"align": "center"})
        page.write_column(0, 0, ["Customer Revenue Report", "Generated: 12.03.2026 by Finance", None, "Filter: active = ja"])
        page.merge_range(4, 0, 4, 1, "Kunde", middle)
        page.merge_range(4, 2, 4, 4, "Vertrag", middle)
        page.write_row(5, 0, ["Kundennummer", "Kundenname", "Vertragsbeginn", "Vertragsende", "MRR"])
        for i in range(250):
            page.write_row(6 + i, 0, [f"K-{i:04d}", f"Firma {i} GmbH", "01.01.2025", "31.12.2025", f"1.{i:03d},50 €"])
        page.write(256, 0, "Grand Totals (250 records)")
        page.write(256, 4, "281.250,00 €")
    found, aside = take(path)
    parts = found["Report"]
    every_row_is_somewhere(parts, 250)
    assert aside["Report"] == 1
    assert {"accounts", "subscription_lines", "contracts"} <= parts.keys()
    assert parts["accounts"][0][7]["name"] == "Firma 7 GmbH"
    assert sum(row["mrr"] for row in parts["subscription_lines"][0]) == Decimal("281250.00")  # 250 x 1,000.50 + (0 + … + 249) = 250,125 + 31,125


def test_a_german_list_with_decimal_commas_currency_signs_and_percentages(text: Callable[..., Path]) -> None:
    rows = "".join(f"Müller {i} AG;Handel;1.2{i:02d},50 €;12,5 %;{13 + i % 9}.1{i % 3}.2024;{'ja' if i % 2 else 'nein'}\n" for i in range(20))
    found, _ = take(text("Kunde;Branche;MRR;Rabatt;Beginn;Aktiv\n" + rows, "cp1252"))
    parts = found[""]
    every_row_is_somewhere(parts, 20)
    first = parts["subscription_lines"][0][0]
    assert (first["mrr"], first["start_on"]) == (Decimal("1200.50"), date(2024, 10, 13))
    assert parts["accounts"][0][3]["name"] == "Müller 3 AG"


def test_ids_that_a_spread_sheet_shortened_are_set_aside_and_the_others_taken(text: Callable[..., Path]) -> None:
    rows = "".join(f"{'1.2E+15' if i % 4 == 0 else 1200000000000000 + i},Acme {i},2024-0{1 + i % 9}-15,{1000 * i + 500}\n" for i in range(16))
    found, _ = take(text("Account ID,Account Name,Start Date,ARR\n" + rows))
    for taken, rejects, _mapping in found[""].values():
        assert (len(taken), len(rejects)) == (12, 4)


def test_a_second_sheet_of_churned_customers_and_arr_as_12k(sheet: Callable[..., Path]) -> None:
    customers = [[f"Cust {i}", "Ana Ruiz", f"{12 + i}k", f"{13 + i}/03/2027", "Green"] for i in range(12)]
    churned = [[f"Gone {i}", f"{14 + i}/02/2026", "price", f"{5 + i}k"] for i in range(5)]
    found, _ = take(sheet(Customers=[["Customer", "CSM", "ARR", "Renewal date", "Health"], *customers], Churned=[["Customer", "Churn date", "Reason", "ARR lost"], *churned]))
    every_row_is_somewhere(found["Customers"], 12)
    every_row_is_somewhere(found["Churned"], 5)
    assert found["Customers"]["subscription_lines"][0][1]["arr"] == Decimal(13000)
    assert found["Churned"]["churn_events"][0][4]["effective_on"] == date(2026, 2, 18)


def test_header_names_that_stand_twice_are_told_apart_and_nothing_is_dropped(text: Callable[..., Path]) -> None:
    rows = "".join(f"Acct {i},{100 + i},{1200 + 12 * i},2024-02-{10 + i},2024-03-{10 + i},active\n" for i in range(12))
    found, _ = take(text("Customer,Amount,Amount,Start,Start,Status\n" + rows))
    (_, _, mapping) = found[""]["subscription_lines"]
    every_row_is_somewhere(found[""], 12)
    assert mapping.columns["Amount (2)"] == "custom.amount_2"
    assert found[""]["subscription_lines"][0][0]["custom.amount_2"] == 1200


def test_hidden_columns_and_rows_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "abos.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("Abos")
        page.write_row(0, 0, ["Customer", "Subscription ID", "Start", "End", "Internal margin", "MRR"])
        for i in range(10):
            page.write_row(1 + i, 0, [f"C{i}", f"S{i}", f"2024-0{1 + i % 9}-01", "", f"{i}%", 100 + i])
        page.set_column(4, 4, None, None, {"hidden": True})
        page.set_row(5, None, None, {"hidden": True})
    found, _ = take(path)
    every_row_is_somewhere(found["Abos"], 10)
    assert found["Abos"]["subscription_lines"][0][4]["mrr"] == 104


def test_dates_amounts_and_words_mixed_in_one_column(sheet: Callable[..., Path]) -> None:
    starts: list[Any] = [datetime(2024, 3, 1), "13.03.2024", 45352, "March 3, 2024", "TBD", "n/a", "2024-03-15"]
    fees: list[Any] = [99, "$1,200.00", "USD 45", "1 500,00", 10, 20, "(20)"]
    rows = [[f"Cl {i}", f"SUB{i}", start, "31.12.9999" if i == 0 else "", fee] for i, (start, fee) in enumerate(zip(starts, fees, strict=True))]
    found, _ = take(sheet(Lines=[["Client", "Subscription", "Start date", "End date", "Monthly fee"], *rows]))
    taken, rejects, mapping = found["Lines"]["subscription_lines"]
    every_row_is_somewhere(found["Lines"], 7)
    assert (mapping.columns["Client"], mapping.columns["Monthly fee"]) == ("account_id", "mrr")
    assert [row["start_on"] for row in taken] == [date(2024, 3, 1), date(2024, 3, 13), date(2024, 3, 1), date(2024, 3, 3), date(2024, 3, 15)]
    assert [row["mrr"] for row in taken] == [99, 1200, 45, 1500, -20]
    assert [reject.reason for reject in rejects] == ["unreadable date in Start date: 'TBD'", "empty start date"]


def test_yes_and_no_in_four_languages_and_a_maybe_that_is_set_aside(text: Callable[..., Path]) -> None:
    words = ["yes", "no", "ja", "nein", "oui", "non", "sí", "no", "vrai", "peut-être"]
    rows = "".join(f"Y{i},S{i},2024-01-1{i},{50 + i},{word}\n" for i, word in enumerate(words))
    found, _ = take(text("customer,subscription_id,start_date,mrr,is_trial\n" + rows))
    taken, rejects, _ = found[""]["subscription_lines"]
    every_row_is_somewhere(found[""], 10)
    assert [row["is_trial"] for row in taken] == [True, False, True, False, True, False, True, False, True]
    assert [reject.line for reject in rejects] == [11]


@pytest.mark.parametrize(("header", "power"), [("ARR (k€)", 3), ("ARR [TEUR]", 3), ("ARR in thousands", 3), ("ARR ($000s)", 3), ("ARR (Mio. €)", 6), ("ARR (EUR)", 0), ("Kick", 0)])
def test_a_header_may_say_that_its_numbers_are_thousands(header: str, power: int) -> None:
    assert power_of(header) == power
    assert bare(header) == ("ARR" if power else header)


def test_arr_in_thousands_by_its_header_is_read_in_full(text: Callable[..., Path]) -> None:
    rows = "".join(f'T{i},Jo,"{i + 1},5",2024-01-01,2024-12-31\n' for i in range(9)) + "T9,Jo,12k,2024-01-01,2024-12-31\n"
    found, _ = take(text("Customer,Owner,ARR (k€),Contract start,Contract end\n" + rows))
    every_row_is_somewhere(found[""], 10)
    assert [row["arr"] for row in found[""]["subscription_lines"][0]][:2] == [1500, 2500]
    assert found[""]["subscription_lines"][0][9]["arr"] == 12000  # a cell that names its own scale
    assert match_columns(["Customer", "ARR (k€)"], "subscription_lines") == {"Customer": "account_id"}  # `laer revenue` reads no units


def test_a_billing_export_with_a_title_a_total_and_small_print(text: Callable[..., Path]) -> None:
    rows = "".join(f'B{i},sub_{i},Pro,{i + 2},"$1,0{i:02d}.00","${(i + 2) * (1000 + i):,}.00",Yearly,2024-01-31,2025-01-31\n' for i in range(15))
    content = "Exported 2026-01-01\n\nInvoice customer,Subscription ID,Product,Qty,Unit price,Total,Billing period,From,To\n" + rows
    found, aside = take(text(content + 'Total,,,,,"$120,000.00",,,\n* amounts without VAT\n'))
    taken, _, mapping = found[""]["subscription_lines"]
    every_row_is_somewhere(found[""], 15)
    assert (aside[""], mapping.columns["Invoice customer"], taken[3]["amount"]) == (2, "account_id", 5015)
    assert mapping.amount_evidence is not None
    assert mapping.amount_evidence.sentences[0] == "Quantity x unit price comes to it in 15 of 15 rows."


def test_the_customers_own_revenue_is_not_taken_for_arr(text: Callable[..., Path]) -> None:
    own = "".join(f"Big {i},Jo,{50 + i}000000,Retail,{1000 * i},Green\n" for i in range(10))
    found, _ = take(text("Account Name,Account Owner,Annual Revenue,Industry,Employees,Health\n" + own))
    assert "subscription_lines" not in found[""]
    assert found[""]["accounts"][2].columns["Annual Revenue"] == "custom.annual_revenue"
    paid = "".join(f"Big {i},Jo,{50 + i}00,Retail,{1000 * i},Green\n" for i in range(10))
    found, _ = take(text("Account Name,Account Owner,Annual Revenue,Industry,Employees,Health\n" + paid))
    assert found[""]["subscription_lines"][0][1]["arr"] == 5100
