"""What the pages of work show, each list bounded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext_lazy

from laer.web.book.queries import Part
from laer.web.book.scope import assigned_to
from laer.web.people.models import Person, Role, User
from laer.web.work.filters import last_of_week
from laer.web.work.models import Task
from laer.web.work.scope import editable_tasks, oneself, visible_tasks

SHOWN = 50
VIEWS = {"mine": gettext_lazy("Mine"), "accounts": gettext_lazy("My accounts"), "all": gettext_lazy("All I may see")}
GROUPS = {
    "overdue": gettext_lazy("Overdue"), "today": gettext_lazy("Today"), "week": gettext_lazy("This week"), "later": gettext_lazy("Later"),
    "none": gettext_lazy("No date"),
}  # fmt: skip


def in_view(user: User, view: str) -> Q:
    if view == "mine":
        return Q(assignee__in=oneself(user))
    return Q(account__in=assigned_to(oneself(user))) if view == "accounts" else Q()


def task_list(user: User, view: str, *, done: bool = False, account_id: int | None = None, more: int = 1, where: Q | None = None) -> Part:
    """Open tasks, the soonest first and the most pressing of a day first; done ones, the latest first. One query."""
    rows = _ordered(user, view, done, where)
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    found = list(rows[: SHOWN * more + 1])
    return Part(found[: SHOWN * more], len(found) > SHOWN * more)


def all_tasks(user: User, view: str, *, done: bool = False, where: Q | None = None) -> Iterator[Task]:
    """The whole list as it comes from the database, for a file. One query."""
    return _ordered(user, view, done, where).iterator(2_000)


def _ordered(user: User, view: str, done: bool, where: Q | None) -> QuerySet[Task]:
    rows: QuerySet[Task] = visible_tasks(user).filter(in_view(user, view), where or Q(), done_at__isnull=not done)
    rows = rows.select_related("account", "assignee", "done_by__person")
    return rows.order_by("-done_at", "-id") if done else rows.order_by(F("due_on").asc(nulls_last=True), "-priority", "id")


def view_counts(user: User, where: Q | None = None) -> dict[str, int]:
    """Open tasks of each view, of those that `where` leaves. One query."""
    counts = {view: Count("id", filter=in_view(user, view)) for view in VIEWS}
    counted: dict[str, int] = visible_tasks(user).filter(where or Q(), done_at=None).aggregate(**counts)
    return counted


def editable_ids(user: User, tasks: list[Task]) -> set[int]:
    """One query, none without tasks."""
    return set(editable_tasks(user).filter(pk__in=[t.pk for t in tasks]).values_list("pk", flat=True)) if tasks else set()


def task_for(user: User, task_id: int) -> Task | None:
    """One query."""
    rows: QuerySet[Task] = visible_tasks(user).select_related("account", "assignee", "created_by__person", "done_by__person")
    return rows.filter(pk=task_id).first() if task_id < 2**63 else None


def group_of(task: Task, today: date, week_start: int = 0) -> str:
    """The heading that an open task stands under, on the reader's day; their week begins on `week_start` (Monday is 0)."""
    if task.due_on is None:
        return "none"
    if task.due_on < today:
        return "overdue"
    if task.due_on == today:
        return "today"
    return "week" if task.due_on <= last_of_week(today, week_start) else "later"


def assignees() -> list[tuple[int, str]]:
    """Whom a task can be given to: who may look but not change could not complete it. One query."""
    people: Any = Person.objects.filter(archived_at=None).exclude(user__role=Role.VIEWER)
    return list(people.order_by("name", "id").values_list("id", "name")[:1_000])
