"""The demo firm: made in an empty book, left with one button, killed anywhere and done again, and never at the cost of a real book."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from laer.sources.tabular.files import UnreadableFile
from laer.web import home
from laer.web.book import importing
from laer.web.book.models import Account, FieldChange, ImportRun, SubscriptionLine
from laer.web.people import company, invitations
from laer.web.people.models import Act, AuditEvent, Demo, Invitation, Person, User
from laer.web.people.roles import Refused
from laer.web.runs import closing, demo, jobs
from laer.web.runs.models import AccountCard, Job, JobState, PassRun
from laer.web.runs.reported import closings
from laer.web.work.notes import add_note
from tests.cast import BACKEND, Cast, add_account
from tests.standing import stands
from tests.web.files import take_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

SMALL = {"as_of": "2026-11-01", "accounts": 20}


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_HOME", str(tmp_path / "home"))


@pytest.fixture
def admin(own_home: None) -> User:
    return set_up()


def set_up() -> User:
    """The admin of an installation that has only just been set up."""
    user = User.objects.create_user("ada@firm.example", None, role="admin")
    Person.objects.create(name="Ada Novak", email=user.email, user=user, created_at=timezone.now())
    company.save(user, {"name": "Northmoor", "currency": "EUR", "time_zone": "Europe/Berlin", "locale": "en_US", "fiscal_year_start": "4"})
    return user


@pytest.fixture
@stands
def shown(own_home: None) -> User:
    admin = set_up()
    demo.ask_to_make(admin)
    Job.objects.all().delete()
    assert demo.make(**SMALL)
    return admin


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    return browser


def rows() -> dict[str, int]:
    """Rows of book, work and runs, table by table; without those that stay."""
    with connection.cursor() as cursor:
        return {table: _count(cursor, table) for table in demo._tables()}


def _count(cursor: Any, table: str) -> int:
    cursor.execute(f'SELECT count(*) FROM "{table}"')
    return int(cursor.fetchone()[0])


def test_it_is_made_in_the_currency_of_the_book(shown: User) -> None:
    assert company.refresh().demo == Demo.SHOWN
    assert Account.objects.count() == 20
    assert set(SubscriptionLine.objects.values_list("currency", flat=True)) == {"EUR"}
    assert AccountCard.objects.count() == 20
    page = browser_of(shown).get("/accounts/").content.decode()
    assert "This is a made-up firm" in page
    assert "Leave the demo" in page
    assert "To get going" not in page


def test_others_see_the_banner_and_no_way_out(shown: User) -> None:
    member = User.objects.create_user("max@firm.example", None, role="member")
    page = browser_of(member).get("/accounts/").content.decode()
    assert "This is a made-up firm" in page
    assert "Leave the demo" not in page


def test_leaving_empties_book_and_lake_and_keeps_people_and_settings(shown: User) -> None:
    colleague = User.objects.create_user("max@firm.example", None, role="member")
    invitations.invite(shown, "nora@firm.example", "viewer", name="Nora Holt")
    assert any(home.lake().iterdir())
    last = PassRun.objects.latest("pk").pk
    demo.ask_to_leave(shown)
    assert demo.leave(by=shown.pk)
    assert {table: n for table, n in rows().items() if n} == {}
    assert list(home.lake().iterdir()) == []
    assert list(home.uploads().iterdir()) == []
    assert set(User.objects.values_list("email", flat=True)) == {shown.email, colleague.email}
    assert set(Person.objects.values_list("name", flat=True)) == {"Ada Novak", "Nora Holt"}, "owners that the demo named are gone"
    assert Invitation.objects.count() == 1
    firm = company.refresh()
    assert (firm.demo, firm.name, firm.currency, firm.confirmed) == (Demo.NONE, "Northmoor", "EUR", True)
    assert list(AuditEvent.objects.filter(act__in=[Act.DEMO_MADE, Act.DEMO_LEFT]).order_by("pk").values_list("act", "user")) == [
        (Act.DEMO_MADE, shown.pk), (Act.DEMO_LEFT, shown.pk),
    ]  # fmt: skip
    assert demo.is_empty()
    assert PassRun.objects.create(as_of="2026-11-01", kind="full", started_at=timezone.now()).pk > last, "no run is taken for one of the demo"


def test_the_buttons_make_and_leave_it(admin: User) -> None:
    browser = browser_of(admin)
    assert browser.post("/start/next/").headers["Location"] == "/start/demo/"
    job = Job.objects.get(kind="demo")
    Job.objects.filter(pk=job.pk).update(arguments=SMALL)
    page = browser.get("/accounts/", follow=True)
    assert page.redirect_chain[-1][0] == "/start/demo/"
    assert b"Making the demo firm" in page.content
    assert jobs.work_once()
    assert browser.get("/start/demo/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/accounts/"
    page = browser.get("/start/demo/leave/").content.decode()
    assert "Goes" in page
    assert "the settings of the company" in page
    assert "work of your own" not in page
    assert browser.post("/start/demo/leave/").headers["Location"] == "/start/demo/"
    assert b"Leaving the demo" in browser.get("/start/demo/").content
    Job.objects.filter(kind="pass").delete()
    while jobs.work_once():
        pass
    assert demo.is_empty()
    assert b"Start with my file" in browser.get("/start/next/").content


def test_a_real_book_is_never_left(cast: Cast) -> None:
    admin = cast.users["admin"]
    with pytest.raises(Refused, match="not a demo firm"):
        demo.ask_to_leave(admin, all_of_it=True)
    assert not demo.leave()
    with pytest.raises(Refused, match="empty book"):
        demo.ask_to_make(admin)
    assert demo.make(**SMALL) is None
    with pytest.raises(Refused, match="not a demo firm"):
        demo._clear()
    assert cast.client("admin").post("/start/demo/leave/", {"all_of_it": "on"}).headers["Location"] == "/"
    assert Account.objects.count() == 7
    assert not Job.objects.exists()


def test_an_upload_that_waits_is_a_real_book_too(admin: User, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("account_id,account_name\nK-1,Kestrel\n")
    importing.begin_import([("a.csv", file)], source="crm", user=admin)
    with pytest.raises(Refused, match="empty book"):
        demo.ask_to_make(admin)


def test_own_work_goes_only_when_somebody_says_so(shown: User, tmp_path: Path) -> None:
    take_in(tmp_path / "files", user=shown, accounts="account_id,account_name\nK-1,Kestrel Quarries\n")
    add_account("By hand")
    account = Account.objects.filter(created_run__kind="demo")[0]
    FieldChange.objects.create(record="accounts", object_id=account.pk, account_id=account.pk, field="region", new="x", effective_at=timezone.now(), recorded_at=timezone.now(), source="person", user=shown)
    add_note(shown, account.pk, "A word")
    browser = browser_of(shown)
    page = browser.get("/start/demo/leave/").content.decode()
    assert "There is work of your own" in page
    assert "1 import:" in page
    assert "accounts.csv" in page
    assert "1 account added by hand" in page
    assert "1 task, touch or note" in page
    refused = browser.post("/start/demo/leave/")
    assert refused.status_code == 422
    assert b"Say that it goes too" in refused.content
    assert company.refresh().demo == Demo.SHOWN
    assert browser.post("/start/demo/leave/", {"all_of_it": "on"}).status_code == 302
    assert demo.leave()
    assert demo.is_empty()


def test_a_month_that_was_closed_goes_only_when_somebody_says_so(shown: User) -> None:
    first = closing.outlook().first
    assert first is not None
    closing.close_months(None, first)  # by the command: nobody's change in the log
    browser = browser_of(shown)
    assert "1 month that was closed, with its figures as they were reported" in browser.get("/start/demo/leave/").content.decode()
    assert browser.post("/start/demo/leave/").status_code == 422
    assert demo.own_rows() == demo.OwnRows(imports=[], accounts=0, changes=0, months=1, work=0)
    assert browser.post("/start/demo/leave/", {"all_of_it": "on"}).status_code == 302
    assert demo.leave()
    assert closings() == []


def test_nothing_is_taken_in_while_it_is_made_or_left(admin: User, tmp_path: Path) -> None:
    demo.ask_to_make(admin)
    file = tmp_path / "a.csv"
    file.write_text("account_id,account_name\nK-1,Kestrel\n")
    with pytest.raises(UnreadableFile, match="being made or left"):
        importing.begin_import([("a.csv", file)], source="crm", user=admin)
    assert not ImportRun.objects.exists()


def test_one_that_failed_for_good_is_tried_again_or_given_up(admin: User) -> None:
    demo.ask_to_make(admin)
    Job.objects.update(state=JobState.FAILED, finished_at=timezone.now())
    browser = browser_of(admin)
    assert b"It stopped before its end" in browser.get("/start/demo/").content
    browser.post("/start/demo/again/")
    assert Job.objects.filter(kind="demo", state=JobState.READY).count() == 1
    Job.objects.filter(state=JobState.READY).update(state=JobState.RUNNING, lease_until=timezone.now() + timedelta(minutes=1))
    assert b"Wait until it is there" in browser.post("/start/demo/leave/").content, "a firm that is being made is not taken out under its maker"
    Job.objects.filter(state=JobState.RUNNING).update(state=JobState.READY, lease_until=None)
    assert browser.post("/start/demo/leave/").status_code == 302
    assert list(Job.objects.filter(state=JobState.READY).values_list("kind", flat=True)) == ["leave_demo"]
    assert jobs.work_once()
    assert company.refresh().demo == Demo.NONE
