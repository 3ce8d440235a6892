"""Book and lake as they stood at one moment, while others write to both.

An import writes its rows to the lake before it is done in the book, an undo takes them out before it is undone there; each
says in the book first that it is at it. So with the lake's writers held back for as long as it takes to fix what we see
of the book, the two belong together: what is done in the book is in the lake, and what is half done is done again.
Copied one after the other without that, a restored book would know nothing of the lake's newest rows, and the next
import, which gets the same number, would be taken for the one that wrote them.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from laer.cli.operate import postgres
from laer.engine.lake import Lake
from laer.engine.leases import process_exists
from laer.records.types import LAKE
from laer.web import home


@contextmanager
def taken(copy: Path) -> Iterator[list[Path]]:
    """Copy the book to a file; the lake's files of the same moment, which stay until the block ends. Faults: postgres.ToolError."""
    from django.db import connection

    lake = Lake(home.lake())
    with ExitStack() as leases:
        with ExitStack() as seen:
            with lake.still():
                held = {table: leases.enter_context(lake.lease(table)) for table in LAKE}
                if connection.vendor == "sqlite":
                    source = seen.enter_context(_seen_sqlite(Path(connection.settings_dict["NAME"])))
                else:
                    snapshot = seen.enter_context(_seen_postgres())
            if connection.vendor == "sqlite":
                _copy_sqlite(source, copy)
            else:
                postgres.dump(connection.settings_dict, copy, snapshot=snapshot)
        files = [path for table, lease in held.items() for path in lake.parts(table, lease)]
        # The tables of runs: written before the book names them, taken away long after it names newer ones.
        others = [p for p in home.lake().iterdir() if p.is_dir() and p.name not in LAKE and not p.name.startswith("_")]
        yield files + [path for other in sorted(others) for path in plain_files(other)]


def plain_files(folder: Path) -> list[Path]:
    """Every file below a folder of which parts may be cleared away meanwhile; no links."""
    found = [Path(where) / name for where, _, names in os.walk(folder) for name in names]
    return sorted(p for p in found if p.is_file() and not p.is_symlink())


def sweep(folder: Path, pattern: str) -> None:
    """Take away what killed processes left: `.backup-<process>-…`, `.<file>.<process>.part`, `.restoring-…` (of which only one can be at work)."""
    for left in folder.glob(pattern):
        numbers = [int(part) for part in left.name.replace("-", ".").split(".") if part.isdigit()]
        if any(number != os.getpid() and process_exists(number) for number in numbers[-1:]):
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


@contextmanager
def _seen_sqlite(live: Path) -> Iterator[sqlite3.Connection]:
    """A connection whose reads all see the present state. Python's own SQLite, the one that Django uses."""
    with closing(sqlite3.connect(f"file:{live}?mode=ro", uri=True, timeout=20, isolation_level=None)) as source:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the state is fixed by the first read, not by BEGIN
        yield source


@contextmanager
def _seen_postgres() -> Iterator[str]:
    """The name of a snapshot that other sessions may read, while the block lasts."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def _copy_sqlite(source: sqlite3.Connection, copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
