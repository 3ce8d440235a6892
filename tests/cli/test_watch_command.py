"""`laer watch`: add, list, run, remove, as typed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cli.commands import laer, run
from tests.web.files import ACCOUNTS


def dropped(inbox: Path) -> Path:
    inbox.mkdir(parents=True)
    file = inbox / "accounts.csv"
    file.write_text(ACCOUNTS)
    os.utime(file, (time.time() - 60, time.time() - 60))
    return inbox


def test_a_folder_is_watched_from_the_command_line(home: Path) -> None:
    inbox = dropped(home / "inbox" / "crm")
    added = laer(home, "watch", "add", "crm", "--source", "crm", "--every", "30")  # below the first root
    assert added.stdout == f"1: {inbox} is watched for crm, every 30 minutes\n"
    looked = laer(home, "watch", "run")
    assert looked.stdout == f"{inbox}: 1 imported\n"
    assert "pass 1" in looked.stderr


@pytest.mark.django_db(transaction=True)
def test_it_is_listed_looked_at_again_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = dropped(tmp_path / "inbox" / "crm")
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("LAER_WATCH_ROOTS", str(tmp_path / "inbox"))
    refused = run("watch", "add", "/etc", "--source", "crm")
    assert (refused.exit_code, "LAER_WATCH_ROOTS" in refused.stderr) == (2, True)
    number = run("watch", "add", "crm", "--source", "crm").stdout.partition(":")[0]
    assert run("watch", "run").stdout == f"{inbox}: 1 imported\n"
    assert run("watch", "run", number).stdout == f"{inbox}: 1 unchanged\n"
    assert "1 unchanged" in run("watch", "list").stdout
    assert run("watch", "remove", number).exit_code == 0
    assert run("watch", "remove", number).exit_code == 2
    assert run("watch", "run").exit_code == 2
