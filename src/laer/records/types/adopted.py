"""Adoption as it was planned and promised: onboarding plans with their steps, outcomes, and numbers that a source counts itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record
from laer.records.types.who import ACCOUNT

SIDES = {  # how files say who has to do a step
    "us": "us", "vendor": "us", "internal": "us", "our side": "us", "ours": "us", "csm": "us", "provider": "us",
    "customer": "customer", "client": "customer", "external": "customer", "their side": "customer", "theirs": "customer",
}  # fmt: skip


class OnboardingPlan(Record):
    """The way of an account from the signature to the first outcome. It ends; adoption goes on."""

    info: ClassVar = Info(
        "onboarding_plans", "onboarding plan", "one row per plan", "onboarding_plan_id", natural=("account_id", "started_on"),
        key_aka=("onboarding plan id", "onboarding id", "implementation id", "success plan id"),
    )  # fmt: skip
    onboarding_plan_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    name: Annotated[str | None, Col(("onboarding name", "onboarding plan", "onboarding", "implementation name", "project name"))] = None
    started_on: Annotated[
        date,
        Col(
            (
                "onboarding started on", "onboarding started", "onboarding start", "onboarding start date", "kickoff date", "kick off date", "kickoff",
                "implementation start date", "project start date",
            )
        ),
    ]  # fmt: skip
    planned_end_on: Annotated[
        date | None,
        Col(
            (
                "planned end on", "planned end", "planned end date", "planned go live", "planned go live date", "target go live", "target go live date",
                "expected go live", "expected go live date", "onboarding due", "onboarding due date",
            )
        ),
    ] = None  # fmt: skip
    completed_on: Annotated[
        date | None,
        Col(
            (
                "onboarding completed on", "onboarding completed", "onboarding completed date", "onboarding end date", "actual go live", "actual go live date",
                "implementation end date",
            )
        ),
    ] = None  # fmt: skip
    owner: Annotated[str | None, Col(("onboarding manager", "onboarding owner", "onboarding specialist", "implementation manager", "project manager"))] = None


class OnboardingStep(Record):
    """One step of a plan. One that does not apply is closed on the day that said so, or was never asked for."""

    info: ClassVar = Info(
        "onboarding_steps", "onboarding step", "one row per step", "onboarding_step_id", natural=("account_id", "title"),
        key_aka=("onboarding step id", "step id", "milestone id"),
    )  # fmt: skip
    onboarding_step_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    onboarding_plan_id: Annotated[
        int | None, Col(("onboarding plan id", "onboarding id", "implementation id", "success plan id"), refers="onboarding_plans")
    ] = None
    phase: Annotated[str | None, Col(("onboarding phase", "phase", "phase name"))] = None
    title: Annotated[str, Col(("step", "step name", "step title", "onboarding step", "onboarding task", "milestone", "milestone name"))]
    due_on: Annotated[date | None, Col(("due date", "due on", "due", "step due", "planned date"))] = None
    done_on: Annotated[date | None, Col(("done on", "done", "done date", "completed on", "completed date", "completion date"))] = None
    side: Annotated[str | None, Col(("side", "responsible side", "waiting side", "waiting on"), words=tuple(SIDES))] = None
    not_applicable: Annotated[bool | None, Col(("not applicable", "n a", "skipped"))] = None


class Outcome(Record):
    """What the customer bought it for: from where, to where, by when, and whether they say that they are there."""

    info: ClassVar = Info(
        "outcomes", "outcome", "one row per outcome promised", "outcome_id", natural=("account_id", "title"),
        key_aka=("outcome id", "goal id", "objective id"),
    )  # fmt: skip
    outcome_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    title: Annotated[str, Col(("outcome", "desired outcome", "promised outcome", "business outcome", "customer goal", "goal", "success criteria", "objective"))]
    promised_on: Annotated[date | None, Col(("promised on", "promised", "agreed on", "set on"))] = None
    baseline: Annotated[Decimal | None, Col(("baseline", "baseline value", "starting value"))] = None
    target: Annotated[Decimal | None, Col(("target", "target value", "goal value"))] = None
    unit: Annotated[str | None, Col(("unit", "unit of measure", "outcome unit"))] = None
    due_on: Annotated[date | None, Col(("outcome due", "target date", "due date", "due on", "due"))] = None
    reached_on: Annotated[date | None, Col(("reached on", "reached", "achieved on", "date achieved", "achieved"))] = None
    confirmed_on: Annotated[date | None, Col(("confirmed on", "confirmed", "confirmed by customer on", "sign off date", "customer sign off"))] = None


class AccountMetric(Record):
    """A number that a source counts itself: active users of several days are never summed from events."""

    info: ClassVar = Info(
        "account_metrics", "account metric", "one row per account, day and name", "account_metric_id", natural=("account_id", "day", "name"),
        key_aka=("account metric id", "metric id"),
    )  # fmt: skip
    account_metric_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    day: Annotated[date, Col(("metric date", "measured on", "day", "date", "as of"))]
    name: Annotated[str, Col(("metric name", "metric", "kpi", "measure name", "measure"))]
    value: Annotated[Decimal, Col(("metric value", "value", "measured value"))]
    unit: Annotated[str | None, Col(("unit", "metric unit"))] = None
