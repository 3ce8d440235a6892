"""Lists of customers against a book that knows more: rolling contracts, products, discounts, ids that come later, rows that stand twice."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Value
from django.db.models.functions import Replace

from laer.web.book import settling
from laer.web.book.identity import FORGOTTEN
from laer.web.book.models import Account, Assignment, Contract, ExternalId, QuarantinedRow, Question, SubscriptionLine
from laer.web.book.undo import undo_import
from laer.web.people.models import AuditEvent, User
from tests.web.lists import arr, given, take

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def rolling(tmp_path: Path, ends: str = "2025-01-01") -> None:
    names = [f"Firm {i}" for i in range(8)]
    take(given(tmp_path / "accounts.csv", "Account ID,Account Name", *(f"A{i},{n}" for i, n in enumerate(names))), "2024-01-01", "crm")
    contracts = (f"C{i},A{i},2024-01-01,{ends},yes" for i in range(8))
    take(given(tmp_path / "contracts.csv", "Contract ID,Account ID,Start Date,End Date,Auto Renew", *contracts), "2024-01-01", "crm")
    lines = (f"S{i},A{i},C{i},2024-01-01,{ends},1000" for i in range(8))
    take(given(tmp_path / "lines.csv", "Subscription ID,Account ID,Contract ID,Start Date,End Date,MRR", *lines), "2024-01-01", "crm")


def listed(tmp_path: Path, amount: int = 12_000, name: str = "list.csv") -> Path:
    return given(tmp_path / name, "Customer,ARR", *(f"Firm {i},{amount if i == 0 else 12_000}" for i in range(8)))


def test_a_list_that_says_what_rolling_contracts_come_to_says_nothing_new(tmp_path: Path):
    rolling(tmp_path)
    assert arr("2025-06-01") == 96_000
    run = take(listed(tmp_path), "2025-06-01")
    assert (arr("2025-06-02"), SubscriptionLine.objects.filter(created_run=run).count()) == (96_000, 0)


def test_a_changed_amount_takes_the_place_of_a_line_that_rolled_on(tmp_path: Path):
    rolling(tmp_path)
    take(listed(tmp_path, 18_000), "2025-06-01")
    assert (arr("2025-05-31"), arr("2025-06-01")) == (96_000, 102_000)
    assert SubscriptionLine.objects.get(start_on="2025-06-01").contract is not None  # it goes on under what still runs


def test_a_list_takes_the_place_of_a_line_with_a_product_in_its_currency(tmp_path: Path):
    take(given(tmp_path / "accounts.csv", "Account ID,Account Name", "A1,Acme"), "2025-01-01", "crm")
    lines = given(tmp_path / "lines.csv", "Subscription ID,Account ID,Product,Start Date,MRR,Currency", "S1,A1,Core,2025-01-01,1000,EUR")
    take(lines, "2025-01-01", "crm")
    take(given(tmp_path / "list.csv", "Customer,ARR", "Acme,18000"), "2025-06-01")
    assert (arr("2025-05-31"), arr("2025-06-01")) == (12_000, 18_000)
    now = SubscriptionLine.objects.get(start_on="2025-06-01")
    assert (now.product.name, now.currency) == ("Core", "EUR")  # type: ignore[union-attr]


def test_a_list_does_not_guess_which_of_several_lines_changed(tmp_path: Path):
    take(given(tmp_path / "accounts.csv", "Account ID,Account Name", "A1,Acme"), "2025-01-01", "crm")
    header = "Subscription ID,Account ID,Product,Start Date,MRR"
    take(given(tmp_path / "lines.csv", header, "S1,A1,Core,2025-01-01,1000", "S1,A1,Seats,2025-01-01,500", "S1,A1,Rebate,2025-01-01,-100"), "2025-01-01", "crm")
    assert arr("2025-03-01") == 16_800
    take(given(tmp_path / "same.csv", "Customer,ARR", "Acme,16800"), "2025-05-01")
    assert not QuarantinedRow.objects.exists()
    take(given(tmp_path / "list.csv", "Customer,ARR", "Acme,20000"), "2025-06-01")
    assert (arr("2025-06-01"), QuarantinedRow.objects.get().kind) == (16_800, "several subscriptions")


def test_ids_that_a_list_gains_join_the_accounts_that_it_named_before(tmp_path: Path):
    take(given(tmp_path / "first.csv", "Customer,ARR,Renewal date", *(f"Firm {i},12000,2026-03-31" for i in range(8))), "2025-05-01")
    run = take(given(tmp_path / "second.csv", "Customer ID,Customer,ARR,Renewal date", *(f"C{i},Firm {i},12000,2026-03-31" for i in range(8))), "2025-06-01")
    assert (Account.objects.filter(archived_at=None).count(), arr("2025-06-02")) == (8, 96_000)
    assert Question.objects.count() == 0
    assert Contract.objects.filter(archived_at=None).count() == 8
    third = take(given(tmp_path / "third.csv", "Customer ID,Customer,ARR,Renewal date", *(f"C{i},Company {i},12000,2026-03-31" for i in range(8))), "2025-07-01")
    assert Account.objects.filter(archived_at=None).count() == 8
    assert set(Account.objects.values_list("name", flat=True)) == {f"Company {i}" for i in range(8)}
    for done in (third, run):
        undo_import(done)
    assert (Account.objects.filter(archived_at=None).count(), arr("2025-06-02")) == (8, 96_000)


def test_a_customer_who_stands_twice_in_a_list_loses_no_money_in_silence(tmp_path: Path):
    once = [f"Firm {i},100" for i in range(60)]
    take(given(tmp_path / "list.csv", "Customer,ARR", "Acme,12000", *once, "Acme,3000"), "2025-06-01")
    assert arr("2025-06-01") == 18_000
    aside = QuarantinedRow.objects.get(record="subscription_lines")
    assert (aside.kind, aside.line) == ("account stands twice", 63)


def test_a_row_for_each_product_of_a_customer_is_held_against_that_product(tmp_path: Path):
    header = "Customer,Product,ARR"
    take(given(tmp_path / "first.csv", header, "Acme,Core,12000", "Acme,Seats,6000", "Bluefin,Core,5000"), "2025-05-01")
    assert arr("2025-05-01") == 23_000
    take(given(tmp_path / "second.csv", header, "Acme,Core,12000", "Acme,Seats,9000", "Bluefin,Core,5000"), "2025-06-01")
    assert (arr("2025-05-31"), arr("2025-06-01"), QuarantinedRow.objects.count()) == (23_000, 26_000, 0)


def test_an_earlier_list_that_comes_later_is_an_opening_balance_too(tmp_path: Path):
    take(given(tmp_path / "june.csv", "Customer,ARR", "Acme,15000", "Bluefin,5000"), "2025-06-01")
    take(given(tmp_path / "may.csv", "Customer,ARR", "Acme,12000", "Bluefin,5000"), "2025-05-01")
    assert (arr("2025-05-01"), arr("2025-06-01")) == (17_000, 20_000)
    assert set(SubscriptionLine.objects.filter(start_on="2025-05-01").values_list("start_unknown", flat=True)) == {True}


def test_who_left_ends_what_rolls_on_and_the_answer_is_in_the_audit(tmp_path: Path):
    rolling(tmp_path)
    take(listed(tmp_path), "2025-06-01")
    fewer = given(tmp_path / "fewer.csv", "Customer,ARR", *(f"Firm {i},12000" for i in range(1, 8)))
    back = take(fewer, "2025-07-01")
    question = Question.objects.get()
    admin = User.objects.create_user("admin@firm.example", "x", role="admin")
    settling.answer_question(admin, question.pk, "left")
    assert (arr("2025-06-30"), arr("2025-07-01")) == (96_000, 84_000)
    assert AuditEvent.objects.filter(act="answered", user=admin).count() == 1
    with pytest.raises(settling.Refused):
        settling.answer_question(admin, question.pk, "filtered")
    settling.take_back_answer(admin, question.pk)
    assert arr("2025-07-01") == 96_000
    again: Any = take(listed(tmp_path, name="again.csv"), "2025-08-01")
    assert Question.objects.get().answer == "came back"
    undo_import(again)
    assert Question.objects.get().answer == ""
    undo_import(back)
    assert Question.objects.get().answer == "undone"



def test_a_list_with_a_renewal_date_alone_beside_the_amount_loses_no_money(tmp_path: Path):
    take(given(tmp_path / "list.csv", "Customer,ARR,Renewal date", *(f"Firm {i},12000,2026-03-31" for i in range(8))), "2025-06-01")
    assert (arr("2025-06-01"), Contract.objects.count()) == (96_000, 8)


@pytest.mark.parametrize(
    ("header", "ends", "due"),
    [
        ("Renewal date", ("2026-03-31", "2026-12-31", "2026-06-30"), ("2026-04-01", "2027-01-01", "2026-07-01")),
        ("Contract end", ("2026-04-01", "2027-01-01", "2026-07-01"), ("2026-04-01", "2027-01-01", "2026-07-01")),
        ("Renewal date", ("2026-03-17", "2026-12-02", "2026-06-30"), ("2026-03-17", "2026-12-02", "2026-06-30")),
    ],
)
def test_renewal_dates_alone_are_last_days_where_they_are_the_last_of_months(tmp_path: Path, header: str, ends: tuple[str, ...], due: tuple[str, ...]):
    take(given(tmp_path / "list.csv", f"Customer,ARR,{header}", *(f"Firm {i},12000,{end}" for i, end in enumerate(ends))), "2025-06-01")
    assert tuple(str(day) for day in Contract.objects.order_by("id").values_list("end_on", flat=True)) == due


def test_a_contract_that_was_read_a_day_early_before_stays_one(tmp_path: Path):
    rows = [f"Firm {i},12000,2026-03-31" for i in range(3)]
    take(given(tmp_path / "list.csv", "Customer,ARR,Renewal date", *rows), "2025-06-01")
    Contract.objects.update(end_on="2026-03-31")
    as_before = {"external_id": Replace("external_id", Value("2026-04-01"), Value("2026-03-31")), "row_hash": FORGOTTEN}
    ExternalId.objects.filter(record="contracts").update(**as_before)
    take(given(tmp_path / "again.csv", "Customer,ARR,Renewal date", *rows), "2025-07-01")
    assert {str(day) for day in Contract.objects.values_list("end_on", flat=True)} == {"2026-04-01"}
    assert Contract.objects.count() == 3


def contracts() -> set[tuple[str, str, Fraction]]:
    """Name, end and MRR under it of each contract."""
    lines = SubscriptionLine.objects.filter(archived_at=None).exclude(contract=None)
    return {(x.account.name, str(x.contract.end_on), Fraction(x.mrr_num, x.mrr_den)) for x in lines if x.contract}


def test_two_contracts_of_a_customer_from_one_day_are_two_where_their_ends_differ(tmp_path: Path):
    header = "Customer,Contract Start,Contract End,ARR"
    rows = ["Acme,2025-01-01,2025-12-31,1200", "Acme,2025-01-01,2026-12-31,3600", "Beta,2025-01-01,2025-12-31,600", "Cato,2025-03-01,2026-02-28,600"]
    first = take(given(tmp_path / "contracts.csv", header, *rows), "2025-06-01")
    expected = {("Acme", "2026-01-01", 100), ("Acme", "2027-01-01", 300), ("Beta", "2026-01-01", 50), ("Cato", "2026-03-01", 50)}
    assert (contracts(), QuarantinedRow.objects.count(), arr("2025-06-01")) == (expected, 0, 6_000)
    again = take(given(tmp_path / "again.csv", header, rows[1], rows[0], *rows[2:]), "2025-07-01")  # in another order
    assert (contracts(), Contract.objects.filter(archived_at=None).count(), arr("2025-07-01")) == (expected, 4, 6_000)
    moved = take(given(tmp_path / "moved.csv", header, rows[1].replace("2026", "2027"), rows[0], *rows[2:]), "2025-08-01")
    assert Contract.objects.filter(archived_at=None).count() == 4
    assert {str(c.end_on) for c in Contract.objects.filter(account__name="Acme")} == {"2026-01-01", "2028-01-01"}
    for run in (moved, again, first):
        undo_import(run)
    assert not Contract.objects.filter(archived_at=None).exists()


def test_a_file_of_contracts_alone_keeps_both_too_and_a_changed_end_is_a_change(tmp_path: Path):
    header = "Account ID,Contract Name,Start Date,End Date,Auto Renew"
    take(given(tmp_path / "accounts.csv", "Account ID,Account Name", "A1,Acme", "A2,Beta"), "2025-01-01")
    rows = ("A1,Core,2025-01-01,2026-01-01,yes", "A1,Support,2025-01-01,2026-01-01,no", "A2,Core,2025-01-01,2026-01-01,yes")
    take(given(tmp_path / "contracts.csv", header, *rows), "2025-06-01")
    assert (Contract.objects.count(), QuarantinedRow.objects.count()) == (3, 0)
    take(given(tmp_path / "later.csv", header, rows[0], rows[1], rows[2].replace("2026", "2027")), "2025-07-01")
    assert {str(c.end_on) for c in Contract.objects.filter(account__name="Beta")} == {"2027-01-01"}
    assert Contract.objects.count() == 3


def test_a_list_of_contracts_with_amounts_makes_contracts_and_the_lines_under_them(tmp_path: Path):
    rows = (f"Firm {i},2025-01-01,2026-01-01,12000" for i in range(8))
    take(given(tmp_path / "contracts.csv", "Customer,Contract Start,Contract End,ARR", *rows), "2025-06-01")
    lines = SubscriptionLine.objects.all()
    assert {(str(one.start_on), str(one.end_on), one.contract.account_id == one.account_id) for one in lines if one.contract} == {("2025-01-01", "2026-01-01", True)}
    assert (lines.count(), arr("2024-12-31"), arr("2025-06-01"), arr("2026-01-20")) == (8, 0, 96_000, 96_000)  # pending within the grace


def test_a_row_for_each_contract_with_its_id_is_both_too(tmp_path: Path):
    rows = (f"K{i},A{i},2025-01-01,2026-01-01,12000,yes" for i in range(8))
    take(given(tmp_path / "contracts.csv", "Contract ID,Account ID,Start Date,End Date,ARR,Auto Renew", *rows), "2025-06-01")
    assert (Contract.objects.filter(auto_renews=True).count(), arr("2026-06-01")) == (8, 96_000)


def test_a_list_of_contracts_with_their_value_spreads_it_over_the_term_and_names_the_owners(tmp_path: Path):
    rows = ("Acme,C-1,2024-01-01,2025-12-31,24000,Ana", "Beta,C-2,2025-01-01,2025-12-31,6000,Bo", "Acme,C-3,2026-01-01,2026-12-31,18000,Ana")
    run = take(given(tmp_path / "contracts.csv", "Account Name,Contract ID,Start Date,End Date,Contract Value,Owner", *rows), "2025-06-01")
    assert (run.state, QuarantinedRow.objects.count()) == ("done", 0)
    assert {(str(line.contract.start_on), line.mrr_num) for line in SubscriptionLine.objects.all() if line.contract} == {
        ("2024-01-01", 1000), ("2025-01-01", 500), ("2026-01-01", 1500)
    }  # fmt: skip
    assert arr("2025-06-02") == 18_000
    assert {(a.account.name, a.person.name) for a in Assignment.objects.all()} == {("Acme", "Ana"), ("Beta", "Bo")}


@pytest.mark.parametrize("header", ["Customer,Contract Start,Contract End,ACV", "Customer,Contract Start,Contract End,ACV,Owner", "Customer,Contract Start,Contract End,ARR,Owner,Contract ID"])
def test_contracts_with_owners_run_over_their_terms_as_those_without(tmp_path: Path, header: str):
    """One more column made the list one of customers, whose amounts were true from the file's date on: no history."""
    rows = ("Acme,2024-01-01,2025-12-31,2400,Ana,K1", "Beta,2025-03-01,2026-02-28,1200,Bo,K2", "Cato,2024-05-01,2026-04-30,600,Ana,K3")
    wide = header.count(",") + 1
    take(given(tmp_path / "contracts.csv", header, *(",".join(row.split(",")[:wide]) for row in rows)), "2025-06-01")
    assert [arr(day) for day in ("2023-12-01", "2024-06-01", "2025-02-01", "2025-06-01")] == [0, 3_000, 3_000, 4_200]
    assert SubscriptionLine.objects.exclude(contract=None).exclude(end_on=None).count() == 3
    if "Owner" in header:
        assert {(a.account.name, a.person.name) for a in Assignment.objects.all()} == {("Acme", "Ana"), ("Beta", "Bo"), ("Cato", "Ana")}


