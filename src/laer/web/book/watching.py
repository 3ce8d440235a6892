"""Watched folders: files that are new or have changed are taken in by themselves, unless they raise a question.

A file is known by the digest of its bytes, so the same bytes are looked at once. One that may still be written is waited
for. What a person must say (which record type, which of day and month comes first) is never guessed here: the file stays
an uploaded import that waits for a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.records.types import ORDER
from laer.sources.tabular.answers import unanswered
from laer.sources.tabular.files import SUFFIXES, UnreadableFile
from laer.sources.tabular.mapping import MappingFault
from laer.web import home
from laer.web.book import importing, mappings, status_words
from laer.web.book.importing import Progress
from laer.web.book.mappings import from_json
from laer.web.book.models import ImportFile, ImportRun, ImportState, WatchedFile, WatchedFolder
from laer.web.people.models import User
from laer.web.templatetags.laer import number

SETTLED = timedelta(seconds=30)  # since its last change, before a file is taken for whole
SOON = timedelta(minutes=1)  # until the next look, while a file is waited for
EVERY = (1, 7 * 24 * 60)  # minutes, least and most
SURE = 0.85  # of how a file reads, below which a person is asked
State = WatchedFile.State
WAITING = (ImportState.UPLOADED, ImportState.PREVIEWED)


class NotAllowed(Exception):
    """The folder cannot be watched: what was found, what was expected."""


@dataclass
class Seen:
    """What one look found: counts of files; `questions` are what a person must answer, file by file."""

    imported: int = 0
    unchanged: int = 0
    growing: int = 0
    asked: int = 0
    failed: int = 0
    error: str = ""
    questions: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)


def add_folder(path: Path | str, source: str, every_minutes: int = 60, user: User | None = None) -> WatchedFolder:
    """Watch a folder from now on; the first look is due at once.

    Raises  NotAllowed for a folder that is not there, not below LAER_WATCH_ROOTS, or watched for this source already
    """
    place, source = allowed(path), source.strip()
    if not source or len(source) > 80:
        raise NotAllowed(_("Source: expected the name of a system, at most 80 characters"))
    if not EVERY[0] <= every_minutes <= EVERY[1]:
        said = {"n": every_minutes, "least": EVERY[0], "most": number(EVERY[1])}
        raise NotAllowed(_("Every: found %(n)s minutes, expected %(least)s to %(most)s") % said)
    if len(str(place)) > 600:
        raise NotAllowed(_("the path is too long"))
    now = timezone.now()
    try:
        with transaction.atomic():
            return WatchedFolder.objects.create(path=str(place), source=source, every_minutes=every_minutes, created_by=user, created_at=now, next_look_at=now)
    except IntegrityError:
        raise NotAllowed(_("%(place)s is watched for %(source)s already") % {"place": place, "source": source}) from None


def remove_folder(folder_id: int) -> bool:
    """Stop watching. What was imported stays, and so does what waits for a person."""
    return bool(WatchedFolder.objects.filter(pk=folder_id).delete()[0])


def due_folders() -> list[int]:
    """Folders whose next look is due. One query."""
    return list(WatchedFolder.objects.filter(enabled=True, next_look_at__lte=timezone.now()).order_by("next_look_at").values_list("id", flat=True))


def allowed(path: Path | str) -> Path:
    """The folder itself, links followed, where it may be watched.

    Raises  NotAllowed
    """
    if not str(path).strip() or "\0" in str(path):
        raise NotAllowed(_("Folder: expected a path"))
    roots = home.watch_roots()
    given = Path(str(path).strip()).expanduser()
    place = (given if given.is_absolute() else roots[0] / given).resolve()
    below = ", ".join(map(str, roots))
    if not any(place.is_relative_to(root) for root in roots) or _private(place):
        raise NotAllowed(_("%(place)s is not below a folder that may be watched (%(below)s); LAER_WATCH_ROOTS names others") % {"place": place, "below": below})
    if not place.is_dir():
        raise NotAllowed(_("%(place)s is not a folder") % {"place": place})
    return place


def _private(place: Path) -> bool:
    """The installation's own files are no source, whatever the roots say."""
    own = home.home().resolve()
    return place.is_relative_to(own) and not place.is_relative_to(own / "inbox")


