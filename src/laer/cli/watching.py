"""`laer watch`: folders whose files are taken in by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laer.cli import app
from laer.cli.book import fail, open_book
from laer.cli.importing import compute

watch = typer.Typer(no_args_is_help=True, help="Watched folders: add, list, remove, run.")
app.add_typer(watch, name="watch")


@watch.command("add")
def add(
    path: Annotated[Path, typer.Argument(help="a folder below LAER_WATCH_ROOTS", show_default=False)],
    source: Annotated[str, typer.Option(metavar="NAME", help="the system that its files come from; ids are unique within it")],
    every: Annotated[int, typer.Option(metavar="MINUTES", help="between two looks")] = 60,
) -> None:
    """Take in the files of a folder whenever they are new or have changed. The worker of `laer serve` looks."""
    open_book()
    from laer.web.book.watching import NotAllowed, add_folder

    try:
        folder = add_folder(path.absolute() if path.exists() else path, source, every)
    except NotAllowed as error:
        fail(str(error))
        return
    typer.echo(f"{folder.pk}: {folder.path} is watched for {folder.source}, every {folder.every_minutes} minutes")


@watch.command("list")
def show() -> None:
    """Every watched folder, what the last look found, and what waits for a person."""
    open_book()
    from django.utils import timezone

    from laer.web.book.models import WatchedFolder
    from laer.web.book.watching import said

    for folder in WatchedFolder.objects.order_by("id"):
        looked = f"{timezone.localtime(folder.last_looked_at):%Y-%m-%d %H:%M}: {said(folder.last_result)}" if folder.last_looked_at else "not looked at yet"
        typer.echo(f"{folder.pk}  {folder.path}  {folder.source}  every {folder.every_minutes} min{'' if folder.enabled else ', off'}  {looked}")
        for question in folder.last_result.get("questions", []):
            typer.echo(f"   waits for a person: {question}")


@watch.command("remove")
def remove(folder_id: Annotated[int, typer.Argument(metavar="ID", help="as `laer watch list` shows it", show_default=False)]) -> None:
    """Stop watching a folder. What was imported stays."""
    open_book()
    from laer.web.book.models import WatchedFolder
    from laer.web.book.watching import remove_folder

    if not remove_folder(folder_id):
        known = ", ".join(str(i) for i in WatchedFolder.objects.order_by("id").values_list("id", flat=True)) or "none"
        fail(f"no folder {folder_id} is watched; there are: {known}")
    typer.echo(f"folder {folder_id} is no longer watched")


@watch.command("run")
def run(folder_id: Annotated[int | None, typer.Argument(metavar="ID", help="only this one; default: all", show_default=False)] = None) -> None:
    """Look into the watched folders now."""
    open_book()
    from laer.web.book.models import WatchedFolder
    from laer.web.book.watching import said
    from laer.web.runs.passes import Busy
    from laer.web.runs.watching import look_alone

    folders = WatchedFolder.objects.filter(**({"pk": folder_id} if folder_id is not None else {"enabled": True})).order_by("id")
    if not folders:
        fail("no folder is watched" if folder_id is None else f"no folder {folder_id} is watched")
    imported = 0
    for folder in folders:
        try:
            seen = look_alone(folder.pk)
        except Busy:
            typer.echo(f"{folder.path}: somebody is looking into it", err=True)
            continue
        imported += seen.imported
        typer.echo(f"{folder.path}: {said(seen)}")
        for question in seen.questions:
            typer.echo(f"  waits for a person: {question}")
    if imported:
        compute()
