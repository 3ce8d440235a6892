"""Examinations: the worker goes through the book as the doctor does, and keeps what pages say of it, so that no page counts.

Kept for each scope: the findings, the counts that readiness speaks from, and what is in the book. The whole book is gone through again
when it changed; a person's own part when they look at it and it changed since. Whoever shows what is kept says of when it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.db.models import Max
from django.utils import timezone

from laer import __version__
from laer.cycle.scope import Scope
from laer.web.book.models import FieldChange, ImportRun, QuarantinedRow
from laer.web.book.scope import scope_of
from laer.web.people.models import User
from laer.web.runs import doctor, readiness
from laer.web.runs.inventory import RecordState, records
from laer.web.runs.jobs import enqueue, handler
from laer.web.runs.models import Examination, Job, JobState
from laer.web.runs.passes import latest_run

FORM = f"{__version__}/1"  # the number is raised with a check or a count that what was kept does not have
REST = 10.0  # of the time that an examination took, the least until the next that nobody waits for
KEEP = timedelta(days=30)  # examinations of a part of the book that nobody looks at any more
WHOLE = Scope(True)


@dataclass(frozen=True)
class Examined:
    """What was found. `current`: the book has not changed since."""

    findings: list[doctor.Finding]
    counts: Mapping[str, Any]
    records: list[RecordState]
    at: datetime
    current: bool

    @property
    def features(self) -> list[readiness.FeatureState]:
        return readiness.features_of(readiness.Known(counts=self.counts))


# -- what pages ask ---------------------------------------------------------------------------------------------------


def last(user: User) -> Examined | None:
    """The last examination of what the person may read; None where there is none yet. Four small queries, and those of the scope."""
    row = _row(scope_of(user))
    if row is None:
        return None
    known = [RecordState(record, rows, date.fromisoformat(newest) if newest else None, sources) for record, rows, newest, sources in row.records]
    return Examined(_findings(row, user), row.counts, known, row.examined_at, row.mark == mark_of_book())


def last_findings(user: User) -> list[doctor.Finding] | None:
    """What was found last, however old: for a count beside a tab. One query, and those of the scope."""
    row = _row(scope_of(user))
    return None if row is None else _findings(row, user)


def waits(user: User) -> bool:
    """Whether an examination of what the person may read is asked for and not done. One query, and those of the scope."""
    return _asked(scope_of(user)).exists()


def _row(scope: Scope) -> Examination | None:
    return Examination.objects.filter(scope=scope.key, form=FORM).first()


def _findings(row: Examination, user: User) -> list[doctor.Finding]:
    found = (doctor.told(check, count, said) for check, count, said in row.findings)
    return doctor.in_order(f for f in found if user.may_import or f.record not in doctor.OF_IMPORTERS)


def mark_of_book() -> str:
    """Changes with what is examined: the change log, imports, what was set aside, the pass, the day. Four small queries."""
    imports = ImportRun.objects.exclude(kind="edit").aggregate(last=Max("id"), finished=Max("finished_at"), undone=Max("undone_at"))
    aside = QuarantinedRow.objects.aggregate(last=Max("id"), dismissed=Max("dismissed_at"), retried=Max("retried_run_id"))
    run, log = latest_run(), FieldChange.objects.aggregate(last=Max("id"))["last"]
    parts = (log, *imports.values(), *aside.values(), run and run.pk, timezone.localdate())
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


# -- what the worker does ---------------------------------------------------------------------------------------------


def examine(user: User | None = None) -> None:
    """Go through what the person may read, or the whole book, and keep what is found. About 120 queries; 4 s of a book of 100,000 accounts."""
    scope = WHOLE if user is None else scope_of(user)
    whose = None if scope.everything else user
    mark, at, began = mark_of_book(), timezone.now(), time.monotonic()
    found = {
        "findings": [[f.check, f.count, f.said] for f in doctor.findings(whose)],
        "counts": readiness.counted(whose),
        "records": [[r.record, r.rows, r.newest and r.newest.isoformat(), r.sources] for r in records(whose)],
    }
    kept = found | {"mark": mark, "form": FORM, "examined_at": at, "seconds": time.monotonic() - began}
    Examination.objects.update_or_create(scope=scope.key, defaults=kept)
    Examination.objects.exclude(scope=WHOLE.key).filter(examined_at__lt=at - KEEP).delete()


def ask(user: User | None = None, *, at_once: bool = True) -> None:
    """Have what the person may read, or the whole book, gone through; not at once: after a rest, so that a large book in change leaves time for passes."""
    scope = WHOLE if user is None else scope_of(user)
    now = timezone.now()
    row = None if at_once else Examination.objects.filter(scope=scope.key).only("examined_at", "seconds").first()
    due = max(now, row.examined_at + timedelta(seconds=REST * row.seconds)) if row else now
    arguments = {} if user is None or scope.everything else {"user": user.pk}
    enqueue("examine", arguments, unique_key=_key(scope), run_at=due, priority=-1)


def ask_if_changed() -> None:
    """Have the whole book gone through if it is not as it was then. Five small queries."""
    row = _row(WHOLE)
    if (row is None or row.mark != mark_of_book()) and not _asked(WHOLE).exists():
        ask(at_once=False)


def _key(scope: Scope) -> str:
    return f"examine-{scope.key}"


def _asked(scope: Scope) -> Any:
    return Job.objects.filter(unique_key=_key(scope), state__in=[JobState.READY, JobState.RUNNING])


@handler("examine")
def _examine(arguments: Mapping[str, Any], progress: Any) -> None:
    user = User.objects.filter(pk=arguments["user"], is_active=True).first() if "user" in arguments else None
    if user is not None or "user" not in arguments:
        examine(user)
