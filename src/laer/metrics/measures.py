"""Measures that every motion reads: what an account pays, how that moved, what it has, what kind of customer it is."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value, cases, greatest, ifelse, literal, ratio

LINES = ("subscription_lines",)
STATES = ("prospect", "paying", "churned")
WINDOWS = (90, 365)
DIMENSIONS = {"segment": "Segment", "country": "Country", "industry": "Industry", "region": "Region", "lead_source": "Lead source", "owner": "CSM"}


def paying(spine: Spine, records: Records) -> Table:
    """What the ledger says that the account pays at the end of the day. Grain: account_id x d."""
    held = spine.alive(records["states"], "from_d", "until_d")
    return held.group_by("account_id", "d").agg(mrr=held.mrr.sum())


def first_paid(spine: Spine, records: Records) -> Table:
    """Since when the account has paid, and its last change. Grain: account_id x d, of accounts that ever paid."""
    seen = spine.within(records["changes"], "on_d", EVER)
    return seen.group_by("account_id", "d").agg(first_paid_on=seen.on_d.min(), mrr_changed_on=seen.on_d.max())


def moved(spine: Spine, records: Records) -> Table:
    """Movements of the windows that end on d. Grain: account_id x d, of accounts that moved within a year."""
    seen = spine.within(records["changes"], "on_d", max(WINDOWS))
    age = seen.d - seen.on_d
    sums = {f"{name}_{days}d": seen[column].sum(where=age < days) for name, column in MOVES.items() for days in WINDOWS}
    return seen.group_by("account_id", "d").agg(**sums)


def before(spine: Spine, records: Records) -> Table:
    """What the account paid 90 days before: a state, held 90 days later. Grain: account_id x d."""
    states = records["states"]
    later = states.mutate(from_d=(states.from_d + 90).cast("int32"), until_d=(states.until_d + 90).cast("int32"))
    held = spine.alive(later, "from_d", "until_d")
    return held.group_by("account_id", "d").agg(mrr_90d_ago=held.mrr.sum())


def bought(spine: Spine, records: Records) -> Table:
    """What is bought: the lines in force. Grain: account_id x d."""
    held = spine.alive(records["lines"], "start_d", "end_d")
    priced = held.list_mrr.notnull()
    return held.group_by("account_id", "d").agg(
        seats=held.seats.sum().cast("float64"), products=held.product_id.nunique().cast("float64"), plan=ifelse(held.plan.nunique() == 1, held.plan.max(),
            literal(None, "string")),
        discount=literal(1.0) - ratio(held.mrr.sum(where=priced), held.list_mrr.sum(where=priced)),
    )  # fmt: skip


def kind_of(spine: Spine, records: Records) -> Table:
    """Segment, country and the like as they stood on the day, and who the CSM was. Grain: account_id x d."""
    held = spine.alive(records["spans"], "from_d", "until_d")
    named = held.filter(held.value != "")
    return named.group_by("account_id", "d").agg(**{name: named.value.max(where=named.dimension == name) for name in DIMENSIONS})


EVER = 200_000  # days: beyond every history
MOVES = {"new": "new", "reactivation": "back", "expansion": "growth", "contraction": "shrinking", "churn": "lost"}
_SAID = {
    "new": "first MRR ever", "reactivation": "MRR of a former payer who came back", "expansion": "rises of MRR while it pays",
    "contraction": "falls of MRR that leave it paying", "churn": "MRR lost when it stopped paying",
}  # fmt: skip
_BETTER = {"new": "up", "reactivation": "up", "expansion": "up", "contraction": "down", "churn": "down"}
_MOTION = {"new": "land", "reactivation": "land", "expansion": "expand", "contraction": "renew", "churn": "renew"}

paid = partial(Measure, motion="base", kind="money", sources=("subscription_lines",), leading=False, method="mrr")
has = partial(Measure, motion="base", kind="number", sources=("subscription_lines",))


def _movement(name: str, days: int) -> Measure:
    return paid(f"{name}_{days}d", f"{name.capitalize()}, {days} days", "per month", f"{_SAID[name]}, summed over the {days} days up to the day",
        motion=_MOTION[name], better=_BETTER[name], method="mrr-movements", zero=True)  # fmt: skip


FAMILIES = (
    Family("paying", "states", paying, (
        paid("mrr", "MRR", "per month", "what the ledger says that the account pays at the end of the day", better="up", zero=True),
    )),
    Family("first_paid", "changes", first_paid, (
        has("first_paid_on", "Customer since", "", "the first day with MRR above 0", kind="date", method="mrr"),
        has("mrr_changed_on", "MRR changed", "", "the last day on which MRR moved", kind="date", method="mrr-movements"),
    )),
    Family("moved", "changes", moved, tuple(_movement(name, days) for name in MOVES for days in WINDOWS)),
    Family("before", "states", before, (
        paid("mrr_90d_ago", "MRR 90 days before", "per month", "what the account paid 90 days before the day", zero=True),
    )),
    Family("bought", "lines", bought, (
        has("seats", "Seats bought", "seats", "seats of the lines in force, where they say some"),
        has("products", "Products", "products", "different products of the lines in force", motion="expand", better="up"),
        has("plan", "Plan", "", "the plan of the lines in force, where they agree", kind="text"),
        has("discount", "Discount", "%", "1 less the net amount over the list amount, of lines that say both", motion="land", better="down"),
    )),
    Family("kind", "spans", kind_of, tuple(
        Measure(name, label, "", f"the account's {label.lower() if label != 'CSM' else 'CSM'} on the day", sources=("accounts",), motion="base",
            kind="text") for name, label in DIMENSIONS.items()
    )),
)  # fmt: skip


def _state(facts: Table) -> Value:
    return cases((facts.mrr > 0, "paying"), (facts.first_paid_on.notnull(), "churned"), (facts.mrr.notnull(), "prospect"), else_=literal(None, "string"))


def _newest(facts: Table) -> Value:
    days = [facts[name].fill_null(NEVER) for name in ("last_used_on", "last_touch_on", "answered_on", "pulse_on", "mrr_changed_on")]
    return greatest(*days).nullif(NEVER)


def _covered(facts: Table) -> Value:
    """Of each kind of record that the firm has: whether there is any of this account."""
    there = [(facts.active_days_28d.notnull(), facts.last_used_on.notnull()), (facts.touches_45d.notnull(), facts.last_touch_on.notnull()),
        (facts.terms.notnull(), facts.terms > 0), (facts.contacts.notnull(), facts.contacts > 0)]  # fmt: skip
    has = sum((ifelse(known & some, 1, 0) for known, some in there[1:]), start=ifelse(there[0][0] & there[0][1], 1, 0))
    of = sum((ifelse(known, 1, 0) for known, _ in there[1:]), start=ifelse(there[0][0], 1, 0))
    return ratio(has, of)


NEVER = -2_000_000
MANY = ("usage_days", "touches", "contracts", "contacts")
DERIVED = (
    Derived(Measure("data_newest_on", "Newest of it", "", "the newest day on which usage, a touch, an answer, a pulse or a change of MRR says anything of it",
        "base", "date", ("usage_days", "touches", "survey_responses", "pulses", "subscription_lines")),
        ("last_used_on", "last_touch_on", "answered_on", "pulse_on", "mrr_changed_on"), _newest),
    Derived(Measure("data_coverage", "Coverage by sources", "%", "of usage, touches, contracts and contacts those that say anything of it, over those that the "
        "firm has a fresh source of", "base", "number", MANY, better="up"),
        ("active_days_28d", "last_used_on", "touches_45d", "last_touch_on", "terms", "contacts"), _covered),
    Derived(has("state", "State", "", "paying while MRR is above 0; churned once it was; else prospect", kind="text", words_of=STATES), ("mrr",
        "first_paid_on"), _state),
    Derived(paid("arr", "ARR", "per year", "12 times MRR", better="up"), ("mrr",), lambda facts: (facts.mrr * 12).round(4)),
    Derived(
        has("mrr_change_90d", "Change of MRR, 90 days", "%", "MRR over MRR 90 days before, less 1; unknown where it paid nothing then", leading=False,
            better="up", method="mrr"),
        ("mrr", "mrr_90d_ago"),
        lambda facts: ratio(facts.mrr - facts.mrr_90d_ago, facts.mrr_90d_ago),
    ),
)  # fmt: skip
