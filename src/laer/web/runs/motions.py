"""Accounts as the pages of Adopt and Expand list them: the facts of a run under a scope, in views that name a condition and an order.

What is unknown is in no view: an account is listed as silent where its silence is known, never because nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.fact_inputs import ARROW
from laer.cycle.facts import catalogue
from laer.cycle.scope import Scope
from laer.metrics.catalogue import TYPES
from laer.web.runs.measured import facts_table
from laer.web.runs.models import PassRun

Condition = Callable[[pa.Table], Any]


@dataclass(frozen=True)
class View:
    """where  which accounts are in it, by their facts;  order  columns by which they stand, each with its direction."""

    where: Condition
    order: tuple[tuple[str, str], ...]


def paying(facts: pa.Table) -> Any:
    return pc.fill_null(pc.equal(facts["state"], "paying"), False)


def all_of(*masks: Any) -> Any:
    """All of them; unknown is no."""
    found = pc.fill_null(masks[0], False)
    for mask in masks[1:]:
        found = pc.and_(found, pc.fill_null(mask, False))
    return found


def any_of(*masks: Any) -> Any:
    found = pc.fill_null(masks[0], False)
    for mask in masks[1:]:
        found = pc.or_(found, pc.fill_null(mask, False))
    return found


class Listed:
    """Facts of the accounts in scope, as of a run.

    by  a dimension by whose values they are split ('' where one is not known)
    """

    def __init__(self, table: pa.Table, day: int, by: str) -> None:
        self.day, self.by = day, by
        self.table = table.append_column("split", pc.fill_null(table[by], "")) if by in table.column_names else table.append_column(
            "split", pa.array([""] * table.num_rows, pa.string()))  # fmt: skip

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def mask(self, view: View, split: str | None = None) -> Any:
        kept = pc.fill_null(view.where(self.table), False)
        return kept if split is None else pc.and_(kept, pc.equal(self.table["split"], split))

    def count(self, mask: Any) -> int:
        return int(pc.sum(mask).as_py() or 0)

    def total(self, mask: Any, column: str) -> float:
        return float(pc.sum(self.table.filter(mask)[column]).as_py() or 0.0)

    def rows(self, view: View, split: str | None, begin: int = 0, count: int | None = None) -> list[dict[str, Any]]:
        order = [*view.order, ("account_id", "ascending")]
        return list(self.table.filter(self.mask(view, split)).sort_by(order).slice(begin, count).to_pylist())

    def split_counts(self, masks: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        """Value of the dimension -> name of the mask -> how many accounts."""
        columns = {name: pc.cast(pc.fill_null(mask, False), pa.int64()) for name, mask in masks.items()}
        table = pa.table({"split": self.table["split"], **columns})
        found = table.group_by("split").aggregate([(name, "sum") for name in masks])
        return {row["split"]: {name: row[f"{name}_sum"] for name in masks} for row in found.to_pylist()}


def listed_of(run: PassRun | None, scope: Scope, measures: Sequence[str], by: str, day: int) -> Listed | None:
    """None where the run has no facts. A measure that the run does not know yet is unknown of every account."""
    names = list(dict.fromkeys(("state", "mrr", "owner", by, *measures)))
    table = facts_table(run, ["account_id", *names], scope)
    if table is None:
        return None
    for name in names:
        if name not in table.column_names:
            kind = catalogue()[name].kind if name in catalogue() else "number" if name.startswith("score_") else "text"  # a scorecard's column
            table = table.append_column(name, pa.nulls(table.num_rows, ARROW[TYPES[kind]]))
    return Listed(table, day, by)


def known(listed: Listed, columns: Iterable[str]) -> dict[str, int]:
    """Of how many paying accounts each is known."""
    there = listed.table.filter(paying(listed.table))
    return {name: there.num_rows - there[name].null_count for name in columns}
