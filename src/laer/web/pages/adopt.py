"""Adopt: do they use it as intended, and reach the outcome that they bought? Onboarding, activation, outcomes, and who has fallen silent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.adopt.activation import ActivationRule
from laer.adopt.time_to_value import TimeToValue
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.periods import day_number
from laer.web.pages import motion
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import format_of
from laer.web.pages.lists import List, opened, register
from laer.web.pages.motion import DAYS, NUMBER, PERCENT, Asked, Column, Line, meaning_of_measure, tile
from laer.web.pages.motion_accounts import BY, KEYS, NOT_SAID, Shown, all_rows, largest, list_of, listing, split_of, state_of
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.people.company import firm as company
from laer.web.runs import landing
from laer.web.runs.desk import ask
from laer.web.runs.landing import Firm
from laer.web.runs.models import PassRun
from laer.web.runs.motions import Listed, View, all_of, any_of, listed_of, paying
from laer.web.templatetags.laer import number, percent
from laer.web.wording import gettext_lazy

SILENT = 3.0  # times the usual gap from which on an account counts as silent
SOON = 60  # days within which an outcome falls due
TILES = ("activation_rate", "time_to_value", "onboarding_completion", "onboarding_timely", "outcome_rate", "silent_accounts", "nps", "csat_share")
MEASURES = (
    "onboarding", "onboarding_progress", "onboarding_due_on", "onboarding_days_late", "onboarding_steps_late_theirs", "onboarding_step_on", "activated",
    "activated_on", "first_paid_on", "last_used_on", "usage_28d", "usage_gap_days", "silence", "usage_trend", "outcomes", "outcomes_late", "outcomes_on_track",
    "outcomes_reached", "outcome_due_on", "neglected", "last_touch_on", "ticket_pain", "tickets_open", "seat_band", "seats_taken_share", "seats",
)  # fmt: skip
GOING = pa.array(["stalled", "late", "under way"])
TONES = {"stalled": "bad", "late": "warn", "under way": "info", "done": "good", "red": "bad", "yellow": "warn", "green": "good"}


def _onboarding(facts: Any) -> Any:
    return all_of(paying(facts), pc.is_in(facts["onboarding"], GOING))


def _word(name: str, value: Any) -> str | None:
    return TONES.get(value) if isinstance(value, str) else None


def _number_tone(name: str, value: Any) -> str | None:
    return "bad" if name in ("outcomes_late",) and value else _word(name, value)


def _silent(facts: Any) -> Any:
    return all_of(paying(facts), pc.greater_equal(facts["silence"], SILENT))


def _inactive(facts: Any) -> Any:
    return all_of(paying(facts), pc.equal(facts["activated"], False))


def _outcomes(day: int, facts: Any) -> Any:
    return all_of(paying(facts), any_of(pc.greater(facts["outcomes_late"], 0), pc.less_equal(facts["outcome_due_on"], day + SOON)))


def _finished(facts: Any) -> Any:
    """Onboarding is done, and nobody uses it (row 6 of the founding documents)."""
    unused = any_of(pc.equal(facts["activated"], False), pc.greater_equal(facts["silence"], SILENT))
    return all_of(paying(facts), pc.equal(facts["onboarding"], "done"), unused)


def views_of(day: int) -> dict[str, Shown]:
    arr = ("mrr", "descending")
    return {
        "onboarding": Shown(gettext_lazy("Onboarding"), View(_onboarding, (("onboarding_days_late", "descending"), arr)), ("onboarding", "onboarding_progress",
            "onboarding_due_on", "onboarding_days_late", "onboarding_steps_late_theirs"),
            gettext_lazy("plans under way of paying accounts, the latest first"), _word, "success"),
        "inactive": Shown(gettext_lazy("Not activated"), View(_inactive, (("first_paid_on", "ascending"), arr)), ("first_paid_on", "last_used_on", "usage_28d",
            "onboarding"), gettext_lazy("paying accounts that never reached the rule, the longest first"), _word),
        "silent": Shown(gettext_lazy("Silent"), View(_silent, (arr, ("silence", "descending"))), ("last_used_on", "usage_gap_days", "silence", "usage_trend"),
            gettext_lazy("no use for three times as long as this account usually pauses, and longer")),
        "unused": Shown(gettext_lazy("Onboarded, not used"), View(_finished, (arr,)), ("onboarding", "activated_on", "last_used_on", "silence"),
            gettext_lazy("the plan is completed, and the account is silent or was never activated"), _word),
        "outcomes": Shown(gettext_lazy("Outcomes due"), View(partial(_outcomes, day), (("outcomes_late", "descending"), ("outcome_due_on", "ascending"), arr)),
            ("outcomes_late", "outcomes_on_track", "outcomes_reached", "outcome_due_on"), gettext_lazy("late, or due within 60 days"), _number_tone, "success"),
        "neglected": Shown(gettext_lazy("Neglected"), View(lambda facts: facts["neglected"], (arr,)), ("last_touch_on", "tickets_open", "ticket_pain"),
            gettext_lazy("no touch in 45 days, where touches are logged")),
        "seats": Shown(gettext_lazy("Seats unused"), View(lambda facts: all_of(paying(facts), pc.equal(facts["seat_band"], "red")), (arr,)), ("seat_band",
            "seats_taken_share", "seats"), gettext_lazy("too few of the seats taken for the age of the account"), _word),
    }  # fmt: skip


@require_safe
@partial(as_then, newest=True)
def adopt(request: HttpRequest, then: Then) -> HttpResponseBase:
    """Onboarding, activation, time to value, outcomes and use, and the accounts that need somebody."""
    user, run = user_of(request), then.run
    looked = looked_at(request)
    scope, currency = looked.scope, run.currency if run else "USD"
    day = day_number(run.as_of) if run else 0
    views = views_of(day)
    asked = Asked(request, "adopt", {"by": tuple(BY), "view": tuple(views)}, ("value", TEAM), then.query, of_view=True)
    listed = listed_of(run, scope, MEASURES, asked["by"], day)
    own = list_of("adopt", views, asked["view"], asked["by"], currency)
    if format_of(request) and listed is not None:
        return own.file(request, all_rows(listed, views[asked["view"]], split_of(asked)), f"adopt-{asked['view']}-{run.as_of if run else 'none'}")
    tools = opened(request, user, own)
    if tools.elsewhere:
        return tools.elsewhere
    nothing = listed is None or not _anything(listed)
    firm = Firm(()) if nothing else landing.firm_of(run, scope, TILES)
    groups, before = ({}, 0) if nothing else time_to_value_of(run, scope, asked["by"])
    whole, _none = ({}, 0) if nothing else time_to_value_of(run, scope, None)
    context = {
        "title": _("Adopt"),
        "nothing": _nothing() if nothing else None,
        "notices": [] if nothing else _notices(listed, before),
        "figures": [] if nothing else _figures(firm, asked, listed, run),
        "trends": [] if nothing else _trends(firm),
        "curve": None if nothing else curve_of(whole.get(None)),
        "rule": {"text": rule_text(company().activation), "ships": company().activation_ships, "url": reverse("settings_company") if user.is_admin else None},
        "breakdown": None if nothing or listed is None else _breakdown(listed, groups, asked, currency),
        "listing": None if nothing or listed is None else listing(listed, views, asked, _("Accounts"), currency, _empty(asked["view"]), tools),
        "state": state_of(run, scope, then, None if nothing or listed is None else _shown(listed)) | {"whose": looked.whose},
        "team_chip": looked.chip(asked),
    } | then.context(request, asked.url())
    return render(request, "pages/adopt.html", context)


def _shown(listed: Listed) -> str:
    n = listed.count(paying(listed.table))
    return ngettext("%(n)s paying account", "%(n)s paying accounts", n) % {"n": number(n)}


def _anything(listed: Listed) -> bool:
    return any(listed.table[name].null_count < len(listed) for name in ("onboarding", "activated", "outcomes", "last_used_on", "neglected"))


def time_to_value_of(run: PassRun | None, scope: Scope, by: str | None) -> tuple[dict[str | None, TimeToValue], int]:
    if run is None:
        return {}, 0
    try:
        found = ask("time_to_value", {"by": by}, scope, run.pk)
    except (QuestionFault, TimeoutError):
        return {}, 0
    return found["groups"], found["before"]


def rule_text(rule: ActivationRule) -> str:
    """The rule in words: `Reports used 10 times by 3 users within 14 days`."""
    times = ngettext("%(n)s time", "%(n)s times", rule.times) % {"n": number(rule.times)}
    users = ngettext("%(n)s user", "%(n)s users", rule.users) % {"n": number(rule.users)}
    days = ngettext("%(n)s day", "%(n)s days", rule.days) % {"n": number(rule.days)}
    said = {"what": rule.feature or _("Anything"), "times": times, "users": users, "days": days}
    return _("%(what)s used %(times)s by %(users)s within %(days)s") % said


def _nothing() -> dict[str, Any]:
    return {
        "icon": "seedling", "title": _("Nothing says yet how they use it"),
        "text": _("Usage by account and day fills most of this page. Onboarding plans and outcomes come by file, or are written down on an account."),
        "action": {"label": _("Import usage or plans"), "url": reverse("import"), "icon": "file-import"},
    }  # fmt: skip


def _notices(listed: Listed | None, before: int) -> list[dict[str, Any]]:
    found = []
    if before:
        text = ngettext(
            "%(n)s account began to pay before usage was known: how long it took is unknown, and it is left out of time to value.",
            "%(n)s accounts began to pay before usage was known: how long they took is unknown, and they are left out of time to value.",
            before,
        )
        found.append({"tone": "info", "title": _("Time to value leaves some out"), "text": text % {"n": number(before)}})
    return found


def _figures(firm: Firm, asked: Asked, listed: Listed | None, run: PassRun | None) -> list[dict[str, Any]]:
    """The answer: are they there, how long did it take, is what was planned done, what was promised reached."""
    gone = {
        "usage": {"text": _("No usage that says it."), "url": reverse("import"), "action": _("Import usage")},
        "plans": {"text": _("No plan was due in these months."), "url": reverse("import"), "action": _("Import plans")},
        "outcomes": {"text": _("No outcome fell due in these months."), "url": reverse("import"), "action": _("Import outcomes")},
        "answers": {"text": _("Too few answers to surveys."), "url": reverse("import"), "action": _("Import answers")},
    }  # fmt: skip

    def figure(measure: str, label: str, unit: str, why: str, better: str = "up", *, months: bool = False, **more: Any) -> dict[str, Any]:
        points = (firm.by_month if months else firm.to_month)(measure)
        now, then = firm.now(measure), firm.before(measure)
        before = None if measure == "nps" else then.amount  # a per cent of points means nothing
        return tile(label, now.amount, unit, before=before, better=better, points=[p.amount for p in points], meaning=meaning_of_measure(measure),
            missing=gone[why], **{"known": _share(now), **more})  # fmt: skip

    value = firm.now("time_to_value")
    return [
        figure("activation_rate", _("Activated"), PERCENT, "usage", months=True, url=asked.url("list", view="inactive")),
        figure("time_to_value", _("Time to value"), DAYS, "usage", "down", months=True, known=_between(value), url=asked.url("list", view="inactive")),
        figure("onboarding_completion", _("Onboarding completed"), PERCENT, "plans", url=asked.url("list", view="onboarding")),
        figure("onboarding_timely", _("Onboarding on time"), PERCENT, "plans", url=asked.url("list", view="onboarding")),
        figure("outcome_rate", _("Outcomes reached"), PERCENT, "outcomes", url=asked.url("list", view="outcomes")),
        figure("silent_accounts", _("Silent accounts"), NUMBER, "usage", "down", months=True, known="", url=asked.url("list", view="silent")),
        figure("nps", _("NPS"), NUMBER, "answers", months=True, known=_answers(firm.now("nps").n), url=reverse("measure", args=["nps_latest"])),
        figure("csat_share", _("CSAT"), PERCENT, "answers", known=_answers(firm.now("csat_share").n), url=reverse("measure", args=["csat_latest"])),
    ]


def _share(amount: landing.Amount) -> str:
    if amount.amount is None or amount.low is None or amount.high is None:
        return ""
    said = {"n": number(int(amount.top or 0)), "of": number(amount.n), "low": percent(amount.low, 0), "high": percent(amount.high, 0)}
    return _("%(n)s of %(of)s; likely between %(low)s and %(high)s") % said


def _between(amount: landing.Amount) -> str:
    if amount.amount is None:
        return _("fewer than half of %(n)s are there") % {"n": number(amount.n)} if amount.n else ""
    low, high = (number(None) if edge is None else number(round(edge)) for edge in (amount.low, amount.high))
    return _("half of %(n)s; likely between %(low)s and %(high)s days") % {"n": number(amount.n), "low": low, "high": high}


def _answers(n: int) -> str:
    return ngettext("%(n)s answer", "%(n)s answers", n) % {"n": number(n)} if n else ""


def _trends(firm: Firm) -> list[dict[str, Any]]:
    """The reason: how it moved."""
    return [
        motion.trend("activated", _("Activated accounts"), firm.months, [Line(_("Of paying accounts"), [p.amount for p in firm.by_month("activation_rate")])],
            PERCENT, note=_("at each month's end"), known=[p.n for p in firm.by_month("activation_rate")], known_title=_("Paying accounts"),
            empty={"title": _("No usage"), "text": _("Usage by account and day makes this line.")}),
        motion.trend("onboarded", _("Onboarding"), firm.months, [Line(_("Completed"), [p.amount for p in firm.to_month("onboarding_completion")]),
            Line(_("On time"), [p.amount for p in firm.to_month("onboarding_timely")], "dashed")], PERCENT,
            note=_("of plans that were due in the twelve months to each month's end"), known=[p.n for p in firm.to_month("onboarding_completion")],
            known_title=_("Plans due"), empty={"title": _("No plan was due"), "text": _("Onboarding plans with a planned end make these lines.")}),
    ]  # fmt: skip


def curve_of(value: TimeToValue | None) -> dict[str, Any] | None:
    """The share of accounts that are there by days since they began to pay, with its interval, and the quartiles."""
    if value is None or not value.curve:
        return None
    steps = value.curve
    last = min(steps[-1].days, 365)
    days = sorted({*range(0, last + 1, max(last // 40, 1)), last})
    at: list[Any] = []
    for day in days:
        reached = [step for step in steps if step.days <= day]
        at.append(reached[-1] if reached else None)
    series = [
        {"name": _("Activated"), "values": [step.share if step else 0.0 for step in at], "dash": "solid"},
        {"name": _("At least"), "values": [step.low if step else 0.0 for step in at], "dash": "dotted", "end": False},
        {"name": _("At most"), "values": [step.high if step else 0.0 for step in at], "dash": "dotted", "end": False},
    ]
    rows = [
        {"part": percent(q.part, 0), "days": number(q.days), "low": number(q.low), "high": number(q.high)} for q in value.quartiles
    ]
    data = {"unit": "percent", "x": [number(d) for d in days], "series": series, "from_zero": True}
    return {"data": data, "rows": rows, "n": value.n, "reached": value.reached}


COLUMNS = (
    Column("paying", gettext_lazy("Paying accounts")), Column("activated", gettext_lazy("Activated"), PERCENT),
    Column("median", gettext_lazy("Time to value, median"), DAYS), Column("stalled", gettext_lazy("Onboarding stalled or late")),
    Column("silent", gettext_lazy("Silent")), Column("late", gettext_lazy("With a late outcome")),
)  # fmt: skip


def _breakdown(listed: Listed, groups: Mapping[str | None, TimeToValue], asked: Asked, currency: str) -> dict[str, Any]:
    facts = listed.table
    known = all_of(paying(facts), pc.is_valid(facts["activated"]))
    masks = {
        "paying": paying(facts), "known": known, "active": all_of(known, facts["activated"]),
        "stalled": all_of(paying(facts), any_of(pc.equal(facts["onboarding"], "stalled"), pc.equal(facts["onboarding"], "late"))),
        "silent": _silent(facts), "late": all_of(paying(facts), pc.greater(facts["outcomes_late"], 0)),
    }  # fmt: skip
    rows = [
        {"name": value, "url": asked.url("list", value=value or NOT_SAID), **found, "activated": found["active"] / found["known"] if found["known"] else None,
            "median": groups[value].median.days if value in groups else None}
        for value, found in largest(listed.split_counts(masks), "paying") if found["paying"]
    ]  # fmt: skip
    return motion.breakdown(_("Adoption by what they are"), asked.switch("by", BY, "by", value=""), COLUMNS, rows, currency, chart="activated")


def _empty(view: str) -> dict[str, Any]:
    texts = {
        "onboarding": _("Plans come by file, or are started on the page of an account."), "neglected": _("It is known where touches are logged."),
        "outcomes": _("Outcomes come by file, or are written down on the page of an account."),
        "seats": _("It is known where a source counts seats assigned, or names users."),
    }  # fmt: skip
    return {"icon": "seedling", "title": _("No account is like this"), "text": texts.get(view, _("It is known of accounts whose usage is connected."))}


register(List("adopt", "adopt", {}, KEYS))
urlpatterns = [path("adopt/", adopt, name="adopt")]
