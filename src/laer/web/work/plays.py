"""What people and plays do with runs of plays: switch one on or off, begin it by hand, stop a run; and the tasks that a run gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.plays.play import MailStep, Play, TaskStep
from laer.web.book import definitions
from laer.web.book.actions import Refused, editable_row, log_change
from laer.web.book.many import listed
from laer.web.book.models import Account, Assignment
from laer.web.people.audit import log_event
from laer.web.people.formats import today
from laer.web.people.models import Act, Cover, Role, User
from laer.web.work.actions import tell_assignee
from laer.web.work.mail_texts import KIND as MAILS
from laer.web.work.models import PlayRun, PlaySetting, PlayStep, Priority, RunEnd, RunState, Task
from laer.web.work.scope import editable_play_runs

PRIORITIES = {"low": Priority.LOW, "normal": Priority.NORMAL, "high": Priority.HIGH}
REASON = 300
OPEN = (RunState.WAITING, RunState.LIVE)


def may_switch(user: User) -> bool:
    """Who decides whether a play acts: leads and admins."""
    return user.is_authenticated and user.is_active and user.role in (Role.ADMIN, Role.LEAD)


def mails_of(play: Play) -> dict[str, int]:
    """The mail templates that a play sends, with the version in force of each. At most one query."""
    names = {step.mail for _path, step in play.walk() if isinstance(step, MailStep)}
    rows = definitions.in_force(MAILS) if names else []
    return {row.name: row.version for row in rows if row.name in names}


def reading(version: int, mails: Mapping[str, int]) -> str:
    """What stands to be approved, as a page hands it back: the version of the play and of each of its mails."""
    return ";".join([str(version), *(f"{name}={mails[name]}" for name in sorted(mails))])


def not_approved(setting: PlaySetting | None, version: int, mails: Mapping[str, int] = {}) -> str:
    """Why a play may not send by itself with this version of its text and of these mail templates; "" where it may."""
    if setting is None or not setting.on:
        return _("the play is switched off")
    if setting.approved != version:
        return _("this text of the play is not approved for sending")
    if changed := sorted(name for name, now in mails.items() if setting.approved_mails.get(name) != now):
        return _("the text of the mail %(names)s is not approved for sending") % {"names": ", ".join(changed)}
    return ""


def owners_of(accounts: Iterable[int], job: str, day: date) -> dict[int, int]:
    """Account -> who has the job on it on a day, or its CSM where nobody has; who is away is stood in for. Two queries."""
    valid = Q(from_on=None) | Q(from_on__lte=day), Q(until_on=None) | Q(until_on__gt=day)
    rows = Assignment.objects.filter(*valid, account_id__in=listed(accounts), job__in={job, "csm"}, archived_at=None, person__archived_at=None)
    found: dict[int, int] = {}
    for account, person, _job in sorted(rows.values_list("account_id", "person_id", "job"), key=lambda row: row[2] == job):
        found[account] = person  # the job's own last, so that it stands
    away = dict(Cover.objects.filter(person__in=set(found.values()), ended_at=None, from_on__lte=day, last_on__gte=day).values_list("person_id", "by_id"))
    return {account: away.get(person, person) for account, person in found.items()}


def give_task(run: PlayRun, play: Play, step: TaskStep, path: str, why: str, now: datetime) -> Task:
    """The task of a step, in the transaction of its run: with why it is given, for who has the job."""
    day = timezone.localtime(now).date()
    assignee = owners_of([run.account_id], step.owner or play.owner, day).get(run.account_id)
    detail = "\n\n".join(part for part in (step.detail, why) if part)
    task = Task.objects.create(
        account_id=run.account_id, title=step.task, detail=detail, due_on=day + timedelta(days=step.due), priority=PRIORITIES[step.priority],
        assignee_id=assignee, checklist=[{"text": text, "done": False} for text in step.checklist], created_at=now, play_run=run,
    )  # fmt: skip
    log_change(None, "tasks", task.pk, run.account_id, "created", None, task.title, now, source=f"play {play.id}")
    tell_assignee(None, task, now)
    return task


def noted(run: PlayRun, path: str, kind: str, what: str, now: datetime, task: Task | None = None) -> PlayStep:
    return PlayStep.objects.create(run=run, path=path, kind=kind, what=what[:300], at=now, task=task)


def switch(
    user: User, play: Play, on: bool, *, from_run: int, looked_on: date, approved: int | None = None, shown: str | None = None, stop: bool = False,
) -> PlaySetting:  # fmt: skip
    """Let a play act from now on, or no longer. What began before the run `from_run` or on a day up to `looked_on` begins nothing.

    In      approved  the version of its text that may send by itself;  shown  `reading` of what the person saw when they approved it
            stop  runs that are under way are stopped, too; else they go on to their end. What waits for its day does not begin
    Raises  PermissionDenied for who may not, Refused for a play that is no play in use
    """
    if not may_switch(user):
        raise PermissionDenied
    if on and not play.in_use:
        raise Refused(_("%(play)s is a draft: it waits for %(what)s") % {"play": play.name, "what": play.waits_for or _("a person to finish it")})
    now, mails = timezone.now(), _as_shown(play, approved, shown) if on and approved is not None else {}
    with transaction.atomic():
        values: dict[str, Any] = {"on": on, "approved": approved if on else None, "approved_mails": mails, "changed_by": user, "changed_at": now}
        if on:
            values |= {"from_run": from_run, "looked_on": looked_on}
        setting, made = PlaySetting.objects.get_or_create(play=play.id, defaults={"from_run": from_run, "looked_on": looked_on, **values})
        if not made:
            for name, value in values.items():
                setattr(setting, name, value)
            setting.save(update_fields=list(values))
        sends = setting.approved is not None
        details = {"on": on, "sending": sends, "stop": stop} | (_said(setting.approved or 0, mails) if sends else {})
        log_event(Act.PLAY_SWITCHED, user, subject=play.id, details=details)
        if not on:
            for run in PlayRun.objects.filter(play=play.id, state__in=OPEN if stop else (RunState.WAITING,)).order_by("id"):
                _stop(user, run, _("the play was switched off"), now)
    return setting


def approve(user: User, play: Play, version: int, shown: str | None = None) -> None:
    """Let a play that is switched on send by itself, as its text and those of its mails read now.

    In      shown  `reading` of what the person saw
    Raises  PermissionDenied, Refused where it is off, or reads otherwise than it was shown
    """
    if not may_switch(user):
        raise PermissionDenied
    with transaction.atomic():
        mails = _as_shown(play, version, shown)
        approved = {"approved": version, "approved_mails": mails, "changed_by": user, "changed_at": timezone.now()}
        if not PlaySetting.objects.filter(play=play.id, on=True).update(**approved):
            raise Refused(_("%(play)s is not switched on") % {"play": play.name})
        log_event(Act.PLAY_SWITCHED, user, subject=play.id, details={"on": True, "sending": True, **_said(version, mails)})


def _said(version: int, mails: Mapping[str, int]) -> dict[str, Any]:
    """What was approved, for the audit."""
    return {"version": version, "mails": ", ".join(f"{name} {of}" for name, of in sorted(mails.items()))}


def _as_shown(play: Play, version: int, shown: str | None) -> dict[str, int]:
    """The versions of a play's mails. Raises Refused where somebody changed a text since the page was made that the person approves."""
    mails = mails_of(play)
    if shown is not None and shown != reading(version, mails):
        raise Refused(_("the text of %(play)s or of a mail that it sends was changed since the page was made: read it, then approve it") % {"play": play.name})
    return mails


