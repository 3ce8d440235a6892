"""What has changed in closed months since they were reported: account by account, with cause and author."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from laer.cycle.ledger_questions import packed
from laer.cycle.scope import Scope
from laer.metrics.policy import load_policy
from laer.metrics.statement import plain
from laer.records.money import minor_units, rounded
from laer.records.periods import first_day, month_number
from laer.web.book.scope import visible_accounts
from laer.web.people.models import User
from laer.web.runs.causes import NOBODY, causes_of
from laer.web.runs.desk import ask
from laer.web.runs.memory import Memory
from laer.web.runs.models import ClosedMonth, PassRun, Restatement
from laer.web.runs.rates import rates_of
from laer.web.runs.reported_accounts import Accounts

memory = Memory(20)
Places = dict[tuple[int, int], Fraction]


@dataclass(frozen=True)
class Restated:
    """One account's difference in one closed month, signed: its movements now less those reported and those taken in since."""

    account_id: int
    month: int
    amount: Fraction
    causes: list[dict[str, Any]]
    booked: int | None = None  # the month whose closing took it in; None: it stands in the first open month


def outstanding(run: PassRun, scope: Scope, found: list[ClosedMonth]) -> Places:
    """(account, month) -> the difference that no closing has taken in yet.

    Holds  sum == closing of the last closed month as restated - the same as reported (`Reported.outstanding`)
    """
    if not found:
        return {}
    mark = (run.pk, tuple(c.pk for c in found))
    places: Places = memory.get(("outstanding", scope.key), mark, lambda: _outstanding(run, scope, found))
    return places


def _outstanding(run: PassRun, scope: Scope, found: list[ClosedMonth]) -> Places:
    accounts = Accounts(found, scope)
    params = {"movements": "event", "gap_days": load_policy(run.policy).gap_days, "last": accounts.last, "levels_only": True}
    table = ask("account_months", params, scope, run.pk)
    common = math.lcm(accounts.denominator, int(run.denominator))
    now, then = common // int(run.denominator), common // accounts.denominator
    parts: dict[tuple[int, int], int] = {}
    for account, m, opening, closing in zip(*(table[c].to_pylist() for c in ("account_id", "m", "opening", "closing")), strict=True):
        parts[account, m] = (int(closing) - int(opening)) * now
    for place, row in accounts.rows.items():
        parts[place] = parts.get(place, 0) - (row.closing - row.opening) * then
    for place, taken in accounts.restated.items():
        parts[place] = parts.get(place, 0) - taken * then
    return {place: Fraction(p, common) for place, p in sorted(parts.items(), key=lambda item: (item[0][1], item[0][0])) if p}


def explained(run: PassRun, places: Places, found: list[ClosedMonth]) -> list[Restated]:
    """The differences with what touched the account since the last closing."""
    if not places:
        return []
    since = found[-1].closed_at
    assert since is not None  # in force
    # Each closing takes in every difference that stands open, so these have arisen since the last one.
    causes = causes_of({a for a, _ in places}, since)
    made = _by_rates(run, places, found[-1])
    return [Restated(account, m, amount, _told(run, found[-1], amount, made.get((account, m)), causes.get(account))) for (account, m), amount in places.items()]


