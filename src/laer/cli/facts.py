"""`laer facts`: what is known of each account at any date."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail, open_book
from laer.cli.revenue import Format

if TYPE_CHECKING:
    from laer.conditions.tree import Condition
    from laer.metrics.catalogue import Measure
    from laer.web.runs.models import PassRun


SECONDS = 600.0  # nobody else waits for the command line


@app.command()
def facts(
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="the end of this day; default: that of the newest pass")] = None,
    account: Annotated[list[str] | None, typer.Option(metavar="ID", help="an account by its number or exact name; may be given again")] = None,
    measure: Annotated[list[str] | None, typer.Option(metavar="ID", help="a measure; may be given again; default: all")] = None,
    where: Annotated[str | None, typer.Option(metavar="CONDITION",
        help="only accounts for which this is true, for example 'mrr > 500 and pulse = red'")] = None,
    format: Annotated[Format, typer.Option(help="how to print")] = Format.table,
) -> None:
    """What is known of each account at a date: a column per measure. Nothing is guessed: what is unknown is empty, and 0 is 0."""
    day = _day(as_of)
    open_book()
    from laer.cycle.questions import Desk
    from laer.cycle.run_tables import QuestionFault
    from laer.cycle.scope import Scope
    from laer.records.periods import day_number
    from laer.web.book.definitions import measures
    from laer.web.runs import passes
    from laer.web.runs.snapshots import open_run

    newest = passes.latest_run()
    if newest is None:
        fail("no pass has run yet: `laer run` makes the first", 1)
        return
    numbers = _accounts(account or [])
    condition = _condition(where)
    asked_on = day or newest.as_of
    params = {"dates": (day_number(asked_on),), "measures": tuple(measure) if measure else None, "accounts": tuple(numbers) if account else None}
    desk, truths = Desk(open_run, seconds=SECONDS), {}
    try:
        rows = desk.ask("facts", params, Scope(True), newest.pk).to_pylist()
        if condition is not None:
            answer = desk.ask("condition", {"condition": condition, "day": day_number(asked_on)}, Scope(True), newest.pk)
            truths = dict(zip(answer["account_id"].to_pylist(), answer["truth"].to_pylist(), strict=True))
    except (QuestionFault, TimeoutError) as error:
        fail(str(error))
        return
    if condition is not None:
        unknown = sum(truths[row["account_id"]] is None for row in rows)
        rows = [row for row in rows if truths[row["account_id"]]]
        if unknown:
            typer.echo(f"note: of {unknown:,} account{'' if unknown == 1 else 's'} too little is known to say whether this is true", err=True)
    there = measures()
    chosen = [there[name] for name in measure or there if measure or not rows or name in rows[0]]
    typer.echo(_printed(rows, chosen, format, summed=not measure and not account and not where, newest=newest), nl=False)


def _printed(rows: list[dict[str, Any]], chosen: list[Measure], how: Format, *, summed: bool, newest: PassRun) -> str:
    from laer.web.book.models import Account

    names = dict(Account.objects.values_list("id", "name"))
    said = [
        {"account_id": row["account_id"], "account": names.get(row["account_id"], ""), "as_of": str(_date(row["d"]))} | {m.id: _plain(m,
            row[m.id]) for m in chosen}
        for row in rows
    ]
    if how is Format.json:
        return json.dumps(said, ensure_ascii=False, indent=1) + "\n"
    if how is Format.csv:
        out = io.StringIO()
        writer = csv.DictWriter(out, ["account_id", "account", "as_of", *(m.id for m in chosen)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(said)
        return out.getvalue()
    if summed:
        counts = {m.id: sum(row[m.id] is not None for row in said) for m in chosen}
        head = f"{len(said):,} accounts as of {said[0]['as_of'] if said else newest.as_of}; --account ID or --measure ID shows values\n\n"
        return head + _aligned([["measure", "known of", "what it is"], *([m.id, f"{counts[m.id]:,}", m.name] for m in chosen)])
    if len(said) == 1:
        head = f"{said[0]['account']} as of {said[0]['as_of']}\n\n"
        return head + _aligned([["measure", "value", "unit", "what it is"], *([m.id, _shown(said[0][m.id]), m.unit, m.name] for m in chosen)])
    return _aligned([["account_id", "account", *(m.id for m in chosen)], *([str(r["account_id"]), r["account"],
        *(_shown(r[m.id]) for m in chosen)] for r in said)])


def _plain(measure: Measure, value: Any) -> Any:
    return str(_date(value)) if measure.kind == "date" and value is not None else value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(cells[place]) for cells in rows) for place in range(len(rows[0]))]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n" for cells in rows)


def _date(day: int) -> date:
    from laer.records.periods import date_of

    return date_of(day)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--as-of {text}: expected a date as YYYY-MM-DD, for example 2026-06-30")
        raise


def _condition(text: str | None) -> Condition | None:
    if text is None:
        return None
    from laer.conditions.reading import parse
    from laer.web.runs import fact_filters

    line, faults = fact_filters.read(text)
    if line is None:
        fail(f"--where {text!r}: {'; '.join(faults) or 'nothing to ask'}")
        raise AssertionError
    return parse(line, fact_filters.vocabulary())


def _accounts(given: list[str]) -> list[int]:
    """Numbers of accounts named by number or by exact name; each must be one."""
    from laer.web.book.models import Account

    found = []
    for text in given:
        there = Account.objects.filter(archived_at=None)
        ids = list((there.filter(pk=int(text)) if text.isdecimal() and len(text) < 19 else there.filter(name=text)).values_list("pk", flat=True)[:3])
        if len(ids) != 1:
            fail(f"--account {text}: {'no account' if not ids else 'more than one account'} of that {'number' if text.isdecimal() else 'name'}")
        found += ids
    return found
