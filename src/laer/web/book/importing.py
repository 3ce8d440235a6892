"""Imports: take files in, say how they read, preview, write, undo.

A run keeps the bytes of its files below LAER_HOME/files, so that it can be looked at, done again, or retried. Preview and
import walk the same `Stage`; the import writes in chunks and can be killed anywhere and called again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from laer.metrics.policy import Policy, load_policy
from laer.records.batch import Batch, Reject
from laer.records.money import rounded
from laer.records.types import BOOK, LAKE, ORDER
from laer.sources.tabular.answers import period_open
from laer.sources.tabular.batches import batches
from laer.sources.tabular.files import UnreadableFile, files_at
from laer.sources.tabular.grid import GridTable
from laer.sources.tabular.mapping import CUSTOM, Mapping, fingerprint
from laer.sources.tabular.parts import recognise_all
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.recognise import recognise
from laer.sources.tabular.table import Table
from laer.sources.tabular.weighing import weighed
from laer.web import home
from laer.web.book import derive, gridded, loose_contracts, mappings, status_words, suggesting, undated, usage
from laer.web.book.applying import Writer
from laer.web.book.known_amounts import known_to
from laer.web.book.matching import Matcher
from laer.web.book.models import MODELS, CustomField, DirtyAccount, ImportFile, ImportRun, ImportState, QuarantinedRow, SavedMapping
from laer.web.book.staging import Change, Plan, Stage
from laer.web.people.audit import log_event
from laer.web.people.company import firm
from laer.web.people.models import Act, User

SAMPLES = 200  # changed and rejected rows that a preview shows
EXAMPLES = 5  # new rows of each file that it shows
INSIDE = ("custom", "mrr_num", "mrr_den", "cuts", "start_unknown")  # columns that mean nothing to a reader
DATE_IN_NAME = re.compile(r"(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
FROM = "from_month"  # of a grid the number of its first month, kept beside its mapping
COUNTS = ("new", "changed", "unchanged", "repeated", "rejected")
Progress = Callable[[int, str], None]


@dataclass
class FilePreview:
    """What one table would do: counts per record, the first changes with old and new values, the first rejected rows.

    record   what the table holds; examples of new rows are of these, not of what they bring into being
    """

    record: str = ""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    matched: dict[str, int] = field(default_factory=dict)  # rule -> accounts of other sources found to be meant
    changes: list[dict[str, Any]] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def add(self, plan: Plan) -> None:
        there = self.counts.setdefault(plan.record, dict.fromkeys(COUNTS, 0))
        there["new"] += len(plan.new) + plan.mine - plan.mine_changed
        there["changed"] += len(plan.changed) + plan.mine_changed
        there["unchanged"] += plan.unchanged
        there["repeated"] += plan.repeated
        self.reject(plan.record, plan.rejects)
        for planned in plan.attached:
            self.matched[str(planned.matched)] = self.matched.get(str(planned.matched), 0) + 1
        examples = plan.new[: max(0, EXAMPLES - len(self.created))] if plan.record == self.record else []
        owners = dict(plan.owners) if examples else {}  # they become assignments of their own
        for planned in examples:
            self.created.append(
                {
                    "record": plan.record,
                    "key": planned.key,
                    "line": planned.line,
                    "values": {k: _text(v) for k, v in planned.values.items() if k not in INSIDE and v is not None}
                    | _monthly(planned.values)
                    | ({"owner": owners[planned.key]} if planned.key in owners else {}),
                }
            )
        for planned in plan.changed:
            if len(self.changes) >= SAMPLES:
                break
            named = {"record": plan.record, "key": planned.key, "object_id": planned.object_id, "account_id": planned.account_id, "line": planned.line}
            self.changes.extend(named | {"field": name, "old": old, "new": new} for name, old, new in _spoken(planned.changes))

    def reject(self, record: str, rejects: Iterable[Reject]) -> None:
        there = self.counts.setdefault(record, dict.fromkeys(COUNTS, 0))
        for r in rejects:
            there["rejected"] += 1
            if len(self.rejects) < SAMPLES:
                self.rejects.append({"line": r.line, "reason": r.reason, "raw": r.raw})


# -- taking files in ------------------------------------------------------------------------------------------------------


def begin_import(
    paths: Iterable[tuple[str, Path]],
    *,
    source: str,
    user: User | None = None,
    file_date: date | None = None,
    mappings_given: Sequence[Mapping] = (),
    kind: str = "import",
) -> ImportRun:
    """Keep the files and say how each table reads.

    In       (name shown to people, path) of files or folders
    Raises   UnreadableFile when none can be read; a file that cannot be read beside others is a note of the run
    """
    if firm().is_changing:  # what came in now would go with the demo
        raise UnreadableFile("the files", "the demo firm is being made or left", "a book that stands still", "try again in a minute")
    run = ImportRun.objects.create(source=source, user=user, file_date=file_date, created_at=timezone.now(), kind=kind)
    folder = home.uploads() / str(run.pk)
    notes: list[str] = []
    trouble: UnreadableFile | None = None
    for name, path in paths:
        try:
            files = files_at(path)
        except UnreadableFile as error:
            trouble = error
            notes.append(str(error))
            continue
        for file in files:
            shown = file.name if path.is_dir() else name
            folder.mkdir(parents=True, exist_ok=True)
            kept = folder / f"{run.files.count() + 1:03d}-{re.sub(r'[^A-Za-z0-9._-]', '_', shown)[-80:]}"
            shutil.copyfile(file, kept)
            try:
                _add_tables(run, kept, shown, mappings_given)
            except UnreadableFile as error:
                trouble = UnreadableFile(shown, error.found, error.expected, error.what_to_do)  # by the name that people know
                notes.append(str(trouble))
                if not run.files.filter(path=str(kept.relative_to(home.uploads()))).exists():  # the sheets before a broken one stay
                    kept.unlink(missing_ok=True)
    if not run.files.exists():
        run.delete()
        raise trouble or UnreadableFile("the files", "nothing that can be read")
    if run.file_date is None:
        run.file_date = _date_in_name(run)
    run.notes = notes
    run.rows_total = 0
    run.save()
    return run


def _add_tables(run: ImportRun, kept: Path, shown: str, mappings_given: Sequence[Mapping]) -> None:
    digest = _sha256(kept)
    for table in open_tables(kept, shown):
        given = _given(table, mappings_given)
        saved = SavedMapping.objects.filter(fingerprint=fingerprint(table.header)).first() if not given else None
        parts = given or (
            [recognise(table)] if run.kind == "retry" else recognise_all(table, status=load_policy(settings.POLICY).status.known)
        )  # a retry is told how to read its rows
        if saved:
            parts = mappings.remembered_parts(saved.mapping, parts)
        for found in (keepable(_weighed(table, part, run, again=bool(given or saved))) for part in parts):
            ImportFile.objects.create(
                run=run, name=shown, sheet=table.sheet or "", path=str(kept.relative_to(home.uploads())), sha256=digest, size=kept.stat().st_size,
                mapping=mappings.to_json(found) | {"remembered": saved is not None, "notes": table.notes, FROM: getattr(table, "first", None)},
                record=found.record or "",
            )  # fmt: skip


def _weighed(table: Table, found: Mapping, run: ImportRun, *, again: bool) -> Mapping:
    """A mapping with the evidence of this file: of columns that were mapped before, and of what the book knows."""
    return weighed(table, found, known_to(run.source, run.file_date)) if again or period_open(found) else found


def _given(table: Table, mappings_given: Sequence[Mapping]) -> list[Mapping]:
    """The saved mapping that fits a table; of a sheet with a row per customer, all its parts."""
    fitting = [m for m in mappings_given if m.fits(table.header)]
    parts = [m for m in fitting if m.sheet and set(m.columns) == set(table.header)]
    return parts or fitting[:1]


def keepable(found: Mapping) -> Mapping:
    """A mapping without what the record's home cannot keep: the lake has no custom fields, and the mapping says so."""
    extra = [h for h, target in found.columns.items() if target and target.startswith(CUSTOM)] if found.record in LAKE else []
    if not extra:
        return found
    said = dict.fromkeys(extra, "left out: usage keeps no custom fields")
    return replace(found, columns={**found.columns, **dict.fromkeys(extra)}, custom={}, reasons={**found.reasons, **said})