# -- a look -------------------------------------------------------------------------------------------------------------


def look(folder_id: int, progress: Progress | None = None) -> Seen:
    """Take in what is new. Safe to call again after an interruption: an import that was begun goes on."""
    folder = WatchedFolder.objects.get(pk=folder_id)
    now, seen = timezone.now(), Seen()
    every = timedelta(minutes=folder.every_minutes)
    WatchedFolder.objects.filter(pk=folder.pk).update(last_looked_at=now, next_look_at=now + every)  # a look that fails is not tried at once again
    try:
        ready: list[WatchedFile] = []
        for path in _files(allowed(folder.path)):
            file = _seen(folder, path, seen)
            if file:
                ready.append(file)
        for file in sorted(ready, key=_order):  # records that others refer to first
            _import(file, seen, progress)
    except (NotAllowed, OSError) as error:
        seen.error = str(error)
    said = asdict(seen) | {"questions": seen.questions[:20]}
    soon = {"next_look_at": timezone.now() + min(SOON, every)} if seen.growing else {}
    WatchedFolder.objects.filter(pk=folder.pk).update(last_result=said, **soon)
    return seen


def _files(place: Path) -> list[Path]:
    """Tables in the folder by name; not in its sub-folders, nor what a link leads to outside of what may be watched."""
    found = []
    for path in sorted(place.iterdir(), key=lambda p: p.name):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith((".", "~$")) or len(path.name) > 255 or not path.is_file():
            continue
        if any(path.resolve().is_relative_to(root) for root in home.watch_roots()) and not _private(path.resolve()):
            found.append(path)
    return found


def _seen(folder: WatchedFolder, path: Path, seen: Seen) -> WatchedFile | None:
    """What is to be done with a file: the file where it is ready to be imported, else None, and counted."""
    file = folder.files.select_related("run").filter(name=path.name).first()
    there = path.stat()
    same = file is not None and (file.size, file.modified_ns) == (there.st_size, there.st_mtime_ns)
    first = file is None
    file = file or WatchedFile(folder=folder, name=path.name, state=State.GROWING)
    file.seen_at = timezone.now()
    if file.state == State.IMPORTING and file.run is not None:
        return file  # it was interrupted
    if same and file.state != State.GROWING and file.state != State.IMPORTING:
        _settled(file, seen)
        return None
    file.size, file.modified_ns = there.st_size, there.st_mtime_ns
    fresh = file.seen_at.timestamp() - there.st_mtime < SETTLED.total_seconds()
    if fresh or not (first or same):
        file.state, file.reason = State.GROWING, ""
        file.save()
        seen.growing += 1
        return None
    return _read(file, path, seen)


def _settled(file: WatchedFile, seen: Seen) -> None:
    """Bytes that were dealt with before: where they stand now."""
    if file.state == State.ASKED and (file.run is None or file.run.state not in WAITING):
        file.state, file.reason = (State.LEFT, "its import was discarded") if file.run is None else (State.IMPORTED, "")
    file.save()
    if file.state == State.ASKED:
        seen.asked += 1
        seen.questions.append(f"{file.name}: {file.reason}")
    elif file.state == State.FAILED:
        seen.failed += 1
    else:
        seen.unchanged += 1


def _read(file: WatchedFile, path: Path, seen: Seen) -> WatchedFile | None:
    """Keep the bytes and say how they read: the file, ready to be imported, or None where a person must say more."""
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest == file.sha256:  # touched, and the same as before
        file.state = State.ASKED if file.run is not None and file.run.state in WAITING else State.IMPORTED if file.run is not None else State.LEFT
        if file.state == State.IMPORTED and file.run is not None and file.run.state == ImportState.FAILED:
            file.state, file.reason = State.FAILED, file.run.error
        _settled(file, seen)
        return None
    before, file.run = file.run, None
    if before is not None and before.state in WAITING:
        importing.discard_import(before)  # nobody has answered, and the file says something else now
    try:
        run = importing.begin_import([(path.name, path)], source=file.folder.source, kind="watch")
    except UnreadableFile as error:
        file.sha256, file.state, file.reason = digest, State.FAILED, str(error)
        file.save()
        seen.failed += 1
        return None
    if any(kept.sha256 != digest for kept in run.files.all()):  # it was written while it was read
        importing.discard_import(run)
        file.state = State.GROWING
        file.save()
        seen.growing += 1
        return None
    questions = questions_of(run, before)
    file.sha256, file.run, file.reason = digest, run, "; ".join(questions)
    file.state = State.ASKED if questions else State.IMPORTING
    file.save()
    if not questions:
        return file
    ImportRun.objects.filter(pk=run.pk).update(error=file.reason)
    seen.asked += 1
    seen.questions.append(f"{file.name}: {file.reason}")
    return None


