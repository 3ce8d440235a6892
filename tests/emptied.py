"""The book emptied after a test that commits."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connections, transaction

# Written by migrations, from the code, and the same after any of them.
KEPT = {"django_content_type", "auth_permission"}
# Written from the code as well; the work of a test changes them, so they are put back.
SEEDED = {"book_definition"}
_seeded: list[Any] = []


def empty_book(using: str = "default") -> None:
    """Take every row out of every table of ours that has one.

    Django's own `flush` truncates all seventy tables with their indexes and then sends `post_migrate`: half a second of the
    database's time on PostgreSQL, 0.6 s of ours on SQLite, for a few hundred rows. Sequences go on in both.
    """
    connection = connections[using]
    with connection.constraint_checks_disabled(), transaction.atomic(using=using), connection.cursor() as cursor:
        for table in filled(using=using):
            cursor.execute(f'DELETE FROM "{table}"')


def filled(schema: str = "", using: str = "default") -> list[str]:
    """Tables of ours that have a row; `schema` is the name of an attached file."""
    connection = connections[using]
    of = f'"{schema}".' if schema else ""
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"""SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {of}"{table}")""" for table in _tables(using)))
        return [table for (table,) in cursor.fetchall()]


@cache
def _tables(using: str) -> list[str]:
    return sorted(set(connections[using].introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)


def note_seeded() -> None:
    """Remember the definitions as migrations left them: to read the texts of all of them anew costs a third of a second."""
    from laer.web.book.models import Definition

    _seeded[:] = Definition.objects.order_by("id")


def after_a_committing_test(case: Any) -> None:
    """In place of `TransactionTestCase._fixture_teardown`."""
    for name in case._databases_names(include_mirrors=False):
        as_migrated(name)


def as_migrated(using: str = "default") -> None:
    """The book as migrations left it."""
    from laer.web.book.models import Definition

    empty_book(using)
    Definition.objects.using(using).bulk_create(_seeded)
