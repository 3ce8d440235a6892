"""The job table: work that outlives the request that asked for it, done at least once.

A worker claims a job under a lease and a heartbeat thread extends it. A worker that dies stops extending, and when the lease
is over the next one to look takes the job over; so every handler is idempotent. A handler that raises is tried again with
back-off, five times in all. No library does this on SQLite and PostgreSQL alike: docs/decisions/0002-own-job-table.md.
"""

from __future__ import annotations

import json
import logging
import os
import random
import secrets
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from laer.web.book.models import DirtyAccount
from laer.web.book.watching import due_folders
from laer.web.people import company
from laer.web.runs import beat, policies, rates
from laer.web.runs.models import Job, JobState, LearnedLikelihood, PassRun
from laer.web.work import sending

LEASE = 30.0  # seconds that a dead worker's job waits for the next
ATTEMPTS = 5
BACK_OFF = 5.0  # seconds before the second attempt; doubled for each further one
LONGEST_BACK_OFF = 3600.0
POLL = 0.5
GRACE = 8.0  # seconds a job may go on after its worker was told to stop
KEEP = timedelta(days=14)  # finished jobs
LOOKS = 10.0  # seconds between two questions whether a watched folder is due
BEGAN = timezone.now()  # this process: its settings are as of then
PAUSE = 5.0  # seconds at least from the beginning of a pass over a few accounts to the next: what is saved meanwhile goes into one
PASS = "pass"  # the key under which a pass waits
# Jobs that take long in a large book, and that no pass, import or undo is to wait behind: they read only, or write rows that nobody else writes.
BESIDE = ("examine", "likelihood", "lab", "positions", "sentiment")
BESIDE_POLL = 1.0
DIGEST = 60.0  # seconds between two looks whether somebody's morning has come
POST = 2.0  # seconds between two looks at what waits to leave the house

log = logging.getLogger(__name__)

Handler = Callable[[Mapping[str, Any], "Progress"], None]
HANDLERS: dict[str, Handler] = {}


class LeaseLost(Exception):
    """Another worker has the job now: whoever raises this stops and writes nothing more."""


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register what does the jobs of one kind. It is called with the job's arguments and its progress."""

    def register(function: Handler) -> Handler:
        HANDLERS[kind] = function
        return function

    return register


def enqueue(kind: str, arguments: Mapping[str, Any] | None = None, *, unique_key: str | None = None, run_at: datetime | None = None, priority: int = 0) -> Job:
    """Add a job, in the transaction of whoever asks. One that waits under the same key is returned instead, brought forward if need be.

    The waiting job stays locked until that transaction ends, so that no worker starts it before it can see what the caller wrote.
    """
    now = timezone.now()
    due = run_at or now
    arguments = json.loads(json.dumps(dict(arguments or {}), allow_nan=False))  # what cannot be stored fails here, not in the worker
    with transaction.atomic():
        if unique_key is None:
            return Job.objects.create(kind=kind, arguments=arguments, run_at=due, priority=priority, created_at=now)
        while True:
            new = Job(kind=kind, arguments=arguments, unique_key=unique_key, run_at=due, priority=priority, created_at=now)
            waiting = Job.objects.filter(unique_key=unique_key, state=JobState.READY)
            there = waiting.select_for_update().first()
            if there is None:
                Job.objects.bulk_create([new], ignore_conflicts=True)
                there = waiting.select_for_update().first()
            if there is None:  # it was claimed between the two statements
                continue
            if due < there.run_at or priority > there.priority:
                there.run_at, there.priority = min(due, there.run_at), max(priority, there.priority)
                there.save(update_fields=["run_at", "priority"])
            return there


class Progress:
    """What a handler tells of itself: `progress(rows=500, of=2000)`. Stored at most once a second, outside of other transactions."""

    def __init__(self, job: Job, worker: Worker) -> None:
        self.values: dict[str, Any] = dict(job.progress or {})
        self._job = job
        self._mine = _held(job, worker)
        self._next = 0.0
        self.lost = False

    def __call__(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        if self.lost:
            raise LeaseLost(f"job {self._job.pk} was taken over by another worker")
        self.values.update(values or {}, **more)
        # Inside a handler's own transaction it would be seen only at its end, and would lengthen it.
        if time.monotonic() >= self._next and not connection.in_atomic_block:
            self._next = time.monotonic() + 1.0
            self._mine.update(progress=self.values)


def worker_name() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(3)}"


