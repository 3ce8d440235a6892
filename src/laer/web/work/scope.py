"""Who may see and change work: it follows the account. A task without one is its assignee's and its creator's."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from laer.web.book.scope import editable_accounts, visible_accounts
from laer.web.people.models import User
from laer.web.work.models import Notification, Task, Touch


def visible_tasks(user: User) -> QuerySet[Task]:
    """Tasks of accounts that the person may see, and their own without an account. Causes no query by itself."""
    own = Q(account=None) & (Q(assignee__user_id=user.pk) | Q(created_by_id=user.pk))
    return Task.objects.filter(Q(account__in=visible_accounts(user)) | own, archived_at=None)


def editable_tasks(user: User) -> QuerySet[Task]:
    """Those that the person gave or was given, or whose account they may edit. Viewers change nothing."""
    if not user.may_edit:
        return Task.objects.none()
    theirs = Q(assignee__user_id=user.pk) | Q(created_by_id=user.pk)
    return visible_tasks(user).filter(theirs | Q(account__in=editable_accounts(user)))


def editable_touches(user: User) -> QuerySet[Touch]:
    return Touch.objects.filter(account__in=editable_accounts(user), archived_at=None)


def visible_notifications(user: User) -> QuerySet[Notification]:
    """The person's own, of accounts that they still may see."""
    mine = Notification.objects.filter(person__user_id=user.pk)
    there = Q(task=None) | Q(task__archived_at=None)
    return mine.filter(there, Q(note=None) | Q(note__archived_at=None)).filter(Q(account=None) | Q(account__in=visible_accounts(user)))
