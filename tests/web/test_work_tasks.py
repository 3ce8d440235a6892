"""Tasks: whose they are, what is done to them, and the way back of each step."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from laer.web.book.actions import Refused
from laer.web.book.merging import end_merge, merge_accounts
from laer.web.book.models import FieldChange
from laer.web.people.models import Person
from laer.web.work import actions
from laer.web.work.models import Notification, Task
from laer.web.work.queries import group_of
from laer.web.work.touches import log_touch
from laer.web.work.writing import undo_work
from tests.cast import Cast


def give(cast: Cast, title: str = "Call the sponsor", who: str = "csm", account: Any = "renewing", **values: str) -> Task:
    of = getattr(cast, account).pk if account else None
    return actions.create_task(cast.users[who], {"title": title, **values}, of)[0]


def shown(cast: Cast, who: str, url: str = "/tasks/?view=all") -> str:
    return cast.client(who).get(url).content.decode()


def test_a_task_is_seen_by_those_who_see_its_account(cast: Cast) -> None:
    give(cast)
    assert "Call the sponsor" in shown(cast, "csm")
    assert "Call the sponsor" in shown(cast, "lead")
    assert "Call the sponsor" in shown(cast, "viewer")
    assert "Call the sponsor" not in shown(cast, "outsider")
    assert "Call the sponsor" in shown(cast, "csm", f"/accounts/{cast.renewing.pk}/?tab=tasks")
    assert "Call the sponsor" not in shown(cast, "csm", f"/accounts/{cast.adopting.pk}/?tab=tasks")


def test_a_task_without_an_account_is_its_assignees_and_its_creators(cast: Cast) -> None:
    give(cast, "Write the review", account=None, assignee=str(cast.people["outsider"].pk))
    assert "Write the review" in shown(cast, "csm")
    assert "Write the review" in shown(cast, "outsider", "/tasks/")
    assert "Write the review" not in shown(cast, "lead")
    assert "Write the review" not in shown(cast, "admin")


def test_the_outsider_can_do_nothing_to_it(cast: Cast) -> None:
    task = give(cast)
    client = cast.client("outsider")
    assert client.get(f"/tasks/{task.pk}/").status_code == 404
    for data in ({"complete": task.pk}, {"do": "assign", "task": task.pk, "person": cast.people["outsider"].pk}, {"do": "snooze:2999-01-01", "task": task.pk}):
        assert client.post("/tasks/change/", data).status_code == 403
    assert client.post("/tasks/add/", {"title": "Mine now", "account": cast.renewing.pk}).status_code == 403
    assert client.post(f"/tasks/{task.pk}/archive/").status_code == 403
    task.refresh_from_db()
    assert (task.done_at, task.archived_at, task.assignee_id) == (None, None, cast.people["csm"].pk)


def test_who_may_only_look_changes_nothing(cast: Cast) -> None:
    task = give(cast)
    assert cast.client("viewer").get(f"/tasks/{task.pk}/").status_code == 200
    assert cast.client("viewer").post("/tasks/change/", {"complete": task.pk}).status_code == 403
    with pytest.raises(PermissionDenied):
        actions.create_task(cast.users["viewer"], {"title": "x"})


def test_each_step_is_in_the_change_log_and_undone_by_its_toast(cast: Cast) -> None:
    task, client = give(cast, due_on=cast.today.isoformat()), cast.client("csm")
    steps = {
        "complete": {"complete": task.pk},
        "snooze": {"do": f"snooze:{cast.today + timedelta(days=3)}", "task": task.pk},
        "assign": {"do": "assign", "task": task.pk, "person": cast.people["lead"].pk},
    }
    before = (None, cast.today, cast.people["csm"].pk)
    for name, data in steps.items():
        page = client.post("/tasks/change/", data, follow=True)
        task.refresh_from_db()
        assert (task.done_at, task.due_on, task.assignee_id) != before, name
        last = FieldChange.objects.filter(record="tasks", object_id=task.pk).latest("id")
        assert last.user == cast.users["csm"]
        assert f"/work/undo/{last.pk}/" in page.content.decode(), name
        client.post(f"/work/undo/{last.pk}/")
        task.refresh_from_db()
        assert (task.done_at, task.due_on, task.assignee_id) == before, name


def test_the_undo_of_adding_takes_it_out(cast: Cast) -> None:
    task, change = actions.create_task(cast.users["csm"], {"title": "By mistake"}, cast.renewing.pk)
    undo_work(cast.users["csm"], change.pk)
    assert "By mistake" not in shown(cast, "csm")
    assert Task.objects.get(pk=task.pk).archived_at


def test_several_are_completed_and_come_back_together(cast: Cast) -> None:
    tasks = [give(cast, f"Step {i}") for i in range(3)]
    client = cast.client("csm")
    client.post("/tasks/change/", {"do": "complete", "task": [t.pk for t in tasks[:2]]})
    assert [bool(t.done_at) for t in Task.objects.order_by("id")] == [True, True, False]
    change = FieldChange.objects.filter(record="tasks").latest("id")
    client.post(f"/work/undo/{change.pk}/")
    assert not Task.objects.exclude(done_at=None).exists()


def test_an_undo_is_refused_where_it_was_changed_since_and_is_nobody_elses(cast: Cast) -> None:
    task = give(cast)
    change = actions.snooze_tasks(cast.users["csm"], [task.pk], cast.today)
    assert change
    assert cast.client("lead").post(f"/work/undo/{change.pk}/").status_code == 404
    actions.snooze_tasks(cast.users["lead"], [task.pk], cast.today + timedelta(days=9))
    with pytest.raises(Refused, match="changed again"):
        undo_work(cast.users["csm"], change.pk)
    task.refresh_from_db()
    assert task.due_on == cast.today + timedelta(days=9)


def test_a_task_is_given_only_to_somebody_who_can_do_it(cast: Cast) -> None:
    task = give(cast)
    for part, why in (("outsider", "does not see"), ("viewer", "may look")):
        with pytest.raises(Refused, match=why):
            actions.reassign_tasks(cast.users["csm"], [task.pk], cast.people[part].pk)
    nobody_known = Person.objects.create(name="Agency", created_at=task.created_at)
    assert actions.reassign_tasks(cast.users["csm"], [task.pk], nobody_known.pk)


def test_who_is_given_a_task_hears_of_it_and_oneself_does_not(cast: Cast) -> None:
    give(cast)
    assert not Notification.objects.exists()
    task = give(cast, "Sign the renewal", assignee=str(cast.people["lead"].pk))
    told = Notification.objects.get()
    assert (told.person, told.task, told.kind) == (cast.people["lead"], task, "assigned")


def test_the_form_of_a_task_saves_its_checklist(cast: Cast) -> None:
    task = give(cast)
    data = {"title": "Call the sponsor", "priority": "3", "due_on": "", "assignee": cast.people["csm"].pk, "item": ["Find the number", "Ask for ten minutes", ""], "ticked": ["1"]}
    assert cast.client("csm").post(f"/tasks/{task.pk}/", data).status_code == 302
    task.refresh_from_db()
    assert task.checklist == [{"text": "Find the number", "done": False}, {"text": "Ask for ten minutes", "done": True}]
    page = shown(cast, "csm")
    assert "1 of 2 ticked" in page
    assert "High" in page


@pytest.mark.parametrize(("data", "why"), [({"title": " "}, "Title cannot be empty"), ({"title": "x", "due_on": "soon"}, "expected a date"), ({"title": "x", "priority": "9"}, "Priority")])
def test_what_does_not_read_is_said(cast: Cast, data: dict[str, str], why: str) -> None:
    task = give(cast)
    answer = cast.client("csm").post(f"/tasks/{task.pk}/", data)
    assert answer.status_code == 422
    assert why in answer.content.decode()


def test_tasks_stand_under_the_day_they_are_due(cast: Cast) -> None:
    monday = cast.today - timedelta(days=cast.today.weekday())
    days = {-1: "overdue", 0: "today", 1: "week", 6: "week", 7: "later", None: "none"}
    assert {n: group_of(Task(due_on=monday + timedelta(days=n) if n is not None else None), monday) for n in days} == days


def test_my_accounts_are_those_that_i_am_assigned_to(cast: Cast) -> None:
    give(cast, "On her book", who="lead")
    assert "On her book" in shown(cast, "csm", "/tasks/?view=accounts")
    assert "On her book" not in shown(cast, "csm", "/tasks/?view=mine")
    assert "On her book" not in shown(cast, "lead", "/tasks/?view=accounts")


def test_the_change_log_names_people_and_not_numbers(cast: Cast) -> None:
    task = give(cast)
    actions.reassign_tasks(cast.users["csm"], [task.pk], cast.people["lead"].pk)
    page = shown(cast, "csm", f"/accounts/{cast.renewing.pk}/?tab=changes")
    assert "Task: assignee" in page
    assert "Hana Sato" in page
    assert "{&#x27;id" not in page


def test_a_merge_takes_the_work_along_and_gives_it_back(cast: Cast) -> None:
    task = give(cast)
    log_touch(cast.users["csm"], cast.renewing.pk, {"kind": "call", "summary": "Heard of it"})
    merge = merge_accounts(cast.users["admin"], cast.adopting.pk, cast.renewing.pk)
    assert "Call the sponsor" in shown(cast, "csm", f"/accounts/{cast.adopting.pk}/?tab=tasks")
    assert "Heard of it" in shown(cast, "csm", f"/accounts/{cast.adopting.pk}/?tab=feed")
    end_merge(cast.users["admin"], merge.pk)
    task.refresh_from_db()
    assert task.account_id == cast.renewing.pk
    assert "Heard of it" not in shown(cast, "csm", f"/accounts/{cast.adopting.pk}/?tab=feed")


def test_a_task_that_repeats_comes_back_when_it_is_done_and_both_are_taken_back(cast: Cast) -> None:
    user, day = cast.users["csm"], timezone.localdate()
    task, _made = actions.create_task(user, {"title": "Look at the month", "due_on": (day - timedelta(days=40)).isoformat(), "repeats": "month"}, cast.renewing.pk)
    actions.edit_task(user, task.pk, {"title": "Look at the month", "due_on": (day - timedelta(days=40)).isoformat()}, [{"text": "figures", "done": True}])
    change = actions.complete_tasks(user, [task.pk])
    assert change
    following = Task.objects.get(title="Look at the month", done_at=None)
    assert day < following.due_on <= day + timedelta(days=31), "the first of its days that is ahead"
    assert (following.repeats, following.account_id, following.checklist) == ("month", cast.renewing.pk, [{"text": "figures", "done": False}])
    undo_work(user, change.pk)
    assert Task.objects.filter(title="Look at the month", archived_at=None).values_list("pk", "done_at").get() == (task.pk, None)


@pytest.mark.parametrize(
    ("due", "repeats", "expected"),
    [("2026-01-31", "month", "2026-02-28"), ("2026-01-31", "quarter", "2026-04-30"), ("2024-02-29", "year", "2025-02-28"), ("2026-12-28", "fortnight", "2027-01-11")],
)
def test_the_next_day_of_a_task_that_repeats(due: str, repeats: str, expected: str) -> None:
    assert actions.next_due(date.fromisoformat(due), repeats) == date.fromisoformat(expected)


def test_what_repeats_is_one_of_its_words(cast: Cast) -> None:
    with pytest.raises(Refused, match="Repeats: found 'daily'"):
        actions.create_task(cast.users["csm"], {"title": "Look", "repeats": "daily"})


def test_load_counts_open_and_late_tasks_by_person_of_what_one_may_see(cast: Cast) -> None:
    day = timezone.localdate()
    for title, due in (("Late", day - timedelta(days=2)), ("Soon", day + timedelta(days=2)), ("Far", day + timedelta(days=30))):
        actions.create_task(cast.users["csm"], {"title": title, "due_on": due.isoformat()}, cast.renewing.pk)
    log_touch(cast.users["csm"], cast.renewing.pk, {"kind": "call", "minutes": "35", "summary": "A call"})
    def said(part: str) -> str:
        return b"".join(cast.client(part).get("/tasks/load/?format=csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]

    lines = said("csm").splitlines()
    (maya,) = [line.split(",") for line in lines if line.startswith(cast.people["csm"].name)]
    assert maya[1:5] == ["3", "1", "1", "0"]
    assert maya[-1] == "35"
    assert cast.people["csm"].name not in said("outsider")
