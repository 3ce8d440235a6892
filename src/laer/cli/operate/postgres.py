"""A PostgreSQL book, out and in again, by PostgreSQL's own tools."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

# Books that a restore moved aside stay in the database under such a schema, and out of backups.
ASIDE = "replaced_*"


class ToolError(Exception):
    """A tool is missing or failed, in words."""


def dump(book: dict[str, Any], file: Path, *, snapshot: str) -> None:
    """The database as a transaction that is still open sees it (`pg_export_snapshot()`), taken while others write."""
    _run(book, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--exclude-schema={ASIDE}", f"--snapshot={snapshot}", f"--file={file}")


def load(book: dict[str, Any], file: Path, *, aside_schema: str) -> None:
    """Load a dump into the database. What was there is kept in the schema `aside_schema`, and comes back when the load fails."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public')")
        occupied = cursor.fetchone()[0]
    if occupied:
        _move("public", aside_schema)
    connection.close()
    try:
        _run(book, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", f"--dbname={book['NAME']}", str(file))
    except ToolError:
        if occupied:
            _move(aside_schema, "public")
        raise


def _move(former: str, new: str) -> None:
    """Give the schema another name, in place of one of that name, whose rows go. Extensions stay in `public`: there is one of each in a database."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = 'public'")
        extensions = [f'ALTER EXTENSION "{name}" SET SCHEMA' for (name,) in cursor.fetchall()]
        if new == "public":
            for extension in extensions:
                cursor.execute(f'{extension} "{former}"')
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute(f'ALTER SCHEMA "{former}" RENAME TO public')
            return
        cursor.execute(f'ALTER SCHEMA public RENAME TO "{new}"')
        cursor.execute("CREATE SCHEMA public")
        for extension in extensions:
            cursor.execute(f"{extension} public")


def _run(book: dict[str, Any], tool: str, *options: str) -> None:
    path = shutil.which(tool)
    if path is None:
        raise ToolError(f"{tool} is not installed: PostgreSQL's own tools back up and restore a book on PostgreSQL (Debian: apt install postgresql-client)")
    environment = os.environ | {
        key: str(book[name])
        for key, name in (("PGHOST", "HOST"), ("PGPORT", "PORT"), ("PGUSER", "USER"), ("PGPASSWORD", "PASSWORD"), ("PGDATABASE", "NAME"))
        if book.get(name)
    }
    done = subprocess.run([path, *options], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{tool} failed: {done.stderr.strip()[-2000:]}")
