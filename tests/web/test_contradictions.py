"""A contradiction stands on the figure that it touches, and what each way out would make of the figure is the ledger worked out by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from laer.web.book.answering import answer
from laer.web.book.importing import begin_import, run_import
from laer.web.people.models import Person, User
from laer.web.runs import contradictions, passes
from tests.standing import stands

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS = (
    "account_id,account_name,owner,churn_flag\nA1,Alder,Ann Ash,FALSE\nA2,Birch,Ann Ash,TRUE\nA3,Cedar,Ann Ash,FALSE\nA4,Dogwood,Ann Ash,FALSE\nA5,Elm,Ann Ash,FALSE\n"
    "A6,Fir,Ann Ash,FALSE\nA7,Gorse,Bo Beck,FALSE\n"
)
LINES = (
    "subscription_id,account_id,start_date,end_date,mrr,arr,plan\n"
    "S1,A1,2024-01-01,,100,1200,Pro\n"  # an event says that it left in June 2024
    "S2,A2,2024-01-01,,50,600,Pro\n"  # flagged as churned
    "S3,A3,2024-01-01,,10,1200,Pro\n"  # states an ARR of 1,200 beside an MRR of 10
    "S4,A4,2024-01-01,2024-12-31,20,240,Pro\nS5,A4,2025-01-01,,20,240,Pro\n"  # goes on a day late
    "S6,A5,2024-02-01,,30,360,Pro\nS7,A5,2024-02-01,,30,360,Pro\n"  # stands twice
    "S8,A6,2024-01-01,,5,60,Pro\nS9,A6,2024-05-01,,7,84,Pro\n"  # an event between its two lines
    "S10,A7,2024-01-01,,9,108,Pro\n"  # Bo's: nothing is wrong with it
)
EVENTS = "churn_event_id,account_id,churn_date,reason_code\nC1,A1,2024-06-15,price\nC2,A6,2024-03-01,price\n"


@pytest.fixture
@stands
def book(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in (("accounts", ACCOUNTS), ("subscriptions", LINES), ("churn_events", EVENTS)):
        (folder / f"{name}.csv").write_text(text)
    run = begin_import([("files", folder)], source="files", file_date=date(2025, 12, 1))
    answer(run, {"end": "exclusive"})  # against what its whole years suggest
    run_import(run)
    passes.run_waiting_pass()


def page(role: str, address: str, name: str | None = None) -> Any:
    user = User.objects.create_user(f"{role}@laer.example", role=role)
    if name:
        Person.objects.filter(name=name).update(user=user)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client.get(address)


def test_each_way_out_is_told_in_money_points_and_accounts(book: None) -> None:
    answer = page("lead", "/revenue/?effects=1&month=2025-01")
    rows = {row["id"]: row for row in answer.context["contradictions"]["rows"]}
    assert answer.context["contradictions"]["shown"]["mrr_exact"] == "$261.00"
    assert {name: (row["mrr_exact"], row["changes"]["mrr_exact"]) for name, row in rows.items()} == {
        "churn_events": ("$156.00", "−$105.00"),  # Alder's 100, and of Fir what began before its event
        "churn_flags": ("$211.00", "−$50.00"),
        "amounts": ("$351.00", "+$90.00"),
        "one_day_gaps": ("$261.00", "±$0.00"),
        "lines_twice": ("$231.00", "−$30.00"),
    }
    assert (
        rows["churn_events"]["nrr"] == "49.5%"
    )  # 96 of 194: at the end of January 2024 paid 100 + 50 + 10 + 20 + 5 + 9, a year later 0 + 50 + 10 + 20 + 7 + 9
    assert rows["churn_flags"]["logo"] == "1 of 6"


def test_the_figures_shown_say_what_they_go_by(book: None) -> None:
    answer = page("lead", "/revenue/?month=2025-01&churn_basis=events")
    shown = answer.context["contradictions"]["shown"]
    assert (shown["mrr_exact"], shown["by"]) == ("$156.00", "what the churn events say")
    assert "what the lines say" not in answer.content.decode()
    other = next(row for row in answer.context["contradictions"]["rows"] if row["id"] == "churn_events")
    assert str(other["label"]) == "The lines are right"


def test_a_day_that_was_paid_is_neither_churn_nor_reactivation(book: None) -> None:
    answer = page("lead", "/revenue/?effects=1&month=2024-12")
    gaps = next(row for row in answer.context["contradictions"]["rows"] if row["id"] == "one_day_gaps")
    assert (answer.context["contradictions"]["shown"]["mrr_exact"], gaps["mrr_exact"], gaps["changes"]["mrr_exact"]) == ("$241.00", "$261.00", "+$20.00")
    assert (answer.context["contradictions"]["shown"]["logo"], gaps["logo"], gaps["changes"]["logo"]) == ("1 of 7", "0 of 7", "−1 account")


def test_the_mark_stands_on_the_figures_that_are_touched(book: None) -> None:
    answer = page("lead", "/revenue/?month=2025-01")
    marks = {figure["label"]: figure.get("doubt") for figure in answer.context["figures"]}
    assert marks["MRR"]["text"] == "2 accounts have churn events"
    assert marks["MRR"]["then"] == "$156 if the events are right"
    assert (marks["MRR"]["more"], marks["NRR, 12 months"]["url"]) == ("and 4 more", "#contradictions")
    assert (marks["ARR"], marks["GRR, 12 months"]) == (None, None)
    assert b'id="contradictions"' in answer.content
    assert b'hx-trigger="load"' in answer.content  # the other effects are asked for when the page is there


def test_a_large_book_is_worked_out_on_a_click(book: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contradictions, "QUICK", 3)
    answer = page("lead", "/revenue/?month=2025-01")
    table = answer.context["contradictions"]
    assert (table["load_url"], {row["open"] for row in table["rows"]}) == (None, {True})
    assert table["effects_url"] in answer.content.decode().replace("&amp;", "&")
    assert {row["open"] for row in answer.client.get(table["effects_url"].partition("#")[0]).context["contradictions"]["rows"]} == {False}


def test_an_outsider_is_told_of_nothing_that_is_not_theirs(book: None) -> None:
    answer = page("member", "/revenue/?effects=1", "Bo Beck")
    assert answer.context["contradictions"] is None
    assert [figure for figure in answer.context["figures"] if figure.get("doubt")] == []


def test_sources_that_agree_say_nothing(book: None) -> None:
    from laer.web.book.models import Account, ChurnEvent

    Account.objects.update(churn_flag=None)
    ChurnEvent.objects.all().delete()
    found = {row["id"] for row in page("lead", "/revenue/?effects=1").context["contradictions"]["rows"]}
    assert found == {"amounts", "one_day_gaps", "lines_twice"}
