"""From subscription lines to the days on which an account's MRR changes.

The ledger works by change points, never by a spine of months: a line adds its MRR on its first day and takes it away
on its first unpaid day; the running sum is the account's MRR. All amounts are integers over one common denominator.
"""

from __future__ import annotations

from typing import Any

from laer.records.expr import NumericValue, Table, cases, ifelse, literal, remembered, row_number, running, table, union
from laer.records.periods import FAR

LINE_COLUMNS = {"account_id": "int64", "start_d": "int32", "start_m": "int32", "end_d": "int32", "end_m": "int32", "parts": "int64"}


def lines_table(account_type: str = "int64", parts_type: str = "int64", by: bool = False, name: str = "lines", *, book: bool = False) -> Table:
    """The unbound input of the ledger.

    Grain   one row per accepted subscription line
    Columns account_id; start_d, end_d day numbers (end exclusive, FAR when open); start_m, end_m their month numbers;
            parts: MRR as an integer over the report's common denominator, 0 for lines that never pay; value: a dimension;
            unknown: whether the line was stated without a start, so that what it opens is no new revenue (the book only)
    """
    columns = LINE_COLUMNS | {"account_id": account_type, "parts": parts_type} | ({"unknown": "boolean"} if book else {})
    return table(columns | {"value": "string"} if by else columns, name=name)


def change_points(lines: Table, by: tuple[str, ...] = ()) -> Table:
    """The days on which the MRR of an account (and of each of its values) changes, changes of one day netted.

    Grain   account_id x d (x by)
    In      lines   see `lines_table`
    Out     account_id, d, m (month number of d), delta (signed parts, never 0)
    Holds   sum(delta up to and including d) == sum of parts of lines with start_d <= d < end_d
    Method  docs/methods/mrr.md
    """
    live = lines.filter(lines.parts != 0, lines.start_d < lines.end_d)
    keep = [live[c] for c in by]
    book = "unknown" in lines.columns and not by
    starts = live.select("account_id", *keep, d=live.start_d, m=live.start_m, parts=live.parts, **({"unknown": live.unknown} if book else {}))
    ended = live.filter(live.end_d < FAR)
    said = {"unknown": literal(False)} if book else {}
    ends = ended.select("account_id", *[ended[c] for c in by], d=ended.end_d, m=ended.end_m, parts=-ended.parts, **said)
    return _netted(union(starts, ends), by)


@remembered
def mrr_changes(lines: Table, gap_days: int = 0) -> Table:
    """Every day on which an account's total MRR changes, with the level before and after.

    Grain   account_id x d
    In      lines     see `lines_table`
            gap_days  an interval of zero MRR of at most this many unpaid days between two paying intervals is bridged at
                      the earlier MRR (rule 9)
    Out     account_id, d, m, delta, before, after (parts), first (True on the account's first paying day), closes (True
            on the account's last change of a month), unknown (of the book: that a line without a known start opens here)
    Holds   after == before + delta; before == after of the row before, 0 on the first; delta != 0
    Method  docs/methods/mrr-movements.md
    """
    points = change_points(lines)
    if gap_days:
        points = _netted(_moved_to_return(points, points, gap_days))
    return _levels(points)


def value_changes(lines: Table, gap_days: int = 0) -> Table:
    """Like `change_points`, per value of a dimension, with bridged days moved as in `mrr_changes`.

    Grain   account_id x value x d
    Out     account_id, value, d, m, delta
    Holds   sum over values of delta == delta of `mrr_changes` (0 where that has no row)
    """
    points = change_points(lines, ("value",))
    if gap_days:
        points = _netted(_moved_to_return(points, change_points(lines), gap_days), ("value",))
    return points


def month_changes(changes: Table) -> Table:
    """Collapse to one movement per account and month (`--movements net`): closing against opening.

    Grain   account_id x m
    Out     as `mrr_changes`, with d = m; months whose net change is 0 have no row; first is True only where the account
            never paid before that month
    """
    kind = changes.delta.type()
    said = {"unknown": (changes.unknown & (changes.delta > 0)).max()} if "unknown" in changes.columns else {}
    months = changes.group_by("account_id", "m").agg(
        delta=changes.delta.sum().cast(kind), before=changes.before.argmin(changes.d), first=changes.first.max(), **said
    )
    months = months.filter(months.delta != 0)
    return months.select("account_id", "m", "delta", "before", "first", *said, d=months.m, after=months.before + months.delta, closes=literal(True))


