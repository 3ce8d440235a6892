"""Who belongs to which segment since when: stays, written by each pass from what it found, and read under a scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Count, F, Q, QuerySet, Sum

from laer.cycle.scope import Scope
from laer.cycle.segments import Members
from laer.web.book.many import listed
from laer.web.runs.latest import mark
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun, SegmentStay
from laer.web.runs.snapshots import table_of

memory = Memory(100)
Chunks = Callable[[Sequence[Any], Callable[[Any], Any]], None]


def write(run: PassRun, found: Members, accounts: frozenset[int] | None, chunks: Chunks) -> int:
    """Begin and end stays; how many. What is unknown begins and ends none. Idempotent: a pass that was killed and runs again finds the rest.

    A stay that ended today and begins again today goes on: the account was never away at the end of a day.
    """
    open_ = SegmentStay.objects.filter(until_on=None)
    today = SegmentStay.objects.filter(until_on=run.as_of)
    if accounts is not None:
        open_, today = open_.filter(account_id__in=accounts), today.filter(account_id__in=accounts)
    there: dict[str, dict[int, int]] = {}
    for segment, account, pk in open_.values_list("segment", "account_id", "id").iterator(5_000):
        there.setdefault(segment, {})[account] = pk
    ended = {(segment, account): pk for segment, account, pk in today.values_list("segment", "account_id", "id").iterator(5_000)}
    every = set(found.now["account_id"].to_pylist())
    begun: list[SegmentStay] = []
    again: list[int] = []
    left: dict[bool, list[int]] = {False: [], True: []}  # whether the end is base -> stays
    for segment in [name for name in found.now.column_names if name != "account_id"]:
        inside = there.pop(segment, {})
        members, base, out = _sets(found, segment)
        for account in sorted(members - inside.keys()):
            if (segment, account) in ended:
                again.append(ended[segment, account])
            else:
                begun.append(SegmentStay(account_id=account, segment=segment, from_on=run.as_of, begins_base=account in base, run_id=run.pk))
        left[segment in found.new] += [pk for account, pk in inside.items() if account in out]
        left[True] += [pk for account, pk in inside.items() if account not in every]
    left[True] += [pk for inside in there.values() for pk in inside.values()]  # of segments that are no longer computed
    chunks(begun, lambda part: SegmentStay.objects.bulk_create(part, ignore_conflicts=True))
    chunks(again, lambda part: SegmentStay.objects.filter(pk__in=part).update(until_on=None, until_run_id=None, ends_base=False))
    for base_too, stays in left.items():
        chunks(stays, lambda part, base_too=base_too: SegmentStay.objects.filter(pk__in=part).update(  # type: ignore[misc]
            until_on=run.as_of, until_run_id=run.pk, ends_base=base_too))  # fmt: skip
    return len(begun) + len(again) + sum(map(len, left.values()))


def _sets(found: Members, segment: str) -> tuple[set[int], set[int], set[int]]:
    """Accounts that are members, those of whom that is no entry, and those that are known not to be."""
    ids, now = found.now["account_id"], found.now[segment]
    base = found.base.filter(pc.equal(found.base[segment], True))["account_id"]
    members: pa.ChunkedArray = ids.filter(pc.fill_null(now, False))
    return set(members.to_pylist()), set(base.to_pylist()), set(ids.filter(pc.fill_null(pc.invert(now), False)).to_pylist())


def inside(segment: str) -> Q:
    """Of a card or an account: that the account belongs to the segment."""
    return Q(account_id__in=SegmentStay.objects.filter(segment=segment, until_on=None).values("account_id"))


# -- reading ----------------------------------------------------------------------------------------------------------

LATELY = 30  # days


@dataclass(frozen=True)
class Counted:
    """Of a segment in a scope: members now and their ARR in minor units, and who entered and left within the last days."""

    members: int = 0
    arr_minor: int = 0
    entered: int = 0
    left: int = 0


def members(scope: Scope) -> dict[str, int]:
    """Segment -> accounts that belong to it. One query."""
    return dict(_seen(scope).filter(until_on=None).values_list("segment").annotate(n=Count("id")))


def counted(scope: Scope, today: date) -> dict[str, Counted]:
    """Every segment that has or had a member. Two queries."""
    since = today - timedelta(days=LATELY)
    seen = _seen(scope)
    open_ = seen.filter(until_on=None).values("segment").annotate(n=Count("id"), arr=Sum("account__card__arr_minor"))
    there = {row["segment"]: (row["n"], row["arr"] or 0) for row in open_}
    moved = seen.values("segment").annotate(
        entered=Count("id", filter=Q(from_on__gt=since, begins_base=False)), left=Count("id", filter=Q(until_on__gt=since, ends_base=False))
    )
    return {row["segment"]: Counted(*there.get(row["segment"], (0, 0)), row["entered"], row["left"]) for row in moved}


@dataclass(frozen=True)
class Unknown:
    """Of how many accounts too little is known to say whether they are members, and whether it is of all of them."""

    accounts: int
    all: bool


def unknown(run: PassRun | None, scope: Scope) -> dict[str, Unknown]:
    """Segment -> accounts of which the run knew too little, those left out that were members when it was known last. Remembered for the run.

    A segment that the run did not compute has no entry: of it nothing is known.
    """

    def read() -> dict[str, Unknown]:
        if run is None:
            return {}
        now, held = (table_of(run.pk, name) for name in ("segment_truths", "segments"))
        if now is None or held is None:
            return {}
        if not scope.everything:
            ids = pa.array(sorted(scope.account_ids), pa.int64())
            now, held = (table.filter(pc.is_in(table["account_id"], ids)) for table in (now, held))
        now, held = now.sort_by("account_id"), held.sort_by("account_id")
        counts = {
            name: pc.sum(pc.and_(pc.is_null(now[name]), pc.invert(pc.fill_null(held[name], False)))).as_py() or 0
            for name in now.column_names if name != "account_id"
        }  # fmt: skip
        return {name: Unknown(count, bool(count) and count == now.num_rows) for name, count in counts.items()}

    found: dict[str, Unknown] = memory.get(("unknown", scope.key), mark(run), read)
    return found


SHOWN = ("account_id", "from_on", "until_on", "begins_base", "account__name", "account__card__segment", "account__card__owner_name", "account__card__arr_minor")
VIEWS = ("members", "entered", "left")


def rows(segment: str, scope: Scope, view: str) -> QuerySet[Any, dict[str, Any]]:
    """Members by ARR, or entries or exits, the newest first."""
    stays = _seen(scope).filter(segment=segment)
    if view == "members":
        found = stays.filter(until_on=None).order_by(F("account__card__arr_minor").desc(nulls_last=True), "account_id")
    elif view == "entered":
        found = stays.filter(begins_base=False).order_by("-from_on", "-id")
    else:
        found = stays.filter(until_on__isnull=False, ends_base=False).order_by("-until_on", "-id")
    return found.values(*SHOWN)


def _seen(scope: Scope) -> QuerySet[SegmentStay]:
    stays = SegmentStay.objects.filter(account__archived_at=None)
    return stays if scope.everything else stays.filter(account_id__in=listed(scope.account_ids))
