"""What of an arriving file the lake does not know yet: staged, hashed and compared as sets, in DuckDB.

A row's identity is source + row id + content. A row without an id is told from its likes by its occurrence number
inside the file, mixed into its content hash: the third of three equal rows is the same row in the next export.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from laer.records.record import record_type
from laer.records.types import LAKE

SQL_TYPES = {pa.int64(): "bigint", pa.string(): "varchar", pa.bool_(): "boolean", pa.date32(): "date", pa.timestamp("us", tz="UTC"): "timestamptz"}
PORTION = 50_000  # rows of a stream that are staged at a time
REQUIRED = ("source", "run", "account_id", "day")


@dataclass(frozen=True)
class Sifted:
    """new       rows to write
    known     rows already present: in the lake, or twice in the file
    restated  new rows whose row id the lake knows with other content, in the same months
    skipped   the (app_id, version) had been written: nothing was looked at
    """

    new: int
    known: int
    restated: int
    skipped: bool = False


def schema_of(table: str) -> pa.Schema:
    """The record's columns, then where each row came from (source, run), the hash of its content, and its partition."""
    if table not in LAKE:
        raise KeyError(f"no lake table {table!r}; there are {', '.join(LAKE)}")
    extra = [("source", pa.string()), ("run", pa.string()), ("content", pa.int64()), ("month", pa.string())]
    return pa.schema([*record_type(table).schema_of(), *(pa.field(name, kind) for name, kind in extra)])


def stage(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
    """Make `staged`, a view, of one whole file: typed, complete, with month and content, each identity once.

    An own `content` (an int64 hash of the row as it stood in the file) is taken where given, else it is hashed from the
    columns, by md5, since DuckDB's own hash may change between versions. A null leaves no trace in it, so that a
    column added later does not change the content of older rows; lengths keep neighbouring texts apart.
    """
    schema, given = schema_of(table), rows.schema.names
    unknown, missing = set(given) - set(schema.names), set(REQUIRED) - set(given)
    if unknown or missing:
        raise ValueError(f"{table}: columns unknown {sorted(unknown)}, missing {sorted(missing)}; the table has {', '.join(schema.names)}")
    columns = {f.name: f"cast({name(f.name) if f.name in given else 'null'} as {SQL_TYPES[f.type]})" for f in schema if f.name not in ("content", "month")}
    columns["row_id"] = f"nullif({columns['row_id']}, '')"
    hashed = [n for n in columns if n not in ("source", "run", "row_id")]
    content = _hash("concat_ws('|', " + ", ".join(f"'{n}:' || length({name(n)}::varchar) || ':' || {name(n)}::varchar" for n in hashed) + ")")
    if "content" in given:
        columns["content"] = content = "content"
    typed = ", ".join(f"{sql} as {name(n)}" for n, sql in columns.items())
    select = f"""select * {"exclude (content)" if "content" in given else ""}, {content} as content,
            lpad(year(day)::varchar, 4, '0') || '-' || lpad(month(day)::varchar, 2, '0') as month
        from (select {typed} from arriving)"""
    con.register("arriving", rows.schema.empty_table())
    con.execute(f"create temp table typed as {select}")
    for portion in _portions(rows):
        con.register("arriving", portion)
        con.execute(f"insert into typed {select}")
    con.unregister("arriving")
    holes = con.sql(" union all ".join(f"select '{n}' from typed where {name(n)} is null having count(*) > 0" for n in (*REQUIRED, "content"))).fetchall()
    if holes:
        raise ValueError(f"{table}: rows without {', '.join(sorted(n for (n,) in holes))}; each needs {', '.join(REQUIRED)}")
    # only the keys that repeat are numbered: a window over all rows would sort them all
    con.execute("""create temp table repeats as
        select line, n from (
            select rowid as line, row_number() over (partition by source, row_id, content order by rowid) as n from typed
            where hash(source, row_id, content) in (select hash(source, row_id, content) as key from typed group by key having count(*) > 1))
        where n > 1""")
    con.execute(f"""create temp view staged as
        select typed.* replace (case when n is null then content else {_hash("content || '#' || n")} end as content)
        from typed left join repeats on typed.rowid = repeats.line where n is null or row_id is null""")


def sift(con: duckdb.DuckDBPyConnection, lake: str, table: str) -> Sifted:
    """Leave in `fresh` the staged rows that are not in the query `lake`, in the order of the lake's files."""
    columns = ", ".join(name(f.name) for f in schema_of(table))
    sources = ", ".join(text(source) for (source,) in con.sql("select distinct source from typed").fetchall()) or "null"
    con.execute(f"create or replace temp view known as select source, row_id, content from ({lake}) where source in ({sources})")
    con.execute(f"""create or replace temp table fresh as select {columns} from staged s anti join known k
        on s.source = k.source and s.content = k.content and s.row_id is not distinct from k.row_id order by month, account_id, day""")
    ((arrived, new),) = con.sql("select (select count(*) from typed), (select count(*) from fresh)").fetchall()
    ((restated,),) = con.sql("select count(*) from fresh f semi join known k on f.source = k.source and f.row_id = k.row_id").fetchall()
    return Sifted(new, arrived - new, restated)


def one_run(con: duckdb.DuckDBPyConnection) -> str:
    """The run of the staged rows: one append belongs to one run, so that taking a run out lets it be written again."""
    runs = [run for (run,) in con.sql("select distinct run from typed limit 3").fetchall()]
    if len(runs) > 1:
        raise ValueError(f"one append belongs to one run; found {', '.join(sorted(runs))}")
    return runs[0] if runs else ""


def select_sql(table: str, paths: list[str]) -> str:
    """A query over data files with the table's schema; a column that older files lack is null."""
    schema = schema_of(table)
    empty = "select " + ", ".join(f"cast(null as {SQL_TYPES[f.type]}) as {name(f.name)}" for f in schema) + " where false"
    if not paths:
        return empty
    files = f"read_parquet([{', '.join(map(text, paths))}], hive_partitioning = true, hive_types = {{'month': varchar}}, union_by_name = true)"
    return f"select {', '.join(name(f.name) for f in schema)} from ({empty} union all by name select * from {files})"


def name(column: str) -> str:
    return '"' + column + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _portions(rows: pa.Table | pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Pulled by the caller's own thread: DuckDB would pull a stream from its threads, where the connection behind it must not go."""
    if isinstance(rows, pa.Table):
        yield rows
        return
    held: list[pa.RecordBatch] = []
    for batch in rows:
        held.append(batch)
        if sum(each.num_rows for each in held) >= PORTION:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _hash(sql: str) -> str:
    return f"(md5_number_lower({sql})::hugeint - 9223372036854775808)::bigint"
