"""`laer backup` and `laer restore`: an installation in one file.

The archive holds the book and the lake as they stood at one moment, taken while others write (`moment`), then the files, which
are only ever added to, so that all that the book names is there; last a manifest with a checksum of each member. The secret key
only if asked.
"""

from __future__ import annotations

import glob
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

import typer

import laer
from laer.cli import app
from laer.cli.book import fail, open_book
from laer.cli.operate import moment, postgres
from laer.web import home

FORMAT = 1
MANIFEST = "manifest.json"
BOOKS = {"sqlite": "book.sqlite3", "postgresql": "book.pgdump"}
KEY = "secret.key"
FOLDERS = ("lake", "files")


class BadArchive(Exception):
    """What is wrong with the file, in words for whoever wants to restore it."""


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="the file to write, e.g. laer.tar.gz", show_default=False)],
    with_key: Annotated[bool, typer.Option("--with-key", help="put the secret key in too: who has the file can forge sessions")] = False,
) -> None:
    """Write the whole installation to FILE (.tar.gz). It may be serving meanwhile."""
    open_book(migrated=False)
    from laer.web.runs.schema import applied, interrupted, schema_problem

    if interrupted() or not applied():
        fail(str(schema_problem()))
    if file.is_dir():
        fail(f"{file} is a folder; name the file to write, e.g. {file / 'laer.tar.gz'}")
    count, size = write_archive(file, with_key=with_key)
    typer.echo(f"{file}: {count} files, {size / 2**20:.1f} MiB{'' if with_key else ', without the secret key'}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="what `laer backup` wrote", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="replace what is there; it is moved aside, not deleted")] = False,
) -> None:
    """Put the installation in FILE into LAER_HOME."""
    open_book(migrated=False)
    from laer.cli.operate.installation import collect_static
    from laer.cli.operate.serving import alone
    from laer.web.runs.schema import applied, schema_problem

    if not file.is_file():
        fail(f"there is no file {file}")
    found = {"a book": bool(applied()), "a lake": any(not p.name.startswith("_") for p in home.lake().iterdir()), "files": any(home.uploads().iterdir())}
    occupied = [name for name, there in found.items() if there]
    if occupied and not force:
        fail(f"{home.home()} is not empty (it has {', '.join(occupied)}); --force moves that aside and restores")
    with alone("restore"):
        moment.sweep(home.home(), ".restoring-*")
        aside = home.home() / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
        earlier = home.unfinished_restore().get("aside")
        with tempfile.TemporaryDirectory(dir=home.home(), prefix=".restoring-") as staging:
            try:
                manifest = unpack(file, Path(staging))
                _replace(manifest, Path(staging), aside, file)
            except (BadArchive, postgres.ToolError) as error:
                fail(f"{file}: {error}", 1)
                return
    typer.echo(f"restored {file}, made {manifest['made_at']} by laer {manifest['laer']}")
    if aside.exists():
        typer.echo(f"what was there before is in {aside}")
    if earlier and earlier != str(aside):
        typer.echo(f"what was there before the restore that was interrupted is in {earlier}")
    if not manifest["key"]:
        typer.echo("the archive has no secret key: the one of this installation stays, and sessions made elsewhere end")
    typer.echo("nothing leaves the house (mails, calls, digests) until an admin says in Settings, Sending what is to go")
    collect_static()
    if problem := schema_problem():
        typer.echo(f"laer: {problem}", err=True)


