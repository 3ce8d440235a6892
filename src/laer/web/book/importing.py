"""Imports: what was taken in is previewed, and written. The front door: `begin_import` and its like are handed on from here.

Preview and import walk the same `Stage`; the import writes in chunks and can be killed anywhere and called again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from laer.metrics.policy import Policy, load_policy
from laer.records.batch import Batch, Reject
from laer.records.types import BOOK, LAKE
from laer.sources.tabular.batches import batches
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.grid import GridTable
from laer.web.book import between, derive, gridded, loose_contracts, mappings, status_words, suggesting, undated, usage
from laer.web.book.applying import Writer
from laer.web.book.matching import Matcher
from laer.web.book.models import MODELS, CustomField, DirtyAccount, ImportFile, ImportRun, ImportState, QuarantinedRow
from laer.web.book.plans import Plan
from laer.web.book.previewing import COUNTS, FilePreview
from laer.web.book.references import names_customers
from laer.web.book.staging import Stage
from laer.web.book.taking_in import (
    FROM,
    begin_import,
    discard_import,
    files_in_order,
    keepable,
    leave_out,
    remember_mappings,
    repeat_import,
    set_mapping,
    table_of,
)  # fmt: skip
from laer.web.people.audit import log_event
from laer.web.people.company import firm
from laer.web.people.models import Act, User

__all__ = [
    "COUNTS", "FilePreview", "Progress", "begin_import", "discard_import", "files_in_order", "finish", "import_batches", "keepable", "leave_out",
    "preview_import", "repeat_import", "run_import", "run_import_job", "run_preview_job", "run_undo_job", "set_mapping", "table_of", "walk",
]  # fmt: skip

Progress = Callable[[int, str], None]


def preview_import(run: ImportRun, policy: Policy | None = None) -> dict[int, FilePreview]:
    """What the import would do, file by file, without writing."""
    stage, heard = _stage(run, policy, dry=True), undated.Heard()
    previews = {}
    for file in files_in_order(run):
        shown = FilePreview(file.record)
        parts = _parts(file, stage, heard, shown)
        if file.record in LAKE:
            coming = usage.UsageFile(run, stage, parts)
            found = usage.preview(coming)
            shown.counts[file.record] = dict(zip(COUNTS, (found.new, 0, found.known, 0, 0), strict=True))
            shown.reject(file.record, coming.rejects)
        else:
            for batch, rejects in parts:
                for plan in walk(batch, stage, None):
                    shown.add(plan)
                shown.reject(file.record, rejects)
        previews[file.pk] = shown
        file.preview = {"counts": shown.counts, "changes": shown.changes, "created": shown.created, "rejects": shown.rejects, "matched": shown.matched}
        if mappings.from_json(file.mapping).undated:
            file.preview["questions"] = undated.would_ask(stage, heard)
        file.save(update_fields=["preview"])
    run.state = ImportState.PREVIEWED
    run.rows_total = sum(sum(c.values()) for shown in previews.values() for c in shown.counts.values())
    run.save(update_fields=["state", "rows_total"])
    return previews


def run_import(run: ImportRun, progress: Progress | None = None, policy: Policy | None = None) -> ImportRun:
    """Write what the files say. Idempotent: rows that this run wrote before an interruption count as its own."""
    ImportRun.objects.filter(pk=run.pk).update(state=ImportState.RUNNING)
    stage, heard = _stage(run, policy, dry=False), undated.Heard()
    writer = Writer(run, stage)
    QuarantinedRow.objects.filter(run=run).delete()
    run.questions.filter(answer="").delete()
    total: dict[str, dict[str, int]] = {}
    done = 0
    for file in files_in_order(run):
        shown = FilePreview()
        if file.record in LAKE:
            coming = usage.UsageFile(run, stage, _reporting(_parts(file, stage, heard, shown), progress, done, file.name))
            found = usage.append(run, file.pk, coming)
            if found.skipped:
                found_counts = file.counts.get(file.record, {})
                shown.counts[file.record] = {**dict.fromkeys(COUNTS, 0), **found_counts}
                for _ in coming.reader():  # the rows are there; what was set aside is counted again
                    continue
            else:
                shown.counts[file.record] = dict(zip(COUNTS, (found.new, 0, found.known, 0, 0), strict=True))
            shown.counts[file.record]["rejected"] = 0
            shown.reject(file.record, coming.rejects)
            writer.quarantine(coming.rejects)
            done += coming.rows + len(coming.rejects)
        else:
            for batch, rejects in _parts(file, stage, heard, shown):
                for plan in walk(batch, stage, writer):
                    shown.add(plan)
                writer.quarantine(rejects)
                shown.reject(file.record, rejects)
                done += len(batch.rows) + len(rejects)
                if progress:
                    progress(done, file.name)
        _custom_fields(file)
        file.counts, file.state = shown.counts, "done"
        file.save(update_fields=["counts", "state"])
        for record, counts in shown.counts.items():
            there = total.setdefault(record, dict.fromkeys(COUNTS, 0))
            for name in COUNTS:
                there[name] += counts[name]
    undated.hold(run, stage, heard)
    if run.kind != "retry":  # corrected rows are no list
        undated.ask(run, stage, heard)
    between.ask(run, stage.policy, stage.day)
    suggesting.suggest(run)
    return finish(run, total | _created(run, total))


def _created(run: ImportRun, counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Counts whose `new` is what the run created in all its attempts: what rows brought into being is not seen again by a later one."""
    made = {record: MODELS[record]._default_manager.filter(created_run=run.pk).count() for record in BOOK}
    return {record: counts.get(record, dict.fromkeys(COUNTS, 0)) | {"new": n} for record, n in made.items() if n}


