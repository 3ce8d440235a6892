"""What a person is told: how much is unread, the list, and reading it."""

from __future__ import annotations

from collections.abc import Collection

from django.utils import timezone

from laer.web.people.models import User
from laer.web.work.models import Notification
from laer.web.work.scope import visible_notifications

SHOWN = 50
COUNTED = 99


def unread_count(user: User) -> int:
    """For the bell: at most 100, which it says as 99+. One query."""
    return visible_notifications(user).filter(read_at=None)[: COUNTED + 1].count()


def notices(user: User, below: int | None = None) -> tuple[list[Notification], int | None]:
    """A page, newest first, and the id to go on below. One query."""
    rows = visible_notifications(user).select_related("account", "task", "note", "by__person")
    found = list((rows if below is None else rows.filter(id__lt=below)).order_by("-id")[: SHOWN + 1])
    return found[:SHOWN], found[SHOWN - 1].pk if len(found) > SHOWN else None


def mark_read(user: User, ids: Collection[int] | None = None) -> int:
    """Those of the person's own that are given, or all. It is no fact and has no audit row."""
    rows = Notification.objects.filter(person__user_id=user.pk, read_at=None)
    return (rows if ids is None else rows.filter(pk__in=ids)).update(read_at=timezone.now())