def test_a_contract_value_without_an_end_is_no_months_revenue(tmp_path: Path):
    rows = ("Acme,2025-01-01,2025-12-31,1200", "Beta,2025-01-01,evergreen,2400", "Cato,2025-01-01,2026-12-31,2400", "Dora,2025-02-01,2026-01-31,600")
    take(given(tmp_path / "contracts.csv", "Customer,Contract Start,Contract End,TCV", *rows), "2025-06-01")
    assert arr("2025-06-02") == 1_200 + 1_200 + 600
    assert QuarantinedRow.objects.count() == 1


def test_a_grid_says_who_owns_its_customers(tmp_path: Path):
    take(given(tmp_path / "grid.csv", "Customer,CSM,Industry,2025-01,2025-02,2025-03", "Acme,Ana,Retail,100,100,150", "Beta,Bo,,200,,200"), "2025-03-31")
    assert arr("2025-03-31") == 12 * 350
    assert {(a.account.name, a.person.name) for a in Assignment.objects.all()} == {("Acme", "Ana"), ("Beta", "Bo")}
    assert Account.objects.get(name="Acme").industry == "Retail"


def test_an_end_that_is_not_to_come_is_open(tmp_path: Path):
    rows = ("Acme,2025-01-01,evergreen,1200", "Beta,2025-01-01,Until further notice,2400", "Cato,2025-01-01,2025-12-31,600", "Dora,2025-02-01,2026-01-31,600")
    take(given(tmp_path / "lines.csv", "Customer,Start Date,End Date,ARR", *rows), "2025-06-01")
    assert (arr("2027-01-01"), QuarantinedRow.objects.count()) == (3_600, 0)


