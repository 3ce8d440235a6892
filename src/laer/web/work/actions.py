"""What people do with tasks: a verb, one transaction, the row and its audit rows together. Each answers with the change that undoes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from laer.sources.tabular.values import Unreadable, read_date
from laer.web.book.actions import Refused, editable_row
from laer.web.book.models import FieldChange
from laer.web.book.scope import visible_accounts
from laer.web.people.models import Person, Role, User
from laer.web.work.models import Notice, Notification, Priority, Task
from laer.web.work.scope import editable_tasks
from laer.web.work.writing import log_created, write_rows

TITLE, DETAIL, ITEMS = 200, 10_000, 50


def create_task(user: User, values: Mapping[str, str], account_id: int | None = None) -> tuple[Task, FieldChange]:
    """A new task from the texts of a form; nobody named: it is the person's own.

    Raises  PermissionDenied where the person may not edit the account, Refused where a text does not read
    """
    if not user.may_edit:
        raise PermissionDenied
    if account_id is not None:
        editable_row(user, "accounts", account_id)
    read = read_task(values)
    if read.get("assignee_id") is None:
        read["assignee_id"] = Person.objects.filter(user=user).values_list("pk", flat=True).first()
    now = timezone.now()
    task = Task(account_id=account_id, created_by=user, created_at=now, **read)
    check_assignee(task)
    with transaction.atomic():
        task.save()
        change = log_created(user, "tasks", task, task.title)
        tell_assignee(user, task, now)
    return task, change


def edit_task(user: User, task_id: int, values: Mapping[str, str], checklist: list[dict[str, Any]] | None = None) -> FieldChange | None:
    task = _task(user, task_id)
    read: dict[str, Any] = read_task(values)
    if checklist is not None:
        read["checklist"] = read_checklist(checklist)
    before = task.assignee_id
    probe = Task(account_id=task.account_id, assignee_id=read["assignee_id"])
    if probe.assignee_id != before:
        check_assignee(probe)
    with transaction.atomic():
        change = write_rows(user, "tasks", [(task, read)])
        if task.assignee_id != before:
            tell_assignee(user, task, timezone.now())
    return change


def complete_tasks(user: User, ids: Collection[int]) -> FieldChange | None:
    """Done now, by this person. What is done already stays as it is."""
    now = timezone.now()
    return write_rows(user, "tasks", [(task, {"done_at": now, "done_by_id": user.pk}) for task in _tasks(user, ids) if not task.done_at])


def reopen_tasks(user: User, ids: Collection[int]) -> FieldChange | None:
    return write_rows(user, "tasks", [(task, {"done_at": None, "done_by_id": None}) for task in _tasks(user, ids)])


def reassign_tasks(user: User, ids: Collection[int], person_id: int | None) -> FieldChange | None:
    now, tasks = timezone.now(), _tasks(user, ids)
    for task in tasks:
        check_assignee(Task(account_id=task.account_id, assignee_id=person_id))
    given = [task for task in tasks if task.assignee_id != person_id]
    with transaction.atomic():
        change = write_rows(user, "tasks", [(task, {"assignee_id": person_id}) for task in tasks])
        for task in given:
            tell_assignee(user, task, now)
    return change


def snooze_tasks(user: User, ids: Collection[int], until_on: date) -> FieldChange | None:
    """Due on a later day. Refused for a day that is past."""
    if until_on < timezone.localdate():
        raise Refused(f"found {until_on.isoformat()}, expected today or a later day")
    return write_rows(user, "tasks", [(task, {"due_on": until_on}) for task in _tasks(user, ids)])


def archive_task(user: User, task_id: int) -> FieldChange | None:
    return write_rows(user, "tasks", [(_task(user, task_id), {"archived_at": timezone.now()})])


def read_task(values: Mapping[str, str]) -> dict[str, Any]:
    """Texts of a form as values of a task."""
    title, detail = values.get("title", "").strip(), values.get("detail", "").strip()
    if not title:
        raise Refused("Title cannot be empty")
    for name, text, limit in (("Title", title, TITLE), ("Detail", detail, DETAIL)):
        if len(text) > limit:
            raise Refused(f"{name}: found {len(text)} characters, expected at most {limit}")
    priority = values.get("priority") or str(Priority.NORMAL.value)
    if priority not in {str(p) for p in Priority.values}:
        raise Refused(f"Priority: found '{priority}', expected one of {', '.join(Priority.labels)}")
    assignee = values.get("assignee", "").strip()
    if assignee and not (assignee.isascii() and assignee.isdigit() and len(assignee) < 19):
        raise Refused("Assignee: expected one of the people listed")
    due_on = read_due(values.get("due_on", ""))
    return {"title": title, "detail": detail, "due_on": due_on, "priority": int(priority), "assignee_id": int(assignee) if assignee else None}


def read_due(text: str) -> date | None:
    found = read_date(text.strip(), "ymd") if text.strip() else None
    if isinstance(found, Unreadable):
        raise Refused(f"Due: found '{text}', expected a date such as 2026-04-12")
    return found


def read_checklist(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = [{"text": str(i["text"]).strip()[:TITLE], "done": bool(i["done"])} for i in items if str(i["text"]).strip()]
    if len(kept) > ITEMS:
        raise Refused(f"Checklist: found {len(kept)} items, expected at most {ITEMS}")
    return kept


def check_assignee(task: Task) -> None:
    """A task is for somebody who is there, and who will see it: one with a login must see the account and may not be a viewer."""
    if task.assignee_id is None:
        return
    person = Person.objects.select_related("user").filter(pk=task.assignee_id, archived_at=None).first()
    if person is None:
        raise Refused("Assignee: found nobody of that number, expected one of the people listed")
    if person.user and person.user.role == Role.VIEWER:
        raise Refused(f"{person.name} may look but not change, and could not complete it")
    if person.user and task.account_id and not visible_accounts(person.user).filter(pk=task.account_id).exists():
        raise Refused(f"{person.name} does not see this account")


def tell_assignee(user: User, task: Task, now: datetime) -> None:
    """Who is given a task by somebody else hears of it, where they have a login."""
    if task.assignee_id and Person.objects.filter(pk=task.assignee_id, user__isnull=False).exclude(user=user).exists():
        Notification.objects.create(person_id=task.assignee_id, kind=Notice.ASSIGNED, account_id=task.account_id, task=task, by=user, at=now)


def _task(user: User, task_id: int) -> Task:
    return _tasks(user, [task_id])[0]


def _tasks(user: User, ids: Collection[int]) -> list[Task]:
    found = list(editable_tasks(user).filter(pk__in=ids).order_by("id"))
    if not found or len(found) != len(set(ids)):
        raise PermissionDenied
    return found
