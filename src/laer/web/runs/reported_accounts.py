"""What accounts did in closed months, as reported: rows, levels and sums, exact over one denominator."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from laer.cycle.scope import Scope
from laer.metrics.changes import BALANCE, MOVEMENTS
from laer.metrics.months import COUNTS
from laer.metrics.statement import Sums
from laer.records.periods import month_number
from laer.web.runs.models import ClosedMonth, ReportedAccount, Restatement

FIRST = ("new", "opening_balance")  # movements that begin an account: under `net` they keep their name


@dataclass(frozen=True)
class Row:
    """An account in a closed month in which it moved, in parts."""

    opening: int
    closing: int
    moves: Mapping[str, int]
    counts: Mapping[str, int]

    def net(self) -> Row:
        """The same with one movement for the month: closing against opening (rule 4)."""
        delta = self.closing - self.opening
        if not delta:
            return Row(self.opening, self.closing, {}, {})
        if not self.opening:
            name = next((n for n in FIRST if self.moves.get(n)), "reactivation")
        elif not self.closing:
            name = "churn"
        else:
            name = "expansion" if delta > 0 else "contraction"
        counts = {COUNTS[name]: 1} if name in COUNTS else {}
        return Row(self.opening, self.closing, {name: abs(delta)}, counts | ({"lost": 1} if name == "churn" else {}))


class Accounts:
    """The accounts of closed months that a scope may read. Two queries.

    rows   (account, month) -> Row, months in which it moved
    taken  (account, month that booked it) -> restatement of earlier months, in parts
    """

    def __init__(self, closings: Iterable[ClosedMonth], scope: Scope) -> None:
        at = {c.pk: c for c in closings}
        self.last = max((month_number(c.month) for c in at.values()), default=-1)
        mine = {"account_id__in": sorted(scope.account_ids)} if not scope.everything else {}
        booked = Restatement.objects.filter(booked__in=list(at), **mine).values_list("booked_id", "month", "account_id", "amount")
        amounts = [(pk, month_number(month), account, Fraction(amount)) for pk, month, account, amount in booked]
        self.denominator = math.lcm(*(int(c.denominator) for c in at.values()), *(a.denominator for *_, a in amounts))
        factors = {pk: self.denominator // int(c.denominator) for pk, c in at.items()}
        months = {pk: month_number(c.month) for pk, c in at.items()}
        self.rows: dict[tuple[int, int], Row] = {}
        kept = ReportedAccount.objects.filter(closed__in=list(at), **mine).values_list("closed_id", "account_id", "opening", "closing", "moves", "counts")
        for pk, account, opening, closing, moves, counts in kept.iterator(5_000):
            f = factors[pk]
            self.rows[account, months[pk]] = Row(int(opening) * f, int(closing) * f, {n: int(v) * f for n, v in moves.items()}, counts)
        self.taken: dict[tuple[int, int], int] = {}
        self.restated: dict[tuple[int, int], int] = {}  # (account, month of effect) -> what later closings took in
        for pk, month, account, amount in amounts:
            parts = int(amount * self.denominator)
            self.taken[account, months[pk]] = self.taken.get((account, months[pk]), 0) + parts
            self.restated[account, month] = self.restated.get((account, month), 0) + parts

    def steps(self) -> dict[int, dict[int, int]]:
        """account -> month -> change of its level as reported: what it moved, and what was taken in."""
        steps: dict[int, dict[int, int]] = {}
        for (account, m), row in self.rows.items():
            there = steps.setdefault(account, {})
            there[m] = there.get(m, 0) + row.closing - row.opening
        for (account, m), parts in self.taken.items():
            there = steps.setdefault(account, {})
            there[m] = there.get(m, 0) + parts
        return steps

    def levels_at(self, month: int) -> dict[int, int]:
        """account -> its MRR as reported at the end of a closed month, where it is not 0."""
        levels = {account: sum(v for m, v in there.items() if m <= month) for account, there in self.steps().items()}
        return {account: level for account, level in levels.items() if level}

    def sums(self, first: int, windows: Iterable[int], *, net: bool = False) -> Sums:
        """The sparse sums that `statement` makes months of, from month `first` to the last closed one."""
        sums = Sums()
        for (_, m), whole in self.rows.items():
            row = whole.net() if net else whole
            for name, value in (*row.moves.items(), *row.counts.items()):
                there = sums.months.setdefault(m, {"change": 0, "paying": 0})
                there[name] = there.get(name, 0) + value
        steps_of = self.steps()
        paths = [_path(steps, first, self.last) for steps in steps_of.values()]
        opened = [self._opened(account, path, first) for account, path in zip(steps_of, paths, strict=True)]
        for place, m in enumerate(range(first, self.last + 1)):
            before = [p[place - 1] if place else 0 for p in paths]
            now = [p[place] for p in paths]
            there = sums.months.setdefault(m, {"change": 0, "paying": 0})
            there["change"] = sum(now) - sum(before)
            there["paying"] = sum(n > 0 for n in now) - sum(b > 0 for b in before)
        for w in windows:
            closing = kept = 0
            for place, m in enumerate(range(first, self.last + 1)):
                pairs = [(p[place - w], _less(p, o, place, w)) for p, o in zip(paths, opened, strict=True) if place >= w and p[place - w] > 0]
                closed, held = sum(b for _, b in pairs), sum(min(a, b) for a, b in pairs)
                sums.retained[w, m] = (closed - closing, held - kept)
                closing, kept = closed, held
        return sums

    def _opened(self, account: int, path: list[int], first: int) -> list[tuple[int, int]] | None:
        """By month as `retention.opened_states` has it: (opening balances beside what was paid since the account last came, how often it came)."""
        rows = {m: row for m in range(first, self.last + 1) if (row := self.rows.get((account, m)))}
        beside = {m: row.moves[BALANCE] for m, row in rows.items() if row.opening > 0 and BALANCE in row.moves}
        if not beside:
            return None
        found, opened, stay, before = [], 0, 0, 1
        for place, level in enumerate(path):
            if before == 0 and level > 0:
                opened, stay = 0, stay + 1
            opened, before = opened + beside.get(first + place, 0), level
            found.append((opened, stay))
        return found

    def moved(self, movement: str, first: int, last: int, *, net: bool = False) -> list[dict[str, Any]]:
        """The accounts behind one movement of closed months, as `behind_movement` gives those of the ledger."""
        found: dict[int, dict[str, Any]] = {}
        for (account, m), whole in sorted(self.rows.items(), key=lambda item: item[0][1]):
            row = whole.net() if net else whole
            if not first <= m <= last or not row.moves.get(movement):
                continue
            there = found.setdefault(account, {"account_id": account, "before": self.exact(row.opening), "amount": Fraction(0), "movements": 0})
            there["after"] = self.exact(row.closing)
            there["amount"] += self.exact(row.moves[movement])
            there["movements"] += row.counts.get(COUNTS.get(movement, ""), 1)
        return list(found.values())

    def exact(self, parts: int) -> Fraction:
        return Fraction(parts, self.denominator)


def _less(path: list[int], opened: list[tuple[int, int]] | None, place: int, window: int) -> int:
    """The level at a window's end without the opening balances that were stated beside it within the window."""
    if opened is None:
        return path[place]
    (now, stay), (then, stay_then) = opened[place], opened[place - window]
    return max(path[place] - now + (then if stay == stay_then else 0), 0)


def _path(steps: Mapping[int, int], first: int, last: int) -> list[int]:
    level, path = sum(v for m, v in steps.items() if m < first), []
    for m in range(first, last + 1):
        level += steps.get(m, 0)
        path.append(level)
    return path


def kept_of(row: Mapping[str, Any]) -> tuple[str, str, dict[str, str], dict[str, int]]:
    """Opening, closing, moves and counts of a row of `account_months`, as they are kept."""
    moves = {n: str(int(row[n])) for n in (BALANCE, *MOVEMENTS) if row.get(n)}
    counts = {n: int(row[n]) for n in (*COUNTS.values(), "lost") if row.get(n)}
    return str(int(row["opening"])), str(int(row["closing"])), moves, counts
