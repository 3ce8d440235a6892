"""Measures of what was planned and promised: onboarding, and the outcomes for which the customer bought."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Family, Measure, Records
from laer.metrics.spine import Spine
from laer.records.expr import Table, Value, cases, greatest, ifelse, least, literal, ratio
from laer.records.periods import FAR

STATES = ("none", "under way", "stalled", "late", "done")
STALLED = 14  # days without a step after which a plan that has any stands still
EVER = 200_000  # days: beyond every history


def plans(spine: Spine, records: Records) -> Table:
    """Onboarding plans begun by the day. Grain: account_id x d."""
    seen = spine.within(records["plans"], "started_d", EVER)
    still = seen.done_d > seen.d
    timed = ~still & seen.planned_d.notnull()
    late = (seen.done_d > seen.planned_d).sum(where=timed)
    said = seen.group_by("account_id", "d").agg(
        onboardings=seen.count().cast("float64"), onboardings_open=still.sum().cast("float64"), onboarding_started_on=seen.started_d.max(),
        onboarding_due_on=seen.planned_d.min(where=still), onboarding_completed_on=seen.done_d.max(where=~still), timed=timed.sum(), late=late,
    )  # fmt: skip
    return said.mutate(onboarding_on_time=ifelse(said.timed > 0, said.late == 0, literal(None, "boolean"))).drop("timed", "late")


def steps(spine: Spine, records: Records) -> Table:
    """Steps of the plans that are under way on the day. Grain: account_id x d."""
    held = spine.alive(records["steps"], "known_d", "plan_done_d")
    still = held.done_d > held.d
    late = still & (held.due_d < held.d)
    return held.group_by("account_id", "d").agg(
        onboarding_steps_open=still.sum().cast("float64"), onboarding_steps_done=(~still).sum().cast("float64"),
        onboarding_steps_late=late.sum().cast("float64"), onboarding_steps_late_theirs=(late & held.theirs).sum().cast("float64"),
        onboarding_step_on=held.done_d.max(where=~still),
    )  # fmt: skip


def outcomes(spine: Spine, records: Records) -> Table:
    """Outcomes promised by the day, and where they stand. Grain: account_id x d."""
    seen = spine.within(records["outcomes"], "promised_d", EVER)
    there, dated = seen.reached_d <= seen.d, seen.due_d < FAR
    late, ahead = ~there & (seen.due_d < seen.d), ~there & dated & (seen.due_d >= seen.d)
    return seen.group_by("account_id", "d").agg(
        outcomes=seen.count().cast("float64"), outcomes_measured=seen.measured.sum().cast("float64"), outcomes_reached=there.sum().cast("float64"),
        outcomes_confirmed=(seen.confirmed_d <= seen.d).sum().cast("float64"), outcomes_late=late.sum().cast("float64"),
        outcomes_on_track=ahead.sum().cast("float64"), outcome_due_on=seen.due_d.min(where=ahead), first_outcome_on=seen.reached_d.min(where=there),
    )  # fmt: skip


planned = partial(Measure, motion="adopt", kind="number", sources=("onboarding_plans",), leading=True, method="onboarding")
stepped = partial(Measure, motion="adopt", kind="number", sources=("onboarding_steps",), leading=True, method="onboarding")
promised = partial(Measure, motion="adopt", kind="number", sources=("outcomes",), leading=True, method="outcomes")

FAMILIES = (
    Family("plans", "plans", plans, (
        planned("onboardings", "Onboarding plans", "plans", "onboarding plans begun by the day", zero=True),
        planned("onboardings_open", "Onboarding plans under way", "plans", "onboarding plans begun and not completed", zero=True),
        planned("onboarding_started_on", "Onboarding began", "", "the day on which the latest onboarding plan began", kind="date"),
        planned("onboarding_due_on", "Onboarding due", "", "the earliest planned end of the plans under way", kind="date"),
        planned("onboarding_completed_on", "Onboarding completed", "", "the day on which the last plan was completed", kind="date"),
        planned("onboarding_on_time", "Onboarding on time", "", "whether every completed plan with a planned end was completed by it", kind="flag",
            better="up"),
    )),
    Family("steps", "steps", steps, (
        stepped("onboarding_steps_open", "Steps open", "steps", "steps of the plans under way that are not done"),
        stepped("onboarding_steps_done", "Steps done", "steps", "steps of the plans under way that are done or do not apply"),
        stepped("onboarding_steps_late", "Steps late", "steps", "open steps of the plans under way whose day is past", better="down"),
        stepped("onboarding_steps_late_theirs", "Steps late, theirs", "steps", "late steps that wait for the customer", better="down"),
        stepped("onboarding_step_on", "Last step", "", "the day of the last step of the plans under way", kind="date"),
    )),
    Family("outcomes", "outcomes", outcomes, (
        promised("outcomes", "Outcomes promised", "outcomes", "outcomes promised by the day", zero=True),
        promised("outcomes_measured", "Outcomes with baseline and target", "outcomes", "outcomes promised by the day that say from where to where", better="up",
            zero=True),
        promised("outcomes_reached", "Outcomes reached", "outcomes", "outcomes that were reached by the day", better="up", zero=True),
        promised("outcomes_confirmed", "Outcomes confirmed", "outcomes", "outcomes that the customer confirmed by the day", better="up", zero=True),
        promised("outcomes_late", "Outcomes late", "outcomes", "outcomes not reached whose day is past", better="down", zero=True),
        promised("outcomes_on_track", "Outcomes on track", "outcomes", "outcomes not reached whose day is still ahead", zero=True),
        promised("outcome_due_on", "Next outcome due", "", "the earliest day ahead on which an outcome is due", kind="date"),
        promised("first_outcome_on", "First outcome", "", "the day on which the first outcome was reached", kind="date", better=""),
    )),
)  # fmt: skip


def _state(facts: Table) -> Value:
    moved = greatest(facts.onboarding_step_on.fill_null(facts.onboarding_started_on), facts.onboarding_started_on)
    going = facts.onboardings_open > 0
    return cases(
        (going & (facts.onboarding_steps_open > 0) & (facts.d - moved >= STALLED), "stalled"), (going & (facts.onboarding_due_on < facts.d), "late"),
        (going, "under way"), (facts.onboarding_completed_on.notnull(), "done"), (facts.onboardings_open == 0, "none"), else_=literal(None, "string"),
    )  # fmt: skip


def _progress(facts: Table) -> Value:
    known = ratio(facts.onboarding_steps_done, facts.onboarding_steps_done + facts.onboarding_steps_open)
    done = (facts.onboardings_open == 0) & facts.onboarding_completed_on.notnull()
    return cases((facts.onboardings_open > 0, known), (done, literal(1.0, "float64")), else_=literal(None, "float64"))


def _days_late(facts: Table) -> Value:
    late = greatest(facts.d - facts.onboarding_due_on, literal(0)).cast("float64")
    return ifelse((facts.onboardings_open > 0) & facts.onboarding_due_on.notnull(), late, literal(None, "float64"))


def _schedule(facts: Table) -> Value:
    """A plan without a planned end, or that began today, has no schedule; past its end all of it was to be done."""
    share = ratio(facts.d - facts.onboarding_started_on, facts.onboarding_due_on - facts.onboarding_started_on)
    known = (facts.onboardings_open > 0) & (share > 0)
    return ifelse(known, ratio(facts.onboarding_progress, least(share, literal(1.0))), literal(None, "float64"))


def _met(facts: Table) -> Value:
    """Whether anybody spoke with them since the plan began: the kickoff, or whatever took its place."""
    began = facts.onboarding_started_on
    return cases((began.isnull(), literal(None, "boolean")), (facts.last_meeting_on >= began, literal(True)), (facts.touches_45d.notnull(), literal(False)),
        else_=literal(None, "boolean"))  # fmt: skip


def _asked_since(facts: Table) -> Value:
    return ifelse(facts.csat_on >= facts.onboarding_started_on, facts.csat_latest, literal(None, "float64"))


def _on_track(facts: Table) -> Value:
    well = facts.outcomes_reached + facts.outcomes_on_track
    return ratio(well, well + facts.outcomes_late)


DERIVED = (
    Derived(
        planned("kickoff_held", "Kickoff held", "", "whether there was a call or meeting since the latest onboarding plan began", kind="flag", better="up",
            sources=("onboarding_plans", "touches")),
        ("onboarding_started_on", "last_meeting_on", "touches_45d"), _met,
    ),
    Derived(
        planned("onboarding_csat", "CSAT of onboarding", "of 5", "the latest CSAT answer, where it was given since the latest onboarding plan began",
            better="up", sources=("onboarding_plans", "survey_responses")),
        ("onboarding_started_on", "csat_latest", "csat_on"), _asked_since,
    ),
    Derived(
        promised("outcomes_track_share", "Outcomes on track, share", "%", "outcomes reached or with their day ahead, over those and the late ones",
            better="up"),
        ("outcomes_reached", "outcomes_on_track", "outcomes_late"), _on_track,
    ),
    Derived(
        promised("outcomes_confirmed_share", "Outcomes confirmed, share", "%", "outcomes that the customer confirmed over outcomes promised", better="up"),
        ("outcomes", "outcomes_confirmed"), lambda facts: ratio(facts.outcomes_confirmed, facts.outcomes),
    ),
    Derived(
        planned("onboarding", "Onboarding", "", f"none, done, or under way: stalled without a step for {STALLED} days, else late once its planned end is past",
            kind="text", words_of=STATES, sources=("onboarding_plans", "onboarding_steps")),
        ("onboardings_open", "onboarding_started_on", "onboarding_due_on", "onboarding_completed_on", "onboarding_steps_open", "onboarding_step_on"), _state,
    ),
    Derived(
        planned("onboarding_progress", "Onboarding progress", "%", "steps done over steps of the plans under way; all where the last plan is completed",
            better="up", sources=("onboarding_steps", "onboarding_plans")),
        ("onboardings_open", "onboarding_completed_on", "onboarding_steps_open", "onboarding_steps_done"), _progress,
    ),
    Derived(
        planned("onboarding_schedule", "Onboarding against its schedule", "%", "progress of the plan under way over the share of its time that is gone; 1 and "
            "more is on schedule", better="up", sources=("onboarding_plans", "onboarding_steps")),
        ("onboardings_open", "onboarding_started_on", "onboarding_due_on", "onboarding_progress"), _schedule,
    ),
    Derived(
        planned("onboarding_days_late", "Onboarding days late", "days", "days since the planned end of a plan that is not completed; 0 before it",
            better="down"),
        ("onboardings_open", "onboarding_due_on"), _days_late,
    ),
    Derived(
        promised("outcomes_share", "Outcomes reached, share", "%", "outcomes reached over outcomes promised", better="up"),
        ("outcomes", "outcomes_reached"), lambda facts: ratio(facts.outcomes_reached, facts.outcomes),
    ),
)  # fmt: skip
