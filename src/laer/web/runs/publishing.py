"""Publish a pass: cards and account months, only where their content changed, in chunks of 1,000."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
from django.db import connection, transaction
from django.utils import timezone

from laer.metrics.changes import MOVEMENTS
from laer.records.money import minor_units, rounded
from laer.records.periods import first_day
from laer.web.book import writing
from laer.web.book.identity import content_hash
from laer.web.runs import snapshots
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
            old = snapshots.read(before.pk)
            if int(before.denominator) != denominator:
                old, tables, denominator = _same_parts(old, int(before.denominator), tables, denominator)
            tables = snapshots.merged(old, tables, accounts)
        else:
            self.fence()
            snapshots.keep_facts(self.run, tables["facts"])
        self.run.denominator = Decimal(denominator)
        self.run.snapshot = snapshots.write(self.run.pk, tables)

    def cards(self, rows: list[dict[str, Any]], accounts: frozenset[int] | None) -> int:
        fresh = {}
        for row in rows:
            row["search"] = f"{row['name']}\n{row['domain'] or ''}".casefold()[:520]  # a line break sorts before every letter: names sort as names
            values = tuple(row[c] for c in CARD)
            fresh[row["account_id"]] = (content_hash(values), values)
        published = AccountCard.objects.all() if accounts is None else AccountCard.objects.filter(account_id__in=accounts)
        there = dict(published.values_list("account_id", "content_hash"))
        changed = [(a, *values, self.run.pk, h, self.now) for a, (h, values) in fresh.items() if there.get(a) != h]
        gone = [a for a in there if a not in fresh]
        attributes = ("account_id", *CARD, "run_id", "content_hash", "published_at")
        self._chunks(changed, lambda part: upsert(AccountCard, attributes, ("account_id",), part))
        self._chunks(gone, lambda part: AccountCard.objects.filter(account_id__in=part).delete())
        if len(changed) > LARGE and connection.vendor == "sqlite":  # its planner knows the sizes only when told
            with connection.cursor() as cursor:
                cursor.execute(f'ANALYZE "{AccountCard._meta.db_table}"')
        if accounts is not None:  # computed again and found the same: no longer older than the change
            self._chunks(
                [a for a in fresh if there.get(a) == fresh[a][0]], lambda part: AccountCard.objects.filter(account_id__in=part).update(published_at=self.now)
            )
        return len(changed) + len(gone)

    def account_months(self, rows: pa.Table, denominator: int, currency: str, accounts: frozenset[int] | None) -> int:
        places = minor_units(currency)
        scale = 10**places
        memo: dict[int, int] = {}

        def minor(parts: Any) -> int:
            parts = int(parts)
            if parts not in memo:
                memo[parts] = int(rounded(Fraction(parts, denominator), places) * scale)
            return memo[parts]

        fresh: dict[tuple[int, date], tuple[int, tuple[int, ...]]] = {}
        columns = [rows[c].to_pylist() for c in ("account_id", "m", "opening", "closing", *MOVEMENTS)]
        for account, m, *amounts in zip(*columns, strict=True):
            values = tuple(map(minor, amounts))
            fresh[account, first_day(m)] = (content_hash(values), values)
        published = AccountMonth.objects.all() if accounts is None else AccountMonth.objects.filter(account_id__in=accounts)
        there = {(a, m): (h, i) for a, m, h, i in published.values_list("account_id", "month", "content_hash", "id").iterator(5_000)}
        changed = [(*key, *values, self.run.pk, h) for key, (h, values) in fresh.items() if there.get(key, (None,))[0] != h]
        gone = [i for key, (_, i) in there.items() if key not in fresh]
        self._chunks(changed, lambda part: upsert(AccountMonth, ("account_id", "month", *MONTH, "run_id", "content_hash"), ("account_id", "month"), part))
        self._chunks(gone, lambda part: AccountMonth.objects.filter(id__in=part).delete())
        return len(changed) + len(gone)

    def _chunks(self, rows: Sequence[Any], write: Callable[[Any], Any]) -> None:
        for part in writing.chunks(rows):
            with transaction.atomic():
                self.fence()
                write(part)


class PastPublisher(Publisher):
    """A pass over a past date writes to the lake only: no card, no published month."""

    def cards(self, rows: list[dict[str, Any]], accounts: frozenset[int] | None) -> int:
        return 0

    def account_months(self, rows: pa.Table, denominator: int, currency: str, accounts: frozenset[int] | None) -> int:
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


def _same_parts(
    old: dict[str, pa.Table], old_denominator: int, new: Mapping[str, pa.Table], denominator: int
) -> tuple[dict[str, pa.Table], dict[str, pa.Table], int]:
    """Bring two snapshots to one denominator; exact, and only where a line with a new interval or rate came in."""
    import math

    common = math.lcm(old_denominator, denominator)
    return _times(old, common // old_denominator), _times(dict(new), common // denominator), common


def _times(tables: dict[str, pa.Table], factor: int) -> dict[str, pa.Table]:
    from laer.cycle.lines_input import parts_array

    lines = tables["lines"]
    place = lines.schema.get_field_index("parts")
    parts = parts_array([int(p) * factor for p in lines["parts"].to_pylist()])
    return tables | {"lines": lines.set_column(place, "parts", parts)}
