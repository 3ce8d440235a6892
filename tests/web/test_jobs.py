"""The job table: at least once, one at a time, taken over when a worker is lost."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from laer.web.book.models import DirtyAccount
from laer.web.runs import jobs
from laer.web.runs.jobs import ATTEMPTS, HANDLERS, Worker, claim, enqueue, handler, work_once
from laer.web.runs.models import Job, JobState, PassRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    before = dict(HANDLERS)
    yield
    HANDLERS.clear()
    HANDLERS.update(before)


def wait_for(what: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def make_due(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now())


def test_a_job_is_done_once_with_its_arguments() -> None:
    seen = []
    handler("greet")(lambda arguments, progress: seen.append(arguments["name"]))
    job = enqueue("greet", {"name": "Ann"})
    assert work_once()
    assert not work_once()
    job.refresh_from_db()
    assert (seen, job.state, job.attempts, job.lease_until) == (["Ann"], JobState.DONE, 1, None)
    assert job.finished_at is not None


def test_the_more_urgent_and_then_the_older_comes_first_and_none_before_its_time() -> None:
    seen: list[str] = []
    handler("n")(lambda arguments, progress: seen.append(arguments["n"]))
    enqueue("n", {"n": "later"}, run_at=timezone.now() + timedelta(hours=1), priority=9)
    enqueue("n", {"n": "first in"})
    enqueue("n", {"n": "second in"})
    enqueue("n", {"n": "urgent"}, priority=1)
    while work_once():
        pass
    assert seen == ["urgent", "first in", "second in"]


def test_arguments_that_are_not_json_are_refused_at_once() -> None:
    with pytest.raises(TypeError):
        enqueue("n", {"when": timezone.now()})


def test_one_waits_per_key_and_the_earlier_time_wins() -> None:
    later = timezone.now() + timedelta(hours=1)
    first = enqueue("pass", {}, unique_key="pass", run_at=later)
    again = enqueue("pass", {}, unique_key="pass", priority=3)
    assert again.pk == first.pk
    assert Job.objects.count() == 1
    first.refresh_from_db()
    assert first.run_at < later
    assert first.priority == 3
    assert enqueue("pass", {}, unique_key="another").pk != first.pk


def test_a_running_job_does_not_stop_the_next_of_its_key_from_waiting_but_from_running() -> None:
    enqueue("pass", {}, unique_key="pass")
    running = claim(Worker())
    assert running is not None
    waiting = enqueue("pass", {}, unique_key="pass")
    assert waiting.pk != running.pk
    assert claim(Worker()) is None
    Job.objects.filter(pk=running.pk).update(state=JobState.DONE)
    taken = claim(Worker())
    assert taken is not None
    assert taken.pk == waiting.pk


def test_a_job_of_an_action_that_is_rolled_back_never_was() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        enqueue("pass", {}, unique_key="pass")
        raise RuntimeError("the action failed")
    assert not Job.objects.exists()


def test_a_failure_waits_longer_each_time_and_is_kept_after_the_last() -> None:
    @handler("bad")
    def bad(arguments: object, progress: object) -> None:
        raise ValueError("no such file: accounts.csv")

    job = enqueue("bad")
    waits = []
    for attempt in range(1, ATTEMPTS + 1):
        make_due(job)
        assert work_once()
        job.refresh_from_db()
        assert job.attempts == attempt
        waits.append((job.run_at - timezone.now()).total_seconds())
    assert job.state == JobState.FAILED
    assert "ValueError: no such file: accounts.csv" in job.error
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(waits[:-1]))
    make_due(job)
    assert not work_once()


def test_the_back_off_has_an_end() -> None:
    assert 5 <= jobs.back_off(1).total_seconds() <= 6
    assert jobs.back_off(40).total_seconds() <= 1.2 * jobs.LONGEST_BACK_OFF


def test_a_failure_whose_key_another_waits_under_is_not_tried_again() -> None:
    @handler("bad")
    def bad(arguments: object, progress: object) -> None:
        enqueue("bad", {}, unique_key="k")
        raise ValueError("no")

    job = enqueue("bad", {}, unique_key="k")
    assert work_once()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "another job waits under the key k" in job.error
    assert Job.objects.filter(state=JobState.READY).count() == 1


def test_a_kind_without_handler_says_which_there_are() -> None:
    job = enqueue("dance")
    work_once()
    job.refresh_from_db()
    assert f"no handler for jobs of kind 'dance'; there are {', '.join(sorted(HANDLERS))}" in job.error
    assert {"import", "pass"} <= HANDLERS.keys()


def test_progress_is_seen_while_the_job_runs_and_written_at_most_once_a_second() -> None:
    seen = []

    @handler("count")
    def count(arguments: object, progress: jobs.Progress) -> None:
        for row in range(300):
            progress(rows=row, of=300)
        seen.append(Job.objects.get().progress)

    job = enqueue("count")
    work_once()
    job.refresh_from_db()
    assert seen == [{"rows": 0, "of": 300}]
    assert job.progress == {"rows": 299, "of": 300}


def test_progress_keeps_out_of_a_transaction_of_the_handler() -> None:
    @handler("count")
    def count(arguments: object, progress: jobs.Progress) -> None:
        with transaction.atomic():
            before = len(connection.queries_log)
            progress(rows=1)
            assert len(connection.queries_log) == before

    connection.force_debug_cursor = True
    try:
        job = enqueue("count")
        work_once()
    finally:
        connection.force_debug_cursor = False
    job.refresh_from_db()
    assert (job.state, job.progress) == (JobState.DONE, {"rows": 1})


def test_the_heartbeat_holds_a_job_longer_than_its_lease() -> None:
    others = []

    @handler("long")
    def long(arguments: object, progress: object) -> None:
        time.sleep(1.5)
        others.append(claim(Worker()))

    job = enqueue("long")
    work_once(Worker(lease=0.6))
    job.refresh_from_db()
    assert others == [None]
    assert (job.state, job.attempts) == (JobState.DONE, 1)


def test_who_lost_the_lease_writes_nothing_more() -> None:
    @handler("slow")
    def slow(arguments: object, progress: jobs.Progress) -> None:
        Job.objects.update(worker="another", attempts=2, lease_until=timezone.now() + timedelta(minutes=1))
        wait_for(lambda: progress.lost)
        progress(rows=1)
        raise AssertionError("it went on")

    job = enqueue("slow")
    work_once(Worker(lease=0.3))
    job.refresh_from_db()
    assert (job.state, job.worker, job.attempts, job.error, job.progress) == (JobState.RUNNING, "another", 2, "", {})


def test_a_job_that_loses_every_worker_fails() -> None:
    job = enqueue("pass")
    Job.objects.update(state=JobState.RUNNING, attempts=ATTEMPTS, lease_until=timezone.now() - timedelta(seconds=1), progress={"rows": 7})
    assert work_once()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "5 workers were lost" in job.error
    assert "{'rows': 7}" in job.error


def test_two_workers_share_the_jobs_and_none_is_done_twice() -> None:
    done: list[int] = []
    handler("n")(lambda arguments, progress: done.append(arguments["n"]))
    for n in range(40):
        enqueue("n", {"n": n})
    stop = threading.Event()

    def run() -> None:
        try:
            Worker(poll=0.02).run_forever(stop)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: not Job.objects.exclude(state=JobState.DONE).exists(), 60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert sorted(done) == list(range(40))
    assert set(Job.objects.values_list("attempts", flat=True)) == {1}


def test_marked_accounts_bring_a_pass_and_one_only() -> None:
    passes = []

    @handler("pass")
    def run(arguments: object, progress: object) -> None:
        passes.append(DirtyAccount.objects.count())
        jobs.ask_for_pass()  # one is running
        DirtyAccount.objects.all().delete()

    jobs.ask_for_pass()
    assert not Job.objects.exists()
    DirtyAccount.objects.create(account_id=None, since=timezone.now())
    jobs.ask_for_pass()
    jobs.ask_for_pass()
    assert Job.objects.count() == 1
    while work_once():
        pass
    assert passes == [1]


def test_a_pass_waits_a_while_after_one_over_a_few_accounts() -> None:
    """What is saved meanwhile goes into one, and it is there within ten seconds."""
    DirtyAccount.objects.create(account_id=None, since=timezone.now())
    run = PassRun.objects.create(as_of=timezone.localdate(), kind="small", state="complete", started_at=timezone.now() - timedelta(seconds=2))
    jobs.ask_for_pass()
    job = Job.objects.get()
    assert job.run_at == run.started_at + timedelta(seconds=jobs.PAUSE)
    assert claim(Worker()) is None
    job.delete()
    PassRun.objects.update(started_at=timezone.now() - timedelta(seconds=9))
    jobs.ask_for_pass()
    assert claim(Worker()) is not None
    Job.objects.all().delete()
    PassRun.objects.update(kind="full", started_at=timezone.now())
    jobs.ask_for_pass()
    assert claim(Worker()) is not None


def test_a_pass_that_fails_keeps_its_back_off_though_accounts_stay_marked() -> None:
    @handler("pass")
    def run(arguments: object, progress: object) -> None:
        raise ValueError("no rates")

    DirtyAccount.objects.create(account_id=None, since=timezone.now())
    jobs.ask_for_pass()
    work_once()
    jobs.ask_for_pass()
    assert not work_once()
    Job.objects.update(state=JobState.FAILED, finished_at=timezone.now())
    jobs.ask_for_pass()
    assert Job.objects.count() == 1
    DirtyAccount.objects.create(account_id=None, since=timezone.now())  # the book has changed since
    jobs.ask_for_pass()
    assert Job.objects.count() == 2


# --- workers that are processes --------------------------------------------------------------------------------------

WORKER = """
import signal, sys, threading, time
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from laer.web.runs.jobs import Worker, handler

