"""Definitions as files: a folder per kind, a file per id. What is exported and applied again changes nothing, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.db import transaction

from laer.cycle.definitions import KINDS, Fault, Known, Read, read
from laer.records.definition import IN_USE, LONGEST, digest
from laer.web.book.definitions import MADE, Definition, Faulty, current, in_force, known, measures_of, named, write
from laer.web.people.models import User

ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class File:
    """A file that was read. `kind` is empty where its folder is none of a kind."""

    path: Path
    kind: str
    read: Read


@dataclass(frozen=True)
class Planned:
    """What applying a file does: `new`, `changed` or `unchanged`; before: the text in force."""

    file: File
    what: str
    before: str


def read_files(place: Path) -> list[File]:
    """A file, or every YAML file of a folder and of those below it, checked."""
    paths = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.suffix in ENDINGS and path.is_file())
    folders = {kind.folder: kind.id for kind in KINDS.values()}
    at = _known({path: kind for path in paths if (kind := folders.get(path.parent.name, ""))})
    return [_read(path, folders.get(path.parent.name, ""), at) for path in paths]


def _known(paths: Mapping[Path, str]) -> Known:
    """What the files may name: what is in use, and what comes with them. In: their kinds."""
    now = known()
    made = {path: kind for path, kind in paths.items() if kind in MADE}
    coming = {(kind, path.stem): (kind, 0, path.read_bytes()[: 4 * LONGEST].decode("utf-8-sig", "replace")) for path, kind in made.items()}
    measures = now.measures
    if coming:
        there = {(row.kind, row.name): (row.kind, row.version, row.text) for kind in MADE for row in in_force(kind) if row.status in IN_USE}
        measures = measures_of((there | coming).values())
    return Known(measures, cache(lambda kind: named(kind) | {path.stem for path, of in paths.items() if of == kind}))


def _read(path: Path, kind: str, at: Known) -> File:
    try:
        text = path.read_bytes()[: 4 * LONGEST + 4].decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        return File(path, kind, Read("", faults=(Fault("unreadable", {"found": f"no UTF-8 text: {fault.reason} at byte {fault.start + 1}"}),)))
    if not kind:
        exist = ", ".join(sorted(one.folder for one in KINDS.values()))
        why = f"the folder {path.parent.name or '.'} is none of a kind of definitions; there is: {exist}"
        return File(path, kind, Read(text, faults=(Fault("unreadable", {"found": why}),)))
    return File(path, kind, read(kind, text, at, path.stem))


def plan(files: Iterable[File]) -> list[Planned]:
    """What applying them would do. Files with faults are left out."""
    planned = []
    for file in files:
        if file.read.document is not None:
            held = current(file.kind, file.read.document.id)
            what = "new" if held is None else "unchanged" if held.hash == digest(file.read.text) else "changed"
            planned.append(Planned(file, what, held.text if held else ""))
    return planned


@transaction.atomic
def apply(user: User | None, files: list[File], reason: str) -> list[Planned]:
    """Put all of them in force, or none. Raises Faulty with the first text that has faults, Refused."""
    for file in files:
        if file.read.document is None:
            raise Faulty(file.read)
    planned = plan(files)
    for one in planned:
        if one.what != "unchanged":
            write(user, one.file.kind, one.file.read, reason)
    return planned


def export(folder: Path, kind: str | None = None) -> list[Path]:
    """Write the texts in force below a folder; files of the same name are written over, others stay."""
    written = []
    for row in in_force(kind):
        path = file_of(folder, row)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(row.text.encode())
        written.append(path)
    return written


def file_of(folder: Path, row: Definition) -> Path:
    return folder / KINDS[row.kind].folder / f"{row.name}.yaml"
