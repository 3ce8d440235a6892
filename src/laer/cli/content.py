"""`laer content`: definitions in the book, as texts and as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laer.cli import app
from laer.cli.book import fail, open_book

if TYPE_CHECKING:
    from laer.web.book.definition_files import File

content = typer.Typer(no_args_is_help=True, help="Definitions: segments and what else a firm defines in texts of its own.")
app.add_typer(content, name="content")

KIND = typer.Option("--kind", metavar="KIND", help="of one kind only")
PLACE = typer.Argument(metavar="PATH", help="a YAML file, or a folder with a folder per kind", show_default=False)
THE_KIND = typer.Argument(metavar="KIND", help="a kind of definitions, for example segment", show_default=False)
THE_ID = typer.Argument(metavar="ID", help="its id", show_default=False)


@content.command("list")
def every(kind: Annotated[str | None, KIND] = None) -> None:
    """Every definition in force: its status, whether it is the text that ships, its version, and who changed it when."""
    open_book()
    from laer.web.book import definitions

    table = [("kind", "id", "status", "origin", "version", "changed", "by", "why")]
    for row in definitions.in_force(_kind(kind)):
        who = "laer" if row.origin == definitions.SHIPPED and row.author is None else str(row.author.email) if row.author else "command line"
        table.append((row.kind, row.name, row.status, row.origin, str(row.version), f"{row.at:%Y-%m-%d %H:%M}", who, row.reason))
    widths = [max(len(cells[at]) for cells in table) for at in range(len(table[0]))]
    for cells in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    for one in definitions.differences():
        typer.echo(f"note: {one.kind} {one.name}: shipped version {one.shipped} differs from yours, version {one.version}", err=True)


@content.command()
def show(
    kind: Annotated[str, THE_KIND],
    name: Annotated[str, THE_ID],
    version: Annotated[int | None, typer.Option(help="an earlier version; default: the one in force")] = None,
) -> None:
    """The text of a definition."""
    open_book()
    from laer.web.book import definitions

    there = definitions.versions(_kind(kind) or "", name)
    found = [row for row in there if (row.in_force if version is None else row.version == version)]
    if not found:
        exist = ", ".join(str(row.version) for row in there) if there else ", ".join(row.name for row in definitions.in_force(kind))
        fail(f"no {kind} {name}{'' if version is None else f' of version {version}'}; there is: {exist or 'none'}")
    typer.echo(found[0].text, nl=False)


@content.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="where to write; files of the same name are written over", show_default=False)],
    kind: Annotated[str | None, KIND] = None,
) -> None:
    """Write the texts in force as files: a folder per kind, a file per id. Applying them again changes nothing."""
    open_book()
    from laer.web.book import definition_files

    try:
        written = definition_files.export(folder, _kind(kind))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", 1)
        return
    typer.echo(f"{len(written)} file{'' if len(written) == 1 else 's'} in {folder}")


@content.command()
def diff(
    place: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="a file or folder; default: what ships with laer", show_default=False)] = None,
) -> None:
    """How texts differ from those in force: those of files, or those that ship. Exit code 1 where any does."""
    open_book()
    from laer.web.book import definitions

    found = False
    if place is None:
        shipped = definitions.shipped_texts()
        for row in definitions.in_force():
            ships = shipped.get((row.kind, row.name), row.text)
            found = _print_diff(f"{row.kind}/{row.name}", ships, row.text, "shipped", f"in force, version {row.version}") or found
    else:
        for file in _read(place):
            name = file.path.stem
            held = definitions.current(file.kind, name) if file.kind else None
            found = _print_diff(f"{file.kind}/{name}", held.text if held else "", file.read.text, "in force" if held else "not there", str(file.path)) or found
    raise typer.Exit(1 if found else 0)


@content.command()
def lint(
    place: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="a file or folder; default: what is in force", show_default=False)] = None,
) -> None:
    """Everything that is wrong, at once: file, line, what was found and what exists instead. Exit code 1 where anything is."""
    open_book()
    from laer.web.book import definitions

    if place is None:
        rows = definitions.in_force()
        faulty = definitions.faults_of(rows)
        for (kind, name), read in faulty.items():
            for fault in read.faults:
                typer.echo(f"{kind}/{name}:{fault.line}: {fault.text}")
        count, wrong = len(rows), sum(len(read.faults) for read in faulty.values())
    else:
        files = _read(place)
        wrong = _say(files)
        count = len(files)
    typer.echo(f"{count} definition{'' if count == 1 else 's'}, {wrong or 'no'} fault{'' if wrong == 1 else 's'}", err=True)
    raise typer.Exit(1 if wrong else 0)


@content.command()
def apply(
    place: Annotated[Path, PLACE],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would change, and change nothing")] = False,
    reason: Annotated[str, typer.Option(help="why, in one line; it stands in the history")] = "applied from files",
) -> None:
    """Put the texts of files in force, all or none. What a file says already is left alone; what no file names stays."""
    open_book()
    from laer.web.book import definition_files
    from laer.web.people.roles import Refused

    files = _read(place)
    if _say(files):
        fail("nothing was applied", 1)
    try:
        done = definition_files.plan(files) if dry_run else definition_files.apply(None, files, reason)
    except Refused as refused:
        fail(str(refused), 1)
        return
    for one in done:
        if one.what != "unchanged":
            typer.echo(f"{one.what}: {one.file.kind} {one.file.read.document.id}")
            if dry_run:
                _print_diff(f"{one.file.kind}/{one.file.path.stem}", one.before, one.file.read.text, "in force", str(one.file.path))
    counts = {what: sum(one.what == what for one in done) for what in ("new", "changed", "unchanged")}
    typer.echo(f"{', '.join(f'{count} {what}' for what, count in counts.items())}{'; nothing was written' if dry_run else ''}")


@content.command()
def schema(kind: Annotated[str, THE_KIND]) -> None:
    """The JSON Schema of a kind, for an editor that checks while one types."""
    from laer.cycle.definitions import schema as schema_of

    typer.echo(json.dumps(schema_of(_kind(kind) or ""), ensure_ascii=False, indent=2))


def _kind(kind: str | None) -> str | None:
    from laer.cycle.definitions import KINDS

    if kind is not None and kind not in KINDS:
        fail(f"no kind {kind}; there is: {', '.join(KINDS)}")
    return kind


def _read(place: Path) -> list[File]:
    from laer.web.book import definition_files

    if not place.exists():
        fail(f"{place}: no such file or folder")
    files = definition_files.read_files(place)
    if not files:
        fail(f"{place}: no YAML file in it; expected a folder per kind with a file per definition", 1)
    return files


def _say(files: list[File]) -> int:
    """Print every fault of them; how many there are."""
    for file in files:
        for fault in file.read.faults:
            typer.echo(f"{file.path}:{fault.line}: {fault.text}")
    return sum(len(file.read.faults) for file in files)


def _print_diff(name: str, old: str, new: str, old_name: str, new_name: str) -> bool:
    from laer.web.book.definitions import changed_lines

    lines = changed_lines(old, new, f"{name} ({old_name})", f"{name} ({new_name})")
    for line in lines:
        typer.echo(line)
    return bool(lines)
