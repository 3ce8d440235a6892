"""Watched folders: what is taken in by itself, what is waited for, and what is left to a person."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from laer.web import home
from laer.web.book import importing, mappings
from laer.web.book.models import Account, ImportRun, QuarantinedRow, SubscriptionLine, WatchedFile, WatchedFolder
from laer.web.book.watching import NotAllowed, Seen, add_folder, due_folders, look, remove_folder, said
from laer.web.runs.jobs import Worker, ask_for_looks, work_once
from laer.web.runs.models import Job
from tests.cast import Cast
from tests.web.files import ACCOUNTS, LINES

pytestmark = pytest.mark.django_db
AMBIGUOUS = "account_id,account_name,signup_date\nA1,Bluefin,01/02/2024\nA2,Kestrel,03/04/2024\n"
UNKNOWN = "colour,shape\nred,round\nblue,square\n"


@pytest.fixture(autouse=True)
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "inbox" / "crm"
    folder.mkdir(parents=True)
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("LAER_WATCH_ROOTS", str(tmp_path / "inbox"))
    return folder  # type: ignore[return-value]


@pytest.fixture
def folder(inbox: Path) -> WatchedFolder:
    return add_folder(inbox, "crm")


def drop(inbox: Path, name: str, text: str, age: float = 60.0) -> Path:
    path = inbox / name
    path.write_text(text, encoding="utf-8")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def counts(seen: Seen) -> dict[str, int]:
    return {n: getattr(seen, n) for n in ("imported", "unchanged", "growing", "asked", "failed") if getattr(seen, n)}


# -- what is taken in ---------------------------------------------------------------------------------------------------


def test_a_new_file_is_imported_and_the_same_bytes_are_not_again(inbox: Path, folder: WatchedFolder) -> None:
    path = drop(inbox, "accounts.csv", ACCOUNTS)
    assert counts(look(folder.pk)) == {"imported": 1}
    assert Account.objects.count() == 3
    assert counts(look(folder.pk)) == {"unchanged": 1}
    path.touch()  # written again, with the same bytes
    assert counts(look(folder.pk)) == {"growing": 1}
    os.utime(path, (time.time() - 60, time.time() - 60))
    look(folder.pk)
    assert counts(look(folder.pk)) == {"unchanged": 1}
    run = ImportRun.objects.get()
    assert (run.kind, run.source, run.state) == ("watch", "crm", "done")


def test_a_changed_file_is_imported_once_it_stands_still(inbox: Path, folder: WatchedFolder) -> None:
    drop(inbox, "accounts.csv", ACCOUNTS)
    look(folder.pk)
    drop(inbox, "accounts.csv", ACCOUNTS.replace("FinTech", "Banking and more"), age=50)
    assert counts(look(folder.pk)) == {"growing": 1}  # its size has changed since the last look
    assert counts(look(folder.pk)) == {"imported": 1}
    assert Account.objects.get(name="Kestrel").industry == "Banking and more"
    assert Account.objects.count() == 3


def test_a_file_that_was_just_written_is_waited_for_and_looked_at_soon(inbox: Path, folder: WatchedFolder) -> None:
    path = drop(inbox, "accounts.csv", ACCOUNTS, age=5)
    assert counts(look(folder.pk)) == {"growing": 1}
    assert not ImportRun.objects.exists()
    folder.refresh_from_db()
    assert folder.next_look_at is not None
    assert folder.next_look_at < timezone.now() + timedelta(seconds=90)
    os.utime(path, (time.time() - 40, time.time() - 40))
    look(folder.pk)
    assert counts(look(folder.pk)) in ({"imported": 1}, {"unchanged": 1})
    folder.refresh_from_db()
    assert folder.next_look_at > timezone.now() + timedelta(minutes=50)  # type: ignore[operator]


def test_files_that_refer_to_others_come_after_them(inbox: Path, folder: WatchedFolder) -> None:
    drop(inbox, "a-lines.csv", LINES)
    drop(inbox, "z-accounts.csv", ACCOUNTS)
    drop(inbox, ".hidden.csv", ACCOUNTS)
    drop(inbox, "notes.docx", "nothing")
    assert counts(look(folder.pk)) == {"imported": 2}
    assert (SubscriptionLine.objects.count(), QuarantinedRow.objects.count()) == (3, 0)


def test_an_import_that_was_interrupted_goes_on(inbox: Path, folder: WatchedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(inbox, "accounts.csv", ACCOUNTS)

    def dies(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(importing, "finish", dies)
        with pytest.raises(KeyboardInterrupt):
            look(folder.pk)
    assert WatchedFile.objects.get().state == "importing"
    assert counts(look(folder.pk)) == {"imported": 1}
    assert ImportRun.objects.get().state == "done"
    assert Account.objects.count() == 3


# -- what is left to a person -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "why"), [(AMBIGUOUS, "day and month cannot be told apart"), (UNKNOWN, "not recognised")], ids=["dates", "record"])
def test_a_file_with_a_question_is_not_imported_but_waits(inbox: Path, folder: WatchedFolder, text: str, why: str) -> None:
    drop(inbox, "odd.csv", text)
    seen = look(folder.pk)
    assert counts(seen) == {"asked": 1}
    assert why in seen.questions[0]
    assert not Account.objects.exists()
    run = ImportRun.objects.get()
    assert (run.state, why in run.error) == ("uploaded", True)
    assert counts(look(folder.pk)) == {"asked": 1}
    assert ImportRun.objects.count() == 1


def test_what_a_person_answered_is_remembered_for_the_next_file(inbox: Path, folder: WatchedFolder) -> None:
    drop(inbox, "odd.csv", AMBIGUOUS)
    look(folder.pk)
    run = ImportRun.objects.get()
    file = run.files.get()
    importing.set_mapping(file, mappings.from_json(file.mapping | {"date_order": "dmy", "undecided": ()}))
    importing.run_import(run)
    assert counts(look(folder.pk)) == {"unchanged": 1}
    assert str(Account.objects.get(name="Kestrel").signed_up_on) == "2024-04-03"
    drop(inbox, "next.csv", AMBIGUOUS.replace("03/04/2024", "05/06/2024"))
    assert counts(look(folder.pk)) == {"imported": 1, "unchanged": 1}
    assert str(Account.objects.get(name="Kestrel").signed_up_on) == "2024-06-05"


def test_a_newer_file_replaces_the_one_that_waits(inbox: Path, folder: WatchedFolder) -> None:
    drop(inbox, "odd.csv", AMBIGUOUS)
    look(folder.pk)
    drop(inbox, "odd.csv", ACCOUNTS)
    look(folder.pk)
    assert counts(look(folder.pk)) == {"imported": 1}
    assert [r.state for r in ImportRun.objects.all()] == ["done"]


def test_what_a_person_discarded_is_not_asked_again(inbox: Path, folder: WatchedFolder) -> None:
    drop(inbox, "odd.csv", UNKNOWN)
    look(folder.pk)
    importing.discard_import(ImportRun.objects.get())
    assert counts(look(folder.pk)) == {"unchanged": 1}
    assert WatchedFile.objects.get().state == "left"


def test_a_file_that_cannot_be_read_is_said_once_and_stops_no_other(inbox: Path, folder: WatchedFolder) -> None:
    drop(inbox, "a.csv", "")
    drop(inbox, "accounts.csv", ACCOUNTS)
    assert counts(look(folder.pk)) == {"imported": 1, "failed": 1}
    assert WatchedFile.objects.get(name="a.csv").reason
    assert counts(look(folder.pk)) == {"unchanged": 1, "failed": 1}


# -- where it may look --------------------------------------------------------------------------------------------------


def test_only_folders_below_the_roots_may_be_watched(tmp_path: Path, inbox: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (inbox / "way-out").symlink_to(elsewhere)
    for path in (elsewhere, inbox / ".." / ".." / "elsewhere", inbox / "way-out", home.home(), home.uploads(), "/etc", "", "a\0b", inbox / "nothing"):
        with pytest.raises(NotAllowed):
            add_folder(path, "crm")
    for source, every in (("", 60), ("x" * 81, 60), ("crm", 0), ("crm", 100_000)):
        with pytest.raises(NotAllowed):
            add_folder(inbox, source, every)
    add_folder("crm", "crm")  # from the first root
    with pytest.raises(NotAllowed, match="already"):
        add_folder(inbox, "crm")
    add_folder(inbox, "billing")


def test_the_installation_itself_is_never_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_WATCH_ROOTS", "/")
    for path in (home.home(), home.uploads(), home.lake()):
        if path.is_relative_to(home.home()):
            with pytest.raises(NotAllowed):
                add_folder(path, "crm")
    monkeypatch.delenv("LAER_WATCH_ROOTS")
    assert add_folder(home.home() / "inbox", "crm").path.endswith("inbox")  # the default


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, inbox: Path, folder: WatchedFolder) -> None:
    secret = drop(tmp_path, "secret.csv", ACCOUNTS)
    (inbox / "accounts.csv").symlink_to(secret)
    assert counts(look(folder.pk)) == {}


def test_a_folder_that_went_away_or_is_no_longer_allowed_says_so(tmp_path: Path, inbox: Path, folder: WatchedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(inbox, "accounts.csv", ACCOUNTS)
    monkeypatch.setenv("LAER_WATCH_ROOTS", str(tmp_path / "other"))
    assert "not below a folder" in look(folder.pk).error
    assert not ImportRun.objects.exists()
    monkeypatch.setenv("LAER_WATCH_ROOTS", str(tmp_path / "inbox"))
    inbox.rename(tmp_path / "inbox" / "gone")
    assert "is not a folder" in said(look(folder.pk))


# -- when it looks ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_worker_looks_when_a_folder_is_due_and_one_job_at_a_time(inbox: Path) -> None:
    folder = add_folder(inbox, "crm", every_minutes=5)
    drop(inbox, "accounts.csv", ACCOUNTS)
    assert due_folders() == [folder.pk]
    ask_for_looks()
    ask_for_looks()
    assert Job.objects.filter(kind="watch").count() == 1
    while work_once(Worker()):
        pass
    assert Account.objects.count() == 3
    assert Job.objects.get(kind="watch").state == "done"
    assert due_folders() == []
    folder.refresh_from_db()
    assert folder.last_result["imported"] == 1
    assert timedelta(minutes=4) < folder.next_look_at - timezone.now() <= timedelta(minutes=5)  # type: ignore[operator]
    WatchedFolder.objects.update(next_look_at=timezone.now(), enabled=False)
    assert due_folders() == []


def test_a_folder_that_is_removed_leaves_what_it_brought(inbox: Path, folder: WatchedFolder) -> None:
    drop(inbox, "accounts.csv", ACCOUNTS)
    look(folder.pk)
    assert remove_folder(folder.pk)
    assert not remove_folder(folder.pk)
    assert Account.objects.count() == 3


# -- the page -----------------------------------------------------------------------------------------------------------


def test_an_admin_adds_pauses_and_removes_a_folder(cast: Cast, inbox: Path) -> None:
    client = cast.client("admin")
    assert b"No folder is watched" in client.get("/data/folders/").content
    assert client.post("/data/folders/", {"path": str(inbox), "source": "crm", "every": "30"}).status_code == 302
    (shown,) = client.get("/data/folders/").context["folders"]
    assert (shown["path"], shown["source"], shown["every"], shown["enabled"]) == (str(inbox), "crm", "every 30 minutes", True)
    client.post(shown["switch_url"])
    assert not WatchedFolder.objects.get().enabled
    client.post(shown["switch_url"])
    client.post(shown["look_url"])
    assert Job.objects.get(kind="watch").arguments == {"folder_id": shown["folder_id"]}
    client.post(shown["remove_url"])
    assert not WatchedFolder.objects.exists()


@pytest.mark.parametrize("path", ["/etc", "/", "../../..", "", "nothing-here", "a\0b"])
def test_the_page_refuses_folders_elsewhere(cast: Cast, inbox: Path, path: str) -> None:
    answer = cast.client("admin").post("/data/folders/", {"path": path, "source": "crm", "every": "60"})
    assert answer.status_code == 422
    assert answer.context["error"]
    assert not WatchedFolder.objects.exists()


@pytest.mark.parametrize("part", ["lead", "csm", "viewer"])
def test_folders_are_there_for_admins_only(cast: Cast, folder: WatchedFolder, part: str) -> None:
    client = cast.client(part)
    assert client.get("/data/folders/").status_code == 404
    for path in ("/data/folders/", f"/data/folders/{folder.pk}/look/", f"/data/folders/{folder.pk}/switch/", f"/data/folders/{folder.pk}/remove/"):
        assert client.post(path, {"path": folder.path, "source": "x", "every": "60"}).status_code == 404
    assert WatchedFolder.objects.count() == 1


def test_what_waits_is_said_on_both_pages(cast: Cast, inbox: Path, folder: WatchedFolder) -> None:
    drop(inbox, "odd.csv", AMBIGUOUS)
    look(folder.pk)
    (shown,) = cast.client("admin").get("/data/folders/").context["folders"]
    assert (shown["files"][0]["name"], shown["files"][0]["asked"], shown["tone"]) == ("odd.csv", True, "warn")
    assert "/map/" in shown["files"][0]["url"]
    (row,) = cast.client("lead").get("/data/").context["imports"]
    assert (row["state"], row["who"], "day and month" in row["message"]) == ("waiting", "A watched folder", True)
