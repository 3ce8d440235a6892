"""Measures of Land: deals with the account, open, won and lost."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Family, Measure, Records
from laer.metrics.spine import Spine
from laer.records.expr import Table

DEALS = ("opportunities",)
YEAR = 365


def open_deals(spine: Spine, records: Records) -> Table:
    """Deals that are neither won nor lost on the day. Grain: account_id x d."""
    held = spine.alive(records["deals"], "created_d", "closed_d")
    grows = held.motion == "expand"
    return held.group_by("account_id", "d").agg(
        deals_open=held.count().cast("float64"), pipeline_arr=held.arr.sum(), growth_deals_open=grows.fill_null(False).sum().cast("float64")
    )


def ended_deals(spine: Spine, records: Records) -> Table:
    """Deals won and lost within a year. Grain: account_id x d."""
    seen = spine.within(records["deals"], "closed_d", YEAR)
    won, lost = seen.outcome == "won", seen.outcome == "lost"
    took = seen.closed_d - seen.qualified_d
    return seen.group_by("account_id", "d").agg(
        deals_won_365d=won.sum().cast("float64"), deals_lost_365d=lost.sum().cast("float64"), arr_won_365d=seen.arr.sum(where=won).fill_null(0.0),
        won_on=seen.closed_d.max(where=won), sales_cycle_days=took.max(where=won & (took >= 0)).cast("float64"), discount_won=seen.discount.max(where=won),
    )  # fmt: skip


deal = partial(Measure, motion="land", kind="number", sources=("opportunities",))

FAMILIES = (
    Family("open_deals", "deals", open_deals, (
        deal("deals_open", "Open deals", "deals", "opportunities created and not yet closed", leading=True, zero=True),
        deal("pipeline_arr", "Pipeline", "per year", "what open opportunities would bring in a year", kind="money", leading=True, better="up",
            method="booked", zero=True),
        deal("growth_deals_open", "Open growth deals", "deals", "open opportunities of the motion expand", motion="expand", leading=True, better="up",
            zero=True),
    )),
    Family("ended_deals", "deals", ended_deals, (
        deal("deals_won_365d", "Deals won, 365 days", "deals", "opportunities won in the 365 days up to the day", leading=False, better="up", zero=True),
        deal("deals_lost_365d", "Deals lost, 365 days", "deals", "opportunities lost in the 365 days up to the day; no decision counts as lost",
            leading=False, better="down", zero=True),
        deal("arr_won_365d", "ARR won, 365 days", "per year", "what opportunities won in that year bring in a year", kind="money", leading=False,
            better="up", method="booked", zero=True),
        deal("won_on", "Last deal won", "", "the day of the last opportunity won within 365 days", kind="date"),
        deal("sales_cycle_days", "Sales cycle", "days", "from qualified to won, the longest of that year", better="down"),
        deal("discount_won", "Discount at signing", "%", "the largest discount among deals won in that year", better="down"),
    )),
)  # fmt: skip
