"""What happened on an account, from every table that says so, as one list, newest first.

Each source is asked for the rows below a place, so that the thousandth page is as quick as the first. The order is (instant,
rank of the source, id): two sources may have the same instant, and one day many events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from laer.web.book.models import Account, Contract, FieldChange, ImportRun, ImportState, Note, Pulse
from laer.web.work.models import WORK, Forecast, OutgoingMail, Override, Task, Touch

KINDS = {
    "touch": gettext_lazy("Touches"), "note": gettext_lazy("Notes"), "task": gettext_lazy("Tasks done"), "change": gettext_lazy("Edits"),
    "import": gettext_lazy("Imports"), "contract": gettext_lazy("Contracts signed"), "mrr": gettext_lazy("MRR"), "pulse": gettext_lazy("Pulses"),
    "call": gettext_lazy("Renewal calls"), "override": gettext_lazy("Overrides of bands"), "mail": gettext_lazy("Mails"),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where events of a kind come from: rows of an account (without an order), and the column that says when."""

    kind: str
    column: str  # a date, or an instant
    rows: Callable[[Account], QuerySet[Any]]
    dated: bool = False


@dataclass(frozen=True)
class Event:
    """`row` as its source gave it; the page says it in words."""

    kind: str
    at: datetime
    dated: bool
    rank: int
    row: Any

    @property
    def place(self) -> Place:
        return Place(self.at, self.rank, self.row.pk)


@dataclass(frozen=True)
class Place:
    """Below which event a page begins."""

    at: datetime
    rank: int
    id: int

    @classmethod
    def read(cls, token: str) -> Place | None:
        """`20260412T143000123456-2-77`, in UTC; None for what is none."""
        found = re.fullmatch(r"(\d{8}T\d{12})-(\d{1,2})-(\d{1,18})", token)
        try:
            return cls(datetime.strptime(found[1], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC), int(found[2]), int(found[3])) if found else None
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC):%Y%m%dT%H%M%S%f}-{self.rank}-{self.id}"


SPEAK = (*(name for name in WORK if name != "positions"), "assignments", "notes", "pulses")  # have events of their own


def _people_wrote(account: Account) -> QuerySet[FieldChange]:
    """What people changed of the account's facts. The owner's change says what its assignments say; work and notes speak for themselves."""
    rows = FieldChange.objects.filter(account_id=account.pk, run=None).exclude(record__in=SPEAK)
    return rows.select_related("user__person")


def _imports(account: Account) -> QuerySet[ImportRun]:
    changed = FieldChange.objects.filter(account_id=account.pk, run__isnull=False).values("run_id")
    those = Q(pk__in=changed) | Q(pk=account.created_run_id)
    return ImportRun.objects.filter(those, finished_at__isnull=False, state=ImportState.DONE).exclude(kind="edit").select_related("user__person")


def _of(model: Any, *related: str, **conditions: Any) -> Callable[[Account], QuerySet[Any]]:
    return lambda account: model.objects.filter(account=account, archived_at=None, **conditions).select_related(*related)


BY_HAND = Q(created_run__kind="edit") | Q(written_on=None)
SOURCES: tuple[Source, ...] = (
    Source("touch", "at", lambda account: Touch.objects.filter(account=account, archived_at=None).select_related("person").prefetch_related("contacts")),
    Source("note", "created_at", lambda account: _of(Note, "created_run__user__person")(account).filter(BY_HAND)),
    Source("note", "written_on", lambda account: _of(Note, "created_run")(account).exclude(BY_HAND), dated=True),
    Source("task", "done_at", _of(Task, "done_by__person", done_at__isnull=False)),
    Source("change", "recorded_at", _people_wrote),
    Source("import", "finished_at", _imports),
    Source("contract", "signed_on", _of(Contract, signed_on__isnull=False), dated=True),
    Source("pulse", "stated_on", _of(Pulse, "said__person"), dated=True),
    Source("call", "at", _of(Forecast, "person")),
    Source("override", "created_at", _of(Override, "person")),
    Source("mail", "sent_at", lambda account: OutgoingMail.objects.filter(account=account, sent_at__isnull=False).select_related("contact", "by")),
)  # fmt: skip


def feed(account: Account, sources: Sequence[Source], kind: str, below: Place | None, size: int) -> tuple[list[Event], Place | None]:
    """A page, and where the next one begins. One query per source of the kind (without a kind: per source), two for touches."""
    found: list[Event] = []
    for rank, source in enumerate(sources):
        if kind and source.kind != kind:
            continue
        rows = source.rows(account)
        if below is not None:
            rows = rows.filter(_below(source, rank, below))
        for row in rows.order_by(f"-{source.column}", "-pk")[: size + 1]:
            when = getattr(row, source.column)
            found.append(Event(source.kind, _midnight(when) if source.dated else when, source.dated, rank, row))
    found.sort(key=lambda e: (-e.at.timestamp(), e.rank, -e.row.pk))
    return found[:size], found[size - 1].place if len(found) > size else None


def _below(source: Source, rank: int, place: Place) -> Q:
    """Later in the order than the place: an earlier instant, or the same one of a later source, or of this one with a lower id."""
    column, at = source.column, place.at
    if source.dated:
        local = timezone.localtime(at)
        day = local.date()
        if local.time() != time():  # midnights up to this day's are earlier
            return Q(**{f"{column}__lte": day})
        at = day  # type: ignore[assignment]
    earlier, same = Q(**{f"{column}__lt": at}), Q(**{column: at})
    if rank > place.rank:
        return earlier | same
    return earlier | (same & Q(pk__lt=place.id)) if rank == place.rank else earlier


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
