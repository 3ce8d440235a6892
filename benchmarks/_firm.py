"""A firm of 100,000 accounts with 1,000,000 touches, one pass published: made once a day, kept in the temporary folder, copied for each run.

`home("sqlite" | "postgres", folder)` gives a home to serve from; on PostgreSQL with a database of its own that `drop` takes away.
What is kept is named by a hash of this file, the migrations, the seam and the day, so that a change makes it anew; older ones are removed.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.account_list import COUNTRIES, FIRST, SECOND, SEGMENTS

ROOT = Path(__file__).parents[1]
SERVER = os.environ.get("LAER_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
PASSWORD = "sixteen people clicking"
ACCOUNTS, TOUCHES, TASKS, NOTES, CONTACTS, TICKETS, EDITS, USAGE = 100_000, 1_000_000, 100_000, 100_000, 200_000, 100_000, 300_000, 300_000
# login, role, accounts of their own, team. Scale's book is a third of the firm's; who owns the rest has no login.
CAST: tuple[tuple[str, str, int, str], ...] = (
    ("admin", "admin", 0, ""), ("finance", "finance", 0, ""), ("lead1", "lead", 0, "North"), ("lead2", "lead", 0, "South"),
    *((f"scale{i}", "member", 11_000, "Scale") for i in range(1, 4)),
    *((f"north{i}", "member", 250, "North") for i in range(1, 5)), *((f"south{i}", "member", 250, "South") for i in range(1, 5)),
    ("viewer", "viewer", 0, "North"),
)  # fmt: skip
NUMBERS = {name: i for i, (name, *_) in enumerate(CAST, 1)}  # as people: they are the first that are made
INDUSTRIES = [f"Industry {i}" for i in range(20)]
WORDS = "renewal pricing rollout champion budget seats adoption onboarding review outage roadmap security contract upsell training invoice".split()


def home(kind: str, folder: Path) -> dict[str, str]:
    """Environment of a fresh copy of the firm in `folder`. Makes the firm where there is none of today (two to four minutes)."""
    kept = _kept() / kind
    if not kept.exists():
        _make(kind, kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True, symlinks=True)
    folder.chmod(0o700)
    environment = {**_bare(), "LAER_HOME": str(folder)}
    if kind == "postgres":
        name = f"laer_bench_{os.getpid()}"
        _sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{_template()}"')
        environment["DATABASE_URL"] = f"{SERVER}/{name}"
    return environment


def drop(environment: dict[str, str]) -> None:
    """The database of a copy, if it has one of its own. Its folder is the caller's."""
    if url := environment.get("DATABASE_URL"):
        _sql(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')


def forget() -> None:
    """Remove what is kept, in the temporary folder and on the server."""
    for folder in Path(tempfile.gettempdir()).glob(f"laer-bench-firm-{os.getuid()}-*"):
        shutil.rmtree(folder, ignore_errors=True)
    if _there():
        import psycopg

        with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
            names = [row[0] for row in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'laer_bench_firm_%'").fetchall()]
        _sql(*(f'DROP DATABASE "{name}" WITH (FORCE)' for name in names))


def _there() -> bool:
    from benchmarks.account_list import answers

    return answers()


def _bare() -> dict[str, str]:
    """The environment without what would make it another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LAER_") and name != "DATABASE_URL"} | {"PYTHONWARNINGS": "ignore"}


def _mark() -> str:
    digest = blake2b(date.today().isoformat().encode(), digest_size=6)
    web, here = ROOT / "src/laer/web", Path(__file__)
    for path in [here, here.parent / "account_list.py", web / "book/seam.py", *sorted(web.glob("*/migrations/0*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _kept() -> Path:
    return Path(tempfile.gettempdir()) / f"laer-bench-firm-{os.getuid()}-{_mark()}"


def _template() -> str:
    return f"laer_bench_firm_{_mark()}"


def _make(kind: str, kept: Path) -> None:
    for old in Path(tempfile.gettempdir()).glob(f"laer-bench-firm-{os.getuid()}-*"):
        if old != kept.parent:
            shutil.rmtree(old, ignore_errors=True)
    part = kept.with_name(f"{kept.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    environment = {**_bare(), "LAER_HOME": str(part), "DJANGO_SETTINGS_MODULE": "laer.web.settings"}
    if kind == "postgres":
        _sql(f'DROP DATABASE IF EXISTS "{_template()}" WITH (FORCE)', f'CREATE DATABASE "{_template()}"')
        environment["DATABASE_URL"] = f"{SERVER}/{_template()}"
    subprocess.run([sys.executable, "-W", "ignore", "-m", "benchmarks._firm"], env=environment, cwd=ROOT, check=True)
    part.rename(kept)


def _sql(*statements: str) -> None:
    import psycopg

    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        for statement in statements:
            server.execute(statement)  # type: ignore[call-overload]


# -- the rows, in a process of their own that serves nothing ----------------------------------------------------------


def make() -> None:
    """Fill the home and the database of the environment."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from laer.cli.operate.installation import collect_static
    from laer.web.runs.passes import start_pass

    began = time.perf_counter()
    call_command("migrate", verbosity=0)
    collect_static()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")
    for model, columns, rows in tables(_people()):
        _load(model, columns, rows)
    _say(began, "rows")
    _usage()
    _say(began, "usage")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    run = start_pass()
    _say(began, f"pass {run.counts}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    _say(began, "done")


def _say(began: float, what: str) -> None:
    print(f"the firm: {time.perf_counter() - began:.0f} s, {what}", file=sys.stderr, flush=True)


def _load(model: Any, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    from django.core.management.color import no_style
    from django.db import connection, transaction

    from laer.web.book import writing

    rows = iter(rows)
    while part := list(islice(rows, 20_000)):
        with transaction.atomic():
            writing.insert(model, columns.split(), part)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
                cursor.execute(statement)


def _people() -> dict[str, Any]:
    """Logins of the cast with their teams, and people without a login; who owns what is in `owners`."""
    from django.utils import timezone

    from laer.web.people import teams
    from laer.web.people.models import Person, User

    now, luck = timezone.now(), random.Random(5)
    hashed = ""
    users, people, members, owners = {}, {}, {}, []
    for name, role, own, team in CAST:
        user = User.objects.create_user(f"{name}@bench.example", None if hashed else PASSWORD, role=role)
        if hashed:
            User.objects.filter(pk=user.pk).update(password=hashed)
        hashed = hashed or user.password
        person = Person.objects.filter(user=user).first() or Person.objects.create(name=name.title(), user=user, created_at=now)
        Person.objects.filter(pk=person.pk).update(name=f"{luck.choice(FIRST)} {name.title()}")
        users[name], people[name] = user, person
        members.setdefault(team, []).append(person.pk)
        owners += [person.pk] * own
    admin = User.objects.get(pk=users["admin"].pk)
    for team in ("Scale", "North", "South"):
        teams.save_team(admin, team, None, members[team])
    others = [Person.objects.create(name=f"{luck.choice(FIRST)} {luck.choice(SECOND)} {i}", created_at=now).pk for i in range(200)]
    owners += [others[min(int(luck.paretovariate(0.7)) - 1, 199)] for _ in range(ACCOUNTS * 95 // 100 - len(owners))]
    owners += [None] * (ACCOUNTS - len(owners))
    luck.shuffle(owners)
    return {"owners": owners, "users": {n: u.pk for n, u in users.items()}, "people": {n: p.pk for n, p in people.items()}, "now": now}


def tables(firm: dict[str, Any]) -> Iterator[tuple[Any, str, Iterable[tuple[Any, ...]]]]:
    """(model, columns, rows) in an order that keeps the keys."""
    from laer.web.book.models import (
        Account,
        Assignment,
        Contact,
        Contract,
        ExternalId,
        FieldChange,
        ImportRun,
        Note,
        Product,
        Subscription,
        SubscriptionLine,
        Ticket,
    )
    from laer.web.work.models import Notification, Task, Touch

    now, owners = firm["now"], firm["owners"]
    today, ago = now.date(), [now - timedelta(hours=7 * i + 1) for i in range(1_800)]
    login_of = {pk: firm["users"][name] for name, pk in firm["people"].items()}
    logins, everybody = list(firm["users"].values()), list(firm["people"].values())
    luck = random.Random(7)
    every = range(1, ACCOUNTS + 1)
    names = [f"{luck.choice(FIRST)} {luck.choice(SECOND)} {i}" for i in every]

    def text(words: int) -> str:
        return " ".join(luck.choices(WORDS, k=words)).capitalize()

    noted = zip(range(2, NOTES + 2), _cycled(ago), strict=False)
    yield ImportRun, "id source state kind user_id created_at finished_at rows_total rows_done counts notes error", [
        (1, "crm", "done", "import", firm["users"]["admin"], ago[-1], ago[-1], ACCOUNTS, ACCOUNTS, {"accounts": {"new": ACCOUNTS}}, [], ""),
        *((i, "person", "done", "edit", luck.choice(logins), at, at, 0, 0, {"notes": {"new": 1}}, [], "") for i, at in noted),
    ]
    yield Product, "id name custom created_at", [(i, f"Product {i}", {}, now) for i in range(1, 13)]
    made = ({}, 1, ago[-1])  # custom, created_run_id, created_at
    kinds = [(luck.choice(SEGMENTS), luck.choice(COUNTRIES), luck.choice(INDUSTRIES), luck.randrange(5, 9_000)) for _ in every]
    yield Account, "id name domain segment country industry employees custom created_run_id created_at changed_at", (
        (i, name, f"{name.lower().replace(' ', '-')}.example", *kind, *made, ago[-1]) for i, name, kind in zip(every, names, kinds, strict=True)
    )
    yield ExternalId, "source record external_id object_id row_hash run_id stated_run", (("crm", "accounts", f"A-{i:06d}", i, 1, 1, 1) for i in every)
    owned = zip(every, owners, strict=True)
    yield Assignment, "account_id person_id job custom created_run_id created_at", ((i, o, "csm", *made) for i, o in owned if o)
    yield Contact, "id account_id name email title custom created_run_id created_at", (
        (i, (i - 1) // 2 + 1, f"{luck.choice(FIRST)} {luck.choice(SECOND)}", f"c{i}@customer.example", luck.choice(("CIO", "Head of IT", None)), *made)
        for i in range(1, CONTACTS + 1)
    )
    begins = [today - timedelta(days=luck.randrange(90, 1_400)) for _ in every]
    ends = [day + timedelta(days=365 * luck.randrange(1, 5)) for day in begins]
    paying = [luck.random() < 0.85 for _ in every]
    yield Contract, "id account_id name signed_on start_on end_on term_months auto_renews custom created_run_id created_at", (
        (i, i, f"Contract {i}", begins[i - 1] - timedelta(days=i % 40), begins[i - 1], ends[i - 1], 12, luck.random() < 0.5, *made)
        for i in every
        if paying[i - 1]
    )
    yield Subscription, "id account_id contract_id product_id name custom created_run_id created_at", (
        (2 * i - k, i, i, luck.randrange(1, 13), f"S-{2 * i - k}", *made) for i in every if paying[i - 1] for k in (1, 0)
    )
    line = "account_id subscription_id contract_id product_id plan start_on end_on seats amount interval currency mrr_num mrr_den ended_because"
    yield SubscriptionLine, f"{line} custom created_run_id created_at", (
        (*row, *made) for i in every if paying[i - 1] for row in _lines(luck, i, begins[i - 1], ends[i - 1], today)
    )
    yield Ticket, "account_id subject opened_at closed_at priority custom created_run_id created_at", (
        (luck.randrange(1, ACCOUNTS + 1), text(5), ago[i % 1_700 + 60], None if i % 9 == 0 else ago[i % 1_700], luck.choice(("low", "high")), *made)
        for i in range(TICKETS)
    )
    mine = [i for i in every if owners[i - 1] in login_of]  # where people with a login work
    yield Note, "id account_id text written_on custom created_run_id created_at", (
        (i, luck.choice(mine) if i % 2 else i % ACCOUNTS + 1, text(30), at.date(), {}, i + 1, at)
        for i, at in zip(range(1, NOTES + 1), _cycled(ago), strict=False)
    )

    def who(account: int) -> int:
        """The login of whoever owns the account, else the admin's."""
        return login_of.get(owners[account - 1], logins[0])

    of_touch = [luck.choice(mine) if i % 2 else i % ACCOUNTS + 1 for i in range(TOUCHES)]
    yield Touch, "id account_id kind at minutes sentiment direction summary person_id created_by_id created_at", (
        (i, a, luck.choice(("call", "mail")), at, luck.randrange(5, 90), luck.choice(("good", "bad", None)), "out", text(12), owners[a - 1], who(a), at)
        for i, a in enumerate(of_touch, 1)
        for at in (ago[i % 1_800],)
    )
    of_task = [luck.choice(mine) if i % 2 else i % ACCOUNTS + 1 for i in range(TASKS)]
    listed = [{"text": "Ask", "done": False}]
    due = [today + timedelta(days=luck.randrange(-20, 60)) for _ in range(100)]
    yield Task, "id account_id title detail due_on priority assignee_id checklist created_by_id created_at done_at done_by_id", (
        (i, a, text(4), "", due[i % 99], i % 3 + 1, owners[a - 1] or luck.choice(everybody), listed, logins[0], ago[i % 1_800], *done)
        for i, a in enumerate(of_task, 1)
        for done in ((None, None) if i % 10 == 0 else (ago[i % 900], logins[0]),)
    )
    yield Notification, "person_id kind account_id task_id by_id at read_at", (
        (owners[of_task[i - 1] - 1], "assigned", of_task[i - 1], i, logins[0], ago[i % 1_800], None if i % 50 == 0 else now)
        for i in range(1, TASKS + 1)
        if owners[of_task[i - 1] - 1] in login_of
    )
    log = "record object_id account_id field old new effective_at recorded_at source user_id"
    yield FieldChange, log, (
        ("touches", i, a, "created", None, '"Call"', ago[i % 1_800], ago[i % 1_800], "person", who(a)) for i, a in enumerate(of_touch, 1)
    )
    yield FieldChange, log, (
        ("tasks", i, a, "created", None, '"Task"', ago[i % 1_800], ago[i % 1_800], "person", logins[0]) for i, a in enumerate(of_task, 1)
    )
    yield FieldChange, log, (
        ("accounts", a, a, luck.choice(("region", "employees", "lead_source")), None, f'"{i}"', at, at, "person", luck.choice(logins))
        for i, at in zip(range(EDITS), _cycled(ago), strict=False)
        for a in (luck.randrange(1, ACCOUNTS + 1),)
    )


def _cycled(items: list[Any]) -> Iterator[Any]:
    while True:
        yield from items


def _lines(luck: random.Random, account: int, start: date, end: date, today: date) -> Iterator[tuple[Any, ...]]:
    """Four to six lines of two subscriptions: an upgrade of each, and for most a second."""
    gone = end if end < today and luck.random() < 0.7 else None
    for k in (1, 0):
        head, day, amount = (account, 2 * account - k, account, None), start, luck.randrange(20, 4_000)
        cuts = sorted({start + timedelta(days=luck.randrange(30, 900)) for _ in range(2 if luck.random() < 0.7 else 1)})
        for cut in [c for c in cuts if c < min(today, gone or today)]:
            yield *head, "Team", day, cut, amount // 20 + 1, str(amount), "month", "USD", amount, 1, "change"
            day, amount = cut, max(10, amount + luck.randrange(-300, 700))
        yield *head, "Business", day, gone, amount // 20 + 1, str(amount), "month", "USD", amount, 1, "cancelled" if gone else None


def _usage() -> None:
    """Usage of a tenth of the accounts over 90 days, taken in as a file would be."""
    from laer.web.book.importing import begin_import, run_import

    luck, today = random.Random(3), date.today()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "usage.csv"
        with path.open("w") as file:
            file.write("usage_id,account_id,usage_date,feature_name,usage_count,usage_duration_secs,error_count\n")
            for i in range(USAGE):
                day = today - timedelta(days=luck.randrange(1, 90))
                numbers = f"{luck.randrange(1, 40)},{luck.randrange(3_000)},{luck.randrange(3)}"
                file.write(f"U-{i:07d},A-{luck.randrange(1, ACCOUNTS // 10):06d},{day},feature_{luck.randrange(12)},{numbers}\n")
        run_import(begin_import([(path.name, path)], source="crm"))


if __name__ == "__main__":
    make()
