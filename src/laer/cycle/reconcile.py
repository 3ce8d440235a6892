"""Why two policies differ: one rule after the other is changed, and what each changes is listed per account and month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from laer.cycle.ledger import Ledger, LedgerInput, compute, tables
from laer.engine.session import Session
from laer.metrics.policy import SETTINGS, Policy
from laer.metrics.statement import MONEY, RATES
from laer.records.periods import FAR, month_number

MEASURES = MONEY[1:]  # the opening is the closing of the month before
OF_LINES = ("end", "status", "pause", "past_due_days", "discounts", "open_after_year")
WHOLE, TOTAL = "-", "TOTAL"
Line = tuple[str, date, date | None, tuple[tuple[date, Fraction], ...]]
Lines = Mapping[int, Line]


@dataclass(frozen=True)
class Reading:
    """A file as one policy reads it: the ledger's input, and each accepted line as (account, start, end, MRR from which day on) by its line number."""

    given: LedgerInput
    lines: Lines


@dataclass(frozen=True)
class Difference:
    """What changing one rule does to one figure. line: numbers of the lines that the rule reads otherwise; none where it is not of lines."""

    month: int
    account: str
    measure: str
    setting: str
    before: Fraction | None
    after: Fraction | None
    line: tuple[int, ...] = ()

    @property
    def rule(self) -> int | None:
        return SETTINGS.get(self.setting)

    @property
    def difference(self) -> Fraction | None:
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass
class _Step:
    policy: Policy
    reading: Reading
    ledger: Ledger
    accounts: dict[str, dict[int, dict[str, Fraction]]]


def steps(one: Policy, two: Policy) -> list[tuple[str, Policy]]:
    """The settings in which two policies differ, each with the policy that has it and those before it changed, in the order of SETTINGS."""
    found, policy = [], one
    for name in SETTINGS:
        if getattr(policy, name) != getattr(two, name):
            policy = policy.model_copy(update={name: getattr(two, name)})
            found.append((name, policy))
    return found


def reconcile(session: Session, read: Callable[[Policy], Reading], one: Policy, two: Policy, first: int, last: int) -> Iterator[Difference]:
    """Every difference of months first..last by the rule that makes it, then per month the two reports' own difference as TOTAL.

    Args
        read  the lines as a policy takes them
    Holds   per month and measure: sum of difference over accounts and rules == difference of TOTAL, exactly; for rates, which
            are of the report as a whole, where they are defined
    Method  docs/methods/presets.md
    """
    windows = tuple(w for w in one.windows if w in two.windows)
    rates = (*RATES, *(f"{name}_{w}m" for w in windows for name in ("nrr", "grr")))
    before = start = _step(session, one, read(one), windows)
    found: list[tuple[int, str, int, Difference]] = []
    for place, (setting, policy) in enumerate(steps(one, two)):
        after = _step(session, policy, read(policy) if setting in OF_LINES else before.reading, windows)
        for d in (*_of_accounts(setting, before, after, first, last), *_of_rates(setting, before, after, first, last, rates)):
            found.append((d.month, d.account, place, d))
        before = after
    found.sort(key=lambda f: f[:3])
    totals = _totals(start, before, first, last, rates)
    place = 0
    for month in range(first, last + 1):
        while place < len(found) and found[place][0] == month:
            yield found[place][3]
            place += 1
        yield from totals[month]


def _step(session: Session, policy: Policy, reading: Reading, windows: tuple[int, ...]) -> _Step:
    how: dict[str, Any] = {"movements": policy.movements, "gap_days": policy.gap_days}
    ledger = compute(session, reading.given, windows=windows, rates=policy.rates, **how)
    accounts: dict[str, dict[int, dict[str, Fraction]]] = {}
    for row in session.fetch(tables(session, reading.given, **how).months).to_pylist():
        figures = {f"{n}_mrr" if f"{n}_mrr" in MONEY else n: row[n] for n in row}
        money = {n: Fraction(int(figures[n]), reading.given.denominator) for n in MEASURES}
        accounts.setdefault(str(row["account_id"]), {})[row["m"]] = money
    return _Step(policy, reading, ledger, accounts)


def _of_accounts(setting: str, before: _Step, after: _Step, first: int, last: int) -> Iterator[Difference]:
    reread = _reread(before.reading.lines, after.reading.lines) if setting in OF_LINES else {}
    for account in sorted(before.accounts.keys() | after.accounts.keys()):
        one, two = before.accounts.get(account, {}), after.accounts.get(account, {})
        if one == two:
            continue
        level = [Fraction(0), Fraction(0)]
        for month in sorted(m for m in one.keys() | two.keys() if m < first):
            level = [rows[month]["closing_mrr"] if month in rows else now for rows, now in zip((one, two), level, strict=True)]
        for month in range(first, last + 1):
            level = [rows[month]["closing_mrr"] if month in rows else now for rows, now in zip((one, two), level, strict=True)]
            for measure in MEASURES:
                a, b = (_figure(rows, month, measure, now) for rows, now in zip((one, two), level, strict=True))
                if a != b:
                    yield Difference(month, account, measure, setting, a, b, _touching(reread.get(account, []), month))


def _figure(rows: Mapping[int, Mapping[str, Fraction]], month: int, measure: str, level: Fraction) -> Fraction:
    if measure == "closing_mrr":
        return level
    return rows[month][measure] if month in rows else Fraction(0)


def _reread(one: Lines, two: Lines) -> dict[str, list[tuple[int, int, int]]]:
    """Lines that two readings take differently, by account: line number, and the months between which they matter."""
    found: dict[str, list[tuple[int, int, int]]] = {}
    for line in sorted(one.keys() | two.keys()):
        readings = [r[line] for r in (one, two) if line in r]
        if len(readings) == 2 and readings[0] == readings[1]:
            continue
        ends = [FAR if end is None else month_number(end) for _, _, end, _ in readings]
        for account in sorted({r[0] for r in readings}):
            found.setdefault(account, []).append((line, min(month_number(r[1]) for r in readings), max(ends)))
    return found


def _touching(lines: list[tuple[int, int, int]], month: int) -> tuple[int, ...]:
    """Those that matter in the month; else all, whose effect on what came before it made (a return that is new)."""
    there = tuple(line for line, start, end in lines if start <= month <= end)
    return there or tuple(line for line, _, _ in lines)


def _of_rates(setting: str, before: _Step, after: _Step, first: int, last: int, rates: Iterable[str]) -> Iterator[Difference]:
    """Rates are no sum of accounts: what a rule does to them stands for the report as a whole."""
    for one, two in zip(before.ledger.months(first, last), after.ledger.months(first, last), strict=True):
        for rate in rates:
            if one[rate] != two[rate]:
                yield Difference(one.month, WHOLE, rate, setting, _fraction(one[rate]), _fraction(two[rate]))


def _totals(one: _Step, two: _Step, first: int, last: int, rates: Iterable[str]) -> dict[int, list[Difference]]:
    return {
        a.month: [Difference(a.month, TOTAL, m, "", _fraction(a[m]), _fraction(b[m])) for m in (*MEASURES, *rates) if a[m] != b[m]]
        for a, b in zip(one.ledger.months(first, last), two.ledger.months(first, last), strict=True)
    }


def _fraction(figure: Fraction | int | None) -> Fraction | None:
    return None if figure is None else Fraction(figure)
