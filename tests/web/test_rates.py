"""Plan rates in the book: the year that figures use, the choice of another, what the difference makes, and a table that changes."""

from __future__ import annotations

import csv
import io
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.records.periods import month_name, month_of
from laer.sources.tabular.rates import NoPlanYear
from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import DayRate, FieldChange, PlanRate, SubscriptionLine
from laer.web.people.models import User
from laer.web.runs import closing, jobs, passes, rates, restated, revenue
from laer.web.runs.doctor.finding import Seen
from laer.web.runs.doctor.gaps import at_other_years_rates, without_rate
from laer.web.runs.models import Job, PassRun
from laer.web.runs.reported import closings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

WHOLE = Scope(True)
ACCOUNTS = "account_id,account_name\nA-1,Alder\nA-2,Birch\n"
LINES = """subscription_id,account_id,start_date,end_date,amount,interval,currency,status
S-1,A-1,2025-10-15,,100,monthly,EUR,active
S-2,A-2,2025-11-01,,50,monthly,USD,active
"""
TABLE = "currency,rate,fiscal_year\nEUR,1.10,2025\nEUR,1.20,2026\n"


@pytest.fixture
def table(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Alder pays 100 EUR from October 2025, Birch 50 USD from November; the rates are 1.10 in 2025 and 1.20 in 2026."""
    restated.memory.clear()
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "subscriptions.csv").write_text(LINES)
    path = tmp_path.parent / f"{tmp_path.name}-rates.csv"
    path.write_text(TABLE)
    settings.FX_FILE = str(path)
    today(monkeypatch, date(2025, 12, 31))
    run_import(begin_import([("files", tmp_path)], source="files", file_date=date(2025, 12, 1)))
    return path


def today(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda *_: day)


def closes(run: PassRun, **how: Any) -> dict[str, Any]:
    months = revenue.ledger_of(run, WHOLE, **how).months(month_of("2025-10"), month_of("2026-01"))
    return {month_name(m.month): m["closing_mrr"] for m in months}


def lead() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("lead@laer.example", "long enough to pass", role="lead"))
    return client


def test_a_run_uses_the_plan_rates_of_its_fiscal_year_for_the_whole_history(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = passes.start_pass()
    assert (before.plan_year, before.rates) == (2025, {"EUR": "11/10"})
    assert closes(before)["2025-11"] == 160  # 100 x 1.10 + 50
    today(monkeypatch, date(2026, 1, 20))
    after = passes.run_waiting_pass()
    assert after is not None
    assert (after.plan_year, closes(after)) == (2026, {"2025-10": 120, "2025-11": 170, "2025-12": 170, "2026-01": 170})  # 100 x 1.20
    january = revenue.ledger_of(after, WHOLE).months(month_of("2026-01"), month_of("2026-01"))[0]
    assert (january["expansion_mrr"], january["contraction_mrr"]) == (0, 0)  # a rate never makes a movement
    assert closes(after, plan_year=2025) == {"2025-10": 110, "2025-11": 160, "2025-12": 160, "2026-01": 160}


def test_the_page_names_the_year_offers_the_other_and_says_what_rates_make(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    today(monkeypatch, date(2026, 1, 20))
    passes.start_pass()
    client = lead()
    page = client.get("/revenue/")
    assert page.context["state"]["shown"].endswith(", at the plan rates of 2026")
    assert [(one["label"], one["active"]) for one in page.context["rates"]["years"]] == [("2026", True), ("2025", False)]
    assert "rates_effect" not in page.context
    other = client.get(page.context["rates"]["years"][1]["url"])
    assert other.context["waterfall"]["rows"][-1]["value"] == 160
    effect = other.context["rates_effect"]
    assert effect["rates"] == [{"currency": "EUR", "own": "1.2", "other": "1.1"}]
    assert [(r["other"], r["effect"], r["own"]) for r in effect["rows"]] == [(160, 10, 170)] * 3 + [(110, 10, 120)]
    assert client.get(other.context["waterfall"]["rows"][-1]["url"]).context["total"] == 160
    rows = list(csv.DictReader(io.StringIO(client.get(other.context["download_url"]).content.decode())))
    assert [(r["closing_mrr"], r["rates_effect_mrr"]) for r in rows] == [("110.00", "10.00")] + [("160.00", "10.00")] * 3
    assert client.get("/revenue/", {"rates": "2031"}).context["rates"]["year"] == 2026  # no such year: the run's own


def test_a_missing_year_is_a_finding_and_the_last_one_before_stands_in(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not at_other_years_rates(Seen(None)).exists()
    today(monkeypatch, date(2027, 3, 1))
    run = passes.start_pass()
    assert (run.plan_year, run.notes) == (2026, [f"{table.name} has no plan rates for fiscal year 2027: those of 2026 are used"])
    assert (at_other_years_rates(Seen(None)).count(), without_rate(Seen(None)).count()) == (1, 0)


def test_a_year_that_is_set_and_missing_stops_the_pass_and_the_page_says_why(table: Path, settings: Any) -> None:
    passes.start_pass()
    settings.PLAN_YEAR = 2030
    with pytest.raises(NoPlanYear, match=r"LAER_PLAN_YEAR is 2030, and .* has no plan rates for it; there are: 2025, 2026"):
        passes.start_pass()
    assert PassRun.objects.order_by("-id")[0].state == "failed"
    assert passes.run_waiting_pass() is None  # it is not tried again and again
    assert any("LAER_PLAN_YEAR is 2030" in n.get("text", "") for n in lead().get("/revenue/").context["notices"])
    assert at_other_years_rates(Seen(None)).count() == 1
    settings.PLAN_YEAR = 2026
    done = passes.run_waiting_pass()
    assert done is not None
    assert done.plan_year == 2026


def test_a_changed_table_asks_for_a_full_pass_and_holds_closing_back(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = passes.start_pass()
    assert passes.run_waiting_pass() is None
    table.write_text(TABLE.replace("EUR,1.20,2026", "EUR,1.25,2026"))  # another year than the run's: what is compared with it has changed
    assert rates.changed_since(run)
    jobs.ask_for_pass()
    assert list(Job.objects.values_list("kind", "state")) == [("pass", "ready")]
    assert closing.obstacles(run) == ["the exchange rates have changed since the last pass; a new pass is needed (laer run)"]
    done = passes.run_waiting_pass()
    assert done is not None
    assert done.kind == "full"
    assert closing.obstacles(done) == []
    Job.objects.all().delete()
    jobs.ask_for_pass()
    assert not Job.objects.exists()


def test_a_closed_month_keeps_its_rates_and_the_difference_says_that_it_is_rates(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """October closed at 1.10. At 1.20 Alder's 100 EUR are 10 more; then 130 EUR from October: 156 less 110 is 46, of which rates make 130 x 0.10 = 13."""
    passes.start_pass()
    (kept,) = closing.close_months(None, month_of("2025-10"))
    assert (kept.plan_year, kept.rates, kept.figures["event"]["closing_mrr"]) == (2025, {"EUR": "11/10"}, "110")
    today(monkeypatch, date(2026, 1, 20))
    run = passes.start_pass()
    (told,) = restated.explained(run, restated.outstanding(run, WHOLE, closings()), closings())
    assert (told.amount, [c["text"] for c in told.causes]) == (10, ["exchange rates: plan rates of 2026 in place of 2025, 10.00 USD"])
    SubscriptionLine.objects.filter(currency="EUR").update(mrr_num=130)
    run = passes.start_pass()
    (told,) = restated.explained(run, restated.outstanding(run, WHOLE, closings()), closings())
    assert told.amount == Fraction(46)  # 156 - 110
    assert told.causes[0]["text"] == "exchange rates: plan rates of 2026 in place of 2025, 13.00 USD"
    assert len(told.causes) == 2
    assert closings()[0].figures["event"]["closing_mrr"] == "110"


def test_a_table_that_is_gone_leaves_the_last_figures_and_says_so(table: Path) -> None:
    run = passes.start_pass()
    table.unlink()
    assert passes.run_waiting_pass() is None
    page = lead().get("/revenue/")
    assert page.context["waterfall"]["rows"][-1]["value"] == 160
    assert any(n["title"] == "The exchange rates cannot be used" for n in page.context["notices"])
    assert (without_rate(Seen(None)).count(), at_other_years_rates(Seen(None)).count()) == (1, 0)
    assert closes(run)["2025-11"] == 160


# -- rates that were entered in Settings ------------------------------------------------------------------------------------


@pytest.fixture
def unrated(table: Path, settings: Any) -> Path:
    """The same book without a file of rates."""
    settings.FX_FILE = ""
    return table


def person(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(f"{role}@laer.example", "long enough to pass", role=role))
    return client


def test_rates_that_finance_enters_make_the_figures_and_each_change_is_logged(unrated: Path) -> None:
    before = passes.start_pass()
    assert (before.rates, closes(before)["2025-12"]) == ({}, 50)  # 100 EUR without a rate count nowhere
    client = person("finance")
    page = client.get("/settings/rates/?year=2025").content.decode()
    assert "rate-EUR" in page
    assert client.post("/settings/rates/", {"year": "2025", "rate-EUR": "1.10"}).status_code == 302
    assert client.post("/settings/rates/", {"year": "2026", "rate-EUR": "1.20", "new-0-currency": "gbp", "new-0-rate": "1.3"}).status_code == 302
    assert rates.changed_since(before)
    after = passes.start_pass()
    assert (after.plan_year, after.rates, closes(after)["2025-12"]) == (2025, {"EUR": "11/10"}, 160)
    assert closes(after, plan_year=2026)["2025-12"] == 170
    shown = lead().get("/revenue/?rates=2026&month=2025-12").content.decode()
    assert "2026" in shown
    logged = FieldChange.objects.filter(record="plan_rates").order_by("id").values_list("field", "old", "new", "user__email")
    assert list(logged) == [(f"{code} {year}", None, rate, "finance@laer.example") for code, year, rate in (("EUR", 2025, "1.1"), ("EUR", 2026, "1.2"), ("GBP", 2026, "1.3"))]
    client.post("/settings/rates/", {"year": "2025", "rate-EUR": ""})
    assert [(r.fiscal_year, r.currency) for r in PlanRate.objects.order_by("id")] == [(2026, "EUR"), (2026, "GBP")]


def test_a_rate_from_a_day_is_the_plan_rate_of_later_years_until_one_is_entered_for_the_year(unrated: Path) -> None:
    passes.start_pass()
    client = person("finance")
    assert client.post("/settings/rates/", {"day": "2024-11-05", "currency": "eur", "rate": "1.10"}).status_code == 302
    assert client.post("/settings/rates/", {"day": "2025-06-01", "currency": "EUR", "rate": "1.30"}).status_code == 302
    table = rates.table()
    assert {year: table.of(year)["EUR"] for year in (2025, 2026, 2030)} == {2025: Fraction("1.1"), 2026: Fraction("1.3"), 2030: Fraction("1.3")}
    assert not table.has(2024)  # before its first day there is none
    assert closes(passes.start_pass())["2025-12"] == 160
    page = client.get("/settings/rates/?year=2026").content.decode()
    assert "Take out EUR from" in page
    assert 'name="rate-EUR" value=""' in page  # nothing was entered for the year itself
    assert client.post("/settings/rates/", {"year": "2026", "rate-EUR": "1.20"}).status_code == 302
    assert {year: rates.table().of(year)["EUR"] for year in (2025, 2026, 2027)} == {2025: Fraction("1.1"), 2026: Fraction("1.2"), 2027: Fraction("1.3")}
    assert client.post("/settings/rates/", {"day": "2025-06-01", "currency": "EUR", "rate": ""}).status_code == 302
    assert rates.table().of(2027)["EUR"] == Fraction("1.1")
    logged = FieldChange.objects.filter(record="plan_rates").order_by("id").values_list("field", "old", "new")
    assert list(logged) == [
        ("EUR from 2024-11-05", None, "1.1"), ("EUR from 2025-06-01", None, "1.3"), ("EUR 2026", None, "1.2"), ("EUR from 2025-06-01", "1.3", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"day": "soon", "currency": "EUR", "rate": "1"}, "Day: found soon"), ({"day": "2026-01-01", "currency": "EUR", "rate": "-1"}, "expected a number above 0"),
        ({"day": "2026-01-01", "currency": "USD", "rate": "1"}, "USD is the currency of reports"),
    ],
)  # fmt: skip
def test_what_is_no_rate_from_a_day_is_refused_and_stands_in_the_form(unrated: Path, given: dict[str, str], said: str) -> None:
    answer = person("admin").post("/settings/rates/", given)
    assert (answer.status_code, DayRate.objects.count()) == (422, 0)
    assert said in answer.content.decode()
    assert person("lead").post("/settings/rates/", given).status_code == 403


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rate-EUR": "0"}, "EUR: found “0”, expected a number above 0"), ({"rate-EUR": "abc"}, "EUR: found &#x27;abc&#x27;, expected a number"),
        ({"rate-USD": "1"}, "USD is the currency of reports"), ({"new-0-currency": "EURO", "new-0-rate": "1"}, "Currency: found “EURO”"),
        ({"rate-EUR": "1.00000000001"}, "at most 9 decimals"),
    ],
)  # fmt: skip
def test_what_is_no_rate_is_refused_whole(unrated: Path, given: dict[str, str], said: str) -> None:
    answer = person("admin").post("/settings/rates/", {"year": "2025", "rate-GBP": "1.3"} | given)
    assert (answer.status_code, PlanRate.objects.count()) == (422, 0)
    assert said in answer.content.decode()


def test_a_file_stands_before_what_was_entered_and_a_lead_only_reads(table: Path) -> None:
    refused = person("finance").post("/settings/rates/", {"year": "2025", "rate-EUR": "2"})
    assert (refused.status_code, PlanRate.objects.count()) == (422, 0)
    client = lead()
    page = client.get("/settings/rates/?year=2026").content.decode()
    assert "1.2" in page
    assert 'name="rate-EUR"' not in page
    assert client.post("/settings/rates/", {"year": "2025", "rate-EUR": "2"}).status_code == 403
    assert person("member").get("/settings/rates/").status_code == 403
