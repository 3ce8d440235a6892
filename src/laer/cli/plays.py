"""`laer plays`: what each play does, whom one would have concerned over the past, and why it begins for an account or not."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail, open_book
from laer.cli.facts import _aligned
from laer.cli.revenue import Format

if TYPE_CHECKING:
    from laer.web.runs.playing.trying import Tried

SHOWN = 20


@app.command()
def plays(
    play: Annotated[str | None, typer.Argument(help="a play by its id; without one: all of them")] = None,
    account: Annotated[int | None, typer.Option(help="why it begins for this account, or why not: its number")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="try it on the past from this day; default: a year ago")
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="until this day; default: the last pass's")] = None,
    format: Annotated[Format, typer.Option(help="table or json")] = Format.table,
) -> None:
    """Plays with what is under way; of one, whom it would have concerned over a past period, or why it begins for an account. Nothing is done."""
    if format is Format.csv:
        fail("--format csv: plays are printed as table or json")
    open_book()
    from laer.cycle.run_tables import QuestionFault
    from laer.cycle.scope import Scope
    from laer.web.book import definitions
    from laer.web.runs import passes
    from laer.web.runs.playing import trying
    from laer.web.runs.playing.known import play_of

    run = passes.latest_run()
    if run is None:
        fail("no pass has run yet: `laer run` makes the first", 1)
        return
    if play is None:
        _list(format)
        return
    row = definitions.current("play", play)
    found = None if row is None else play_of(row.text)
    if found is None:
        there = ", ".join(one.name for one in definitions.in_force("play"))
        fail(f"no play {play!r}; there is: {there}")
        return
    if account is not None:
        _why(play, account, format)
        return
    try:
        tried = trying.tried(run, found, Scope(True), first.date() if first else run.as_of - timedelta(days=365), last.date() if last else run.as_of)
    except (QuestionFault, TimeoutError) as error:
        fail(str(error), 1)
        return
    told = _told(tried)
    if format is Format.json:
        typer.echo(json.dumps(told, indent=1, default=str))
        return
    counts = f"{told['entered']} would have entered, {told['kept_out']} kept out, {told['cooling']} too soon again"
    typer.echo(f"{found.name}, {told['from']} to {told['to']}: {counts}")
    if told["usual"] is not None:
        typer.echo(f"{told['usual']:.0%} reached what it is to bring about with no play: that is what it has to beat")
    if told["entries"]:
        owners = [[one["owner"] or "nobody", str(one["accounts"]), str(one["tasks"])] for one in told["owners"]]
        typer.echo(_aligned([["owner", "accounts", "tasks at most"], *owners]), nl=False)
        entries = [[str(one["day"]), str(one["account"]), one["name"] or ""] for one in told["entries"][:SHOWN]]
        typer.echo(_aligned([["day", "account", "name"], *entries]), nl=False)


def _list(format: Format) -> None:
    from laer.cycle.scope import Scope
    from laer.web.book import definitions
    from laer.web.people.formats import today
    from laer.web.runs.playing import standing
    from laer.web.runs.playing.known import play_of

    counted, settings = standing.counted(Scope(True), today()), standing.settings()
    rows: list[dict[str, Any]] = []
    for row in definitions.in_force("play"):
        if (found := play_of(row.text)) is None:
            continue
        setting, n = settings.get(row.name), counted.get(row.name, {})
        state = found.status if not found.in_use else "on" if setting and setting.on else "trial"
        counts = {name: n.get(name, 0) for name in ("live", "ended", "would")}
        rows.append({"id": row.name, "name": row.title, "motion": found.motion, "state": state, **counts})
    if format is Format.json:
        typer.echo(json.dumps(rows, indent=1))
        return
    typer.echo(_aligned([list(rows[0]), *([str(value) for value in row.values()] for row in rows)]) if rows else "none\n", nl=False)


def _told(tried: Tried) -> dict[str, Any]:
    from laer.records.periods import date_of
    from laer.web.book.models import Account
    from laer.web.people.models import Person

    entered, tasks = tried.entered, len(tried.play.tasks())
    names = dict(Account.objects.filter(pk__in=[one.account for one in entered]).values_list("id", "name"))
    people = dict(Person.objects.filter(pk__in=[pk for pk in tried.owners if pk]).values_list("id", "name"))
    return {
        "play": tried.play.id, "from": tried.first, "to": tried.last, "entered": len(entered), "kept_out": sum(one.kept is not True for one in tried.entries),
        "cooling": sum(one.cooling for one in tried.entries), "usual": tried.usual,
        "owners": [{"owner": people.get(pk) if pk else None, "accounts": n, "tasks": n * tasks} for pk, n in tried.owners.items()],
        "entries": [{"account": one.account, "name": names.get(one.account), "day": date_of(one.day), "reached": one.reached} for one in entered],
    }  # fmt: skip


def _why(play: str, account: int, format: Format) -> None:
    """Of the whole book: whoever may run commands sees everything."""
    from laer.web.book.actions import Refused
    from laer.web.book.models import Account
    from laer.web.runs.playing import deciding

    if not Account.objects.filter(pk=account, archived_at=None).exists():
        fail(f"no account {account}: `laer facts` lists them by their number")
    try:
        found = deciding.gates_for(play, account)
    except Refused as refused:
        fail(str(refused), 1)
        return
    if format is Format.json:
        typer.echo(json.dumps({"begins": found.begins, "gates": [{"gate": g.gate, "passes": g.passes, "said": g.said} for g in found.gates]}, indent=1))
        return
    typer.echo("it begins" if found.begins else "it does not begin")
    for gate in found.gates:
        typer.echo(f"  {'open' if gate.passes else 'unknown' if gate.passes is None else 'shut':8}{gate.said}")