def set_mapping(file: ImportFile, mapping: Mapping, *, remember: bool = True) -> None:
    """A person's mapping of a file, remembered for the next file with this header. A preview made before says nothing any more."""
    beside = {"remembered": False, "remember": remember, "notes": file.mapping.get("notes", []), FROM: file.mapping.get(FROM)}
    kept = mappings.to_json(keepable(mapping)) | beside
    file.mapping, file.record, file.preview = kept, mapping.record or "", {}
    file.save(update_fields=["mapping", "record", "preview"])
    ImportRun.objects.filter(pk=file.run_id, state=ImportState.PREVIEWED).update(state=ImportState.UPLOADED)


def leave_out(file: ImportFile) -> None:
    """Take nothing from this table."""
    file.mapping, file.record, file.preview = file.mapping | {"record": None}, "", {}
    file.save(update_fields=["mapping", "record", "preview"])


def repeat_import(run: ImportRun, user: User | None = None) -> ImportRun:
    """An undone import once more: a new run over the same kept files, read in the same way."""
    again = ImportRun.objects.create(
        source=run.source, user=user, file_date=run.file_date, created_at=timezone.now(), kind=run.kind, notes=run.notes, rows_total=run.rows_total
    )
    for file in run.files.order_by("id"):
        file.pk, file.run, file.state, file.counts = None, again, "waiting", {}
        file.save(force_insert=True)
    return again


