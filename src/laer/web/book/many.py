"""Many ids in one query."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection
from django.db.models.expressions import RawSQL


def listed(ids: Iterable[int]) -> RawSQL:
    """Ids as one parameter: Django takes 20 microseconds for each of a list, a database more than it needs to read the query, and SQLite refuses many."""
    if connection.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", (json.dumps(list(ids)),))
    return RawSQL("SELECT unnest(%s::bigint[])", (list(ids),))
