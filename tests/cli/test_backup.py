"""An installation saved and brought back."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.commands import laer, name_one, named, rows


def test_what_is_backed_up_comes_back(home: Path, tmp_path: Path) -> None:
    name_one(home, "Ann")
    (home / "lake" / "usage" / "_delta_log").mkdir(parents=True)
    (home / "lake" / "usage" / "_delta_log" / "0.json").write_text("{}")
    (home / "files" / "accounts.csv").write_text("account_id\n1\n")
    (home / "files" / "link").symlink_to("/etc/passwd")
    file = tmp_path / "saved.tar.gz"
    done = laer(home, "backup", str(file))
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        assert set(tar.getnames()) == {"book.sqlite3", "lake/usage/_delta_log/0.json", "files/accounts.csv", "manifest.json"}

    refused = laer(home, "restore", str(file))
    assert refused.returncode == 2
    assert "is not empty (it has a book, a lake, files); --force" in refused.stderr

    name_one(home, "Eve")
    (home / "files" / "later.csv").write_text("x")
    key = (home / "secret.key").read_text()
    done = laer(home, "restore", str(file), "--force")
    assert done.returncode == 0, done.stderr
    assert named(home) == ["Ann"]
    assert [p.name for p in (home / "files").iterdir()] == ["accounts.csv"]
    assert (home / "lake" / "usage" / "_delta_log" / "0.json").exists()
    assert (home / "secret.key").read_text() == key
    (aside,) = home.glob("replaced-*")
    assert (aside / "files" / "later.csv").exists()
    assert (aside / "book.sqlite3").exists()
    assert not list(home.glob(".restoring-*"))
    assert "nothing leaves the house (mails, calls, digests) until an admin says" in done.stdout
    first = json.loads((home / "restored.json").read_text())
    assert first["held"] is True
    assert laer(home, "restore", str(file), "--force").returncode == 0
    assert json.loads((home / "restored.json").read_text())["id"] != first["id"]


def test_a_backup_with_its_key_makes_another_home_the_same_installation(home: Path, other: Path, tmp_path: Path) -> None:
    name_one(home, "Ann")
    file = tmp_path / "saved.tar.gz"
    assert laer(home, "backup", str(file), "--with-key").returncode == 0
    done = laer(other, "restore", str(file))
    assert done.returncode == 0, done.stderr
    assert named(other) == ["Ann"]
    assert (other / "secret.key").read_text() == (home / "secret.key").read_text()
    assert (other / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_backup_is_one_state_while_others_write(home: Path, tmp_path: Path) -> None:
    rows(home, "CREATE TABLE pairs (n integer)")
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sqlite3, sys\nbook = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\nwhile True:\n    book.execute('BEGIN IMMEDIATE')\n    "
         "book.execute('INSERT INTO pairs VALUES (1)')\n    book.execute('INSERT INTO pairs VALUES (2)')\n    book.execute('COMMIT')", str(home / "book.sqlite3")]
    )  # fmt: skip
    try:
        time.sleep(0.5)
        assert laer(home, "backup", str(tmp_path / "saved.tar.gz")).returncode == 0
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    with tarfile.open(tmp_path / "saved.tar.gz") as tar:
        tar.extract("book.sqlite3", tmp_path, filter="data")
    with closing(sqlite3.connect(tmp_path / "book.sqlite3")) as copy:
        ones, twos = copy.execute("SELECT sum(n = 1), sum(n = 2) FROM pairs").fetchone()
        assert ones == twos > 0
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.postgres
def test_a_book_on_postgresql_comes_back_too(tmp_path: Path) -> None:
    from urllib.parse import urlsplit, urlunsplit

    import psycopg

    url = urlsplit(os.environ.get("DATABASE_URL") or "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"laer_operate_{os.getpid()}"
    own = urlunsplit(url._replace(path=f"/{name}"))
    with psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            home, file = tmp_path / "home", tmp_path / "saved.tar.gz"
            done = laer(home, "init", DATABASE_URL=own)
            assert done.returncode == 0, done.stderr
            laer(home, "user", "create", "ann@example.com", "--role", "admin", DATABASE_URL=own)
            done = laer(home, "backup", str(file), DATABASE_URL=own)
            assert done.returncode == 0, done.stderr
            laer(home, "user", "create", "eve@example.com", "--role", "admin", DATABASE_URL=own)
            assert laer(home, "restore", str(file), DATABASE_URL=own).returncode == 2
            done = laer(home, "restore", str(file), "--force", DATABASE_URL=own)
            assert done.returncode == 0, done.stderr
            listed = laer(home, "user", "list", DATABASE_URL=own).stdout
            assert "ann@example.com" in listed
            assert "eve@example.com" not in listed
            assert laer(home, "upgrade", DATABASE_URL=own).returncode == 0
            refused = laer(tmp_path / "sqlite", "restore", str(file), DATABASE_URL="")
            assert "it holds a postgresql book" in refused.stderr
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
