"""Onboarding and outcomes on the account page: added, moved on, put right, taken back; each with its row of the log."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse

from laer.web.book.models import DirtyAccount, FieldChange, OnboardingPlan, OnboardingStep, Outcome
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def undo_of(answer: HttpResponse) -> str:
    """The address that takes back what was just said."""
    *_before, said = get_messages(answer.wsgi_request)
    return str(said.extra_tags).removeprefix("undo:")


def start(cast: Cast, **values: str) -> HttpResponse:
    given = {"started_on": str(cast.today - timedelta(days=20)), "planned_end_on": str(cast.today + timedelta(days=80)), "template": "on"} | values
    return cast.client("csm").post(f"/accounts/{cast.adopting.pk}/success/plan/", given)


def test_a_plan_from_the_template_spreads_its_steps_and_can_be_taken_back(cast: Cast) -> None:
    answer = start(cast, name="Rollout")
    plan = OnboardingPlan.objects.get()
    steps = list(OnboardingStep.objects.filter(onboarding_plan=plan).order_by("due_on", "id"))
    assert (plan.account, plan.name, len(steps)) == (cast.adopting, "Rollout", 11)
    assert (steps[0].due_on, steps[-1].due_on) == (plan.started_on + timedelta(days=5), plan.planned_end_on)
    assert {step.side for step in steps} == {"us", "customer"}
    assert FieldChange.objects.get(record="onboarding_plans", field="created").new == "Rollout"
    assert DirtyAccount.objects.filter(account_id=cast.adopting.pk).exists()
    page = cast.client("csm").get(f"/accounts/{cast.adopting.pk}/?tab=success").content.decode()
    assert "stalled" in page  # begun 20 days ago, and nothing done
    assert cast.client("csm").post(undo_of(answer)).status_code == 302
    assert not OnboardingPlan.objects.filter(archived_at=None).exists()
    assert not OnboardingStep.objects.filter(archived_at=None).exists()


def test_a_step_is_done_today_and_undone(cast: Cast) -> None:
    start(cast)
    step = OnboardingStep.objects.order_by("due_on").first()
    assert step is not None
    answer = cast.client("csm").post(f"/success/step/{step.pk}/today/")
    step.refresh_from_db()
    assert step.done_on == cast.today
    change = FieldChange.objects.get(record="onboarding_steps", field="done_on")
    assert (change.old, change.new, change.user) == (None, str(cast.today), cast.users["csm"])
    assert "under way" in cast.client("csm").get(f"/accounts/{cast.adopting.pk}/?tab=success").content.decode()
    cast.client("csm").post(undo_of(answer))
    step.refresh_from_db()
    assert step.done_on is None


def test_an_outcome_is_added_reached_confirmed_and_put_right(cast: Cast) -> None:
    client, base = cast.client("csm"), "/success/outcome/"
    due = cast.today + timedelta(days=30)
    client.post(f"/accounts/{cast.adopting.pk}/success/outcome/", {"title": "Close the books faster", "baseline": "9", "target": "4.5", "unit": "days", "due_on": str(due), "promised_on": str(cast.today)})
    outcome = Outcome.objects.get()
    assert (outcome.title, outcome.baseline, outcome.target, outcome.due_on) == ("Close the books faster", "9", "4.5", due)
    client.post(f"{base}{outcome.pk}/today/")
    client.post(f"{base}{outcome.pk}/today/")
    outcome.refresh_from_db()
    assert (outcome.reached_on, outcome.confirmed_on) == (cast.today, cast.today)
    wrong = client.post(f"{base}{outcome.pk}/", {"title": "Close the books faster", "promised_on": str(cast.today), "reached_on": str(cast.today - timedelta(days=1))})
    assert wrong.status_code == 422
    assert f"found {cast.today - timedelta(days=1)} before {cast.today}" in wrong.content.decode()
    ahead = client.post(f"{base}{outcome.pk}/", {"title": "Quicker", "reached_on": str(cast.today + timedelta(days=1)), "confirmed_on": ""})
    assert ahead.status_code == 422
    answer = client.post(f"{base}{outcome.pk}/", {"title": "Quicker", "unit": "hours", "baseline": "9", "target": "4.5"})
    outcome.refresh_from_db()
    assert (outcome.title, outcome.unit, outcome.reached_on) == ("Quicker", "hours", None)
    client.post(undo_of(answer))
    outcome.refresh_from_db()
    assert (outcome.title, outcome.unit, outcome.reached_on) == ("Close the books faster", "days", cast.today)


def test_bad_input_says_what_was_found(cast: Cast) -> None:
    client = cast.client("csm")
    for path, given, said in [
        ("plan", {"started_on": "soon"}, "soon"),
        ("plan", {"started_on": str(cast.today), "template": "on"}, "Planned end: found nothing"),
        ("plan", {"started_on": str(cast.today), "planned_end_on": str(cast.today - timedelta(days=1))}, "before"),
        ("outcome", {"title": ""}, "cannot be empty"),
    ]:
        answer = client.post(f"/accounts/{cast.adopting.pk}/success/{path}/", given)
        assert said in " ".join(str(message) for message in get_messages(answer.wsgi_request)), (path, given)
    assert not OnboardingPlan.objects.exists()
    start(cast, template="")
    plan = OnboardingPlan.objects.get()
    answer = client.post(f"/accounts/{cast.adopting.pk}/success/step/", {"plan": str(plan.pk), "title": "Go", "side": "nobody"})
    assert not OnboardingStep.objects.exists()
    client.post(f"/accounts/{cast.adopting.pk}/success/step/", {"plan": str(plan.pk), "title": "Go", "side": "customer", "due_on": str(date(2030, 1, 1))})
    assert OnboardingStep.objects.get().onboarding_plan == plan


def test_who_may_not_edit_the_account_changes_nothing(cast: Cast) -> None:
    answer = start(cast)
    plan, undo = OnboardingPlan.objects.get(), undo_of(answer)
    for part, status in (("viewer", 403), ("outsider", 404)):
        client = cast.client(part)
        assert client.post(f"/accounts/{cast.adopting.pk}/success/plan/", {"started_on": str(cast.today)}).status_code == status
        assert client.post(f"/success/plan/{plan.pk}/today/").status_code == status
        assert client.get(f"/success/plan/{plan.pk}/").status_code == status
        assert client.post(undo).status_code == 404  # somebody else's change
    other = cast.client("outsider").post(f"/accounts/{cast.others.pk}/success/step/", {"plan": str(plan.pk), "title": "Mine"})
    assert (other.status_code, OnboardingStep.objects.filter(title="Mine").count()) == (404, 0)  # a plan of another account
    plan.refresh_from_db()
    assert (plan.completed_on, plan.archived_at, OnboardingPlan.objects.count()) == (None, None, 1)
    assert "Start a plan" not in cast.client("viewer").get(f"/accounts/{cast.adopting.pk}/?tab=success").content.decode()
