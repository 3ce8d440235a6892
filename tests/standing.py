"""Books that stand: what imports and a pass make for many tests of a file is made once in each worker, and put back for the others.

    @pytest.fixture
    @stands
    def book(tmp_path: Path) -> PassRun:

A pass over three accounts costs two to three seconds of a processor, and most tests only read what it left. Putting a book back costs
some hundredths: the rows of the tables that have any, `tmp_path` with the lake in it, and what the fixture returned. Row numbers stay what
they were (sequences only go on, so nobody else has them), and the test may write: it has a book of its own as if it had made it.

What a fixture does beside rows and files (a setting, another day) is not put back: that belongs into a fixture of its own.
"""

from __future__ import annotations

import inspect
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.emptied import SEEDED, empty_book, filled

Made = TypeVar("Made")


@dataclass(frozen=True)
class Stood:
    """One book, put aside: `files` of the test, `book.sqlite3` or rows as PostgreSQL's COPY writes them, and what the fixture returned."""

    folder: Path
    rows: dict[str, bytes]
    returned: bytes
    path: Path | None  # in place of a returned path below the test's folder


@dataclass
class Standing:
    """The books that stand in this worker, for one test."""

    stood: dict[Any, Stood]
    aside: Path
    files: Path  # the test's folder

    def book(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` returns, in a book as it leaves it."""
        from django.db import connection
        from django.utils import timezone

        assert not connection.in_atomic_block, "a pass reads what is committed: the test needs django_db(transaction=True)"
        assert set(filled()) <= SEEDED, f"a test has rows before its book stands, and they would be gone: {set(filled()) - SEEDED}"
        key = (name, timezone.localdate())
        if key not in self.stood:
            made = make()
            self.stood[key] = self._put_aside(made)
            return made
        return self._put_back(self.stood[key])

    def _put_aside(self, made: Any) -> Stood:
        from django.db import connection

        folder = self.aside / str(len(self.stood))
        folder.mkdir(parents=True)
        shutil.copytree(self.files, folder / "files")
        rows = {}
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(folder / "book.sqlite3")) as book:
                connection.connection.backup(book)
        else:
            for table in filled():
                with connection.connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
                    rows[table] = b"".join(map(bytes, copy))
        path = made.relative_to(self.files) if isinstance(made, Path) else None
        return Stood(folder, rows, pickle.dumps(made), path)

    def _put_back(self, stood: Stood) -> Any:
        from django.db import connection, transaction

        from laer.web.people import company
        from tests.cast import forget

        shutil.copytree(stood.folder / "files", self.files, dirs_exist_ok=True)
        empty_book()
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("ATTACH %s AS stood", [str(stood.folder / "book.sqlite3")])
                with connection.constraint_checks_disabled(), transaction.atomic():
                    for table in filled("stood"):
                        cursor.execute(f'INSERT INTO main."{table}" SELECT * FROM stood."{table}"')
                cursor.execute("DETACH stood")
            else:
                with transaction.atomic():  # foreign keys are looked at when it is committed
                    for table, rows in stood.rows.items():
                        with connection.connection.cursor().copy(f'COPY "{table}" FROM STDIN') as copy:
                            copy.write(rows)
        forget()
        company.refresh()  # its time zone holds from here on
        return pickle.loads(stood.returned) if stood.path is None else self.files / stood.path


def stands(make: Callable[..., Made]) -> Callable[..., Made]:
    """A fixture whose book stands. The lake is in the test's `tmp_path`."""

    @wraps(make)
    def put(*, standing: Standing, **given: Any) -> Made:
        return standing.book(f"{make.__module__}.{make.__qualname__}", lambda: make(**given))

    asked = list(inspect.signature(make).parameters.values())
    put.__signature__ = inspect.Signature([*asked, inspect.Parameter("standing", inspect.Parameter.KEYWORD_ONLY)])  # type: ignore[attr-defined]
    return put


@pytest.fixture(scope="session")
def stood() -> dict[Any, Stood]:
    return {}


@pytest.fixture
def standing(stood: dict[Any, Stood], transactional_db: None, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Standing:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return Standing(stood, tmp_path_factory.getbasetemp() / "stood", tmp_path)
