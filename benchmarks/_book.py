"""A book of N accounts with 4 lines, 3 tickets, 5 touches and 1 answer each and usage of 18 months in the lake: what a pass reads.

`python -m benchmarks._book ACCOUNTS EVENTS` fills the home and the database of the environment.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

from benchmarks.account_list import COUNTRIES, SEGMENTS

DAYS = 546  # of usage
EVENTS_SQL = """
select 'U-' || i as row_id, 1 + floor({accounts} * power(hash(i + 1) / 18446744073709551615.0, 2))::bigint as account_id,
    'user ' || (hash(i + 2) % 5) as user_id, 'feature ' || (hash(i + 3) % 30) as feature,
    date '{last}' - (i * {days} // {events})::int as day, 1::bigint as count, 'product' as source, '{run}' as run
from range({first}, {end}) t(i) where true
"""


def make(accounts: int, events: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")
    for model, columns, rows in tables(accounts):
        _load(model, columns, rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    fill_lake(accounts, events)


def fill_lake(accounts: int, events: int, portion: int = 2_500_000) -> None:
    """Rows as an import makes them, newest last; portions bound memory."""
    import duckdb
    from django.utils import timezone

    from laer.engine.lake import Lake
    from laer.web import home

    lake, last = Lake(home.lake(), memory="2GB"), timezone.localdate()
    for first in range(0, events, portion):
        end = min(first + portion, events)
        with duckdb.connect() as con:
            sql = EVENTS_SQL.format(accounts=accounts, last=last, days=DAYS, events=events, run="1", first=first, end=end)
            lake.append("usage_days", con.sql(sql).to_arrow_table(), app_id=f"made-{first}", version=1)


def _load(model: Any, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    from django.db import transaction

    from laer.web.book import writing

    rows = iter(rows)
    while part := list(islice(rows, 20_000)):
        with transaction.atomic():
            writing.insert(model, columns.split(), part)


def tables(accounts: int) -> Iterator[tuple[Any, str, Iterable[tuple[Any, ...]]]]:
    """(model, columns, rows) in an order that keeps the keys."""
    from django.utils import timezone

    from laer.web.book.models import Account, Assignment, Contract, ImportRun, Opportunity, Product, Subscription, SubscriptionLine, SurveyResponse, Ticket
    from laer.web.people.models import Person
    from laer.web.work.models import Touch

    now, today, luck = timezone.now(), timezone.localdate(), random.Random(7)
    every, made = range(1, accounts + 1), ({}, 1, now)  # custom, created_run_id, created_at

    def at(days: int) -> datetime:
        return datetime.combine(today - timedelta(days=days), time(12), UTC)

    def on(days: int) -> Any:
        return today - timedelta(days=days)

    yield ImportRun, "id source state kind created_at finished_at rows_total rows_done counts notes error", [
        (1, "crm", "done", "import", now, now, accounts, accounts, {}, [], "")
    ]
    people = [Person.objects.create(name=f"Person {i}", created_at=now).pk for i in range(50)]
    yield Product, "id name custom created_at", [(i, f"Product {i}", {}, now) for i in range(1, 13)]
    kinds = [(luck.choice(SEGMENTS), luck.choice(COUNTRIES)) for _ in every]
    yield Account, "id name domain segment country custom created_run_id created_at changed_at", (
        (i, f"Account {i}", f"a{i}.example", *kind, *made, now) for i, kind in zip(every, kinds, strict=True)
    )
    yield Assignment, "account_id person_id job custom created_run_id created_at", ((i, people[i % 50], "csm", *made) for i in every)
    begins = [luck.randrange(90, 1_000) for _ in every]
    yield Contract, "id account_id name start_on end_on term_months auto_renews signed_on notice_on custom created_run_id created_at", (
        (i, i, f"Contract {i}", on(b), on(b - 365), 12, i % 2 == 0, on(b), on(b - 335), *made) for i, b in zip(every, begins, strict=True)
    )
    yield Subscription, "id account_id contract_id product_id name custom created_run_id created_at", (
        (2 * i - k, i, i, (i * 2 + k) % 12 + 1, f"S-{2 * i - k}", *made) for i in every for k in (1, 0)
    )
    line = "account_id subscription_id contract_id product_id plan start_on end_on seats amount interval currency mrr_num mrr_den ended_because"
    yield SubscriptionLine, f"{line} custom created_run_id created_at", (
        (i, 2 * i - k, i, (i * 2 + k) % 12 + 1, plan, start, end, amount // 20 + 1, str(amount), "month", "USD", amount, 1, because, *made)
        for i, b in zip(every, begins, strict=True)
        for k in (1, 0)
        for cut in (luck.randrange(1, b),)
        for before in (luck.randrange(20, 4_000),)
        for plan, start, end, amount, because in (
            ("Team", on(b), on(cut), before, "change"), ("Business", on(cut), None, before + luck.randrange(-15, 700), None),
        )
    )  # fmt: skip
    yield Opportunity, "account_id name motion stage amount currency created_on closed_on custom created_run_id created_at", (
        (i, "Deal", "expand", "won" if i % 3 else "open", "900", "USD", on(b), on(max(b - 60, 0)) if i % 3 else None, *made)
        for i, b in islice(zip(every, begins, strict=True), 0, None, 2)
    )
    yield Ticket, "account_id subject opened_at closed_at priority custom created_run_id created_at", (
        (luck.randrange(1, accounts + 1), "Help", at(d), None if i % 9 == 0 else at(max(d - 3, 0)), luck.choice(("low", "high")), *made)
        for i in range(3 * accounts)
        for d in (luck.randrange(700),)
    )
    yield SurveyResponse, "account_id kind score answered_on custom created_run_id created_at", (
        (luck.randrange(1, accounts + 1), "nps", str(luck.randrange(11)), on(luck.randrange(700)), *made) for _ in range(accounts)
    )
    yield Touch, "account_id kind at minutes sentiment direction summary created_at", (
        (luck.randrange(1, accounts + 1), luck.choice(("call", "mail")), at(luck.randrange(1, 700)), luck.randrange(5, 90), "good", "out", "Talk", now)
        for _ in range(5 * accounts)
    )


if __name__ == "__main__":
    make(int(sys.argv[1]), int(sys.argv[2]))
