"""Whitespace: the products that accounts of the same segment own and this one does not, and what their owners pay for them."""

from __future__ import annotations

from laer.records.expr import Table, ratio, table

OWNED = {"account_id": "int64", "product": "string", "mrr": "float64"}
PAYING = {"account_id": "int64", "segment": "string"}
FEWEST = 5  # owners in the segment, under which the middle of what they pay is somebody's taste
LEAST = 0.1  # share of the segment that owns it


def cells() -> Table:
    """How usual a product is in a segment, and what it is worth there.

    Grain   segment x product, of those that enough accounts own
    In      owned   account_id x product: what each pays for it (mrr > 0);  paying  account_id: its segment; unknown is left out
    Out     segment, product, owners, accounts (of the segment), share, potential (median mrr of the owners)
    Holds   owners <= accounts;  FEWEST <= owners;  LEAST <= share <= 1
    Method  docs/methods/whitespace.md
    """
    paying = table(PAYING, "paying").filter(lambda t: t.segment.notnull())
    owned = table(OWNED, "owned").inner_join(paying, "account_id").select("account_id", "segment", "product", "mrr")
    owners = owned.group_by("segment", "product").agg(owners=owned.count(), potential=owned.mrr.median().round(4))
    sizes = paying.group_by("segment").agg(accounts=paying.count())
    both = owners.inner_join(sizes, "segment")
    shared = both.mutate(share=ratio(both.owners, both.accounts))
    return shared.filter(shared.owners >= FEWEST, shared.share >= LEAST).select("segment", "product", "owners", "accounts", "share", "potential")


def whitespace() -> Table:
    """Which of its segment's usual products each account lacks.

    Grain   account_id x product
    Out     account_id, segment, product, owners, accounts, share, potential
    """
    paying, usual = table(PAYING, "paying"), cells()
    owned = table(OWNED, "owned").select(owner="account_id", what="product")
    there = paying.inner_join(usual, "segment").select("account_id", "segment", "product", "owners", "accounts", "share", "potential")
    return there.anti_join(owned, [there.account_id == owned.owner, there.product == owned.what])
