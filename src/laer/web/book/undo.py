"""Undo an import as a whole: book and lake, restoring what stood before, leaving what a person changed since."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.records.types import BOOK
from laer.web.book import between, matching, no_news, undated, usage, writing
from laer.web.book.identity import FORGOTTEN, TAKEN_OUT
from laer.web.book.models import MODELS, DirtyAccount, ExternalId, FieldChange, ImportRun, ImportState
from laer.web.book.prepare import as_json
from laer.web.people.models import User

LISTED = 200
LOG = ("record", "object_id", "account_id", "field", "old", "new", "effective_at", "recorded_at", "source", "run_id", "user_id")
UNDOABLE = (ImportState.DONE, ImportState.FAILED, ImportState.UNDOING)


class NotUndoable(Exception):
    """The import has not written anything yet, or is still writing."""


def undone_already(run: ImportRun) -> str | None:
    """What the command line says of an import that was undone before; None where it was not."""
    if run.state != ImportState.UNDONE:
        return None
    when = f" on {timezone.localtime(run.undone_at):%Y-%m-%d %H:%M}" if run.undone_at else ""
    return f"import {run.pk} was undone already{when}: nothing was changed. Its files are kept; import them again to have it back"


def undo_import(run: ImportRun, user: User | None = None) -> dict[str, Any]:
    """Take an import out of the current state. Its files stay, so that it can be done again.

    Returns  {restored: fields put back, archived: rows taken out, lake: usage rows taken out,
              left: [{record, object_id, field, why}]} ; `left` names what someone changed since
    Safe to call again after an interruption: what is done already is found done.
    """
    run.refresh_from_db()
    if run.state == ImportState.UNDONE:
        return run.counts.get("undo", {})
    if run.state not in UNDOABLE:
        raise NotUndoable(_("import %(run)s is %(state)s; only a finished import can be undone") % {"run": run.pk, "state": run.get_state_display().lower()})
    ImportRun.objects.filter(pk=run.pk).update(state=ImportState.UNDOING)
    matching.detach(run)
    left: list[dict[str, Any]] = []
    restored = _restore_fields(run, user, left)
    archived = 0
    for record in reversed(BOOK):
        archived += _archive_created(run, record, left)
        if record == "subscription_lines":  # before the rows on which such lines hang
            no_news.outlives(run)
    removed = usage.lake().remove_run(str(run.pk))
    now = timezone.now()
    summary = {"restored": restored, "archived": archived, "lake": removed, "left": left[:LISTED], "left_count": len(left), "by": user.pk if user else None}
    with transaction.atomic():
        run.state, run.undone_at = ImportState.UNDONE, now
        run.counts = run.counts | {"undo": summary}
        run.save(update_fields=["state", "undone_at", "counts"])
        run.questions.filter(answer="").update(answer="undone", answered_at=now)
        undated.ask_again(run)
        between.forget(run)
        DirtyAccount.objects.create(account_id=None, since=now)
    return summary


def _restore_fields(run: ImportRun, user: User | None, left: list[dict[str, Any]]) -> int:
    """Put each field that the run changed to what stands without the run, unless somebody else changed it since.

    What stands is said by the change log alone: undo rows and the changes of undone imports do not count.
    """
    undone = set(ImportRun.objects.filter(state=ImportState.UNDONE).values_list("id", flat=True)) | {run.pk}
    touched: dict[str, dict[int, set[str]]] = {}
    for record, object_id, name in FieldChange.objects.filter(run=run).order_by("id").values_list("record", "object_id", "field"):
        touched.setdefault(record, {}).setdefault(object_id, set()).add(name)
    restored = 0
    for record, fields in touched.items():
        for part in writing.chunks(sorted(fields), 500):
            restored += _restore_part(run, user, left, record, {i: fields[i] for i in part}, undone)
    return restored


def _restore_part(run: ImportRun, user: User | None, left: list[dict[str, Any]], record: str, fields: dict[int, set[str]], undone: set[int]) -> int:
    model: Any = MODELS[record]
    history: dict[tuple[int, str], list[FieldChange]] = {}
    for change in FieldChange.objects.filter(record=record, object_id__in=list(fields)).order_by("id").select_related("user"):
        if change.field in fields[change.object_id] and not change.source.startswith("undo:"):
            history.setdefault((change.object_id, change.field), []).append(change)
    current = {r["id"]: r for r in model.objects.filter(id__in=list(fields)).values()}
    now = timezone.now()
    log: list[tuple[Any, ...]] = []
    by_column: dict[str, list[tuple[Any, int]]] = {}
    for (object_id, name), changes in history.items():
        mine = max(c.id for c in changes if c.run_id == run.pk)
        standing = [c for c in changes if c.run_id not in undone]
        if standing and standing[-1].id > mine:
            left.append({"record": record, "object_id": object_id, "field": name, "why": _by_whom(standing[-1])})
            continue
        value = standing[-1].new if standing else changes[0].old
        before = as_json(current[object_id][name])
        if before == value:
            continue
        by_column.setdefault(name, []).append((_value(model, name, value), object_id))
        account_id = changes[-1].account_id
        log.append((record, object_id, account_id, name, _dump(before), _dump(value), now, now, f"undo:{run.pk}", None, user.pk if user else None))
    with transaction.atomic():
        for name, pairs in by_column.items():
            writing.update(model, name, pairs)
        writing.insert(FieldChange, LOG, log)
        ExternalId.objects.filter(record=record, object_id__in=list(fields)).update(row_hash=FORGOTTEN)
    return len(log)


def _archive_created(run: ImportRun, record: str, left: list[dict[str, Any]]) -> int:
    """Take out the rows that the run created, except those that a person edited or that rows of other imports hang on."""
    model: Any = MODELS[record]
    mine = {"created_run": run.pk}
    ids = list(model.objects.filter(**mine, archived_at=None).values_list("id", flat=True))
    archived = 0
    for part in writing.chunks(ids):
        keep: dict[int, str] = {}
        for change in (
            FieldChange.objects.filter(record=record, object_id__in=part, user__isnull=False).exclude(source__startswith="undo:").select_related("user")
        ):
            keep[change.object_id] = f"{change.field} was {_by_whom(change)}"
        for object_id, why in _hung_on(model, part, run).items():
            keep.setdefault(object_id, why)
        for object_id, other in _stated_since(record, part, run).items():
            keep.setdefault(object_id, f"import {other} states it too")
            model.objects.filter(pk=object_id).update(created_run=other)  # its undo will take the row out
        out = [i for i in part if i not in keep]
        left.extend({"record": record, "object_id": i, "field": "", "why": why} for i, why in keep.items())
        with transaction.atomic():
            model.objects.filter(id__in=out).update(archived_at=timezone.now(), archived_run=run.pk)
            ExternalId.objects.filter(record=record, object_id__in=out).update(row_hash=TAKEN_OUT)
        archived += len(out)
    return archived


def _stated_since(record: str, ids: Any, run: ImportRun) -> dict[int, int]:
    """Rows that a later import of which nothing was undone states as well: object id -> that import."""
    later = ImportRun.objects.filter(state=ImportState.DONE).exclude(pk=run.pk).values("id")
    rows = ExternalId.objects.filter(record=record, object_id__in=ids, stated_run__in=later).values_list("object_id", "stated_run")
    return {object_id: other for object_id, other in rows if other is not None}


def _hung_on(model: type[models.Model], ids: Any, run: ImportRun) -> dict[int, str]:
    """Rows of other runs that point at these: object id -> why it stays."""
    found: dict[int, str] = {}
    other: Any
    for other in MODELS.values():
        for f in other._meta.local_concrete_fields:
            if f.remote_field is None or f.remote_field.model is not model or f.attname == "created_run_id":
                continue
            rows = other.objects.filter(**{f"{f.attname}__in": ids}, archived_at=None)
            rows = rows.exclude(created_run=run.pk).values_list(f.attname, flat=True).distinct()
            for object_id in rows:
                found.setdefault(object_id, f"{other._meta.verbose_name_plural} of another import belong to it")
    return found


def _by_whom(change: FieldChange) -> str:
    day = timezone.localtime(change.recorded_at).strftime("%Y-%m-%d")
    who = change.user.email if change.user else change.source
    return f"changed by {who} on {day}"


def _value(model: Any, name: str, kept: Any) -> Any:
    return model._meta.get_field(name).to_python(kept) if not name.endswith("_id") and kept is not None else kept


def _dump(value: Any) -> str:
    import json

    return json.dumps(as_json(value), ensure_ascii=False)
