"""Sheets of a second examiner: what falls due where only a term is said, grids that lie on their side, pivots of three levels."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from laer.web.book.models import Account, Contract, Person, SubscriptionLine
from tests.web.lists import arr, take
from tests.web.test_sceptical_sheets import aside, ends, notes, sheet, spans, taken

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DAY = "2026-06-30"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


# -- a start and a term -----------------------------------------------------------------------------------------------


def test_arr_with_a_start_and_a_term_falls_due_after_it_and_stays_open(tmp_path: Path) -> None:
    text = "Customer,ARR,Start date,Term (months)\nAsh,1200,2025-01-15,24\nBirch,600,2026-01-01,12\nCedar,700,2026-03-31,6\nDogwood,50,2026-01-01,\n"
    run = taken(tmp_path, "list.csv", text)
    assert ends() == {"Ash": "2027-01-15", "Birch": "2027-01-01", "Cedar": "2026-09-30"}  # September has no 31st; Dogwood says no term
    assert (arr(DAY), {end for _, end in spans()}, aside()) == (2_550, {"None"}, set())
    assert "No column says when a contract is due: Renewal date was added, Start date and Term (months) after it." in notes(run)


def test_rows_that_follow_one_another_are_terms_that_end(tmp_path: Path) -> None:
    text = "Customer,ARR,Start date,Term (months)\nAsh,1200,2024-07-01,12\nAsh,1500,2025-07-01,12\nBirch,600,2025-01-01,12\nBirch,700,2026-01-01,12\n"
    taken(tmp_path, "list.csv", text)
    assert (arr(DAY), arr("2025-06-30"), Contract.objects.count()) == (2_200, 1_800, 4)  # 1,500 + 700; 1,200 + 600


def test_rows_of_several_products_stay_open_side_by_side(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,Product,ARR,Start date,Term (months)\nAsh,X,1200,2026-01-01,12\nAsh,Y,1500,2026-01-01,12\nBirch,X,600,2026-01-01,12\n")
    assert (arr(DAY), SubscriptionLine.objects.filter(end_on=None).count()) == (3_300, 3)


def test_contracts_with_ids_end_after_their_term(tmp_path: Path) -> None:
    taken(tmp_path, "contracts.csv", "Contract ID,Account,ARR,Start date,Term (months)\nK1,Ash,1200,2026-01-01,12\nK2,Birch,1500,2026-01-01,36\n")
    assert (arr(DAY), ends()) == (2_700, {"Ash": "2027-01-01", "Birch": "2029-01-01"})


# -- a grid on its side -----------------------------------------------------------------------------------------------

SIDE = "{first},Ash,Birch,Cedar,Total\n2026-04,100,0,,100\n2026-05,100,50.25,10,160.25\n2026-06,0,50.25,1,51.25\n"


@pytest.mark.parametrize(("name", "first"), [("mrr.csv", "Month"), ("list.csv", "Month / Customer"), ("clients.csv", "Month")])
def test_a_row_per_month_and_a_column_per_customer_is_a_grid_on_its_side(tmp_path: Path, name: str, first: str) -> None:
    run = taken(tmp_path, name, SIDE.format(first=first))
    assert [arr(day) for day in ("2026-04-30", "2026-05-31", DAY)] == [1_200, 1_923, 615]  # 12 x 100, 160.25, 51.25
    assert set(Account.objects.values_list("name", flat=True)) == {"Ash", "Birch", "Cedar"}
    assert "a column for each of 3 customers (Ash, Birch, Cedar)" in notes(run)
    assert "Left out, because they sum the others up: Total." in notes(run)


def test_a_title_above_it_and_a_header_without_a_first_name_are_found(tmp_path: Path) -> None:
    rows = [["ARR by customer"], ["", "Ash", "Birch"], ["Apr 2026", 1200, ""], ["May 2026", 1200, 600], ["Jun 2026", "", 600.12], ["Total", 2400, 1200.12]]
    path = sheet(tmp_path / "finance.xlsx", rows)
    take(path, DAY)
    assert [arr(day) for day in ("2026-04-30", "2026-05-31")] == [1_200, 1_800]
    assert round(arr(DAY), 2) == Decimal("600.12")


@pytest.mark.parametrize(
    ("name", "header"), [("list.csv", "Month,Ash,Birch"), ("mrr.csv", "Month,Basic,Pro"), ("mrr.csv", "Month,New MRR,Churned MRR"), ("usage customers.csv", "Month,Ash,Birch")]
)  # fmt: skip
def test_no_customers_are_made_of_columns_that_may_be_something_else(tmp_path: Path, name: str, header: str) -> None:
    taken(tmp_path, name, f"{header}\n2026-04,100,0\n2026-05,100,50\n2026-06,0,50\n")
    assert not Account.objects.exists()


def test_what_would_say_that_they_are_customers_is_said(tmp_path: Path) -> None:
    run = taken(tmp_path, "list.csv", SIDE.format(first="Month"))
    assert "If they are customers, say so in a title, in the name of the sheet or the file ('MRR by customer')" in notes(run)


# -- pivots of three levels -------------------------------------------------------------------------------------------


def test_the_groups_of_a_pivot_of_three_levels_are_not_counted(tmp_path: Path) -> None:
    rows = ["EMEA,300.75", "Maya,300.75", "Ash,100.75", "Birch,200", "AMER,500", "Jon,450", "Cedar,450", "Ana,50", "Dogwood,50", "Elm,0", "Grand Total,800.75"]
    run = taken(tmp_path, "report.csv", "\n".join(["Row Labels,Sum of ARR", *rows, ""]))
    assert (arr(DAY), set(Account.objects.values_list("name", flat=True))) == (Decimal("800.75"), {"Ash", "Birch", "Cedar", "Dogwood", "Elm"})
    assert "Rows 2, 3, 6, 7, 9 are the sums of the rows below them, as in a pivot table, and are no records." in notes(run)


def test_products_below_customers_below_regions_are_parts_of_the_customers_amounts(tmp_path: Path) -> None:
    rows = ["EMEA,300", "Ash,100", "Core,60", "Addon,40", "Birch,200", "Core,200", "AMER,500", "Cedar,500", "Core,400", "Addon,100", "Total,800"]
    run = taken(tmp_path, "report.csv", "\n".join(["Row Labels,Sum of ARR", *rows, ""]))
    assert (arr(DAY), set(Account.objects.values_list("name", flat=True))) == (800, {"Ash", "Birch", "Cedar"})
    assert "say of what the amount of the customer above them is made" in notes(run)


def test_a_list_that_comes_to_thrice_its_total_by_chance_is_no_pivot(tmp_path: Path) -> None:
    run = taken(tmp_path, "list.csv", "Customer,ARR\nAsh,100\nBirch,200\nCedar,300\nTotal,200\n")
    assert (arr(DAY), Account.objects.count()) == (600, 3)
    assert "the rows add up to 600" in notes(run)


def test_an_arr_of_words_is_told_to_be_written_in_numbers(tmp_path: Path) -> None:
    run = taken(tmp_path, "list.csv", "Customer,ARR\nAsh,~4000\nBirch,TBC\nCedar,5000?\n")
    assert "ARR says what it is, and half of its cells or more are no amounts, as '~4000': write them as numbers" in notes(run)


def test_customers_of_a_pivot_who_pay_nothing_are_accounts_all_the_same(tmp_path: Path) -> None:
    taken(tmp_path, "pivot.csv", "Row Labels,Sum of ARR\nAsh,1200\nBirch,0\nCedar,\n")
    assert (arr(DAY), Account.objects.count()) == (1_200, 3)


# -- words and characters ---------------------------------------------------------------------------------------------


def test_nobody_is_no_owner(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,CSM,ARR\nAsh,Maya,1\nBirch,Unassigned,1\nCedar,TBD,1\nDogwood,-,1\nElm,n/a,1\nFir,Nicht zugewiesen,1\n")
    assert (list(Person.objects.values_list("name", flat=True)), Account.objects.count()) == (["Maya"], 6)


def test_names_that_look_the_same_are_the_same(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,CSM,ARR\n\u200bAsh\u200b,Maya,100\n\u00a0Birch,Ma\u2060ya,5\n")
    assert set(Account.objects.values_list("name", flat=True)) == {"Ash", "Birch"}
    assert list(Person.objects.values_list("name", flat=True)) == ["Maya"]


def test_a_contract_may_say_in_several_words_which_it_renews(tmp_path: Path) -> None:
    text = "Contract ID,Account,Signed date,Start date,End date,Renews contract ID\nK1,Ash,2025-03-20,2025-04-01,2026-03-31,\nK2,Ash,2026-04-12,2026-04-01,2027-03-31,K1\n"
    taken(tmp_path, "contracts.csv", text)
    renewing = Contract.objects.get(renews__isnull=False)
    assert (str(renewing.signed_on), str(renewing.renews.start_on)) == ("2026-04-12", "2025-04-01")


def test_who_left_by_a_customer_status_is_not_counted(tmp_path: Path) -> None:
    run = taken(tmp_path, "list.csv", "Customer,CSM,ARR,Customer Status\nAsh,Maya,100,Live\nBirch,Maya,200,Lost\nCedar,Maya,300,Active\n")
    assert (arr(DAY), Account.objects.count()) == (400, 3)
    assert any("Left by the list's date" in note and "Birch" in note for note in run.notes)


def test_a_customer_status_without_anyone_who_left_stays_a_field(tmp_path: Path) -> None:
    taken(tmp_path, "list.csv", "Customer,CSM,ARR,Customer Status\nAsh,Maya,100,Strategic\nBirch,Maya,200,Tactical\n")
    assert (arr(DAY), Account.objects.get(name="Ash").custom) == (300, {"customer_status": "Strategic"})


def test_an_amount_and_its_currency_as_salesforce_exports_them(tmp_path: Path) -> None:
    header = "Account Name,Account Owner,Annual Recurring Revenue (converted) Currency,Annual Recurring Revenue (converted)"
    taken(tmp_path, "report.csv", f'{header}\nAsh,Maya,USD,"1,000.00"\nBirch,Maya,EUR,"2,000.00"\n')
    assert list(SubscriptionLine.objects.order_by("account__name").values_list("currency", flat=True)) == ["USD", "EUR"]
    assert arr(DAY) == 3_000
