"""How the calls of renewals turned out before, and between which sums what is ahead will come in: of a run, under a scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from laer.cycle.due_items import GONE
from laer.cycle.scope import Scope
from laer.records.periods import day_number
from laer.renew.calls import LIKELIHOOD, LOST, READS, system_call
from laer.renew.outlook import ENOUGH, Base, Range, base_of, outlook
from laer.web.runs.desk import ask
from laer.web.runs.measured import facts_table
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun
from laer.web.runs.renewing import Renewals

LEAD, MONTHS = 90, 24  # days before the due day for which the rules are replayed, and months of settled renewals

memory = Memory(50)


@dataclass(frozen=True)
class Replayed:
    """What the rules would have said of settled renewals LEAD days before, and what became of them.

    settled  call -> (renewed, settled);  due, kept  call -> ARR;  items  the renewals, each with its call
    """

    settled: Mapping[str | None, tuple[int, int]]
    due: Mapping[str | None, float]
    kept: Mapping[str | None, float]
    items: list[dict[str, Any]]

    @property
    def n(self) -> int:
        return sum(n for _renewed, n in self.settled.values())

    @property
    def enough(self) -> bool:
        return self.n >= ENOUGH


def replayed(run: PassRun, scope: Scope) -> Replayed:
    """Remembered for the run."""

    def made() -> Replayed:
        params = {"lead": LEAD, "months": MONTHS, "measures": (*READS, LIKELIHOOD)}
        settled: dict[str | None, tuple[int, int]] = {}
        due: dict[str | None, float] = {}
        kept: dict[str | None, float] = {}
        items = ask("renewals_then", params, scope, run.pk).to_pylist()
        for row in items:
            row["call"] = call = system_call(row, row["then_d"]).category
            renewed, n = settled.get(call, (0, 0))
            settled[call] = (renewed + (row["result"] != GONE), n + 1)
            due[call] = due.get(call, 0.0) + (row["due"] or 0.0)
            kept[call] = kept.get(call, 0.0) + (row["kept"] or 0.0)
        return Replayed(settled, due, kept, items)

    found: Replayed = memory.get(("replayed", scope.key), (run.pk, run.finished_at), made)
    return found


@dataclass(frozen=True)
class Outlook:
    """Ranges by month number and by account owner ("" without one), whole under None; `bases`: the rates they rest on, with how many renewals each."""

    whole: Range
    months: Mapping[int, Range]
    owners: Mapping[str, Range]
    bases: Mapping[Base | str, int]


def outlook_of(run: PassRun, scope: Scope, due: Renewals, first: int, last: int, owners: Mapping[int, str]) -> Outlook | None:
    """The range of what ends in some months and is not settled; None where too little is settled, or nothing falls due.

    In   owners  account -> whose it is
    """
    base = replayed(run, scope).settled
    rows = due.rows(pc.and_(due.between(first, last), pc.invert(due.table["settled"])))
    facts = facts_table(run, ["account_id", LIKELIHOOD], scope)
    learned = {}
    if facts is not None and LIKELIHOOD in facts.column_names:
        learned = {account: value for account, value in zip(*(facts[c].to_pylist() for c in ("account_id", LIKELIHOOD)), strict=True) if value is not None}
    items: list[tuple[float, Base | float]] = []
    bases: dict[Base | str, int] = {}
    for row in rows:
        gone = row["system"] == LOST  # somebody said so
        likelihood: Base | float | None = 0.0 if gone else learned.get(row["account_id"])
        if likelihood is None:
            likelihood = base_of(row["system"], base)
        if likelihood is None:
            return None
        items.append((float(row["arr"]), likelihood))
        kind = likelihood if isinstance(likelihood, Base) else LOST if gone else LIKELIHOOD
        bases[kind] = bases.get(kind, 0) + 1
    if not items:
        return None
    seed = day_number(run.as_of)
    by_month = outlook(items, [str(row["month"]) for row in rows], seed)
    by_owner = outlook(items, [f"={owners.get(row['account_id'], '')}" for row in rows], seed)
    return Outlook(
        by_month[""], {int(key): one for key, one in by_month.items() if key}, {key[1:]: one for key, one in by_owner.items() if key}, bases
    )  # fmt: skip
