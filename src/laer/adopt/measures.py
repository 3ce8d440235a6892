"""Measures of Adopt: use, requests for help, what people say, and whether we are in touch."""

from __future__ import annotations

from functools import partial

from laer.adopt import firm, onboarding, relationship, texts, who
from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.spine import BLOCK, Spine
from laer.records.expr import Table, Value, cases, greatest, ifelse, literal, ratio

__all__ = ["COMPANY", "DERIVED", "FAMILIES", "ITEMS"]
ITEMS = (*firm.ITEMS, *texts.ITEMS)
COMPANY = (*firm.COMPANY, *texts.COMPANY)
USAGE, TICKETS, ANSWERS, TOUCHES = ("usage_days",), ("tickets",), ("survey_responses",), ("touches",)
QUARTER, YEAR = 90, 365
FEWEST_USERS = 5  # under which a mean share of users says nothing
FEWEST_EVENTS = 10  # in the 28 days before, under which a trend says nothing
COLOURS = ("red", "yellow", "green")
PULSE_STALE = 30  # days after which what a person holds of an account no longer counts as what they hold now
FEWEST_GAPS = 5  # between days of use, under which an account has no rhythm of its own
RHYTHM = 180  # days over which it is taken
MONTHLY = 60  # days for which a number that a source counts itself holds
PACKED = 10_000_000  # above every count that is packed behind its day
COUNTED = ("seats_assigned", "teams_active")  # numbers that a source counts itself
LONG = 14  # days after which an open ticket weighs more


def days(spine: Spine, records: Records) -> Table:
    """How much was done in the 28 days up to the day, and in the 28 before. Grain: account_id x d."""
    seen = spine.within(records["account_days"], "day_d", 2 * BLOCK, large=True)
    now = seen.d - seen.day_d < BLOCK
    return seen.group_by("account_id", "d").agg(
        usage_28d=seen.n.sum(where=now).fill_null(0).cast("float64"), usage_before_28d=seen.n.sum(where=~now).fill_null(0).cast("float64"),
        active_days_28d=now.sum().cast("float64"), errors_28d=seen.errors.sum(where=now).cast("float64"),
    )  # fmt: skip


def last_used(spine: Spine, records: Records) -> Table:
    """The last day of use within a year, and the account's own rhythm: its median gap between days of use. Grain: account_id x d."""
    seen = spine.within(records["account_days"], "day_d", YEAR, large=True)
    near = (seen.d - seen.day_d < RHYTHM) & seen.gap.notnull()
    said = seen.group_by("account_id", "d").agg(last_used_on=seen.day_d.max(), gaps=near.sum(), middle=seen.gap.median(where=near))
    enough = said.gaps >= FEWEST_GAPS
    return said.select("account_id", "d", "last_used_on", usage_gap_days=ifelse(enough, said.middle.cast("float64"), literal(None, "float64")))


def activated(spine: Spine, records: Records) -> Table:
    """The first day on which the firm's rule was reached. Grain: account_id x d."""
    seen = spine.within(records["activations"], "on_d", onboarding.EVER)
    return seen.group_by("account_id", "d").agg(activated_on=seen.on_d.min())


def watched(spine: Spine, records: Records) -> Table:
    """Since when the firm's source of usage says anything. Grain: account_id x d."""
    seen = spine.within(records["watched"], "since_d", onboarding.EVER)
    return seen.group_by("account_id", "d").agg(usage_since_on=seen.since_d.min())


def counted(spine: Spine, records: Records) -> Table:
    """Numbers that a source counts itself: the latest of each within 60 days. Grain: account_id x d."""
    seen = spine.within(records["metrics"], "on_d", MONTHLY)
    packed = seen.on_d.cast("int64") * PACKED + seen.number.round(0).cast("int64")
    said = seen.group_by("account_id", "d").agg(**{name: packed.max(where=(seen.name == name) & (seen.number >= 0)) for name in COUNTED})
    return said.select("account_id", "d", **{name: (said[name] % PACKED).cast("float64") for name in COUNTED})


