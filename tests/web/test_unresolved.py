"""Contracts that are expired and unresolved stand beside the figure and in the doctor, and one decision for many moves Revenue and Renew alike."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from laer.metrics import policy
from laer.web.book import exclusions
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import Account, Assignment, Contract, Exclusion, SubscriptionLine
from laer.web.people.models import Person, User
from laer.web.runs import passes
from laer.web.runs.doctor import findings, rows_behind
from tests.standing import stands
from tests.web.sheets import listed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
TODAY = date(2026, 6, 15)


@pytest.fixture(autouse=True)
def that_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    monkeypatch.setattr(timezone, "localdate", lambda *_, **__: TODAY)
    return


@pytest.fixture
@stands
def book(tmp_path: Path) -> None:
    """Six customers of 100, 200 … 600 a month. Of Alder and Birch the term ended in March and nobody knows more; Cedar's is pending, Dogwood's
    runs, Elm's renews by itself, Fir has no contract, and its line ended in May as stated."""
    folder = tmp_path / "files"
    folder.mkdir()
    names = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir")
    ends = ("2026-03-31", "2026-04-01", "2026-06-01", "2027-01-01", "2026-02-01", "2026-05-01")
    listed(folder / "accounts.csv", [[f"A{i}", name, "Mid-market"] for i, name in enumerate(names)], ["account_id", "account_name", "segment"])
    contracts = [[f"K{i}", f"A{i}", "2025-01-01", end, "TRUE" if i == 4 else ""] for i, end in enumerate(ends[:5])]
    listed(folder / "contracts.csv", contracts, ["contract_id", "account_id", "contract_start", "contract_end", "auto_renews"])
    lines = [[f"S{i}", f"A{i}", f"K{i}" if i < 5 else "", "2025-01-01", end, 100 * (i + 1)] for i, end in enumerate(ends)]
    listed(folder / "lines.csv", lines, ["subscription_id", "account_id", "contract_id", "start_date", "end_date", "mrr"])
    run_import(begin_import([("files", folder)], source="crm", file_date=date(2025, 1, 1)))
    maya = Person.objects.create(name="Maya", created_at=timezone.now())
    for account in Account.objects.filter(name__in=("Alder", "Dogwood")):
        Assignment.objects.create(account=account, person=maya, job="csm", created_at=timezone.now())
    passes.start_pass()


def at(role: str = "lead") -> Client:
    client = Client()
    client.force_login(User.objects.filter(role=role).first() or User.objects.create_user(f"{role}@laer.example", "long enough to pass", role=role))
    return client


def download() -> dict[str, dict[str, str]]:
    return {row["month"]: row for row in csv.DictReader(io.StringIO(at().get("/revenue/download/").content.decode()))}


def behind(check: str) -> set[str]:
    return {row["account"] for row in rows_behind(check, None, limit=100)}


def closing(month: str = "2026-06") -> Decimal:
    return Decimal(download()[month]["closing_mrr"])


def test_the_count_and_the_arr_stand_beside_the_figure_with_the_way_to_decide(book: None) -> None:
    page = at().get("/revenue/")
    said = page.context["unresolved"]
    assert said["count"] == 2
    assert said["title"] == "2 contracts are expired and unresolved: $3,600.00 of ARR counts though nobody knows whether they renewed"
    assert said["title"] in page.content.decode().replace("&#x27;", "'")
    listed_there = at().get(said["url"])
    assert {row["account"] for row in listed_there.context["rows"]} == {"Alder", "Birch"}
    assert listed_there.context["decide"]
    assert at().get("/revenue/?month=2026-03").context["unresolved"]["count"] == 1  # Birch's last paid day is the last of March, Alder's the day before
    assert at().get("/revenue/?month=2026-02").context["unresolved"] is None


def test_the_doctor_finds_them_and_says_the_money(book: None) -> None:
    found = {f.check: f for f in findings()}
    assert found["expired_unresolved"].count == 2
    assert "$3,600.00 of ARR still counts" in str(found["expired_unresolved"].sentence)
    assert behind("expired_unresolved") == {"Alder", "Birch"}
    assert at("admin").get("/data/doctor/expired_unresolved/").status_code == 200


