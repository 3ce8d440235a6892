"""How work is written: rows and their rows of the change log in one transaction, and the way back of everything that was written together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book.actions import Refused, log_change, mark_dirty
from laer.web.book.models import FieldChange
from laer.web.book.trail import name_of
from laer.web.people.models import Person, User
from laer.web.work.scope import (
    editable_answers,
    editable_forecasts,
    editable_overrides,
    editable_positions,
    editable_pulses,
    editable_risks,
    editable_sentiments,
    editable_tasks,
    editable_touches,
)  # fmt: skip

EDITABLE: dict[str, Any] = {
    "tasks": editable_tasks, "touches": editable_touches, "forecasts": editable_forecasts, "overrides": editable_overrides, "pulses": editable_pulses,
    "episode_answers": editable_answers, "risks": editable_risks, "positions": editable_positions, "text_sentiments": editable_sentiments,
}  # fmt: skip
UNREAD = ("episode_answers", "risks", "play_runs")  # no measure reads them: their accounts are computed as before


def write_rows(user: User, record: str, wanted: Iterable[tuple[Any, Mapping[str, Any]]]) -> FieldChange | None:
    """Set fields of rows; the last row of the log is the handle by which `undo_work` takes all of them back. None where nothing changed."""
    now, last = timezone.now(), None
    with transaction.atomic():
        for row, values in wanted:
            changed = {name: new for name, new in values.items() if getattr(row, name) != new}
            for name, new in changed.items():
                old, field = said(row, name), name.removesuffix("_id")
                setattr(row, name, new)
                last = log_change(user, record, row.pk, row.account_id, field, old, said(row, name), now)
            if changed:
                row.save(update_fields=list(changed))
                if row.account_id is not None and record not in UNREAD and (record != "tasks" or _counts(row, changed)):  # measures read them
                    mark_dirty(row.account_id, now)
    return last


def _counts(task: Any, changed: Mapping[str, Any]) -> bool:
    """Whether a measure reads what changed of a task: those that are done, with what they took."""
    return "done_at" in changed or (task.done_at is not None and bool({"minutes", "kind", "archived_at"} & set(changed)))


def log_created(user: User, record: str, row: Any, what: str) -> FieldChange:
    at = row.at if record == "forecasts" else row.created_at
    return log_change(user, record, row.pk, row.account_id, "created", None, what, at)


@transaction.atomic
def undo_work(user: User, change_id: int) -> int:
    """Put back all that the person wrote with that change; how many rows. Refused where one of them was changed since.

    Raises  FieldChange.DoesNotExist for somebody else's change, PermissionDenied where the person may no longer edit a row
    """
    handle = FieldChange.objects.get(pk=change_id, user=user, record__in=EDITABLE)
    together = FieldChange.objects.filter(record=handle.record, user=user, recorded_at=handle.recorded_at)
    values: dict[int, list[FieldChange]] = {}
    for change in together.order_by("id"):
        values.setdefault(change.object_id, []).append(change)
    allowed: Any = EDITABLE[handle.record](user)
    rows = {row.pk: row for row in allowed.filter(pk__in=values)}
    if set(rows) != set(values):
        raise PermissionDenied
    wanted = []
    for object_id, changes in values.items():
        row = rows[object_id]
        back: dict[str, Any] = {}
        for change in changes:
            if change.field == "created":
                back["archived_at"] = timezone.now()
            elif said(row, column(row, change.field)) != change.new:
                raise Refused(_("it has been changed again since"))
            else:
                back[column(row, change.field)] = unsaid(row, change.field, change.old)
        wanted.append((row, back))
    write_rows(user, handle.record, wanted)
    return len(wanted)


def column(row: models.Model, field: str) -> str:
    return str(row._meta.get_field(field).attname)  # type: ignore[union-attr]


def said(row: Any, name: str) -> Any:
    """A value as the change log keeps it; a person by number and name, so that the log reads without them."""
    value = getattr(row, name)
    if name.endswith("_id") and value is not None:
        someone: User | Person = getattr(row, name.removesuffix("_id"))
        return {"id": value, "name": someone.name if isinstance(someone, Person) else name_of(someone)}
    return value.isoformat() if isinstance(value, date | datetime) else value


def unsaid(row: models.Model, field: str, value: Any) -> Any:
    if isinstance(value, dict):
        return value["id"]
    found = row._meta.get_field(field)
    return found.to_python(value) if field != "checklist" and not found.is_relation else value  # type: ignore[union-attr]
