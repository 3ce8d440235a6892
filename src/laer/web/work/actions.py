"""What people do with tasks: a verb, one transaction, the row and its audit rows together. Each answers with the change that undoes it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book.actions import Refused, editable_row
from laer.web.book.models import Assignment, FieldChange
from laer.web.book.scope import editable_accounts, visible_accounts
from laer.web.people.formats import today
from laer.web.people.models import Person, Role, User
from laer.web.people.typed import Unclear, typed_day
from laer.web.work.models import Notice, Notification, Priority, Repeat, Task, TaskKind, TaskTemplate
from laer.web.work.notices import wants
from laer.web.work.scope import editable_tasks
from laer.web.work.task_templates import templates
from laer.web.work.touches import read_minutes
from laer.web.work.writing import log_created, write_rows

TITLE, DETAIL, ITEMS = 200, 10_000, 50
MANY, CHUNK = 500, 50  # tasks that are added at once, and in one write transaction


def create_task(user: User, values: Mapping[str, str], account_id: int | None = None, episode_id: int | None = None) -> tuple[Task, FieldChange]:
    """A new task from the texts of a form; nobody named: it is the person's own. With the episode of a signal that is its reason, where there is one.

    Raises  PermissionDenied where the person may not edit the account, Refused where a text does not read
    """
    if not user.may_edit:
        raise PermissionDenied
    if account_id is not None:
        editable_row(user, "accounts", account_id)
    read = read_task(_begun(values))
    if template := _template(values):
        read |= {"checklist": [{"text": text, "done": False} for text in template.checklist]}
    if read.get("assignee_id") is None:
        read["assignee_id"] = Person.objects.filter(user=user).values_list("pk", flat=True).first()
    now = timezone.now()
    task = Task(account_id=account_id, episode_id=episode_id, created_by=user, created_at=now, **read)
    check_assignee(task)
    with transaction.atomic():
        task.save()
        change = log_created(user, "tasks", task, task.title)
        tell_assignee(user, task, now)
    return task, change


def _template(values: Mapping[str, str]) -> TaskTemplate | None:
    """That a form begins with. Refused where there is none of that number."""
    number = values.get("template", "").strip()
    if not number:
        return None
    found = templates().filter(pk=int(number)).first() if number.isascii() and number.isdigit() and len(number) < 19 else None
    if found is None:
        raise Refused(_("Template: found '%(found)s', expected one of those listed") % {"found": number[:20]})
    return found


def _begun(values: Mapping[str, str]) -> Mapping[str, str]:
    """What a template says wherever the form says nothing else."""
    template = _template(values)
    if template is None:
        return values
    due = "" if template.due_in is None else (today() + timedelta(days=template.due_in)).isoformat()
    priority = values.get("priority") or str(Priority.NORMAL.value)
    return {
        **values, "title": values.get("title", "").strip() or template.title, "detail": values.get("detail", "").strip() or template.detail,
        "due_on": values.get("due_on", "").strip() or due, "kind": values.get("kind") or template.kind,
        "priority": str(template.priority) if priority == str(Priority.NORMAL.value) else priority,
    }  # fmt: skip


def create_tasks(user: User, values: Mapping[str, str], ids: Collection[int], *, owners: bool = False) -> tuple[int, int, FieldChange | None]:
    """The same task for each account that the person may edit; with `owners` for each account's CSM, where it has one.

    Returns  how many were added, how many accounts were not the person's to edit (or not for the assignee to see), the change that undoes all of them
    Raises   Refused where a text does not read, where nobody of that number is there, or for more than MANY accounts
    """
    if not user.may_edit:
        raise PermissionDenied
    read = read_task({**values, "assignee": "" if owners else values.get("assignee", "")})
    if len(set(ids)) > MANY:
        raise Refused(_("found %(found)s accounts, expected at most %(most)s for a task each") % {"found": len(set(ids)), "most": MANY})
    mine = sorted(editable_accounts(user).filter(pk__in=ids).values_list("pk", flat=True))
    oneself = Person.objects.filter(user=user).values_list("pk", flat=True).first()
    whose: dict[int, int] = {}
    if owners:
        csm = Assignment.objects.filter(account_id__in=mine, job="csm", until_on=None, archived_at=None).exclude(person__user__role=Role.VIEWER)
        whose = dict(csm.order_by("-id").values_list("account_id", "person_id"))
    elif read["assignee_id"] is not None:
        check_assignee(Task(assignee_id=read["assignee_id"]))
        someone = User.objects.filter(person=read["assignee_id"]).first()
        mine = sorted(visible_accounts(someone).filter(pk__in=mine).values_list("pk", flat=True)) if someone else mine
    now, last = timezone.now(), None
    given = read["assignee_id"] or oneself
    for start in range(0, len(mine), CHUNK):
        with transaction.atomic():
            for account_id in mine[start : start + CHUNK]:
                task = Task(account_id=account_id, created_by=user, created_at=now, **read | {"assignee_id": whose.get(account_id, given)})
                task.save()
                last = log_created(user, "tasks", task, task.title)
                tell_assignee(user, task, now)
    return len(mine), len(set(ids)) - len(mine), last


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
    done = [task for task in _tasks(user, ids) if not task.done_at]
    with transaction.atomic():
        change = write_rows(user, "tasks", [(task, {"done_at": now, "done_by_id": user.pk}) for task in done])
        for task in done:
            if task.repeats and change is not None:
                _next_of(user, task, change.recorded_at)
    return change


def _next_of(user: User, task: Task, at: datetime) -> None:
    """The next of a task that repeats, due on the first of its days that is still ahead. Written at the moment of the change, so that both are taken back."""
    due, day = next_due(task.due_on or today(), task.repeats), today()
    while due <= day:
        due = next_due(due, task.repeats)
    following = Task.objects.create(
        account_id=task.account_id, title=task.title, detail=task.detail, due_on=due, priority=task.priority, assignee_id=task.assignee_id,
        checklist=[{"text": item["text"], "done": False} for item in task.checklist], created_by=user, created_at=at, repeats=task.repeats,
        kind=task.kind,
    )  # fmt: skip
    log_created(user, "tasks", following, following.title)


def next_due(due: date, repeats: str) -> date:
    """A period later; the last day of a month where it has no such day."""
    if repeats in (Repeat.WEEK, Repeat.FORTNIGHT):
        return due + timedelta(days=7 if repeats == Repeat.WEEK else 14)
    months = due.year * 12 + due.month - 1 + {Repeat.MONTH: 1, Repeat.QUARTER: 3, Repeat.YEAR: 12}[Repeat(repeats)]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(due.day, monthrange(year, month + 1)[1]))


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
    if until_on < today():
        raise Refused(_("found %(day)s, expected today or a later day") % {"day": until_on.isoformat()})
    return write_rows(user, "tasks", [(task, {"due_on": until_on}) for task in _tasks(user, ids)])


def archive_task(user: User, task_id: int) -> FieldChange | None:
    return write_rows(user, "tasks", [(_task(user, task_id), {"archived_at": timezone.now()})])


def read_task(values: Mapping[str, str]) -> dict[str, Any]:
    """Texts of a form as values of a task."""
    title, detail = values.get("title", "").strip(), values.get("detail", "").strip()
    if not title:
        raise Refused(_("Title cannot be empty"))
    for name, text, limit in ((_("Title"), title, TITLE), (_("Detail"), detail, DETAIL)):
        if len(text) > limit:
            raise Refused(_("%(field)s: found %(count)s characters, expected at most %(limit)s") % {"field": name, "count": len(text), "limit": limit})
    priority = values.get("priority") or str(Priority.NORMAL.value)
    if priority not in {str(p) for p in Priority.values}:
        raise Refused(_("Priority: found '%(found)s', expected one of %(expected)s") % {"found": priority, "expected": ", ".join(map(str, Priority.labels))})
    assignee = values.get("assignee", "").strip()
    if assignee and not (assignee.isascii() and assignee.isdigit() and len(assignee) < 19):
        raise Refused(_("Assignee: expected one of the people listed"))
    due_on = read_due(values.get("due_on", ""))
    read = {"title": title, "detail": detail, "due_on": due_on, "priority": int(priority), "assignee_id": int(assignee) if assignee else None}
    if "repeats" in values:  # forms that do not ask leave it as it is
        if values["repeats"] not in ("", *Repeat.values):
            said = {"found": values["repeats"][:20], "expected": ", ".join(Repeat.values)}
            raise Refused(_("Repeats: found '%(found)s', expected nothing or one of %(expected)s") % said)
        read["repeats"] = values["repeats"]
    if "kind" in values:
        if values["kind"] not in ("", *TaskKind.values):
            said = {"found": values["kind"][:20], "expected": ", ".join(TaskKind.values)}
            raise Refused(_("Kind: found '%(found)s', expected nothing or one of %(expected)s") % said)
        read["kind"] = values["kind"]
    if "minutes" in values:
        read["minutes"] = read_minutes(values["minutes"])
    return read


def read_due(text: str) -> date | None:
    try:
        return typed_day(text)
    except Unclear as unclear:
        raise Refused(_("Due: %(why)s") % {"why": unclear}) from None


def read_checklist(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = [{"text": str(i["text"]).strip()[:TITLE], "done": bool(i["done"])} for i in items if str(i["text"]).strip()]
    if len(kept) > ITEMS:
        raise Refused(_("Checklist: found %(count)s items, expected at most %(limit)s") % {"count": len(kept), "limit": ITEMS})
    return kept


def check_assignee(task: Task) -> None:
    """A task is for somebody who is there, and who will see it: one with a login must see the account and may not be a viewer."""
    if task.assignee_id is None:
        return
    person = Person.objects.select_related("user").filter(pk=task.assignee_id, archived_at=None).first()
    if person is None:
        raise Refused(_("Assignee: found nobody of that number, expected one of the people listed"))
    if person.user and person.user.role == Role.VIEWER:
        raise Refused(_("%(name)s may look but not change, and could not complete it") % {"name": person.name})
    if person.user and task.account_id and not visible_accounts(person.user).filter(pk=task.account_id).exists():
        raise Refused(_("%(name)s does not see this account") % {"name": person.name})


def tell_assignee(user: User | None, task: Task, now: datetime) -> None:
    """Who is given a task by somebody else, or by a play (None), hears of it, where they have a login."""
    if task.assignee_id is None:
        return
    given = User.objects.filter(person=task.assignee_id).first()
    if given and given != user and wants(given, Notice.ASSIGNED):
        Notification.objects.create(person_id=task.assignee_id, kind=Notice.ASSIGNED, account_id=task.account_id, task=task, by=user, at=now)


def _task(user: User, task_id: int) -> Task:
    return _tasks(user, [task_id])[0]


def _tasks(user: User, ids: Collection[int]) -> list[Task]:
    found = list(editable_tasks(user).filter(pk__in=ids).order_by("id"))
    if not found or len(found) != len(set(ids)):
        raise PermissionDenied
    return found
