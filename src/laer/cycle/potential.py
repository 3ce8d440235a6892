"""Expansion potential of each account: reasons to grow from the facts of a day, and how often such reasons led to growth, from the firm's own past.

The past is counted by the worker beside the likelihoods (`growth_history`); a pass applies it to the facts of its day.
Method  docs/methods/expansion-potential.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.fact_questions import account_facts
from laer.cycle.growth import bind_owned, owned_of
from laer.cycle.run_tables import RunTables, scoped
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.expand.measures import FULL
from laer.expand.potential import ALIKE, HORIZON, PLAN, PRODUCT, SEATS, Case, Rates, rates_of, reasons_of
from laer.expand.whitespace import cells
from laer.records.money import minor_units

POTENTIAL = "expansion_potential_mrr"
CUTS = 4  # of two years
READS = ("mrr", "state", "segment", "seats_taken_share", "plan_fit", "plan")
ITEMS = pa.schema([("account_id", pa.int64()), ("reason", pa.string()), ("name", pa.string()), ("amount", pa.float64()), ("likelihood", pa.float64()),
    ("n", pa.int64()), ("learned", pa.bool_()), ("worth", pa.float64())])  # fmt: skip
USUAL = pa.schema([("reason", pa.string()), ("segment", pa.string()), ("name", pa.string()), ("amount", pa.float64())])


@dataclass(frozen=True)
class Potential:
    """items   `ITEMS`, of paying accounts with a reason to grow;  column  MRR of each row of the facts, null unknown
    usual   what is usual in each segment (`USUAL`): of the whole firm, which a pass over some accounts takes from the last full one
    """

    items: pa.Table
    column: pa.Array
    usual: pa.Table


def of_pass(
    session: DuckDBSession, facts: pa.Table, lines: pa.Table, day: int, denominator: int, currency: str, rates: Rates, usual: pa.Table | None
) -> Potential:  # fmt: skip
    """In: facts of one day; lines of the ledger with products by name; usual: of the whole firm, where these are a part of it."""
    owned = owned_of(lines, day, denominator, currency)
    usual = usual if usual is not None else usual_of(session, facts, owned)
    by_account: dict[int, set[str]] = {}
    for account, product in owned:
        by_account.setdefault(account, set()).add(product)
    look = _Usual(usual)
    rows: dict[str, list[Any]] = {name: [] for name in ITEMS.names}
    worths: list[float | None] = []
    for account, mrr, state, segment, taken, fit, plan in zip(facts["account_id"].to_pylist(), *(facts[name].to_pylist() for name in READS), strict=True):
        if state != "paying" or mrr is None or (segment is None and taken is None and fit is None):
            worths.append(None)
            continue
        lacks = look.lacks(segment, by_account.get(account, set()))
        found = reasons_of(rates, mrr, full=taken is not None and taken >= FULL, tight=fit == "tight", next_plan=look.next_plan(segment, plan), lacks=lacks)
        worths.append(round(sum(one.worth for one in found), minor_units(currency)))
        for one in found:
            values = (account, one.reason, one.name, one.amount, one.likelihood, one.n, one.learned, one.worth)
            for name, value in zip(ITEMS.names, values, strict=True):
                rows[name].append(value)
    return Potential(pa.table(rows, schema=ITEMS), pa.array(worths, pa.float64()), usual)


def usual_of(session: DuckDBSession, facts: pa.Table, owned: Mapping[tuple[int, str], float]) -> pa.Table:
    """Products that a segment owns (as whitespace has it) and plans with what accounts on them usually pay."""
    bind_owned(session, owned, facts)
    usual = session.fetch(cells())
    products = pa.table([pa.array([PRODUCT] * usual.num_rows), usual["segment"], usual["product"], usual["potential"]], schema=USUAL)
    paid: dict[tuple[str, str], list[float]] = {}
    for segment, plan, mrr, state in zip(*(facts[name].to_pylist() for name in ("segment", "plan", "mrr", "state")), strict=True):
        if state == "paying" and segment is not None and plan is not None and mrr is not None:
            paid.setdefault((segment, plan), []).append(mrr)
    plans = [(PLAN, segment, plan, _middle(amounts)) for (segment, plan), amounts in sorted(paid.items()) if len(amounts) >= ALIKE]
    return pa.concat_tables([products, pa.Table.from_pylist([dict(zip(USUAL.names, one, strict=True)) for one in plans], schema=USUAL)])


def _middle(amounts: list[float]) -> float:
    ordered = sorted(amounts)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


class _Usual:
    def __init__(self, usual: pa.Table) -> None:
        self.products: dict[str, list[tuple[str, float]]] = {}
        self.plans: dict[str, list[tuple[float, str]]] = {}
        for row in usual.to_pylist():
            if row["reason"] == PRODUCT:
                self.products.setdefault(row["segment"], []).append((row["name"], row["amount"]))
            else:
                self.plans.setdefault(row["segment"], []).append((row["amount"], row["name"]))
        for plans in self.plans.values():
            plans.sort()

    def lacks(self, segment: str | None, owns: set[str]) -> list[tuple[str, float]]:
        return [(name, amount) for name, amount in self.products.get(segment or "", ()) if name not in owns]

    def next_plan(self, segment: str | None, plan: str | None) -> tuple[str, float] | None:
        """The plan above the account's own, by what accounts of its segment pay; None where its own or a higher one is not usual there."""
        plans = self.plans.get(segment or "", [])
        place = next((at for at, (_amount, name) in enumerate(plans) if name == plan), None)
        if place is None or place + 1 == len(plans):
            return None
        return plans[place + 1][1], plans[place + 1][0]


