"""`laer import`, `laer run`, `laer doctor`, `laer undo`: files into the book, and what is wrong in it."""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail, open_book
from laer.cli.readings import readings, say_raised

if TYPE_CHECKING:
    from laer.web.book.models import ImportRun

COUNTS = ("new", "changed", "unchanged", "repeated", "rejected")
SHOWN = 10


class End(StrEnum):
    exclusive = "exclusive"
    inclusive = "inclusive"


class MonthDay(StrEnum):
    first = "first"
    last = "last"


class AmountIs(StrEnum):
    monthly = "monthly"
    quarterly = "quarterly"
    semi_annual = "semi-annual"
    annual = "annual"
    biennial = "biennial"
    term = "term"


class AmountOf(StrEnum):
    line = "line"
    unit = "unit"


class DateOrder(StrEnum):
    dmy = "dmy"
    mdy = "mdy"
    ymd = "ymd"


class Format(StrEnum):
    table = "table"
    json = "json"


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="CSV or XLSX files, or folders of them", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, write nothing")] = False,
    mapping: Annotated[Path | None, typer.Option(metavar="FILE", help="a saved mapping (YAML) instead of recognition")] = None,
    source: Annotated[str, typer.Option(metavar="NAME", help="the system that the files come from; ids are unique within it")] = "files",
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="the files' date, when it is not in a name")] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", metavar="WORD=MEANING", help="what a status word of the files means (dunning='past due'); repeatable")
    ] = None,
    end: Annotated[End | None, typer.Option(help="end dates are the first unpaid day (exclusive) or the last paid day; default: what the file shows")] = None,
    months: Annotated[
        MonthDay | None, typer.Option("--months", help="a month without a day, as an end, is its first or its last day; default: what the file shows")
    ] = None,
    amount_is: Annotated[AmountIs | None, typer.Option("--amount-is", help="period that an amount is for; default: what the file shows")] = None,
    amount_of: Annotated[AmountOf | None, typer.Option("--amount-of", help="an amount is the line's total or the price of one unit")] = None,
    date_order: Annotated[DateOrder | None, typer.Option("--date-order", help="order of day, month and year; default: what the file shows")] = None,
    save_mapping: Annotated[Path | None, typer.Option("--save-mapping", metavar="FILE", help="write how the files were read, to edit and use again")] = None,
) -> None:
    """Take files into the book: recognise, compare, write, and compute. The same bytes twice change nothing."""
    open_book()
    from laer.sources.tabular.files import UnreadableFile
    from laer.sources.tabular.mapping import MappingFault, all_from_yaml
    from laer.web.book import importing
    from laer.web.book.answering import answer
    from laer.web.book.matching import matched_by

    try:
        given = all_from_yaml(mapping.read_text(encoding="utf-8")) if mapping else []
        day = date.fromisoformat(as_of) if as_of else None
        run = importing.begin_import([(p.name, p) for p in paths], source=source, file_date=day, mappings_given=given)
    except (UnreadableFile, MappingFault, OSError, ValueError) as error:
        fail(str(error))
        return
    try:
        _tell_status(run, status or [])
    except ValueError as error:
        importing.discard_import(run)
        fail(str(error))
        return
    said = {"date_order": date_order, "end": end, "months": months, "interval": amount_is, "amount_of": amount_of}
    answer(run, {name: one.value for name, one in said.items() if one is not None})
    _say_how_read(run)
    if save_mapping:
        save_mapping.write_text(_mappings(run), encoding="utf-8")
    if unsaid := _quarters_unsaid(run):
        importing.discard_import(run)
        fail(unsaid)
    if not any(f.record for f in run.files.all()):
        importing.discard_import(run)
        fail("no file was recognised as a record type; give --mapping FILE (write a first one with --save-mapping)")
    if dry_run:
        previews = importing.preview_import(run)
        for file in run.files.all():
            shown = previews.get(file.pk)
            if shown:
                typer.echo(f"\n{file.name}")
                _print_counts(shown.counts)
                _print_matched(shown.matched)
                _print_changes(shown.changes)
                _print_rejects(shown.rejects)
        importing.discard_import(run)
        return
    noted = len(run.notes)
    with _bar(run) as progress:
        importing.run_import(run, progress)
    run.refresh_from_db()
    typer.echo("")
    _print_counts(run.counts)
    _print_matched(matched_by(run))
    _print_reasons(run)
    for note in run.notes[noted:]:
        typer.echo(f"note: {note}", err=True)
    say_raised(run)
    compute()
    typer.echo(f"import {run.pk} is done; undo it with: laer undo {run.pk}", err=True)


