"""What a pass concludes from models and from the whole firm, put into the facts of its day: likelihoods, and what an account may grow by.

Each is a measure of the catalogue, so that conditions, lists and cards read it like any other. Its formula alone says nothing: it is what a pass said.
Of a past day it is what the last whole pass by then said, never what today's model would have said: that one has seen what came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.likelihoods import KINDS, chances
from laer.scores.likelihood import Likelihood

if TYPE_CHECKING:
    from laer.cycle.facts import Found

LEARNED = (*KINDS, "expansion_potential_mrr")


def with_likelihoods(found: Found, models: Mapping[str, Likelihood | None], day: int) -> Found:
    """The facts of a pass with what models say of each account. In: models by kind; those that are not there, or say nothing, leave their measure unknown."""
    told = {kind: chances(kind, model, found.facts.table, day) for kind, model in models.items() if model is not None}
    return concluded(found, told)


def concluded(found: Found, told: Mapping[str, pa.Array]) -> Found:
    """In: told: column -> its values, row by row as in the facts."""
    rows = found.facts.table
    for name, values in told.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, values.cast(rows.schema.field(at).type))
    return replace(found, facts=replace(found.facts, table=rows))


def as_concluded(rows: pa.Table, shown: Callable[[int, Iterable[str]], pa.Table | None]) -> pa.Table:
    """Facts of some dates with what passes concluded by then.

    In   shown  of a day and names the account_id and those columns as pages showed them on that day; None where no pass had run
    """
    wanted = [name for name in rows.column_names if name in LEARNED]
    made = {name: pa.nulls(rows.num_rows, rows.schema.field(name).type) for name in wanted}
    accounts, days = rows["account_id"].combine_chunks(), rows["d"].combine_chunks()
    for day in pc.unique(days).to_pylist() if wanted else ():
        kept = shown(day, ("account_id", *wanted))
        if kept is None:
            continue
        mine = pc.equal(days, day)
        place = pc.if_else(mine, pc.index_in(accounts, kept["account_id"].combine_chunks()), None)
        for name in set(wanted) & set(kept.column_names):
            made[name] = pc.if_else(mine, kept[name].combine_chunks().take(place).cast(made[name].type), made[name])
    for name, values in made.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
    return rows
