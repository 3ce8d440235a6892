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


def dump(book: dict[str, Any], file: Path) -> None:
    """One consistent state of the database, taken while others write."""
    _run(book, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--exclude-schema={ASIDE}", f"--file={file}")


def load(book: dict[str, Any], file: Path, *, aside_schema: str) -> None:
    """Load a dump into the database. What was there is kept in the schema `aside_schema`, and comes back when the load fails."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public')")
        occupied = cursor.fetchone()[0]
        if occupied:
            cursor.execute(f'ALTER SCHEMA public RENAME TO "{aside_schema}"')
            cursor.execute("CREATE SCHEMA public")
    connection.close()
    try:
        _run(book, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", f"--dbname={book['NAME']}", str(file))
    except ToolError:
        if occupied:
            with connection.cursor() as cursor:
                cursor.execute("DROP SCHEMA public CASCADE")
                cursor.execute(f'ALTER SCHEMA "{aside_schema}" RENAME TO public')
        raise


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
