"""Measures of Land: deals with the account, open, won and lost."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Family, Measure, Records
from laer.metrics.company import RATIO, SHARE, Company, Items, quartiles
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value, ifelse, literal
from laer.records.periods import FAR

DIMENSIONS = {"seller": "Seller", "lead_source": "Lead source", "motion": "Motion"}
DEALS, LINES = ("opportunities",), ("subscription_lines",)
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
    took, grows = seen.closed_d - seen.qualified_d, seen.motion == "expand"
    return seen.group_by("account_id", "d").agg(
        deals_won_365d=won.sum().cast("float64"), deals_lost_365d=lost.sum().cast("float64"), arr_won_365d=seen.arr.sum(where=won).fill_null(0.0),
        won_on=seen.closed_d.max(where=won), sales_cycle_days=took.max(where=won & (took >= 0)).cast("float64"), discount_won=seen.discount.max(where=won),
        growth_won_on=seen.closed_d.max(where=won & grows), growth_lost_on=seen.closed_d.max(where=lost & grows),
    )  # fmt: skip


def discounts(spine: Spine, records: Records) -> Table:
    """Discounts that hold on the day. Grain: account_id x d."""
    held = spine.alive(records["discounts"], "start_d", "end_d")
    return held.group_by("account_id", "d").agg(
        discounts_in_force=held.count().cast("float64"), discount_ends_on=held.end_d.min(where=held.end_d < FAR)
    )


granted = partial(Measure, motion="land", sources=("discounts",), leading=True, method="discounts-and-pauses")
deal = partial(Measure, motion="land", kind="number", sources=("opportunities",))

FAMILIES = (
    Family("open_deals", "deals", open_deals, (
        deal("deals_open", "Open deals", "deals", "opportunities created and not yet closed", leading=True, zero=True),
        deal("pipeline_arr", "Pipeline", "per year", "what open opportunities would bring in a year", kind="money", leading=True, better="up",
            method="booked", zero=True),
        deal("growth_deals_open", "Open growth deals", "deals", "open opportunities of the motion expand", motion="expand", leading=True, better="up",
            zero=True),
    )),
    Family("discounts", "discounts", discounts, (
        granted("discounts_in_force", "Discounts in force", "discounts", "discounts granted that hold on the day", kind="number", better="down", zero=True),
        granted("discount_ends_on", "Discount ends", "", "the first day after the discount that ends next: the price rises then", kind="date"),
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
        deal("growth_won_on", "Growth won", "", "the day of the last opportunity of the motion expand that was won within 365 days", kind="date",
            motion="expand"),
        deal("growth_lost_on", "Growth lost", "", "the day of the last opportunity of the motion expand that was lost within 365 days", kind="date",
            motion="expand"),
    )),
)  # fmt: skip


def ended(records: Records) -> Table:
    """Deals that were won or lost, on that day; whose day is unknown, stands in no period. Grain: deal."""
    deals = records["deals"]
    closed = deals.filter(deals.outcome.notnull() & (deals.closed_d < FAR))
    took = closed.closed_d - closed.qualified_d
    return closed.select(
        "account_id", "outcome", "arr", "motion", "seller", "lead_source", item=closed.deal_id, on_d=closed.closed_d, deal_discount=closed.discount,
        deal_cycle_days=ifelse((closed.outcome == "won") & (took >= 0), took, literal(None, "int32")).cast("float64"),
    )  # fmt: skip


def landing(records: Records) -> Table:
    """Those of them that were to win a customer: not said to grow or to renew one. Grain: deal."""
    deals = ended(records)
    return deals.filter(deals.motion.fill_null("land") == "land")


def open_landing(records: Records) -> Table:
    """The same while they were open. Grain: deal."""
    deals = records["deals"]
    new = deals.filter(deals.motion.fill_null("land") == "land")
    return new.select("account_id", "arr", "motion", "seller", "lead_source", item=new.deal_id, on_d=new.created_d, until_d=new.closed_d)


def firsts(records: Records) -> Table:
    """Accounts that began to pay. Grain: account, on its first paid day."""
    began = records["changes"].filter(records["changes"].new > 0)
    return began.select("account_id", "new", item=literal(None, "int64"), on_d=began.on_d)


def first_bought(records: Records) -> Table:
    """With what accounts began to pay. Grain: account x product x plan, on the first paid day."""
    lines, began = records["lines"], firsts(records).select("account_id", "on_d")
    first = lines.inner_join(began, [lines.account_id == began.account_id, lines.start_d == began.on_d])
    first = first.select(lines.account_id, lines.mrr, began.on_d, product=lines.product_id.cast("string"), plan=lines.plan)
    bought = first.filter(first.mrr > 0).group_by("account_id", "on_d", "product", "plan").agg(mrr=first.mrr.sum())
    return bought.mutate(item=literal(None, "int64"))


def _won(deals: Table) -> Value:
    return (deals.outcome == "won").cast("float64")


def _only_won(deals: Table, value: Value) -> Value:
    return ifelse(deals.outcome == "won", value, literal(None, "float64"))


of_deal = partial(Measure, motion="land", kind="number", sources=DEALS, grain="deal")
of_firm = partial(Measure, motion="land", kind="number", sources=DEALS, grain="company", leading=False, better="up")

ITEMS = (
    Items("deals", "deal", "deals", ended, (
        of_deal("deal_cycle_days", "Sales cycle of a deal", "days", "days from qualified to won", better="down", method="sales-cycle"),
        of_deal("deal_discount", "Discount of a deal", "%", "what was taken off the list price, as the deal says", better="down", method="win-rate"),
    ), DIMENSIONS),
    Items("land_deals", "deal", "deals", landing, (), DIMENSIONS),
    Items("open_deals", "deal", "deals", open_landing, (), DIMENSIONS, held=True),
    Items("new_customers", "movement", "changes", firsts),
    Items("first_bought", "movement", "lines", first_bought, (), {"product": "Product", "plan": "Plan"}, beside=("changes",)),
)  # fmt: skip

COMPANY = (
    Company(of_firm("new_accounts", "New accounts", "accounts", "accounts whose first MRR began in the period", sources=LINES, zero=True,
        method="mrr-movements"), "new_customers", lambda rows: literal(1.0, "float64")),
    Company(of_firm("new_mrr_firm", "New MRR", "per month", "first MRR of accounts that began to pay in the period", kind="money", sources=LINES, zero=True,
        method="mrr-movements"), "new_customers", lambda rows: rows.new),
    Company(of_firm("first_mrr", "First MRR by offer", "per month", "MRR of the lines with which accounts began to pay in the period", kind="money",
        sources=LINES, zero=True, method="mrr-movements"), "first_bought", lambda rows: rows.mrr),
    Company(of_firm("first_buyers", "First buyers by offer", "accounts", "accounts that began to pay in the period, once for each product and plan that they "
        "began with", sources=LINES, zero=True, method="mrr-movements"), "first_bought", lambda rows: literal(1.0, "float64")),
    Company(of_firm("deals_won", "Deals won", "deals", "opportunities won in the period", zero=True, method="win-rate"), "land_deals", _won),
    Company(of_firm("arr_won", "ARR won", "per year", "what opportunities won in the period bring in a year, where they say it", kind="money", zero=True,
        method="booked"), "land_deals", lambda deals: _only_won(deals, deals.arr)),
    Company(of_firm("win_rate", "Win rate", "%", "deals won over deals won or lost in the period, those to grow or renew a customer left out; no decision "
        "counts as lost", method="win-rate"), "land_deals",
        _won, lambda deals: literal(1.0, "float64"), SHARE),
    Company(of_firm("win_rate_value", "Win rate by value", "%", "ARR won over ARR of deals won or lost in the period, where they say it", method="win-rate"),
        "land_deals", lambda deals: _won(deals) * deals.arr, lambda deals: deals.arr, RATIO),
    Company(of_firm("sales_cycle", "Sales cycle", "days", "median days from qualified to won, of deals won in the period, with the middle half",
        better="down", method="sales-cycle"), "land_deals", lambda deals: deals.deal_cycle_days, how=quartiles),
    Company(of_firm("deal_size", "Deal size", "per year", "median ARR of deals won in the period, with the middle half", kind="money", method="win-rate"),
        "land_deals", lambda deals: _only_won(deals, deals.arr), how=quartiles),
    Company(of_firm("discount_depth", "Discount depth", "%", "median discount of deals won in the period, with the middle half", better="down",
        method="win-rate"), "land_deals", lambda deals: _only_won(deals, deals.deal_discount), how=quartiles),
    Company(of_firm("pipeline", "Pipeline of new business", "per year", "what deals open on the last day of the period would bring in a year, where they say "
        "it", kind="money", zero=True, method="win-rate"), "open_deals", lambda deals: deals.arr),
)  # fmt: skip
