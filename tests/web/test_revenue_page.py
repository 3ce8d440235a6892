"""Revenue: figures that tie to `laer revenue`, bars that open to accounts whose sum is the bar, and nothing for outsiders."""

from __future__ import annotations

import csv
import io
import json
import time
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from typer.testing import CliRunner

from laer.cli import app
from laer.cycle.questions import QuestionFault
from laer.cycle.scope import Scope
from laer.web.book.importing import begin_import, run_import
from laer.web.people import company
from laer.web.people.models import Person, User
from laer.web.runs import desk, examining, passes
from tests.cast import forget
from tests.standing import stands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ACCOUNTS = (
    "account_id,account_name,segment,owner\nA-1,Alder,SMB,Ann Ash\nA-2,Birch,SMB,Bo Beck\nA-3,Cedar,Enterprise,Ann Ash\nA-4,=Dogwood,Enterprise,Bo Beck\n"
)
LINES = """subscription_id,account_id,start_date,end_date,amount,interval,currency,status,plan
S-1,A-1,2025-01-15,2025-09-01,1200.00,annual,USD,ended,Basic
S-2,A-1,2025-09-01,,2400.01,annual,USD,active,Pro
S-3,A-2,2025-01-01,2025-05-01,50,monthly,USD,cancelled,Basic
S-4,A-2,2025-07-15,,55,monthly,USD,active,Basic
S-5,A-3,2025-02-01,,900,quarterly,USD,active,Pro
S-6,A-3,2025-03-01,2025-06-01,10,monthly,USD,ended,Basic
S-7,A-4,2025-06-10,2025-06-20,70,monthly,USD,ended,Basic
"""
MONEY = ("opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "closing_mrr")


@pytest.fixture
@stands
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "accounts.csv").write_text(ACCOUNTS)
    (folder / "subscriptions.csv").write_text(LINES)
    run_import(begin_import([("files", folder)], source="files", file_date=date(2025, 12, 1)))
    passes.run_waiting_pass()
    return folder


def login(role: str, person: str | None = None) -> Client:
    user = User.objects.create_user(f"{role}@laer.example", "long enough to pass", role=role)
    if person:
        Person.objects.filter(name=person).update(user=user)
    client = Client()
    client.force_login(user)
    return client


def test_the_page_says_what_the_command_says(files: Path) -> None:
    told = CliRunner().invoke(app, ["revenue", str(files / "subscriptions.csv"), "--format", "csv"])
    assert told.exit_code == 0, told.output
    command = {row["month"]: row for row in csv.DictReader(io.StringIO(told.stdout))}
    page = login("lead").get("/revenue/download/")
    ours = {row["month"]: row for row in csv.DictReader(io.StringIO(page.content.decode()))}
    assert {month: ours[month] for month in command} == command
    after = {row["closing_mrr"] for month, row in ours.items() if month not in command}
    assert after <= {command[max(command)]["closing_mrr"]}  # a file has no day: the page goes on level to the run's


@pytest.mark.parametrize("movements", ["event", "net"])
def test_every_bar_opens_to_accounts_whose_sum_is_the_bar(files: Path, movements: str) -> None:
    client = login("lead")
    for period in ("month", "quarter", "year"):
        for month in ("2025-01", "2025-05", "2025-06", "2025-07", "2025-09"):
            page = client.get("/revenue/", {"month": month, "period": period, "movements": movements})
            for row in page.context["waterfall"]["rows"]:
                if not row["url"]:
                    continue
                behind = client.get(row["url"])
                assert behind.status_code == 200
                assert abs(behind.context["total"]) == row["value"], (period, month, row["label"])


def test_values_of_a_dimension_add_up_to_the_whole(files: Path) -> None:
    client = login("lead")
    for by in ("segment", "plan", "owner", "country"):
        page = client.get("/revenue/", {"month": "2025-09", "by": by})
        rows, total = page.context["by"]["rows"], page.context["by"]["total"]
        for name in MONEY:
            assert sum(r[name] for r in rows) == total[name], (by, name)
        for row in rows:
            assert client.get(row["url"]).context["total"] == row["closing_mrr"]


def test_a_plan_switch_is_entering_and_leaving_between_plans(files: Path) -> None:
    """Alder goes from Basic at 100.00 to Pro at 200.00 (2400.01 / 12 = 200.0008): 100 moves, the rest is expansion under Pro."""
    rows = {r["name"]: r for r in login("lead").get("/revenue/", {"month": "2025-09", "by": "plan"}).context["by"]["rows"]}
    assert (str(rows["Basic"]["leaving_mrr"]), str(rows["Pro"]["entering_mrr"])) == ("100.00", "100.00")
    assert str(rows["Pro"]["expansion_mrr"]) == "100.00"


def test_causes_of_change_add_up_and_open_to_the_accounts_behind_them(files: Path) -> None:
    """Alder changes its plan in September (+100); Cedar's add-on has no product of its own and ends in June (-10)."""
    client = login("lead")
    page = client.get("/revenue/", {"month": "2025-09", "by": "cause"})
    rows, total = {r["name"]: r for r in page.context["by"]["rows"]}, page.context["by"]["total"]
    assert str(rows["plan"]["expansion_mrr"]) == "100.00" == str(total["expansion_mrr"])
    assert rows["plan"]["closing_mrr"] is None
    assert client.get(rows["plan"]["url"]).context["total"] == rows["plan"]["expansion_mrr"]
    year = client.get("/revenue/", {"month": "2025-12", "period": "year", "by": "cause"})
    for name in ("new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr"):
        assert sum(r[name] for r in year.context["by"]["rows"]) == year.context["by"]["total"][name], name
    assert year.status_code == 200


