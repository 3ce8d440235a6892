"""Upgrade, backup and restore, killed on the way: nothing half done passes for whole, and each can be done again."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.killing import killed
from tests.upgrade.freeze import read_sqlite
from tests.upgrade.thawing import NAMES, laer, thaw

pytestmark = pytest.mark.faults

MIDDLE = "book.0005_matching"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a book, a lake and files. Take a copy."""
    home = thaw(NAMES[-1], tmp_path_factory.mktemp("whole") / "home")
    assert laer(home, "upgrade").returncode == 0
    shutil.rmtree(home / "backups")
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "home")
    return tmp_path / "home"


def applied(home: Path) -> set[str]:
    with closing(sqlite3.connect(home / "book.sqlite3")) as book:
        return {f"{app}.{name}" for app, name in book.execute("SELECT app, name FROM django_migrations")}


def lake_files(home: Path) -> set[str]:
    return {str(p.relative_to(home)) for p in (home / "lake").rglob("*") if p.is_file() and not p.relative_to(home / "lake").parts[0].startswith("_")}


def test_an_upgrade_killed_in_a_step_and_after_the_last_is_done_again(whole: Path, tmp_path: Path) -> None:
    home = thaw(NAMES[0], tmp_path / "home")
    shutil.copytree(whole / "static", home / "static")
    before = read_sqlite(home / "book.sqlite3")
    killed(home, f"migration:{MIDDLE}", "upgrade")
    assert MIDDLE not in applied(home)
    assert len(list((home / "backups").iterdir())) == 1
    killed(home, "migrated", "upgrade")
    assert applied(home) == applied(whole)
    refused = laer(home, "doctor")
    assert refused.returncode == 2
    assert "an upgrade was interrupted: run `laer upgrade` again" in refused.stderr
    done = laer(home, "upgrade")
    assert done.returncode == 0, done.stderr
    assert read_sqlite(home / "book.sqlite3") == before
    assert laer(home, "doctor").returncode == 0
    first = min((home / "backups").iterdir())
    with tarfile.open(first) as tar:
        tar.extract("book.sqlite3", tmp_path, filter="data")
    assert read_sqlite(tmp_path / "book.sqlite3") == before


def test_a_backup_killed_before_its_end_leaves_no_file_of_its_name_and_the_next_sweeps(home: Path) -> None:
    file = home / "saved.tar.gz"
    killed(home, "rename:3", "backup", str(file))  # the first two are of the lease on the lake
    assert not file.exists()
    assert list(home.glob(".saved.tar.gz.*.part"))
    assert list(home.glob(".backup-*"))
    assert laer(home, "backup", str(file)).returncode == 0
    assert not list(home.glob(".saved.tar.gz.*.part")) + list(home.glob(".backup-*"))
    with tarfile.open(file) as tar:
        assert {n for n in tar.getnames() if n.startswith("lake/")} == lake_files(home)


def test_a_restore_killed_again_and_again_is_said_and_done_in_the_end(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved.tar.gz"
    assert laer(home, "backup", str(file)).returncode == 0
    before, files = read_sqlite(home / "book.sqlite3"), lake_files(home)
    killed(home, "rename:1", "restore", str(file), "--force")  # of the mark: nothing has been moved
    assert laer(home, "doctor").returncode == 0
    for rename in (3, 5, 4):  # each later one finds less to move aside
        killed(home, f"rename:{rename}", "restore", str(file), "--force")
        refused = laer(home, "doctor" if rename != 5 else "init")
        assert refused.returncode == 2, rename
        assert f"a restore was interrupted: run `laer restore {file} --force` again" in refused.stderr
    done = laer(home, "restore", str(file), "--force")
    assert done.returncode == 0, done.stderr
    aside = min(home.glob("replaced-*"))
    assert f"what was there before the restore that was interrupted is in {aside}" in done.stdout
    assert (aside / "lake").exists()
    assert (read_sqlite(home / "book.sqlite3"), lake_files(home)) == (before, files)
    assert not list(home.glob(".restoring-*"))
    assert laer(home, "doctor").returncode == 0
