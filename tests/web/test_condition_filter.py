"""The account list narrowed by a typed condition over facts: true ones shown, unknown ones counted, faults said, others' accounts never touched."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from laer.web.book.models import Account
from laer.web.people.models import User
from laer.web.runs import fact_filters, passes
from laer.web.runs.models import AccountCard, PassRun
from tests.cast import Cast

pytestmark = pytest.mark.django_db

FACTS: dict[str, dict[str, Any]] = {
    "Alder": {"mrr": 900.0, "usage_trend": -0.35, "renewal_on": "2026-12-01", "pulse": "red", "leaves": False},
    "Birch": {"mrr": 900.0, "usage_trend": 0.1, "leaves": True},
    "Cedar": {"mrr": 40.0},
}


@pytest.fixture
def lead() -> Client:
    user = User.objects.create_user("lead@laer.example", "long enough to pass", role="lead")
    now = timezone.now()
    for name, facts in FACTS.items():
        account = Account.objects.create(name=name, created_at=now)
        AccountCard.objects.create(account=account, name=name, search=name.lower(), state="paying", facts=facts, run_id=1, published_at=now, mrr_minor=int(facts["mrr"] * 100))
    client = Client()
    client.force_login(user)
    return client


def names(client: Client, where: str) -> list[str]:
    page = client.get("/accounts/", {"where": where, "sort": "name"})
    assert page.status_code == 200
    assert page.context["where"]["faults"] == []
    return [row["name"] for row in page.context["rows"]]


@pytest.mark.parametrize(
    ("where", "found", "unknown"),
    [
        ("usage_trend < -20 %", ["Alder"], 1),
        ("not (usage_trend < -20 %)", ["Birch"], 1),
        ("usage_trend < -20 % or mrr < 100", ["Alder", "Cedar"], 0),
        ("usage_trend is unknown", ["Cedar"], 0),
        ("renewal_on before 2027-01-01 and state = paying", ["Alder"], 2),
        ("pulse = red", ["Alder"], 2),
        ("leaves = yes", ["Birch"], 1),
        ("mrr between 500 and 1,000", ["Alder", "Birch"], 0),
    ],
)
def test_it_shows_those_for_which_it_holds_and_counts_the_unknown(lead: Client, where: str, found: list[str], unknown: int) -> None:
    assert names(lead, where) == found
    page = lead.get("/accounts/", {"where": where})
    assert page.context["where"]["unknown"] == unknown
    assert page.context["totals"]["accounts"] == len(found)


def test_where_many_match_every_card_is_asked(lead: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fact_filters, "MOST", 1)
    assert names(lead, "mrr > 100") == ["Alder", "Birch"]
    assert names(lead, "mrr < 100") == ["Cedar"]


def test_which_match_is_asked_once_per_run(lead: Client) -> None:
    """Cards change with a run alone: what it found is remembered until the next one is complete."""
    now = timezone.now()

    def run() -> None:
        PassRun.objects.create(as_of=timezone.localdate(), kind="full", state="complete", started_at=now, finished_at=now, currency="USD")

    run()
    assert names(lead, "mrr < 100") == ["Cedar"]
    with CaptureQueriesContext(connection) as asked:
        assert names(lead, "mrr < 100") == ["Cedar"]
    assert not [query for query in asked.captured_queries if "JSON" in query["sql"].upper() and "$." in query["sql"].partition(" WHERE ")[2]]  # the rows shown say their health
    AccountCard.objects.filter(name="Birch").update(facts={"mrr": 1.0}, mrr_minor=100)
    run()
    assert names(lead, "mrr < 100") == ["Birch", "Cedar"]


def test_it_is_said_in_words_and_can_be_taken_off(lead: Client) -> None:
    chips = lead.get("/accounts/", {"where": "usage_trend<-0.2 and mrr>500", "sort": "name"}).context["filters"]
    assert [(chip["label"], chip["value"]) for chip in chips] == [("Where", "Trend of use is below -20% and MRR is above $500.00")]
    assert "where" not in chips[0]["remove_url"]


@pytest.mark.parametrize(
    ("where", "words"),
    [("usge_trend < 1", "usage_trend"), ("mrr > many", "mrr"), ("pulse = purple", "red"), ("mrr >", ""), ("no tuch in 45 d", "touch"), ("any open_ticket with touch in 9 d", "Ask for both"), ("((((", "")],
)
def test_what_is_wrong_is_said_and_nothing_is_narrowed(lead: Client, where: str, words: str) -> None:
    page = lead.get("/accounts/", {"where": where, "sort": "name"})
    assert page.status_code == 200
    faults = page.context["where"]["faults"]
    assert faults
    assert words in " ".join(faults)
    assert [row["name"] for row in page.context["rows"]] == list(FACTS)
    assert page.context["where"]["typed"] == where


def test_it_goes_along_into_the_export(lead: Client) -> None:
    text = lead.get("/accounts/", {"where": "usage_trend < -20 %", "format": "csv"})
    body = b"".join(text.streaming_content).decode() if text.streaming else text.content.decode()  # type: ignore[attr-defined]
    assert "Alder" in body
    assert "Birch" not in body


def test_who_sees_a_part_is_shown_and_counts_that_part(cast: Cast) -> None:
    AccountCard.objects.update(facts={"mrr": 5.0})
    everything = fact_filters.read("mrr > 1")[0]
    assert everything == "mrr > 1"
    seen = {row["name"] for row in cast.client("outsider").get("/accounts/", {"where": "mrr > 1"}).context["rows"]}
    assert seen == {row["name"] for row in cast.client("outsider").get("/accounts/").context["rows"]}
    page = cast.client("outsider").get("/accounts/", {"where": "usage_trend > 1"})
    assert page.context["where"]["unknown"] == len(seen)


@pytest.mark.django_db(transaction=True)
def test_what_a_run_answers_of_everybody_is_shown_of_those_that_one_may_see(cast: Cast) -> None:
    assert passes.run_waiting_pass() is not None
    where = "mrr rose by 10 % in 9 d or mrr >= 0 or mrr is unknown"
    everybody = cast.client("lead").get("/accounts/", {"where": where}).context
    seen = cast.client("outsider").get("/accounts/", {"where": where}).context
    assert everybody["totals"]["accounts"] > seen["totals"]["accounts"]
    assert {row["name"] for row in seen["rows"]} == {row["name"] for row in cast.client("outsider").get("/accounts/").context["rows"]}
