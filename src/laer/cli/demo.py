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


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="port of the server on 127.0.0.1")] = 8000,
    seed: Annotated[int, typer.Option(help="another seed is another firm")] = 7,
    accounts: Annotated[int, typer.Option(min=20, help="accounts of the firm")] = 420,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="last day of its history; default: today")] = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="start the server afterwards")] = True,
    leave: Annotated[bool, typer.Option("--leave", help="take the demo firm out instead: logins and settings stay, the book is empty")] = False,
    own_too: Annotated[bool, typer.Option("--with-own-work", help="with --leave: what was imported or added to the demo by hand goes too")] = False,
) -> None:
    """A generated firm with 24 months of history: import, pass, login, server. LAER_HOME defaults to .laer/demo here."""
    own_home = Path.cwd() / ".laer" / "demo"
    if not leave or own_home.exists():  # one that was made in the browser is in the installation's own home
        os.environ.setdefault("LAER_HOME", str(own_home))
    if leave:
        _leave(own_too)
        return
    open_book(migrated=False)
    from laer.cli.operate.installation import initialise
    from laer.cli.operate.serving import supervise

    started = time.perf_counter()
    initialise()
    password = _login()  # before the firm: some of its tasks and notes are for whoever tries it out
    if _make(seed, accounts, date.fromisoformat(as_of) if as_of else date.today()):
        typer.echo(f"the firm was made in {time.perf_counter() - started:.0f} s", err=True)
    typer.echo(f"\n  http://127.0.0.1:{port}/\n  e-mail    {EMAIL}\n  password  {password}\n")
    if serve:
        supervise(port=port)


def _make(seed: int, accounts: int, as_of: date) -> bool:
    """Make the firm where there is none; whether one was made. One that was interrupted is made anew."""
    from laer.web.book.models import ImportRun
    from laer.web.people import company
    from laer.web.people.models import Demo
    from laer.web.people.roles import Refused
    from laer.web.runs import demo as firms

    state = company.refresh().demo
    if state == Demo.SHOWN:
        return False
    if state == Demo.NONE and ImportRun.objects.filter(kind=firms.KIND, state="done").exists():
        if ImportRun.objects.exclude(kind__in=(firms.KIND, "edit")).exists():
            fail(f"the book in {os.environ['LAER_HOME']} is not a demo: give another LAER_HOME")
        firms.recognise()  # made by a version that left no mark
        return False
    if state == Demo.LEAVING:
        firms.leave()
        state = Demo.NONE
    if state == Demo.NONE:
        try:
            firms.ask_to_make(None)
        except Refused:
            fail(f"the book in {os.environ['LAER_HOME']} is not a demo: give another LAER_HOME")
    if not company.firm().name:
        firms.call_it("Demo firm")
    run = firms.make(seed=seed, accounts=accounts, as_of=as_of.isoformat())
    if run is not None:
        new = sum(c["new"] for c in run.counts.values())
        rejected = sum(c["rejected"] for c in run.counts.values())
        typer.echo(f"{new:,} rows taken in" + (f", {rejected:,} set aside" if rejected else ""), err=True)
    return True


def _leave(own_too: bool) -> None:
    """The command's form of the button: says what goes, and refuses where that holds work of people's own."""
    open_book()
    from laer.web.people import company
    from laer.web.people.models import Demo
    from laer.web.people.roles import Refused
    from laer.web.runs import demo as firms
    from laer.web.runs.passes import Busy

    own = firms.own_rows()
    try:
        if company.refresh().demo != Demo.LEAVING:
            firms.ask_to_leave(None, all_of_it=own_too)
        firms.leave()
    except Refused as refused:
        of = {"imports": len(own.imports), "accounts": own.accounts, "changes": own.changes, "closed months": own.months, "tasks, touches and notes": own.work}
        told = f" ({', '.join(f'{what}: {n}' for what, n in of.items())})" if own else ""
        fail(f"{refused}{told}" + ("; --with-own-work takes it out too" if own and not own_too and company.firm().demo else ""))
    except Busy:
        fail("a pass is running; try again in a moment", 1)
    typer.echo("the demo firm is gone; the book is empty")


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
