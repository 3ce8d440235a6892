"""Exports as other systems write them and workbooks as firms keep them: to the cent, with the names that people use, and nothing counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from laer.web.book.models import Account, Contract, ImportRun, QuarantinedRow, SubscriptionLine
from tests.web.lists import arr, take

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DAY = "2025-06-30"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def taken(folder: Path, name: str, text: str) -> ImportRun:
    (folder / name).write_text(text, encoding="utf-8")
    run = take(folder / name, DAY)
    run.refresh_from_db()
    return run


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, cells in enumerate(rows):
                for column, value in enumerate(cells):
                    if isinstance(value, date):
                        sheet.write_datetime(place, column, value, day)
                    elif value is not None:
                        sheet.write(place, column, value)
    return path


def names() -> set[str]:
    return set(Account.objects.filter(archived_at=None).values_list("name", flat=True))


def test_a_sheet_per_month_is_a_grid(tmp_path: Path) -> None:
    """Only the first sheet was counted, and the others set aside."""
    sheets = {
        month: [["Customer", "CSM", "MRR"], *([f"Customer {i}", "Ana", 100.25 + 10 * k + i] for i in range(5) if (k, i) != (2, 4))]
        for k, month in enumerate(("Jan 2025", "Feb 2025", "Mar 2025"))
    }
    take(workbook(tmp_path / "mrr by month.xlsx", sheets | {"Read me": [["By Finance"]]}), DAY)
    expected = [12 * sum((Decimal("100.25") + 10 * k + i for i in range(5) if (k, i) != (2, 4)), Decimal(0)) for k in range(3)]
    assert [arr(day) for day in ("2025-01-31", "2025-02-28", "2025-03-31")] == expected
    assert (arr(DAY), len(names()), QuarantinedRow.objects.count()) == (expected[-1], 5, 0)


def test_sheets_of_months_with_other_headers_stay_apart(tmp_path: Path) -> None:
    sheets = {"Jan 2025": [["Customer", "CSM", "MRR"], ["Acme", "Ana", 100]], "Feb 2025": [["Customer", "Seats used"], ["Acme", 7]]}
    run = take(workbook(tmp_path / "book.xlsx", sheets), DAY)
    assert {file.sheet for file in run.files.all()} == {"Jan 2025", "Feb 2025"}


def test_an_amount_in_a_column_per_currency(tmp_path: Path) -> None:
    """The second column became a custom field, and its customers paid nothing."""
    taken(tmp_path, "list.csv", "Customer,CSM,ARR USD,ARR EUR,Renewal date\nA,Ana,1000,,2025-12-31\nB,Ana,,2000.50,2025-12-31\nC,Bo,3000,0,2025-12-31\n")
    assert dict(SubscriptionLine.objects.values_list("account__name", "currency")) == {"A": "USD", "B": "EUR", "C": "USD"}
    assert [arr(DAY, name) for name in "ABC"] == [1000, Decimal("2000.50"), 3000]


def test_an_amount_and_what_it_is_in_another_currency_are_not_added(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,CSM,ARR USD,ARR EUR\nA,Ana,1100,1000\nB,Ana,2200,2000\n")
    assert arr(DAY) == 3300


def test_words_among_the_amounts_cost_their_own_rows_only(tmp_path: Path) -> None:
    """The whole column became a custom field where a tenth of it could not be read."""
    text = "Customer,CSM,ARR,Renewal date\nA,Ana,12k,2025-12-31\nB,Ana,free,2025-12-31\nC,Bo,TBD,2026-01-31\nD,Bo,-,\nE,Bo,0,monthly\nF,Bo,\"$3,500.50\",2026-03-31\n"
    taken(tmp_path, "list.csv", text)
    assert (arr(DAY), len(names())) == (Decimal("15500.50"), 6)
    assert {row.line for row in QuarantinedRow.objects.filter(record="subscription_lines")} == {3, 4}


@pytest.mark.parametrize("left", ["Churn", "Churned", "Lost", "Cancelled", "Inactive", "gekündigt"])
def test_who_left_by_the_status_of_a_list_is_not_counted(tmp_path: Path, left: str) -> None:
    """One word that the policy does not know, and the column was no status: churned customers were counted."""
    run = taken(tmp_path, "list.csv", f"Company Name,CSM,ARR,Renewal Date,Status\nA,Ana,1000,2025-12-31,Active\nB,Ana,2000,2025-12-31,At risk\nC,Bo,4000,2025-12-31,{left}\n")
    assert (arr(DAY), QuarantinedRow.objects.count()) == (3000, 0)
    assert "Left by the list's date, so that their amounts are not counted: C" in run.notes
    take(_next(tmp_path, left), "2025-07-31")
    assert (arr("2025-07-31"), arr("2025-07-30")) == (1000, 3000)  # B left


def _next(folder: Path, left: str) -> Path:
    path = folder / "next.csv"
    text = f"Company Name,CSM,ARR,Renewal Date,Status\nA,Ana,1000,2025-12-31,Active\nB,Ana,2000,2025-12-31,{left}\nC,Bo,4000,2025-12-31,{left}\n"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_status_word_that_nobody_can_know_is_asked(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,CSM,ARR,Status\nA,Ana,1000,Active\nB,Ana,2000,Limbo\nC,Bo,4000,Churned\n")
    assert arr(DAY) == 1000
    assert QuarantinedRow.objects.get().reason.startswith("unknown status")


def test_a_report_of_salesforce_with_a_currency_beside_its_total(tmp_path: Path) -> None:
    """A total row that repeats the currency was set aside as a bad account."""
    rows: list[list[Any]] = [["Customers by ARR"], ["As of 2025-06-30 09:00:00 • Generated by Ana Ruiz"], []]
    rows += [["Account ID", "Account Name", "Account Owner", "ARR Currency", "ARR", "Renewal Date"]]
    rows += [[f"0015g00000AbC{i:02d}", f"Account {i}", "Ana Ruiz", "USD", 1000.5 + i, date(2025, 12, 31)] for i in range(12)]
    rows += [["Total", "", "", "USD", 12_072], [], ["Confidential Information - Do Not Distribute"]]
    take(workbook(tmp_path / "report.xlsx", {"Customers by ARR": rows}), DAY)
    assert (arr(DAY), len(names()), Contract.objects.count(), QuarantinedRow.objects.count()) == (12_072, 12, 12, 0)


def test_subscriptions_of_chargebee(tmp_path: Path) -> None:
    """Dotted headers were not known, and customers would be called by their ids."""
    text = "subscriptions.id,customers.id,customers.company,subscriptions.plan_id,subscriptions.status,subscriptions.started_at,subscriptions.cancelled_at,subscriptions.mrr\n"
    text += "s1,c1,Bee,pro,Active,06-Mar-2023 10:22,,100.10\ns2,c2,Wasp,pro,Cancelled,06-Mar-2023 10:22,31-Dec-2024 00:00,200\n"
    taken(tmp_path, "Subscriptions.csv", text)
    assert (names(), arr("2024-06-30"), arr(DAY)) == ({"Bee", "Wasp"}, Decimal("3601.20"), Decimal("1201.20"))


def test_subscriptions_of_stripe(tmp_path: Path) -> None:
    text = "id,Customer ID,Customer Email,Plan,Quantity,Currency,Interval,Amount,Status,Start Date (UTC),Ended At (UTC),Customer Name\n"
    text += "sub_1,cus_1,a@a.example,price_1,1,eur,month,49.00,active,2024-03-01 09:00,,Acme\nsub_2,cus_2,b@b.example,price_1,1,eur,year,490.00,canceled,2024-03-02 09:00,2025-01-03 09:00,Beta\n"
    taken(tmp_path, "subscriptions.csv", text)
    assert (names(), arr("2024-06-30"), arr(DAY)) == ({"Acme", "Beta"}, 588 + 490, 588)


@pytest.mark.parametrize("amounts", [("1.200", "2.400", "12.000"), ("1.200", "900", "500"), ("1.200", "900,5", "500")])
def test_points_between_thousands_in_a_german_list(tmp_path: Path, amounts: tuple[str, ...]) -> None:
    """1.200 without anything that proved the comma was read as 1.2."""
    wanted = sum(Decimal(text.replace(".", "").replace(",", ".")) for text in amounts)
    rows = "".join(f"K{i};Ana;{text};31.12.2025\n" for i, text in enumerate(amounts))
    total = f"{wanted:,}".replace(",", " ").replace(".", ",").replace(" ", ".")
    taken(tmp_path, "liste.csv", f"Kunde;Betreuer;ARR;Vertragsende\n{rows}Summe;;{total};\n")
    assert (arr(DAY), len(names()), QuarantinedRow.objects.count()) == (wanted, 3, 0)


def test_points_before_three_decimals_in_an_english_list(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,CSM,ARR,Renewal date\nA,Ana,83.333,2025-12-31\nB,Ana,41.667,2025-12-31\n")
    assert arr(DAY) == 125
    taken(tmp_path, "more.csv", "Customer;CSM;ARR;Renewal date\nC;Ana;83.333;2025-12-31\nD;Ana;12.5;2025-12-31\n")
    assert arr(DAY) == 125 + Decimal("95.833")


def test_a_report_in_groups_with_headings(tmp_path: Path) -> None:
    """The heading rows made the names look incomplete, and all amounts became a custom field."""
    text = "Account Owner,Account Name,ARR,Renewal Date\nAna Ruiz (2),,,\n,A,1000,12/31/2025\n,B,2000,12/31/2025\nSubtotal,,3000,\nBo Li (1),,,\n,C,500.5,12/31/2025\nSubtotal,,500.5,\nTotal (3),,3500.5,\n"
    taken(tmp_path, "report.csv", text)
    assert (arr(DAY), names(), QuarantinedRow.objects.count()) == (Decimal("3500.5"), {"A", "B", "C"}, 0)


def test_customers_with_ids_and_no_names(tmp_path: Path) -> None:
    """The whole list was set aside, because its accounts had no name."""
    taken(tmp_path, "customers.csv", "Customer ID,CSM,ARR,Renewal date\nc1,Ana,100,2025-12-31\nc2,Bo,200,2025-12-31\n")
    assert (names(), arr(DAY), QuarantinedRow.objects.count()) == ({"c1", "c2"}, 300, 0)


def test_a_list_of_customers_with_the_day_on_which_they_left(tmp_path: Path) -> None:
    text = "Customer ID,Email,MRR,Activated On,Churned On,Plan,Status\nc1,a@a.example,100,2023-01-01,,Pro,Active\nc2,b@b.example,200,2023-02-01,2024-05-01,Pro,Churned\n"
    taken(tmp_path, "customers.csv", text)
    assert (arr("2024-04-30"), arr("2024-05-01"), QuarantinedRow.objects.count()) == (3600, 1200, 0)
