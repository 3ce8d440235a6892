"""`laer pack`: the board pack of a month as a workbook."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from laer.cli import app
from laer.cli.book import fail, open_book


@app.command()
def pack(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="the month", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="default: board-pack-YYYY-MM.xlsx here")] = None,
) -> None:
    """The board pack of a month as an XLSX: waterfall, retention, movements, flow, renewals ahead and health, with the rows behind them."""
    from laer.records.periods import month_name, month_of

    try:
        number = month_of(month)
    except ValueError as error:
        fail(str(error))
        return
    file = output or Path(f"board-pack-{month_name(number)}.xlsx")
    if not file.parent.is_dir():
        fail(f"--output {file}: there is no folder {file.parent}")
    open_book()
    from laer.cycle.scope import Scope
    from laer.web.pages.exports import written
    from laer.web.pages.pack_sheets import sheets
    from laer.web.people.audit import log_event
    from laer.web.people.models import Act
    from laer.web.runs import packing, passes
    from laer.web.work.calls import all_standing

    run = passes.latest_run()
    if run is None:
        fail("no pass has run yet: `laer run` makes the first", 1)
        return
    try:
        found = packing.pack_of(run, Scope(True), number, {key: call.category for key, call in all_standing().items()})
    except (packing.NoMonth, TimeoutError) as error:
        fail(str(error), 1)
        return
    with written(sheets(found, "the whole book")) as made, file.open("wb") as there:
        shutil.copyfileobj(made, there)
    log_event(Act.EXPORTED, subject=file.name, details={"of": f"laer pack {month_name(number)}", "run": run.pk})
    closing = found.money(found.now["closing_mrr"])
    to_date = " to date" if found.to_date else ""
    typer.echo(f"{file}  {month_name(number)}{to_date}  MRR {closing:,} {found.currency}  {len(found.moved):,} movements  run {run.pk}")
