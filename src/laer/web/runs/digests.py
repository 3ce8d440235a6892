"""One mail a day to each person who wants it, at their own morning: what is to do, what they owe, what changed on their book; and to leads one
for each of their teams. Nothing is sent where there is nothing to say, where no sender lets mail out, or on a weekend of the person's clock.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import DatabaseError
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.plays.mail_template import as_html
from laer.records.money import minor_units
from laer.signals.signal import Signal
from laer.web.book.scope import scope_of
from laer.web.people import sender as senders
from laer.web.people.formats import formats_of, reading
from laer.web.people.models import Person, Role, Team, User
from laer.web.position_words import MOTIONS
from laer.web.runs import episodes, todays, why
from laer.web.runs.latest import last_run
from laer.web.runs.models import PassRun
from laer.web.runs.queries import currency_of
from laer.web.templatetags.laer import day, money_short
from laer.web.work import queries as work
from laer.web.work import sending
from laer.web.work.answers import answered_today, looked_at
from laer.web.work.mail_texts import first_name
from laer.web.work.models import Colour, OutgoingMail, Task

DAILY, TEAM = "digest", "team_digest"  # what stands in place of a template
LATE = 6  # hours after theirs for which a person's digest is still worth sending: a server that was away all morning says nothing in the evening
SATURDAY = 5
CHANGES, TASKS, LATEST = 12, 12, 7  # most of each; days back for who has never looked

log = logging.getLogger(__name__)

_asked: dict[tuple[str, int], date] = {}  # which digests this process has looked at: one without anything to say is not made again and again


@dataclass(frozen=True)
class Book:
    """What a book says today. In: signals: those that count, by id."""

    run: PassRun
    signals: dict[str, Signal]
    currency: str

    def money(self, minor: int | None) -> str:
        return money_short(Decimal(minor or 0).scaleb(-minor_units(self.currency)), self.currency)


def queue_due(now: datetime) -> int:
    """Ask for the digests whose hour has come; how many. Where nobody's has, two small queries."""
    if not senders.may_send()[0]:
        return 0
    due = [user for user in User.objects.filter(is_active=True).exclude(digest=False, team_digest=False) if _has_come(user, now)]
    if not due:
        return 0
    run = last_run()
    if run is None:
        return 0
    book = Book(run, {name: one for name, one in episodes.signals().items() if one.status == "stable"}, currency_of(run))
    return sum(_ask(user, book, now) for user in due)


def _has_come(user: User, now: datetime) -> bool:
    """Whether it is this person's morning, and something may be left to ask for."""
    if not hasattr(user, "person") or not user.email:
        return False
    local = now.astimezone(formats_of(user.locale, user.time_zone, user.language).zone)
    if local.weekday() >= SATURDAY or not user.digest_hour <= local.hour < user.digest_hour + LATE:
        return False
    return any(_asked.get((kind, user.pk)) != local.date() for kind in _kinds(user))


def _kinds(user: User) -> tuple[str, ...]:
    return tuple(kind for kind, on in ((DAILY, user.digest), (TEAM, user.team_digest and user.role == Role.LEAD)) if on)


def _ask(user: User, book: Book, now: datetime) -> int:
    reader, asked = formats_of(user.locale, user.time_zone, user.language), 0
    on = now.astimezone(reader.zone).date()
    with translation.override(user.language or None), reading(reader):
        for kind in _kinds(user):
            key = f"{kind}-{user.pk}-{on.isoformat()}"
            if _asked.get((kind, user.pk)) == on or OutgoingMail.objects.filter(key=key).exists():
                continue
            _asked[kind, user.pk] = on
            try:
                written = daily(user, book, on) if kind == DAILY else of_teams(user, book, on)
                if written is not None:
                    sending.queue_to_ourselves(key=key, template=kind, person=user.person, to=user.email, written=written, now=now)
                    asked += 1
            except sending.NotSendable as why:
                log.info("no digest for user %s: %s", user.pk, why)
            except DatabaseError:  # the database is away: that is nobody's own fault, and it is looked at again
                del _asked[kind, user.pk]
                raise
            except Exception:  # what is wrong with one person's day holds up nobody else's, and is said once a day
                log.exception("the digest of user %s could not be written", user.pk)
    return asked


def forget() -> None:
    """What this process has asked for."""
    _asked.clear()


def daily(user: User, book: Book, on: date) -> sending.Rendered | None:
    """What a person reads in the morning; None where there is nothing to say."""
    scope, me = scope_of(user), user.person.pk
    shown = todays.day_of(scope, book.run.as_of, book.signals, me, budget=todays.budget_of(user), answered=answered_today(user)).shown
    owed = [row for row in work.task_list(user, "mine").rows if row.due_on is not None and row.due_on <= on][:TASKS]
    since = looked_at(user) or book.run.as_of - timedelta(days=LATEST)
    cards = [one.card.id for one in why.scorecards(book.run).health]
    changed = todays.changes(scope, since, book.run.as_of, book.signals, me, cards, CHANGES)
    if not (shown or owed or changed):
        return None
    parts = [_("Good morning %(name)s,") % {"name": first_name(user.person.name) or user.person.name}]
    parts += _to_do(shown, book)
    if owed:
        parts += [_("What you owe"), _listed(map(_task, owed))]
    if changed:
        parts += [_("Changed since %(day)s") % {"day": day(since)}, _listed(_change(one) for one in changed)]
    counted = (
        ngettext("%(n)s account", "%(n)s accounts", len(shown)) % {"n": len(shown)}, ngettext("%(n)s task", "%(n)s tasks", len(owed)) % {"n": len(owed)},
        ngettext("%(n)s change", "%(n)s changes", len(changed)) % {"n": len(changed)},
    )  # fmt: skip
    named = [text for text, some in zip(counted, (shown, owed, changed), strict=True) if some]
    return _written(_("Your day: %(what)s") % {"what": ", ".join(named)}, [*parts, *_below("today")])