@handler("slow")
def slow(arguments, progress):
    progress(step="begun")
    time.sleep(60)

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
Worker(name="lost", lease=1.5, poll=0.05, grace=0.3).run_forever(stop)
"""


@pytest.fixture
def worker_process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(WORKER), str(connection.settings_dict["NAME"])], env=dict(os.environ))
    yield process
    process.kill()
    process.wait()


def test_a_killed_worker_is_replaced_when_its_lease_ends_and_not_before(worker_process: subprocess.Popen[bytes]) -> None:
    seen = []
    handler("slow")(lambda arguments, progress: seen.append(dict(progress.values)))
    job = enqueue("slow", {})
    wait_for(lambda: Job.objects.get().progress == {"step": "begun"}, 60)
    worker_process.send_signal(signal.SIGKILL)
    worker_process.wait()
    job.refresh_from_db()
    assert (job.state, job.worker) == (JobState.RUNNING, "lost")
    assert job.lease_until is not None
    wait_for(work_once)
    assert timezone.now() >= job.lease_until
    job.refresh_from_db()
    assert (job.state, job.attempts, seen) == (JobState.DONE, 2, [{"step": "begun"}])


def test_a_worker_that_is_told_to_end_gives_a_long_job_back_at_once(worker_process: subprocess.Popen[bytes]) -> None:
    job = enqueue("slow", {})
    wait_for(lambda: Job.objects.get().progress == {"step": "begun"}, 60)
    worker_process.terminate()
    assert worker_process.wait(timeout=15) == 0
    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease_until) == (JobState.READY, 0, None)
