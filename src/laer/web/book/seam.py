"""The seam: one SQL view per record type that lives in the book, generated from the record type.

The engine reads the book through these views and nothing else. They are made after every migration and dropped before
(`apps.py`), never by a migration: a view blocks SQLite's table rebuild and PostgreSQL's ALTER.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

from laer.records.record import Record, record_type
from laer.records.types import BOOK, WORK
from laer.web.book.models import DOWNSTREAM, LINKS, MODELS

VIEWED = (*BOOK, *WORK)


def model_of(record: str) -> Any:
    return MODELS.get(record) or DOWNSTREAM[record]


def view_name(record: str) -> str:
    return f"record_{record}"


def view_sql(record: type[Record]) -> str:
    """SELECT of one view: the record's columns by name, current rows only."""
    model = model_of(record.info.name)
    table = model._meta.db_table
    if record.info.name in LINKS:
        return _link_sql(record, table)
    columns = []
    for column in record.columns():
        if column.col.virtual:
            continue
        field = "id" if column.name == record.info.key else column.name
        columns.append(f'"{field}" AS "{column.name}"')
    if record.info.home == "book":
        columns.append('"custom" AS "custom"')
    where = '"archived_at" IS NULL'
    owner = next((c for c in record.columns() if c.name == "account_id"), None)
    if owner and record.info.name != "accounts":
        of_nobody = "" if owner.required else '"account_id" IS NULL OR '  # what the firm spends on no account
        # Looked up row by row: of IN (SELECT …) SQLite first lists all accounts there are, 40 ms a view for a pass over a few of them.
        there = f'SELECT 1 FROM "{MODELS["accounts"]._meta.db_table}" AS "whose" WHERE "whose"."id" = "{table}"."account_id" AND "whose"."archived_at" IS NULL'
        where += f" AND ({of_nobody}EXISTS ({there}))"
    return f'SELECT {", ".join(columns)} FROM "{table}" WHERE {where}'


def _link_sql(record: type[Record], table: str) -> str:
    """Of rows that only link two others: those of current rows of the model that says whose they are."""
    by, model = LINKS[record.info.name]
    own = {"account_id": 'o."account_id"', record.info.key: 'l."id"'}
    columns = ", ".join(f"""{own.get(c.name, f'l."{c.name}"')} AS "{c.name}\"""" for c in record.columns())
    current = f'SELECT "id" FROM "{MODELS["accounts"]._meta.db_table}" WHERE "archived_at" IS NULL'
    return (
        f'SELECT {columns} FROM "{table}" AS l JOIN "{model._meta.db_table}" AS o ON o."id" = l."{by}" '
        f'WHERE o."archived_at" IS NULL AND o."account_id" IN ({current})'
    )


def make_views(using: str = "default", **_: Any) -> None:
    """Make the views whose tables exist (during a migration to an earlier state some do not)."""
    connection = connections[using]
    drop_views(using)
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for name in VIEWED:
            record = record_type(name)
            table = model_of(name)._meta.db_table
            needed = {"id" if c.name == record.info.key else c.name for c in record.columns() if not c.col.virtual}
            if name in LINKS:
                needed -= {"account_id"}
            if table in there and needed <= _columns_of(cursor, table):
                cursor.execute(f'CREATE VIEW "{view_name(name)}" AS {view_sql(record)}')


def _columns_of(cursor: Any, table: str) -> set[str]:
    """Django's own look at a table parses its SQL for collations: 40 ms each on SQLite."""
    cursor.execute(f'SELECT * FROM "{table}" LIMIT 0')
    return {column[0] for column in cursor.description}


def missing_views(using: str = "default") -> list[str]:
    """Views that the book should have and has not: a migration was cut short after its last step. One query."""
    connection = connections[using]
    postgres = "SELECT viewname FROM pg_views WHERE schemaname = 'public'"
    listed = "SELECT name FROM sqlite_master WHERE type = 'view'" if connection.vendor == "sqlite" else postgres
    with connection.cursor() as cursor:
        cursor.execute(listed)
        there = {name for (name,) in cursor.fetchall()}
    return sorted({view_name(name) for name in VIEWED} - there)


def drop_views(using: str = "default", **_: Any) -> None:
    with connections[using].cursor() as cursor:
        for name in VIEWED:
            cursor.execute(f'DROP VIEW IF EXISTS "{view_name(name)}"')
