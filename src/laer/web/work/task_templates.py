"""Templates of tasks: leads and admins keep them, whoever adds a task may begin with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book.actions import Refused, log_change
from laer.web.people.models import Role, User
from laer.web.work.models import Priority, TaskKind, TaskTemplate

NAME, TITLE, DETAIL, ITEMS = 80, 200, 10_000, 50
LONGEST = 730  # days until it is due
RECORD = "task_templates"


def may_keep(user: User) -> bool:
    """Who writes templates for everybody: leads and admins."""
    return user.is_authenticated and user.is_active and user.role in (Role.ADMIN, Role.LEAD)


def templates() -> QuerySet[TaskTemplate]:
    """Those in use, by name. They are the firm's and name no account."""
    return TaskTemplate.objects.filter(archived_at=None).order_by("name")


def save_template(user: User, values: Mapping[str, str], template_id: int | None = None) -> TaskTemplate:
    """Write one from the texts of a form; without a number a new one. Each field that changed has its row in the log.

    Raises  PermissionDenied, TaskTemplate.DoesNotExist, Refused where a text does not read or the name is taken
    """
    if not may_keep(user):
        raise PermissionDenied
    read, now = read_template(values), timezone.now()
    with transaction.atomic():
        row = TaskTemplate(created_by=user, created_at=now) if template_id is None else templates().select_for_update().get(pk=template_id)
        if templates().filter(name=read["name"]).exclude(pk=row.pk).exists():
            raise Refused(_("Name: “%(name)s” is taken by another template") % {"name": read["name"]})
        before = {name: getattr(row, name) for name in read}
        for name, value in read.items():
            setattr(row, name, value)
        row.save()
        if template_id is None:
            log_change(user, RECORD, row.pk, None, "created", None, row.name, now)
        else:
            for name, value in read.items():
                if before[name] != value:
                    log_change(user, RECORD, row.pk, None, name, before[name], value, now)
    return row


@transaction.atomic
def archive_template(user: User, template_id: int) -> TaskTemplate:
    """Take one out of the choice; tasks that it made stay."""
    if not may_keep(user):
        raise PermissionDenied
    row: TaskTemplate = templates().select_for_update().get(pk=template_id)
    row.archived_at = timezone.now()
    row.save(update_fields=["archived_at"])
    log_change(user, RECORD, row.pk, None, "archived_at", None, row.archived_at.isoformat(), row.archived_at)
    return row


def read_template(values: Mapping[str, str]) -> dict[str, Any]:
    name, title, detail = (values.get(key, "").strip() for key in ("name", "title", "detail"))
    for label, text, limit in ((_("Name"), name, NAME), (_("Title"), title, TITLE), (_("Detail"), detail, DETAIL)):
        if len(text) > limit:
            raise Refused(_("%(field)s: found %(count)s characters, expected at most %(limit)s") % {"field": label, "count": len(text), "limit": limit})
    if not title:
        raise Refused(_("Title cannot be empty"))
    due, kind, priority = values.get("due_in", "").strip(), values.get("kind", ""), values.get("priority") or str(Priority.NORMAL.value)
    if due and not (due.isascii() and due.isdigit() and len(due) < 4 and int(due) <= LONGEST):
        raise Refused(_("Due in: found '%(found)s', expected whole days up to %(limit)s") % {"found": due[:20], "limit": LONGEST})
    if kind not in ("", *TaskKind.values):
        raise Refused(_("Kind: found '%(found)s', expected nothing or one of %(expected)s") % {"found": kind[:20], "expected": ", ".join(TaskKind.values)})
    if priority not in {str(p) for p in Priority.values}:
        raise Refused(_("Priority: found '%(found)s', expected one of %(expected)s") % {"found": priority, "expected": ", ".join(map(str, Priority.labels))})
    items = [line.strip()[:TITLE] for line in values.get("checklist", "").splitlines() if line.strip()]
    if len(items) > ITEMS:
        raise Refused(_("Checklist: found %(count)s items, expected at most %(limit)s") % {"count": len(items), "limit": ITEMS})
    return {
        "name": name or title[:NAME], "title": title, "detail": detail, "checklist": items, "due_in": int(due) if due else None, "priority": int(priority),
        "kind": kind,
    }  # fmt: skip