@dataclass
class Worker:
    """One that does jobs, one at a time. `lease` in seconds."""

    name: str = field(default_factory=worker_name)
    lease: float = LEASE
    poll: float = POLL
    grace: float = GRACE
    beside: bool = False  # does only what nobody is to wait behind

    def run_forever(self, stop: threading.Event) -> None:
        """Do jobs until `stop` is set, those that nobody is to wait behind in a thread beside. One that goes on for longer than the grace is given back
        and the process ends."""
        beside = threading.Thread(target=Worker(poll=BESIDE_POLL, beside=True)._work_beside, args=(stop,), name="work beside", daemon=True)
        beside.start()
        posts = [threading.Thread(target=_post, args=(stop, let_out), name=name, daemon=True) for name, let_out in POSTS.items()]
        for post in posts:
            post.start()
        sweep = looks = 0.0
        while not stop.is_set():
            beat.give()
            try:
                if time.monotonic() >= sweep:
                    sweep = time.monotonic() + 3600
                    Job.objects.filter(state__in=[JobState.DONE, JobState.FAILED], finished_at__lt=timezone.now() - KEEP).delete()
                done = work_once(self, stop)
                if time.monotonic() >= looks:
                    looks = time.monotonic() + LOOKS
                    company.refresh()
                    ask_for_looks()
                    ask_for_examination()
                    ask_for_likelihoods()
                    ask_for_positions()
                    move_plays()
                if not done:
                    ask_for_pass()
            except Exception:  # the database may be away for a while: the worker outlives that
                log.exception("the worker could not look for work")
                connection.close()
                stop.wait(5.0)
                done = False
            if not done:
                stop.wait(self.poll)
        until = time.monotonic() + self.grace
        for post in posts:
            post.join(max(until - time.monotonic(), 0))  # a mail that is on its way gets there, and its answer is kept

    def _work_beside(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                done = work_once(self, stop)
            except Exception:
                log.exception("the worker could not look for work beside")
                connection.close()
                done = False
            if not done:
                stop.wait(self.poll)


def _post(stop: threading.Event, let_out: Callable[[datetime], int]) -> None:
    """Let out what waits to leave the house, in a thread of its own: a slow mail server holds no pass up, no import a mail, and no endpoint a mail."""
    while not stop.is_set():
        try:
            let_out(timezone.now())
        except Exception:
            log.exception("what waits to leave the house could not be looked at")
            connection.close()
        stop.wait(POST)
    connection.close()


def _digests() -> Callable[[datetime], int]:
    """Asks for the digests once a minute."""
    due = 0.0

    def ask(now: datetime) -> int:
        nonlocal due
        if time.monotonic() < due:
            return 0
        due = time.monotonic() + DIGEST
        return ask_for_digests(now)

    return ask


POSTS: dict[str, Callable[[datetime], int]] = {"mails": sending.mail_due, "calls": sending.call_due, "digests": _digests()}


def work_once(worker: Worker | None = None, stop: threading.Event | None = None) -> bool:
    """Claim one job that is due and do it. False when there is none."""
    worker = worker or Worker()
    job = claim(worker)
    if job is None:
        return False
    progress = Progress(job, worker)
    company.refresh()  # an admin may have changed the firm since the last one
    with _Heartbeat(job, worker, progress, stop):
        try:
            if job.attempts > ATTEMPTS:
                raise RuntimeError(f"{ATTEMPTS} workers were lost while they did this job; the last progress was {job.progress}")
            if job.kind not in HANDLERS:
                raise LookupError(f"no handler for jobs of kind {job.kind!r}; there are {', '.join(sorted(HANDLERS))}")
            HANDLERS[job.kind](job.arguments, progress)
        except LeaseLost as lost:
            log.warning("%s", lost)
        except Exception as error:
            log.warning("job %s (%s) failed, attempt %s of %s", job.pk, job.kind, job.attempts, ATTEMPTS, exc_info=True)
            _put_off(job, worker, progress, error)
        else:
            _held(job, worker).update(state=JobState.DONE, lease_until=None, finished_at=timezone.now(), progress=progress.values, error="")
    return True


def claim(worker: Worker) -> Job | None:
    """The next job that is due or whose worker was lost, now leased to `worker`."""
    now = timezone.now()
    ours = Q(kind__in=BESIDE) if worker.beside else ~Q(kind__in=BESIDE)
    alike = Job.objects.filter(state=JobState.RUNNING, lease_until__gte=now, unique_key=OuterRef("unique_key"))
    due = Q(state=JobState.READY, run_at__lte=now) & ~Exists(alike)  # never two of one key at once
    lost = Q(state=JobState.RUNNING, lease_until__lt=now)
    jobs = Job.objects.filter(due | lost, ours).order_by("-priority", "run_at", "pk")
    if not jobs.exists():  # looking takes no write lock
        return None
    with transaction.atomic():  # SQLite: BEGIN IMMEDIATE, so one claims at a time; PostgreSQL: others skip what we lock
        if connection.features.has_select_for_update_skip_locked:
            jobs = jobs.select_for_update(skip_locked=True, of=("self",))
        job = jobs.first()
        if job is None:
            return None
        job.state, job.worker, job.attempts = JobState.RUNNING, worker.name, job.attempts + 1
        job.lease_until = timezone.now() + timedelta(seconds=worker.lease)
        job.save(update_fields=["state", "worker", "attempts", "lease_until"])
    return job


def ask_for_pass() -> None:
    """Ask for a pass when the book or the exchange rates are newer than what is published, or the day has turned. Two small queries while not.

    Actions of the book leave their mark in their own transaction and know nothing of jobs. A pass that waits, runs, or is put
    off after a failure is left alone; one that failed for good is asked for again when the book has changed since.
    """
    newest = DirtyAccount.objects.order_by("-id").values_list("since", flat=True).first()
    if newest is None:
        newest = _overtaken()
    if newest is None:
        return
    settled = Q(state__in=[JobState.READY, JobState.RUNNING]) | Q(state=JobState.FAILED, finished_at__gte=newest)
    if not Job.objects.filter(settled, unique_key=PASS).exists():
        enqueue("pass", unique_key=PASS, run_at=_after_pause())


def _after_pause() -> datetime | None:
    """When the next pass may begin; None: now. While people save, each pass over their few accounts makes a run and takes a second and more."""
    last = PassRun.objects.filter(state="complete").exclude(kind="past").order_by("-id").only("kind", "started_at").first()
    return None if last is None or last.kind != "small" else max(timezone.now(), last.started_at + timedelta(seconds=PAUSE))


def ask_for_looks() -> None:
    """Ask for a look into each watched folder that is due. One small query while none is."""
    for folder_id in due_folders():
        key = f"watch-{folder_id}"
        if not Job.objects.filter(unique_key=key, state__in=[JobState.READY, JobState.RUNNING]).exists():
            enqueue("watch", {"folder_id": folder_id}, unique_key=key)


def ask_for_examination() -> None:
    from laer.web.runs import examining

    examining.ask_if_changed()


def ask_for_likelihoods() -> None:
    from laer.web.runs import likelihoods

    likelihoods.ask_if_due()


def ask_for_positions() -> None:
    from laer.web.runs import position_stays

    position_stays.ask_if_due()


def move_plays() -> None:
    """Runs of plays whose time has come, or whose task is done."""
    from laer.web.runs.playing import moving

    moving.tick()


def ask_for_digests(now: datetime) -> int:
    from laer.web.runs import digests

    return digests.queue_due(now)


def _overtaken() -> datetime | None:
    """Since when the last pass is no longer that of today's day, rules and rates; None where it is, or there was none.

    A day begins in the firm's time zone; a table of rates when its file was written or, where a setting changed, when this process
    began; rules of the ledger when this process began.
    """
    asked = ("as_of", "rates_mark", "started_at", "policy", "policy_version", "position")
    last = PassRun.objects.filter(state="complete").exclude(kind="past").order_by("-id").only(*asked).first()
    if last is None:
        return None
    learned: datetime | None = LearnedLikelihood.objects.filter(learned_at__gt=last.started_at).values_list("learned_at", flat=True).first()
    if learned is not None:
        return learned
    if last.as_of < timezone.localdate():
        return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    if policies.changed_since(last):
        return BEGAN
    return max(rates.written_at(), BEGAN) if rates.changed_since(last) else None


def back_off(attempts: int) -> timedelta:
    """How long to wait after that many attempts: doubled each time, spread a little so that jobs that failed together part."""
    return timedelta(seconds=min(BACK_OFF * 2 ** (attempts - 1), LONGEST_BACK_OFF) * random.uniform(1.0, 1.2))


def _held(job: Job, worker: Worker) -> Any:
    """The job, if it is still ours: the attempt is the fencing token."""
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=worker.name, attempts=job.attempts)


