"""Small books of subscription lines, and what is true of them, simulated day by day in plain Python.

The witness shares no code and no idea with the formulas: it knows no change points, only what each account pays on each
day. A day is a number from 1970-01-01; books lie within WINDOW, from the middle of a month over a leap February.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from laer.metrics.changes import lines_table
from laer.records.expr import Table

FAR = 2_000_000
FIRST = date(2023, 12, 20)
DAY0 = (FIRST - date(1970, 1, 1)).days
LENGTH = 170
WINDOW = range(DAY0, DAY0 + LENGTH)
MONTHS = range(54 * 12 - 1, 54 * 12 + 7)  # December 2023 to July 2024: one more than the days reach
KINDS = ("new", "reactivation", "expansion", "contraction", "churn")
COUNTS = dict(zip(KINDS, ("new_accounts", "reactivated_accounts", "expansions", "contractions", "churns"), strict=True))


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def month(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:7]) - 1 - 1970 * 12


def month_of(number: int) -> int:
    on = date(1970, 1, 1) + timedelta(days=number)
    return (on.year - 1970) * 12 + on.month - 1


@dataclass(frozen=True)
class Line:
    """account, start day, end day (exclusive, FAR when open), parts, value"""

    account: int
    start: int
    end: int
    parts: int
    value: str = ""


def line(account: int, start: str, end: str | None, parts: int, value: str = "") -> Line:
    return Line(account, day(start), FAR if end is None else day(end), parts, value)


def arrow(lines: list[Line], *, kind: pa.DataType | None = None, by: bool = False) -> pa.Table:
    kind = kind or pa.int64()
    columns: dict[str, Any] = {
        "account_id": pa.array([x.account for x in lines], pa.int64()),
        "start_d": pa.array([x.start for x in lines], pa.int32()), "start_m": pa.array([month_of(x.start) for x in lines], pa.int32()),
        "end_d": pa.array([x.end for x in lines], pa.int32()), "end_m": pa.array([FAR if x.end == FAR else month_of(x.end) for x in lines], pa.int32()),
        "parts": pa.array([Decimal(x.parts) for x in lines] if pa.types.is_decimal(kind) else [x.parts for x in lines], kind),
    }  # fmt: skip
    if by:
        columns["value"] = pa.array([x.value for x in lines], pa.string())
    return pa.table(columns)


DECIMAL = pa.decimal128(38, 0)


def unbound(kind: pa.DataType | None = None, by: bool = False) -> Table:
    return lines_table("int64", "decimal(38, 0)" if kind is not None and pa.types.is_decimal(kind) else "int64", by=by)


@st.composite
def books(draw: Any, values: int = 1, parts: st.SearchStrategy[int] | None = None) -> list[Line]:
    """1 to 6 accounts with 0 to 6 lines each; lines touch, overlap, leave gaps, never start, never end, never pay."""
    amounts = parts if parts is not None else st.sampled_from([0, 1, 2, 3, 3, 6, 10, 100, 12_345_678_901])
    lines = []
    for account in range(draw(st.integers(1, 6))):
        at = 0
        for _ in range(draw(st.integers(0, 6))):
            # near the line before (the same day, a day or some days on, or back into it), so that they meet
            at = max(0, min(LENGTH - 25, at + draw(st.sampled_from([0, 0, 0, 1, 2, 5, 9, 31, -3, -20]))))
            length = draw(st.one_of(st.just(None), st.integers(0, 3), st.integers(4, 60)))
            end = FAR if length is None else DAY0 + min(at + length, LENGTH - 1)
            value = draw(st.sampled_from("abcd"[:values]))
            lines.append(Line(account, DAY0 + at, end, draw(amounts), value))
            at = at + (length or 0)
    return lines


# --- the witness --------------------------------------------------------------------------------------------------


def paid(lines: list[Line], gap_days: int = 0) -> dict[int, list[Counter[str]]]:
    """What each account pays on each day of the window, by value; gaps of at most so many days bridged at the MRR before."""
    found = {}
    for account in sorted({x.account for x in lines}):
        days: list[Counter[str]] = []
        for d in WINDOW:
            here: Counter[str] = Counter()
            for x in lines:
                if x.account == account and x.start <= d < x.end and x.parts:
                    here[x.value] += x.parts
            days.append(here)
        found[account] = bridged(days, gap_days)
    return found


def bridged(days: list[Counter[str]], gap_days: int) -> list[Counter[str]]:
    days = list(days)
    paying = [i for i, here in enumerate(days) if here.total()]
    for one, two in itertools.pairwise(paying):
        if 0 < two - one - 1 <= gap_days:
            days[one + 1 : two] = [days[one]] * (two - one - 1)
    return days


@dataclass(frozen=True)
class Change:
    account: int
    d: int
    m: int
    before: Counter[str]
    after: Counter[str]
    first: bool

    @property
    def delta(self) -> int:
        return self.after.total() - self.before.total()

    @property
    def kind(self) -> str:
        if self.before.total() == 0:
            return "new" if self.first else "reactivation"
        if self.after.total() == 0:
            return "churn"
        return "expansion" if self.delta > 0 else "contraction"


def daily(days: dict[int, list[Counter[str]]]) -> Iterator[Change]:
    """Every day on which anything changed, by value too."""
    for account, seen in days.items():
        before, ever = Counter[str](), False
        for d, here in zip(WINDOW, seen, strict=True):
            if +here != +before:
                yield Change(account, d, month_of(d), before, here, not ever)
            ever = ever or here.total() > 0
            before = here


def at_end(seen: list[Counter[str]], m: int) -> Counter[str]:
    """State on the last day of a month; nothing before the window, the last day's after it."""
    inside = [i for i, d in enumerate(WINDOW) if month_of(d) <= m]
    return seen[inside[-1]] if inside else Counter()


