"""Measures of Adopt: use, requests for help, what people say, and whether we are in touch."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.spine import BLOCK, Spine
from laer.records.expr import Table, Value, bit_count, cases, ifelse, literal, ratio

USAGE, TICKETS, ANSWERS, TOUCHES = ("usage_days",), ("tickets",), ("survey_responses",), ("touches",)
WEEK = 1 << (BLOCK - 7)  # from this mask on, one of the last seven days was active
QUARTER, YEAR = 90, 365
FEWEST_USERS = 5  # under which a mean share of users says nothing
FEWEST_EVENTS = 10  # in the 28 days before, under which a trend says nothing
COLOURS = ("red", "yellow", "green")


def users(spine: Spine, records: Records) -> Table:
    """Who was active in the 28 days up to the day, where the source names users. Grain: account_id x d."""
    seen = spine.last_28_days(records["user_blocks"])
    return seen.group_by("account_id", "d").agg(
        active_users_28d=seen.count().cast("float64"), active_users_7d=(seen.mask >= WEEK).sum().cast("float64"),
        user_days_28d=bit_count(seen.mask).sum().cast("float64"),
    )  # fmt: skip


def features(spine: Spine, records: Records) -> Table:
    """Which features were used in the 28 days up to the day. Grain: account_id x d."""
    seen = spine.last_28_days(records["feature_blocks"])
    return seen.group_by("account_id", "d").agg(features_28d=seen.count().cast("float64"), features_7d=(seen.mask >= WEEK).sum().cast("float64"))


def days(spine: Spine, records: Records) -> Table:
    """How much was done in the 28 days up to the day, and in the 28 before. Grain: account_id x d."""
    seen = spine.within(records["account_days"], "day_d", 2 * BLOCK, large=True)
    now = seen.d - seen.day_d < BLOCK
    return seen.group_by("account_id", "d").agg(
        usage_28d=seen.n.sum(where=now).fill_null(0).cast("float64"), usage_before_28d=seen.n.sum(where=~now).fill_null(0).cast("float64"),
        active_days_28d=now.sum().cast("float64"), errors_28d=seen.errors.sum(where=now).cast("float64"),
    )  # fmt: skip


def last_used(spine: Spine, records: Records) -> Table:
    """The last day of use within a year. Grain: account_id x d."""
    seen = spine.within(records["account_days"], "day_d", YEAR, large=True)
    return seen.group_by("account_id", "d").agg(last_used_on=seen.day_d.max())


def open_tickets(spine: Spine, records: Records) -> Table:
    """Requests that wait on the day. Grain: account_id x d."""
    held = spine.alive(records["tickets"], "opened_d", "closed_d")
    return held.group_by("account_id", "d").agg(
        tickets_open=held.count().cast("float64"), urgent_open=held.urgent.sum().cast("float64"), oldest_ticket_on=held.opened_d.min()
    )


def new_tickets(spine: Spine, records: Records) -> Table:
    """Requests of the last 90 days. Grain: account_id x d."""
    seen = spine.within(records["tickets"], "opened_d", QUARTER)
    return seen.group_by("account_id", "d").agg(tickets_90d=seen.count().cast("float64"), escalations_90d=seen.escalated.sum().cast("float64"))


def closed_tickets(spine: Spine, records: Records) -> Table:
    """Requests that were closed in the last 90 days, and what was said of them. Grain: account_id x d."""
    seen = spine.within(records["tickets"], "closed_d", QUARTER)
    return seen.group_by("account_id", "d").agg(
        ticket_csat_90d=ratio(seen.satisfaction.sum(), seen.satisfaction.count()), days_to_close_90d=ratio((seen.closed_d - seen.opened_d).sum(), seen.count())
    )


def answers(spine: Spine, records: Records) -> Table:
    """The latest answer to each kind of survey within a year. Grain: account_id x d."""
    seen = spine.within(records["answers"], "answered_d", YEAR)
    packed = seen.answered_d.cast("int64") * 1000 + (seen.score * 10).round(0).cast("int64")  # the latest by a maximum: no window over all answers
    latest = {kind: packed.max(where=seen.kind == kind) for kind in ("nps", "csat", "ces")}
    said = seen.group_by("account_id", "d").agg(**latest, answered_on=seen.answered_d.max())
    return said.select("account_id", "d", "answered_on", **{f"{kind}_latest": ratio(said[kind] % 1000, literal(10)) for kind in latest})


def pulse(spine: Spine, records: Records) -> Table:
    """What a person holds of the account: the latest word. Grain: account_id x d."""
    seen = spine.within(records["pulses"], "stated_d", 10 * YEAR)
    packed = (seen.stated_d.cast("int64") * 10 + seen.level).max()
    said = seen.group_by("account_id", "d").agg(packed=packed)
    level = said.packed % 10
    return said.select(
        "account_id", "d", pulse=cases(*((level == place, colour) for place, colour in enumerate(COLOURS)), else_=literal(None, "string")),
            pulse_on=(said.packed // 10).cast("int32")
    )


def touches(spine: Spine, records: Records) -> Table:
    """Contact with the account in the last year. Grain: account_id x d."""
    seen = spine.within(records["touches"], "on_d", YEAR)
    age = seen.d - seen.on_d
    return seen.group_by("account_id", "d").agg(
        touches_45d=(age < 45).sum().cast("float64"), minutes_90d=seen.minutes.sum(where=age < QUARTER).fill_null(0).cast("float64"),
        last_touch_on=seen.on_d.max(), reached_us_on=seen.on_d.max(where=seen.inward), last_meeting_on=seen.on_d.max(where=seen.kind.isin(["call", "meeting"])),
    )  # fmt: skip


used = partial(Measure, motion="adopt", kind="number", sources=("usage_days",), leading=True, better="up", method="usage")
asked = partial(Measure, motion="adopt", kind="number", sources=("tickets",), leading=True, better="down")
answered = partial(Measure, motion="adopt", kind="number", sources=("survey_responses",), leading=True, better="up")
touched = partial(Measure, motion="adopt", kind="date", sources=("touches",), leading=True)

FAMILIES = (
    Family("users", "user_blocks", users, (
        used("active_users_28d", "Active users, 28 days", "users", "different users active on any of the 28 days up to the day", zero=True),
        used("active_users_7d", "Active users, 7 days", "users", "different users active on any of the 7 days up to the day", zero=True),
        used("user_days_28d", "User days, 28 days", "days", "days on which each user was active, summed over users", zero=True),
    )),
    Family("features", "feature_blocks", features, (
        used("features_28d", "Features used, 28 days", "features", "different features used in the 28 days up to the day", zero=True),
        used("features_7d", "Features used, 7 days", "features", "different features used in the 7 days up to the day", zero=True),
    )),
    Family("days", "account_days", days, (
        used("usage_28d", "Use, 28 days", "events", "events of the 28 days up to the day", zero=True),
        used("usage_before_28d", "Use, 28 days before", "events", "events of the 28 days before those", better="", zero=True),
        used("active_days_28d", "Active days, 28 days", "days", "days with any use among the 28 up to the day", zero=True),
        used("errors_28d", "Errors, 28 days", "errors", "errors that the use of 28 days met, where the source says them", better="down"),
    )),
    Family("last_used", "account_days", last_used, (
        used("last_used_on", "Last used", "", "the last day with any use, within a year", kind="date", better=""),
    )),
    Family("open_tickets", "tickets", open_tickets, (
        asked("tickets_open", "Open tickets", "tickets", "tickets opened and not closed", zero=True),
        asked("urgent_open", "Urgent tickets open", "tickets", "open tickets of a priority such as urgent, critical or high", zero=True),
        asked("oldest_ticket_on", "Oldest open ticket", "", "the day on which the oldest open ticket was opened", kind="date", better=""),
    )),
    Family("new_tickets", "tickets", new_tickets, (
        asked("tickets_90d", "Tickets, 90 days", "tickets", "tickets opened in the 90 days up to the day", zero=True),
        asked("escalations_90d", "Escalations, 90 days", "tickets", "tickets of those 90 days that were escalated", zero=True),
    )),
    Family("closed_tickets", "tickets", closed_tickets, (
        asked("ticket_csat_90d", "Ticket satisfaction, 90 days", "of 5",
            "mean satisfaction of tickets closed in the 90 days up to the day, as their source scores it", better="up"),
        asked("days_to_close_90d", "Days to close, 90 days", "days", "mean days from opening to closing of those tickets"),
    )),
    Family("answers", "answers", answers, (
        answered("nps_latest", "NPS answer", "of 10", "the latest answer to an NPS survey within a year"),
        answered("csat_latest", "CSAT answer", "of 5", "the latest answer to a CSAT survey within a year"),
        answered("ces_latest", "CES answer", "of 7", "the latest answer to a CES survey within a year; high is easy"),
        answered("answered_on", "Last answer", "", "the day of the latest answer to any survey within a year", kind="date", leading=None, better=""),
    )),
    Family("pulse", "pulses", pulse, (
        Measure("pulse", "Pulse", "", "what a person holds of the account: red, yellow, green", sources=("pulses",), motion="adopt", kind="text",
            leading=True, words_of=COLOURS),
        Measure("pulse_on", "Pulse of", "", "the day on which that was said", sources=("pulses",), motion="adopt", kind="date"),
    )),
    Family("touches", "touches", touches, (
        touched("touches_45d", "Touches, 45 days", "touches", "calls, meetings, mails and chats of the 45 days up to the day", kind="number", better="up",
            zero=True),
        touched("minutes_90d", "Minutes, 90 days", "minutes", "minutes of the touches of 90 days, where they say some", kind="number", zero=True),
        touched("last_touch_on", "Last touch", "", "the day of the last touch within a year"),
        touched("reached_us_on", "They last reached out", "", "the day of the last touch that came from them within a year"),
        touched("last_meeting_on", "Last call or meeting", "", "the day of the last call or meeting within a year"),
    )),
)  # fmt: skip


def _stickiness(facts: Table) -> Value:
    enough = facts.active_users_28d >= FEWEST_USERS
    return ifelse(enough, ratio(facts.user_days_28d, facts.active_users_28d * BLOCK), literal(None, "float64"))


def _trend(facts: Table) -> Value:
    enough = facts.usage_before_28d >= FEWEST_EVENTS
    return ifelse(enough, ratio(facts.usage_28d - facts.usage_before_28d, facts.usage_before_28d), literal(None, "float64"))


def _trend_beside_segment(facts: Table) -> Value:
    """Seasons and holidays move everybody: what moved the segment's median is not the account's own."""
    return facts.usage_trend - facts.segment_usage_trend


DERIVED = (
    Derived(used("stickiness", "Stickiness", "%", f"mean daily users over users of 28 days; unknown under {FEWEST_USERS} users"), ("active_users_28d",
        "user_days_28d"), _stickiness),
    Derived(used("usage_trend", "Trend of use", "%",
        f"use of 28 days over the 28 before, less 1; unknown where those had under {FEWEST_EVENTS} events"), ("usage_28d", "usage_before_28d"), _trend),
    Derived(used("usage_trend_adjusted", "Trend of use, less the segment's", "%",
        "trend of use less the median trend of the account's segment on the day"), ("usage_trend",), _trend_beside_segment, beside="usage_trend"),
)  # fmt: skip
