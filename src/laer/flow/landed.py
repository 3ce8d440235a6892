"""As what an account was landed: who sold it, what it bought first, and at what discount. What a split of the flow by these is made from."""

from __future__ import annotations

from laer.metrics.dimensions import SPANS
from laer.records.expr import Table, cases, ifelse, literal, ratio, remembered, table, union
from laer.records.periods import FAR

LINES = {"account_id": "int64", "start_d": "int32", "end_d": "int32", "mrr": "float64", "list_mrr": "float64", "product_id": "int64", "plan": "string"}
DEALS = {"account_id": "int64", "deal_id": "int64", "closed_d": "int32", "outcome": "string", "motion": "string", "discount": "float64", "seller": "string"}
PRODUCTS = {"product_id": "int64", "name": "string"}
SIGNED = ("seller", "offer", "discount")
LATER = 31  # days after the first paid day within which the deal may have been written down
BEGINNING = -800_000
BANDS = ("none", "to_10", "to_20", "to_30", "over_30")


@remembered
def landed_as(ways: Table) -> Table:
    """The deal and the lines with which each account began to pay, as dimensions that never change.

    Grain   account_id x dimension (seller, offer, discount)
    In      ways  `moves.account_ways`; by name: flow_lines, flow_deals, flow_products
    Out     dimension and the columns of `metrics.dimensions.SPANS`: seller, of the last deal of new business that was won up to 31 days after the
            first paid day; offer, the product (else the plan) of the line with the most MRR on that day; discount, of that deal, else of the
            lines' list prices: none, to_10, to_20, to_30, over_30 (per cent, the upper end included); '' where nothing says it
    """
    lines, deals, products = table(LINES, "flow_lines"), table(DEALS, "flow_deals"), table(PRODUCTS, "flow_products")
    first = ways.select("account_id", "first_d")
    there = lines.inner_join(first, "account_id").filter(lambda t: (t.start_d <= t.first_d) & (t.end_d > t.first_d) & (t.mrr > 0))
    bought = there.left_join(products, "product_id").drop("product_id_right")
    bought = bought.mutate(offer=bought["name"].fill_null(bought.plan).fill_null(""))
    said = bought.list_mrr.notnull()
    signed = bought.group_by("account_id").agg(
        offer=bought.offer.argmax(bought.mrr), net=bought.mrr.sum(where=said), listed=bought.list_mrr.sum(where=said)
    )
    won = deals.inner_join(first, "account_id").filter(
        lambda t: (t.outcome == "won") & (t.motion.fill_null("land") == "land") & (t.closed_d <= t.first_d + LATER)
    )
    deal = won.group_by("account_id").agg(seller=won.seller.argmax(won.closed_d), given=won.discount.argmax(won.closed_d))
    j = first.left_join(signed, "account_id").drop("account_id_right").left_join(deal, "account_id").drop("account_id_right")
    share = j.given.fill_null(literal(1.0, "float64") - ratio(j.net, j.listed))
    steps = zip(BANDS[1:], (0.1, 0.2, 0.3), strict=False)
    band = cases(
        (share.isnull(), literal("")), (share <= literal(0.0005, "float64"), literal(BANDS[0])),
        *((share <= literal(top + 1e-9, "float64"), literal(name)) for name, top in steps), else_=literal(BANDS[-1]),
    )  # fmt: skip
    values = {"seller": j.seller.fill_null(""), "offer": j.offer.fill_null(""), "discount": ifelse(share.isnull(), literal(""), band)}
    days = {"from_d": BEGINNING, "from_m": BEGINNING, "until_d": FAR, "until_m": FAR}
    fixed = {name: literal(day).cast("int32") for name, day in days.items()}
    return union(*(j.select("account_id", dimension=literal(name), value=value, **fixed).select("dimension", *SPANS) for name, value in values.items()))