def _put_off(job: Job, worker: Worker, progress: Progress, error: Exception) -> None:
    now = timezone.now()
    text = "".join(traceback.format_exception(error))[-20_000:]
    failed = {"state": JobState.FAILED, "lease_until": None, "finished_at": now, "progress": progress.values, "error": text}
    if job.attempts >= ATTEMPTS:
        _held(job, worker).update(**failed)
        return
    try:
        with transaction.atomic():
            _held(job, worker).update(**failed | {"state": JobState.READY, "finished_at": None, "run_at": now + back_off(job.attempts)})
    except IntegrityError:  # another already waits under the key and will do the same
        _held(job, worker).update(**failed | {"error": f"{text}\nNot tried again: another job waits under the key {job.unique_key}."})


class _Heartbeat:
    """Extends the lease while a job runs, on a connection of its own; notices when the job is no longer ours."""

    def __init__(self, job: Job, worker: Worker, progress: Progress, stop: threading.Event | None) -> None:
        self.job, self.worker, self.progress, self.stop = job, worker, progress, stop
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._beat, name=f"heartbeat of job {job.pk}", daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _beat(self) -> None:
        next_beat = time.monotonic() + self.worker.lease / 3
        deadline = None
        try:
            while not self.over.wait(0.2 if self.stop else max(0.01, next_beat - time.monotonic())):
                now = time.monotonic()
                if self.stop and self.stop.is_set():
                    deadline = deadline or now + self.worker.grace
                    if now >= deadline:
                        self._give_back()
                beat.give()
                if now >= next_beat:
                    next_beat = now + self.worker.lease / 3
                    self._extend()
        finally:
            connection.close()

    def _extend(self) -> None:
        try:
            until = timezone.now() + timedelta(seconds=self.worker.lease)
            if not _held(self.job, self.worker).update(lease_until=until):
                # Not ours any more, unless the handler has just ended.
                self.progress.lost = not self.over.is_set()
        except Exception:  # a busy database: the lease holds for two more beats
            log.warning("the lease of job %s could not be extended", self.job.pk, exc_info=True)

    def _give_back(self) -> None:
        """The process was told to end and the handler goes on: the next worker starts the job at once, and it does not count as an attempt."""
        log.warning("job %s goes on: it is given back", self.job.pk)
        try:
            with transaction.atomic():
                _held(self.job, self.worker).update(state=JobState.READY, lease_until=None, attempts=self.job.attempts - 1)
        except IntegrityError:
            pass  # the same waits already; ours is taken over when its lease ends
        finally:
            os._exit(0)


