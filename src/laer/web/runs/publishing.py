"""Publish a pass: cards and account months, only where their content changed, in chunks of 1,000."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from django.db.models import Count, F, Sum
from django.utils import timezone

from laer.cycle.positions import Placed
from laer.cycle.segments import Members
from laer.metrics.changes import MOVEMENTS
from laer.web.book import writing
from laer.web.runs import band_changes, carrying, episodes, position_stays, segment_stays, snapshots
from laer.web.runs.models import AccountCard, AccountMonth, PassRun

CARD = (
    "name",
    "search",
    "domain",
    "segment",
    "country",
    "industry",
    "owner_id",
    "owner_name",
    "state",
    "mrr_minor",
    "arr_minor",
    "currency",
    "first_paid_on",
    "contract_end_on",
    "facts",
)
PART = 2**48 - 1  # bits of a hash that are summed: thousands of months of an account fit
LARGE = 5_000  # rows whose publication changes what the planner should know
MONTH = ("opening_minor", "closing_minor", *(f"{m}_minor" for m in MOVEMENTS))


class Fenced(Exception):
    """Another pass has taken the lease: what this one computed must not be written."""


class Publisher:
    """Writes the results of one pass. `fence` is asked before every chunk, inside its transaction."""

    def __init__(self, run: PassRun, fence: Callable[[], None]) -> None:
        self.run, self.fence = run, fence
        self.now = timezone.now()

    def snapshot(self, tables: Mapping[str, pa.Table], denominator: int, accounts: frozenset[int] | None) -> None:
        if accounts is not None:
            before = PassRun.objects.filter(state="complete").exclude(kind="past").order_by("-id").first()
            assert before is not None  # a small pass follows a full one
            # One denominator for both; it changes only where a line with a new interval or rate came in.
            common = math.lcm(int(before.denominator), denominator)
            tables, factor = carrying.scaled(tables, common // denominator), common // int(before.denominator)
            self.run.denominator = Decimal(common)
            self.run.snapshot = carrying.carry(self.run.pk, before.pk, tables, accounts, factor=factor)
            return
        self.fence()
        snapshots.keep_facts(self.run, tables["facts"])
        self.run.denominator = Decimal(denominator)
        self.run.snapshot = snapshots.write(self.run.pk, tables)

    def cards(self, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        fresh = dict(zip(rows["account_id"].to_pylist(), rows["content_hash"].to_pylist(), strict=True))
        published = AccountCard.objects.all() if accounts is None else AccountCard.objects.filter(account_id__in=accounts)
        there = dict(published.values_list("account_id", "content_hash"))
        places = [place for place, (a, h) in enumerate(fresh.items()) if there.get(a) != h]
        gone = [a for a in there if a not in fresh]
        attributes = ("account_id", *CARD, "run_id", "content_hash", "published_at")
        self._chunks(places, lambda part: upsert(AccountCard, attributes, ("account_id",), self._rows(rows.take(part))))
        self._chunks(gone, lambda part: AccountCard.objects.filter(account_id__in=part).delete())
        if len(places) > LARGE and connection.vendor == "sqlite":  # its planner knows the sizes only when told
            with connection.cursor() as cursor:
                cursor.execute(f'ANALYZE "{AccountCard._meta.db_table}"')
        if accounts is not None:  # computed again and found the same: no longer older than the change
            self._chunks(
                [a for a, h in fresh.items() if there.get(a) == h], lambda part: AccountCard.objects.filter(account_id__in=part).update(published_at=self.now)
            )
        return len(places) + len(gone)

    def _rows(self, rows: pa.Table) -> Iterator[Sequence[Any]]:
        for row in rows.to_pylist():
            row["search"] = f"{row['name']}\n{row['domain'] or ''}".casefold()[:520]  # a line break sorts before every letter: names sort as names
            yield row["account_id"], *(row[c] for c in CARD), self.run.pk, row["content_hash"], self.now

    def account_months(self, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        """Accounts whose rows differ as a whole are looked at row by row: reading each published row takes longer than a pass should."""
        parts = pa.table({"account_id": rows["account_id"], "part": pc.bit_wise_and(rows["content_hash"], PART)})
        totals = parts.group_by("account_id").aggregate([("part", "count"), ("part", "sum")])
        fresh = {a: (n, total) for a, n, total in zip(*(totals[c].to_pylist() for c in ("account_id", "part_count", "part_sum")), strict=True)}
        published = AccountMonth.objects.all() if accounts is None else AccountMonth.objects.filter(account_id__in=accounts)
        summed = published.order_by().values_list("account_id").annotate(n=Count("id"), total=Sum(F("content_hash").bitand(PART)))
        there = {a: (n, int(total)) for a, n, total in summed.iterator(5_000)}
        differ = sorted(a for a in {*fresh, *there} if fresh.get(a) != there.get(a))
        wanted = rows.filter(pc.is_in(rows["account_id"], pa.array(differ, pa.int64())))
        keys = list(zip(wanted["account_id"].to_pylist(), wanted["month"].to_pylist(), strict=True))
        hashes, old = dict(zip(keys, wanted["content_hash"].to_pylist(), strict=True)), dict[tuple[int, date], tuple[int, int]]()
        for part in writing.chunks(differ):
            rows_there = AccountMonth.objects.filter(account_id__in=part).values_list("account_id", "month", "content_hash", "id")
            old.update(((a, m), (h, i)) for a, m, h, i in rows_there)
        places = [place for place, key in enumerate(keys) if old.get(key, (None,))[0] != hashes[key]]
        gone = [i for key, (_, i) in old.items() if key not in hashes]
        attributes = ("account_id", "month", *MONTH, "run_id", "content_hash")
        self._chunks(places, lambda part: upsert(AccountMonth, attributes, ("account_id", "month"), self._months(wanted.take(part))))
        self._chunks(gone, lambda part: AccountMonth.objects.filter(id__in=part).delete())
        return len(places) + len(gone)

    def _months(self, rows: pa.Table) -> Iterator[Sequence[Any]]:
        for row in rows.to_pylist():
            yield row["account_id"], row["month"], *(row[c] for c in MONTH), self.run.pk, row["content_hash"]

    def segments(self, found: Members, accounts: frozenset[int] | None) -> int:
        return segment_stays.write(self.run, found, accounts, self._chunks)

    def signals(self, found: Members, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        return episodes.write(self.run, found, rows, accounts, self._chunks)

    def positions(self, found: Placed, existing: pa.Table, accounts: frozenset[int] | None) -> int:
        return position_stays.write(self.run, found, existing, accounts, self._chunks)

    def band_changes(self, changes: pa.Table, accounts: frozenset[int] | None) -> int:
        return band_changes.write(self.run, changes, accounts, self._chunks)

    def _chunks(self, rows: Sequence[Any], write: Callable[[Any], Any]) -> None:
        for part in writing.chunks(rows):
            with transaction.atomic():
                self.fence()
                write(part)


class PastPublisher(Publisher):
    """A pass over a past date writes to the lake only: no card, no published month."""

    def cards(self, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        return 0

    def account_months(self, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        return 0

    def segments(self, found: Members, accounts: frozenset[int] | None) -> int:
        return 0

    def signals(self, found: Members, rows: pa.Table, accounts: frozenset[int] | None) -> int:
        return 0

    def positions(self, found: Placed, existing: pa.Table, accounts: frozenset[int] | None) -> int:
        return 0

    def band_changes(self, changes: pa.Table, accounts: frozenset[int] | None) -> int:
        return 0


def upsert(model: Any, attributes: Sequence[str], key: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """INSERT … ON CONFLICT DO UPDATE, by executemany."""
    names = writing.columns_of(model)
    columns = ", ".join(f'"{names[a]}"' for a in attributes)
    sets = ", ".join(f'"{names[a]}" = excluded."{names[a]}"' for a in attributes if a not in key)
    conflict = ", ".join(f'"{names[k]}"' for k in key)
    sql = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({", ".join(["%s"] * len(attributes))}) ON CONFLICT ({conflict}) DO UPDATE SET {sets}'
    plain = writing.adapter()
    with connection.cursor() as cursor:
        cursor.executemany(sql, [list(map(plain, row)) for row in rows])
