"""`laer backup` while others import, edit and undo: what is restored is the installation as it stood at one moment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.upgrade.thawing import NAMES, environment, laer, thaw


def load(home: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "tests.faults.load", *words], env=environment(home, **more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def backups_under_load(home: Path, folder: Path, count: int, **more: str) -> list[Path]:
    """Backups taken one after the other while somebody writes without a pause."""
    stop = folder / "stop"
    writer = load(home, "write", str(stop), **more)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "1\n", writer.communicate()[1][-2000:]
        files = [folder / f"{n}.tar.gz" for n in range(count)]
        for file in files:
            done = laer(home, "backup", str(file), **more)
            assert done.returncode == 0, done.stderr
            assert writer.poll() is None, "nobody wrote any more"
    finally:
        stop.touch()
        _, complaint = writer.communicate(timeout=300)
    assert writer.returncode == 0, complaint[-2000:]
    return files


def restored_is_whole(file: Path, home: Path, **more: str) -> None:
    done = laer(home, "restore", str(file), "--force", **more)
    assert done.returncode == 0, done.stderr
    looked = load(home, "look", **more)
    told, complaint = looked.communicate(timeout=300)
    assert looked.returncode == 0, complaint[-3000:]
    found = json.loads(told)
    assert {k: v for k, v in found.items() if k not in ("imports", "resumed")} == {"problem": None, "wrong": [], "landed": 40, "whole": "ok"}, found
    assert found["imports"] > 3


@pytest.mark.faults
def test_backups_of_a_home_under_load_are_each_of_one_moment(tmp_path: Path) -> None:
    home = thaw(NAMES[-1], tmp_path / "home")
    assert laer(home, "upgrade").returncode == 0
    for n, file in enumerate(backups_under_load(home, tmp_path, 2)):
        other = tmp_path / f"other-{n}"
        other.mkdir(mode=0o700)
        shutil.copytree(home / "static", other / "static")  # its compression takes seconds
        restored_is_whole(file, other)


@contextmanager
def database() -> Iterator[str]:
    url = urlsplit(os.environ.get("LAER_TEST_POSTGRES") or "postgresql://postgres@127.0.0.1:5432")
    name = f"laer_load_{os.getpid()}"
    with psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(url._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.faults
def test_a_backup_of_a_book_on_postgresql_under_load_is_of_one_moment(tmp_path: Path) -> None:
    home = thaw(NAMES[-1], tmp_path / "home", "postgres.tar.gz")
    with database() as own:
        loaded = subprocess.run(["psql", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--file={home / 'book.sql'}", own], capture_output=True, text=True, check=False)
        assert loaded.returncode == 0, loaded.stderr
        assert laer(home, "upgrade", DATABASE_URL=own).returncode == 0
        (file,) = backups_under_load(home, tmp_path, 1, DATABASE_URL=own)
        restored_is_whole(file, home, DATABASE_URL=own)