@handler("pass")
def _pass(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.runs import passes

    passes.run_waiting_pass()


@handler("import")
def _import(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.book import importing

    importing.run_import_job(arguments["run_id"], lambda done, name: progress(rows=done, file=name))


@handler("preview")
def _preview(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.book import importing

    importing.run_preview_job(arguments["run_id"])


@handler("undo")
def _undo(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.book import importing

    importing.run_undo_job(arguments["run_id"], arguments.get("user_id"))


@handler("watch")
def _watch(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.runs import passes, watching

    try:
        watching.look_alone(arguments["folder_id"], lambda done, name: progress(rows=done, file=name))
    except passes.Busy:  # `laer watch run` is at it
        return


@handler("demo")
def _demo(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.runs import demo

    demo.make(progress, **arguments)


@handler("leave_demo")
def _leave_demo(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.runs import demo

    demo.leave(progress, **arguments)


@handler("likelihood")
def _likelihood(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.runs import deal_scores, likelihoods

    likelihoods.refresh(**arguments)
    deal_scores.refresh()


@handler("lab")
def _lab(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.runs import lab

    lab.do(**arguments)


@handler("positions")
def _positions(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.runs import position_stays

    position_stays.look_back(progress)


@handler("sentiment")
def _sentiment(arguments: Mapping[str, Any], progress: Progress) -> None:
    from laer.web.runs import sentiments

    sentiments.score_rest(progress)
