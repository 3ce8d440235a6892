"""Migrations from the first to the last, with data in every table, on the database that the tests run on."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from laer.records.types import BOOK
from laer.web.book.seam import view_name

OURS = ("people", "book", "runs")


@pytest.mark.django_db(transaction=True)
def test_every_table_survives_the_way_from_the_first_migration_to_the_last() -> None:
    executor = MigrationExecutor(connection)
    first = [key for key in executor.loader.graph.root_nodes() if key[0] in OURS]
    newest = [key for key in executor.loader.graph.leaf_nodes() if key[0] in OURS]
    for app, name in reversed(first):
        call_command("migrate", app, name, verbosity=0)
    old = MigrationExecutor(connection).loader.project_state(first).apps
    before = {}
    for label in OURS:
        for model in old.get_app_config(label).get_models():
            if not model._meta.managed or model._meta.proxy:
                continue
            made = _row_of(model, old)
            before[model._meta.db_table] = made.pk
    for app, name in newest:
        call_command("migrate", app, name, verbosity=0)
    call_command("migrate", verbosity=0)  # rooms that stand on these, and the views: other tests of this process read them
    with connection.cursor() as cursor:
        for table, key in before.items():
            pk = next(m for m in apps.get_models() if m._meta.db_table == table)._meta.pk.column
            cursor.execute(f'SELECT count(*) FROM "{table}" WHERE "{pk}" = %s', [key])
            assert cursor.fetchone()[0] == 1, f"{table} lost its row"


@pytest.mark.django_db(transaction=True)
def test_views_are_there_after_a_migration_and_gone_before() -> None:
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        for record in BOOK:
            cursor.execute(f'SELECT count(*) FROM "{view_name(record)}"')
    with connection.cursor() as cursor:
        names = {t.name for t in connection.introspection.get_table_list(cursor) if t.type == "v"}
    assert {view_name(r) for r in BOOK} <= names


@pytest.mark.django_db
def test_no_model_is_without_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def _row_of(model: type[models.Model], old: Any) -> models.Model:
    """One row with a value in every column, rows it points at made first."""
    values: dict[str, Any] = {}
    for field in model._meta.local_concrete_fields:
        if isinstance(field, models.AutoField | models.BigAutoField):
            continue
        if field.remote_field is not None:
            target = field.remote_field.model
            values[field.name] = None if target is model else target.objects.first() or _row_of(target, old)
            continue
        values[field.name] = _value(field)
    found = model.objects.filter(pk=values.get(model._meta.pk.name)).first() if model._meta.pk.name in values else None
    return found or model.objects.create(**values)


def _value(field: models.Field[Any, Any]) -> Any:
    if isinstance(field, models.JSONField):
        return {"kept": [1, "é"]}
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.DateField):
        return timezone.localdate()
    if isinstance(field, models.BooleanField):
        return True
    if isinstance(field, models.EmailField):
        return f"{field.model._meta.model_name}@laer.example"
    if isinstance(field, models.CharField | models.TextField):
        return f"{field.name}"[: getattr(field, "max_length", None) or 40]
    if isinstance(field, models.DecimalField):
        return 12
    return 7
