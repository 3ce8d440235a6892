"""Kill a pass with SIGKILL at twenty points, and wake a pass that another has overtaken: facts, rollups of usage and cards are right after the next."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from laer.engine.lake import Lake
from tests.faults.test_kills import LAER, laer, state

pytestmark = pytest.mark.faults

KILLS, ACCOUNTS = 20, 400
@pytest.fixture
def book(home: Path, tmp_path: Path) -> Path:
    """A home with some hundred accounts and their usage, imported and passed."""
    folder, chance = tmp_path / "files", random.Random(8)
    folder.mkdir()
    tables = {
        "accounts": (["account_id", "account_name", "segment"], [[f"A-{i}", f"Account {i}", chance.choice(["SMB", "Enterprise"])] for i in range(ACCOUNTS)]),
        "subscriptions": (
            ["subscription_id", "account_id", "start_date", "end_date", "mrr", "currency"],
            [[f"S-{i}", f"A-{i % ACCOUNTS}", date(2025, 1, 1) + timedelta(days=chance.randrange(500)), "", chance.randrange(10, 900), "USD"] for i in range(800)],
        ),
        "usage": (
            ["usage_id", "account_id", "usage_date", "user_id", "feature_name", "usage_count"],
            [[f"U-{i}", f"A-{chance.randrange(ACCOUNTS)}", date.today() - timedelta(days=i % 250), f"u{i % 9}", "search", i % 5] for i in range(4_000)],
        ),
    }
    for name, (header, rows) in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    laer(home, "import", str(folder))
    laer(home, "run")
    return home


def more(home: Path, n: int) -> None:
    """No card and no month is right any more; usage came, and some went."""
    with closing(sqlite3.connect(home / "book.sqlite3", timeout=30)) as there:
        there.execute("update runs_accountcard set content_hash = 0, mrr_minor = 1, facts = '{}'")
        there.execute("update runs_accountmonth set content_hash = 0, closing_minor = 1")
        there.commit()
    lake, today = Lake(home / "lake"), date.today()
    rows = [
        {
            "row_id": f"K-{n}-{i}", "account_id": 1 + i % 50, "user_id": f"u{i % 7}", "feature": "reports", "day": today - timedelta(days=(i * 11 + n) % 300),
            "count": 1 + i % 4, "source": "kills", "run": f"kill-{n}",
        }
        for i in range(300)
    ]  # fmt: skip
    lake.append("usage_days", pa.Table.from_pylist(rows), app_id=f"kill-{n}", version=1)
    if n % 5 == 4:
        lake.remove_run(f"kill-{n - 2}")


def published(home: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "book.sqlite3")) as there:
        cards = there.execute("select account_id, mrr_minor, state, facts from runs_accountcard order by account_id").fetchall()
        return cards + there.execute("select account_id, month, opening_minor, closing_minor from runs_accountmonth order by account_id, month").fetchall()


def test_a_pass_killed_at_twenty_points_leaves_book_and_lake_right_for_the_next(book: Path, tmp_path: Path) -> None:
    chance, killed = random.Random(9), 0
    started = time.monotonic()
    laer(book, "run")
    whole = time.monotonic() - started
    for n in range(KILLS):
        more(book, n)
        killed += laer(book, "run", kill_after=chance.uniform(0.3, 1.0) * whole) == -9
        if n % 5 == 2:  # a pass that comes through: what follows builds on its rollups
            laer(book, "run")
    assert killed >= KILLS // 2, "most ended before they were killed"
    assert state(book)["check"] == "ok"
    calm = tmp_path / "calm"
    shutil.copytree(book, calm)
    shutil.rmtree(calm / "lake" / "_rollups")
    for home in (book, calm):  # calm: every row of usage rolled up anew, every card written
        laer(home, "run")
    assert published(book) == published(calm)
    assert not [row for row in published(book) if row[3] == "{}"]
    assert state(book) == state(calm)


def test_a_pass_that_another_overtook_writes_nothing_when_it_wakes(book: Path) -> None:
    environment = {**os.environ, "LAER_HOME": str(book)}
    environment.pop("DATABASE_URL", None)
    more(book, 1)
    sleeper = subprocess.Popen([*LAER, "run"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        number = until_running(book)
        os.kill(sleeper.pid, signal.SIGSTOP)  # it has the lease and reads the book
        with closing(sqlite3.connect(book / "book.sqlite3", timeout=30)) as there:
            assert there.execute("select state from runs_passrun where id = ?", [number]).fetchone() == ("running",)
            there.execute("update runs_lease set until = '2020-01-01 00:00:00' where name = 'pass'")  # a minute has passed without a heartbeat
            there.commit()
        more(book, 2)
        laer(book, "run")
        after, files = published(book), facts_of(book)
        os.kill(sleeper.pid, signal.SIGCONT)
        _, told = sleeper.communicate(timeout=120)
    finally:
        if sleeper.poll() is None:
            sleeper.kill()
            sleeper.communicate()
    assert sleeper.returncode != 0
    assert "lease has gone to another process" in told
    assert (published(book), facts_of(book)) == (after, files)
    laer(book, "run")
    assert published(book) == after


def until_running(home: Path) -> int:
    """The number of the pass that has begun."""
    for _ in range(3_000):
        with closing(sqlite3.connect(home / "book.sqlite3", timeout=30)) as there:
            row = there.execute("select id from runs_passrun where state = 'running' order by id desc").fetchone()
        if row:
            return int(row[0])
        time.sleep(0.01)
    raise AssertionError("no pass began")


def facts_of(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in (home / "lake" / "facts").rglob("*.parquet")}
