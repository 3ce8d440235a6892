"""Taking files in: their bytes are kept, each table is recognised, and a person's mapping of it is kept and remembered.

A run keeps the bytes of its files below LAER_HOME/files, so that it can be looked at, done again, or retried.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from laer.metrics.policy import load_policy
from laer.records.types import LAKE, ORDER
from laer.sources.tabular.answers import period_open
from laer.sources.tabular.files import UnreadableFile, files_at
from laer.sources.tabular.mapping import CUSTOM, Mapping, fingerprint
from laer.sources.tabular.parts import recognise_all
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.recognise import recognise
from laer.sources.tabular.table import Table
from laer.sources.tabular.weighing import weighed
from laer.web import home
from laer.web.book import mappings
from laer.web.book.known_amounts import known_to
from laer.web.book.models import ImportFile, ImportRun, ImportState, SavedMapping
from laer.web.people.company import firm, said_fiscal_start
from laer.web.people.models import User

DATE_IN_NAME = re.compile(r"(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
FROM = "from_month"  # of a grid the number of its first month, kept beside its mapping


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
    for table in open_tables(kept, shown, said_fiscal_start()):
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
    for table in open_tables(home.uploads() / file.path, file.name, said_fiscal_start()):
        if (table.sheet or "") == file.sheet:
            return table
    raise UnreadableFile(file.name, f"no sheet {file.sheet!r}")


def files_in_order(run: ImportRun) -> list[ImportFile]:
    """Files of a run, records that others refer to first; of several grids the oldest, whichever sheet it stands in."""
    known = [f for f in run.files.all() if f.record]
    return sorted(known, key=lambda f: (ORDER.index(f.record), f.mapping.get(FROM) or 0, f.pk))


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
