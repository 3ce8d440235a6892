"""Sums of what each account is and did, of rows that are there: what a run keeps is summed without an engine, exactly.

A `cell` says in one number where an account stands and what it is at every joint (`standing.cell_of`): a hundred thousand rows are summed
by two numbers, not by six words.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from laer.flow.joints import JOINTS, STATES
from laer.flow.moves import MOVED

MOVES = (*MOVED, "entering", "leaving")
FITS = 2**62
EXACT = pa.decimal128(38, 0)


def summed(table: pa.Table, keys: Sequence[str], names: Sequence[str]) -> pa.Table:
    """Sums of some columns by some keys, and how many rows there are (`rows`). Arrow's sums of whole numbers wrap: those that might are decimals."""
    for name in names:
        column = table[name]
        least, most = (int(value or 0) for value in pc.min_max(column).as_py().values())
        if pa.types.is_decimal(column.type) or max(-least, most) * table.num_rows >= FITS:
            table = table.set_column(table.schema.get_field_index(name), name, column.cast(EXACT))
    found = table.select([*keys, *names]).group_by(list(keys), use_threads=False).aggregate([*((name, "sum") for name in names), ([], "count_all")])
    return found.rename_columns([*keys, *names, "rows"])


def joint_sums(standing: pa.Table) -> pa.Table:
    """As `standing.joint_sums`, of rows with cohort, value, cell, landed and mrr."""
    return summed(standing, ("cohort", "value", "cell"), ("landed", "mrr")).rename_columns(["cohort", "value", "cell", "landed", "mrr", "accounts"])


def move_sums(stages: pa.Table) -> pa.Table:
    """As `standing.move_sums`, of rows of `standing.account_stages`."""
    return summed(stages, ("cohort", "value", "stage"), (*MOVES, "churns")).drop_columns(["rows"])


def decoded(sums: pa.Table) -> pa.Table:
    """Rows of `joint_sums` with what their cells say: stage, and the index in `STATES` of every joint under its name."""
    rest = sums["cell"]
    for joint in reversed(JOINTS):
        more = pc.divide(rest, len(STATES))
        sums, rest = sums.append_column(joint, pc.subtract(rest, pc.multiply(more, len(STATES)))), more
    return sums.append_column("stage", rest)
