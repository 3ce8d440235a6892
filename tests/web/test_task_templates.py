"""Templates of tasks: kept by leads and admins, picked by whoever adds a task; what is typed goes before what the template says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from laer.web.book.models import FieldChange
from laer.web.people.formats import today
from laer.web.work.models import Priority, Task, TaskTemplate
from tests.cast import Cast

pytestmark = pytest.mark.django_db
QBR = {"name": "QBR", "title": "Prepare the QBR", "checklist": "Usage of the quarter\n\n Outcomes \n", "due_in": "14", "kind": "prepare", "priority": "3", "detail": "An hour"}


def kept(cast: Cast, who: str = "lead", **more: str) -> TaskTemplate:
    assert cast.client(who).post("/tasks/templates/", QBR | more).status_code == 302
    return TaskTemplate.objects.get(name=more.get("name", "QBR"), archived_at=None)


def test_a_lead_keeps_one_and_everybody_sees_it(cast: Cast) -> None:
    row = kept(cast)
    assert (row.checklist, row.due_in, row.kind, row.priority) == (["Usage of the quarter", "Outcomes"], 14, "prepare", Priority.HIGH)
    for who in ("csm", "viewer", "outsider"):
        assert "Prepare the QBR" in cast.client(who).get("/tasks/templates/").content.decode()
        assert cast.client(who).post("/tasks/templates/", QBR | {"name": "Mine"}).status_code == 403
        assert cast.client(who).post(f"/tasks/templates/{row.pk}/archive/").status_code == 403
    assert TaskTemplate.objects.count() == 1


def test_a_task_begins_with_it_and_what_is_typed_goes_before(cast: Cast) -> None:
    row = kept(cast)
    add = {"account": str(cast.renewing.pk), "template": str(row.pk), "priority": "2", "title": "", "due_on": ""}
    cast.client("csm").post("/tasks/add/", add)
    made = Task.objects.get(title="Prepare the QBR")
    assert (made.due_on, made.kind, made.priority, made.detail) == (today() + timedelta(days=14), "prepare", Priority.HIGH, "An hour")
    assert made.checklist == [{"text": "Usage of the quarter", "done": False}, {"text": "Outcomes", "done": False}]
    cast.client("csm").post("/tasks/add/", add | {"title": "Prepare Vantage's QBR", "due_on": "2030-05-02", "priority": "1"})
    typed = Task.objects.get(title="Prepare Vantage's QBR")
    assert (str(typed.due_on), typed.priority, len(typed.checklist)) == ("2030-05-02", Priority.LOW, 2)


def test_a_change_is_logged_and_one_that_is_taken_out_is_offered_no_more(cast: Cast) -> None:
    row = kept(cast)
    cast.client("admin").post(f"/tasks/templates/{row.pk}/", QBR | {"due_in": "7"})
    change = FieldChange.objects.get(record="task_templates", object_id=row.pk, field="due_in")
    assert (change.old, change.new, change.user) == (14, 7, cast.users["admin"])
    assert "no template" in cast.client("csm").get("/tasks/").content.decode()
    cast.client("lead").post(f"/tasks/templates/{row.pk}/archive/")
    assert "no template" not in cast.client("csm").get("/tasks/").content.decode()
    cast.client("csm").post("/tasks/add/", {"template": str(row.pk), "title": "Still there?"})
    assert not Task.objects.filter(title="Still there?").exists()
    kept(cast)  # its name is free again


@pytest.mark.parametrize(("wrong", "why"), [({"title": ""}, "Title cannot be empty"), ({"due_in": "soon"}, "whole days"), ({"kind": "magic"}, "one of"), ({"priority": "9"}, "Priority"), ({}, "taken by another")])
def test_what_does_not_read_is_refused_with_the_reason(cast: Cast, wrong: dict[str, str], why: str) -> None:
    kept(cast)
    answer = cast.client("lead").post("/tasks/templates/", QBR | wrong | ({"name": "Other"} if wrong else {}))
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert TaskTemplate.objects.count() == 1
