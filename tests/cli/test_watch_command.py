"""`laer watch`: add, list, run, remove, as typed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.web.files import ACCOUNTS

LAER = [sys.executable, "-m", "laer.cli"]


def laer(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAER, *arguments], input="", capture_output=True, text=True, timeout=120, check=False)


def test_a_folder_is_watched_from_the_command_line(installation: Path) -> None:
    assert laer("init").returncode == 0
    inbox = installation / "inbox" / "crm"
    inbox.mkdir(parents=True)
    file = inbox / "accounts.csv"
    file.write_text(ACCOUNTS)
    os.utime(file, (time.time() - 60, time.time() - 60))
    refused = laer("watch", "add", "/etc", "--source", "crm")
    assert (refused.returncode, "LAER_WATCH_ROOTS" in refused.stderr) == (2, True)
    added = laer("watch", "add", "crm", "--source", "crm", "--every", "30")  # below the first root
    assert added.stdout == f"1: {inbox} is watched for crm, every 30 minutes\n"
    looked = laer("watch", "run")
    assert looked.stdout == f"{inbox}: 1 imported\n"
    assert "pass 1" in looked.stderr
    assert laer("watch", "run", "1").stdout == f"{inbox}: 1 unchanged\n"
    assert "1 unchanged" in laer("watch", "list").stdout
    assert laer("watch", "remove", "1").returncode == 0
    assert laer("watch", "remove", "1").returncode == 2
    assert laer("watch", "run").returncode == 2
