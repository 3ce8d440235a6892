"""What moves runs on: the clock, a task that is done, and what a pass found. One step is one transaction, so that a worker which is killed loses and
repeats nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.plays import way
from laer.plays.play import BranchStep, CallStep, MailStep, Play, SetStep, TaskStep, UntilStep, WaitStep, WebhookStep
from laer.web.runs.latest import last_run
from laer.web.runs.models import PassRun
from laer.web.runs.playing import doing
from laer.web.runs.playing.entering import Cause, gates_of, stands, write
from laer.web.runs.playing.known import Found, Known, found_by, play_then, plays
from laer.web.work.models import PlayRun, PlaySetting, RunEnd, RunState
from laer.web.work.plays import noted

MOST = 500  # runs that one tick moves
SOON = timedelta(minutes=1)  # until it is looked at again whether a pass has read the run's text
STEPS = 40  # of one run in one tick: more is a text that goes in a circle
DONE = (RunState.LIVE, RunState.ENDED, RunState.HELD_OUT)

log = logging.getLogger(__name__)


def look(run: PassRun, now: datetime | None = None) -> int:
    """After a pass: wake the runs that what it found concerns, and note who reached what a play is to bring about. Returns how many were woken."""
    now, found, woken = now or timezone.now(), found_by(run), 0
    for name, version, play in _asked(found):
        live = PlayRun.objects.filter(play=name, version=version, state=RunState.LIVE)
        if play.exit is not None:
            woken += _wake(live, found.true_of(name, version, "exit"), now)
        for slot in (slot for slot, _place, _text in play.conditions() if slot[0].isdigit()):
            woken += _wake(live.filter(begun=True, step=slot), found.true_of(name, version, slot), now)
    for name, known in plays().items():
        if known.play.success is not None and found.versions.get(name) == known.version:
            _note_success(name, known, found, run)
    return woken


def _asked(found: Found) -> Iterable[tuple[str, int, Play]]:
    """Every text of a play that the pass asked: those in force, and earlier ones by which runs go on."""
    earlier = [(name, int(version)) for name, _at, version in (one.partition("@") for one in sorted(found.then))]
    for name, version in [*found.versions.items(), *earlier]:
        play = play_then(name, version)
        if play is not None:
            yield name, version, play


def _note_success(name: str, known: Known, found: Found, run: PassRun) -> None:
    """Who is where the play is to bring them, of whoever began within its days. On the day of the beginning itself it was so already."""
    assert known.play.success is not None
    first = run.as_of - timedelta(days=known.play.success.within)
    open_ = PlayRun.objects.filter(play=name, state__in=DONE, succeeded_on=None, starts_on__gte=first, starts_on__lte=run.as_of)
    good = found.true_of(name, known.version, "success")
    ids = [pk for pk, account in open_.values_list("id", "account_id").iterator(5_000) if account in good]
    for part in _parts(ids):
        PlayRun.objects.filter(pk__in=part).update(succeeded_on=run.as_of)


def _wake(runs: Iterable[PlayRun], accounts: frozenset[int], now: datetime) -> int:
    ids = [pk for pk, account in runs.values_list("id", "account_id").iterator(5_000) if account in accounts]  # type: ignore[attr-defined]
    for part in _parts(ids):
        PlayRun.objects.filter(pk__in=part).update(due_at=now)
    return len(ids)


def _parts(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + 500] for start in range(0, len(ids), 500))


def tick(now: datetime | None = None, most: int = MOST) -> Counter[str]:
    """Begin what waits for its day and move on what is due or whose task is done. Returns how often what was done. Two queries where nothing is due."""
    now = now or timezone.now()
    done: Counter[str] = Counter()
    ready = Q(due_at__lte=now) | Q(task__done_at__isnull=False) | Q(task__archived_at__isnull=False)
    runs = PlayRun.objects.filter(ready, state__in=(RunState.WAITING, RunState.LIVE), account__archived_at=None).order_by("due_at", "id")
    ids = list(runs.values_list("id", flat=True)[:most])
    if not ids:
        return done
    newest = last_run()
    if newest is None:
        return done
    found = found_by(newest)
    for pk in ids:
        try:
            done += move(pk, found, newest, now)
        except Exception:  # one run's fault stops no other; it is tried again in an hour
            log.exception("run %s of a play could not go on", pk)
            PlayRun.objects.filter(pk=pk).update(due_at=now + timedelta(hours=1))
            done["failed"] += 1
    return done


def move(pk: int, found: Found, newest: PassRun, now: datetime) -> Counter[str]:
    """Take a run as far as it goes, a transaction a step."""
    done: Counter[str] = Counter()
    for _round in range(STEPS):
        with transaction.atomic():
            run = PlayRun.objects.select_for_update(of=("self",)).select_related("task").filter(pk=pk, state__in=(RunState.WAITING, RunState.LIVE)).first()
            if run is None:
                break
            if not PlayRun.objects.filter(pk=pk, moves=run.moves).update(moves=run.moves + 1):
                break  # another worker has it
            run.moves += 1
            try:
                said, goes_on = _one(run, found, newest, now)
            except doing.NotAsked:
                run.due_at, said, goes_on = now + SOON, "put off", False
            run.save(update_fields=["version", "state", "ended_by", "step", "begun", "step_at", "due_at", "task", "ended_at"])
        done[said] += 1
        if not goes_on:
            break
    return done


def _one(run: PlayRun, found: Found, newest: PassRun, now: datetime) -> tuple[str, bool]:
    """One step of a run: what was done, and whether the next may follow at once."""
    if run.state == RunState.WAITING:
        return _begin(run, found, now)
    play = play_then(run.play, run.version)
    if play is None:
        return _end(run, RunEnd.CHANGED, now)
    if doing.truth(run, play, "exit", found):
        return _end(run, RunEnd.REACHED, now)
    step = way.step_at(play, run.step) if run.step else None
    if run.step is None or step is None:
        return _end(run, RunEnd.CHANGED if run.step else RunEnd.FINISHED, now)
    if not run.begun:
        return _do(run, play, step, found, newest, now)
    if not _over(run, step, found, newest, play, now):
        return "looked", False
    if isinstance(step, TaskStep) and run.task is not None and run.task.done_at is None:
        noted(run, run.step, "task", _("went on without it") if run.task.archived_at is None else _("the task was taken away"), now, run.task)
    return _next(run, way.following(play, run.step), now)


def _begin(run: PlayRun, found: Found, now: datetime) -> tuple[str, bool]:
    """The day has come of one that waited: it begins by the text in force, where the play acts, its cause stands, and it still is for the account."""
    known, setting = plays().get(run.play), PlaySetting.objects.filter(play=run.play, on=True).first()
    if known is None or setting is None:
        return _refuse(run, RunEnd.OFF, now)
    if not found.knows(known.play.id, known.version):
        raise doing.NotAsked(run.play)
    if not stands(run, known, found, timezone.localtime(now).date()):
        return _refuse(run, RunEnd.OVER, now)
    run.version = known.version
    if known.play.who is not None and (truth := found.truth(run.play, known.version, "who", run.account_id)) is not True:
        return _refuse(run, RunEnd.UNKNOWN if truth is None else RunEnd.WHO, now)
    run.state, run.step = RunState.LIVE, way.first(known.play)
    return "begun", True


def _refuse(run: PlayRun, why: RunEnd, now: datetime) -> tuple[str, bool]:
    run.state, run.ended_by, run.step, run.due_at, run.ended_at = RunState.REFUSED, why, None, None, now
    return "refused", False


def _do(run: PlayRun, play: Play, step: object, found: Found, newest: PassRun, now: datetime) -> tuple[str, bool]:
    assert run.step is not None
    run.step_at = now
    if isinstance(step, TaskStep):
        task = doing.task(run, play, step, now)
        noted(run, run.step, "task", step.task, now, task)
        if step.wait:
            run.begun, run.task, run.due_at = True, task, now + timedelta(days=step.due + step.at_most)
            return "task", False
        return "task", _next(run, way.following(play, run.step), now)[1]
    if isinstance(step, WaitStep):
        run.begun, run.due_at = True, now + timedelta(days=step.wait)
        return "wait", False
    if isinstance(step, UntilStep):
        if doing.truth(run, play, run.step, found):
            noted(run, run.step, "until", _("true at once"), now)
            return "until", _next(run, way.following(play, run.step), now)[1]
        run.begun, run.due_at = True, now + timedelta(days=step.at_most)
        return "until", False
    if isinstance(step, BranchStep):
        truth = doing.truth(run, play, run.step, found)
        noted(run, run.step, "if", {True: _("yes"), False: _("no"), None: _("unknown: it goes the way of no")}[truth], now)
        return "if", _next(run, way.into(play, run.step, truth), now)[1]
    if isinstance(step, CallStep):
        noted(run, run.step, "play", call(run, step.play, found, newest, now), now)
    elif isinstance(step, SetStep):
        noted(run, run.step, "set", doing.set_field(run, play, step, now), now)
    elif isinstance(step, MailStep | WebhookStep):
        kind = "mail" if isinstance(step, MailStep) else "webhook"
        what, given = doing.send(run, play, step, now)
        noted(run, run.step, kind, what, now, given)
    return "done", _next(run, way.following(play, run.step), now)[1]


def _over(run: PlayRun, step: object, found: Found, newest: PassRun, play: Play, now: datetime) -> bool:
    """Whether what a step waits for has come, or its time is up."""
    assert run.step is not None
    if isinstance(step, TaskStep):
        if run.task is None or run.task.done_at is not None or run.task.archived_at is not None:
            return True
    elif isinstance(step, UntilStep) and doing.truth(run, play, run.step, found):
        return True
    asked_of = run.step_at or now
    days = step.due + step.at_most if isinstance(step, TaskStep) else step.at_most if isinstance(step, UntilStep) else getattr(step, "wait", 0)
    ends = asked_of + timedelta(days=days)
    if now >= ends:
        return True
    run.due_at = ends  # it was woken before its time
    return False


def _next(run: PlayRun, path: str | None, now: datetime) -> tuple[str, bool]:
    run.step, run.begun, run.task, run.step_at = path, False, None, now
    if path is None:
        return _end(run, RunEnd.FINISHED, now)
    run.due_at = now
    return "next", True


def _end(run: PlayRun, how: RunEnd, now: datetime) -> tuple[str, bool]:
    run.state, run.ended_by, run.step, run.due_at, run.ended_at, run.task, run.begun = RunState.ENDED, how, None, None, now, None, False
    return str(how), False


def call(run: PlayRun, name: str, found: Found, newest: PassRun, now: datetime) -> str:
    """Begin another play for the account, by its own gates. Returns what came of it."""
    known = plays().get(name)
    if known is None:
        return _("%(play)s: no such play is in use") % {"play": name}
    said = {"play": known.play.name}
    if name in _callers(run):
        return _("%(play)s: it is among those that led here, and does not begin in a circle") % said
    setting = PlaySetting.objects.filter(play=name).first()
    if setting is None or not setting.on:
        return _("%(play)s is not switched on") % said
    gates = gates_of(known, setting, [run.account_id], found, timezone.localtime(now).date(), now)
    write(gates, [Cause(run.account_id, f"play:{run.pk}:{run.step}", timezone.localtime(now).date())], newest)
    refused = gates.refused.get(run.account_id)
    return _("%(play)s begins") % said if refused is None else _("%(play)s does not begin: %(why)s") % (said | {"why": refused.label})


def _callers(run: PlayRun) -> set[str]:
    """The play of a run, and those that called it, one by another."""
    found, at = {run.play}, run.cause
    while at.startswith("play:") and (number := at.split(":")[1]).isdecimal():
        above = PlayRun.objects.filter(pk=int(number)).values_list("play", "cause").first()
        if above is None or above[0] in found:
            break
        found.add(above[0])
        at = above[1]
    return found