def write_archive(file: Path, *, with_key: bool = False) -> tuple[int, int]:
    """Write the archive, whole or not at all; its number of members and its size."""
    from django.db import connection

    from laer.web.runs.schema import applied

    file.parent.mkdir(parents=True, exist_ok=True, mode=home.PRIVATE)
    manifest: dict[str, Any] = {
        "format": FORMAT, "laer": laer.__version__, "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": connection.vendor, "migrations": applied(), "key": with_key, "members": {},
    }  # fmt: skip
    moment.sweep(home.home(), ".backup-*")
    moment.sweep(file.parent, f".{glob.escape(file.name)}.*.part")
    with tempfile.TemporaryDirectory(dir=home.home(), prefix=f".backup-{os.getpid()}-") as folder, ExitStack() as held:
        book = Path(folder) / BOOKS[connection.vendor]
        try:
            lake = held.enter_context(moment.taken(book))
        except postgres.ToolError as error:
            fail(str(error), 1)
        part = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=4) as tar:
                for name, path in _members(book, lake, with_key):
                    try:
                        manifest["members"][name] = _add(tar, path, name)
                    except FileNotFoundError:
                        continue  # cleared away since it was listed: nothing names it any more
                text = json.dumps(manifest, indent=1, sort_keys=True).encode()
                _add_bytes(tar, text, MANIFEST)
            os.replace(part, file)
            home.note_backup()
        finally:
            part.unlink(missing_ok=True)
    return len(manifest["members"]), file.stat().st_size


def unpack(file: Path, into: Path) -> dict[str, Any]:
    """Unpack an archive into an empty folder, trusting nothing in it; its manifest.

    Only plain files with the names that a backup has are written, by us and not by tarfile. Faults: BadArchive.
    """
    sums: dict[str, str] = {}
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(file, "r:gz") as tar:
            for member in tar:
                name = checked_name(member)
                if name in sums or (name == MANIFEST and manifest is not None):
                    raise BadArchive(f"it holds {name!r} twice")
                source = tar.extractfile(member)
                assert source is not None
                if name == MANIFEST:
                    manifest = json.loads(source.read(64 * 2**20))
                    continue
                target = into / name
                target.parent.mkdir(parents=True, exist_ok=True, mode=home.PRIVATE)
                descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                with os.fdopen(descriptor, "wb") as out:
                    sums[name] = _copy(source, out)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise BadArchive(f"it cannot be read as a backup of laer ({error})") from error
    return _checked(manifest, sums)


def checked_name(member: tarfile.TarInfo) -> str:
    """The member's name, if a backup can have it. Links, devices, absolute paths and `..` cannot be in one."""
    name = member.name
    path = PurePosixPath(name)
    if not member.isreg():
        raise BadArchive(f"{name!r} is not a plain file")
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or str(path) != name:
        raise BadArchive(f"{name!r} is not a path below the installation")
    if name not in {MANIFEST, KEY, *BOOKS.values()} and not (path.parts[0] in FOLDERS and len(path.parts) > 1):
        known = [MANIFEST, *BOOKS.values(), KEY, *(f"{folder}/…" for folder in FOLDERS)]
        raise BadArchive(f"{name!r} is not part of an installation; a backup has {', '.join(known)}")
    return name


def _checked(manifest: dict[str, Any] | None, sums: dict[str, str]) -> dict[str, Any]:
    from django.db import connection

    from laer.web.runs.schema import unknown

    try:
        if manifest is None:
            raise BadArchive(f"it has no {MANIFEST}")
        if manifest["format"] != FORMAT:
            raise BadArchive(f"found format {manifest['format']!r}, expected {FORMAT}: it was made by laer {manifest['laer']}")
        promised = {name: member["sha256"] for name, member in manifest["members"].items()}
        newer = unknown(list(manifest["migrations"]))
        database, key = manifest["database"], manifest["key"]
        said = f"{manifest['made_at']} {manifest['laer']}"
    except (KeyError, TypeError, AttributeError) as error:
        raise BadArchive(f"its {MANIFEST} is not one of laer's ({error!r})") from error
    for name in sorted(promised.keys() | sums.keys()):
        if promised.get(name) != sums.get(name):
            what = "is missing" if name not in sums else "is not in its manifest" if name not in promised else "does not match its checksum"
            raise BadArchive(f"{name} {what}")
    if database != connection.vendor:
        raise BadArchive(f"it holds a {database} book, and this installation is set to {connection.vendor} (DATABASE_URL)")
    if BOOKS[database] not in sums or key != (KEY in sums):
        raise BadArchive(f"it holds no {BOOKS[database]}, or a key that its manifest does not name ({said})")
    if newer:
        raise BadArchive(f"it was made by a newer version, {manifest['laer']} (this is {laer.__version__}): it has {', '.join(newer)}")
    return manifest


