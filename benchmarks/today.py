"""Today of the whole book: CPU of its page where a signal stands three times for each account, some of it answered.

    python -m benchmarks.today [--accounts 20000] [--home FOLDER]

Rows are written straight into a book of SQLite, with cards and facts of the size that a pass writes, and are no pass's: what is measured is the
reading. The page is asked for through Django's test client. `--home` keeps the book there, and takes it where it is made already.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import Table, verdict

ROOT = Path(__file__).parents[1]
PAGES = {
    "the whole book": "/today/?whose=all", "what is held back too": "/today/?whose=all&all=1", "its file": "/today/?whose=all&all=1&format=csv",
}  # fmt: skip
BOUND = 0.1  # seconds


def run(full: bool) -> Iterator[Table]:
    yield measured(100_000 if full else 20_000)


def measured(accounts: int, home: str = "") -> Table:
    with tempfile.TemporaryDirectory(prefix="laer-bench-today-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAER_") and name != "DATABASE_URL"}
        environment |= {"LAER_HOME": home or folder, "DJANGO_SETTINGS_MODULE": "laer.web.settings", "PYTHONWARNINGS": "ignore"}
        if not (Path(home or folder) / "made").exists():
            subprocess.run([sys.executable, "-m", "laer.cli", "init"], env=environment, cwd=ROOT, check=True, capture_output=True)
            subprocess.run([sys.executable, "-m", "benchmarks.today", "--make", str(accounts)], env=environment, cwd=ROOT, check=True)
            (Path(home or folder) / "made").touch()
        done = subprocess.run([sys.executable, "-m", "benchmarks.today", "--ask"], env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    said = json.loads(done.stdout.splitlines()[-1])
    table = Table(f"Today of {accounts:,} accounts, three signals each: CPU", ["what", "first, s", "least of 5, s", "queries", "met"])
    for what, one in said["pages"].items():
        bound = verdict(one["least"], at_most=BOUND) if what in list(PAGES)[:2] else ""
        table.add(what, f"{one['first']:.3f}", f"{one['least']:.3f}", str(one["queries"]), bound)
    table.notes.append(f"load {os.getloadavg()[0]:.1f}")
    return table


def make(accounts: int) -> None:
    import django

    django.setup()
    from datetime import timedelta

    from django.db import connection, transaction
    from django.utils import timezone

    from laer.web.book.models import Account
    from laer.web.people.models import Person, User
    from laer.web.runs import episodes
    from laer.web.runs.models import AccountCard, PassRun
    from laer.web.work.models import Episode, EpisodeAnswer

    now, day = timezone.now(), timezone.localdate()
    user = User.objects.create_user("admin@bench.example", None, role="admin")
    people = [Person.objects.create(name=f"Owner {n}", email=f"owner{n}@bench.example", created_at=now) for n in range(20)]
    run = PassRun.objects.create(as_of=day, kind="full", state="complete", currency="USD", started_at=now, finished_at=now)
    stable = {name: one for name, one in episodes.signals().items() if one.status == "stable"}
    due = [name for name, one in stable.items() if one.contractual][:1]
    names = [*due, *[name for name, one in stable.items() if not one.contractual][: 4 - len(due)]]
    evidence = sorted({fact for one in stable.values() for fact in one.evidence})
    facts = dict.fromkeys(evidence, 0.25) | {f"a_measure_of_the_catalogue_{n}": n / 7 for n in range(100)}
    with transaction.atomic():
        rows = Account.objects.bulk_create([Account(name=f"Account {n}", created_at=now) for n in range(accounts)], batch_size=1000)
        cards = (
            AccountCard(account_id=row.pk, name=row.name, search=row.name.casefold(), owner_id=people[n % 20].pk, owner_name=people[n % 20].name,
                        state="paying", mrr_minor=100 * (n % 9973), arr_minor=1200 * (n % 9973), currency="USD", facts=facts, run_id=run.pk,
                        contract_end_on=None if n % 11 == 0 else day + timedelta(days=n % 700), published_at=now)
            for n, row in enumerate(rows)
        )  # fmt: skip
        AccountCard.objects.bulk_create(cards, batch_size=500)
        made = Episode.objects.bulk_create(
            (Episode(account=row, signal=name, version=1, opened_on=day - timedelta(days=n % 90), base=n % 3 == 0, seen={}, run_id=run.pk)
             for n, row in enumerate(rows) for name in (names[:3] if n % 40 == 0 else names[1:])), batch_size=1000,
        )  # fmt: skip
        answered = [one for n, one in enumerate(made) if n % 30 == 0]
        EpisodeAnswer.objects.bulk_create(
            (EpisodeAnswer(episode=one, account_id=one.account_id, kind=("done", "snoozed", "dismissed")[n % 3], reason="known", created_by=user,
                           until_on=day + timedelta(days=n % 10 - 3) if n % 3 == 1 else None, created_at=now - timedelta(days=2))
             for n, one in enumerate(answered)), batch_size=1000,
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def ask() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from benchmarks.pages import Counted
    from laer.web.people.models import User

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.get(email="admin@bench.example"), backend="allauth.account.auth_backends.AuthenticationBackend")
    client.get("/today/?whose=mine")  # templates are compiled, texts read
    print(json.dumps({"pages": {what: _asked(client, address, Counted) for what, address in PAGES.items()}}))


def _asked(client: Any, address: str, counting: Callable[[], Any]) -> dict[str, float]:
    from django.db import connection

    times, queries = [], 0
    for _each in range(6):
        counted = counting()
        with connection.execute_wrapper(counted):
            began = time.process_time()
            answer = client.get(address)
            if answer.streaming:
                b"".join(answer.streaming_content)
            times.append(time.process_time() - began)
        queries = counted.queries
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: found the status {answer.status_code}, expected 200")
    return {"first": times[0], "least": min(times[1:]), "queries": queries}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--home", default="", help="keep the book there, or take the one that is there")
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--ask", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make)
    elif options.ask:
        ask()
    else:
        print(measured(options.accounts, options.home).text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
