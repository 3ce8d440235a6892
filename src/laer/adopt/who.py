"""Measures of who uses it and what of it: users without the firm's own people, teams, features, and the features that matter."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.spine import BLOCK, Spine
from laer.records.expr import Table, Value, bit_count, ifelse, literal, ratio

WEEK = 1 << (BLOCK - 7)  # from this mask on, one of the last seven days was active
USAGE, TEAMS, KEY = ("usage_days",), ("usage_days", "product_users"), ("usage_days", "product_features")


def _known(spine: Spine, records: Records) -> Table:
    """Users of the product as they stood on the day, each once. Grain: account_id x d x actor."""
    held = spine.alive(records["product_users"], "from_d", "until_d")
    return held.group_by("account_id", "d", "actor").agg(ours=held.internal.max(), team=held.team.max())


def users(spine: Spine, records: Records) -> Table:
    """Who was active in the 28 days up to the day, our own people aside, where the source names users. Grain: account_id x d."""
    seen, known = spine.last_28_days(records["user_blocks"]), _known(spine, records).rename(account="account_id", day="d", who="actor")
    both = seen.left_join(known, [seen.account_id == known.account, seen.d == known.day, seen.actor == known.who])
    theirs = ~both.ours.fill_null(False)
    return both.group_by("account_id", "d").agg(
        active_users_28d=theirs.sum().cast("float64"), active_users_7d=(theirs & (both.mask >= WEEK)).sum().cast("float64"),
        user_days_28d=bit_count(both.mask).sum(where=theirs).fill_null(0).cast("float64"),
        internal_users_28d=(~theirs).sum().cast("float64"), teams_28d=both.team.nunique(where=theirs).cast("float64"),
        users_with_team_28d=both.team.count(where=theirs).cast("float64"),
    )  # fmt: skip


def features(spine: Spine, records: Records) -> Table:
    """Which features were used in the 28 days up to the day. Grain: account_id x d."""
    seen = spine.last_28_days(records["feature_blocks"])
    return seen.group_by("account_id", "d").agg(features_28d=seen.count().cast("float64"), features_7d=(seen.mask >= WEEK).sum().cast("float64"))


def _key(spine: Spine, records: Records) -> Table:
    """The key features that there were on each date, each once for a product (none: 0). Grain: d x feature x product."""
    rows, at = records["key_features"], spine.dates
    held = rows.inner_join(at, [rows.from_d <= at.d, at.d < rows.until_d])
    return held.select("d", key=rows.actor, product=rows.product_id.fill_null(0)).distinct()


def key_used(spine: Spine, records: Records) -> Table:
    """Which of the key features were used in the 28 days up to the day. Grain: account_id x d."""
    seen, there = spine.last_28_days(records["feature_blocks"]), _key(spine, records).rename(day="d")
    both = seen.left_join(there, [seen.d == there.day, seen.actor == there.key])
    return both.group_by("account_id", "d").agg(key_features_28d=both.key.nunique().cast("float64"))


def key_offered(spine: Spine, records: Records) -> Table:
    """How many key features the products that an account has in force offer it. Grain: account_id x d."""
    held = spine.alive(records["lines"], "start_d", "end_d").select("account_id", "d", sold=lambda t: t.product_id.fill_null(-1))
    there = _key(spine, records).rename(day="d")
    both = held.inner_join(there, [held.d == there.day, (there["product"] == 0) | (there["product"] == held.sold)])
    return both.group_by("account_id", "d").agg(key_features_offered=both.key.nunique().cast("float64"))


used = partial(Measure, motion="adopt", kind="number", sources=USAGE, leading=True, better="up", method="usage", zero=True)

FAMILIES = (
    Family("users", "user_blocks", users, (
        used("active_users_28d", "Active users, 28 days", "users", "different users active on any of the 28 days up to the day, without those who are known as "
            "our own people"),
        used("active_users_7d", "Active users, 7 days", "users", "different users active on any of the 7 days up to the day, without our own people"),
        used("user_days_28d", "User days, 28 days", "days", "days on which each user was active, summed over users, without our own people"),
        used("internal_users_28d", "Own people active, 28 days", "users", "users active in 28 days who are known as our own people; they count in no other "
            "figure of users", sources=TEAMS, better="", leading=None),
        used("teams_28d", "Teams among users, 28 days", "teams", "different teams of the users active in 28 days, of those whose team is known",
            sources=TEAMS),
        used("users_with_team_28d", "Users of a known team, 28 days", "users", "users active in 28 days whose team is known", sources=TEAMS, better="",
            leading=None),
    ), beside=("product_users",)),
    Family("features", "feature_blocks", features, (
        used("features_28d", "Features used, 28 days", "features", "different features used in the 28 days up to the day"),
        used("features_7d", "Features used, 7 days", "features", "different features used in the 7 days up to the day"),
    )),
    Family("key_used", "feature_blocks", key_used, (
        used("key_features_28d", "Key features used, 28 days", "features", "different key features used in the 28 days up to the day", sources=KEY),
    ), beside=("key_features",)),
    Family("key_offered", "lines", key_offered, (
        used("key_features_offered", "Key features offered", "features", "key features of the products in force, and those of no product",
            sources=("subscription_lines", "product_features"), better="", leading=None, zero=False),
    ), beside=("key_features",)),
)  # fmt: skip


def _breadth(facts: Table) -> Value:
    """One at most: an account may use what another product offers."""
    return ratio(ifelse(facts.key_features_28d > facts.key_features_offered, facts.key_features_offered, facts.key_features_28d), facts.key_features_offered)


def _spread(facts: Table) -> Value:
    """As the source counts teams; else the teams of users, unknown where no active user's team is known."""
    unsaid = (facts.users_with_team_28d == 0) & (facts.active_users_28d > 0)
    return facts.teams_active.fill_null(ifelse(unsaid, literal(None, "float64"), facts.teams_28d))


DERIVED = (
    Derived(
        used("key_breadth", "Breadth over key features", "%", "key features used in 28 days over those that the account's products offer", zero=False,
            sources=("usage_days", "product_features", "subscription_lines")),
        ("key_features_28d", "key_features_offered"), _breadth,
    ),
    Derived(
        used("team_spread", "Teams that use it", "teams", "active teams as their source counts them, else the different teams of the users active in 28 days; "
            "unknown where no active user's team is known", zero=False, sources=("usage_days", "product_users", "account_metrics")),
        ("teams_active", "teams_28d", "users_with_team_28d", "active_users_28d"), _spread,
    ),
)  # fmt: skip
