"""The demo firm of an installation: made in an empty book, left again with one action. A book with a row of the firm's own is never touched.

`Company.demo` says what the book is, and each step begins by reading it, so that both can be killed anywhere and called again:

    ""  --ask_to_make-->  making  --make-->  shown  --ask_to_leave-->  leaving  --leave-->  ""

While it is being made or left, pages lead to `/start/demo/` and no file is taken in (`book/importing.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.records.batch import Batch
from laer.records.types import ORDER
from laer.sources.demo import firm as made_up
from laer.web import home
from laer.web.book.importing import import_batches
from laer.web.book.models import Account, Definition, FieldChange, ImportRun, ImportState
from laer.web.people import company
from laer.web.people.audit import log_event
from laer.web.people.models import Act, Company, Demo, Person, User
from laer.web.people.roles import Refused, only_admins
from laer.web.runs import demo_plays, demo_work
from laer.web.runs.closing import LOG as CLOSINGS
from laer.web.runs.jobs import enqueue
from laer.web.runs.models import ClosedMonth, Job, JobState, Lease
from laer.web.runs.passes import lease, start_pass

SOURCE = KIND = "demo"
ROOMS = ("runs", "work", "book")  # whose rows are the book; the machine's own below stay
JOBS = ("demo", "leave_demo")
STAYS = (Job, Lease, Definition)  # of the firm its definitions, as its other settings
WEEK = timedelta(days=7)
STEPS = len(ORDER) + 2  # each record type, usage put away, the pass
Progress = Callable[..., None]


@dataclass(frozen=True)
class OwnRows:
    """What people brought into the demo firm, which leaving takes away too."""

    imports: list[str]
    accounts: int
    changes: int
    months: int  # closed, also where they were opened again
    work: int  # tasks, touches and notes

    def __bool__(self) -> bool:
        return bool(self.imports or self.accounts or self.changes or self.months or self.work)


def is_empty() -> bool:
    """Nothing was ever imported or added: a demo firm may be made here."""
    return not ImportRun.objects.exists() and not Account.objects.exists()


def own_rows() -> OwnRows:
    """Nine counts."""
    runs = ImportRun.objects.exclude(kind__in=(KIND, "edit")).order_by("pk")
    return OwnRows(
        imports=[run.title for run in runs[:200]],
        accounts=Account.objects.exclude(created_run__kind=KIND).exclude(created_run__in=runs.values("pk")).count(),
        changes=FieldChange.objects.filter(user__isnull=False).exclude(record=CLOSINGS).count(),
        months=ClosedMonth.objects.filter(closed_at__isnull=False).values("month").distinct().count(),
        work=demo_work.of_people(),
    )


# -- making -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def ask_to_make(by: User | None) -> None:
    """Have the worker make the firm. None is the command line, which makes it itself.

    Raises  Refused where the book is not empty
    """
    if by is not None:
        only_admins(by)
    _locked()
    if not is_empty():
        raise Refused(_("The demo firm is made in an empty book, and this one has rows. Nothing was changed. To try it beside your own book: laer demo"))
    company.set_demo(Demo.MAKING)
    log_event(Act.DEMO_MADE, by)
    if by is not None:
        enqueue("demo", {"as_of": timezone.localdate().isoformat()}, unique_key="demo")


def make(progress: Progress | None = None, *, as_of: str, seed: int = 7, accounts: int = 420) -> ImportRun | None:
    """Generate the firm, import it, run a pass. What a killed attempt left is taken out first. None where nobody asked for one."""
    if company.refresh().demo != Demo.MAKING:
        return None
    _clear()
    day = date.fromisoformat(as_of)
    run = import_batches(_told(made_up(seed, as_of=day, accounts=accounts), progress), source=SOURCE, kind=KIND, file_date=day)
    demo_work.write(run, seed=seed, as_of=day, accounts=accounts)
    _say(progress, "pass", STEPS - 1)
    start_pass(timezone.localdate() - WEEK, live=True)  # what changed within the week is known by it
    demo_plays.write_plays(start_pass())
    with transaction.atomic():
        if _locked().demo == Demo.MAKING:
            company.set_demo(Demo.SHOWN)
    return run


@transaction.atomic
def recognise() -> None:
    """Mark a demo firm that an earlier version made."""
    company.set_demo(Demo.SHOWN)


@transaction.atomic
def call_it(name: str) -> None:
    """Name the firm on the command line, where nobody has named it."""
    company.set_name(name)


def _told(batches: Iterator[Batch], progress: Progress | None) -> Iterator[Batch]:
    """The batches in the currency of the book, so that every amount counts; how far they are is told on the way."""
    currency, rows = company.firm().currency, 0
    for batch in batches:
        _say(progress, batch.record, ORDER.index(batch.record), rows)
        for row in batch.rows:
            if row.get("currency"):
                row["currency"] = currency
        rows += len(batch.rows)
        yield batch
    _say(progress, "usage_days", STEPS - 2, rows)


def _say(progress: Progress | None, step: str, done: int, rows: int | None = None) -> None:
    if progress:
        progress(step=step, done=done, of=STEPS, **({} if rows is None else {"rows": rows}))


# -- leaving ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def ask_to_leave(by: User | None, *, all_of_it: bool = False) -> None:
    """Have the worker take the demo firm out. None is the command line, which does it itself.

    all_of_it   what people imported, added or wrote in the demo firm goes too: they have been told what
    Raises      Refused where the book is not a demo, or holds rows of people's own and they have not said that these may go
    """
    if by is not None:
        only_admins(by)
    row = _locked()
    if row.demo not in (Demo.SHOWN, Demo.LEAVING, Demo.MAKING):
        raise Refused(_("This book is not a demo firm: nothing is taken out of it."))
    if ImportRun.objects.exclude(kind=KIND).filter(state__in=(ImportState.RUNNING, ImportState.UNDOING)).exists():
        raise Refused(_("An import is being written. Wait until it is done, then leave the demo."))
    making = Job.objects.filter(kind="demo")
    if making.filter(state=JobState.RUNNING, lease_until__gte=timezone.now()).exists():
        raise Refused(_("The demo firm is being made. Wait until it is there, then leave it."))
    if row.demo == Demo.SHOWN and own_rows() and not all_of_it:
        raise Refused(_("There is work of your own in the demo firm. Say that it goes too, or keep the demo."))
    company.set_demo(Demo.LEAVING)
    making.filter(state=JobState.READY).delete()
    if by is not None:
        enqueue("leave_demo", {"by": by.pk}, unique_key="leave_demo")


def leave(progress: Progress | None = None, *, by: int | None = None) -> bool:
    """Take the demo firm out of book and lake. False where nobody asked for that."""
    if company.refresh().demo != Demo.LEAVING:
        return False
    if progress:
        progress(step="leaving")
    _clear()
    with transaction.atomic():
        company.set_demo(Demo.NONE)
        log_event(Act.DEMO_LEFT, User.objects.filter(pk=by).first() if by else None)
    return True


def _clear() -> None:
    """Empty the book and the lake of a demo that is being made or left. Under the lease of the pass; safe to call again.

    Stays    logins and their people, whoever was invited, teams, rules of access, the firm, the audit, saved views, definitions; the jobs
    Order    rows in one transaction, which reads the state once more; then the files that nothing names any more
    """
    with lease("pass"):
        with transaction.atomic():
            if _locked().demo not in (Demo.MAKING, Demo.LEAVING):
                raise Refused(_("This book is not a demo firm: nothing is taken out of it."))
            with connection.cursor() as cursor:
                # Ids go on from where they were: what a process remembers of run 1 must never be taken for another run 1.
                for statement in connection.ops.sql_flush(no_style(), _tables(), reset_sequences=False, allow_cascade=False):
                    cursor.execute(statement)
            Job.objects.filter(state=JobState.READY).exclude(kind__in=JOBS).delete()  # of imports that are gone
            named_by_rows = Person.objects.filter(user=None, invitations=None, created_run__isnull=False)
            named_by_rows.delete()
            Person.objects.filter(created_run__isnull=False).update(created_run=None)
            Person.objects.filter(archived_run__isnull=False).update(archived_run=None)
        kept = [there for there in home.uploads().iterdir() if there.name.isdigit()]
        for there in [*kept, *home.lake().iterdir()]:
            shutil.rmtree(there, ignore_errors=True) if there.is_dir() else there.unlink(missing_ok=True)


def _tables() -> list[str]:
    """The tables of book, work and runs, those first whose rows point at others."""
    rooms = [list(apps.get_app_config(room).get_models(include_auto_created=True)) for room in ROOMS]
    found: list[type[models.Model]] = [m for there in rooms for m in reversed(there) if m not in STAYS]
    return [m._meta.db_table for m in found if m._meta.managed]


def _locked() -> Company:
    """The firm's row, held until the transaction ends."""
    Company.objects.get_or_create(pk=1)
    return Company.objects.select_for_update().get(pk=1)


def progress_of() -> Mapping[str, Any]:
    """How far the newest job of the demo is: {state, progress, error, waits}; empty where there is none."""
    job = Job.objects.filter(kind__in=JOBS).order_by("-pk").first()
    if job is None:
        return {}
    return {"kind": job.kind, "state": job.state, "progress": job.progress, "attempts": job.attempts, "error": job.error, "created_at": job.created_at}
