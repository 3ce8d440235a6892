"""Installations as earlier versions left them, brought to this one by `laer upgrade`."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from tests.upgrade.freeze import FROZEN, read_sqlite
from tests.upgrade.thawing import NAMES, holds_what_it_held, laer, thaw, upgraded, works_as_before


def test_every_frozen_home_is_upgraded_and_works_as_before(tmp_path: Path) -> None:
    """One test for all: the front end is collected once, which takes longer than the rest."""
    assert len(NAMES) >= 2
    static = None
    for name in NAMES:
        home = thaw(name, tmp_path / name)
        if static:
            shutil.copytree(static, home / "static")
        before = read_sqlite(home / "book.sqlite3")
        said = upgraded(home)
        assert "people.0003_saved_views" in said
        static = home / "static"
        (saved,) = (home / "backups").iterdir()
        with tarfile.open(saved) as tar:
            tar.extract("book.sqlite3", tmp_path, filter="data")
        assert read_sqlite(tmp_path / "book.sqlite3") == before
        if name == NAMES[0]:  # the others: on PostgreSQL, tests/cli/test_upgrade_postgres.py
            works_as_before(name, home, tmp_path / "exports")
        else:
            holds_what_it_held(name, home)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_frozen_is_small_and_says_where_it_comes_from(name: str) -> None:
    files = {p.name: p.stat().st_size for p in (FROZEN / name).iterdir()}
    assert set(files) == {"home.tar.gz", "postgres.tar.gz", "figures.json"}
    assert sum(files.values()) < 2**20
    assert name in (FROZEN / "README.md").read_text(encoding="utf-8")


def test_an_older_book_is_refused_by_every_command_but_upgrade(tmp_path: Path) -> None:
    home = thaw(NAMES[0], tmp_path / "home")
    done = laer(home, "doctor")
    assert done.returncode == 2
    assert "made by an earlier version: run `laer upgrade`" in done.stderr
