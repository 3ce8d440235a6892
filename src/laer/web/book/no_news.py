"""What lists said that was no news: no line was written, and yet it must hold against what comes later.

A list of July that says what the book has already writes nothing. It becomes a line of its day once that is news: where a
list of June that comes later changes the amount before it, or where an undo takes out the line on which it rested. The
line is July's: its undo takes it out, the undo of June's leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import groupby

from django.db import transaction
from django.utils import timezone

from laer.web.book import writing
from laer.web.book.identity import FORGOTTEN, TAKEN_OUT
from laer.web.book.in_force import InForce, lines_in_force
from laer.web.book.models import ExternalId, ImportRun, NoNews, SubscriptionLine
from laer.web.book.staging import Stage

LOT = 5_000
Said = tuple[int, int | None, str, bool]  # account, the line that says so already (None: nothing is paid), its id in the list, of all that it pays


def note(run: ImportRun, day: date, said: Iterable[Said]) -> None:
    """Keep what the lists of a run said of their day that the book had already, in place of what an interrupted attempt kept."""
    NoNews.objects.filter(run=run).delete()
    for part in writing.chunks(list(said)):
        rows = [NoNews(run=run, day=day, account_id=account, line_id=line, key=key, whole=whole) for account, line, key, whole in part]
        NoNews.objects.bulk_create(rows)


def named_later(accounts: Iterable[int], day: date) -> set[int]:
    """Those of the accounts that a list of a later day names, or that begin to pay something later."""
    found: set[int] = set()
    for ids in writing.chunks(sorted(accounts), LOT):
        found |= set(NoNews.objects.filter(account_id__in=ids, day__gt=day).values_list("account_id", flat=True))
        lines = SubscriptionLine.objects.filter(account_id__in=ids, archived_at=None, start_on__gt=day, mrr_num__gt=0)
        found |= set(lines.values_list("account_id", flat=True))
    return found


def stands_again(run: ImportRun, stage: Stage, changed: set[int]) -> int:
    """Put back from its day on what later lists said of accounts that this import changed before it; how many accounts that were."""
    rows = [
        row
        for ids in writing.chunks(sorted(changed), LOT)
        for row in NoNews.objects.filter(account_id__in=ids, day__gt=stage.day).exclude(run=run).select_related("run")
    ]
    back: set[int] = set()
    for day, of_day in groupby(sorted(rows, key=lambda r: (r.day, r.pk)), key=lambda r: r.day):
        said = list(of_day)
        for row in said:
            row.refresh_from_db(fields=["line"])  # an earlier day's may have become a line since
        accounts = {row.account_id for row in said}
        before = lines_in_force(accounts, day, stage.policy, without_run=run.pk)
        after = lines_in_force(accounts, day, stage.policy)
        for row in said:
            stood, stands = ({one.line: one for one in there.get(row.account_id, [])} for there in (before, after))
            if row.line_id in stood and row.line_id not in stands:
                _write(row, stood[row.line_id])
                back.add(row.account_id)
        back |= _nothing_beside(said, before, lines_in_force(accounts, day, stage.policy), stage.day)
    return len(back)


def _nothing_beside(said: list[NoNews], before: dict[int, list[InForce]], after: dict[int, list[InForce]], since: date) -> set[int]:
    """What began with an earlier list beside what a later one called all that an account pays ends on the day of the later one."""
    over: set[int] = set()
    for row in {row.account_id: row for row in said if row.whole}.values():
        known = {one.line for one in before.get(row.account_id, [])}
        for line in SubscriptionLine.objects.filter(id__in={one.line for one in after.get(row.account_id, [])} - known, start_on=since):
            _copy(row, line, mrr_num=0, mrr_den=1, amount="0", end_on=None)
            over.add(row.account_id)
    return over


def outlives(run: ImportRun) -> None:
    """What later lists said of lines that the undo of an import has just taken out becomes a line of theirs. Safe to call again."""
    resting = NoNews.objects.exclude(run=run).filter(line__archived_run=run.pk, line__archived_at__isnull=False)
    while row := resting.order_by("day", "id").select_related("run").first():
        line = SubscriptionLine.objects.get(pk=row.line_id or 0)
        rivals = SubscriptionLine.objects.filter(subscription=line.subscription, product=line.product, start_on=row.day, archived_at=None)
        if rivals.exists():  # the list itself was corrected since
            row.delete()
        else:
            _write(row, None)
    NoNews.objects.filter(run=run).delete()


def _write(row: NoNews, counted: InForce | None) -> None:
    """A list's word as a line of its day; what still later lists said of the line before rests on this one."""
    line = SubscriptionLine.objects.get(pk=row.line_id or 0)
    base = line.pk
    values = {"end_on": line.end_on if line.end_on and line.end_on > row.day else None}
    with transaction.atomic():
        made = _copy(row, line, **values, **({"contract_id": counted.contract} if counted else {}))
        NoNews.objects.filter(line_id=base, day__gt=row.day).update(line_id=made)
        row.delete()


@transaction.atomic
def _copy(row: NoNews, line: SubscriptionLine, **values: object) -> int:
    now = timezone.now()
    line.pk = None
    line._state.adding = True
    own = {"start_on": row.day, "cuts": True, "created_run": row.run, "created_at": now, "archived_at": None, "archived_run": None}
    for name, value in (own | values).items():
        setattr(line, name, value)
    line.save(force_insert=True)
    stated = {"object_id": line.pk, "row_hash": FORGOTTEN, "run_id": row.run_id, "stated_run": row.run_id}
    there = ExternalId.objects.filter(source=row.run.source, record="subscription_lines", external_id=row.key)
    if not there.filter(row_hash=TAKEN_OUT).update(**stated) and not there.exists():
        ExternalId.objects.create(source=row.run.source, record="subscription_lines", external_id=row.key, **stated)
    return int(line.pk)
