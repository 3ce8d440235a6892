"""Episodes of signals: opened and closed by each pass from what it found, and read under a scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Count, Q, QuerySet, Sum

from laer.cycle.scope import Scope
from laer.cycle.segments import Members
from laer.records.definition import compose
from laer.signals.signal import Signal
from laer.web.book import definitions
from laer.web.book.many import listed
from laer.web.runs.models import AccountCard, PassRun
from laer.web.work.models import Episode

Chunks = Callable[[Sequence[Any], Callable[[Any], Any]], None]


def write(run: PassRun, found: Members, rows: pa.Table, accounts: frozenset[int] | None, chunks: Chunks) -> int:
    """Open and close episodes; how many. Idempotent: a pass that was killed and runs again finds the rest.

    One that closed today and stands again today goes on. What stood when it was first looked at is marked as such.
    """
    evidence = {name: signal.evidence for name, signal in signals().items()}
    versions = {name.removeprefix("signal "): version for name, version in run.position.get("definitions", {}).items() if name.startswith("signal ")}
    there_now, today = Episode.objects.filter(closed_on=None), Episode.objects.filter(closed_on=run.as_of)
    if accounts is not None:
        there_now, today = there_now.filter(account_id__in=accounts), today.filter(account_id__in=accounts)
    open_ = {(signal, account): pk for signal, account, pk in there_now.values_list("signal", "account_id", "id").iterator(5_000)}
    ended = {(signal, account): pk for signal, account, pk in today.values_list("signal", "account_id", "id").iterator(5_000)}
    standing: dict[tuple[str, int], bool] = {}
    for name in [column for column in found.held.column_names if column != "account_id"]:
        stands = pc.fill_null(found.held[name], False)
        ids = found.held["account_id"].filter(stands).to_pylist()
        base = found.base[name].filter(stands).to_pylist()
        standing |= {(name, account): bool(first) for account, first in zip(ids, base, strict=True)}
    new = [key for key in standing if key not in open_]
    again = [ended[key] for key in new if key in ended]
    begun = sorted(key for key in new if key not in ended)
    over = [pk for key, pk in open_.items() if key not in standing]
    seen = _evidence(rows, begun, evidence)
    arr = dict(AccountCard.objects.filter(account_id__in=listed(frozenset(account for _, account in begun))).values_list("account_id", "arr_minor"))
    made = [
        Episode(account_id=account, signal=signal, version=versions.get(signal, 0), opened_on=run.as_of, base=standing[signal, account],
                seen=seen.get((signal, account), {}), arr_minor=arr.get(account), run_id=run.pk)
        for signal, account in begun
    ]  # fmt: skip
    chunks(made, lambda part: Episode.objects.bulk_create(part, ignore_conflicts=True))
    chunks(again, lambda part: Episode.objects.filter(pk__in=part).update(closed_on=None, closed_run_id=None))
    chunks(over, lambda part: Episode.objects.filter(pk__in=part).update(closed_on=run.as_of, closed_run_id=run.pk))
    return len(made) + len(again) + len(over)


def _evidence(rows: pa.Table, begun: Sequence[tuple[str, int]], evidence: dict[str, tuple[str, ...]]) -> dict[tuple[str, int], dict[str, Any]]:
    """What each says it saw, of the episodes that open."""
    wanted = sorted({name for signal, _account in begun for name in evidence.get(signal, ()) if name in rows.column_names})
    if not begun or not wanted:
        return {}
    ids = pa.array(sorted({account for _, account in begun}), pa.int64())
    table = rows.select(["account_id", *wanted]).filter(pc.is_in(rows["account_id"], ids))
    by = {row["account_id"]: row for row in table.to_pylist()}
    return {
        (signal, account): {name: _plain(by[account][name]) for name in evidence.get(signal, ()) if name in wanted and by[account][name] is not None}
        for signal, account in begun if account in by
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else float(value) if isinstance(value, Decimal) else value


def signals() -> dict[str, Signal]:
    """Those that a pass computes, by id. One query."""
    made = {row.name: signal_of(row.text) for row in definitions.in_force("signal") if row.status in definitions.IN_USE}
    return {name: signal for name, signal in made.items() if signal is not None}


@lru_cache(maxsize=512)
def signal_of(text: str) -> Signal | None:
    """A definition's text as a signal; None where it does not read any more."""
    try:
        return Signal.model_validate(compose(text).data)
    except ValueError:  # pydantic's and `Unreadable`
        return None


# -- reading ----------------------------------------------------------------------------------------------------------

SHOWN = (
    "id", "account_id", "signal", "opened_on", "closed_on", "base", "seen", "account__name", "account__card__owner_name", "account__card__owner_id",
    "account__card__arr_minor", "account__card__contract_end_on",
)  # fmt: skip


def seen_by(scope: Scope) -> QuerySet[Episode]:
    found = Episode.objects.filter(account__archived_at=None)
    return found if scope.everything else found.filter(account_id__in=listed(scope.account_ids))


def standing(scope: Scope) -> QuerySet[Any, dict[str, Any]]:
    """What stands. One query."""
    return seen_by(scope).filter(closed_on=None).values(*SHOWN)


def counted(scope: Scope, since: date) -> dict[str, dict[str, Any]]:
    """Signal -> standing, ARR of those, and what opened and closed since a day (what stood from the start left out). Two queries."""
    seen = seen_by(scope)
    there = seen.filter(closed_on=None).values("signal").annotate(n=Count("id"), arr=Sum("account__card__arr_minor"))
    found = {row["signal"]: {"standing": row["n"], "arr_minor": row["arr"] or 0, "opened": 0, "closed": 0} for row in there}
    moved = seen.values("signal").annotate(
        opened=Count("id", filter=Q(opened_on__gt=since, base=False)), closed=Count("id", filter=Q(closed_on__gt=since))
    )  # fmt: skip
    for row in moved:
        found.setdefault(row["signal"], {"standing": 0, "arr_minor": 0}).update(opened=row["opened"], closed=row["closed"])
    return found
