"""Readiness says the truth about what works: of an empty book, of a thin one, of the cast's, and to each person about their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from laer.web.book.models import Assignment, Contract
from laer.web.people.models import User
from laer.web.runs import examining
from laer.web.runs.inventory import records
from laer.web.runs.readiness import FEATURES, FeatureState, features
from tests.cast import Cast
from tests.web.files import ACCOUNTS, LINES, TICKETS, take_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def states(user: User | None = None) -> dict[str, FeatureState]:
    return {f.id: f for f in features(user)}


def test_in_an_empty_book_nothing_works_and_there_is_one_next_step() -> None:
    found = features()
    assert len(found) == len(FEATURES) == 13
    assert {(f.state, f.next_step, f.next_url) for f in found} == {("no", "Import your first file", "/data/import/")}
    assert {r.rows for r in records()} == {0}
    examining.examine()
    admin = Client()
    admin.force_login(User.objects.create_user("admin@laer.example", role="admin"))
    page = admin.get("/data/readiness/")
    assert (page.context["empty"], page.context["next"]) == (True, None)
    assert page.content.count(b"Import your first file") >= 1


def test_accounts_and_lines_alone(tmp_path: Path) -> None:
    take_in(tmp_path, source="billing", accounts=ACCOUNTS, lines=LINES, tickets=TICKETS)
    found = states()
    assert (found["mrr"].state, found["retention"].state, found["owners"].state) == ("yes", "yes", "partly")
    assert found["owners"].why == "1 of 2 paying accounts have an owner."
    assert (found["renewals"].state, found["renewals"].next_url) == ("no", "/data/import/")
    assert (found["tickets"].state, "older than 90 days" in found["tickets"].next_step) == ("partly", True)
    assert {found[f].state for f in ("segments", "booked", "usage", "nps", "health", "contacts", "churn_reasons")} == {"no"}
    types = {r.record: r for r in records()}
    assert (types["accounts"].rows, types["accounts"].sources, str(types["tickets"].newest)) == (3, ["billing"], "2024-05-03")
    assert (types["contracts"].rows, types["contracts"].newest, types["contracts"].sources) == (0, None, [])


def test_coverage_is_said_in_words_and_grows_to_yes(cast: Cast) -> None:
    renewals = states()["renewals"]
    assert (renewals.state, renewals.why) == ("partly", "3 of 6 paying accounts have a contract end or a scheduled end.")
    assert renewals.next_url == "/data/doctor/missing_renewal_date/"
    for account in (cast.adopting, cast.back, cast.others):
        Contract.objects.create(account=account, end_on=cast.today + timedelta(100), signed_on=cast.today, created_at=timezone.now())
    assert states()["renewals"].state == "yes"
    assert states()["booked"].state == "partly"  # three of six say when they were signed


def test_a_health_column_a_champion_and_an_answer_count(cast: Cast) -> None:
    found = states()
    assert found["contacts"].why == "2 of 6 paying accounts have a contact, 1 a champion."
    assert (found["nps"].state, found["churn_reasons"].state) == ("yes", "yes")
    assert found["health"].why == "1 of 6 paying accounts have a health or pulse that a person or source stated."  # the cast's risk note


def test_each_person_sees_their_own(cast: Cast) -> None:
    assert states(cast.users["csm"])["owners"].why == "5 of 5 paying accounts have an owner."
    theirs = states(cast.users["outsider"])
    assert (theirs["owners"].why, theirs["tickets"].state, theirs["contacts"].state) == ("1 of 1 paying accounts have an owner.", "no", "no")
    examining.examine(cast.users["outsider"])
    page = cast.client("outsider").get("/data/readiness/")
    assert page.status_code == 200
    assert {r["record"]: r["rows"] for r in page.context["records"]}["Tickets"] == 0
    assert all(not f["step_url"] or not f["step_url"].startswith("/data/import/") for f in page.context["features"])  # who may not import is not sent there
    Assignment.objects.filter(person=cast.people["outsider"]).delete()
    assert cast.client("outsider").get("/data/readiness/").context["nothing_yours"] is True


def test_the_page_names_one_next_step_and_is_a_tab(cast: Cast) -> None:
    examining.examine()
    page = cast.client("admin").get("/data/readiness/")
    assert page.context["next"]["url"]
    assert [(t["title"], t["active"]) for t in page.context["data_tabs"] if t["title"] == "Readiness"] == [("Readiness", True)]
    assert page.context["next"]["title"].startswith("Import the won opportunities")  # the first that is missing altogether
    assert cast.client("nobody").get("/data/readiness/").status_code == 302


def test_the_command_says_the_same(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from laer.cli import app

    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES)
    read = json.loads(CliRunner().invoke(app, ["doctor", "--readiness", "--format", "json"]).stdout)
    assert {f["id"]: f["state"] for f in read["features"]} == {f.id: f.state for f in features()}
    assert {r["record"]: r["rows"] for r in read["records"]}["subscription_lines"] == 3
    assert "MRR and its movements" in CliRunner().invoke(app, ["doctor", "--readiness"]).stdout