def _replace(manifest: dict[str, Any], staging: Path, aside: Path, file: Path) -> None:
    """Move what is there aside and what is staged in its place. Within one folder these are renames.

    From the first of them to the last a mark stands in the home: killed between, nothing opens it until a restore is done.
    """
    from django.db import connection

    book = staging / BOOKS[manifest["database"]]
    if manifest["database"] == "sqlite" and (problem := _damage(book, manifest)):
        raise BadArchive(f"its book is damaged: {problem}")
    connection.close()
    here = {"lake": home.lake(), "files": home.uploads()}
    old = [(path, aside / name) for name, path in here.items() if any(path.iterdir())]
    if manifest["key"]:
        old.append((home.home() / KEY, aside / KEY))
    if manifest["database"] == "sqlite":
        live = Path(connection.settings_dict["NAME"])
        old += [(live.with_name(live.name + end), aside / (BOOKS["sqlite"] + end)) for end in ("", "-wal", "-shm")]
    earlier = home.unfinished_restore()
    home.begin_restore(file.absolute(), Path(earlier.get("aside", aside)))
    if manifest["database"] != "sqlite":  # what can fail comes first: nothing has been moved yet
        try:
            postgres.load(connection.settings_dict, book, aside_schema=f"replaced_{int(time.time())}")
        except postgres.ToolError:
            if not earlier:
                home.end_restore()  # what was there is back
            raise
    for path, place in old:
        if path.exists():
            aside.mkdir(mode=home.PRIVATE, exist_ok=True)
            shutil.move(path, place)
    if manifest["database"] == "sqlite":
        shutil.move(book, live)
    for name, path in here.items():
        if (staging / name).exists():
            if path.exists():
                path.rmdir()
            shutil.move(staging / name, path)
    if manifest["key"]:
        shutil.move(staging / KEY, home.home() / KEY)
    home.note_restore()
    home.end_restore()


def _damage(book: Path, manifest: dict[str, Any]) -> str | None:
    with closing(sqlite3.connect(book)) as check:
        try:
            found = str(check.execute("PRAGMA quick_check").fetchone()[0])
            schema = sorted(f"{app}.{name}" for app, name in check.execute("SELECT app, name FROM django_migrations"))
        except sqlite3.DatabaseError as error:
            return str(error)
    if found == "ok" and schema != sorted(manifest["migrations"]):
        return "its schema is not the one that the manifest names"
    return None if found == "ok" else found


def _members(book: Path, lake: Iterable[Path], with_key: bool) -> Iterator[tuple[str, Path]]:
    yield book.name, book
    if with_key:
        home.secret_key()
        yield KEY, home.home() / KEY
    for name, folder, found in (("lake", home.lake(), lake), ("files", home.uploads(), moment.plain_files(home.uploads()))):
        for path in found:
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


@dataclass
class _Hashing:
    """A file that hashes what is read from it."""

    file: IO[bytes]
    sum: Any = field(default_factory=hashlib.sha256)

    def read(self, size: int = -1) -> bytes:
        block = self.file.read(size)
        self.sum.update(block)
        return block


def _add(tar: tarfile.TarFile, path: Path, name: str) -> dict[str, Any]:
    with path.open("rb") as file:
        info = tarfile.TarInfo(name)
        status = os.fstat(file.fileno())
        info.size, info.mtime, info.mode = status.st_size, int(status.st_mtime), 0o600
        reader = _Hashing(file)
        tar.addfile(info, reader)  # type: ignore[arg-type] # it only reads
    return {"sha256": reader.sum.hexdigest(), "size": info.size}


def _add_bytes(tar: tarfile.TarFile, text: bytes, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(text), int(time.time()), 0o600
    tar.addfile(info, io.BytesIO(text))


def _copy(source: IO[bytes], out: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := source.read(2**20):
        digest.update(block)
        out.write(block)
    return digest.hexdigest()
