"""Undo an import as a whole: book and lake, restoring what stood before, leaving what a person changed since."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.utils import timezone

from laer.records.types import BOOK
from laer.web.book import usage, writing
from laer.web.book.identity import FORGOTTEN, TAKEN_OUT
from laer.web.book.models import MODELS, DirtyAccount, ExternalId, FieldChange, ImportRun, ImportState
from laer.web.book.prepare import as_json
from laer.web.people.models import User

LISTED = 200


def undo_import(run: ImportRun, user: User | None = None) -> dict[str, Any]:
    """Take an import out of the current state. Its files stay, so that it can be done again.

    Returns  {restored: fields put back, archived: rows taken out, lake: usage rows taken out,
              left: [{record, object_id, field, why}]} ; `left` names what someone changed since
    Safe to call again after an interruption: what is done already is found done.
    """
    if run.state == ImportState.UNDONE:
        return run.counts.get("undo", {})
    ImportRun.objects.filter(pk=run.pk).update(state=ImportState.UNDOING)
    left: list[dict[str, Any]] = []
    restored = _restore_fields(run, user, left)
    archived = sum(_archive_created(run, record, left) for record in reversed(BOOK))
    removed = usage.lake().remove_run(str(run.pk))
    now = timezone.now()
    summary = {"restored": restored, "archived": archived, "lake": removed, "left": left[:LISTED], "left_count": len(left)}
    with transaction.atomic():
        run.state, run.undone_at = ImportState.UNDONE, now
        run.counts = run.counts | {"undo": summary}
        run.save(update_fields=["state", "undone_at", "counts"])
        DirtyAccount.objects.create(account_id=None, since=now)
    return summary


def _restore_fields(run: ImportRun, user: User | None, left: list[dict[str, Any]]) -> int:
    """Put back each field that the run changed, unless a later change stands on it."""
    restored = 0
    changes = FieldChange.objects.filter(run=run).order_by("-id")
    done = set(FieldChange.objects.filter(source=f"undo:{run.pk}").values_list("record", "object_id", "field"))
    for part in writing.chunks(list(changes.values("id", "record", "object_id", "account_id", "field", "old", "new")), 500):
        now = timezone.now()
        log: list[tuple[Any, ...]] = []
        by_column: dict[tuple[str, str], list[tuple[Any, int]]] = {}
        for change in part:
            place = (change["record"], change["object_id"], change["field"])
            if place in done:
                continue
            later = FieldChange.objects.filter(record=place[0], object_id=place[1], field=place[2], id__gt=change["id"]).order_by("-id").first()
            if later:
                left.append({"record": place[0], "object_id": place[1], "field": place[2], "why": _by_whom(later)})
                continue
            model: Any = MODELS[change["record"]]
            by_column.setdefault((change["record"], change["field"]), []).append((_value(model, change["field"], change["old"]), change["object_id"]))
            log.append(
                (
                    change["record"],
                    change["object_id"],
                    change["account_id"],
                    change["field"],
                    _dump(change["new"]),
                    _dump(change["old"]),
                    now,
                    now,
                    f"undo:{run.pk}",
                    None,
                    user.pk if user else None,
                )
            )
            restored += 1
        with transaction.atomic():
            for (record, name), pairs in by_column.items():
                writing.update(MODELS[record], name, pairs)
            writing.insert(
                FieldChange, ("record", "object_id", "account_id", "field", "old", "new", "effective_at", "recorded_at", "source", "run_id", "user_id"), log
            )
            for record in {c["record"] for c in part}:
                ids = [c["object_id"] for c in part if c["record"] == record]
                ExternalId.objects.filter(record=record, object_id__in=ids, run_id=run.pk).update(row_hash=FORGOTTEN)
    return restored


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
        out = [i for i in part if i not in keep]
        left.extend({"record": record, "object_id": i, "field": "", "why": why} for i, why in keep.items())
        with transaction.atomic():
            model.objects.filter(id__in=out).update(archived_at=timezone.now(), archived_run=run.pk)
            ExternalId.objects.filter(record=record, object_id__in=out).update(row_hash=TAKEN_OUT)
        archived += len(out)
    return archived


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
