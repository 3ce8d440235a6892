"""Movements by a dimension: named on the account's total, booked under the values that changed (rule 21)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from laer.metrics.changes import movement_columns, movements_of
from laer.metrics.months import COUNTS
from laer.records.expr import NumericValue, Table, cases, greatest, ifelse, literal, ratio, row_number, running


def booked(values: Table, changes: Table) -> Table:
    """Split each day's change of an account over the values of a dimension.

    On a day with total change D, changes of values in the direction of D carry the movement, in proportion; the rest of
    them entered from values that went the other way, which lost it by leaving. With D = 0 all of it only moved. Shares
    are whole parts: the largest takes what division leaves over, so that they add up to D exactly.

    Grain   account_id x value x d
    In      values   `value_changes` (for one movement per month: d = m);  changes  `mrr_changes` or `month_changes`
    Out     account_id, value, d, m, delta, before, after (of the value), the five movements, entering, leaving
    Holds   sum over values of each movement == that movement of the total; sum(entering) == sum(leaving);
            delta == new + reactivation + expansion - contraction - churn + entering - leaving
    Method  docs/methods/by-dimension.md
    """
    kind = values.delta.type()
    zero = values.delta - values.delta
    day = {"group_by": [values.account_id, values.d]}
    v = values.mutate(
        after=values.delta.sum().over(running(["account_id", "value"], "d")).cast(kind),
        up=greatest(values.delta, zero).sum().over(**day).cast(kind),
        down=greatest(-values.delta, zero).sum().over(**day).cast(kind),
    )
    said = {"unknown": "unknown"} if "unknown" in changes.columns else {}
    totals = changes.select(account="account_id", day="d", total="delta", total_before="before", total_after="after", first="first", **said)
    j = v.left_join(totals, [v.account_id == totals.account, v.d == totals.day])
    total = j.total.fill_null(literal(0, "int64").cast(kind))
    same_way = ((total > 0) & (j.delta > 0)) | ((total < 0) & (j.delta < 0))
    side = ifelse(total > 0, j.up, j.down)
    # floor of |delta| * |total| / side (a product of two amounts would pass 38 digits); the largest takes what is left over.
    # Where nothing went the other way the share is the change itself: through a float it would be off beyond 2^53 parts.
    part = j.delta.abs().cast("float64") * ratio(total.abs(), side, None)
    share = cases((~same_way, total - total), (side == total.abs(), j.delta.abs()), else_=_whole(part, kind))
    j = j.mutate(total=total, same_way=same_way, share=share)
    w = {"group_by": [j.account_id, j.d]}
    order = row_number().over(group_by=[j.account_id, j.d], order_by=[j.same_way.cast("int8").desc(), j.delta.abs().desc(), j.value])
    left_over = j.total.abs() - j.share.sum().over(**w).cast(kind)
    j = j.mutate(share=j.share + ifelse(j.same_way & (order == 0), left_over, left_over - left_over))
    signed = ifelse(j.total < 0, -j.share, j.share)
    rest = j.delta - signed
    nothing = signed - signed
    named = movement_columns(signed, j.total_before, j.total_after, j.first, j.unknown if said else None)
    named = {n: ifelse(j.total == 0, nothing, named[n]) for n in movements_of(changes)}
    return j.select(
        "account_id",
        "value",
        "d",
        "m",
        "delta",
        "after",
        before=j.after - j.delta,
        **named,
        entering=greatest(rest, nothing),
        leaving=greatest(-rest, nothing),
    )


def _whole(part: NumericValue, kind: Any) -> NumericValue:
    """The whole part of a float. Engines make other decimals of a large float, so 60 bits at a time go through integers."""
    if not kind.is_decimal():
        return part.floor().cast(kind)
    high = (part * literal(2.0**-60, "float64")).floor()
    low = (part - high.cast("float64") * literal(2.0**60, "float64")).floor()
    return (high.cast("decimal(19, 0)") * literal(Decimal(2**60), "decimal(19, 0)") + low.cast("decimal(19, 0)")).cast(kind)


def value_months(booked_changes: Table, months: Table) -> Table:
    """`account_months` per value: the same columns, with entering and leaving.

    Grain   account_id x value x m
    In      booked_changes  `booked`;  months  `account_months`
    Out     lost is 1 where the account paid in the value at the opening and churned (on its total) within the month
    """
    t = booked_changes
    kind = t.delta.type()
    sums = {n: t[n].sum().cast(kind) for n in (*movements_of(t), "entering", "leaving")}
    counts = {COUNTS[n]: (t[n] > 0).sum().cast("int64") for n in movements_of(t)}
    v = t.group_by("account_id", "value", "m").agg(opening=t.before.argmin(t.d), change=t.delta.sum().cast(kind), **sums, **counts)
    churned = months.filter(months.churns > 0).select(account="account_id", month="m", churned=literal(1, "int64"))
    j = v.left_join(churned, [v.account_id == churned.account, v.m == churned.month])
    lost = cases(((j.opening > 0) & j.churned.notnull(), 1), else_=0).cast("int64")
    return j.select(*[j[c] for c in v.columns if c != "change"], closing=j.opening + j.change, lost=lost)


def month_value_changes(values: Table) -> Table:
    """One change per account, value and month, for `--movements net`."""
    kind = values.delta.type()
    months = values.group_by("account_id", "value", "m").agg(delta=values.delta.sum().cast(kind))
    months = months.filter(months.delta != 0)
    return months.select("account_id", "value", "m", "delta", d=months.m)
