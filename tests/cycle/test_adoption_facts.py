"""Facts of Adopt: onboarding, outcomes, rhythm, help and neglect, each a story of one account on one day."""

from __future__ import annotations

from typing import Any

import pytest

from laer.records.periods import FAR
from tests.cycle.test_facts import DAY, one

PLAN = {"started_d": DAY - 40, "planned_d": DAY + 20, "done_d": FAR}
STEP = {"known_d": DAY - 40, "due_d": DAY - 30, "done_d": DAY - 28, "plan_done_d": FAR, "theirs": False}
OPEN = STEP | {"due_d": DAY + 3, "done_d": FAR}


@pytest.mark.parametrize(
    ("plan", "steps", "state"),
    [
        (PLAN, [STEP | {"done_d": DAY - 13}, OPEN], "under way"),
        (PLAN, [STEP | {"done_d": DAY - 14}, OPEN], "stalled"),
        (PLAN, [OPEN], "stalled"),  # nothing was done since it began 40 days ago
        (PLAN | {"started_d": DAY - 13}, [OPEN | {"known_d": DAY - 13}], "under way"),
        (PLAN | {"planned_d": DAY - 1}, [STEP | {"done_d": DAY - 2}, OPEN], "late"),
        (PLAN | {"planned_d": DAY}, [STEP | {"done_d": DAY - 2}, OPEN], "under way"),  # its last day
        (PLAN | {"planned_d": None}, [], "under way"),  # a plan without steps or an end cannot stall or be late
        (PLAN | {"done_d": DAY}, [STEP | {"plan_done_d": DAY}], "done"),
        (PLAN | {"done_d": DAY + 1}, [STEP | {"done_d": DAY - 2, "plan_done_d": DAY + 1}], "under way"),  # completed tomorrow
    ],
)
def test_where_onboarding_stands(plan: dict[str, Any], steps: list[dict[str, Any]], state: str) -> None:
    assert one(plans=[plan], steps=steps)["onboarding"] == state


def test_no_plan_is_none_where_plans_are_kept_and_unknown_where_they_are_not() -> None:
    assert one(plans=[PLAN | {"account_id": 2}])["onboarding"] == "none"
    assert one()["onboarding"] is None


def test_progress_counts_steps_and_lateness_says_whose_they_are() -> None:
    late = OPEN | {"due_d": DAY - 1}
    seen = one(plans=[PLAN | {"planned_d": DAY - 12}], steps=[STEP, OPEN, late, late | {"theirs": True}])
    assert (seen["onboarding_progress"], seen["onboarding_days_late"]) == (0.25, 12.0)
    assert (seen["onboarding_steps_late"], seen["onboarding_steps_late_theirs"], seen["onboarding_step_on"]) == (2.0, 1.0, DAY - 28)
    done = one(plans=[PLAN | {"done_d": DAY - 3}], steps=[STEP | {"plan_done_d": DAY - 3}])
    assert (done["onboarding_progress"], done["onboarding_days_late"], done["onboarding_on_time"]) == (1.0, None, True)
    assert one(plans=[PLAN | {"planned_d": DAY - 9, "done_d": DAY - 3}])["onboarding_on_time"] is False


def test_outcomes_reached_late_and_on_track() -> None:
    ahead = {"promised_d": DAY - 90, "due_d": DAY + 30, "reached_d": FAR, "confirmed_d": FAR}
    rows = [ahead, ahead | {"due_d": DAY - 1}, ahead | {"reached_d": DAY - 5, "confirmed_d": DAY - 2}, ahead | {"due_d": FAR}, ahead | {"promised_d": DAY + 1}]
    seen = one(outcomes=rows)
    assert (seen["outcomes"], seen["outcomes_on_track"], seen["outcomes_late"], seen["outcomes_reached"], seen["outcomes_confirmed"]) == (4.0, 1.0, 1.0, 1.0, 1.0)
    assert (seen["outcomes_share"], seen["outcome_due_on"], seen["first_outcome_on"]) == (0.25, DAY + 30, DAY - 5)
    assert one(outcomes=[ahead | {"account_id": 2}])["outcomes"] == 0.0


def test_silence_is_measured_by_the_accounts_own_rhythm() -> None:
    weekly = [{"day_d": DAY - 21 - 7 * n, "n": 1, "errors": None, "gap": 7 if n < 6 else None} for n in range(7)]
    others = {"account_id": 2, "day_d": DAY, "n": 1, "errors": None, "gap": None}
    seen = one(account_days=[*weekly, others])
    assert (seen["usage_gap_days"], seen["silence"]) == (7.0, 3.0)
    daily = [{"day_d": DAY - 3 - n, "n": 1, "errors": None, "gap": 1 if n < 6 else None} for n in range(7)]
    monday = one(account_days=[*daily, others])
    assert (monday["usage_gap_days"], monday["silence"]) == (1.0, 1.0)  # a weekend is no silence
    few = one(account_days=[*weekly[:4], others])
    assert (few["usage_gap_days"], few["silence"]) == (None, None)  # four gaps are no rhythm


def test_activation_is_known_no_and_unknown() -> None:
    days = {"account_id": 2, "day_d": DAY, "n": 1, "errors": None, "gap": None}
    paid = {"on_d": DAY - 60, "opening": 0.0, "new": 100.0, "back": 0.0, "growth": 0.0, "shrinking": 0.0, "lost": 0.0}
    reached, watched = {"on_d": DAY - 40}, {"since_d": DAY - 100}
    seen = one(activations=[reached], watched=[watched], account_days=[days], changes=[paid])
    assert (seen["activated"], seen["activated_on"], seen["days_to_activation"]) == (True, DAY - 40, 20.0)
    assert one(activations=[{"on_d": DAY - 70}], watched=[watched], changes=[paid])["days_to_activation"] == 0.0  # in its trial
    assert one(activations=[reached], watched=[{"since_d": DAY - 59}], changes=[paid])["days_to_activation"] is None  # it paid before usage was known
    assert one(account_days=[days])["activated"] is False
    assert one(changes=[paid])["activated"] is None


def test_pain_and_neglect() -> None:
    ticket = {"opened_d": DAY - 20, "closed_d": FAR, "urgent": True, "escalated": True, "satisfaction": None}
    assert one(tickets=[ticket])["ticket_pain"] == 7.0  # 1 opened, 2 urgent, 3 escalated, 1 for waiting 20 days
    assert one(tickets=[ticket | {"account_id": 2}])["ticket_pain"] == 0.0
    pays = {"from_d": DAY - 300, "until_d": FAR, "mrr": 50.0}
    touch = {"on_d": DAY - 45, "kind": "call", "minutes": 10, "inward": False, "sentiment": None}
    other = touch | {"account_id": 2, "on_d": DAY - 1}
    assert one(touches=[touch, other], states=[pays])["neglected"] is True
    assert one(touches=[touch | {"on_d": DAY - 44}], states=[pays])["neglected"] is False
    assert one(states=[pays])["neglected"] is None  # nobody logs touches


def test_numbers_that_a_source_counts_itself_are_the_latest_and_grow_old() -> None:
    rows = [{"on_d": DAY - 30, "name": "seats_assigned", "number": 12.0}, {"on_d": DAY - 2, "name": "seats_assigned", "number": 9.0}]
    seen = one(metrics=[*rows, {"on_d": DAY - 60, "name": "teams_active", "number": 3.0}])
    assert (seen["seats_assigned"], seen["teams_active"]) == (9.0, None)
