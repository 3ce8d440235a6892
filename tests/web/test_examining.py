"""Examinations: the worker goes through the book, pages read what it kept, and say so when the book has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from laer.web.book import exclusions
from laer.web.book.models import Assignment
from laer.web.people.models import User
from laer.web.runs import doctor, examining, jobs, passes
from laer.web.runs.inventory import records
from laer.web.runs.models import Examination, Job
from laer.web.runs.readiness import features
from tests.cast import Cast
from tests.web.files import ACCOUNTS, LINES, TICKETS, USAGE, take_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
MESS = LINES + "S4,A1,never,,90,active\nS5,A9,2024-06-01,,90,active\n"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def lead(client: Client) -> User:
    user = User.objects.create_user("lead@example.com", role="lead")
    client.force_login(user)
    return user


def work() -> list[str]:
    """Do what waits; which kinds that was."""
    done = []
    while (job := Job.objects.filter(state="ready").order_by("-priority", "run_at").first()) is not None:
        Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
        done.append(job.kind)
        assert jobs.work_once(jobs.Worker(beside=job.kind in jobs.BESIDE))
    return done


def test_what_is_kept_says_the_same_as_looking_now(lead: User, tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=MESS, tickets=TICKETS, usage=USAGE)
    take_in(tmp_path, source="crm2", accounts="account_id,account_name\nB1,Alone\n")
    passes.start_pass()
    examining.examine()
    examined = examining.last(lead)
    assert examined
    assert examined.current
    assert len(examined.findings) > 5
    for language in ("en", "de"):
        with translation.override(language):
            assert [f.as_dict() for f in examined.findings] == [f.as_dict() for f in doctor.findings()]
    assert (examined.features, examined.records) == (features(), records())


def test_each_finding_of_the_cast_can_be_said_again(cast: Cast) -> None:
    for found in doctor.findings():
        assert doctor.told(found.check, found.count, found.said).as_dict() == found.as_dict()
    examining.examine(cast.users["csm"])
    examined = examining.last(cast.users["csm"])
    assert examined
    assert examined.features == features(cast.users["csm"])


@pytest.mark.parametrize("page", ["/data/doctor/", "/data/readiness/", "/data/", "/revenue/close/"])
def test_no_page_counts_in_the_request(client: Client, lead: User, tmp_path: Path, page: str) -> None:
    """Neither when it is current, nor when the book has changed, nor before the first look: nothing of what the checks read is asked for."""
    take_in(tmp_path, accounts=ACCOUNTS, lines=MESS, tickets=TICKETS)
    passes.start_pass()
    client.get(page)
    asked = {}
    for when in ("before", "current", "changed"):
        if when == "current":
            examining.examine()
        if when == "changed":
            take_in(tmp_path, source="other", accounts="account_id,account_name\nB1,Alone\n")
            passes.run_waiting_pass()
            client.get(page)  # the ledger of the new run
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page).status_code == 200
        asked[when] = [q["sql"] for q in queries]
    for when, statements in asked.items():
        for table in ("book_subscriptionline", "book_contract", "book_ticket", "book_contact", "record_"):
            assert not [sql for sql in statements if table in sql], (when, table)
    assert max(len(statements) for statements in asked.values()) - len(asked["current"]) <= 3


def test_a_page_says_that_the_book_has_changed_since(client: Client, lead: User, tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES)
    first = client.get("/data/doctor/")
    assert (first.context["examined"]["at"], first.context["figures"], b"Nothing found" in first.content) == (None, None, False)
    assert b"hx-post" in first.content
    assert client.post("/data/doctor/look/", headers={"HX-Request": "true"}).status_code == 204
    assert client.get("/data/doctor/?asked=1").context["examined"]["waits"] is True
    assert work() == ["examine"]
    page = client.get("/data/doctor/?asked=1")
    assert (page.context["examined"], {f["check"] for f in page.context["findings"]} >= {"missing_owner"}) == (None, True)
    take_in(tmp_path, tickets="ticket_id,account_id,subject,submitted_at,closed_at\nT9,A1,Odd,2024-05-03 10:00,2024-05-01 10:00\n")
    page = client.get("/data/doctor/")
    assert page.context["examined"]["at"]
    assert b"The book has changed since this was found" in page.content
    assert "ticket_closed_before_opened" not in {f["check"] for f in page.context["findings"]}
    assert client.post("/data/doctor/look/", {"button": "1", "page": "readiness"}).url == "/data/readiness/?asked=1"  # type: ignore[attr-defined]
    work()
    assert "ticket_closed_before_opened" in {f["check"] for f in client.get("/data/doctor/").context["findings"]}
    assert client.get("/data/readiness/").context["examined"] is None


def test_what_was_excluded_does_not_stand_as_if_it_were_found_now(client: Client, tmp_path: Path) -> None:
    finance = User.objects.create_user("finance@example.com", role="finance")
    client.force_login(finance)
    take_in(tmp_path, accounts=ACCOUNTS, lines=LINES + "S9,A1,2024-02-01,,100,active\nS10,A1,2024-02-01,,100,active\n")
    passes.start_pass()
    examining.examine()
    rows = client.get("/data/doctor/lines_twice/")
    assert rows.context["finding"]["count"] == len(rows.context["rows"]) > 0
    client.post("/data/doctor/lines_twice/exclude/", {"row": rows.context["rows"][0]["object_id"], "reason": "a copy"})
    page = client.get("/data/doctor/")
    assert page.context["examined"]["at"]
    assert "lines_twice" in {f["check"] for f in page.context["findings"]}  # of before, which the page says
    after = client.get("/data/doctor/lines_twice/").context
    assert (after["rows"], after["finding"]["count"]) == ([], 0)  # the rows are those of now
    check = next(c for c in client.get("/revenue/close/").context["checks"] if c["key"] == "doctor")
    assert "the book has changed since" in check["text"]
    assert work()[0] == "examine"  # asked for by the excluding
    page = client.get("/data/doctor/")
    assert (page.context["examined"], "lines_twice" in {f["check"] for f in page.context["findings"]}) == (None, False)
    exclusions.take_back(finance, list(exclusions.active().values_list("pk", flat=True)))
    assert client.get("/data/doctor/").context["examined"]["at"]


def test_the_worker_looks_where_the_book_changed_and_rests_in_between(tmp_path: Path) -> None:
    examining.ask_if_changed()
    examining.ask_if_changed()
    assert work() == ["examine"]
    examining.ask_if_changed()
    assert not Job.objects.filter(state="ready").exists()
    Examination.objects.update(seconds=6)
    take_in(tmp_path, accounts=ACCOUNTS)
    examining.ask_if_changed()
    rest = (Job.objects.get(state="ready").run_at - timezone.now()).total_seconds()
    assert 40 < rest <= 60
    examining.ask()  # somebody waits for it
    assert Job.objects.get(state="ready").run_at <= timezone.now()


def test_whose_scope_changed_is_shown_nothing_of_before(cast: Cast) -> None:
    csm = cast.users["csm"]
    examining.examine(csm)
    assert cast.client("csm").get("/data/readiness/").context["features"]
    Assignment.objects.filter(person=cast.people["csm"], account=cast.landing).delete()
    assert examining.last(csm) is None
    page = cast.client("csm").get("/data/readiness/")
    assert (page.context["features"], page.context["figures"]) == ([], None)


def test_an_examination_of_another_version_is_not_shown(lead: User) -> None:
    examining.examine()
    Examination.objects.update(form="0.0.1/1")
    assert examining.last(lead) is None


def test_rows_set_aside_are_for_who_imports_even_where_everybody_reads_all(tmp_path: Path, settings: object) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, lines=MESS)
    examining.examine()
    settings.READ_SCOPE = "all"  # type: ignore[attr-defined]
    viewer = User.objects.create_user("viewer@example.com", role="viewer")
    viewer = User.objects.get(pk=viewer.pk)
    examined = examining.last(viewer)
    assert examined
    assert [f.as_dict() for f in examined.findings] == [f.as_dict() for f in doctor.findings(viewer)]
    assert not [f for f in examined.findings if f.record in ("quarantine", "sources")]


def test_nobody_waits_behind_an_examination() -> None:
    examining.ask()
    assert not jobs.work_once()
    assert jobs.work_once(jobs.Worker(beside=True))
    jobs.enqueue("pass")
    assert not jobs.work_once(jobs.Worker(beside=True))
    assert jobs.work_once()
