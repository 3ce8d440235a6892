"""Who may see and change work: it follows the account. A task without one is its assignee's and its creator's."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from laer.web.book.models import Pulse
from laer.web.book.scope import editable_rows, visible_rows
from laer.web.people.models import Person, User
from laer.web.work.models import Episode, EpisodeAnswer, Forecast, Notification, OutgoingMail, Override, PlayRun, PositionSet, Risk, Task, TextSentiment, Touch


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


def visible_touches(user: User) -> QuerySet[Touch]:
    return Touch.objects.filter(visible_rows(user), archived_at=None)


def editable_touches(user: User) -> QuerySet[Touch]:
    return Touch.objects.filter(editable_rows(user), archived_at=None)


def visible_forecasts(user: User) -> QuerySet[Forecast]:
    return Forecast.objects.filter(visible_rows(user), archived_at=None)


def editable_forecasts(user: User) -> QuerySet[Forecast]:
    return Forecast.objects.filter(editable_rows(user), archived_at=None)


def visible_episodes(user: User) -> QuerySet[Episode]:
    return Episode.objects.filter(visible_rows(user), account__archived_at=None)


def editable_answers(user: User) -> QuerySet[EpisodeAnswer]:
    return EpisodeAnswer.objects.filter(editable_rows(user), archived_at=None)


def visible_risks(user: User) -> QuerySet[Risk]:
    return Risk.objects.filter(visible_rows(user), archived_at=None, account__archived_at=None)


def editable_risks(user: User) -> QuerySet[Risk]:
    return Risk.objects.filter(editable_rows(user), archived_at=None)

def editable_pulses(user: User) -> QuerySet[Pulse]:
    return Pulse.objects.filter(editable_rows(user), archived_at=None)


def editable_overrides(user: User) -> QuerySet[Override]:
    return Override.objects.filter(editable_rows(user), archived_at=None)


def visible_positions(user: User) -> QuerySet[PositionSet]:
    return PositionSet.objects.filter(visible_rows(user), archived_at=None)


def editable_positions(user: User) -> QuerySet[PositionSet]:
    return PositionSet.objects.filter(editable_rows(user), archived_at=None)


def visible_mails(user: User) -> QuerySet[OutgoingMail]:
    """Mails of accounts that the person may see, those to themselves, and for admins those to everybody of our own."""
    own = Q(account=None) if user.is_active and user.is_admin else Q(account=None, person__in=oneself(user))
    return OutgoingMail.objects.filter(visible_rows(user) | own)


def editable_mails(user: User) -> QuerySet[OutgoingMail]:
    """Those of accounts that the person may edit, and for admins those to our own."""
    own = Q(account=None) if user.is_active and user.is_admin else Q(pk__in=[])
    return OutgoingMail.objects.filter(editable_rows(user) | own)


def visible_notifications(user: User, person: int | None = None) -> QuerySet[Notification]:
    """The person's own, of accounts that they still may see. With their number, where it is known, the newest are found by an index."""
    mine = Notification.objects.filter(person__in=oneself(user)) if person is None else Notification.objects.filter(person_id=person)
    there = Q(task=None) | Q(task__archived_at=None)
    return mine.filter(there, Q(note=None) | Q(note__archived_at=None)).filter(Q(account=None) | visible_rows(user))


def oneself(user: User) -> QuerySet[Person, int]:
    """The person of a login, as a subquery: by it the rows of one person are found by their index."""
    return Person.objects.filter(user_id=user.pk).values_list("id", flat=True)


def visible_play_runs(user: User) -> QuerySet[PlayRun]:
    return PlayRun.objects.filter(visible_rows(user), account__archived_at=None)


def editable_play_runs(user: User) -> QuerySet[PlayRun]:
    return PlayRun.objects.filter(editable_rows(user), account__archived_at=None)


def visible_sentiments(user: User) -> QuerySet[TextSentiment]:
    return TextSentiment.objects.filter(visible_rows(user), archived_at=None)


def editable_sentiments(user: User) -> QuerySet[TextSentiment]:
    return TextSentiment.objects.filter(editable_rows(user), archived_at=None)