def test_a_list_that_says_the_net_of_a_discount_says_nothing_new(tmp_path: Path):
    take(given(tmp_path / "accounts.csv", "Account ID,Account Name", "A1,Acme"), "2025-01-01")
    take(given(tmp_path / "lines.csv", "Subscription ID,Account ID,Start Date,MRR", "S1,A1,2025-01-01,1000"), "2025-01-01")
    header = "Discount ID,Account ID,Subscription ID,Discount Percent,Discount Start,Discount End"
    take(given(tmp_path / "discounts.csv", header, "D1,A1,S1,10,2025-01-01,2027-01-01"), "2025-01-01")
    take(given(tmp_path / "same.csv", "Customer,ARR", "Acme,10800"), "2025-06-01")
    assert (arr("2025-06-01"), QuarantinedRow.objects.count()) == (10_800, 0)
    take(given(tmp_path / "other.csv", "Customer,ARR", "Acme,11000"), "2025-07-01")
    assert (arr("2025-07-01"), QuarantinedRow.objects.get().kind) == (10_800, "discounted")


def test_what_a_list_by_product_no_longer_names_is_said(tmp_path: Path):
    header = "Customer,Product,ARR"
    take(given(tmp_path / "first.csv", header, "Acme,Core,12000", "Acme,Seats,6000"), "2025-05-01")
    run = take(given(tmp_path / "second.csv", header, "Acme,Core,12000"), "2025-06-01")
    assert arr("2025-06-01") == 18_000
    assert "Acme: Seats, 500.00 a month" in run.notes[-1]


