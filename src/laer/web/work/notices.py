"""What a person is told: how much is unread, the list, and reading it."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet
from django.utils import timezone

from laer.web.people.models import User
from laer.web.work.models import Notice, Notification
from laer.web.work.scope import oneself, visible_notifications

SHOWN = 50
COUNTED = 99


def unread_count(user: User) -> int:
    """For the bell: at most 100, which it says as 99+. One query."""
    return visible_notifications(user).filter(read_at=None)[: COUNTED + 1].count()


def notices(user: User, below: int | None = None) -> tuple[list[Notification], int | None]:
    """A page, newest first, and the id to go on below. Three queries: in one, PostgreSQL joins all of the person's before it takes the newest."""
    person = oneself(user).first()
    if person is None:
        return [], None
    rows = visible_notifications(user, person)
    ids = list((rows if below is None else rows.filter(id__lt=below)).order_by("-id").values_list("id", flat=True)[: SHOWN + 1])
    shown = Notification.objects.filter(pk__in=ids[:SHOWN]).select_related("account", "task", "note", "by__person")
    return list(shown.order_by("-id")), ids[SHOWN - 1] if len(ids) > SHOWN else None


def all_notices(user: User) -> QuerySet[Notification]:
    """All of the person's own, newest first, for a file."""
    return visible_notifications(user).select_related("account", "task", "note", "by__person").order_by("-id")


def wants(user: User, kind: Notice) -> bool:
    """Whether they are to hear of it."""
    return kind not in user.unheard


def choose_heard(user: User, kinds: Collection[str]) -> bool:
    """Keep of which kinds the person hears from now on; whether that changed. What they were told before stays."""
    unheard = [kind for kind in Notice.values if kind not in kinds]
    if unheard == list(user.unheard):
        return False
    user.unheard = unheard
    user.save(update_fields=["unheard"])
    return True


def mark_read(user: User, ids: Collection[int] | None = None) -> int:
    """Those of the person's own that are given, or all. It is no fact and has no audit row."""
    rows = Notification.objects.filter(person__user_id=user.pk, read_at=None)
    return (rows if ids is None else rows.filter(pk__in=ids)).update(read_at=timezone.now())


def choose_alerts(user: User, alerts: int | None) -> bool:
    """Keep how many accounts a day Today shows the person (None: as the firm has it); whether that changed."""
    if user.alerts == alerts:
        return False
    user.alerts = alerts
    user.save(update_fields=["alerts"])
    return True


def choose_digest(user: User, daily: bool, team: bool, hour: int) -> bool:
    """Keep which digests the person wants by mail, and at which hour of their clock; whether that changed."""
    wanted = {"digest": daily, "team_digest": team, "digest_hour": min(max(hour, 0), 23)}
    if all(getattr(user, name) == value for name, value in wanted.items()):
        return False
    for name, value in wanted.items():
        setattr(user, name, value)
    user.save(update_fields=list(wanted))
    return True