@app.command()
def undo(run: Annotated[int, typer.Argument(help="number of the import", show_default=False)]) -> None:
    """Take an import out of the book and the lake, and put back what stood before."""
    open_book()
    from laer.web.book.models import ImportRun
    from laer.web.book.undo import NotUndoable, undo_import, undone_already

    found = ImportRun.objects.filter(pk=run).first()
    if found is None:
        known = ", ".join(str(i) for i in ImportRun.objects.order_by("-id").values_list("id", flat=True)[:10]) or "none"
        fail(f"there is no import {run}; the newest are: {known}")
        return
    if already := undone_already(found):
        typer.echo(already)
        return
    from laer.web.people.audit import log_event
    from laer.web.people.models import Act
    from laer.web.runs.closed_imports import after_undo, before_undo, closed_months_of

    months = closed_months_of([found]).get(found.pk)
    if months:
        typer.echo(f"note: {before_undo(months)}", err=True)
    try:
        summary = undo_import(found)
        log_event(Act.IMPORT_UNDONE, subject=found.title, details={"import": found.pk, "by": "the command line"})
    except NotUndoable as error:
        fail(str(error))
        return
    typer.echo(f"fields put back: {summary['restored']}, rows taken out: {summary['archived']}, usage rows taken out: {summary['lake']}")
    for left in summary["left"]:
        typer.echo(f"left: {left['record']} {left['object_id']} {left['field']}: {left['why']}".replace("  ", " "), err=True)
    compute()
    restated = after_undo(ImportRun.objects.get(pk=found.pk))
    if restated:
        typer.echo(f"note: {restated}", err=True)


@app.command()
def run(
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="the day at whose end figures are taken; default: today")] = None,
) -> None:
    """One pass: read the book, compute the ledger, publish what pages show."""
    open_book()
    from laer.sources.tabular.files import UnreadableFile
    from laer.web.runs.passes import Busy, start_pass

    try:
        done = start_pass(date.fromisoformat(as_of) if as_of else None)
    except (Busy, UnreadableFile, ValueError) as error:
        fail(str(error), 1)
        return
    _say_pass(done)


@app.command()
def doctor(
    format: Annotated[Format, typer.Option(help="how to print")] = Format.table,
    readiness: Annotated[bool, typer.Option("--readiness", help="instead: which figures and features work, and what to connect next")] = False,
) -> None:
    """What is wrong in the book: each finding with its severity, count and the rows behind it."""
    open_book()
    if readiness:
        _readiness(format)
        return
    from laer.web.runs.doctor import findings

    found = findings()
    if format is Format.json:
        typer.echo(json.dumps([f.as_dict() for f in found], indent=1, ensure_ascii=False, default=str))
        return
    if not found:
        typer.echo("nothing found")
    width = max((len(f.check) for f in found), default=0)
    for f in found:
        typer.echo(f"{f.severity:<8} {f.count:>9,}  {f.check:<{width}}  {f.sentence}")


def _readiness(format: Format) -> None:
    from dataclasses import asdict

    from laer.web.runs.inventory import records
    from laer.web.runs.readiness import features

    states, types = features(), records()
    if format is Format.json:
        typer.echo(json.dumps({"features": [asdict(f) for f in states], "records": [asdict(r) for r in types]}, indent=1, ensure_ascii=False, default=str))
        return
    width = max(len(f.name) for f in states)
    for f in states:
        typer.echo(f"{f.state:<6}  {f.name:<{width}}  {f.why}{f' Next: {f.next_step}.' if f.next_step else ''}")
    typer.echo("")
    for r in types:
        typer.echo(f"{r.rows:>9,}  {r.record:<20} {r.newest or ''!s:<12} {', '.join(r.sources)}".rstrip())


def compute() -> None:
    from laer.sources.tabular.files import UnreadableFile
    from laer.sources.tabular.rates import NoPlanYear
    from laer.web.runs.passes import Busy, run_waiting_pass

    try:
        done = run_waiting_pass()
    except Busy:
        typer.echo("a pass is running already; it or the next one takes these changes in", err=True)
        return
    except (NoPlanYear, UnreadableFile) as error:
        typer.echo(f"the rows are in, and the figures wait for a table of rates that can be used: {error}", err=True)
        return
    if done:
        _say_pass(done)


def _say_pass(done: Any) -> None:
    seconds = sum(done.timings.values())
    counted = ", ".join(f"{done.counts.get(name, 0):,} {word}" for name, word in (("accounts", "accounts"), ("lines", "lines"), ("cards", "cards published")))
    typer.echo(f"pass {done.pk} as of {done.as_of}: {counted}, {seconds:.1f} s", err=True)
    for note in done.notes:
        typer.echo(f"note: {note}", err=True)


def _say_how_read(run: ImportRun) -> None:
    """A line per table; a sheet with a row per customer says once what it feeds."""
    tables: dict[tuple[str, str], list[Any]] = {}
    for file in run.files.order_by("id"):
        tables.setdefault((file.path, file.sheet), []).append(file)
    for parts in tables.values():
        first = parts[0]
        name = f"{first.name} / {first.sheet}" if first.sheet else first.name
        known = [file for file in parts if file.record]
        if not known:
            typer.echo(f"{name}: not recognised, left out ({first.mapping.get('why', '')})", err=True)
            continue
        sure = known[0].mapping.get("sure") or 0.0
        said = ", ".join(file.record.replace("_", " ") for file in known)
        typer.echo(f"{name}: {'each row feeds ' if len(known) > 1 else ''}{said} ({sure:.0%} sure)", err=True)
        for note in dict.fromkeys(note for file in known for note in file.mapping.get("notes") or ()):
            typer.echo(f"  note: {note}", err=True)
        for undecided in dict.fromkeys(column for file in known for column in file.mapping.get("undecided") or ()):
            typer.echo(f"  {undecided}: day and month cannot be told apart; such dates are set aside. Say it with --date-order dmy, mdy or ymd", err=True)
        for line in dict.fromkeys(line for file in known for line in readings(file.mapping)):
            typer.echo(f"  {line}", err=True)
    _say_unknown(run)
    for note in run.notes:
        typer.echo(f"left out: {note}", err=True)