def test_a_renewal_that_was_said_to_have_ended_can_be_said_to_go_on(tmp_path: Path):
    rolling(tmp_path)
    contract = Contract.objects.order_by("pk")[0]
    admin = User.objects.create_user("admin@firm.example", "x", role="admin")
    settling.decide_renewal(admin, contract.pk, "ended")
    assert arr("2025-06-01") == 84_000
    settling.decide_renewal(admin, contract.pk, "renewed")
    assert arr("2025-06-01") == 96_000


@pytest.mark.parametrize(
    ("header", "rows", "contracts"),
    [
        ("Customer,Start Date,End Date,Amount,Owner", ("Acme,2025-01-01,2025-12-31,{},Ana", "Beta,2025-03-01,2026-02-28,{},Bo", "Acme,2026-01-01,,{},Ana"), 0),
        (
            "Customer,Industry,Country,Owner,Contract Value,Start Date,End Date",
            ("Acme,Retail,DE,Ana,{},2025-01-01,2025-12-31", "Beta,Bank,CH,Bo,{},2025-03-01,2026-02-28"),
            2,
        ),
        ("Customer,Industry,Owner,Start Date,End Date,Amount", ("Acme,Retail,Ana,2025-01-01,2025-12-31,{}", "Beta,Bank,Bo,2025-03-01,2026-02-28,{}"), 0),
    ],
)
def test_dated_amounts_beside_what_tells_of_the_accounts_are_lines(tmp_path: Path, header: str, rows: tuple[str, ...], contracts: int):
    take(given(tmp_path / "list.csv", header, *(row.format(1_200) for row in rows)), "2025-06-01")
    assert (SubscriptionLine.objects.count(), Contract.objects.count(), QuarantinedRow.objects.count()) == (len(rows), contracts, 0)
    assert {(a.account.name, a.person.name) for a in Assignment.objects.all()} == {("Acme", "Ana"), ("Beta", "Bo")}
