"""Kill the worker with SIGKILL in the middle of sending, twenty times: no mail is lost, none is sent twice, and what nobody knows is listed."""

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

from tests.smtp_sink import Sink

pytestmark = pytest.mark.faults

MAILS, KILLS = 120, 20
SET_UP = """
import sys
import django
django.setup()
from django.utils import timezone
from laer.web.book import definitions
from laer.web.book.models import Account, Contact
from laer.web.people.models import MailSender, User
from laer.web.people import sender
from laer.web.work import sending

definitions.seed()
now = timezone.now()
ada = User.objects.create_user("ada@firm.example", "long enough for it", role="admin")
sender.save(ada, {"name": "The firm", "address": "success@firm.example", "provider": "smtp", "host": "127.0.0.1", "port": sys.argv[1], "security": "none",
                  "site": "https://laer.firm.example", "allowed": "ada@firm.example", "quiet_from": "0", "quiet_until": "0", "most_a_week": "2"})
sender.test(ada, "ada@firm.example")
for at in range(int(sys.argv[2])):
    account = Account.objects.create(name=f"Account {at}", created_at=now)
    contact = Contact.objects.create(account=account, name=f"Jo {at}", email=f"jo{at}@customer{at}.example", created_at=now)
    sending.queue_mail(key=f"run-{at}", template="value_note", account=account, contact=contact, values={"fact": "it works."}, play="value")
"""
# One process that starts workers, each a process of its own: to import the product twenty times would take minutes.
STARTER = """
import os, sys, time
import django
django.setup()
from django.utils import timezone
from laer.web.work import mails_out, sending
mails_out.LEASE = 1.0
mails_out.ROUND = 5
for _asked in sys.stdin:
    worker = os.fork()
    if not worker:
        while True:
            sending.deliver_due(timezone.now())
            time.sleep(0.02)
    print(worker, flush=True)
    os.waitpid(worker, 0)
    print("ended", flush=True)
"""


def environment(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LAER_") and k != "DATABASE_URL"}
    return kept | {"LAER_HOME": str(home), "DJANGO_SETTINGS_MODULE": "laer.web.settings"}


def states(home: Path) -> Counter[str]:
    book = sqlite3.connect(home / "book.sqlite3", timeout=30)
    try:
        return Counter(dict(book.execute("select state, count(*) from work_outgoingmail group by state")))
    finally:
        book.close()


class Starter:
    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTER], env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def start(self) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("another\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline() or self.process.communicate()[1])

    def kill(self, worker: int) -> None:
        os.kill(worker, signal.SIGKILL)
        assert self.process.stdout
        assert self.process.stdout.readline() == "ended\n"


def test_a_worker_killed_twenty_times_loses_no_mail_and_sends_none_twice(home: Path) -> None:
    chance = random.Random(8)
    with Sink(slow=0.06) as sink:
        done = subprocess.run([sys.executable, "-c", SET_UP, str(sink.port), str(MAILS)], env=environment(home), capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        assert len(sink.taken) == 1, "the test mail"
        in_the_middle, starter = 0, Starter(home)
        for _kill in range(KILLS):
            one = starter.start()
            time.sleep(chance.uniform(0.02, 0.7))
            starter.kill(one)
            in_the_middle += states(home)["sending"] > 0
        assert in_the_middle > 3, "the kills fell between the mails: they showed nothing"
        assert states(home)["queued"] > 0, "all was sent before the last kill"
        last = starter.start()
        until = time.monotonic() + 120
        while states(home)["queued"] + states(home)["sending"] and time.monotonic() < until:
            time.sleep(0.2)
        starter.kill(last)
        starter.process.kill()
        arrived = Counter(to for to, _content in sink.taken if to != "ada@firm.example")
    found = states(home)
    assert set(found) <= {"sent", "unknown"}
    assert found["sent"] + found["unknown"] == MAILS
    assert max(arrived.values()) == 1, "a mail was sent twice"
    book = sqlite3.connect(home / "book.sqlite3")
    rows = dict(book.execute('select "to", state from work_outgoingmail'))
    assert {to for to, state in rows.items() if state == "sent"} <= set(arrived), "a mail that is called sent never arrived"
    lost = {to for to in rows if to not in arrived}
    assert all(rows[to] == "unknown" for to in lost), "a mail was lost and is not listed"
    ids = [line for _to, content in sink.taken for line in content.decode().splitlines() if line.lower().startswith("message-id")]
    assert len(ids) == len(set(ids))
    assert found["unknown"] > 0, "no kill fell between the content and the answer"
    print(json.dumps({"killed while sending": in_the_middle, "states": found, "arrived": sum(arrived.values()), "unknown that arrived": found["unknown"] - len(lost)}))