def of_teams(user: User, book: Book, on: date) -> sending.Rendered | None:
    """What a lead reads of their teams: for each of its people what stands, what is late, and what changed."""
    scope, parts, anything = scope_of(user), [_("Good morning %(name)s,") % {"name": first_name(user.person.name) or user.person.name}], False
    since = looked_at(user) or book.run.as_of - timedelta(days=LATEST)
    cards = [one.card.id for one in why.scorecards(book.run).health]
    for team in Team.objects.filter(memberships__person=user.person, archived_at=None).order_by("name"):
        lines, motions, moved = [], dict[str, int](), []
        for person in _people_of(team, user.person):
            theirs = todays.day_of(scope, book.run.as_of, book.signals, person.pk, budget=0, every=True)
            found = (*theirs.shown, *theirs.held)
            late = Task.objects.filter(assignee=person, done_at=None, archived_at=None, due_on__lt=on).count()
            moved += todays.changes(scope, since, book.run.as_of, book.signals, person.pk, cards, CHANGES)
            for one in found:
                motion = book.signals[one.rows[0]["signal"]].motion
                motions[motion] = motions.get(motion, 0) + 1
            if found or late:
                at_stake = book.money(sum(one.arr_minor for one in found if one.due))
                lines.append(_("%(name)s: %(accounts)s at %(arr)s, %(tasks)s late") % {
                    "name": person.name, "accounts": ngettext("%(n)s account", "%(n)s accounts", len(found)) % {"n": len(found)}, "arr": at_stake,
                    "tasks": ngettext("%(n)s task", "%(n)s tasks", late) % {"n": late}})  # fmt: skip
        if not (lines or moved):
            continue
        anything = True
        parts.append(_("Team %(name)s") % {"name": team.name})
        if motions:
            parts.append(", ".join(f"{MOTIONS[one]} {motions[one]}" for one in MOTIONS if one in motions))
        if lines:
            parts.append(_listed(lines))
        if moved:
            newest = sorted(moved, key=lambda one: (-one.on.toordinal(), -(one.arr_minor or 0)))[:CHANGES]
            parts += [_("Changed since %(day)s") % {"day": day(since)}, _listed(_change(one) for one in newest)]
    return _written(_("Your teams on %(day)s") % {"day": day(on)}, [*parts, *_below("risks")]) if anything else None


def _people_of(team: Team, lead: Person) -> list[Person]:
    """Of the team and those below it, without the lead: their own book is in their own digest. Everybody once."""
    found = Person.objects.filter(memberships__team__in=team.reach.values("below"), archived_at=None).exclude(pk=lead.pk)
    return list(found.distinct().order_by("name", "pk"))


def _to_do(shown: Iterable[todays.Item], book: Book) -> list[str]:
    """By motion, in their order; within one as Today ranks them."""
    by: dict[str, list[str]] = {}
    for one in shown:
        first = book.signals[one.rows[0]["signal"]]
        step = f": {first.next_step}" if first.next_step else ""
        by.setdefault(first.motion, []).append(f"{one.name} ({book.money(one.arr_minor)}), {first.name}{step}")
    return [text for motion in MOTIONS if motion in by for text in (str(MOTIONS[motion]), _listed(by[motion]))]


def _task(row: Task) -> str:
    of = f" ({row.account.name})" if row.account else ""
    return _("%(title)s, due %(day)s") % {"title": f"{row.title}{of}", "day": day(row.due_on)}


def _change(one: todays.Change) -> str:
    words = dict(Colour.choices)
    if one.kind == "band":
        said = _("health from %(before)s to %(now)s") % {"before": words.get(one.before, one.before), "now": words.get(one.what, one.what)}
    else:
        said = _("%(what)s is over") % {"what": one.what} if one.kind == "closed" else one.what
    return f"{one.name}: {said}, {day(one.on)}"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {' '.join(line.split())}" for line in lines)


def _below(page: str) -> list[str]:
    site = senders.site()
    if not site:
        return [_("You get this in the morning. Settings, You switches it off.")]
    return [_("Open it: %(link)s") % {"link": site + reverse(page)}, _("You get this in the morning. Switch it off: %(link)s") % {
        "link": site + reverse("settings_you")}]  # fmt: skip


def _written(subject: str, parts: list[str]) -> sending.Rendered:
    text = "\n\n".join(parts)
    return sending.Rendered(subject, text, as_html(text))