def _say_unknown(run: ImportRun) -> None:
    """Columns that no record has, and how to say what they are."""
    from laer.web.book.raised import unknown_columns

    unknown = unknown_columns(run)
    for table in unknown:
        for columns, what in ((table.kept, "kept as fields of your own, not read as anything else"), (table.left_out, "left out")):
            if columns:
                shown = ", ".join(columns[:SHOWN]) + (f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else "")
                typer.echo(f"  columns that were not recognised in {table.table}, {what}: {shown}", err=True)
    if unknown:
        how = "--save-mapping FILE, edit it, and import again with --mapping FILE; or choose the columns on the page Data"
        typer.echo(f"  to read them otherwise: {how}", err=True)



def _quarters_unsaid(run: ImportRun) -> str | None:
    """What must be said of a grid of quarters or years that does not say what its amounts are: any default may be three or twelve times off."""
    from laer.sources.tabular.answers import period_open
    from laer.sources.tabular.grid import READINGS_OF, GridTable
    from laer.web.book import importing
    from laer.web.book.mappings import from_json

    for file in run.files.filter(record="subscription_lines"):
        if period_open(from_json(file.mapping)) and isinstance(table := importing.table_of(file), GridTable) and table.span > 1:
            return f"{table.title}: {table.known.per_why[:-1] if table.known else ''}. Say it with {READINGS_OF[table.span]}"
    return None


def _tell_status(run: ImportRun, words: list[str]) -> None:
    """Put what is said of status words into the mappings; say which stay unknown."""
    from laer.web.book import importing, mappings, status_words

    for file in run.files.filter(record=status_words.RECORD) if words else ():
        importing.set_mapping(file, status_words.told(mappings.from_json(file.mapping), words))
    for word, n in status_words.unanswered(run, importing.table_of).items():
        rows = f"{n:,} row{'' if n == 1 else 's'}"
        typer.echo(f"status {word!r} is not known: {rows} set aside; say what it means with --status '{word}=active'", err=True)


def _mappings(run: ImportRun) -> str:
    from laer.sources.tabular.mapping import to_yaml
    from laer.web.book.mappings import from_json

    return "---\n".join(to_yaml(from_json(f.mapping)) for f in run.files.all())


def _print_counts(counts: dict[str, dict[str, int]]) -> None:
    width = max([len("record"), *(len(r) for r in counts)])
    typer.echo(f"{'record':<{width}}" + "".join(f"{c:>12}" for c in COUNTS))
    for record, row in counts.items():
        typer.echo(f"{record:<{width}}" + "".join(f"{row.get(c, 0):>12,}" for c in COUNTS))


def _print_matched(matched: dict[str, int]) -> None:
    """Accounts that were found to be customers of another source."""
    from laer.web.book.matching import said

    if matched:
        typer.echo(f"matched to accounts of other sources: {said(matched)}", err=True)


def _print_changes(changes: list[dict[str, Any]]) -> None:
    for c in changes[:SHOWN]:
        typer.echo(f"  {c['record']} {c['key']} {c['field']}: {c['old'] or '(empty)'} -> {c['new'] or '(empty)'}")
    if len(changes) > SHOWN:
        typer.echo(f"  … and {len(changes) - SHOWN} more shown on the Import page")


def _print_rejects(rejects: list[dict[str, Any]]) -> None:
    for r in rejects[:SHOWN]:
        typer.echo(f"  line {r['line']}: {r['reason']}", err=True)


def _print_reasons(run: ImportRun) -> None:
    from django.db.models import Count

    for row in run.quarantined.values("kind").annotate(n=Count("id")).order_by("-n"):
        typer.echo(f"rejected: {row['kind']}: {row['n']}", err=True)


class _bar:
    """A progress bar on standard error; silent where that is no terminal."""

    def __init__(self, run: ImportRun) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.total = _row_estimate(run)
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self.task = self.bar.add_task("importing", total=self.total)

    def __enter__(self) -> Any:
        self.bar.start()
        return lambda done, name: self.bar.update(self.task, completed=done, total=max(self.total, done), description=name)

    def __exit__(self, *_: object) -> None:
        self.bar.stop()


def _row_estimate(run: ImportRun) -> int:
    """Rows to come, from the size of the files: good enough for a bar."""
    return max(1, sum(f.size for f in run.files.all()) // 90)