def discard_import(run: ImportRun) -> None:
    """Forget files that were taken in and never imported."""
    folder = home.uploads() / str(run.pk)
    run.delete()
    shutil.rmtree(folder, ignore_errors=True)


def remember_mappings(run: ImportRun) -> None:
    tables: dict[tuple[str, str], list[ImportFile]] = {}
    for file in run.files.exclude(record="").order_by("id"):
        tables.setdefault((file.path, file.sheet), []).append(file)
    for parts in tables.values():
        table = table_of(parts[0])
        kept = [_kept(file.mapping, table.known is not None) for file in parts if file.mapping.get("remember", True)]
        if kept:
            mapping = kept[0] if len(kept) == 1 else {"parts": kept}
            SavedMapping.objects.update_or_create(fingerprint=fingerprint(table.header), defaults={"mapping": mapping, "used_at": timezone.now()})


def _kept(mapping: dict[str, Any], known: bool) -> dict[str, Any]:
    """What of a mapping holds for the next file with its header: what a grid's ends mean says nothing of another file."""
    kept = {k: v for k, v in mapping.items() if k not in ("notes", FROM)}
    if known:
        answers = {k: v for k, v in (kept.get("answers") or {}).items() if k != "end"}
        kept |= {"end": None, "end_evidence": None, "answers": answers}
    return kept


def table_of(file: ImportFile) -> Table:
    """The table of a kept file, to be read again."""
    for table in open_tables(home.uploads() / file.path, file.name):
        if (table.sheet or "") == file.sheet:
            return table
    raise UnreadableFile(file.name, f"no sheet {file.sheet!r}")


def files_in_order(run: ImportRun) -> list[ImportFile]:
    """Files of a run, records that others refer to first; of several grids the oldest, whichever sheet it stands in."""
    known = [f for f in run.files.all() if f.record]
    return sorted(known, key=lambda f: (ORDER.index(f.record), f.mapping.get(FROM) or 0, f.pk))


# -- preview and import ------------------------------------------------------------------------------------------------------


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
    if accounts_known is None and any(f.record == "accounts" for f in run.files.all()):
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
    for batch, rejects in parts if grid is None else gridded.whole(parts, grid, stage, heard):
        status_words.put(batch, mapping)
        if batch.record == "contracts":
            loose_contracts.told_apart(batch, stage)
        if mapping.sheet or batch.record == "pulses":
            undated.stated(batch, stage)
        if mapping.undated:
            batch, same, unclear = undated.dated(batch, stage, heard)
            rejects = [*rejects, *unclear]
            shown.counts.setdefault(batch.record, dict.fromkeys(COUNTS, 0))["unchanged"] += same
        yield batch, rejects


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


def _date_in_name(run: ImportRun) -> date | None:
    """The file's date from its name (accounts_2024-05-31.csv): the newest of the run, never the modification time."""
    days = []
    for file in run.files.all():
        for y, m, d in DATE_IN_NAME.findall(file.name):
            try:
                days.append(date(int(y), int(m), int(d)))
            except ValueError:
                continue
    return max(days, default=None)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _spoken(changes: Sequence[Change]) -> Iterator[tuple[str, str, str]]:
    """(field, old, new) as a reader sees them: custom fields one by one; the parts of MRR only where nothing else says what moved it."""
    telling = [c for c in changes if c.field not in INSIDE]
    for c in telling or [c for c in changes if c.field != "custom"]:
        yield c.field, _text(c.old), _text(c.new)
    for c in changes:
        if c.field == "custom":
            for name in sorted({n for n in (*c.old, *c.new) if not n.startswith("_") and c.old.get(n) != c.new.get(n)}):
                yield name, _text(c.old.get(name)), _text(c.new.get(name))


def _monthly(values: dict[str, Any]) -> dict[str, str]:
    """What a line comes to in a month, where it is one."""
    if "mrr_num" not in values or not values.get("mrr_den"):
        return {}
    return {"MRR": format(rounded(Fraction(values["mrr_num"], values["mrr_den"]), 2), "f")}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)


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
