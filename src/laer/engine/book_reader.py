"""The one reader of the book: each record type through its SQL view, as Arrow tables in the record's own schema.

Two copies of SQLite in one process drop each other's locks, and committed rows are then lost, silently. So this process
touches a live SQLite file through Python's own `sqlite3` alone, and a full read happens in a child process, on a
`backup()` copy, through ADBC. PostgreSQL is read through ADBC here. Either way, all records come from one snapshot.

What databases and drivers make of types (SQLite's dates as text, booleans as 0 and 1, ADBC's guess from the first rows,
PostgreSQL's int32 and jsonb) ends in `fitted`, which casts to the record's schema or says which column cannot be cast.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:  # the child process needs neither pydantic nor the record types
    from laer.records.record import Record

POSTGRES_TYPES = {pa.int64(): "bigint", pa.string(): "text", pa.bool_(): "text::boolean", pa.date32(): "date", pa.timestamp("us", tz="UTC"): "timestamptz"}
WHOLE = str(2**31 - 2)  # rows of ADBC's first batch, from which it guesses the types: all of them
CHUNK = 50_000
ZONED = r"(Z|[+-]\d{2}(:?\d{2})?)$"


class BookFault(RuntimeError):
    """The book could not be read as its record types say."""


@dataclass(frozen=True)
class BookAddress:
    """Where the book is: the path of a SQLite file or the DSN of a PostgreSQL database."""

    sqlite: Path | None = None
    postgres: str | None = None

    def __post_init__(self) -> None:
        if (self.sqlite is None) == (self.postgres is None):
            raise ValueError("a book is at a SQLite path or a PostgreSQL DSN; give exactly one")


@dataclass(frozen=True)
class Query:
    """One view to read, in a form that can be handed to the child process (schema: Arrow IPC, base64)."""

    name: str
    sql: str
    parameters: list[str]
    schema: str


def read_book(
    database: BookAddress,
    records: Iterable[type[Record]],
    *,
    columns: Mapping[str, Sequence[str]] | None = None,
    where: Mapping[str, str] | None = None,
    account_ids: Iterable[int] | None = None,
    full: bool,
    scratch: Path | None = None,
) -> dict[str, pa.Table]:
    """Read the views of the records, all from one snapshot; tables by record name.

    columns      by record name, where not all are wanted
    where        by record name, a condition in SQL that both databases know, on the view as `r`
    account_ids  restricts the records that have an account; the others come whole
    full         SQLite only: True in a child process on a copy (half a second, then quick), False by `sqlite3` here
    scratch      folder for the copy, the system's temporary one if None; its content is gone when this returns
    """
    wanted = None if account_ids is None else sorted(set(account_ids))
    queries = [_query(record, database, (columns or {}).get(record.info.name), (where or {}).get(record.info.name), wanted) for record in records]
    try:
        if database.sqlite is None:
            return dict(_from_postgres(str(database.postgres), queries))
        return _from_copy(database.sqlite, queries, scratch) if full else dict(_from_live(database.sqlite, queries))
    except (sqlite3.Error, adbc_driver_manager.Error) as fault:
        raise BookFault(f"{type(fault).__name__}: {fault}") from fault


def fitted(column: pa.ChunkedArray, kind: pa.DataType, name: str) -> pa.ChunkedArray:
    """The column in the type of the record. An instant without a zone is UTC."""
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), kind)])
    try:
        if pa.types.is_timestamp(kind) and pa.types.is_string(column.type):
            column = pc.if_else(pc.equal(pc.utf8_length(column), 10), pc.binary_join_element_wise(column, "T00:00:00", ""), column)
            column = pc.if_else(pc.match_substring_regex(column, ZONED), column, pc.binary_join_element_wise(column, "Z", ""))
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as fault:
        raise BookFault(f"{name}: found {column.type}, expected {kind}: {fault}") from fault


def _query(record: type[Record], database: BookAddress, columns: Sequence[str] | None, where: str | None, account_ids: list[int] | None) -> Query:
    schema, postgres = record.schema_of(), database.postgres is not None
    if columns is not None:
        unknown = sorted(set(columns) - set(schema.names))
        if unknown:
            raise KeyError(f"{record.info.name} has no column {', '.join(unknown)}; the book has {', '.join(schema.names)}")
        schema = pa.schema([schema.field(name) for name in columns])
    selected = ", ".join(f'{_postgres_column(f) if postgres else _sqlite_column(f)} as "{f.name}"' for f in schema)
    conditions, parameters = ([f"({where})"] if where else []), list[str]()
    if account_ids is not None and "account_id" in record.model_fields:
        if postgres:
            conditions.append(f"r.account_id = any('{{{','.join(map(str, account_ids))}}}'::bigint[])")
        else:
            conditions.append("r.account_id in (select value from json_each(?))")
            parameters.append(json.dumps(account_ids))
    sql = f"select {selected} from record_{record.info.name} as r" + (f" where {' and '.join(conditions)}" if conditions else "")
    return Query(record.info.name, sql, parameters, base64.b64encode(schema.serialize()).decode())


def _postgres_column(field: pa.Field) -> str:
    return f'r."{field.name}"::{POSTGRES_TYPES[field.type]}'


def _sqlite_column(field: pa.Field) -> str:
    """Qualified by `r`, since SQLite takes an unknown name in double quotes for a text."""
    return f'cast(r."{field.name}" as text)' if field.type == pa.string() else f'r."{field.name}"'


def _from_postgres(dsn: str, queries: Sequence[Query]) -> Iterator[tuple[str, pa.Table]]:
    import adbc_driver_postgresql.dbapi as adbc

    with adbc.connect(dsn) as connection, connection.cursor() as cursor:  # not autocommit: all in one transaction
        cursor.execute("set transaction isolation level repeatable read read only")
        cursor.execute("set local time zone 'UTC'")
        for query in queries:
            cursor.execute(query.sql)
            yield query.name, _as_record(query, cursor.fetch_arrow_table())


def _from_live(path: Path, queries: Sequence[Query]) -> Iterator[tuple[str, pa.Table]]:
    with closing(_open_live(path)) as connection:
        connection.execute("begin")
        for query in queries:
            cursor = connection.execute(query.sql, query.parameters)
            names, chunks = [name for name, *_ in cursor.description], list[pa.Table]()
            while rows := cursor.fetchmany(CHUNK):
                chunks.append(_as_record(query, pa.table([_array(values) for values in zip(*rows, strict=True)], names=names)))
            yield query.name, pa.concat_tables(chunks) if chunks else _schema(query).empty_table()


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # SQLite keeps any type in any column
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _from_copy(path: Path, queries: Sequence[Query], scratch: Path | None) -> dict[str, pa.Table]:
    with tempfile.TemporaryDirectory(prefix="laer-book-", dir=scratch) as folder:
        job = {"path": str(path), "folder": folder, "queries": [asdict(query) for query in queries]}
        child = subprocess.run([sys.executable, "-P", "-m", __name__], input=json.dumps(job), capture_output=True, text=True, check=False)
        if child.returncode:
            said = child.stderr.strip().rpartition("\n")[2] or f"the reading process ended with {child.returncode}"
            raise BookFault(said)
        # mapped files outlive their names: the folder can go at once
        return {query.name: pa.ipc.open_file(pa.memory_map(f"{folder}/{query.name}.arrow")).read_all() for query in queries}


def _copy_and_read(path: Path, folder: Path, queries: Sequence[Query]) -> None:
    """The child process: copy the live file by `sqlite3`, close it, and only then let the other SQLite read the copy."""
    copy = folder / "book.sqlite3"
    with closing(_open_live(path)) as live, closing(sqlite3.connect(copy)) as target:
        target.execute("pragma synchronous = off")
        live.backup(target)
    import adbc_driver_sqlite.dbapi as adbc

    with adbc.connect(str(copy)) as connection, connection.cursor() as cursor:
        for query in queries:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": WHOLE})
            cursor.execute(query.sql, query.parameters or None)
            table = _as_record(query, cursor.fetch_arrow_table())
            with pa.ipc.new_file(folder / f"{query.name}.arrow", table.schema) as file:
                file.write_table(table)


def _open_live(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=30, isolation_level=None)


def _as_record(query: Query, table: pa.Table) -> pa.Table:
    schema = _schema(query)
    return pa.table([fitted(table[f.name], f.type, f"record_{query.name}.{f.name}") for f in schema], schema=schema)


def _schema(query: Query) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(query.schema)))


class _WithoutPandas:
    """pyarrow imports pandas where it is installed: half a second of each pass, for nothing."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not wanted here", name=name)


if __name__ == "__main__":
    sys.meta_path.insert(0, _WithoutPandas())
    given = json.load(sys.stdin)
    try:
        _copy_and_read(Path(given["path"]), Path(given["folder"]), [Query(**query) for query in given["queries"]])
    except Exception as fault:  # the parent reads the last line
        raise SystemExit(f"{type(fault).__name__}: {' '.join(str(fault).split())}") from fault
