"""A small pass's snapshot: the run before without some accounts, and their fresh rows. Tables in which nothing changed are carried over as they are.

A carried table is the same file under a second name, and the folder says which run wrote it: whoever remembers what was made of it
need not make it again. A pass over five accounts of 100,000 writes the two or three tables in which they changed.
"""

from __future__ import annotations

import os
import shutil
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from laer.cycle import flowing
from laer.web.runs import snapshots

COMPARED = 20_000  # rows up to which it is looked whether they are the same: beyond, writing the table takes no longer
PARTS = {  # columns of amounts in parts of the run's denominator
    "lines": ("parts", "paused_parts", "list_parts"), "renewals": ("parts",), **flowing.IN_PARTS,
}  # fmt: skip


def carry(run_id: int, before: int, fresh: Mapping[str, pa.Table], accounts: frozenset[int], *, factor: int = 1) -> str:
    """Write the run's tables from those of the run before. `factor`: by which that one's parts are to be multiplied."""
    folder, old, written = snapshots.empty_folder(run_id), snapshots.folder_of(before), dict(snapshots.written_by(before))
    ids = sorted(accounts)
    by = {}
    for name, table in fresh.items():
        there, path, own = old / f"{name}.parquet", folder / f"{name}.parquet", factor != 1 and name in PARTS
        if there.exists() and not own and _unchanged(there, table, ids):
            _share(there, path)
            by[name] = written[name]
            continue
        whole = table if not there.exists() else merged(_scaled(name, pq.read_table(there), factor), table, ids)
        snapshots.write_table(whole, path)
        by[name] = run_id
    snapshots.note_written(run_id, by)
    return snapshots.shown_path(folder)


def scaled(tables: Mapping[str, pa.Table], factor: int) -> dict[str, pa.Table]:
    """Tables of a run with amounts in parts so many times as fine: exact."""
    return {name: _scaled(name, table, factor) for name, table in tables.items()}


def _scaled(name: str, table: pa.Table, factor: int) -> pa.Table:
    from laer.cycle.lines_input import parts_array

    if factor == 1:
        return table
    if name in flowing.IN_PARTS:
        return flowing.scaled(table, factor)
    for column in PARTS.get(name, ()):
        if column not in table.column_names:
            continue
        place, kind = table.schema.get_field_index(column), table.schema.field(column).type
        if pa.types.is_floating(kind):
            made = pc.multiply(table[column], float(factor))
        elif column == "parts" and name == "lines":
            made = parts_array([int(p) * factor for p in table[column].to_pylist()])
        else:
            made = pa.array([None if p is None else int(p) * factor for p in table[column].to_pylist()]).cast(kind)
        table = table.set_column(place, column, made)
    return table


def merged(before: pa.Table, fresh: pa.Table, ids: list[int]) -> pa.Table:
    """One table of the run before without these accounts, and their fresh rows. One of the whole firm stays as it was."""
    if "account_id" not in before.column_names:
        return before
    kept = before.filter(pc.invert(pc.is_in(before["account_id"], pa.array(ids, pa.int64()))))
    return pa.concat_tables([kept, _as(fresh, kept.schema)] if not _wider(fresh, kept) else [_as(kept, fresh.schema), fresh])


def _unchanged(path: Path, fresh: pa.Table, ids: list[int]) -> bool:
    """Whether the file holds these rows of these accounts and no others, in whatever order."""
    with pq.ParquetFile(path, memory_map=True) as file:
        names = file.schema_arrow.names
        if "account_id" not in names:  # of the whole firm: a small pass took it from there
            return True
        if fresh.num_rows > COMPARED or set(names) != set(fresh.column_names):
            return False
        place = names.index("account_id")
        groups = [n for n in range(file.num_row_groups) if _may_hold(file.metadata.row_group(n).column(place).statistics, ids)]
        there = file.read_row_groups(groups) if groups else file.schema_arrow.empty_table()
    there = there.filter(pc.is_in(there["account_id"], pa.array(ids, pa.int64())))
    return there.num_rows == fresh.num_rows and _rows(there, names) == _rows(fresh, names)


def _may_hold(statistics: pq.Statistics | None, ids: list[int]) -> bool:
    if statistics is None or not statistics.has_min_max:
        return True
    at = bisect_left(ids, statistics.min)
    return at < len(ids) and ids[at] <= statistics.max


def _rows(table: pa.Table, names: list[str]) -> list[str]:
    return sorted(map(repr, table.select(names).to_pylist()))


def _share(there: Path, path: Path) -> None:
    try:
        os.link(there, path)
    except OSError:  # not every file system has second names
        shutil.copyfile(there, path)


def _wider(table: pa.Table, other: pa.Table) -> bool:
    """Whether the first carries amounts as decimals that the second has as integers."""
    return any(
        pa.types.is_decimal(field.type) and pa.types.is_integer(other.schema.field(field.name).type)
        for field in table.schema
        if field.name in other.schema.names
    )


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    for name in schema.names:
        if name not in table.column_names:  # a snapshot written before the column was
            table = table.append_column(name, pa.nulls(table.num_rows, schema.field(name).type))
    return table.select(schema.names).cast(schema)