def monthly(days: dict[int, list[Counter[str]]]) -> Iterator[Change]:
    """One change per account and month, closing against opening."""
    for account, seen in days.items():
        paying = [month_of(d) for d, here in zip(WINDOW, seen, strict=True) if here.total()]
        for m in MONTHS:
            before, after = at_end(seen, m - 1), at_end(seen, m)
            if +before != +after:
                yield Change(account, m, m, before, after, paying[0] >= m)


def account_months(days: dict[int, list[Counter[str]]], changes: Iterator[Change]) -> dict[tuple[int, int], dict[str, int]]:
    rows: dict[tuple[int, int], dict[str, int]] = {}
    for change in changes:
        if not change.delta:
            continue
        key = change.account, change.m
        row = rows.setdefault(key, dict.fromkeys((*KINDS, *COUNTS.values(), "lost"), 0))
        row["opening"], row["closing"] = at_end(days[change.account], change.m - 1).total(), at_end(days[change.account], change.m).total()
        row[change.kind] += abs(change.delta)
        row[COUNTS[change.kind]] += 1
        row["lost"] = int(row["lost"] or (change.kind == "churn" and row["opening"] > 0))
    return rows


def booking(change: Change) -> dict[str, tuple[Fraction, Fraction, Fraction]]:
    """Per value (movement, entering, leaving) of one change: rule 21."""
    parts = {v: change.after[v] - change.before[v] for v in change.before.keys() | change.after.keys()}
    same_way = sum(abs(p) for p in parts.values() if p * change.delta > 0)
    booked = {}
    for value, part in parts.items():
        moved = Fraction(abs(part) * abs(change.delta), same_way) if part * change.delta > 0 else Fraction(0)
        rest = abs(part) - moved
        booked[value] = (moved, rest if part > 0 else Fraction(0), rest if part < 0 else Fraction(0))
    return booked


def plain(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows with whole numbers, whatever exact type carried them."""
    return [{k: int(v) if isinstance(v, (Decimal, bool)) else v for k, v in row.items()} for row in rows.to_pylist()]
