"""The record types, the book's models and the seam's views are one thing said three times."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection, models

from laer.records.record import record_type
from laer.records.types import BOOK
from laer.web.book.models import MODELS
from laer.web.book.seam import view_name

FIELDS = {
    "integer": models.IntegerField, "text": (models.CharField, models.TextField), "boolean": models.BooleanField, "date": models.DateField,
    "instant": models.DateTimeField, "decimal": models.CharField,  # exact text: a decimal column on SQLite turns into floats
}  # fmt: skip
OWN = {"id", "custom", "created_run", "created_run_id", "created_at", "archived_at", "archived_run"}
ONLY_IN_THE_BOOK = {"accounts": {"changed_at"}, "people": {"user_id"}}


def columns_of(name: str) -> dict[str, Any]:
    return {c.name: c for c in record_type(name).columns() if not c.col.virtual and c.name != record_type(name).info.key}


def fields_of(name: str) -> dict[str, Any]:
    return {f.attname: f for f in MODELS[name]._meta.local_concrete_fields if f.attname not in OWN | ONLY_IN_THE_BOOK.get(name, set())}


def test_every_record_of_the_book_has_a_model() -> None:
    assert set(MODELS) == set(BOOK)


@pytest.mark.parametrize("name", BOOK)
def test_the_model_has_the_columns_of_the_record(name: str) -> None:
    assert list(fields_of(name)) == list(columns_of(name)) or set(fields_of(name)) == set(columns_of(name))


@pytest.mark.parametrize("name", BOOK)
def test_each_column_holds_what_the_record_says(name: str) -> None:
    for column_name, column in columns_of(name).items():
        field = fields_of(name)[column_name]
        if column.col.refers:
            assert isinstance(field, models.ForeignKey), column_name
            assert field.remote_field.model in (MODELS[column.col.refers], "self"), column_name
        else:
            assert isinstance(field, FIELDS[column.kind]), column_name
        has_default = field.has_default()
        assert field.null is not (column.required or has_default), f"{name}.{column_name}: what the record requires the book requires"


@pytest.mark.parametrize("name", BOOK)
def test_every_model_has_what_the_book_adds(name: str) -> None:
    there = {f.attname for f in MODELS[name]._meta.local_concrete_fields}
    assert {"id", "custom", "created_at", "archived_at", "archived_run"} <= there


def values_for(name: str, ids: dict[str, int], full: bool) -> dict[str, Any]:
    kinds = {"integer": 7, "text": "text", "boolean": True, "date": date(2026, 4, 12), "instant": datetime(2026, 4, 12, 9, 30, tzinfo=UTC), "decimal": "12.5"}
    values: dict[str, Any] = {}
    for column_name, column in columns_of(name).items():
        if column.col.refers:
            if (full or column.required) and column.col.refers in ids:
                values[column_name] = ids[column.col.refers]
        elif full or column.required:
            values[column_name] = kinds[column.kind]
    return values


def read(name: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{view_name(name)}"')
        names = [c[0] for c in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize("name", BOOK)
def test_a_view_is_read_empty(name: str) -> None:
    assert read(name) == []


@pytest.mark.django_db
@pytest.mark.parametrize("full", [False, True], ids=["all that may be null is null", "all is given"])
def test_every_view_gives_the_columns_of_its_record(full: bool) -> None:
    now = datetime(2026, 4, 12, 9, 30, tzinfo=UTC)
    ids: dict[str, int] = {}
    for name in BOOK:
        ids[name] = MODELS[name].objects.create(**values_for(name, ids, full), created_at=now).pk  # type: ignore[attr-defined]
    for name in BOOK:
        (row,) = read(name)
        record = record_type(name)
        assert list(row) == record.schema_of().names, name
        assert row[record.info.key] == ids[name]
        for column_name in columns_of(name):
            if column_name not in ("mrr_num", "mrr_den", "parent_id", "renews_id"):
                given = values_for(name, ids, full).get(column_name)
                assert (row[column_name] is None) == (given is None), (name, column_name)


@pytest.mark.django_db
def test_views_leave_out_what_is_archived() -> None:
    now = datetime(2026, 4, 12, 9, 30, tzinfo=UTC)
    account = MODELS["accounts"].objects.create(name="Gone", created_at=now, archived_at=now)  # type: ignore[attr-defined]
    MODELS["contacts"].objects.create(account=account, name="Dana", created_at=now)  # type: ignore[attr-defined]
    kept = MODELS["accounts"].objects.create(name="Kept", created_at=now)  # type: ignore[attr-defined]
    MODELS["contacts"].objects.create(account=kept, name="Jon", created_at=now, archived_at=now)  # type: ignore[attr-defined]
    assert [row["name"] for row in read("accounts")] == ["Kept"]
    assert read("contacts") == []  # of an archived account, or archived itself