def start(user: User, play: Play, version: int, account_id: int, *, on: bool) -> PlayRun:
    """Begin a play for an account by hand. Raises PermissionDenied, Refused where one is under way or the play is not switched on."""
    account: Account = editable_row(user, "accounts", account_id)
    if not on:
        raise Refused(_("%(play)s is on trial: it lists what it would do. A lead or an admin switches it on.") % {"play": play.name})
    if PlayRun.objects.filter(account=account, play=play.id, state__in=OPEN).exists():
        raise Refused(_("%(play)s is under way for %(account)s already") % {"play": play.name, "account": account.name})
    now, day = timezone.now(), today()
    try:
        return _started(user, play, version, account, now, day)
    except IntegrityError as error:  # somebody else began it at the same moment
        raise Refused(_("%(play)s is under way for %(account)s already") % {"play": play.name, "account": account.name}) from error


def _started(user: User, play: Play, version: int, account: Account, now: datetime, day: date) -> PlayRun:
    with transaction.atomic():
        run = PlayRun.objects.create(
            account=account, play=play.id, version=version, cause=f"person:{uuid4().hex}", cause_on=day, state=RunState.LIVE, starts_on=day, step="0",
            due_at=now, owner_id=owners_of([account.pk], play.owner, day).get(account.pk), created_by=user, created_at=now,
        )  # fmt: skip
        log_change(user, "play_runs", run.pk, account.pk, "created", None, play.id, now)
    return run


def stop_run(user: User, run_id: int, reason: str) -> PlayRun:
    """End a run; its tasks stay as they are. Raises PermissionDenied, Refused where it is over."""
    run = editable_play_runs(user).filter(pk=run_id).first()
    if run is None:
        raise PermissionDenied
    reason = " ".join(reason.split())
    if len(reason) > REASON:
        raise Refused(_("%(label)s: found %(n)s characters, expected at most %(limit)s") % {"label": _("Reason"), "n": len(reason), "limit": REASON})
    if run.state not in OPEN:
        raise Refused(_("it is over already"))
    with transaction.atomic():
        _stop(user, run, reason, timezone.now())
    return run


def that_go_over(merged: int, kept: int) -> QuerySet[PlayRun]:
    """Runs of an account that is merged which the kept one takes over: not what began both, nor a play that is under way for both."""
    there = PlayRun.objects.filter(account_id=kept)
    same = Exists(there.filter(play=OuterRef("play"), cause=OuterRef("cause")))
    both = Exists(there.filter(play=OuterRef("play"), state__in=OPEN)) & Q(state__in=OPEN)
    return PlayRun.objects.filter(account_id=merged).exclude(same).exclude(both)


def _stop(user: User, run: PlayRun, reason: str, now: datetime) -> None:
    log_change(user, "play_runs", run.pk, run.account_id, "state", run.state, RunState.ENDED, now)
    PlayRun.objects.filter(pk=run.pk).update(
        state=RunState.ENDED, ended_by=RunEnd.STOPPED, reason=reason, step=None, due_at=None, task=None, ended_at=now, moves=run.moves + 1
    )
