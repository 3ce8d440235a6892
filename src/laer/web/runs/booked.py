"""Booked against live as pages show it: the steps of the bridge with their sums, and the rows behind a step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from laer.cycle.booked import CONTRACTS, Booked
from laer.cycle.scope import Scope
from laer.metrics.booked import Part
from laer.metrics.policy import load_policy
from laer.records.periods import day_number
from laer.web.book.models import MODELS, Contract
from laer.web.runs.desk import ask
from laer.web.runs.models import PassRun


@dataclass(frozen=True)
class Step:
    """The sum of a step, exact and signed, with how many accounts and opportunities (or contracts) it is made of."""

    arr: Fraction
    accounts: int
    sales: int


def booked_of(run: PassRun, scope: Scope, first: int, last: int, churn_basis: str | None = None) -> Booked:
    """The bridge of months first..last; always by each change, never net of the month."""
    return bridges_of(run, scope, [(first, last)], churn_basis)[0]


def bridges_of(run: PassRun, scope: Scope, periods: Iterable[tuple[int, int]], churn_basis: str | None = None) -> list[Booked]:
    """The bridges of some periods, each from its first to its last month."""
    policy = load_policy(run.policy)
    how = {"gap_days": policy.gap_days, "churn_basis": churn_basis or policy.churn_basis, "day": day_number(run.as_of)}
    answer: list[Booked] = ask("booked", how | {"periods": tuple(periods)}, scope, run.pk)
    return answer


def step_of(booked: Booked, name: str) -> Step:
    parts = [p for p in booked.parts if p.step == name]
    return Step(sum((p.arr for p in parts), Fraction(0)), len({p.account_id for p in parts}), len({n for p in parts for n in p.opportunities}))


def by_account(booked: Booked, name: str) -> list[dict[str, Any]]:
    """What each account adds to a step, largest first: account_id, arr (exact, signed), sales (ids)."""
    found: dict[int, list[Part]] = {}
    for part in booked.parts:
        if part.step == name:
            found.setdefault(part.account_id, []).append(part)
    rows = [
        {"account_id": account, "arr": sum((p.arr for p in parts), Fraction(0)), "sales": sorted({n for p in parts for n in p.opportunities})}
        for account, parts in found.items()
    ]
    return sorted(rows, key=lambda r: (-abs(r["arr"]), r["account_id"]))


def sales_named(basis: str | None, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Opportunities, or contracts, by id: name, signed_on, starts_on, seller, arr (in its own currency, None of a contract), currency. One query."""
    ids = list(ids)
    if basis == CONTRACTS:
        contracts = Contract.objects.filter(pk__in=ids).values("pk", "name", "signed_on", "start_on")
        return {c["pk"]: {"name": c["name"], "signed_on": c["signed_on"], "starts_on": c["start_on"]} for c in contracts}
    return {
        o.pk: {
            "name": o.name, "signed_on": o.closed_on, "starts_on": o.starts_on, "seller": o.owner, "currency": o.currency,
            "arr": None if o.arr_num is None or o.arr_den is None else Fraction(o.arr_num, o.arr_den), "assumed": o.amount_basis == "year",
        }
        for o in MODELS["opportunities"].objects.filter(pk__in=ids)
    }  # fmt: skip
