"""Workbooks that keep who left beside who is there: nobody pays on without a word, nobody is lost with what they paid."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.test import Client

from laer.web.book.importing import begin_import, preview_import
from laer.web.book.models import Account, ChurnEvent, Contact, ExternalId, QuarantinedRow, Question, SubscriptionLine
from laer.web.people.models import User
from laer.web.runs.doctor import findings
from tests.web.sheets import listed
from tests.web.test_stories import months, take

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))


def sheets(path: Path, **tables: list[list[Any]]) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in tables.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                for column, value in enumerate(row):
                    sheet.write(place, column, value)
    return path


CUSTOMERS: list[list[Any]] = [["Customer", "CSM", "ARR"], ["Maple", "Zoe Lind", 12000], ["Beech", "Zoe Lind", 6000], ["Spruce", "Max Roth", 4800]]
CHURNED: list[list[Any]] = [["Customer", "Churn date", "Reason"], ["Elm", date(2026, 2, 1), "price"], ["Beech", date(2026, 5, 1), "merger"]]


def test_who_stands_on_both_sheets_is_a_contradiction_on_the_figure(tmp_path: Path):
    path = sheets(tmp_path / "firm.xlsx", Customers=CUSTOMERS, Churned=CHURNED)
    previewed = preview_import(begin_import([(path.name, path)], source="sheet", file_date=date(2026, 10, 31)))
    expected = {name: sum(p.counts.get("accounts", {}).get(name, 0) for p in previewed.values()) for name in ("new", "changed", "rejected")}
    run = take(path, "2026-10-31")
    assert {name: run.counts["accounts"][name] for name in expected} == expected == {"new": 4, "changed": 1, "rejected": 0}
    assert not QuarantinedRow.objects.exists()
    assert {a.name: a.churn_flag for a in Account.objects.all()} == {"Maple": None, "Beech": True, "Spruce": None, "Elm": True}
    assert "flagged_churned_but_paying" in {f.check for f in findings()}
    assert sum(m["churn_mrr"] for m in months().values()) == 0  # nobody decided yet
    client = Client()
    client.force_login(User.objects.get(email="lead@laer.example"))
    assert "1 account is flagged as churned" in client.get("/revenue/").content.decode()


def test_the_same_two_sheets_again_change_nothing(tmp_path: Path):
    path = sheets(tmp_path / "firm.xlsx", Customers=CUSTOMERS, Churned=CHURNED)
    take(path, "2026-10-31")
    again = take(path, "2026-10-31")
    assert all(not c["new"] and not c["changed"] and not c["rejected"] for c in again.counts.values()), again.counts
    assert not {"gone_accounts", "gone_subscription_lines"} & {f.check for f in findings()}


def test_former_customers_bring_what_they_paid_and_do_not_make_the_others_unknown(tmp_path: Path):
    active: list[list[Any]] = [["Customer", "ARR", "Start"], ["Maple", 12000, date(2025, 1, 1)], ["Spruce", 4800, date(2025, 2, 1)]]
    former: list[list[Any]] = [["Customer", "ARR", "Start", "Churn date", "Reason"]]
    former += [["Elm", 2400, date(2025, 1, 1), date(2026, 2, 1), "price"], ["Linden", 600, date(2025, 3, 1), date(2026, 5, 1), ""]]
    path = sheets(tmp_path / "firm.xlsx", Active=active, **{"Former customers": former})
    take(path, "2026-10-31")
    assert not QuarantinedRow.objects.exists()
    found = months()
    assert [found[m]["new_mrr"] for m in ("2025-01", "2025-02", "2025-03")] == [1200, 400, 50]
    assert [found[m]["churn_mrr"] for m in ("2026-02", "2026-05")] == [200, 50]
    assert list(found.values())[-1]["closing_mrr"] == 1400
    assert {(e.account.name, e.reason) for e in ChurnEvent.objects.all()} == {("Elm", "price"), ("Linden", None)}
    assert {a.name for a in Account.objects.filter(churn_flag=True)} == {"Elm", "Linden"}
    take(path, "2026-10-31")
    assert SubscriptionLine.objects.count() == 4
    assert not {"gone_accounts", "flagged_churned_but_paying", "churn_event_while_paying"} & {f.check for f in findings()}


def test_lists_month_after_month_leave_no_line_behind_but_of_who_is_missing(tmp_path: Path):
    header = ["Customer", "CSM", "ARR"]
    rows: list[list[Any]] = [["Maple", "Zoe", 12000], ["Beech", "Zoe", 6000], ["Spruce", "Max", 4800], ["Yew", "Max", 1200]]
    take(listed(tmp_path / "a.csv", rows, header), "2026-08-31")
    take(listed(tmp_path / "b.csv", rows, header), "2026-09-30")
    assert "gone_subscription_lines" not in {f.check for f in findings()}
    rows[0][2] = 18000
    take(listed(tmp_path / "c.csv", rows[:3], header), "2026-10-31")
    assert {f.check: f.count for f in findings()}.get("gone_subscription_lines") == 1
    assert [q.account.name for q in Question.objects.filter(answer="")] == ["Yew"]


def test_customer_numbers_and_sponsors_mail_are_known(tmp_path: Path):
    header = ["Customer No.", "Customer", "ARR", "Sponsor e-mail"]
    take(listed(tmp_path / "a.csv", [[f"{i:06d}", f"Firm {i}", 1200 * i, f"s{i}@firm{i}.example"] for i in range(1, 9)], header), "2026-09-30")
    assert ExternalId.objects.filter(record="accounts", external_id="000003").exists()
    assert set(Contact.objects.values_list("role", flat=True)) == {"champion"}
    assert Contact.objects.count() == 8
    assert list(months().values())[-1]["closing_mrr"] == Decimal(3600)


def test_another_sources_amount_is_replaced_with_a_word(tmp_path: Path):
    header = ["Account ID", "Account Name", "Website", "ARR"]
    take(listed(tmp_path / "a.csv", [["c1", "Hotel", "hotel.example.io", 1200], ["c2", "Inn", "inn.example.io", 60]], header), "2026-08-01", "crm")
    run = take(listed(tmp_path / "b.csv", [["b1", "Hotel", "hotel.example.io", 600], ["b2", "Inn", "inn.example.io", 60]], header), "2026-09-01", "billing")
    (note,) = [n for n in run.notes if n.startswith("Another source had stated another amount")]
    assert "Hotel (crm)" in note
    assert "Inn" not in note
    again = take(listed(tmp_path / "c.csv", [["b1", "Hotel", "hotel.example.io", 900], ["b2", "Inn", "inn.example.io", 60]], header), "2026-10-01", "billing")
    assert not [n for n in again.notes if n.startswith("Another source")]