def test_what_paying_accounts_lack_is_judged_by_what_counts(book: None) -> None:
    """Alder, Birch, Cedar and Elm pay though their stated ends are past, under contracts that hold; Fir does not pay any more."""
    assert behind("missing_owner") == {"Birch", "Cedar", "Elm"}
    assert behind("missing_contract") == set()
    assert behind("missing_renewal_date") == set()
    line = SubscriptionLine.objects.get(account__name="Fir")
    line.end_on = None
    line.save()
    passes.start_pass()
    assert (behind("missing_contract"), behind("missing_renewal_date")) == ({"Fir"}, {"Fir"})
    counts = {f.check: f.count for f in findings()}
    assert (counts["missing_owner"], counts["missing_contract"]) == (4, 1)


def test_a_contract_that_was_replaced_or_is_a_draft_does_not_hold(book: None) -> None:
    fir = Account.objects.get(name="Fir")
    SubscriptionLine.objects.filter(account=fir).update(end_on=None)
    Contract.objects.create(account=fir, start_on=date(2026, 1, 1), end_on=date(2027, 1, 1), status="draft", created_at=timezone.now())
    passes.start_pass()
    assert behind("missing_contract") == {"Fir"}


@pytest.mark.parametrize(("decision", "left", "state", "march"), [("ended", 1200, "lost", 300), ("renewed", 1500, "rolls on", 0)])
def test_one_decision_for_both_moves_revenue_and_renew_alike(book: None, decision: str, left: int, state: str, march: int) -> None:
    assert closing() == 1500  # all but Fir's 600
    contracts = list(Contract.objects.filter(account__name__in=("Alder", "Birch")).values_list("pk", flat=True))
    at().post("/renewals/decide/", {"contract": contracts, "decision": decision})
    passes.run_waiting_pass()
    months = download()
    assert closing() == left
    assert sum(Decimal(months[m]["churn_mrr"]) for m in ("2026-03", "2026-04")) == march
    page = at().get("/renewals/?view=all")
    assert {row["account"]: row["state"] for row in page.context["rows"] if row["account"] in ("Alder", "Birch")} == dict.fromkeys(("Alder", "Birch"), state)
    assert at().get("/revenue/").context["unresolved"] is None
    assert "expired_unresolved" not in {f.check for f in findings()}


@pytest.mark.parametrize(("grace", "closes", "states"), [
    (10, 1400, {"Alder": "lost", "Birch": "unresolved", "Cedar": "unresolved"}),
    (30, 1400, {"Alder": "lost", "Birch": "unresolved", "Cedar": "pending"}),
    (100, 1500, {"Alder": "pending", "Birch": "pending", "Cedar": "pending"}),
])  # fmt: skip
def test_one_grace_in_a_policy_of_ones_own_moves_ledger_and_renewals(
    book: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, grace: int, closes: int, states: dict[str, str],
) -> None:  # fmt: skip
    Contract.objects.filter(account__name="Alder").update(auto_renews=False)  # known not to renew: past the grace it is lost
    (tmp_path / "ours.yaml").write_text(f"id: ours\nbased_on: default\nversion: 1\ntitle: Ours\ndescription: Ours.\ngrace_days: {grace}\n")
    monkeypatch.setattr(policy, "OWN", [tmp_path])
    settings.POLICY = "ours"
    policy.load_policy.cache_clear()
    assert passes.run_waiting_pass() is not None, "another policy asks for a pass"
    assert passes.run_waiting_pass() is None
    assert closing() == closes
    rows = at().get("/renewals/?view=all").context["rows"]
    assert {row["account"]: row["state"] for row in rows if row["account"] in states} == states
    policy.load_policy.cache_clear()


def test_taking_back_an_exclusion_restores_every_figure(book: None) -> None:
    before: Any = download()
    admin = User.objects.create_user("boss@laer.example", "long enough to pass", role="admin")
    contract = Contract.objects.get(account__name="Alder")
    line = SubscriptionLine.objects.get(account__name="Dogwood")
    elm = Account.objects.get(name="Elm")
    for record, row in (("contracts", contract.pk), ("subscription_lines", line.pk), ("accounts", elm.pk)):
        exclusions.exclude_rows(admin, record, [row], "test_accounts", "a trial")
    passes.run_waiting_pass()
    assert closing() == 1500 - 100 - 400 - 500  # without its contract, Alder's line ends as stated
    exclusions.take_back(admin, list(Exclusion.objects.values_list("pk", flat=True)))
    passes.run_waiting_pass()
    assert download() == before
    passes.start_pass()
    assert download() == before