def questions_of(run: ImportRun, before: ImportRun | None = None) -> list[str]:
    """What only a person can say of how a run's files read; empty where it can be imported by itself.

    before   the run of the same file as it was last: a sheet that was left out then is left out again
    """
    found = list(run.notes)
    left_out: set[str] = set()
    if before is not None and before.pk is not None and before.state == ImportState.DONE:
        left_out = set(before.files.filter(record="").values_list("sheet", flat=True))
    files = list(run.files.order_by("id"))
    for file in files:
        name = f"sheet {file.sheet}: " if file.sheet and len(files) > 1 else ""
        if not file.record:
            if file.sheet not in left_out or len(files) == 1:
                found.append(f"{name}not recognised as a record type")
            continue
        undecided = file.mapping.get("undecided") or ()
        if undecided:
            found.append(f"{name}day and month cannot be told apart in {', '.join(undecided)}")
        words = [w for w in status_words.unknown(file, mappings.from_json(file.mapping), importing.table_of) if w not in (file.mapping.get("status") or {})]
        if words:
            found.append(f"{name}nobody has said what the status {', '.join(map(repr, words[:5]))} means")
        found += [f"{name}nothing says {words}" for words in unanswered(from_json(file.mapping))]
        if not file.mapping.get("remembered") and float(file.mapping.get("sure") or 0.0) < SURE:
            found.append(f"{name}read as {file.record.replace('_', ' ')}, but not surely")
    return found


def _order(file: WatchedFile) -> tuple[int, str]:
    records = ImportFile.objects.filter(run=file.run).exclude(record="").values_list("record", flat=True)
    return min((ORDER.index(r) for r in records), default=len(ORDER)), file.name


def _import(file: WatchedFile, seen: Seen, progress: Progress | None) -> None:
    assert file.run is not None
    try:
        importing.run_import_job(file.run.pk, progress)
    except (MappingFault, ValueError, LookupError, TypeError, ArithmeticError) as error:  # of this file: the others go on
        ImportRun.objects.filter(pk=file.run.pk).update(state=ImportState.FAILED, error=f"{type(error).__name__}: {error}"[:2_000])
    file.run.refresh_from_db()
    if file.run.state == ImportState.FAILED:
        file.state, file.reason = State.FAILED, file.run.error
        seen.failed += 1
    else:
        file.state, file.reason = State.IMPORTED, ""
        seen.imported += 1
        seen.runs.append(file.run.pk)
    file.save()


def said(result: Seen | dict[str, object]) -> str:
    """A look in a sentence: `2 imported, 1 waits for a person`."""
    found = Seen(**result) if isinstance(result, dict) else result  # type: ignore[arg-type]
    if found.error:
        return found.error
    parts: Iterable[tuple[int, str]] = (
        (found.imported, ngettext("%(n)s imported", "%(n)s imported", found.imported)),
        (found.asked, ngettext("%(n)s waits for a person", "%(n)s wait for a person", found.asked)),
        (found.growing, ngettext("%(n)s still being written", "%(n)s still being written", found.growing)),
        (found.failed, ngettext("%(n)s cannot be read", "%(n)s cannot be read", found.failed)),
        (found.unchanged, ngettext("%(n)s unchanged", "%(n)s unchanged", found.unchanged)),
    )
    return ", ".join(text % {"n": number(n)} for n, text in parts if n) or _("no file")
