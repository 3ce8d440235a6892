"""What the tests stand on: nothing of a test that committed is there for the next one, and the book works on."""

from __future__ import annotations

import pytest

from tests.cast import Cast
from tests.emptied import KEPT, empty_book

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> dict[str, int]:
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True, include_views=False):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            found[table] = cursor.fetchone()[0]
    return {table: count for table, count in found.items() if count}


@pytest.mark.parametrize("time", ["first", "after the other emptied it"])
def test_a_book_is_emptied_table_by_table(cast: Cast, time: str) -> None:
    from django.contrib.contenttypes.models import ContentType

    from laer.web.book.models import Account

    assert Account.objects.count() == 7
    assert len(set(rows()) - KEPT) > 10
    empty_book()
    assert set(rows()) <= KEPT
    assert ContentType.objects.get_for_model(Account).app_label == "book"
