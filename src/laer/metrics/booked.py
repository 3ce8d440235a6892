"""Booked against live ARR: what was signed, what went live, and every step between the two.

A won opportunity is matched with the rise of its account's MRR by which it began (an expression, `begun`); the bridge of any
months is then a sum over opportunities and rises, exact, in which each stands under one step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from laer.records.expr import Table, ifelse, row_number, table

EARLY_DAYS, LATE_DAYS = 31, 92  # how long before and after the day on which it was to begin a rise may still be an opportunity's
NEAR = 100  # a rise within a hundredth of what was sold is preferred to a nearer one
YEAR = 12
SOLD = {"opportunity_id": "int64", "account_id": "int64", "plan_d": "int32", "mrr": "float64"}
STEPS = ("not_started", "began_before", "slipped_in", "signed_later", "unbilled", "smaller", "larger", "unsold")
BOOKED, LIVE = "booked", "live"


def sold_table(name: str = "sold") -> Table:
    """The unbound input of `begun`.

    Grain   one row per won opportunity that counts
    Columns opportunity_id; account_id; plan_d, the day on which it was to begin; mrr, what it brings a month in parts (to compare, never to add)
    """
    return table(SOLD, name=name)


def rises(changes: Table) -> Table:
    """The days on which an account's MRR rose: what went live.

    Grain   account_id x d
    In      changes  `mrr_changes`
    Out     account_id, d, m, rise (parts, above 0), first (True on the account's first paying day)
    Holds   sum(rise) of months == sum of new + reactivation + expansion of them: an opening balance is none
    """
    up = changes.filter(changes.delta > 0)
    if "unknown" in changes.columns:
        up = up.filter(~up.unknown)
    return up.select("account_id", "d", "m", "first", rise=up.delta)


def begun(sold: Table, risen: Table) -> Table:
    """The rise by which each opportunity began.

    Grain   opportunity_id; opportunities without a rise near the day on which they were to begin have no row
    In      sold   see `sold_table`;  risen  `rises`
    Out     opportunity_id, d, m (of the rise)
    Holds   plan_d - EARLY_DAYS <= d <= plan_d + LATE_DAYS
    Method  docs/methods/booked.md
    """
    other = risen.select("d", "m", of=risen.account_id, risen=risen.rise.cast("float64"))
    near = sold.inner_join(other, [sold.account_id == other.of, other.d >= sold.plan_d - EARLY_DAYS, other.d <= sold.plan_d + LATE_DAYS])
    off = ifelse((near.risen - near.mrr).abs() * NEAR <= near.mrr, 0, 1)
    near = near.mutate(off=off, away=(near.d - near.plan_d).abs())
    order = row_number().over(group_by=near.opportunity_id, order_by=[near.off, near.away, near.d])
    return near.mutate(place=order).filter(lambda t: t.place == 0).select("opportunity_id", "d", "m")


def on_the_day(sold: Table, risen: Table) -> Table:
    """What rose on the very day on which something was to begin: the second basis, contracts, which say no amount of their own.

    Grain   opportunity_id; without a rise on its day (a renewal at the same price) it has no row
    Out     opportunity_id, d, m, rise (parts)
    """
    other = risen.select("d", "m", "rise", of=risen.account_id)
    return sold.inner_join(other, [sold.account_id == other.of, other.d == sold.plan_d]).select("opportunity_id", "d", "m", "rise")


@dataclass(frozen=True)
class Deal:
    """A won opportunity as the bridge takes it; months as numbers, `arr` exact.

    began_d, began_m   the rise by which it began, else the day on which it was to begin; None while that day lies ahead
    billed             whether a rise was found
    """

    opportunity_id: int
    account_id: int
    arr: Fraction
    signed_m: int
    began_d: int | None
    began_m: int | None
    billed: bool


@dataclass(frozen=True)
class Rise:
    """A day on which an account's MRR rose; `arr` is twelve times the rise."""

    account_id: int
    d: int
    m: int
    arr: Fraction


@dataclass(frozen=True)
class Part:
    """What an account adds to a step of the bridge (signed), and by which opportunities."""

    step: str
    account_id: int
    arr: Fraction
    opportunities: tuple[int, ...] = ()


def bridge(deals: Iterable[Deal], risen: Iterable[Rise], first: int, last: int) -> list[Part]:
    """From booked to live new ARR of the months first..last.

    Grain   one part per opportunity, or day of a rise, and step
    Holds   sum of BOOKED parts + sum of parts of STEPS == sum of LIVE parts, exactly, for every account;
            BOOKED, LIVE and all steps but the first four are sums over months
    Method  docs/methods/booked.md
    """
    parts: list[Part] = []
    due: dict[tuple[int, int], list[Deal]] = {}
    for deal in deals:
        signed = first <= deal.signed_m <= last
        begins = deal.began_m is not None and first <= deal.began_m <= last
        own: tuple[int, ...] = (deal.opportunity_id,)
        if signed:
            parts.append(Part(BOOKED, deal.account_id, deal.arr, own))
        if signed and not begins:
            step = "not_started" if deal.began_m is None or deal.began_m > last else "began_before"
            parts.append(Part(step, deal.account_id, -deal.arr, own))
        if begins and not signed:
            parts.append(Part("slipped_in" if deal.signed_m < first else "signed_later", deal.account_id, deal.arr, own))
        if begins and not deal.billed:
            parts.append(Part("unbilled", deal.account_id, -deal.arr, own))
        elif begins and deal.began_d is not None:
            due.setdefault((deal.account_id, deal.began_d), []).append(deal)
    for rise in risen:
        if not first <= rise.m <= last:
            continue
        there = due.get((rise.account_id, rise.d), [])
        own = tuple(deal.opportunity_id for deal in there)
        more = rise.arr - sum((deal.arr for deal in there), Fraction(0))
        if not there:
            parts.append(Part("unsold", rise.account_id, more))
        elif more:
            parts.append(Part("larger" if more > 0 else "smaller", rise.account_id, more, own))
        parts.append(Part(LIVE, rise.account_id, rise.arr, own))
    return parts
