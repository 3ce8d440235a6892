"""`laer lab`: would a scorecard, or a changed draft of it, have seen it coming?"""

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
    from collections.abc import Mapping

VERDICTS = {
    "usable": "better than chance", "none": "no usable signal", "few": "too few outcomes to judge: no usable signal can be shown",
    "wrong": "it says the contrary",
}  # fmt: skip
COMPARED = {"better": "the challenger is better", "worse": "the challenger is worse", "alike": "no clear difference", "few": "too few outcomes to compare"}


@app.command()
def lab(
    scorecard: Annotated[str, typer.Argument(help="a scorecard in use, by its id")],
    draft: Annotated[Path | None, typer.Option(metavar="FILE", help="a changed text of it (YAML), held against the one in force")] = None,
    months: Annotated[int, typer.Option(min=1, max=60, help="month ends that are replayed, up to the last that has ended")] = 24,
    horizon: Annotated[int, typer.Option(min=1, max=365, metavar="DAYS", help="days after a month end within which an outcome counts")] = 90,
    outcome: Annotated[str, typer.Option(help="churn, or contraction (churn among it), by the ledger")] = "churn",
    format: Annotated[Format, typer.Option(help="table or json")] = Format.table,
) -> None:
    """Replay a scorecard over the past, with what was known then, beside what came after: AUC, lift, warning, false greens, calibration, stability."""
    if format is Format.csv:
        fail("--format csv: a replay is printed as table or json")
    open_book()
    from laer.cycle.run_tables import QuestionFault
    from laer.web.book.models import Account
    from laer.web.runs import lab as replays
    from laer.web.runs.passes import latest_run

    run = latest_run()
    if run is None:
        fail("no pass has run yet: `laer run` makes the first", 1)
        return
    text = None
    if draft is not None:
        if not draft.is_file():
            fail(f"--draft {draft}: no such file")
        text = draft.read_text(encoding="utf-8")
    try:
        found = replays.of_run(run, scorecard, text, months=months, horizon=horizon, outcome=outcome).as_dict()
    except QuestionFault as fault:
        fail(str(fault))
        return
    missed = {one["account"] for side in (found["champion"], found["challenger"]) if side for one in side["missed"]}
    names = dict(Account.objects.filter(pk__in=missed).values_list("pk", "name"))
    for side in (found["champion"], found["challenger"]):
        for one in side["missed"] if side else ():
            one["name"] = names.get(one["account"])
    typer.echo(json.dumps(found, ensure_ascii=False, indent=1) if format is Format.json else _printed(found), nl=format is Format.json)


def _printed(found: Mapping[str, Any]) -> str:
    sides = [(name, found[name]) for name in ("champion", "challenger") if found[name]]
    dates = found["dates"]
    text = f"{found['card']}: {found['outcome']} within {found['horizon_days']} days, {len(dates)} month ends, {dates[0]} to {dates[-1]}\n"
    for name, side in sides:
        text += f"\n{_of(name, side)}\n\n{_tables(side)}"
    if compared := found["compared"]:
        text += f"\nchallenger against champion: {COMPARED[compared['verdict']]}"
        if compared["difference"] is not None:
            text += f"; AUC {compared['difference']:+.3f} ({compared['low']:+.3f} to {compared['high']:+.3f}) on {compared['rows']} rows"
        text += "\n"
    return text


def _of(name: str, side: Mapping[str, Any]) -> str:
    area = side["area"]
    version = f"version {side['version']}" if side["version"] else "draft"
    lines = [f"{name} ({version}): {VERDICTS[side['verdict']]}"]
    if area["auc"] is not None:
        between = "" if area["low"] is None else f" ({area['low']:.3f} to {area['high']:.3f})"
        lines.append(f"  AUC {area['auc']:.3f}{between}, lift of the lowest tenth {area['lift']:.1f}")
    lines.append(f"  {area['events']} of {area['rows']} rows with the outcome, of {area['accounts']} accounts")
    lead = "" if side["lead"] is None else f", {side['lead']:.0f} days before"
    lines.append(f"  warning before {side['warned']} of {side['outcomes']} outcomes{lead}; {len(side['missed'])} false greens")
    of = (("known", "rows with a score"), ("coverage", "weight known"), ("stability", "bands changed a month"))
    shares = [f"{label} {side[key]:.0%}" for key, label in of if side[key] is not None]
    lines.append("  " + ", ".join(shares) if shares else "  nothing of it is known")
    shown = f"as shown then on {side['shown']} days, else back-filled" if side["shown"] else "back-filled"
    return "\n".join([*lines, f"  basis: {shown}"])


def _tables(side: Mapping[str, Any]) -> str:
    rows = [["band", "rows", "with outcome", "share", "95 %"]]
    for one in side["bands"]:
        share = "-" if one["share"] is None else f"{one['share']:.1%}"
        rows.append([one["band"], str(one["rows"]), str(one["events"]), share, "-" if one["low"] is None else f"{one['low']:.1%} to {one['high']:.1%}"])
    text = _aligned(rows)
    if side["missed"]:
        rows = [["false green", "ARR then", "last green", "points", "it came"]]
        rows += [
            [one["name"] or str(one["account"]), "-" if one["arr"] is None else f"{one['arr']:,.0f}", one["green_on"], f"{one['score']:.1f}", one["came_on"]]
            for one in side["missed"]
        ]  # fmt: skip
        text += "\n" + _aligned(rows)
    return text
