"""What it costs to win a customer, and what one brings while it stays: CAC, payback, lifetime, LTV.

Costs count in the months in which they are entered, and so do the customers of those months: a month without an entry is not a
month without a cost. Who reads them is a matter of rights: `RESTRICTED`.
"""

from __future__ import annotations

from functools import partial

from laer.land.measures import ended, firsts
from laer.metrics.catalogue import Measure, Records
from laer.metrics.company import FACTS, RATIO, Combined, Company, Estimate, Items, poisson
from laer.records.expr import Scalar, Table, Value, ifelse, literal

LINES, COSTS = ("subscription_lines",), ("costs", "subscription_lines")
MARGINS = ("products", "subscription_lines")
CAP = 60.0  # months: a lifetime that is longer was not seen, and is not promised


def months_of_costs(records: Records) -> Table:
    """What landing cost in a month, and the customers who began to pay in it. Grain: month with an entry."""
    return _with_customers(records, literal(0, "int32"))


def months_of_costs_lagged(records: Records) -> Table:
    """The same, each cost moved on by the median sales cycle of all deals won: to when its customers come. Grain: month with an entry."""
    return _with_customers(records, ended(records).deal_cycle_days.median().round().fill_null(0).cast("int32").as_scalar())


def _with_customers(records: Records, lag: Scalar | Value) -> Table:
    costs = records["costs"]
    land = costs.filter(costs.motion == "land")
    spent = land.group_by("month_d", "until_d").agg(known=land.amount.sum(), unknown=land.amount.isnull().sum())
    spent = spent.mutate(cost=ifelse(spent.unknown > 0, literal(None, "float64"), spent.known), since=spent.month_d + lag, before=spent.until_d + lag)
    began = firsts(records).select("new", began_d="on_d")
    joined = spent.left_join(began, [spent.since <= began.began_d, began.began_d < spent.before])
    months = joined.group_by("month_d", "since", "cost").agg(customers=joined.began_d.count(), new_mrr=joined.new.sum().fill_null(0.0))
    nobody = literal(None, "int64")
    return months.select("cost", "customers", "new_mrr", account_id=nobody, item=nobody, on_d=months.since.cast("int32"))


def held_lines(records: Records) -> Table:
    """Lines while they are in force, with the gross margin of their product. Grain: line."""
    lines = records["lines"]
    return lines.select("account_id", "mrr", "margin", item=literal(None, "int64"), on_d=lines.start_d, until_d=lines.end_d)


def departures(records: Records) -> Table:
    """Accounts that stopped paying. Grain: account, on the day."""
    moves = records["changes"]
    return moves.filter(moves.lost != 0).select("account_id", item=literal(None, "int64"), on_d="on_d")


def returns(records: Records) -> Table:
    """Accounts that came back. Grain: account, on the day."""
    moves = records["changes"]
    return moves.filter(moves.back > 0).select("account_id", item=literal(None, "int64"), on_d="on_d")


def _one(_: Table) -> Value:
    return literal(1.0, "float64")


def _pays(facts: Table) -> Value:
    return (facts.mrr > 0).cast("float64")


def payback(cost: float, new_mrr: float, margin: float) -> float | None:
    """Months until what new customers bring, after its own cost, has paid for them; None where it never does."""
    monthly = new_mrr * margin
    return cost / monthly if monthly > 0 else None


def lifetime(months: float, lost: float, closing: float, new: float, back: float) -> Estimate | None:
    """Months that an account stays, by those lost over the account-months of the period; at most CAP, with a 95 % interval."""
    opening = max(closing - new - back + lost, 0.0)
    exposure = (opening + closing) / 2 * months
    if exposure <= 0:
        return None
    least, most = poisson(lost)
    capped = [min(exposure / k, CAP) if k else CAP for k in (lost, most, least)]
    return Estimate(round(capped[0], 6), int(lost), round(capped[1], 6), round(capped[2], 6))


def ltv(arpa: Estimate, margin: Estimate, life: Estimate) -> Estimate | None:
    """What an account brings after its own cost while it stays, over the interval of its lifetime."""
    if arpa.amount is None or margin.amount is None or life.amount is None:
        return None
    monthly = arpa.amount * margin.amount
    low, high = (None if edge is None else round(edge * monthly, 4) for edge in (life.low, life.high))
    return Estimate(round(life.amount * monthly, 4), arpa.n, low, high)


