"""An installation made, and its schema brought up to date."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cli.commands import laer, named, rows


def test_init_makes_a_private_home_and_again_changes_nothing(home: Path) -> None:
    home.chmod(0o755)
    key = (home / "secret.key").read_text()
    assert len(key) >= 50
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
    done = laer(home, "init")
    assert done.returncode == 0, done.stderr
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "secret.key").read_text() == key
    assert rows(home, "SELECT count(*) FROM runs_cache") == [(0,)]
    assert key not in done.stdout + done.stderr


def test_two_homes_do_not_meet(made: Path, home: Path, other: Path) -> None:
    shutil.copytree(made, other, ignore=shutil.ignore_patterns("secret.key"), dirs_exist_ok=True)
    assert laer(other, "init").returncode == 0  # with a key of its own
    assert laer(home, "user", "create", "ann@example.com", "--role", "admin", "--name", "Ann").returncode == 0
    assert (named(home), named(other)) == (["Ann"], [])
    ((password,),) = rows(home, "SELECT password FROM people_user")
    assert int(str(password).split("$")[1]) >= 1_000_000, "only the tests' own process takes fewer rounds"
    assert (other / "secret.key").read_text() != (home / "secret.key").read_text()


def test_a_command_without_a_book_says_to_make_one_and_makes_nothing(installation: Path) -> None:
    done = laer(installation, "user", "list")
    assert done.returncode == 2
    assert "run `laer init`" in done.stderr
    assert not (installation / "book.sqlite3").exists()


# --- the schema -------------------------------------------------------------------------------------------------------


# The last migration of `runs` taken back, and what stands on it: what the first one leads to is in tests/web/test_migrations.py.
EARLIER = """
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
names = sorted(name for app, name in MigrationLoader(connection).disk_migrations if app == "runs")
call_command("migrate", "runs", names[-2], verbosity=0)
print(names[-1])
"""


def test_an_older_book_is_refused_until_it_is_upgraded_after_a_backup(home: Path) -> None:
    earlier = subprocess.run([sys.executable, "-c", EARLIER], env=os.environ | {"LAER_HOME": str(home)}, check=True, timeout=120, capture_output=True, text=True)
    for command in ("serve", "init"):
        done = laer(home, command)
        assert done.returncode == 2
        assert "made by an earlier version: run `laer upgrade`" in done.stderr
    done = laer(home, "upgrade")
    assert done.returncode == 0, done.stderr
    assert f"runs.{earlier.stdout.strip()}" in done.stdout
    (saved,) = (home / "backups").iterdir()
    assert str(saved) in done.stdout
    assert rows(home, "SELECT count(*) FROM record_accounts") == [(0,)]
    assert laer(home, "user", "list").returncode == 0


def test_a_newer_book_is_refused_and_not_upgraded(home: Path) -> None:
    rows(home, "INSERT INTO django_migrations (app, name, applied) VALUES ('runs', '9999_from_the_future', '2030-01-01')")
    for command in ("serve", "upgrade"):
        done = laer(home, command)
        assert done.returncode == 2
        assert "made by a newer version" in done.stderr
        assert "runs.9999_from_the_future" in done.stderr


def test_an_upgrade_that_fails_says_how_to_go_back(home: Path) -> None:
    rows(home, "DELETE FROM django_migrations WHERE app = 'runs' AND name = '0001_initial'")  # its tables are there already
    done = laer(home, "upgrade")
    assert done.returncode == 1
    assert re.search(r"go back with: laer restore \S+/backups/before-\S+\.tar\.gz --force", done.stderr)
