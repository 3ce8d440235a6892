"""Status words that the policy does not know: asked for, remembered, set aside without an answer, tried again with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from laer.cli import app
from laer.web.book import importing
from laer.web.book.models import ImportRun, ImportState, QuarantinedRow, SavedMapping, SubscriptionLine
from laer.web.book.watching import questions_of
from laer.web.people.models import User
from laer.web.runs.jobs import work_once
from tests.web.files import ACCOUNTS, LINES, write
from tests.web.test_import_flow import form_of, lead, own_lake, upload

__all__ = ["lead", "own_lake"]
pytestmark = pytest.mark.django_db(transaction=True)
MORE = LINES + "S4,A1,2024-04-15,,40,Dunning\nS5,A2,2024-04-15,,30,dunning\nS6,A3,2024-04-15,,20,Dormant\n"


def words_of(client: Client, run: ImportRun) -> dict[str, dict[str, object]]:
    page = client.get(f"/data/import/{run.pk}/map/")
    return {w["word"]: w for file in page.context["files"] for w in file["status_words"]}


def finish(client: Client, run: ImportRun, form: dict[str, str]) -> ImportRun:
    assert client.post(f"/data/import/{run.pk}/map/", form).url == f"/data/import/{run.pk}/preview/"
    client.post(f"/data/import/{run.pk}/confirm/")
    while work_once():
        continue
    run.refresh_from_db()
    assert run.state == ImportState.DONE, run.error
    return run


def test_unknown_words_are_asked_for_and_the_answer_is_kept(client: Client, lead: User) -> None:
    run = upload(client, accounts=ACCOUNTS, lines=MORE)
    words = words_of(client, run)
    assert [(w, said["rows"], said["value"]) for w, said in words.items()] == [("dunning", 2, ""), ("dormant", 1, "")]
    form = form_of(client, run) | {str(words["dunning"]["key"]): "past due", str(words["dormant"]["key"]): ""}
    finish(client, run, form)
    assert sorted(SubscriptionLine.objects.filter(status="past due").values_list("mrr_num", flat=True)) == [30, 40]
    kept = QuarantinedRow.objects.get()
    assert (kept.kind, "'dormant'" in kept.reason) == ("unknown status", True)
    again = upload(client, lines=MORE + "S7,A3,2024-05-15,,10,Dunning\n")
    assert {w: said["value"] for w, said in words_of(client, again).items()} == {"dunning": "past due", "dormant": ""}


def test_rows_set_aside_are_asked_for_when_they_are_tried_again(client: Client, lead: User) -> None:
    run = upload(client, accounts=ACCOUNTS, lines=MORE)
    finish(client, run, form_of(client, run))
    assert QuarantinedRow.objects.count() == 3
    answer = client.post("/data/quarantine/retry/")
    retry = ImportRun.objects.latest("id")
    assert (answer.url, retry.kind) == (f"/data/import/{retry.pk}/map/", "retry")
    words = words_of(client, retry)
    finish(client, retry, form_of(client, retry) | {str(words["dunning"]["key"]): "active", str(words["dormant"]["key"]): "unpaid"})
    assert sorted(SubscriptionLine.objects.filter(subscription__name__isnull=True, start_on="2024-04-15").values_list("status", "mrr_num")) == [
        ("active", 30), ("active", 40), ("unpaid", 0),
    ]  # fmt: skip
    assert any((saved.mapping.get("status") or {}).get("dunning") == "active" for saved in SavedMapping.objects.all())


def test_a_file_without_unknown_words_asks_nothing(client: Client, lead: User) -> None:
    assert words_of(client, upload(client, accounts=ACCOUNTS, lines=LINES)) == {}


def test_a_watched_file_with_an_unknown_word_waits(tmp_path: Path) -> None:
    run = importing.begin_import(write(tmp_path, lines=MORE), source="crm")
    assert any("nobody has said what the status 'dunning', 'dormant' means" in said for said in questions_of(run))


def test_the_command_says_unknown_words_and_takes_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laer.cli.importing.open_book", lambda: None)
    monkeypatch.setattr("laer.cli.importing.compute", lambda: None)
    files = [str(path) for _, path in write(tmp_path, accounts=ACCOUNTS, lines=MORE)]
    done = CliRunner().invoke(app, ["import", *files, "--status", "Dunning=past due"])
    assert done.exit_code == 0, done.output
    assert "status 'dormant' is not known: 1 row set aside" in done.output
    assert "dunning" not in done.output
    assert SubscriptionLine.objects.filter(status="past due").count() == 2
    wrong = CliRunner().invoke(app, ["import", *files, "--status", "dormant=sleeping"])
    assert wrong.exit_code == 2
    assert "one of active, " in wrong.output