def _told(run: PassRun, closed: ClosedMonth, amount: Fraction, by_rates: Fraction | None, causes: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """What rates alone make of a difference, exactly, and what else there is to it."""
    if not by_rates:
        return causes or [_rule(run, closed)]
    years = (
        f"plan rates of {run.plan_year} in place of {closed.plan_year}"
        if run.plan_year != closed.plan_year
        else f"the plan rates of {run.plan_year} have changed"
        if run.plan_year
        else "the rates have changed"
    )
    text = f"exchange rates: {years}, {plain(rounded(by_rates, minor_units(run.currency)))} {run.currency}"
    return [NOBODY | {"text": text}, *((causes or [_rule(run, closed)]) if amount != by_rates else [])]


def _by_rates(run: PassRun, places: Places, closed: ClosedMonth) -> Places:
    """(account, month) -> what the run's rates make of its movement less what those of the last closing would: earlier ones were taken in then."""
    then, now = rates_of(closed), rates_of(run)
    if then == now or not now.keys() <= then.keys():
        return {}
    scope = Scope(False, frozenset(account for account, _ in places))
    params = {"movements": "event", "gap_days": load_policy(run.policy).gap_days, "last": max(m for _, m in places), "levels_only": True}
    sums: Places = {}
    for sign, more in ((1, {}), (-1, {"rates": packed(then)})):
        table = ask("account_months", params | more, scope, run.pk)
        denominator = int(table.schema.metadata[b"denominator"])
        for account, m, opening, closing in zip(*(table[c].to_pylist() for c in ("account_id", "m", "opening", "closing")), strict=True):
            sums[account, m] = sums.get((account, m), Fraction(0)) + sign * Fraction(int(closing) - int(opening), denominator)
    return sums


def _rule(run: PassRun, closed: ClosedMonth) -> dict[str, Any]:
    """Without a change of the account it is the policy, or what a date or a rate does by itself."""
    if (closed.policy, closed.policy_version) == (run.policy, run.policy_version):
        return NOBODY
    text = f"policy {run.policy}, version {run.policy_version}, in place of {closed.policy}, version {closed.policy_version}"
    return NOBODY | {"text": text}


def taken_in(found: list[ClosedMonth], user: User) -> list[Restated]:
    """What earlier closings took in, newest closing first, for the accounts that the person may see."""
    rows = Restatement.objects.filter(booked__in=[c.pk for c in found]).select_related("booked").order_by("-booked__month", "month", "account_id")
    if not user.reads_everything:
        rows = rows.filter(account__in=visible_accounts(user))
    return [Restated(r.account_id, month_number(r.month), Fraction(r.amount), r.causes, month_number(r.booked.month)) for r in rows]


def keep(booked: ClosedMonth, told: Iterable[Restated]) -> list[tuple[Any, ...]]:
    """Rows of `Restatement`, in the order of KEPT."""
    return [(booked.pk, first_day(r.month), r.account_id, str(r.amount), r.causes) for r in told]


KEPT = ("booked_id", "month", "account_id", "amount", "causes")


def behind(run: PassRun, scope: Scope, found: list[ClosedMonth], params: dict[str, Any], restated: Callable[..., list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The accounts behind a figure as reported: closed months from what was kept, open ones from the ledger.

    In     params    as of the question `revenue_behind`, without a dimension; movement may be `restatement`
           restated  answers for months that are open
    Holds  the sum of amount is the figure of the statement as reported
    """
    accounts = Accounts(found, scope)
    movement, first, last = params["movement"], params["first"], params["last"]
    if movement in ("opening", "closing"):
        at = first - 1 if movement == "opening" else last
        if at > accounts.last:
            return restated(params)
        levels = {a: accounts.exact(p) for a, p in accounts.levels_at(at).items()}
        rows = [{"account_id": a, "before": v, "after": v, "amount": v, "movements": 0} for a, v in levels.items()]
    elif movement == "restatement":
        rows = _restatements(run, scope, found, accounts, first, last)
    else:
        rows = accounts.moved(movement, first, last, net=params["movements"] == "net")
        if last > accounts.last:
            rows = _joined(rows, restated(params | {"first": max(first, accounts.last + 1)}))
    return sorted(rows, key=lambda r: (-abs(r["amount"]), r["account_id"]))


def _restatements(run: PassRun, scope: Scope, found: list[ClosedMonth], accounts: Accounts, first: int, last: int) -> list[dict[str, Any]]:
    sums: dict[int, Fraction] = {}
    for (account, m), parts in accounts.taken.items():
        if first <= m <= last:
            sums[account] = sums.get(account, Fraction(0)) + accounts.exact(parts)
    if first <= accounts.last + 1 <= last:
        for (account, _), amount in outstanding(run, scope, found).items():
            sums[account] = sums.get(account, Fraction(0)) + amount
    before = {a: accounts.exact(p) for a, p in accounts.levels_at(first - 1).items()}
    levels = {a: (before.get(a, Fraction(0)), v) for a, v in sums.items() if v}
    return [{"account_id": a, "before": level, "after": level + v, "amount": v, "movements": 0} for a, (level, v) in levels.items()]


def _joined(rows: list[dict[str, Any]], more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {r["account_id"]: r for r in rows}
    for r in more:
        there = found.get(r["account_id"])
        if there is None:
            found[r["account_id"]] = dict(r)
        else:
            there |= {"after": r["after"], "amount": there["amount"] + r["amount"], "movements": there["movements"] + r["movements"]}
    return list(found.values())
