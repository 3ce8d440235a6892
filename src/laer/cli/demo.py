"""`laer demo`: from nothing to a firm in the browser. It has a home of its own, so that it never meets a real book."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from laer.cli import app
from laer.cli.book import fail, open_book

EMAIL = "admin@laer.example"
SOURCE = "demo"


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="port of the server on 127.0.0.1")] = 8000,
    seed: Annotated[int, typer.Option(help="another seed is another firm")] = 7,
    accounts: Annotated[int, typer.Option(min=20, help="accounts of the firm")] = 420,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="last day of its history; default: today")] = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="start the server afterwards")] = True,
) -> None:
    """A generated firm with 24 months of history: import, pass, login, server. LAER_HOME defaults to .laer/demo here."""
    os.environ.setdefault("LAER_HOME", str(Path.cwd() / ".laer" / "demo"))
    os.environ.setdefault("LAER_COMPANY", "Demo firm")
    open_book(migrated=False)
    from laer.cli.operate.installation import initialise
    from laer.cli.operate.serving import supervise

    started = time.perf_counter()
    initialise()
    from laer.web.book.models import ImportRun

    if ImportRun.objects.exclude(kind="demo").exists():
        fail(f"the book in {os.environ['LAER_HOME']} is not a demo: give another LAER_HOME")
    if not ImportRun.objects.filter(kind="demo", state="done").exists():
        _load(seed, accounts, date.fromisoformat(as_of) if as_of else date.today())
        typer.echo(f"the firm was made in {time.perf_counter() - started:.0f} s", err=True)
    password = _login()
    typer.echo(f"\n  http://127.0.0.1:{port}/\n  e-mail    {EMAIL}\n  password  {password}\n")
    if serve:
        supervise(port=port)


def _load(seed: int, accounts: int, as_of: date) -> None:
    from laer.sources.demo import firm
    from laer.web.book.importing import import_batches
    from laer.web.runs.passes import start_pass

    run = import_batches(firm(seed, as_of=as_of, accounts=accounts), source=SOURCE, kind="demo", file_date=as_of)
    new = sum(c["new"] for c in run.counts.values())
    rejected = sum(c["rejected"] for c in run.counts.values())
    typer.echo(f"{new:,} rows taken in" + (f", {rejected:,} set aside" if rejected else ""), err=True)
    done = start_pass()
    typer.echo(f"pass {done.pk}: {done.counts['accounts']:,} accounts, {done.counts['lines']:,} lines", err=True)


def _login() -> str:
    """The admin's login with a fresh password, printed once; nothing in the demo has a default one."""
    from laer.cli.operate.logins import create_login, strong_password
    from laer.web.people.models import User

    password = strong_password()
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        create_login(EMAIL, password, "admin", "Demo Admin")
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    return password
