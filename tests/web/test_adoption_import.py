"""Onboarding plans, steps, outcomes and metrics by file: recognised without a mapping, and nothing guessed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from laer.web.book.models import AccountMetric, OnboardingPlan, OnboardingStep, Outcome, QuarantinedRow
from tests.web.files import ACCOUNTS, sums, take_in

pytestmark = pytest.mark.django_db

PLANS = (
    "Onboarding ID,Account ID,Onboarding Name,Kickoff Date,Target Go Live,Actual Go Live,Onboarding Manager\n"
    "P1,A1,Rollout,2024-01-08,2024-03-29,2024-04-02,Ines Carvalhal\nP2,A2,,2024-05-01,2024-07-01,,\n"
)
STEPS = (
    "Step ID,Onboarding ID,Account ID,Phase,Milestone,Due Date,Completed Date,Waiting on,Not applicable\n"
    "S1,P1,A1,Set up,SSO works,2024-01-20,2024-01-18,us,\nS2,P1,A1,Set up,Data is there,2024-01-25,,Client,\nS3,P1,A1,Roll out,Second region,,,,yes\n"
    "S4,P1,A1,Roll out,Third region,,,the weather,\n"
)
OUTCOMES = (
    "Outcome ID,Account ID,Desired outcome,Promised on,Baseline,Target,Unit,Target date,Reached on,Confirmed on\n"
    "O1,A1,Close the books faster,2024-01-02,9,4.5,days,2024-09-30,2024-08-01,2024-08-20\nO2,A2,Fewer mistakes,,,,,2024-12-31,,\n"
    "O3,A2,Turned round,2024-05-01,,,,,2024-04-01,\n"
)
METRICS = "Account ID,Metric name,Metric date,Metric value,Unit\nA1,Seats assigned,2024-05-01,40,seats\nA1,Seats assigned,2024-06-01,44,seats\n"


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def test_plans_and_their_steps_are_taken_in(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS, onboarding=PLANS, onboarding_steps=STEPS)
    assert (sums(run)["onboarding_plans"], sums(run)["onboarding_steps"]) == ((2, 0, 0, 0), (3, 0, 0, 1))
    done, going = OnboardingPlan.objects.order_by("id")
    assert (done.account.name, done.name, done.started_on, done.planned_end_on, done.completed_on) == (
        "Bluefin", "Rollout", date(2024, 1, 8), date(2024, 3, 29), date(2024, 4, 2),
    )  # fmt: skip
    assert (going.account.name, going.completed_on, done.owner) == ("Kestrel", None, "Ines Carvalhal")
    first, second, third = OnboardingStep.objects.order_by("id")
    assert (first.onboarding_plan, first.phase, first.title, first.due_on, first.done_on, first.side) == (
        done, "Set up", "SSO works", date(2024, 1, 20), date(2024, 1, 18), "us",
    )  # fmt: skip
    assert (second.side, second.done_on, third.not_applicable) == ("customer", None, True)
    assert [row.reason for row in QuarantinedRow.objects.all()] == ["unknown side 'the weather': expected us or customer"]


def test_outcomes_keep_what_was_promised_exactly(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS, outcomes=OUTCOMES)
    assert sums(run)["outcomes"] == (2, 0, 0, 1)
    one, other = Outcome.objects.order_by("id")
    assert (one.title, one.baseline, one.target, one.unit) == ("Close the books faster", "9", "4.5", "days")
    assert (one.promised_on, one.due_on, one.reached_on, one.confirmed_on) == (date(2024, 1, 2), date(2024, 9, 30), date(2024, 8, 1), date(2024, 8, 20))
    assert (other.promised_on, other.due_on, other.reached_on) == (None, date(2024, 12, 31), None)
    assert [row.reason for row in QuarantinedRow.objects.all()] == ["end before start"]


def test_metrics_are_one_row_per_account_day_and_name(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS, metrics=METRICS)
    assert sums(run)["account_metrics"] == (2, 0, 0, 0)
    again = take_in(tmp_path, metrics=METRICS.replace(",44,", ",45,"))
    assert sums(again)["account_metrics"] == (0, 1, 1, 0)
    assert list(AccountMetric.objects.order_by("day").values_list("name", "value")) == [("Seats assigned", "40"), ("Seats assigned", "45")]
