"""Bulk writes: sets of rows in small transactions, by executemany on SQLite and COPY on PostgreSQL.

The ORM is for single writes; a model's instance per row would cost ten times the insert.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, models

CHUNK = 1_000  # rows of one write transaction: a person's save waits no longer than that


def columns_of(model: type[models.Model]) -> dict[str, str]:
    """Attribute name -> column name, primary key included."""
    return {f.attname: str(f.column) for f in model._meta.local_concrete_fields}


def next_ids(model: type[models.Model], count: int) -> range | list[int]:
    """`count` unused primary keys. On SQLite the caller must hold the write lock (be inside `atomic`)."""
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table, key, count])
            return [row[0] for row in cursor.fetchall()]
        cursor.execute(
            f'SELECT max(coalesce((SELECT max("{key}") FROM "{table}"), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0))', [table]
        )
        last = cursor.fetchone()[0]
        return range(last + 1, last + 1 + count)


def insert(model: type[models.Model], attributes: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows given as tuples in the order of `attributes`."""
    names = columns_of(model)
    columns = ", ".join(f'"{names[a]}"' for a in attributes)
    table = model._meta.db_table
    plain = adapter()
    adapted = [list(map(plain, row)) for row in rows]
    if not adapted:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
                for row in adapted:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(attributes))
        cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', adapted)


def update(model: type[models.Model], attribute: str, pairs: Iterable[tuple[Any, int]]) -> None:
    """Set one column on many rows: (value, primary key) pairs."""
    names = columns_of(model)
    sql = f'UPDATE "{model._meta.db_table}" SET "{names[attribute]}" = %s WHERE "{model._meta.pk.column}" = %s'
    with connection.cursor() as cursor:
        plain = adapter()
        cursor.executemany(sql, [(plain(v), k) for v, k in pairs])


def update_many(model: type[models.Model], attributes: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set several columns on many rows: values in the order of `attributes`, the primary key last."""
    names = columns_of(model)
    sets = ", ".join(f'"{names[a]}" = %s' for a in attributes)
    sql = f'UPDATE "{model._meta.db_table}" SET {sets} WHERE "{model._meta.pk.column}" = %s'
    with connection.cursor() as cursor:
        plain = adapter()
        cursor.executemany(sql, [list(map(plain, row)) for row in rows])


def adapter() -> Callable[[Any], Any]:
    """A value as the driver of this database takes it."""
    sqlite = connection.vendor == "sqlite"

    def plain(value: Any) -> Any:
        kind = type(value)
        if kind in AS_IS:
            return value
        if kind is dict or kind is list:
            return json.dumps(value, ensure_ascii=False, default=str)
        if sqlite and kind is datetime:
            return value.replace(tzinfo=None).isoformat(" ", "microseconds") if value.microsecond else value.replace(tzinfo=None).isoformat(" ")
        if sqlite and kind is date:
            return value.isoformat()
        return value

    return plain


AS_IS = frozenset({str, int, type(None), bool, float})


def chunks(items: Sequence[Any], size: int = CHUNK) -> Iterable[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
