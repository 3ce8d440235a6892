"""The account list at 100,000 accounts: percentiles per kind of page, through Django's test client and with rendering.

    .venv/bin/python -m benchmarks account_list
    DATABASE_URL=postgresql://postgres@127.0.0.1:5432/laer_bench .venv/bin/python -m benchmarks.account_list [--accounts 100000] [--rounds 4]

Cards are loaded straight into a book of its own (a temporary LAER_HOME; on PostgreSQL the database is made afresh). Every page is
asked for as an admin or a CSM would: session, login, scope, rows, totals, facets, template. Totals and facets are remembered per run
and filters, so the first asking of a page and later ones are told apart. CPU is this process's own time (SQLite's work included,
PostgreSQL's not): on a machine that does other things it says more than the clock.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from benchmarks import Table, verdict

POSTGRES = "postgresql://postgres@127.0.0.1:5432/laer_bench"
BUDGET = 50.0  # milliseconds, 95th percentile
FIRST = "Vantage Willow Bluefin Kestrel Cascade Ember Northwind Cobalt Quarry Lumen Atlas Helio Juniper Marble Onyx Pioneer Quartz Raven Sable Tundra".split()
SECOND = "Labs Foods Energy Health Systems Group Logistics Analytics Studios Robotics Partners Biotech Media Retail Motors Capital".split()
COUNTRIES = (
    ["US"] * 8
    + ["DE", "FR", "GB"] * 4
    + "NL ES IT SE NO DK FI PL PT IE AT CH BE CZ HU RO GR TR IL AE IN SG AU NZ JP KR CN BR MX CA AR CL CO PE ZA NG KE EG MA".split()
)
SEGMENTS = ["Enterprise"] + ["Mid-market"] * 3 + ["SMB"] * 6 + ["Starter"] * 4 + [None]


def run(full: bool) -> Iterator[Table]:
    """The list on SQLite, and on PostgreSQL where a server answers at 127.0.0.1:5432; each in a process of its own."""
    for name, url in (("SQLite", ""), ("PostgreSQL", POSTGRES if answers() else None)):
        if url is None:
            yield Table(f"Account list on {name}: no server at 127.0.0.1:5432", ["kind", "met"])
            continue
        environment = {**os.environ, "DATABASE_URL": url}
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.account_list", "--json", "--rounds", "6" if full else "2"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2_000:])
        answer = json.loads(done.stdout.splitlines()[-1])
        yield Table(answer["title"], answer["headings"], answer["rows"], answer["notes"])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=4, help="how often each page is asked for")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="laer-bench-") as folder:
        os.environ["LAER_HOME"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "laer.web.settings")
        database = os.environ.get("DATABASE_URL", "")
        if database:
            fresh_database(database)
        import django

        django.setup()
        people = load(options.accounts)
        table = measure(people, options.rounds)
        table.title = f"Account list of {options.accounts:,} accounts on {'PostgreSQL' if database else 'SQLite'}, times in ms"
        from django.db import connections

        connections.close_all()
    print(json.dumps(asdict(table)) if options.json else table.text())
    return 0 if options.json or not any(row[-1].startswith("no") for row in table.rows) else 1


def answers() -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 5432), timeout=2):
        return True
    return False


def fresh_database(url: str) -> None:
    import psycopg

    parts = urlsplit(url)
    name = parts.path.lstrip("/")
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]
        server.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]


def load(count: int) -> dict[str, Any]:
    """Accounts, cards, months and assignments; who may log in."""
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.utils import timezone

    from laer.web.book import writing
    from laer.web.book.models import Account, Assignment
    from laer.web.people.models import Person, User
    from laer.web.runs.models import AccountCard, AccountMonth, PassRun

    call_command("migrate", verbosity=0)
    luck, now = random.Random(7), timezone.now()
    today = timezone.localdate()
    admin = User.objects.create_user("admin@bench.example", role="admin")
    csm = User.objects.create_user("csm@bench.example", role="member")
    people = [Person.objects.create(name=f"{luck.choice(FIRST)} {luck.choice(SECOND)} {i}", user=csm if i == 30 else None, created_at=now) for i in range(400)]
    run = PassRun.objects.create(as_of=today, kind="full", state="complete", currency="USD", started_at=now, finished_at=now)
    accounts, cards, months, assignments = [], [], [], []
    for i in range(1, count + 1):
        name = f"{luck.choice(FIRST)} {luck.choice(SECOND)} {i}"
        domain = f"{name.lower().replace(' ', '-')}.example"
        state = luck.choices(["paying", "churned", "prospect"], [70, 15, 15])[0]
        mrr = int(luck.lognormvariate(11.5, 1.2)) if state == "paying" else 0
        owner = people[min(int(luck.paretovariate(0.7)) * 3 + luck.randrange(3), 399)] if luck.random() < 0.95 else None
        end = (
            None
            if state == "prospect" or luck.random() < 0.2
            else today + timedelta(days=luck.randrange(-700, 0) if state == "churned" else luck.randrange(-20, 730))
        )
        segment, country, industry = luck.choice(SEGMENTS), luck.choice(COUNTRIES), f"Industry {int(luck.triangular(0, 20, 2))}"
        accounts.append((i, name, domain, segment, country, industry, {}, now, now - timedelta(days=1)))
        cards.append(
            (
                i,
                name,
                f"{name} {domain}".casefold(),
                domain,
                segment,
                country,
                industry,
                owner and owner.pk,
                owner and owner.name,
                state,
                mrr,
                12 * mrr,
                "USD",
                None,
                end,
                run.pk,
                0,
                now,
            )
        )
        if owner:
            assignments.append((i, owner.pk, "csm", {}, now))
        for back in sorted({luck.randrange(24) for _ in range(3 if mrr else 0)}, reverse=True):
            year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
            months.append((i, date(year, month + 1, 1), mrr // 2, mrr, 0, 0, mrr - mrr // 2, 0, 0, run.pk, 0))
    tables: list[tuple[Any, str, list[Any]]] = [
        (Account, "id name domain segment country industry custom created_at changed_at", accounts),
        (
            AccountCard,
            "account_id name search domain segment country industry owner_id owner_name state mrr_minor arr_minor currency "
            "first_paid_on contract_end_on run_id content_hash published_at",
            cards,
        ),
        (Assignment, "account_id person_id job custom created_at", assignments),
        (
            AccountMonth,
            "account_id month opening_minor closing_minor new_minor reactivation_minor expansion_minor contraction_minor churn_minor run_id content_hash",
            months,
        ),
    ]
    for model, columns, rows in tables:
        for part in writing.chunks(rows, 20_000):
            with transaction.atomic():
                writing.insert(model, columns.split(), part)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    return {"admin": admin, "csm": csm, "owner": people[4].pk}


def kinds(owner: int) -> list[tuple[str, str, dict[str, str], int]]:
    """(kind, who, query, how many pages on): sixty pages in all."""
    plain = [("first page", "admin", {}, 0)]
    sorts = [
        ("sorted", "admin", {"sort": s}, 0)
        for s in (
            "name",
            "-name",
            "mrr",
            "-mrr",
            "arr",
            "contract_end_on",
            "-contract_end_on",
            "owner_name",
            "-owner_name",
            "segment",
            "-segment",
            "industry",
            "country",
        )
    ]
    filtered = [
        ("filtered", "admin", q, 0)
        for q in (
            {"state": "paying"},
            {"state": "churned"},
            {"segment": "Enterprise"},
            {"segment": "none"},
            {"country": "PE"},
            {"country": "US"},
            {"industry": "Industry 19"},
            {"owner": str(owner)},
            {"owner": "none"},
            {"ends_within": "30"},
            {"ends_before": "2020-01-01"},
            {"mrr_min": "10000"},
            {"mrr_max": "500"},
        )
    ]
    both = [
        ("filtered and sorted", "admin", q, 0)
        for q in (
            {"state": "churned", "sort": "-contract_end_on"},
            {"state": "churned", "sort": "-mrr"},
            {"state": "paying", "sort": "contract_end_on"},
            {"state": "paying", "sort": "name"},
            {"segment": "SMB", "country": "DE", "sort": "name"},
            {"segment": "Enterprise", "industry": "Industry 3", "state": "paying", "sort": "-name"},
            {"country": "PE", "sort": "contract_end_on"},
            {"industry": "Industry 2", "mrr_min": "2000", "mrr_max": "10000", "sort": "owner_name"},
            {"owner": str(owner), "sort": "contract_end_on"},
            {"owner": "none", "state": "paying", "sort": "segment"},
            {"ends_within": "90", "state": "paying", "segment": "Mid-market", "sort": "-arr"},
            {"state": "prospect", "sort": "owner_name"},
        )
    ]
    searched = [
        ("searched", "admin", q, 0)
        for q in (
            {"q": "kestrel labs"},
            {"q": "labs"},
            {"q": "99123"},
            {"q": "nothing like it"},
            {"q": "qu"},
            {"q": "z"},
            {"q": "onyx", "sort": "name"},
            {"q": "energy", "segment": "SMB", "state": "paying"},
            {"q": ".example", "sort": "-contract_end_on"},
        )
    ]
    deep = [
        ("deep page", "admin", q, 20)
        for q in (
            {},
            {"sort": "name"},
            {"sort": "segment"},
            {"sort": "contract_end_on"},
            {"state": "paying", "sort": "-contract_end_on"},
            {"segment": "SMB", "sort": "owner_name"},
        )
    ]
    scoped = [
        ("CSM's own book", "csm", q, 0)
        for q in ({}, {"sort": "name"}, {"q": "labs"}, {"state": "paying", "sort": "contract_end_on"}, {"segment": "SMB"}, {"sort": "-owner_name"})
    ]
    return [*plain, *sorts, *filtered, *both, *searched, *deep, *scoped]


def measure(people: dict[str, Any], rounds: int) -> Table:
    from django.test import Client
    from django.test.utils import override_settings

    from laer.web.runs import queries

    with override_settings(
        ALLOWED_HOSTS=["testserver"],
        STORAGES={
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        },
    ):
        clients = {}
        for who in ("admin", "csm"):
            clients[who] = Client()
            clients[who].force_login(people[who], backend="allauth.account.auth_backends.AuthenticationBackend")
            get(clients[who], "/accounts/")  # templates are compiled
        first: dict[str, list[float]] = {}
        again: dict[str, list[float]] = {}
        work: dict[str, list[float]] = {}
        slowest: list[tuple[float, str]] = []
        pages = kinds(people["owner"])
        for turn in range(rounds):
            queries.totals_memory.clear()
            for kind, who, query, on in pages:
                url = "/accounts/?" + urlencode(query)
                for _ in range(on if turn == 0 else 0):
                    url = following(get(clients[who], url)[1]) or url
                for times in (first, again):
                    busy = time.process_time()
                    took, _ = get(clients[who], url)
                    work.setdefault(kind, []).append((time.process_time() - busy) * 1000)
                    times.setdefault(kind, []).append(took)
                    slowest.append((took, f"{url[:90]} ({'first' if times is first else 'again'})"))
        cold = [timed(lambda: (queries.facets_memory.clear(), queries.account_list(people["admin"]))) for _ in range(5)]
        part = [get(clients["admin"], "/accounts/", headers={"HX-Request": "true"})[0] for _ in range(20)]
    table = Table("", ["kind", "pages", "p50", "p95", "longest", "p50 again", "p95 again", "p95 CPU", "met"])
    for kind, times in first.items():
        table.add(kind, *figures(times, again[kind], work[kind]), "")
    every, every_again = [t for k in first.values() for t in k], [t for k in again.values() for t in k]
    table.add("all", *figures(every, every_again, [t for k in work.values() for t in k]), verdict(q(every + every_again, 95), at_most=BUDGET))
    table.notes.append("'first' pages compute their totals, 'again' finds them remembered; CPU is this process's own (PostgreSQL's is not in it).")
    table.notes.append(
        f"The fragment alone: {q(part, 50):.1f} ms. Facets are counted anew once a minute per scope: such a list takes {statistics.median(cold):.0f} ms."
    )
    table.notes.extend(f"slow: {took:.1f} ms {url}" for took, url in sorted(slowest, reverse=True)[:5])
    return table


def figures(first: list[float], again: list[float], work: list[float]) -> tuple[str, ...]:
    return (str(len(first)), *(f"{x:.1f}" for x in (q(first, 50), q(first, 95), max(first), q(again, 50), q(again, 95), q(work, 95))))


def get(client: Any, url: str, **extra: Any) -> tuple[float, str]:
    began = time.perf_counter()
    response = client.get(url, **extra)
    took = (time.perf_counter() - began) * 1000
    assert response.status_code == 200, (url, response.status_code)
    return took, response.content.decode()


def following(page: str) -> str | None:
    """The address of the next page, from its link."""
    import html
    import re

    found = re.search(r'rel="next" href="([^"]+)"', page)
    return "/accounts/" + html.unescape(found.group(1)) if found else None


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def q(times: list[float], percent: int) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


if __name__ == "__main__":
    sys.exit(main())
