"""Run expressions. A session is started for a pass or a question and holds nothing afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cached_property, lru_cache
from types import TracebackType
from typing import Any, Protocol, Self

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from sqlglot import expressions as sge


class Session(Protocol):
    """What formulas need of an engine: tables by name, intermediate results, an answer as Arrow."""

    def bind(self, name: str, rows: pa.Table) -> None: ...

    def keep(self, name: str, expression: ir.Table) -> ir.Table: ...

    def fetch(self, expression: ir.Table) -> pa.Table: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class DuckDBSession:
    """DuckDB in the process, in memory, with bounded threads and memory; it spills to a private folder.

    `keep` computes an expression once and hands back an unbound table of that name, to build further expressions on.
    """

    def __init__(self, *, threads: int = 2, memory: str = "1GB") -> None:
        self._threads, self._memory = threads, memory
        self._kept: set[str] = set()

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The live connection, for the lake's scans (rooms below `cycle` never see it). Opened when first used: not every question needs an engine."""
        self._spill = tempfile.TemporaryDirectory(prefix="laer-engine-")
        connection = duckdb.connect(
            config={"threads": str(self._threads), "memory_limit": self._memory, "temp_directory": self._spill.name, "preserve_insertion_order": "false"}
        )
        connection.execute("set enable_progress_bar = false")  # it would be drawn into the server's log, across its lines
        return connection

    def bind(self, name: str, rows: pa.Table) -> None:
        if name in self._kept:  # DuckDB would refuse a view of the name of a table
            self.connection.execute(f'drop table "{name}"')
            self._kept.discard(name)
        self.connection.register(name, rows)

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        self._kept.add(name)
        self.connection.execute(f'create or replace temp table "{name}" as {_duckdb_sql(expression)}')
        return ibis.table(expression.schema(), name=name)

    def fetch(self, expression: ir.Table) -> pa.Table:
        answer = self.connection.sql(_duckdb_sql(expression)).to_arrow_table()
        return _as_declared(answer, expression)

    def interrupt(self) -> None:
        if "connection" in self.__dict__:
            self.connection.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if "connection" in self.__dict__:
            self.connection.close()
            self._spill.cleanup()


class SparkSession:
    """The same expressions on PySpark (extra `spark`). Tables arrive as temporary views."""

    def __init__(self, spark: Any) -> None:
        self._backend = ibis.pyspark.connect(spark)
        self._spark = spark

    def bind(self, name: str, rows: pa.Table) -> None:
        self._spark.createDataFrame(rows).createOrReplaceTempView(name)

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        frame = self._spark.sql(_sql(expression, "pyspark")).cache()
        frame.createOrReplaceTempView(name)
        return ibis.table(expression.schema(), name=name)

    def fetch(self, expression: ir.Table) -> pa.Table:
        return _as_declared(self._spark.sql(_sql(expression, "pyspark")).toArrow(), expression)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._spark.catalog.clearCache()


class _DuckDB(DuckDBCompiler):  # type: ignore[misc]
    """DuckDB widens integer sums to 128 bits, which every later step then carries; here they stay as the expression declares.

    A sum that does not fit is an error of the engine, never a wrong figure.
    """

    def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:
        total = super().visit_Sum(op, arg=arg, where=where)
        return self.cast(total, op.dtype) if op.dtype.is_integer() else total

    def visit_WindowFunction(self, op: Any, *, func: Any, **over: Any) -> Any:
        if isinstance(func, sge.Cast):
            return self.cast(super().visit_WindowFunction(op, func=func.this, **over), op.dtype)
        return super().visit_WindowFunction(op, func=func, **over)


def _duckdb_sql(expression: ir.Table) -> str:
    return _compiled(expression.op())


@lru_cache(maxsize=512)
def _compiled(relation: Any) -> str:
    """The SQL of a relation. Compiling takes longer than most questions run, and a pass or a page asks the same ones again."""
    return str(_DuckDB().to_sqlglot(relation.to_expr().unbind()).sql(dialect="duckdb"))


def _sql(expression: ir.Table, dialect: str) -> str:
    return str(ibis.to_sql(expression, dialect=dialect, pretty=False))


def _as_declared(answer: pa.Table, expression: ir.Table) -> pa.Table:
    """Engines widen sums (DuckDB's HUGEINT); an answer has the types that the expression declares."""
    declared: Mapping[str, Any] = dict(expression.schema().items())
    return pa.table({name: answer[name].cast(kind.to_pyarrow()) for name, kind in declared.items()})
