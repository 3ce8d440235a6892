"""`laer init` and `laer upgrade`: an installation, made and brought up to this version."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import typer

import laer
from laer.cli import app
from laer.cli.book import fail, open_book
from laer.web import home

BUNDLE = "dist/app.css"


@app.command()
def init() -> None:
    """Make an installation in LAER_HOME. Running it again changes nothing."""
    initialise()
    from laer.web.people.models import User

    typer.echo(f"home:     {home.home()}")
    typer.echo(f"book:     {book_name()}")
    typer.echo("next:")
    if not User.objects.exists():
        typer.echo("  laer serve               sets up the rest in the browser, or here:")
        typer.echo("  laer user create you@example.com --role admin")
    typer.echo("  laer import PATH…        files into the book")
    typer.echo("  laer serve               the pages on http://127.0.0.1:8000/")


@app.command()
def upgrade() -> None:
    """Back up, bring the book to this version's schema, remake its views and collect the static files."""
    open_book(migrated=False)
    from django.core.management import call_command

    from laer.cli.operate.archive import write_archive
    from laer.cli.operate.serving import alone
    from laer.web.runs.schema import applied, interrupted, schema_problem, unknown

    there = applied()
    if interrupted() or not there or unknown(there):
        fail(str(schema_problem()))
    with alone("upgrade"):
        saved = home.home() / "backups" / f"before-{laer.__version__}-{datetime.now(UTC):%Y%m%dT%H%M%S}.tar.gz"
        write_archive(saved)
        typer.echo(f"backup:       {saved}")
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except Exception as error:
            typer.echo(f"laer: the upgrade failed: {error}", err=True)
            fail(f"install the version before this one, then go back with: laer restore {saved} --force", 1)
        now = [name for name in applied() if name not in there]
        typer.echo(f"schema:       {', '.join(now) if now else 'nothing to do'}")
        typer.echo("views:        made again")
        typer.echo(f"definitions:  {said_of_definitions()}")
        typer.echo(f"static files: {'collected' if collect_static() else 'not built (make setup)'}")
    typer.echo(f"This is laer {laer.__version__}. Start it again with: laer serve")


def said_of_definitions() -> str:
    """What ships is taken in; where a text of the firm's own stands before it, that is said."""
    from laer.web.book import definitions

    found = definitions.seed()
    lines = [f"{one.kind} {one.name}: shipped version {one.shipped} differs from yours, version {one.version}" for one in found]
    return "\n              ".join(lines) + "\n              yours stay in force; laer content diff shows how they differ" if lines else "as they ship"


def make_if_new() -> None:
    """For `laer serve`: an empty home and an empty database become an installation.

    A home that was in use and has lost its book does not: its DATABASE_URL is more likely to be missing than its book.
    """
    from laer.cli.operate.serving import alone
    from laer.web.runs.schema import is_empty

    open_book(migrated=False)
    if (home.home() / "files").exists() or not is_empty():
        return
    with alone("serve"):
        initialise()
    typer.echo(f"laer: made an installation in {home.home()}")


def initialise() -> None:
    """Home folder, secret key, tables and static files. Django is set up when it returns."""
    open_book(migrated=False)
    from django.core.management import call_command
    from django.db import DatabaseError, connection

    from laer.web.runs.schema import applied, interrupted, schema_problem

    folder = home.home()
    if folder.stat().st_uid == os.getuid() and folder.stat().st_mode & 0o077:
        folder.chmod(home.PRIVATE)
    problem = schema_problem()
    if problem and (interrupted() or applied()):
        fail(problem)  # an older book is upgraded with a backup, not here
    if problem:
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            fail(f"the book cannot be made in {book_name()}: {str(error).strip()}", 1)
    if connection.vendor == "sqlite":
        Path(connection.settings_dict["NAME"]).chmod(0o600)  # its write-ahead log takes the same
    home.lake()
    home.uploads()
    if not collect_static():
        typer.echo("laer: the front end is not built yet (make setup): pages will have no style", err=True)


def collect_static() -> bool:
    """Copy the built front end, hashed and compressed, to where the server reads it. Only when it changed; False when there is none."""
    from django.conf import settings
    from django.core.management import call_command

    source, collected = Path(settings.STATICFILES_DIRS[0]), Path(settings.STATIC_ROOT)
    if not (source / BUNDLE).exists():
        return False
    # By content: the files of a wheel or an image are often older than what an earlier version collected.
    digest = blake2b(laer.__version__.encode())
    files = sorted(f for f in source.rglob("*") if f.is_file())
    for file in files:
        digest.update(f"{file.relative_to(source)} {file.stat().st_size} ".encode() + file.read_bytes())
    mark = collected / ".collected"
    if not (collected / "staticfiles.json").exists() or not mark.exists() or mark.read_text(encoding="ascii") != digest.hexdigest():
        for file in files:  # Django leaves a copy alone that is newer; what pages still open may ask for, under hashed names, stays
            (collected / file.relative_to(source)).unlink(missing_ok=True)
        # django_htmx brings every release of htmx; ours is in the bundle.
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["django_htmx"])
        mark.write_text(digest.hexdigest(), encoding="ascii")
    return True


def book_name() -> str:
    """Where the book is, without a password."""
    from django.db import connection

    book = connection.settings_dict
    return str(book["NAME"]) if connection.vendor == "sqlite" else f"PostgreSQL {book['HOST']}:{book['PORT'] or 5432}/{book['NAME']}"
