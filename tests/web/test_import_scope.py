"""Who sees what of Data: imports and quarantine are for who may import, findings are of the accounts that one may see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from laer.web.book.models import Account, Assignment, ImportRun, QuarantinedRow
from laer.web.people.models import Person, User
from laer.web.runs import doctor, examining
from tests.web.files import ACCOUNTS, LINES, TICKETS, USAGE, take_in

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = (
    "/data/import/",
    "/data/import/{run}/",
    "/data/import/{run}/map/",
    "/data/import/{run}/preview/",
    "/data/import/{run}/mapping.yaml",
    "/data/quarantine/",
    "/data/quarantine/download.csv",
)
WRITES = (
    "/data/import/", "/data/import/{run}/map/", "/data/import/{run}/mapping/", "/data/import/{run}/confirm/", "/data/import/{run}/discard/", "/data/import/{run}/undo/",
    "/data/import/{run}/redo/", "/data/import/{run}/resume/", "/data/quarantine/correct/", "/data/quarantine/retry/", "/data/quarantine/dismiss/",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


@pytest.fixture
def run(tmp_path: Path) -> ImportRun:
    odd = TICKETS + "T3,A1,Odd,2024-05-03 10:00,2024-05-01 10:00,low\nT4,A2,Odd,2024-05-03 10:00,2024-05-01 10:00,low\n"
    return take_in(tmp_path, accounts=ACCOUNTS, lines=LINES + "S4,A1,never,,90,active\n", tickets=odd, usage=USAGE + "U9,S1,2023-02-01,reports,3\n")


def login(role: str, *owns: str) -> User:
    """A person with a login who is the CSM of some accounts."""
    user = User.objects.create_user(f"{role}@example.com", role=role)
    person = Person.objects.create(name=role.title(), user=user, created_at=timezone.now())
    for name in owns:
        Assignment.objects.create(account=Account.objects.get(name=name), person=person, job="csm", created_at=timezone.now())
    return user


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_who_may_not_import_finds_no_imports_and_no_quarantine(client: Client, run: ImportRun, role: str, settings: Settings) -> None:
    client.force_login(login(role, "Bluefin"))
    for open_book in ("own", "all"):  # a row that was set aside names no account: an open book does not open it
        settings.READ_SCOPE = open_book
        assert client.get("/data/").url == "/data/doctor/"  # type: ignore[attr-defined]
        for page in PAGES:
            assert client.get(page.format(run=run.pk)).status_code == 404, page
        for page in WRITES:
            data = {"files": SimpleUploadedFile("a.csv", ACCOUNTS.encode()), "file": SimpleUploadedFile("a.csv", b"x")}
            assert client.post(page.format(run=run.pk), data).status_code == 404, page
    run.refresh_from_db()
    assert (run.state, ImportRun.objects.exclude(kind="edit").count(), QuarantinedRow.objects.filter(dismissed_at=None).count()) == ("done", 1, 1)


@pytest.mark.parametrize("role", ["admin", "lead", "finance"])
def test_who_may_import_sees_all_of_it(client: Client, run: ImportRun, role: str) -> None:
    client.force_login(login(role))
    assert len(client.get("/data/").context["imports"]) == 1
    assert client.get("/data/quarantine/").context["total"] == 1
    assert {t["title"] for t in client.get("/data/doctor/").context["data_tabs"]} >= {"Imports", "Quarantine", "Doctor"}


def test_findings_are_of_the_accounts_that_one_may_see(client: Client, run: ImportRun) -> None:
    everything = {f.check: f.count for f in doctor.findings()}
    member = login("member", "Bluefin")
    mine = {f.check: f.count for f in doctor.findings(member)}
    assert (everything["ticket_closed_before_opened"], mine["ticket_closed_before_opened"]) == (2, 1)
    assert (everything["usage_outside_life"], mine["usage_outside_life"]) == (2, 1)
    assert (everything["rejected_unreadable_date"], mine.get("rejected_unreadable_date")) == (1, None)
    for check in mine:
        assert {row["account"] for row in doctor.rows_behind(check, member)} == {"Bluefin"}, check
    client.force_login(member)
    examining.examine(member)
    page = client.get("/data/doctor/")
    assert {f["check"]: f["count"] for f in page.context["findings"]} == mine
    assert [t["title"] for t in page.context["data_tabs"]] == ["Doctor", "Readiness", "Metrics", "Likelihood"]
    assert b"Kestrel" not in client.get("/data/doctor/ticket_closed_before_opened/").content
    assert client.get("/data/doctor/rejected_unreadable_date/").status_code == 404


def test_an_outsider_finds_nothing(client: Client, run: ImportRun) -> None:
    outsider = login("viewer")
    assert doctor.findings(outsider) == []
    for check in ("ticket_closed_before_opened", "usage_outside_life", "missing_owner", "contradictory_labels"):
        assert doctor.rows_behind(check, outsider) == []
    client.force_login(outsider)
    assert client.get("/data/doctor/").context["findings"] == []


def test_what_was_found_for_one_person_is_not_shown_to_another(client: Client, run: ImportRun) -> None:
    lead, member = login("lead"), login("member", "Bluefin")
    examining.examine()
    assert examining.last(member) is None
    examining.examine(member)
    for user in (lead, member):
        examined = examining.last(user)
        assert examined
        assert examined.findings == doctor.findings(user)


def test_nobody_sees_data_without_a_login(client: Client, run: ImportRun) -> None:
    login("admin")  # until there is a login, every page leads to the first run
    for page in ("/data/", "/data/doctor/", *PAGES):
        assert client.get(page.format(run=run.pk)).url.startswith("/login/")  # type: ignore[attr-defined]


def test_a_person_who_lost_the_role_loses_the_pages(client: Client, run: ImportRun) -> None:
    user = login("lead")
    client.force_login(user)
    assert client.get("/data/quarantine/").status_code == 200
    User.objects.filter(pk=user.pk).update(role="viewer")
    assert client.get("/data/quarantine/").status_code == 404
