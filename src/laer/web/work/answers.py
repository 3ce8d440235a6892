"""What people say to episodes: done, later, or dismissed with a reason. Each answer is a new dated row; the newest stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book.actions import Refused
from laer.web.book.many import listed
from laer.web.book.models import FieldChange
from laer.web.book.scope import editable_rows
from laer.web.people.formats import today
from laer.web.people.models import Person, User
from laer.web.work.models import Answer, Episode, EpisodeAnswer, Looked
from laer.web.work.scope import visible_episodes
from laer.web.work.writing import log_created

REASON, MANY = 300, 200


def answer_episodes(user: User, ids: Collection[int], kind: str, *, until_on: date | None = None, reason: str = "") -> tuple[int, FieldChange | None]:
    """Answer standing episodes alike. One that was dismissed or done comes back only when it opens anew; one put off, on its day.

    Returns  how many, the change that undoes all of them
    Raises   PermissionDenied where the person may not edit an account, Refused where the answer does not read
    """
    wanted = set(ids)
    if not wanted or len(wanted) > MANY:
        raise Refused(_("found %(found)s signals, expected 1 to %(most)s") % {"found": len(wanted), "most": MANY})
    if kind not in Answer.values:
        raise Refused(_("Answer: found '%(found)s', expected one of %(expected)s") % {"found": kind[:40], "expected": ", ".join(Answer.values)})
    reason = " ".join(reason.split())
    if len(reason) > REASON:
        raise Refused(_("%(label)s: found %(n)s characters, expected at most %(limit)s") % {"label": _("Reason"), "n": len(reason), "limit": REASON})
    if kind == Answer.DISMISSED and not reason:
        raise Refused(_("say in a few words why it does not matter: the signal learns from it"))
    if kind == Answer.SNOOZED and (until_on is None or until_on <= today()):
        raise Refused(_("found %(day)s, expected a later day than today") % {"day": until_on.isoformat() if until_on else _("no day")})
    rows = list(Episode.objects.filter(editable_rows(user), pk__in=wanted, account__archived_at=None).order_by("id"))
    if {row.pk for row in rows} != wanted:
        raise PermissionDenied
    if any(row.closed_on for row in rows):
        raise Refused(_("what stood there is over since: look at the list again"))
    now, person, last = timezone.now(), Person.objects.filter(user=user).first(), None
    with transaction.atomic():
        for row in rows:
            made = EpisodeAnswer.objects.create(
                episode=row, account_id=row.account_id, kind=kind, until_on=until_on if kind == Answer.SNOOZED else None, reason=reason,
                person=person, created_by=user, created_at=now,
            )  # fmt: skip
            last = log_created(user, "episode_answers", made, f"{row.signal}: {kind}" + (f" ({reason})" if reason else ""))
    return len(rows), last


def standing_answers(episodes: Iterable[int]) -> dict[int, EpisodeAnswer]:
    """Episode -> the answer that stands. One query."""
    rows = EpisodeAnswer.objects.filter(episode_id__in=listed(episodes), archived_at=None).select_related("person").order_by("id")
    return {row.episode_id: row for row in rows}


def answered_today(user: User) -> int:
    """Accounts of which the person said something today. One query."""
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = EpisodeAnswer.objects.filter(created_by=user, created_at__gte=since, archived_at=None)
    return rows.values("account_id").distinct().count()


def hidden(answer: EpisodeAnswer | None, day: date) -> bool:
    """Whether an answer takes its episode off the list on a day. `hiding` says the same in a query."""
    if answer is None:
        return False
    return answer.kind != Answer.SNOOZED or (answer.until_on is not None and answer.until_on > day)


def hiding(day: date) -> Exists:
    """Condition of a query of episodes: the answer that stands takes it off the list on a day."""
    newer = EpisodeAnswer.objects.filter(episode=OuterRef("episode"), archived_at=None, pk__gt=OuterRef("pk"))
    says = ~Q(kind=Answer.SNOOZED) | Q(until_on__gt=day)
    return Exists(EpisodeAnswer.objects.filter(says, ~Exists(newer), episode=OuterRef("pk"), archived_at=None))


def looked_at(user: User) -> date | None:
    """The day on which the person last marked what changed as seen."""
    at = Looked.objects.filter(user=user).values_list("at", flat=True).first()
    return None if at is None else timezone.localtime(at).date()


def mark_looked(user: User) -> None:
    """It is no fact and has no audit row."""
    Looked.objects.update_or_create(user=user, defaults={"at": timezone.now()})


def standing_of(user: User, account_id: int) -> list[Episode]:
    """What stands for an account, the newest first. One query."""
    return list(visible_episodes(user).filter(account_id=account_id, closed_on=None).order_by("-opened_on", "signal"))