of_firm = partial(Measure, motion="land", kind="number", grain="company", leading=False)

ITEMS = (
    Items("land_costs", "month", "costs", months_of_costs, beside=("changes",), of_accounts=False),
    Items("land_costs_lagged", "month", "costs", months_of_costs_lagged, beside=("changes", "deals"), of_accounts=False),
    Items("held_lines", "line", "lines", held_lines, held=True),
    Items("departures", "movement", "changes", departures),
    Items("returns", "movement", "changes", returns),
)

COMPANY = (
    Company(of_firm("land_cost", "Cost of landing", "", "costs of the motion land in the months that have any entered", kind="money", sources=("costs",),
        better="down", method="costs"), "land_costs", lambda months: months.cost),
    Company(of_firm("land_new_mrr", "New MRR of months with costs", "per month", "first MRR of accounts that began to pay in the months that have costs of "
        "landing entered", kind="money", sources=COSTS, better="up", method="cac"), "land_costs", lambda months: months.new_mrr),
    Company(of_firm("cac", "CAC", "per customer", "costs of the motion land over accounts that began to pay, of the months that have any entered",
        kind="money", sources=COSTS, better="down", method="cac"), "land_costs", lambda months: months.cost, lambda months: months.customers, RATIO),
    Company(of_firm("cac_lagged", "CAC, costs before their customers", "per customer", "the same, with each cost moved on by the median sales cycle",
        kind="money", sources=(*COSTS, "opportunities"), better="down", method="cac"), "land_costs_lagged", lambda months: months.cost,
        lambda months: months.customers, RATIO),
    Company(of_firm("gross_margin", "Gross margin", "%", "margin of the products of the lines in force at the end, by their MRR; lines of products "
        "without a margin left out", sources=MARGINS, better="up", method="ltv"), "held_lines", lambda lines: lines.mrr * lines.margin,
        lambda lines: lines.mrr + lines.margin * 0, RATIO),
    Company(of_firm("arpa", "MRR per account", "per month", "MRR over paying accounts, at the end", kind="money", sources=LINES, better="up", method="ltv"),
        FACTS, lambda facts: facts.mrr, _pays, RATIO, ("mrr",)),
    Company(of_firm("paying_accounts", "Paying accounts", "accounts", "accounts with MRR above 0 at the end", sources=LINES, better="up", method="ltv"),
        FACTS, _pays, reads=("mrr",)),
    Company(of_firm("accounts_lost", "Accounts lost", "accounts", "accounts that stopped paying in the period", sources=LINES, zero=True, better="down",
        method="ltv"), "departures", _one),
    Company(of_firm("accounts_back", "Accounts back", "accounts", "accounts that began to pay again in the period", sources=LINES, zero=True, better="up",
        method="ltv"), "returns", _one),
)  # fmt: skip

COMBINED = (
    Combined(of_firm("cac_payback", "CAC payback", "months", "cost of landing over new MRR of the same months times gross margin; none where that is not "
        "above 0", sources=(*COSTS, "products"), better="down", method="cac"), ("land_cost", "land_new_mrr", "gross_margin"), payback),
    Combined(of_firm("customer_lifetime", "Customer lifetime", "months", "account-months of the period over accounts lost in it, at most 60",
        sources=LINES, better="up", method="ltv"), ("accounts_lost", "paying_accounts", "new_accounts", "accounts_back"), lifetime, months=True),
    Combined(of_firm("ltv", "LTV", "per customer", "MRR per account times gross margin times customer lifetime, which is at most 60 months", kind="money",
        sources=MARGINS, better="up", method="ltv"), ("arpa", "gross_margin", "customer_lifetime"), ltv, estimates=True),
    Combined(of_firm("ltv_cac", "LTV to CAC", "times", "LTV over CAC", sources=(*COSTS, "products"), better="up", method="ltv"), ("ltv", "cac"),
        lambda worth, cost: worth / cost if cost > 0 else None),
)  # fmt: skip

RESTRICTED = frozenset({"land_cost", "land_new_mrr", "cac", "cac_lagged", "gross_margin", "cac_payback", "ltv", "ltv_cac"})  # for who may see costs
