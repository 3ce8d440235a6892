"""`laer close`: a month as reported."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail, open_book

if TYPE_CHECKING:
    from laer.web.people.models import User


@app.command()
def close(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="the month; open months before it are closed with it", show_default=False)],
    note: Annotated[str, typer.Option(metavar="TEXT", help="kept with the months; the reason, with --reopen")] = "",
    reopen: Annotated[bool, typer.Option("--reopen", help="open the month again, and every later one")] = False,
    by: Annotated[str, typer.Option(metavar="EMAIL", help="in whose name; default: the command line")] = "",
) -> None:
    """Keep a month's figures as reported. Later changes to it appear in the first open month as a restatement."""
    from laer.records.periods import month_of

    try:
        number = month_of(month)
    except ValueError as error:
        fail(str(error))
        return
    open_book()
    from laer.web.runs import closing

    user = _user(by)
    if not reopen:
        _warn()
    try:
        done = closing.reopen_months(user, number, note) if reopen else closing.close_months(user, number, note)
    except closing.NotClosable as error:
        fail(str(error), 1)
        return
    for closed in done:
        _say(closed, reopen)


def _user(email: str) -> User | None:
    from laer.web.people.models import User

    if not email:
        return None
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None:
        fail(f"there is no login {email}; see: laer user list")
    elif not user.may_close:
        fail(f"{email} has the role {user.role}; closing needs finance or admin")
    return user


def _warn() -> None:
    """What a person would look at first. It does not hold the closing back."""
    from laer.web.book.retry import waiting
    from laer.web.runs.doctor import findings
    from laer.web.runs.passes import latest_run

    run = latest_run()
    for note in run.notes if run else ():
        typer.echo(f"note: {note}", err=True)
    aside, errors = waiting().count(), sum(f.severity == "error" for f in findings())
    if aside:
        typer.echo(f"note: {aside:,} row{'' if aside == 1 else 's'} in quarantine", err=True)
    if errors:
        typer.echo(f"note: {errors} error{'' if errors == 1 else 's'} found by the doctor (laer doctor)", err=True)


def _say(closed: Any, reopened: bool) -> None:
    from laer.records.money import minor_units, rounded
    from laer.web.runs.reported import RESTATEMENT

    name = f"{closed.month:%Y-%m}"
    if reopened:
        typer.echo(f"{name}  open again")
        return
    figures, places = closed.figures["event"], minor_units(closed.currency)
    taken = Fraction(figures[RESTATEMENT])
    closing = rounded(Fraction(figures["closing_mrr"]), places)
    typer.echo(f"{name}  closed  {closing:>16,} {closed.currency}" + (f"  restatement of earlier months {rounded(taken, places):+,}" if taken else ""))
