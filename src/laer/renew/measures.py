"""Measures of Renew: what falls due, and what was said of leaving."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Family, Measure, Records
from laer.metrics.spine import Spine
from laer.records.expr import Table, greatest
from laer.records.periods import FAR

CONTRACTS = ("contracts",)

PLACES = 100_000  # beyond every day number of a start


def due(spine: Spine, records: Records) -> Table:
    """The next end of a term that holds on the day: the day on which it renews. Grain: account_id x d."""
    held = spine.alive(records["terms"], "known_d", "until_d")
    ends = held.filter(held.end_d < FAR)
    first = (ends.end_d.cast("int64") * PLACES + greatest(ends.start_d.fill_null(0), 0)).min()  # of two that end on one day the one that began first
    made = ends.group_by("account_id", "d").agg(
        first=first, notice_on=ends.notice_d.min(where=ends.notice_d > ends.d), terms=ends.count().cast("float64"),
        renews=(ends.end_d.cast("int64") * 2 + ends.rolls.cast("int64")).min(),
    )  # fmt: skip
    return made.select(
        "account_id", "d", "notice_on", "terms", renewal_on=made.first // PLACES, term_started_on=(made.first % PLACES).nullif(0),
            renews_by_itself=made.renews % 2 == 1
    )


def lapsed(spine: Spine, records: Records) -> Table:
    """Terms that are over while nothing was signed to go on. Grain: account_id x d."""
    held = spine.alive(records["lapses"], "from_d", "until_d")
    return held.group_by("account_id", "d").agg(overdue_since=held.from_d.min(), terms_overdue=held.count().cast("float64"))


def leaving(spine: Spine, records: Records) -> Table:
    """A departure that was announced and lies ahead. Grain: account_id x d."""
    held = spine.alive(records["notices"], "known_d", "effective_d")
    return held.group_by("account_id", "d").agg(leaving_on=held.effective_d.min(), leaves=held.effective_d.count() > 0)


term = partial(Measure, motion="renew", kind="date", sources=("contracts",), leading=True, method="renewals")
notice = partial(Measure, motion="renew", sources=("churn_events",), leading=True)

FAMILIES = (
    Family("due", "terms", due, (
        term("renewal_on", "Renewal due", "", "the first day after the term that ends next; a term that renews by itself goes on"),
        term("notice_on", "Notice by", "", "the last day on which notice can be given, of the terms in force"),
        term("renews_by_itself", "Renews by itself", "", "whether the contract due next renews by itself", kind="flag", leading=None),
        term("terms", "Contracts with an end", "contracts", "contracts in force that state an end", kind="number", leading=None),
        term("term_started_on", "Term began", "", "the first day of the term that ends next", leading=None),
    )),
    Family("lapsed", "lapses", lapsed, (
        term("overdue_since", "Overdue since", "", "the end of the oldest term that is over while nothing was signed to go on"),
        term("terms_overdue", "Overdue contracts", "contracts", "contracts whose term is over while nothing was signed to go on", kind="number",
            better="down", zero=True),
    )),
    Family("leaving", "notices", leaving, (
        notice("leaving_on", "Leaves on", "", "the day of a departure that was announced and lies ahead", kind="date"),
        notice("leaves", "Has given notice", "", "whether a departure was announced that lies ahead", kind="flag", better="down", zero=True),
    )),
)  # fmt: skip
