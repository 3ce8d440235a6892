"""Who may see and change work: it follows the account. A task without one is its assignee's and its creator's."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from laer.web.book.scope import editable_rows, visible_rows
from laer.web.people.models import Person, User
from laer.web.work.models import Notification, Task, Touch


def visible_tasks(user: User) -> QuerySet[Task]:
    """Tasks of accounts that the person may see, and their own without an account. Causes no query by itself."""
    own = Q(account=None) & (Q(assignee__in=oneself(user)) | Q(created_by_id=user.pk))
    return Task.objects.filter(visible_rows(user) | own, archived_at=None)


def editable_tasks(user: User) -> QuerySet[Task]:
    """Those that the person gave or was given, or whose account they may edit. Viewers change nothing."""
    if not user.may_edit:
        return Task.objects.none()
    theirs = Q(assignee__in=oneself(user)) | Q(created_by_id=user.pk)
    return visible_tasks(user).filter(theirs | editable_rows(user))


def editable_touches(user: User) -> QuerySet[Touch]:
    return Touch.objects.filter(editable_rows(user), archived_at=None)


def visible_notifications(user: User) -> QuerySet[Notification]:
    """The person's own, of accounts that they still may see."""
    mine = Notification.objects.filter(person__in=oneself(user))
    there = Q(task=None) | Q(task__archived_at=None)
    return mine.filter(there, Q(note=None) | Q(note__archived_at=None)).filter(Q(account=None) | visible_rows(user))


def oneself(user: User) -> QuerySet[Person, int]:
    """The person of a login, as a subquery: by it the rows of one person are found by their index."""
    return Person.objects.filter(user_id=user.pk).values_list("id", flat=True)
