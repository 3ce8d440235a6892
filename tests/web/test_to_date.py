"""The Revenue page of a month that is not over: it says so, and says what the account cards say."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.records.periods import month_of
from laer.web.book.importing import begin_import, run_import
from laer.web.people.models import User
from laer.web.runs import closing, passes, revenue
from laer.web.runs.models import AccountCard, AccountMonth
from tests.standing import stands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ACCOUNTS = "account_id,account_name\nA-1,Alder\nA-2,Birch\nA-3,Cedar\nA-4,Dogwood\nA-5,Elm\n"
LINES = """subscription_id,account_id,start_date,end_date,amount,interval,currency,status
S-1,A-1,2026-01-15,,1200.00,annual,USD,active
S-2,A-2,2026-01-01,2026-06-20,50,monthly,USD,cancelled
S-3,A-3,2026-06-25,,70,monthly,USD,active
S-4,A-4,2026-02-01,2026-06-10,30,monthly,USD,ended
S-5,A-5,2026-02-01,2026-06-28,20,monthly,USD,ended
S-6,A-5,2026-06-28,,35,monthly,USD,active
"""
JUNE = month_of("2026-06")


def computed(monkeypatch: pytest.MonkeyPatch, day: date) -> passes.PassRun:
    monkeypatch.setattr(timezone, "localdate", lambda *_: day)
    return passes.start_pass()


@pytest.fixture
@stands
def book(tmp_path: Path) -> Path:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "subscriptions.csv").write_text(LINES)
    run_import(begin_import([("files", tmp_path)], source="files", file_date=date(2026, 6, 1)))
    return tmp_path


def lead() -> Client:
    client = Client()
    client.force_login(User.objects.filter(role="lead").first() or User.objects.create_user("lead@laer.example", "long enough to pass", role="lead"))
    return client


def figures(page: object) -> dict[str, dict[str, str]]:
    return {f["label"]: f for f in page.context["figures"]}  # type: ignore[attr-defined]


def test_the_page_says_what_the_cards_say(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 15 June Alder pays 100, Birch 50 and Elm 20; Dogwood left on the 10th, Cedar begins on the 25th."""
    computed(monkeypatch, date(2026, 6, 15))
    page = lead().get("/revenue/")
    closes = page.context["waterfall"]["rows"][-1]
    cards = AccountCard.objects.filter(state="paying")
    assert (closes["value"], closes["accounts"]) == (170, 3)
    assert (cards.aggregate(sum=Sum("mrr_minor"))["sum"], cards.count()) == (17_000, 3)
    moved = {r["label"]: r["value"] for r in page.context["waterfall"]["rows"]}
    assert (moved["New"], moved["Expansion"], moved["Churn"]) == (0, 0, 30)
    assert AccountMonth.objects.filter(account__name="Cedar").count() == 0
    assert AccountMonth.objects.filter(month=date(2026, 6, 1)).values_list("account__name", flat=True).get() == "Dogwood"


def test_what_is_to_come_is_committed_beside_it(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ARR 12 x 170 = 2,040. Cedar brings 70 and Elm 35 in place of 20, 12 x 85 = 1,020; Birch takes 50, 12 x 50 = 600: CARR is 2,460."""
    run = computed(monkeypatch, date(2026, 6, 15))
    assert revenue.committed(run, Scope(True)) == {"coming": 85, "leaving": 50}
    assert figures(lead().get("/revenue/"))["ARR"]["hint"] == "committed (CARR): $2.5k, +$1.0k signed, not live, \u2212\u2060$600 known to leave"


def test_the_current_month_is_to_date_and_the_months_before_are_not(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed(monkeypatch, date(2026, 6, 15))
    client = lead()
    assert figures(client.get("/revenue/"))["MRR"]["hint"] == "in June 2026 to date"
    assert figures(client.get("/revenue/", {"month": "2026-05"}))["MRR"]["hint"] == "in May 2026"
    assert figures(client.get("/revenue/", {"month": "2026-05", "period": "quarter"}))["MRR"]["hint"] == "in 2026, quarter 2 to date"
    assert "June 2026 to date" in client.get("/revenue/behind/", {"month": "2026-06", "movement": "closing"}).context["title"]


def test_the_page_goes_on_level_to_the_current_month(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed(monkeypatch, date(2026, 9, 2))
    page = lead().get("/revenue/")
    assert page.context["months"][0]["label"] == "September 2026 to date"
    assert page.context["state"]["note"] == "nothing has changed since June 2026"
    rows = {r["month"]: r for r in csv.DictReader(io.StringIO(lead().get("/revenue/download/").content.decode()))}
    assert list(rows)[-1] == "2026-09"
    assert {rows[m]["closing_mrr"] for m in ("2026-06", "2026-07", "2026-08", "2026-09")} == {"205.00"}  # 100 + 70 + 35


def test_a_day_of_the_past_is_cut_there(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda *_: date(2026, 9, 2))
    june, whole = (passes.start_pass(as_of=day) for day in (date(2026, 6, 15), date(2026, 6, 30)))
    closes = [revenue.ledger_of(run, Scope(True)).months(JUNE, JUNE)[0]["closing_mrr"] for run in (june, whole)]
    assert closes == [170, 205]


def test_a_month_is_closed_with_the_figure_of_the_whole_month(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed(monkeypatch, date(2026, 6, 30))  # a pass of its last day knows the month to its end
    monkeypatch.setattr(timezone, "localdate", lambda *_: date(2026, 7, 1))
    kept = closing.close_months(None, JUNE)[-1]
    assert (kept.month, kept.figures["event"]["closing_mrr"], kept.figures["event"]["new_mrr"]) == (date(2026, 6, 1), "205", "70")
    computed(monkeypatch, date(2026, 7, 20))
    assert revenue.ledger_of(passes.latest_run(), Scope(True)).months(JUNE, JUNE)[0]["closing_mrr"] == 205