def open_tickets(spine: Spine, records: Records) -> Table:
    """Requests that wait on the day. Grain: account_id x d."""
    held = spine.alive(records["tickets"], "opened_d", "closed_d")
    return held.group_by("account_id", "d").agg(
        tickets_open=held.count().cast("float64"), urgent_open=held.urgent.sum().cast("float64"), escalations_open=held.escalated.sum().cast("float64"),
        oldest_ticket_on=held.opened_d.min(),
    )  # fmt: skip


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
    on = {f"{kind}_on": (said[kind] // 1000).cast("int32") for kind in latest}
    return said.select("account_id", "d", "answered_on", **on, **{f"{kind}_latest": ratio(said[kind] % 1000, literal(10)) for kind in latest})


def pulse(spine: Spine, records: Records) -> Table:
    """What a person holds of the account: the latest word. Grain: account_id x d."""
    seen = spine.within(records["pulses"], "stated_d", 10 * YEAR)
    packed = (seen.stated_d.cast("int64") * 10 + seen.level).max()
    said = seen.group_by("account_id", "d").agg(packed=packed)
    level = said.packed % 10
    return said.select(
        "account_id", "d", pulse=cases(*((level == place, colour) for place, colour in enumerate(COLOURS)), else_=literal(None, "string")),
            pulse_on=(said.packed // 10).cast("int32"), pulse_stale=said.d - said.packed // 10 > PULSE_STALE,
    )


def touches(spine: Spine, records: Records) -> Table:
    """Contact with the account in the last year. Grain: account_id x d."""
    seen = spine.within(records["touches"], "on_d", YEAR)
    age = seen.d - seen.on_d
    mail, near = seen.kind == "mail", age < QUARTER
    return seen.group_by("account_id", "d").agg(
        mails_90d=(mail & ~seen.inward & near).sum().cast("float64"), mail_replies_90d=(mail & seen.inward & near).sum().cast("float64"),
        sentiment_90d=ratio(seen.sentiment.sum(where=near), seen.sentiment.count(where=near)),
        touches_45d=(age < 45).sum().cast("float64"), minutes_90d=seen.minutes.sum(where=age < QUARTER).fill_null(0).cast("float64"),
        last_touch_on=seen.on_d.max(), reached_us_on=seen.on_d.max(where=seen.inward), last_meeting_on=seen.on_d.max(where=seen.kind.isin(["call", "meeting"])),
    )  # fmt: skip


used = partial(Measure, motion="adopt", kind="number", sources=("usage_days",), leading=True, better="up", method="usage")
asked = partial(Measure, motion="adopt", kind="number", sources=("tickets",), leading=True, better="down")
answered = partial(Measure, motion="adopt", kind="number", sources=("survey_responses",), leading=True, better="up")
touched = partial(Measure, motion="adopt", kind="date", sources=("touches",), leading=True)

FAMILIES = (
    *who.FAMILIES,
    Family("days", "account_days", days, (
        used("usage_28d", "Use, 28 days", "events", "events of the 28 days up to the day", zero=True),
        used("usage_before_28d", "Use, 28 days before", "events", "events of the 28 days before those", better="", zero=True),
        used("active_days_28d", "Active days, 28 days", "days", "days with any use among the 28 up to the day", zero=True),
        used("errors_28d", "Errors, 28 days", "errors", "errors that the use of 28 days met, where the source says them", better="down"),
    )),
    Family("last_used", "account_days", last_used, (
        used("last_used_on", "Last used", "", "the last day with any use, within a year", kind="date", better=""),
        used("usage_gap_days", "Usual gap between days of use", "days",
            f"median gap between the account's days of use of {RHYTHM} days; unknown under {FEWEST_GAPS} gaps", better=""),
    )),
    Family("activated", "activations", activated, (
        used("activated_on", "Activated", "", "the first day on which the firm's activation rule was reached", kind="date", better="", method="activation"),
    )),
    Family("watched", "watched", watched, (
        used("usage_since_on", "Usage known since", "", "the first day of which the source of usage says anything", kind="date", better="", leading=None,
            method="activation"),
    )),
    Family("counted", "metrics", counted, (
        Measure("seats_assigned", "Seats assigned", "seats", f"seats given to somebody, as their source counts them, within {MONTHLY} days", motion="adopt",
            kind="number", sources=("account_metrics",), leading=True, better="up"),
        Measure("teams_active", "Active teams", "teams", f"teams that use it, as their source counts them, within {MONTHLY} days", motion="adopt",
            kind="number", sources=("account_metrics",), leading=True, better="up"),
    )),
    *onboarding.FAMILIES,
    *relationship.FAMILIES,
    *texts.FAMILIES,
    Family("open_tickets", "tickets", open_tickets, (
        asked("tickets_open", "Open tickets", "tickets", "tickets opened and not closed", zero=True),
        asked("urgent_open", "Urgent tickets open", "tickets", "open tickets of a priority such as urgent, critical or high", zero=True),
        asked("escalations_open", "Escalations open", "tickets", "open tickets that were escalated", zero=True),
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
        answered("nps_on", "NPS answer of", "", "the day of the latest answer to an NPS survey within a year", kind="date", leading=None, better=""),
        answered("csat_on", "CSAT answer of", "", "the day of the latest answer to a CSAT survey within a year", kind="date", leading=None, better=""),
        answered("ces_on", "CES answer of", "", "the day of the latest answer to a CES survey within a year", kind="date", leading=None, better=""),
        answered("answered_on", "Last answer", "", "the day of the latest answer to any survey within a year", kind="date", leading=None, better=""),
    )),
    Family("pulse", "pulses", pulse, (
        Measure("pulse", "Pulse", "", "what a person holds of the account: red, yellow, green", sources=("pulses",), motion="adopt", kind="text",
            leading=True, words_of=COLOURS),
        Measure("pulse_on", "Pulse of", "", "the day on which that was said", sources=("pulses",), motion="adopt", kind="date"),
        Measure("pulse_stale", "Pulse stale", "", "whether the latest pulse was said more than 30 days ago", sources=("pulses",), motion="adopt", kind="flag",
            leading=True, better="down"),
    )),
    Family("touches", "touches", touches, (
        touched("touches_45d", "Touches, 45 days", "touches", "calls, meetings, mails and chats of the 45 days up to the day", kind="number", better="up",
            zero=True),
        touched("minutes_90d", "Minutes, 90 days", "minutes", "minutes of the touches of 90 days, where they say some", kind="number", zero=True),
        touched("mails_90d", "E-mails sent, 90 days", "mails", "e-mails of ours in 90 days", kind="number", zero=True),
        touched("mail_replies_90d", "E-mails received, 90 days", "mails", "e-mails of theirs in 90 days", kind="number", better="up", zero=True),
        touched("sentiment_90d", "Sentiment, 90 days", "", "mean of how the touches of 90 days went, where they say it: good 1, neutral 0, bad -1",
            kind="number", better="up"),
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


PAUSE = 3  # days: whoever works daily pauses so long over a weekend, and is not silent on Monday


def _activated(facts: Table) -> Value:
    return cases((facts.activated_on.notnull(), literal(True)), (facts.active_days_28d.notnull(), literal(False)), else_=literal(None, "boolean"))


def _days_to_activation(facts: Table) -> Value:
    """Who paid before the source began to tell may have been activated long before: how long it took is unknown."""
    watched = facts.first_paid_on >= facts.usage_since_on
    return ifelse(watched, greatest(facts.activated_on - facts.first_paid_on, literal(0)).cast("float64"), literal(None, "float64"))


def _silence(facts: Table) -> Value:
    return ratio(facts.d - facts.last_used_on, ifelse(facts.usage_gap_days < PAUSE, literal(float(PAUSE)), facts.usage_gap_days), 1)


def _mail_share(facts: Table) -> Value:
    """Of 2 mails that each had an answer it is 1; more than that says no more."""
    share = ratio(facts.mail_replies_90d, facts.mails_90d)
    return ifelse(share > 1, literal(1.0), share)  # `least` passes over what is unknown


def _pain(facts: Table) -> Value:
    waits = ifelse(facts.d - facts.oldest_ticket_on > LONG, literal(1.0), literal(0.0)).fill_null(0.0)
    return facts.tickets_90d + facts.urgent_open * 2 + facts.escalations_90d * 3 + waits


DERIVED = (
    Derived(used("activated", "Is activated", "", "whether the firm's activation rule was reached", kind="flag", method="activation"),
        ("activated_on", "active_days_28d"), _activated),
    Derived(used("days_to_activation", "Days to activation", "days",
        "days from the first paid day to activation, 0 where it was activated before; unknown where it paid before usage was known", better="down",
        sources=("usage_days", "subscription_lines"), method="time-to-value"), ("activated_on", "usage_since_on", "first_paid_on"), _days_to_activation),
    Derived(used("silence", "Silence", "times",
        "days since the last use over the account's usual gap between days of use, which counts as 3 days at least: 1 is as usual", better="down"),
        ("last_used_on", "usage_gap_days"), _silence),
    Derived(used("depth", "Depth", "days", "days of use per active user in 28 days"), ("user_days_28d", "active_users_28d"),
        lambda facts: ratio(facts.user_days_28d, facts.active_users_28d)),
    Derived(asked("ticket_pain", "Ticket pain", "points",
        f"tickets of 90 days, 2 more for each urgent one open, 3 more for each escalated, 1 more where the oldest has waited over {LONG} days"),
        ("tickets_90d", "urgent_open", "escalations_90d", "oldest_ticket_on"), _pain),
    Derived(touched("mail_reply_share", "E-mail engagement", "%", "e-mails received over e-mails sent in 90 days, 1 at most; unknown where none was sent",
        kind="number", better="up"), ("mail_replies_90d", "mails_90d"), _mail_share),
    Derived(used("error_rate_28d", "Error rate", "%", "errors of 28 days over events of 28 days, where the source says errors", better="down"),
        ("errors_28d", "usage_28d"), lambda facts: ratio(facts.errors_28d, facts.usage_28d)),
    Derived(touched("neglected", "Neglected", "", "whether a paying account had no touch of ours or theirs in 45 days", kind="flag", better="down",
        sources=("touches", "subscription_lines")), ("touches_45d", "mrr"), lambda facts: (facts.touches_45d == 0) & (facts.mrr > 0)),
    *onboarding.DERIVED,
    *relationship.DERIVED,
    *texts.DERIVED,
    *who.DERIVED,
    Derived(used("stickiness", "Stickiness", "%", f"mean daily users over users of 28 days; unknown under {FEWEST_USERS} users"), ("active_users_28d",
        "user_days_28d"), _stickiness),
    Derived(used("usage_trend", "Trend of use", "%",
        f"use of 28 days over the 28 before, less 1; unknown where those had under {FEWEST_EVENTS} events"), ("usage_28d", "usage_before_28d"), _trend),
    Derived(used("usage_trend_adjusted", "Trend of use, less the segment's", "%",
        "trend of use less the median trend of the account's segment on the day"), ("usage_trend",), _trend_beside_segment, beside="usage_trend"),
)  # fmt: skip
