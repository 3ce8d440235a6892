"""Rows that were set aside, on their way back: downloaded, corrected, and taken in again as an import of kind `retry`."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from laer.sources.tabular.table import SURPLUS
from laer.web.book import importing, mappings, status_words
from laer.web.book.models import ImportFile, ImportRun, ImportState, QuarantinedRow
from laer.web.people.models import User

BEFORE = ("quarantine_id", "file", "line", "reason")  # columns that a download has in front of the original ones
GIVEN_UP = (ImportState.UNDONE, ImportState.FAILED)


@dataclass
class Corrected:
    """A row as it was, and its cells as they are now (header -> text)."""

    row: QuarantinedRow
    cells: Mapping[str, str]


def waiting() -> QuerySet[QuarantinedRow]:
    """Rows that wait for repair: neither dismissed nor taken in again, in an import that stands. Causes no query."""
    # Asked of each row that waits: joined, a database may begin with the imports, and every note that is written is one.
    given_up = ImportRun.objects.filter(pk=OuterRef("retried_run_id"), state__in=GIVEN_UP)
    undone = ImportRun.objects.filter(pk=OuterRef("run_id"), state=ImportState.UNDONE)
    return QuarantinedRow.objects.filter(Q(retried_run=None) | Exists(given_up), ~Exists(undone), dismissed_at=None)


def begin_retry(corrected: Iterable[Corrected], user: User | None) -> list[ImportRun]:
    """Runs that take the corrected rows in: one per import they come from, in which each file is read as it was then.

    The rows leave the quarantine at once; they are back when the run fails or is undone. What is wrong with them still
    is set aside again, in the new run.
    """
    by_run: dict[int, dict[tuple[str, str], list[Corrected]]] = {}
    for one in corrected:
        by_run.setdefault(one.row.run_id, {}).setdefault((one.row.file, one.row.record), []).append(one)
    return [_begin(ImportRun.objects.get(pk=run_id), groups, user) for run_id, groups in sorted(by_run.items())]


def dismiss(rows: QuerySet[QuarantinedRow]) -> int:
    """Say of rows that they need no repair. They stay on file, with their import."""
    return rows.update(dismissed_at=timezone.now())


def _begin(before: ImportRun, groups: Mapping[tuple[str, str], list[Corrected]], user: User | None) -> ImportRun:
    originals = {(_title(f), f.record): f for f in before.files.all()}
    with tempfile.TemporaryDirectory() as folder:
        paths, files = [], []
        for place, ((title, record), rows) in enumerate(groups.items(), 1):
            original = originals.get((title, record)) or next(f for f in originals.values() if _title(f) == title)
            path = Path(folder) / f"{place}.csv"
            _write(path, rows, original)
            paths.append((f"retry of {title}"[:200] + ("" if title.endswith(".csv") else ".csv"), path))
            files.append(original)
        run = importing.begin_import(paths, source=before.source, user=user, file_date=before.file_date, kind="retry")
    for file, original in zip(run.files.order_by("id"), files, strict=True):
        importing.set_mapping(file, status_words.with_later_answers(mappings.from_json(original.mapping)))
    ids = [one.row.pk for rows in groups.values() for one in rows]
    QuarantinedRow.objects.filter(pk__in=ids).update(retried_run=run)
    return run


def _write(path: Path, rows: Iterable[Corrected], original: ImportFile) -> None:
    """The rows as a table with the header of their file; a cell beyond the last column stays one, and is refused again."""
    header = list(original.mapping.get("columns") or {})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for one in rows:
            surplus = one.cells.get(SURPLUS, "").strip()
            writer.writerow([*(one.cells.get(h, "") for h in header), *([surplus] if surplus else [])])


def _title(file: ImportFile) -> str:
    return f"{file.name} / {file.sheet}" if file.sheet else file.name
