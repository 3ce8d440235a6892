"""Measures of Expand: room to grow in what is bought, and what growth amounts to."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.company import FACTS, Combined, Company, Items
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value, cases, ifelse, literal, ratio, table

LINES = ("subscription_lines",)
SEATS_AND_USE = ("subscription_lines", "usage_days")
ASSIGNED = ("subscription_lines", "account_metrics")
YOUNG, GROWN, OLD = 61, 183, 274  # days: 2, 6 and 9 months since the first paid day
FULL = 0.9  # share of the seats from which on they are nearly all taken
NEAR, HALF = 0.8, 0.5  # shares of a limit
MONTHLY = 60  # days for which a number that a source counts itself holds
PACKED = 10_000_000_000_000  # above every number that is packed behind its day
FITS = ("tight", "fits", "roomy")
BANDS = ("red", "yellow", "green")

room = partial(Measure, motion="expand", kind="number", sources=SEATS_AND_USE, leading=True, method="whitespace")


def _taken(facts: Table) -> Value:
    """Seats that somebody sits on: active users where the source names them, else seats assigned."""
    return facts.active_users_28d.fill_null(facts.seats_assigned)


def limits(spine: Spine, records: Records) -> Table:
    """How much of its limits an account uses, of the latest numbers within 60 days: of what is granted on the day, else of what their source states.

    Grain account_id x d
    """
    seen = spine.within(records["limits"], "on_d", MONTHLY).filter(lambda t: (t.number >= 0) & (t.number < PACKED))
    packed = seen.on_d.cast("int64") * PACKED + seen.number.round(0).cast("int64")  # the latest by a maximum
    each = seen.group_by("account_id", "d", "name").agg(used=packed.max(where=~seen.most), most=packed.max(where=seen.most))
    held = spine.alive(records["entitlements"], "from_d", "until_d")
    granted = held.group_by("account_id", "d", "name").agg(granted=held.granted.sum(), endless=held.granted.isnull().any())
    granted = granted.rename(account="account_id", day="d", what="name")
    both = each.left_join(granted, [each.account_id == granted.account, each.d == granted.day, each.name == granted.what])
    limit = ifelse(both.endless.fill_null(False), literal(None, "float64"), both.granted.fill_null((both.most % PACKED).cast("float64")))
    shares = both.select("account_id", "d", share=ratio(both.used % PACKED, limit))
    known = shares.filter(shares.share.notnull())
    return known.group_by("account_id", "d").agg(limit_use=known.share.max(), limits_near=(known.share >= NEAR).sum().cast("float64"))


def granted(spine: Spine, records: Records) -> Table:
    """What is granted on the day. Grain: account_id x d."""
    held = spine.alive(records["entitlements"], "from_d", "until_d")
    return held.group_by("account_id", "d").agg(entitlements=held.name.nunique().cast("float64"))


def _fit(facts: Table) -> Value:
    """By whatever is known of seats and limits."""
    seats, limit = facts.seats_taken_share, facts.limit_use
    tight = (seats >= FULL).fill_null(False) | (limit >= NEAR).fill_null(False)
    roomy = (seats < HALF).fill_null(True) & (limit < HALF).fill_null(True)
    return cases((seats.isnull() & limit.isnull(), literal(None, "string")), (tight, "tight"), (roomy, "roomy"), else_="fits")


def _band(facts: Table) -> Value:
    """GitLab's bands by age for seats assigned; for seats in use 80 % and 50 %. An account in its first two months has none."""
    age = facts.d - facts.first_paid_on
    half = cases((age <= GROWN, "green"), (age <= OLD, "yellow"), else_="red")
    less = ifelse(age <= GROWN, literal("yellow"), literal("red"))
    assigned = cases((facts.seats_assigned_share > 0.75, "green"), (facts.seats_assigned_share > 0.5, half), else_=less)
    used = cases((facts.seat_use >= 0.8, "green"), (facts.seat_use >= 0.5, "yellow"), else_="red")
    unknown = literal(None, "string")
    return cases((age < YOUNG, unknown), (age.isnull(), unknown), (facts.seats_assigned_share.notnull(), assigned), (facts.seat_use.notnull(), used),
        else_=unknown)  # fmt: skip


limited = partial(Measure, motion="expand", kind="number", sources=("account_metrics",), leading=True, method="whitespace")
FAMILIES = (
    Family("limits", "limits", limits, (
        limited("limit_use", "Limit used", "%", f"the highest share of a limit that is used, of numbers of which the source states the limit, within "
            f"{MONTHLY} days"),
        limited("limits_near", "Limits nearly reached", "limits", "limits of which 80 % and more are used"),
    ), beside=("entitlements",)),
    Family("granted", "entitlements", granted, (
        limited("entitlements", "Entitlements", "entitlements", "different things of which a limit, or the use without one, is granted on the day",
            sources=("entitlements",), leading=None),
    )),
)  # fmt: skip

