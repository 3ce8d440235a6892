"""The cohort table as reported: closed months as they were kept, what has changed since in the first open month, then the ledger."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from laer.cycle.scope import Scope
from laer.metrics.policy import load_policy
from laer.metrics.statement import cohort_rows
from laer.web.runs.desk import ask
from laer.web.runs.memory import Memory
from laer.web.runs.models import ClosedMonth, PassRun
from laer.web.runs.reported_accounts import Accounts
from laer.web.runs.restated import outstanding

memory = Memory(20)


@dataclass(frozen=True)
class ReportedCohorts:
    """steps   account -> month -> change of its MRR as reported, in parts of 1/denominator; a restatement falls in the first open month

    An account belongs to the month in which it first paid as reported.
    Holds  the cells of a month add up to the closing of the statement as reported
    """

    steps: dict[int, dict[int, int]]
    denominator: int

    def cohort_of(self, account: int) -> int | None:
        return min((m for m, v in self.steps[account].items() if v), default=None)

    def cohort_rows(self, first: int, last: int) -> list[dict[str, Any]]:
        """Cells as `Ledger.cohort_rows` gives them."""
        sums: dict[tuple[int, int], list[int]] = {}
        for account, steps in self.steps.items():
            cohort = self.cohort_of(account)
            level = 0
            for m in sorted(steps):
                if cohort is not None:
                    there = sums.setdefault((cohort, m), [0, 0])
                    there[0] += (level + steps[m] > 0) - (level > 0)
                    there[1] += steps[m]
                level += steps[m]
        return cohort_rows([(cohort, m, paying, parts) for (cohort, m), (paying, parts) in sorted(sums.items())], first, last, self.denominator)

    def behind(self, cohort: int, month: int) -> list[dict[str, Any]]:
        """The accounts of a cohort that pay at the end of a month, as `behind` gives those of a closing."""
        found = []
        for account, steps in self.steps.items():
            level = sum(v for m, v in steps.items() if m <= month)
            if level and self.cohort_of(account) == cohort:
                value = Fraction(level, self.denominator)
                found.append({"account_id": account, "before": value, "after": value, "amount": value, "movements": 0})
        return sorted(found, key=lambda r: (-abs(r["amount"]), r["account_id"]))


def reported_cohorts(run: PassRun, scope: Scope, found: list[ClosedMonth]) -> ReportedCohorts:
    """The cohorts of the accounts that a scope may read; remembered until the run or the closings change."""
    mark = (run.pk, tuple(c.pk for c in found))
    made: ReportedCohorts = memory.get(("cohorts", scope.key), mark, lambda: _made(run, scope, found))
    return made


def _made(run: PassRun, scope: Scope, found: list[ClosedMonth]) -> ReportedCohorts:
    accounts = Accounts(found, scope)
    changed = outstanding(run, scope, found)
    params = {"movements": "event", "gap_days": load_policy(run.policy).gap_days, "first": accounts.last + 1, "last": 10**6, "levels_only": True}
    open_months = ask("account_months", params, scope, run.pk)
    common = math.lcm(accounts.denominator, int(run.denominator), *(amount.denominator for amount in changed.values()))
    steps = {account: {m: v * (common // accounts.denominator) for m, v in there.items()} for account, there in accounts.steps().items()}
    for (account, _), amount in changed.items():
        _add(steps, account, accounts.last + 1, int(amount * common))
    columns = (open_months[name].to_pylist() for name in ("account_id", "m", "opening", "closing"))
    for account, m, opening, closing in zip(*columns, strict=True):
        _add(steps, account, m, (int(closing) - int(opening)) * (common // int(run.denominator)))
    return ReportedCohorts(steps, common)


def _add(steps: dict[int, dict[int, int]], account: int, month: int, parts: int) -> None:
    there = steps.setdefault(account, {})
    there[month] = there.get(month, 0) + parts