def growth_history(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Rates:
    """How often accounts with a reason to grow grew within 180 days, over cuts 180 days apart, the last one 180 days before the run.

    Each case is judged by what was known on the cut; what came is the account's MRR, plan and products on the next cut.
    """
    cuts = tuple(run.day - HORIZON * back for back in range(CUTS, -1, -1))
    facts = account_facts(session, run, {"dates": cuts, "measures": READS, "accounts": params.get("accounts")}, scope)
    lines = scoped(run.tables["lines"], scope)
    cases: list[Case] = []
    for cut, then in pairwise(cuts):
        now, later = facts.filter(pc.equal(facts["d"], cut)), facts.filter(pc.equal(facts["d"], then))
        owned, bought = (owned_of(lines, day, run.denominator, run.currency) for day in (cut, then))
        cases += _cases(now, later, owned, bought, usual_of(session, now, owned))
    return rates_of(cases)


def _cases(now: pa.Table, later: pa.Table, owned: Mapping[tuple[int, str], float], bought: Mapping[tuple[int, str], float], usual: pa.Table) -> Iterator[Case]:
    look = _Usual(usual)
    after = {row["account_id"]: row for row in later.select(["account_id", "mrr", "plan"]).to_pylist()}
    own: dict[int, set[str]] = {}
    for account, product in owned:
        own.setdefault(account, set()).add(product)
    for row in now.to_pylist():
        account, mrr = row["account_id"], row["mrr"]
        if row["state"] != "paying" or not mrr:
            continue
        there = after.get(account, {})
        grew = (there.get("mrr") or 0.0) > mrr
        if row["seats_taken_share"] is not None and row["seats_taken_share"] >= FULL:
            yield Case(SEATS, "", grew, (there["mrr"] / mrr - 1) if grew else None)
        if row["plan_fit"] == "tight" and look.next_plan(row["segment"], row["plan"]) is not None:
            yield Case(PLAN, "", grew and there.get("plan") not in (None, row["plan"]))
        for name, _amount in look.lacks(row["segment"], own.get(account, set())):
            yield Case(PRODUCT, name, bought.get((account, name), 0) > 0)


def potential(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Reasons to grow of the accounts in scope, as the pass found them: `ITEMS`. Empty of a run that did not keep them."""
    return scoped(run.tables["potential"], scope) if "potential" in run.tables else ITEMS.empty_table()