def finish(run: ImportRun, counts: dict[str, dict[str, int]]) -> ImportRun:
    """Mark the run done and ask for a pass; in one transaction, so that no published row stays older than the book."""
    now = timezone.now()
    with transaction.atomic():
        run.state, run.counts, run.finished_at = ImportState.DONE, counts, now
        run.rows_done = sum(sum(c.values()) for c in counts.values())
        run.save(update_fields=["state", "counts", "finished_at", "rows_done"])
        if any(c["new"] or c["changed"] for c in counts.values()):
            DirtyAccount.objects.create(account_id=None, since=now)
        if run.user_id is None:  # who confirmed one in the browser is in the audit from then on, with their address
            log_event(Act.IMPORTED, subject=run.title, details={"import": run.pk, "by": {"watch": "a watched folder"}.get(run.kind, "the command line")})
    if run.kind in ("import", "watch"):
        remember_mappings(run)
    elif run.kind == "retry":
        status_words.remember(run)
    return run


def import_batches(parts: Iterable[Batch], *, source: str, kind: str, file_date: date, policy: Policy | None = None) -> ImportRun:
    """Import batches that come from no file (the demo firm), through the same front door."""
    run = ImportRun.objects.create(source=source, kind=kind, file_date=file_date, created_at=timezone.now(), state=ImportState.RUNNING)
    stage = _stage(run, policy, dry=False, accounts_known=True)
    writer = Writer(run, stage)
    total = FilePreview()
    lake_parts: list[Batch] = []
    for batch in parts:
        if batch.record in LAKE:
            lake_parts.append(batch)
            continue
        for plan in walk(batch, stage, writer):
            total.add(plan)
    coming = usage.UsageFile(run, stage, ((b, []) for b in lake_parts))
    found = usage.append(run, 0, coming)
    total.counts[LAKE[0]] = dict(zip(COUNTS, (found.new, 0, found.known, 0, 0), strict=True))
    total.reject(LAKE[0], coming.rejects)
    writer.quarantine(coming.rejects)
    return finish(run, total.counts)


def walk(batch: Batch, stage: Stage, writer: Writer | None) -> Iterator[Plan]:
    """The plans of a batch: what it brings into being first, itself, then the owners it names. Written where a writer is given."""
    for part in derive.prerequisites(batch, stage):
        yield _one(part, stage, writer, derived=True)
    plan = _one(batch, stage, writer)
    yield plan
    for part in derive.owners(plan, stage):
        yield _one(part, stage, writer, derived=True)
    if writer:
        if plan.owners:
            writer.close_former_owners(plan)
        writer.settle(plan)


def _one(batch: Batch, stage: Stage, writer: Writer | None, *, derived: bool = False) -> Plan:
    plan = stage.compare(batch)
    if derived:  # the row of the file that names it is set aside itself, with its text
        plan.rejects.clear()
    if writer:
        writer.apply(plan)
        if derived:
            writer.settle(plan)
    return plan


