"""Kill the making and the leaving of a demo firm with SIGKILL: doing it again finishes, and gives what an undisturbed one gives."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

LAER = [sys.executable, "-m", "laer.cli"]
SMALL = ["--accounts", "20", "--as-of", "2026-11-01"]
# The process ends itself at a named place: SIGKILL leaves nothing to tidy up by.
ENDS = """
import os, signal, sys
from laer.cli import app, demo as command
from laer.cli.book import open_book
open_book(migrated=False)
from laer.web.runs import demo
def end(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)
where, *words = sys.argv[1:]
if where == "importing":
    say = demo._say
    demo._say = lambda progress, step, done, rows=None: end() if step == "tickets" else say(progress, step, done, rows)
elif where == "before the pass":
    demo.start_pass = end
elif where == "before the rows go":
    demo._tables = end
elif where == "before the files go":
    demo.shutil.rmtree = end
app(words)
"""


def environment(home: Path) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {"LAER_HOME": str(home)}


def laer(home: Path, *words: str) -> str:
    done = subprocess.run([*LAER, *words], env=environment(home), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def killed(home: Path, where: str, *words: str) -> None:
    done = subprocess.run([sys.executable, "-c", ENDS, where, *words], env=environment(home), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2_000:]


def held(home: Path) -> dict[str, object]:
    book = sqlite3.connect(home / "book.sqlite3")
    tables = ("book_account", "book_subscriptionline", "book_ticket", "book_importrun", "runs_accountcard", "people_user")
    found: dict[str, object] = {table: book.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}
    return found | {"demo": book.execute("select demo from people_company").fetchone()[0], "check": book.execute("pragma integrity_check").fetchone()[0]}


def test_a_demo_killed_while_it_is_made_or_left_is_finished_by_doing_it_again(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    laer(whole, "demo", "--no-serve", *SMALL)
    expected = held(whole)
    assert (expected["demo"], expected["book_account"], expected["book_importrun"]) == ("shown", 20, 1)
    for where in ("importing", "before the pass"):
        killed(broken, where, "demo", "--no-serve", *SMALL)
        assert held(broken)["demo"] == "making"
    laer(broken, "demo", "--no-serve", *SMALL)
    assert held(broken) == expected
    for where in ("before the rows go", "before the files go"):
        killed(broken, where, "demo", "--leave")
        assert held(broken)["demo"] == "leaving"
    assert "the book is empty" in laer(broken, "demo", "--leave")
    left = held(broken)
    assert {name for name, value in left.items() if value} == {"people_user", "check"}
    assert left["check"] == "ok"
    assert list((broken / "lake").iterdir()) == []


def test_a_real_book_is_not_left_by_the_command(tmp_path: Path) -> None:
    home = tmp_path / "real"
    file = tmp_path / "accounts.csv"
    file.write_text("account_id,account_name\nK-1,Kestrel Quarries\n")
    laer(home, "init")
    laer(home, "import", str(file))
    done = subprocess.run([*LAER, "demo", "--leave", "--with-own-work"], env=environment(home), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert "not a demo firm" in done.stderr
    assert sqlite3.connect(home / "book.sqlite3").execute("select count(*) from book_account").fetchone()[0] == 1
