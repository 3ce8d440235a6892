from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from laer.engine.session import DuckDBSession, _as_declared, _duckdb_sql
from laer.records.expr import Table
from tests.metrics import books


@pytest.fixture(scope="module")
def session() -> Iterator[DuckDBSession]:
    with DuckDBSession() as opened:
        yield opened


@pytest.fixture(scope="module")
def rows_of(session: DuckDBSession) -> Callable[..., list[dict[str, Any]]]:
    """Rows of an expression over tables bound by name. An expression is prepared once: hypothesis asks it many times."""
    prepared: dict[int, tuple[Table, str]] = {}

    def answer(expression: Table, **tables: pa.Table) -> list[dict[str, Any]]:
        for name, table in tables.items():
            session.bind(name, table)
        if id(expression) not in prepared:
            prepared[id(expression)] = (expression, _duckdb_sql(expression))
        return books.plain(_as_declared(session.connection.sql(prepared[id(expression)][1]).to_arrow_table(), expression))

    return answer
