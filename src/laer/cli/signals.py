"""`laer signals`: what stands, and how right a signal, or a changed text of it, would have been over the past."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail, open_book
from laer.cli.facts import _aligned
from laer.cli.revenue import Format

if TYPE_CHECKING:
    from laer.cycle.replaying import Replayed
    from laer.signals.signal import Signal

SHOWN = 20


@app.command()
def signals(
    signal: Annotated[str | None, typer.Argument(help="a signal by its id; without one: all of them, with what stands")] = None,
    draft: Annotated[Path | None, typer.Option(metavar="FILE", help="replay this text instead of the one in force")] = None,
    months: Annotated[int, typer.Option(min=1, max=36, help="of the past that are looked at")] = 24,
    format: Annotated[Format, typer.Option(help="table or json")] = Format.table,
) -> None:
    """Signals with what stands; of one, or of a changed text, when it would have fired over the past, on whom, and how right."""
    if format is Format.csv:
        fail("--format csv: signals are printed as table or json")
    open_book()
    from laer.cycle.run_tables import QuestionFault
    from laer.cycle.scope import Scope
    from laer.web.runs import passes, signalling

    run = passes.latest_run()
    if run is None:
        fail("no pass has run yet: `laer run` makes the first", 1)
        return
    if signal is None and draft is None:
        _list(format)
        return
    text = draft.read_text(encoding="utf-8") if draft else signalling.text_of(str(signal))
    if text is None:
        from laer.web.book import definitions

        there = ", ".join(row.name for row in definitions.in_force("signal"))
        fail(f"no signal {signal!r}; there is: {there}")
        return
    read, measures = signalling.read_signal(text, None if draft else signal)
    if read.document is None:
        fail("\n".join(map(str, read.faults)))
    try:
        found = signalling.replay(run, read.document, Scope(True), measures, months)
    except (QuestionFault, TimeoutError) as error:
        fail(str(error), 1)
        return
    told = _told(read.document, found)
    if format is Format.json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1, default=str))
    else:
        typer.echo(_printed(told), nl=False)


def _list(format: Format) -> None:
    from datetime import timedelta

    from laer.cycle.scope import Scope
    from laer.web.book import definitions
    from laer.web.runs import episodes, passes

    run = passes.latest_run()
    assert run is not None
    counted = episodes.counted(Scope(True), run.as_of - timedelta(days=30))
    known = episodes.signals()
    rows = [
        {"signal": row.name, "name": row.title, "status": row.status, "motion": known[row.name].motion if row.name in known else "",
         "severity": known[row.name].severity if row.name in known else "",
         **{k: counted.get(row.name, {}).get(k, 0) for k in ("standing", "opened", "closed")}}
        for row in definitions.in_force("signal")
    ]  # fmt: skip
    if format is Format.json:
        typer.echo(json.dumps({"as_of": str(run.as_of), "signals": rows}, ensure_ascii=False, indent=1))
        return
    header = ["signal", "status", "motion", "severity", "standing", "opened 30 d", "closed 30 d"]
    cells = [[row["signal"], row["status"], row["motion"], row["severity"], *(str(row[k]) for k in ("standing", "opened", "closed"))] for row in rows]
    typer.echo(_table(header, cells), nl=False)


def _told(one: Signal, found: Replayed) -> dict[str, Any]:
    from laer.records.periods import date_of
    from laer.web.book.models import Account

    names = dict(Account.objects.filter(pk__in={e.account for e in found.episodes}).values_list("id", "name"))
    made = found.record
    record = None if made is None else {name: getattr(made, name) for name in (*made.__dataclass_fields__, "lift")}
    return {
        "signal": one.id, "leads_to": one.leads_to, "within": one.within, "basis": "back-filled", "unknown": found.unknown, "record": record,
        "dates": [{"on": str(date_of(day)), "opened": opened, "standing": stands} for day, opened, stands in found.by_date],
        "episodes": [
            {"account_id": e.account, "account": names.get(e.account, ""), "opened": str(date_of(e.opened)),
             "closed": str(date_of(e.closed)) if e.closed else None,
             "stood_before": e.base,
             "outcome": next((str(date_of(d)) for d in found.outcomes.get(e.account, ()) if e.opened < d <= e.opened + one.within), None)}
            for e in found.episodes
        ],
    }  # fmt: skip


def _printed(told: dict[str, Any]) -> str:
    lines = [f"{told['signal']}, {told['dates'][0]['on']} to {told['dates'][-1]['on']}, facts back-filled"]
    record = told["record"]
    if record is None:
        lines.append("it is said to lead to nothing: only how often it fires can be told")
    else:
        share = "none can be judged yet" if record["precision"] is None else (
            f"right {record['right']} of {record['judged']}, {record['precision']:.1%} (95 %: {record['low']:.1%} to {record['high']:.1%})")  # fmt: skip
        usual = "unknown" if record["usual"] is None else f"{record['usual']:.1%}"
        lead = "unknown" if record["lead"] is None else f"{record['lead']:g} days"
        lines += [
            f"fired {record['fired']}; {share}; of any customer {usual}",
            f"lead {lead}; {record['warned']} of {record['outcomes']} forewarned; warned and then quiet {record['quiet']}",
        ]
    shown = [e for e in told["episodes"] if not e["stood_before"]][:SHOWN]
    cells = [[e["account"], e["opened"], e["closed"] or "stands", e["outcome"] or ""] for e in shown]
    return "\n".join(lines) + "\n\n" + _table(["account", "opened", "closed", f"{told['leads_to'] or 'outcome'} within {told['within']} d"], cells)


def _table(header: list[str], rows: list[list[str]]) -> str:
    return _aligned([header, *rows]) if rows else "none\n"
