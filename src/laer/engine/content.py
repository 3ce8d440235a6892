"""Rows for publishing, made where the tables are: what is known as one JSON text per row, and a hash of each row's content."""

from __future__ import annotations

import pyarrow as pa

from laer.engine.session import DuckDBSession
from laer.engine.sifting import name


def with_content(session: DuckDBSession, rows: pa.Table, known: pa.Table, key: str, into: str) -> pa.Table:
    """Rows with a column of JSON and a hash.

    Grain  that of `rows`, in any order
    In     known  a row per key, or none: its other columns are the keys of the JSON, those that are null are left out; dates as ISO text
           into   name of the column of JSON
    Out    the columns of `rows`, `into`, and content_hash: 64 signed bits of all of them, the same in every process
    """
    said = ", ".join(_said(field) for field in known.schema if field.name != key)
    session.bind("content_known", known)
    source = f"""select r.*, '{{' || coalesce(k.said, '') || '}}' as {name(into)} from content_rows r
        left join (select {name(key)} as key, concat_ws(', ', {said or "null"}) as said from content_known) k on k.key = r.{name(key)}"""
    return _hashed(session, rows, source, pa.field(into, pa.string()))


def hashed(session: DuckDBSession, rows: pa.Table) -> pa.Table:
    """The rows, in any order, with content_hash."""
    return _hashed(session, rows, "select * from content_rows")


def _hashed(session: DuckDBSession, rows: pa.Table, source: str, *more: pa.Field) -> pa.Table:
    session.bind("content_rows", rows)
    schema = pa.schema([*rows.schema, *more])
    packed = " || ',' || ".join(f"coalesce(length({name(c)}::varchar) || ':' || {name(c)}::varchar, '-')" for c in schema.names)  # neighbours stay apart
    answer = session.connection.sql(f"select *, (md5_number_lower({packed})::hugeint - 9223372036854775808)::bigint as content_hash from ({source})")
    return answer.to_arrow_table().cast(schema.append(pa.field("content_hash", pa.int64())))


def _said(field: pa.Field) -> str:
    """A key with its value as JSON, null where it is not known."""
    column = name(field.name)
    if pa.types.is_date(field.type):
        value = f"""'"' || {column}::varchar || '"'"""
    elif pa.types.is_string(field.type):
        value = f"to_json({column})::varchar"
    elif pa.types.is_floating(field.type):
        value = f"case when isfinite({column}) then {column}::varchar end"
    else:
        value = f"{column}::varchar"
    return f"""'"{field.name}": ' || {value}"""