def _stage(run: ImportRun, policy: Policy | None, *, dry: bool, accounts_known: bool | None = None) -> Stage:
    if accounts_known is None and any(f.record == "accounts" and names_customers(f.mapping) for f in run.files.all()):
        accounts_known = True
    matcher = Matcher(run.source, lambda: _accounts_stated(run))
    return Stage(run.source, policy or load_policy(settings.POLICY), run_id=run.pk, dry=dry, accounts_known=accounts_known, day=run.file_date, matcher=matcher)


def _accounts_stated(run: ImportRun) -> Iterator[Batch]:
    """The accounts of all files of a run, for what must be unique among them."""
    for file in files_in_order(run):
        if file.record == "accounts":
            yield from (batch for batch, _ in batches(table_of(file), mappings.from_json(file.mapping), zone=firm().time_zone))


def _parts(file: ImportFile, stage: Stage, heard: undated.Heard, shown: FilePreview) -> Iterator[tuple[Batch, list[Reject]]]:
    """The batches of a file; what its rows leave to the file's date is filled in."""
    mapping = mappings.from_json(file.mapping)
    table = table_of(file)
    grid = table if isinstance(table, GridTable) and mapping.record == "subscription_lines" else None
    if grid is not None:
        grid.zeros = True
    parts = batches(table, mapping, zone=firm().time_zone)
    for batch, rejects in parts if grid is None else gridded.whole(parts, grid, stage, heard, partial(_later_grids, stage)):
        status_words.put(batch, mapping)
        if batch.record == "contracts":
            loose_contracts.without_renewal(batch, mapping, stage)
            loose_contracts.told_apart(batch, stage)
        if mapping.sheet or batch.record == "pulses":
            undated.stated(batch, stage)
        if mapping.undated:
            batch, same, unclear = undated.dated(batch, stage, heard)
            rejects = [*rejects, *unclear]
            shown.counts.setdefault(batch.record, dict.fromkeys(COUNTS, 0))["unchanged"] += same
        yield batch, rejects


def _later_grids(stage: Stage, month: int) -> Iterator[gridded.Parts]:
    """The batches of the grids of a source that are in the book and begin at a month or after it, oldest first."""
    done = ImportFile.objects.filter(run__source=stage.source, run__state=ImportState.DONE, record="subscription_lines", state="done")
    found = [(file.mapping[FROM], -file.pk, file) for file in done.exclude(run=stage.run_id) if (file.mapping.get(FROM) or 0) >= month]
    for _first, _pk, file in sorted(found, key=lambda each: each[:2]):
        try:
            table = table_of(file)
        except (UnreadableFile, OSError):
            continue  # its bytes are gone
        if isinstance(table, GridTable):
            table.zeros = True
            yield batches(table, mappings.from_json(file.mapping), zone=firm().time_zone)


def _reporting(parts: Iterator[tuple[Batch, list[Reject]]], progress: Progress | None, done: int, name: str) -> Iterator[tuple[Batch, list[Reject]]]:
    for batch, rejects in parts:
        done += len(batch.rows) + len(rejects)
        if progress:
            progress(done, name)
        yield batch, rejects


def _custom_fields(file: ImportFile) -> None:
    mapping = mappings.from_json(file.mapping)
    for slug, (label, kind) in mappings.custom_fields(mapping).items():
        CustomField.objects.get_or_create(record=file.record, slug=slug, defaults={"label": label, "kind": kind})


# -- jobs ------------------------------------------------------------------------------------------------------


def run_preview_job(run_id: int, progress: Progress | None = None) -> None:
    """The background form of `preview_import`, for files that take longer than a page may."""
    run = ImportRun.objects.get(pk=run_id)
    if run.state != ImportState.UPLOADED:
        return
    try:
        preview_import(run)
    except UnreadableFile as error:
        ImportRun.objects.filter(pk=run_id).update(state=ImportState.FAILED, error=str(error))


def run_import_job(run_id: int, progress: Progress | None = None) -> None:
    """The background form of `run_import`: a failure is kept on the run, in words."""
    run = ImportRun.objects.get(pk=run_id)
    if run.state in {ImportState.DONE, ImportState.UNDOING, ImportState.UNDONE}:
        return
    try:
        run_import(run, progress)
    except UnreadableFile as error:
        ImportRun.objects.filter(pk=run_id).update(state=ImportState.FAILED, error=str(error))


def run_undo_job(run_id: int, user_id: int | None = None) -> None:
    from laer.web.book.undo import undo_import

    undo_import(ImportRun.objects.get(pk=run_id), User.objects.filter(pk=user_id).first() if user_id else None)
