"""Measures of the firm: what its onboarding, activation, outcomes and surveys amount to in a period."""

from __future__ import annotations

from functools import partial

import numpy as np

from laer.adopt.time_to_value import Span, time_to_value
from laer.metrics.catalogue import Measure, Records
from laer.metrics.company import FACTS, RATIO, SHARE, SUM, Company, Estimate, Items
from laer.records.expr import Table, Value, cases, greatest, ifelse, literal
from laer.records.periods import FAR

YEAR = 365
FEWEST_ANSWERS = 5  # under which a score of answers says nothing


def ended_plans(records: Records) -> Table:
    """Onboarding plans with a planned end, on that day. Grain: plan."""
    plans = records["plans"].filter(records["plans"].planned_d.notnull())
    nothing = literal(None, "int64")
    return plans.select("account_id", item=nothing, on_d=plans.planned_d, done=(plans.done_d < FAR).cast("float64"),
        timely=(plans.done_d <= plans.planned_d).cast("float64"))  # fmt: skip


def due_outcomes(records: Records) -> Table:
    """Outcomes with a day by which they are due, on that day. Grain: outcome."""
    due = records["outcomes"].filter(records["outcomes"].due_d < FAR)
    return due.select("account_id", item=literal(None, "int64"), on_d=due.due_d, there=(due.reached_d < FAR).cast("float64"))


def given_answers(records: Records) -> Table:
    """Answers to surveys, on their day. Grain: answer."""
    answers = records["answers"]
    return answers.select("account_id", "kind", "score", item=literal(None, "int64"), on_d=answers.answered_d)


def middle_days(days: np.ndarray, there: np.ndarray) -> Estimate:
    """The median time to value with its 95 % interval, accounts that are not there yet censored."""
    found = time_to_value(Span(int(d), bool(t)) for d, t in zip(days, there, strict=True))
    middle, low, high = (None if value is None else float(value) for value in (found.median.days, found.median.low, found.median.high))
    return Estimate(middle, found.n, low, high)


def net_promoters(said: np.ndarray, _: np.ndarray) -> Estimate:
    """Share of promoters less share of detractors, in points; unknown under FEWEST_ANSWERS."""
    if len(said) < FEWEST_ANSWERS:
        return Estimate(None, len(said))
    return Estimate(round(float(said.mean()) * 100, 6), len(said))


def _paying(facts: Table, value: Value) -> Value:
    return ifelse(facts.state == "paying", value, literal(None, "float64"))


def _watched(facts: Table, value: Value) -> Value:
    """Of accounts that began to pay within the year, and since usage was known."""
    began = (facts.first_paid_on >= facts.usage_since_on) & (facts.on_d - facts.first_paid_on < YEAR)
    return ifelse(began, value, literal(None, "float64"))


def _days(facts: Table) -> Value:
    until = facts.activated_on.fill_null(ifelse(facts.state == "churned", facts.mrr_changed_on, facts.on_d))
    return _watched(facts, greatest(until - facts.first_paid_on, literal(0)).cast("float64"))


def _stance(facts: Table) -> Value:
    return cases((facts.nps_latest >= 9, literal(1.0)), (facts.nps_latest <= 6, literal(-1.0)), (facts.nps_latest.notnull(), literal(0.0)),
        else_=literal(None, "float64"))  # fmt: skip


def _csat(answers: Table) -> Value:
    return ifelse(answers.kind == "csat", (answers.score >= 4).cast("float64"), literal(None, "float64"))


def _ces(answers: Table) -> Value:
    return ifelse(answers.kind == "ces", (answers.score >= 5).cast("float64"), literal(None, "float64"))


def _one(rows: Table) -> Value:
    return literal(1.0, "float64")


firm = partial(Measure, motion="adopt", kind="number", grain="company", leading=True, better="up")
ITEMS = (
    Items("ended_plans", "plan", "plans", ended_plans),
    Items("due_outcomes", "outcome", "outcomes", due_outcomes),
    Items("given_answers", "answer", "answers", given_answers),
)
COMPANY = (
    Company(firm("activation_rate", "Activation rate", "%", "paying accounts that are activated over paying accounts, at the end of the period",
        sources=("usage_days", "subscription_lines"), method="activation"), FACTS, lambda f: _paying(f, f.activated.cast("float64")), _one, SHARE,
        ("activated", "state")),
    Company(firm("time_to_value", "Time to value", "days", "median days from the first paid day to activation, of accounts that began to pay within 365 days; "
        "accounts not there yet are censored, and the interval is of 95 %", better="down", sources=("usage_days", "subscription_lines"),
        method="time-to-value"), FACTS, _days, lambda f: f.activated_on.notnull().cast("float64"), middle_days,
        ("first_paid_on", "usage_since_on", "activated_on", "state", "mrr_changed_on")),
    Company(firm("onboarding_completion", "Onboarding completion", "%", "plans that were completed over plans whose planned end passed in the period",
        sources=("onboarding_plans",), method="onboarding"), "ended_plans", lambda plans: plans.done, _one, SHARE),
    Company(firm("onboarding_timely", "Onboarding on time", "%", "plans completed by their planned end over plans whose planned end passed in the period",
        sources=("onboarding_plans",), method="onboarding"), "ended_plans", lambda plans: plans.timely, _one, SHARE),
    Company(firm("outcome_rate", "Outcomes reached", "%", "outcomes that were reached over outcomes that fell due in the period", sources=("outcomes",),
        method="outcomes"), "due_outcomes", lambda due: due.there, _one, SHARE),
    Company(firm("nps", "NPS", "points", "accounts whose latest answer within a year is 9 or 10 less those of 0 to 6, of 100 that answered; "
        f"unknown under {FEWEST_ANSWERS}", sources=("survey_responses",)), FACTS, _stance, _one, net_promoters, ("nps_latest",)),
    Company(firm("csat_share", "CSAT", "%", "answers of 4 or 5 over answers to CSAT surveys in the period", sources=("survey_responses",)), "given_answers",
        _csat, _one, RATIO),
    Company(firm("ces_share", "CES", "%", "answers of 5 to 7 over answers to CES surveys in the period; high is easy", sources=("survey_responses",)),
        "given_answers", _ces, _one, RATIO),
    Company(firm("key_breadth_firm", "Breadth over key features", "%", "mean over paying accounts of the share of key features that they used in 28 days, at "
        "the end of the period", sources=("usage_days", "product_features", "subscription_lines"), method="usage"), FACTS,
        lambda f: _paying(f, f.key_breadth), _one, RATIO, ("key_breadth", "state")),
    Company(firm("silent_accounts", "Silent accounts", "accounts", "paying accounts without use for 3 times their usual gap and over, at the end of the period",
        better="down", sources=("usage_days", "subscription_lines")), FACTS, lambda f: _paying(f, (f.silence >= 3).cast("float64")), None, SUM,
        ("silence", "state")),
)  # fmt: skip