def _levels(points: Table) -> Table:
    kind = points.delta.type()
    ordered = {"group_by": points.account_id, "order_by": points.d}
    levels = points.mutate(
        after=points.delta.sum().over(running("account_id", "d")).cast(kind), place=row_number().over(**ordered), m_next=points.m.lead().over(**ordered)
    )
    closes = levels.m_next.isnull() | (levels.m_next != levels.m)
    said = ("unknown",) if "unknown" in levels.columns else ()
    return levels.select("account_id", "d", "m", "delta", "after", *said, before=levels.after - levels.delta, first=levels.place == 0, closes=closes)


def _netted(moved: Table, by: tuple[str, ...] = ()) -> Table:
    amount = moved.parts if "parts" in moved.columns else moved.delta
    said = {"unknown": moved.unknown.max()} if "unknown" in moved.columns else {}
    days = moved.group_by("account_id", *by, "d").agg(m=moved.m.max(), delta=amount.sum().cast(amount.type()), **said)
    return days.filter(days.delta != 0)


def _moved_to_return(points: Table, totals: Table, gap_days: int) -> Table:
    """Move the changes of a day on which the account fell to 0 to the day of its return, where that is near enough."""
    levels = _levels(totals)
    ordered = {"group_by": levels.account_id, "order_by": levels.d}
    falls = levels.mutate(back_d=levels.d.lead().over(**ordered), back_m=levels.m.lead().over(**ordered))
    falls = falls.filter(falls.after == 0, falls.back_d - falls.d <= gap_days).select("account_id", "back_d", "back_m", fall_d=falls.d)
    joined = points.left_join(falls, [points.account_id == falls.account_id, points.d == falls.fall_d])
    columns = {c: joined[c] for c in points.columns if c not in ("d", "m", "delta")}
    return joined.select(**columns, d=joined.back_d.fill_null(joined.d), m=joined.back_m.fill_null(joined.m), parts=joined.delta)


def movement_columns(delta: NumericValue, before: NumericValue, after: NumericValue, first: Any, unknown: Any = None) -> dict[str, NumericValue]:
    """The movements as columns of positive magnitudes: name -> amount, 0 where the change is another one (rule 3).

    Where the book says of what begins on a day that nobody knows since when it was paid, the rise of that day is an opening balance
    (rule 13): on the account's first paying day, and beside what it pays already (two accounts with opening balances that were merged).
    """
    zero = delta - delta
    risen = delta > 0 if unknown is None else (delta > 0) & ~unknown
    balance = {} if unknown is None else {BALANCE: cases(((delta > 0) & unknown, delta), else_=zero)}
    return balance | {
        "new": cases((first & risen, delta), else_=zero),
        "reactivation": cases((~first & (before == 0) & risen, delta), else_=zero),
        "expansion": ifelse((before != 0) & risen, delta, zero),
        "contraction": ifelse((after != 0) & (delta < 0), -delta, zero),
        "churn": ifelse((after == 0) & (delta < 0), -delta, zero),
    }


BALANCE = "opening_balance"
MOVEMENTS = ("new", "reactivation", "expansion", "contraction", "churn")


def movements_of(table: Table) -> tuple[str, ...]:
    """The movements that a table of changes, or of months made of them, names: the book's also an opening balance."""
    return (BALANCE, *MOVEMENTS) if {"unknown", BALANCE} & set(table.columns) else MOVEMENTS


def named_movements(changes: Table) -> dict[str, NumericValue]:
    """`movement_columns` of a table of changes."""
    return movement_columns(changes.delta, changes.before, changes.after, changes.first, changes.unknown if "unknown" in changes.columns else None)


def mrr_at(changes: Table, day: int) -> Table:
    """MRR of each account at the end of a day, with its first paying day.

    Grain   account_id (that paid on or before the day)
    In      changes  `mrr_changes`
    Out     account_id, mrr (parts, 0 where it left), first_d
    """
    seen = changes.filter(changes.d <= day)
    return seen.group_by("account_id").agg(mrr=seen.after.argmax(seen.d), first_d=seen.d.min())
