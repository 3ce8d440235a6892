"""Kill an import and a pass with SIGKILL anywhere: book and lake stay consistent, and doing it again gives what an undisturbed run gives."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

LAER = [sys.executable, "-m", "laer.cli"]
KILLS = 6
STATE = """
import hashlib, json, os, sqlite3
from pathlib import Path
from laer.engine.lake import Lake
home = Path(os.environ["LAER_HOME"])
book = sqlite3.connect(home / "book.sqlite3")
views = [n for (n,) in book.execute("select name from sqlite_master where type = 'view' order by name")]
state = {v: book.execute(f"select count(*) from {v}").fetchone()[0] for v in views}
state["mrr"] = book.execute("select sum(mrr_minor) from runs_accountcard").fetchone()[0]
state["months"] = book.execute("select count(*), sum(closing_minor) from runs_accountmonth").fetchone()
state["external"] = book.execute("select count(*), count(distinct source || record || external_id) from book_externalid").fetchone()
state["usage"] = Lake(home / "lake").total("usage_days")
state["check"] = book.execute("pragma integrity_check").fetchone()[0]
print(json.dumps(state))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    chance = random.Random(4)
    with (folder / "accounts.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["account_id", "account_name", "segment", "owner"])
        out.writerows([f"A-{i}", f"Account {i}", chance.choice(["SMB", "Enterprise"]), f"Person {i % 7}"] for i in range(4_000))
    with (folder / "subscriptions.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["subscription_id", "account_id", "start_date", "end_date", "mrr", "currency", "status"])
        for i in range(8_000):
            start = date(2025, 1, 1) + timedelta(days=chance.randrange(500))
            out.writerow([f"S-{i}", f"A-{i % 4_000}", start, "", chance.randrange(10, 900), "USD", "active"])
    with (folder / "usage.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["usage_id", "account_id", "usage_date", "feature_name", "usage_count"])
        out.writerows([f"U-{i}", f"A-{chance.randrange(4_000)}", date(2026, 1, 1) + timedelta(days=i % 200), "reports", i % 9] for i in range(30_000))
    return folder


def laer(home: Path, *words: str, kill_after: float | None = None) -> int:
    environment = {**os.environ, "LAER_HOME": str(home)}
    environment.pop("DATABASE_URL", None)
    process = subprocess.Popen([*LAER, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        _, told = process.communicate(timeout=kill_after if kill_after is not None else 300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return -9
    assert process.returncode == 0, told.decode()[-2_000:]
    return 0


def state(home: Path) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", STATE], env={**os.environ, "LAER_HOME": str(home)}, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_an_import_killed_anywhere_and_done_again_gives_what_one_import_gives(made: Path, files: Path, tmp_path: Path) -> None:
    calm, hit = tmp_path / "calm", tmp_path / "hit"
    shutil.copytree(made, calm)
    started = time.monotonic()
    laer(calm, "import", str(files))
    whole = time.monotonic() - started
    shutil.copytree(made, hit)
    chance = random.Random(5)
    killed = [laer(hit, "import", str(files), kill_after=chance.uniform(0.25, 1.0) * whole) for _ in range(KILLS)]
    assert -9 in killed, "no kill hit the import; it ended before"
    assert state(hit)["check"] == "ok"
    laer(hit, "import", str(files))
    laer(hit, "run")
    assert state(hit) == state(calm)


def test_a_pass_killed_anywhere_leaves_published_rows_that_the_next_pass_makes_right(home: Path, files: Path) -> None:
    laer(home, "import", str(files))
    before = state(home)
    started = time.monotonic()
    laer(home, "run")
    whole = time.monotonic() - started
    environment = {**os.environ, "LAER_HOME": str(home)}
    spoil = "import sqlite3, os, pathlib; b = sqlite3.connect(pathlib.Path(os.environ['LAER_HOME']) / 'book.sqlite3', timeout=30); b.execute('update runs_accountcard set content_hash = 0, mrr_minor = 1'); b.execute('update runs_accountmonth set content_hash = 0, closing_minor = 1'); b.commit()"
    chance = random.Random(6)
    killed = []
    for _ in range(KILLS):
        subprocess.run([sys.executable, "-c", spoil], env=environment, check=True)
        killed.append(laer(home, "run", kill_after=chance.uniform(0.3, 1.0) * whole))
    assert -9 in killed, "no kill hit the pass; it ended before"
    laer(home, "run")
    assert state(home) == before
