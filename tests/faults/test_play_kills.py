"""Kill the worker with SIGKILL in the middle of plays of half a year, twenty times: no step is lost, no task is given twice, no mail is sent twice."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.test_mail_kills import environment
from tests.smtp_sink import Sink

pytestmark = pytest.mark.faults

ACCOUNTS, KILLS, DAYS = 40, 20, 190
TEXT = """
id: half_a_year
name: Half a year
status: trial
motion: adopt
purpose: adoption
trigger: {manual: true}
steps:
  - task: First
    due: 5 d
  - wait: 30 d
  - mail: value_note
    values: {fact: it works.}
  - until: last_touch_on within 5 d
    at_most: 45 d
  - if: state is paying
    then: [{task: Of a customer, wait: false}]
    else: [{task: Of somebody else, wait: false}]
  - wait: 80 d
  - task: Last
    wait: false
"""
SET_UP = """
import sys
import django
django.setup()
from django.utils import timezone
from laer.web.book import definitions
from laer.web.book.models import Account, Contact
from laer.web.people.models import User
from laer.web.people import sender
from laer.web.runs.passes import start_pass
from laer.web.runs.playing import deciding

definitions.seed()
now = timezone.now()
ada = User.objects.create_user("ada@firm.example", "long enough for it", role="admin")
definitions.save_definition(ada, "play", sys.argv[3], "a test")
sender.save(ada, {"name": "The firm", "address": "success@firm.example", "provider": "smtp", "host": "127.0.0.1", "port": sys.argv[1], "security": "none",
                  "site": "https://laer.firm.example", "allowed": "ada@firm.example", "quiet_from": "0", "quiet_until": "0", "most_a_week": "20"})
sender.test(ada, "ada@firm.example")
for at in range(int(sys.argv[2])):
    account = Account.objects.create(name=f"Account {at}", created_at=now)
    Contact.objects.create(account=account, name=f"Jo {at}", email=f"jo{at}@customer{at}.example", created_at=now)
start_pass()
deciding.switch_on(ada, "half_a_year", sending=True)
for account in Account.objects.all():
    deciding.begin(ada, "half_a_year", account.pk)
"""
# One process that starts workers, each a process of its own: to import the product twenty times would take minutes. A worker goes on from the day that
# the file says, does what is due on it, completes what tasks are three days old, and only then writes the next day.
STARTER = """
import os, sys, time
from datetime import timedelta
from pathlib import Path
import django
django.setup()
from django.db import connection
from django.utils import timezone
from laer.web.runs.playing import moving
from laer.web.work import mails_out, sending
from laer.web.work.models import Task
mails_out.LEASE = 1.0
clock, last = Path(sys.argv[1]), int(sys.argv[2])
began = timezone.now()
connection.close()
for _asked in sys.stdin:
    worker = os.fork()
    if not worker:
        while (day := int(clock.read_text())) <= last:
            now = began + timedelta(days=day)
            moving.tick(now)
            sending.deliver_due(now)
            Task.objects.filter(title="First", done_at=None, created_at__lt=now - timedelta(days=3)).update(done_at=now)
            fresh = clock.with_suffix(".new")
            fresh.write_text(str(day + 1))
            fresh.rename(clock)
        os._exit(0)
    print(worker, flush=True)
    os.waitpid(worker, 0)
    print("ended", flush=True)
"""


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    book = sqlite3.connect(home / "book.sqlite3", timeout=60)
    try:
        return book.execute(query).fetchall()
    finally:
        book.close()


def test_twenty_kills_in_the_middle_of_plays_lose_and_repeat_nothing(home: Path, tmp_path: Path) -> None:
    draws, clock = random.Random(20), tmp_path / "day"
    clock.write_text("0")
    with Sink() as sink:
        done = subprocess.run([sys.executable, "-c", SET_UP, str(sink.port), str(ACCOUNTS), TEXT], env=environment(home), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        starter = subprocess.Popen([sys.executable, "-c", STARTER, str(clock), str(DAYS)], env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert starter.stdin
        assert starter.stdout
        kills = 0
        for _ in range(200):
            starter.stdin.write("go\n")
            starter.stdin.flush()
            worker = int(starter.stdout.readline())
            ended = False
            if kills < KILLS:
                time.sleep(draws.uniform(0.05, 0.9))
                try:
                    os.kill(worker, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    ended = True
            assert starter.stdout.readline() == "ended\n"
            if int(clock.read_text()) > DAYS or ended:
                break
        starter.stdin.close()
        starter.wait(30)
        assert int(clock.read_text()) > DAYS
        assert kills >= min(KILLS, 5), "the killing began too late to show anything"
        states = Counter(state for (state,) in rows(home, "select state from work_playrun"))
        assert states == {"ended": ACCOUNTS}
        given = Counter(rows(home, "select play_run_id, title from work_task"))
        assert set(given.values()) == {1}
        assert Counter(str(title) for _run, title in given) == {"First": ACCOUNTS, "Of somebody else": ACCOUNTS, "Last": ACCOUNTS}
        steps = Counter(rows(home, "select run_id, path from work_playstep"))
        assert set(steps.values()) == {1}
        mails = Counter(str(state) for (state,) in rows(home, "select state from work_outgoingmail where play is not null"))
        assert sum(mails.values()) == ACCOUNTS
        sent = Counter(to for to, _content in sink.taken if to != "ada@firm.example")
        assert set(sent.values()) <= {1}
        assert mails["sent"] <= len(sent) <= mails["sent"] + mails["unknown"], json.dumps(mails)
