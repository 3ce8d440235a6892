"""The working life of the demo firm, written as people would have: touches, tasks, notes that name somebody, what they are told.

None of it has an author with a login: that tells it from what somebody writes who tries the demo out (`of_people`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from laer.sources.demo import work as made_up
from laer.sources.demo.tasks_told import KINDS, MENTIONS
from laer.sources.demo.working import Todo, Touched
from laer.web.book.models import ExternalId, ImportRun, Note
from laer.web.people.models import Person, User
from laer.web.work.models import Notice, Notification, Task, Touch
from laer.web.work.notes import read_note

CHUNK = 1_000
MENTIONED = ((0, 7), (1, 10), (4, 9), (11, 15))  # days ago and hour, one for each note that names the reader
UNREAD = 2  # of the mentions


def write(run: ImportRun, *, seed: int, as_of: date, accounts: int) -> None:
    """Write it for the firm that `run` brought. Called before the pass, which reads touches."""
    touches, todos = made_up(seed, as_of=as_of, accounts=accounts)
    keys = _numbers("accounts", run.source)
    people = _numbers("people", run.source)
    reader = Person.objects.filter(user__is_active=True, user__role="admin").order_by("user_id").first()
    _bulk(Touch, (_touch(one, keys, people) for one in touches))
    _bulk(Task, (_task(one, keys, people, reader) for one in todos if one.person or reader))
    if reader is not None:
        _tell(run, reader, as_of)


def of_people() -> int:
    """How many tasks, touches and notes somebody with a login wrote. Three counts."""
    notes = Note.objects.exclude(created_run__kind="demo").count()
    return Task.objects.exclude(created_by=None).count() + Touch.objects.exclude(created_by=None).count() + notes


def _numbers(record: str, source: str) -> dict[str, int]:
    return dict(ExternalId.objects.filter(record=record, source=source).values_list("external_id", "object_id"))


def _bulk(model: type[Model], rows: Iterable[Any]) -> None:
    """Chunk by chunk, so that a person's save never waits long."""
    coming = iter(rows)
    while part := list(islice(coming, CHUNK)):
        with transaction.atomic():
            model._default_manager.bulk_create(part)


def _touch(one: Touched, accounts: dict[str, int], people: dict[str, int]) -> Touch:
    return Touch(
        account_id=accounts[one.account], person_id=people[one.person], kind=one.kind, at=one.at, minutes=one.minutes, sentiment=one.sentiment,
        direction=one.direction, summary=one.summary, created_at=one.at + timedelta(minutes=one.minutes + 5),
    )  # fmt: skip


def _task(one: Todo, accounts: dict[str, int], people: dict[str, int], reader: Person | None) -> Task:
    assignee = people[one.person] if one.person else reader.pk if reader else None
    return Task(
        account_id=accounts[one.account] if one.account else None, assignee_id=assignee, title=one.title, detail=one.detail, due_on=one.due,
        priority=one.priority, checklist=one.checklist, created_at=one.created, done_at=one.done,
        kind=KINDS.get(one.title, ""),
    )  # fmt: skip


def _tell(run: ImportRun, reader: Person, as_of: date) -> None:
    """Notes that name the reader, and what they are told: of these, and of their newest tasks."""
    assert isinstance(reader.user, User)
    tasks = list(Task.objects.filter(assignee=reader, done_at=None, account__isnull=False).order_by("id")[: len(MENTIONS)])
    told: list[Notification] = []
    for place, (task, text, (ago, hour)) in enumerate(zip(tasks, MENTIONS, MENTIONED, strict=False)):
        at = _at(as_of - timedelta(days=ago), hour)
        written = read_note(text.format(name=reader.name))
        note = Note.objects.create(account_id=task.account_id or 0, text=written, written_on=at.date(), created_run=run, created_at=at)
        read = None if place < UNREAD else at + timedelta(hours=3)
        told.append(Notification(person=reader, kind=Notice.MENTION, account_id=task.account_id, note=note, at=at, read_at=read))
    for place, task in enumerate(tasks[:3]):
        read = task.created_at + timedelta(hours=2) if place else None
        told.append(Notification(person=reader, kind=Notice.ASSIGNED, account_id=task.account_id, task=task, at=task.created_at, read_at=read))
    Notification.objects.bulk_create(sorted(told, key=lambda one: one.at))


def _at(day: date, hour: int) -> datetime:
    return min(timezone.make_aware(datetime.combine(day, time(hour))), timezone.now())