DERIVED = (
    Derived(
        room("seat_use", "Seat use", "%", "active users of 28 days over seats bought; above 1 is more than bought", better="up", method="usage"),
        ("active_users_28d", "seats"),
        lambda facts: ratio(facts.active_users_28d, facts.seats),
    ),
    Derived(
        room("seats_idle", "Seats without a user", "seats", "seats bought less active users of 28 days; below 0 is more than bought", better="down",
            method="usage"),
        ("active_users_28d", "seats"),
        lambda facts: facts.seats - facts.active_users_28d,
    ),
    Derived(
        room("seats_assigned_share", "Seats assigned, share", "%", "seats assigned over seats bought; above 1 is more than bought", better="up",
            sources=ASSIGNED),
        ("seats_assigned", "seats"),
        lambda facts: ratio(facts.seats_assigned, facts.seats),
    ),
    Derived(
        room("seats_taken_share", "Seats taken", "%",
            "active users of 28 days, where the source names none seats assigned, over seats bought; from 90 % on they are nearly full"),
        ("active_users_28d", "seats_assigned", "seats"),
        lambda facts: ratio(_taken(facts), facts.seats),
    ),
    Derived(
        room("seats_free", "Room in seats", "seats", "seats bought less those taken; below 0 is more than bought"),
        ("active_users_28d", "seats_assigned", "seats"),
        lambda facts: facts.seats - _taken(facts),
    ),
    Derived(
        room("seat_band", "Seats by age", "", "seats assigned (else in use) over seats bought, judged by how long the account has paid; none in the first "
            "two months", kind="text", motion="adopt", words_of=BANDS, better=""),
        ("seats_assigned_share", "seat_use", "first_paid_on"), _band,
    ),
    Derived(
        room("plan_fit", "Plan fit", "", "tight from 90 % of the seats or 80 % of a limit on, roomy where under half of all that is known is used, else fits",
            kind="text", words_of=FITS, better="", sources=("subscription_lines", "usage_days", "account_metrics")),
        ("seats_taken_share", "limit_use"), _fit,
    ),
    Derived(
        room("expansion_potential_mrr", "Expansion potential", "per month", "what full seats, an outgrown plan and products that alike accounts own "
            "would bring, each times how often accounts with that reason grew within 180 days; unknown on other days than that of the pass",
            kind="money", better="up", method="expansion-potential", sources=LINES),
        (), lambda facts: literal(None, "float64"),
    ),
)  # fmt: skip


def grown(records: Records) -> Table:
    """Each day on which an account's MRR moved, with all that it did. Grain: account, on the day."""
    changes = records["changes"]
    net = changes.opening + changes.new + changes.back + changes.growth - changes.shrinking - changes.lost
    return changes.select("account_id", "growth", net=net, item=literal(None, "int64"), on_d=changes.on_d)


def _rate(growth: float, end: float, net: float) -> float | None:
    opening = end - net
    return growth / opening if opening > 0 else None


WHITESPACE = {"account_id": "int64", "on_d": "int32", "item": "int64", "product": "string", "potential": "float64"}


def lacking(records: Records) -> Table:
    """Products that accounts of the same segment own and this one does not, on the run's day. Grain: account x product."""
    rows = table(WHITESPACE, "whitespace")
    return rows.mutate(whitespace_mrr=rows.potential)


def _paying(facts: Table, value: Value) -> Value:
    return ifelse(facts.mrr > 0, value.cast("float64"), literal(None, "float64"))


firm = partial(Measure, motion="expand", kind="number", grain="company", leading=False, better="up", sources=LINES, method="mrr-movements")
now = partial(firm, leading=True, method="whitespace", sources=SEATS_AND_USE)
ITEMS = (
    Items("growth", "movement", "changes", grown),
    Items("whitespace", "account x product", "lines", lacking, (
        firm("whitespace_mrr", "Whitespace of a product", "per month", "what the owners of the product in the account's segment pay for it, the middle one, "
            "where the account does not own it", kind="money", grain="account x product", leading=True, method="whitespace"),
    ), {"product": "Product"}, of_run=True, of_day=True),
)
COMPANY = (
    Company(firm("expansion_mrr_firm", "Expansion MRR", "per month", "rises of MRR of accounts that paid already, in the period", kind="money", zero=True),
        "growth", lambda rows: rows.growth),
    Company(firm("net_mrr_firm", "Change of MRR", "per month", "what MRR moved by in the period", kind="money", zero=True, motion="base"), "growth",
        lambda rows: rows.net),
    Company(now("whitespace_firm", "Whitespace", "per year", "what accounts would pay a year for the products that their segment usually owns and they do not: "
        "the median of the owners in the segment; known of the day of the run", kind="money", sources=LINES), "whitespace",
        lambda rows: rows.potential * literal(12.0)),
    Company(now("seats_full_accounts", "Seats nearly full", "accounts", "paying accounts with 90 % and more of their seats taken", better=""), FACTS,
        lambda facts: _paying(facts, facts.seats_taken_share >= FULL), reads=("mrr", "seats_taken_share")),
    Company(now("seats_free_firm", "Room in seats of the firm", "seats", "seats bought and not taken, of paying accounts that have any left", better=""), FACTS,
        lambda facts: _paying(facts, ifelse(facts.seats_free < 0, literal(0.0), facts.seats_free)), reads=("mrr", "seats_free")),
    Company(now("expansion_potential_firm", "Expansion potential of the firm", "per year", "12 times what paying accounts may grow by, each reason times how "
        "often it came to be", kind="money", method="expansion-potential", sources=LINES), FACTS,
        lambda facts: _paying(facts, facts.expansion_potential_mrr * literal(12.0)), reads=("mrr", "expansion_potential_mrr")),
    Company(now("growth_pipeline_firm", "Expansion in the pipeline", "per year", "what open deals would bring in a year, of accounts with an open deal of the "
        "motion expand", kind="money", sources=("opportunities",), method="booked"), FACTS,
        lambda facts: ifelse(facts.growth_deals_open > 0, facts.pipeline_arr, literal(None, "float64")), reads=("growth_deals_open", "pipeline_arr")),
)  # fmt: skip
COMBINED = (
    Combined(firm("expansion_rate", "Expansion rate", "%", "expansion MRR over MRR at the period's start"), ("expansion_mrr_firm", "mrr_firm", "net_mrr_firm"),
        _rate),
    Combined(firm("expansion_share", "Expansion, share of MRR", "%", "expansion MRR of the period over MRR at its end"), ("expansion_mrr_firm", "mrr_firm"),
        lambda growth, end: growth / end if end else None),
)  # fmt: skip