def test_a_member_sees_the_revenue_of_their_own_book_only(files: Path) -> None:
    page = login("member", "Bo Beck").get("/revenue/")
    assert page.context["waterfall"]["rows"][-1]["value"] == 55
    assert b"Alder" not in page.content
    behind = Client()
    behind.force_login(User.objects.get(email="member@laer.example"))
    shown = behind.get("/revenue/behind/", {"month": "2025-09", "movement": "closing"})
    assert [r["account_name"] for r in shown.context["rows"]] == ["Birch"]


def test_an_outsider_sees_no_revenue(files: Path) -> None:
    client = login("viewer")
    assert client.get("/revenue/").context.get("waterfall") is None
    assert client.get("/revenue/behind/", {"month": "2025-09", "movement": "closing"}).context["rows"] == []
    assert len(client.get("/revenue/download/").content.decode().splitlines()) == 1


def test_a_formula_in_a_name_leaves_as_text(files: Path) -> None:
    told = login("lead").get("/revenue/behind/", {"month": "2025-06", "movement": "new", "format": "csv"}).getvalue().decode()
    assert "'=Dogwood" in told


def test_an_empty_book_says_what_would_fill_it() -> None:
    page = login("lead").get("/revenue/")
    assert page.status_code == 200
    assert b"No recurring revenue yet" in page.content


def test_a_wrong_address_falls_back_to_what_the_page_shows_first(files: Path) -> None:
    page = login("lead").get("/revenue/", {"month": "2025-13", "period": "week", "by": "password", "cohorts": "x"})
    assert page.status_code == 200
    assert page.context["by"]["dimension"] == "Segment"


def test_churn_events_that_the_lines_contradict_stand_on_the_page(files: Path, tmp_path: Path) -> None:
    (tmp_path / "churn_events.csv").write_text("churn_event_id,account_id,churn_date,reason_code\nC-1,A-1,2025-08-01,price\nC-2,A-4,2025-06-20,price\n")
    run_import(begin_import([("churn_events.csv", tmp_path / "churn_events.csv")], source="files"))
    passes.run_waiting_pass()
    page = login("lead").get("/revenue/")
    said = [row["sentence"] for row in page.context["contradictions"]["rows"]]
    assert said[0] == "2 accounts have churn events, and the lines of 1 of them go on past the day of the event."
    assert "2 accounts have churn events" in {figure["doubt"]["text"] for figure in page.context["figures"] if figure.get("doubt")}


def test_pages_that_ask_the_ledger_keep_their_query_budgets(files: Path) -> None:
    """The first time, with nothing remembered, as in `test_query_budgets.py`."""
    budgets = json.loads((Path(__file__).parent / "query_budgets.json").read_text())
    member, lead = login("member", "Ann Ash"), login("lead")
    examining.examine()
    pages = {
        "revenue": (member, "/revenue/"), "revenue:behind": (member, "/revenue/behind/?movement=closing&month=2025-09"),
        "revenue:close": (lead, "/revenue/close/"), "land": (member, "/land/"),
    }  # fmt: skip
    found = {}
    for name, (client, url) in pages.items():
        client.get("/accounts/")  # a first request of a process asks more than once
        forget()
        company.refresh()
        desk.forget()
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url).status_code == 200
        found[name] = [q["sql"][:150] for q in asked]
    over = {name: (len(sql), budgets[name], sql) for name, sql in found.items() if len(sql) != budgets[name]}
    assert not over, "\n".join(f"{name}: {n} queries, budget {budget}\n  " + "\n  ".join(sql) for name, (n, budget, sql) in over.items())


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every book is large, and no page waits for its figures."""
    monkeypatch.setattr(desk, "LONG", 0)
    monkeypatch.setattr(desk, "PATIENCE", 0.0)
    desk.forget()


@pytest.mark.parametrize("page", ["/revenue/", "/revenue/?by=segment", "/revenue/close/"])
def test_figures_of_a_large_book_are_made_in_the_background(files: Path, large: None, page: str) -> None:
    client = login("lead")
    first = client.get(page)
    assert (first.status_code, b"data-being-made" in first.content, f'hx-get="{page}"'.encode() in first.content) == (200, True, True)
    part = client.get("/revenue/?by=plan", headers={"HX-Request": "true", "HX-Target": "revenue"}).content.decode()
    assert part.lstrip().startswith('<div id="revenue"')
    assert 'hx-get="/revenue/?by=plan"' in part
    until = time.monotonic() + 60
    while b"data-being-made" in (shown := client.get(page)).content and time.monotonic() < until:
        time.sleep(0.05)
    assert shown.context["state"]["run"]


def test_a_file_of_a_large_book_waits_for_its_figures(files: Path, large: None) -> None:
    assert login("lead").get("/revenue/download/?by=segment").content.count(b"\n") > 3


def test_who_asks_again_is_told_why_there_is_no_answer(files: Path, large: None) -> None:
    run = passes.latest_run()
    assert run
    with desk.impatient(), pytest.raises(QuestionFault):
        for _ in range(200):
            with suppress(desk.BeingMade):
                desk.ask("nonsense", {}, Scope(True), run.pk)
            time.sleep(0.05)
