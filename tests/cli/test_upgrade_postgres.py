"""Books on PostgreSQL as earlier versions left them, loaded from their dumps and brought to this version by `laer upgrade`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.upgrade.thawing import NAMES, thaw, upgraded, works_as_before

pytestmark = pytest.mark.postgres


@pytest.fixture
def database() -> Iterator[str]:
    """A database of one's own on the lane's server."""
    url = urlsplit(os.environ.get("DATABASE_URL") or "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"laer_thawed_{os.getpid()}"
    with psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(url._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_the_newest_frozen_book_is_upgraded_and_works_as_before(database: str, tmp_path: Path) -> None:
    name = NAMES[-1]
    home = thaw(name, tmp_path / "home", "postgres.tar.gz")
    dump = home / "book.sql"
    loaded = subprocess.run(["psql", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--file={dump}", database], capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    dump.unlink()
    assert "people.0003_saved_views" in upgraded(home, DATABASE_URL=database)
    works_as_before(name, home, tmp_path / "exports", DATABASE_URL=database)
