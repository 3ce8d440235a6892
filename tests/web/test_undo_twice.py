"""`laer undo` of an import that is undone already says so, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from laer.web.book.importing import begin_import, run_import
from laer.web.book.models import ImportRun, SubscriptionLine
from laer.web.people.models import AuditEvent
from laer.web.runs.models import PassRun
from tests.cli.commands import run as laer
from tests.web.sheets import listed

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_second_undo_says_that_it_is_undone_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    path = listed(tmp_path / "list.csv", [["Alder", 1200]], ["Customer", "ARR"])
    run = run_import(begin_import([(path.name, path)], source="sheet"))
    first = laer("undo", str(run.pk))
    assert "rows taken out: " in first.stdout
    before = (AuditEvent.objects.count(), PassRun.objects.count(), ImportRun.objects.get().undone_at)
    again = laer("undo", str(run.pk))
    assert again.exit_code == 0
    assert again.stdout.startswith(f"import {run.pk} was undone already on ")
    assert "nothing was changed" in again.stdout
    assert (AuditEvent.objects.count(), PassRun.objects.count(), ImportRun.objects.get().undone_at) == before
    assert not SubscriptionLine.objects.filter(archived_at=None).exists()
