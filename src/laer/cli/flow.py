"""`laer flow`: how revenue moves through live, activated, outcome, expanded and renewed, by cohort or by a dimension, and where it leaks."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail, open_book
from laer.cli.facts import SECONDS, _aligned, _day
from laer.cli.revenue import Format

if TYPE_CHECKING:
    from laer.flow.statement import Flow, Part

MOVES = ("landed", "expansion", "reactivation", "contraction", "churn", "entering", "leaving")


@app.command()
def flow(
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="the end of this day; default: that of the newest pass")] = None,
    by: Annotated[str | None, typer.Option(metavar="DIMENSION", help="segment, seller, offer, discount, lead_source, owner, industry, country, region")] = None,
    format: Annotated[Format, typer.Option(help="how to print")] = Format.table,
) -> None:
    """The flow ledger: cohorts of first paying MRR, what passed which joint, what leaked before it. Each cohort adds up, and all of them to the ledger."""
    day = _day(as_of)
    open_book()
    from laer.cycle.questions import Desk
    from laer.cycle.run_tables import QuestionFault
    from laer.cycle.scope import Scope
    from laer.metrics.policy import load_policy
    from laer.records.periods import date_of, day_number
    from laer.web.runs import in_use, passes
    from laer.web.runs.snapshots import open_run

    newest = passes.latest_run()
    if newest is None:
        fail("no pass has run yet: `laer run` makes the first", 1)
        return
    if day is not None and day > newest.as_of:
        fail(f"--as-of {day}: the newest pass is of {newest.as_of}, and nothing later is known to it")
    policy, joints = load_policy(newest.policy), in_use.joints_of(newest)
    params = {"deadlines": joints.days(), "gap_days": policy.gap_days, "churn_basis": policy.churn_basis, "by": by}
    try:
        found = Desk(open_run, seconds=SECONDS).ask("flow", params | {"day": day_number(day) if day else None}, Scope(True), newest.pk)
    except (QuestionFault, TimeoutError) as error:
        fail(str(error))
        return
    rows = _rows(found, by)
    if format is Format.json:
        said = {"as_of": str(date_of(found.day)), "run": newest.pk, "currency": found.currency, "by": by, "total": _row(found.part()), "rows": rows}
        typer.echo(json.dumps(_rounded_all(said, found.currency), ensure_ascii=False, indent=1))
    elif format is Format.csv:
        typer.echo(_csv(_rounded_all(rows, found.currency)), nl=False)
    else:
        typer.echo(_table(found, rows, by, str(date_of(found.day))), nl=False)


def _rows(found: Flow, by: str | None) -> list[dict[str, Any]]:
    """One per cohort, the oldest first, or per value of the split. Amounts exact; each column is rounded so that it adds up to its total."""
    from laer.flow.joints import BEFORE
    from laer.records.money import minor_units, rounded_together
    from laer.records.periods import month_name

    if by is None:
        rows = [{"cohort": "before" if c == BEFORE else month_name(c)} | _row(found.part(c, c)) for c in sorted(found.cohorts)]
    else:
        rows = [{by: value} | _row(found.part(value=value)) for value in found.values]
    for name in (*MOVES, "closing", "at_risk"):
        for row, amount in zip(rows, rounded_together([row[name] for row in rows], minor_units(found.currency)), strict=True):
            row[name] = amount
    return rows


def _row(part: Part) -> dict[str, Any]:
    from laer.flow.joints import JOINTS, STAGES

    return {
        "accounts": part.accounts, **part.moves, "closing": part.closing, "at_risk": part.at_risk.mrr,
        "joints": {
            joint: {state: {"accounts": cell.accounts, "landed": cell.landed, "mrr": cell.mrr} for state, cell in part.joints[joint].items()}
            for joint in JOINTS
        },
        "leaked": {stage: part.leak(stage) for stage in STAGES},
    }  # fmt: skip


def _rounded_all(value: Any, currency: str) -> Any:
    """Amounts as exact texts of the currency's decimals; counts stay numbers."""
    from laer.records.money import minor_units, rounded

    if isinstance(value, dict):
        return {key: _rounded_all(one, currency) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded_all(one, currency) for one in value]
    return str(rounded(value, minor_units(currency))) if isinstance(value, Fraction) else str(value) if isinstance(value, Decimal) else value


def _csv(rows: list[dict[str, Any]]) -> str:
    flat = [_flat(row) for row in rows]
    out = io.StringIO()
    if flat:
        writer = csv.DictWriter(out, list(flat[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
    return out.getvalue()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    joints = {f"{joint}_{state}": cell["accounts"] for joint, states in row["joints"].items() for state, cell in states.items()}
    leaked = {f"leaked_{stage}": amount for stage, amount in row["leaked"].items()}
    return {key: value for key, value in row.items() if key not in ("joints", "leaked")} | joints | leaked


def _table(found: Flow, rows: list[dict[str, Any]], by: str | None, day: str) -> str:
    from laer.flow.joints import JOINTS, STATES
    from laer.records.money import minor_units, rounded

    part, places = found.part(), minor_units(found.currency)

    def money(amount: Fraction | Decimal) -> str:
        return f"{rounded(Fraction(amount), places):,}"

    moved = [name for name in MOVES if part.moves[name]]
    name = by or "cohort"
    ledger = [[name, "accounts", *moved, "closing", "at risk"]]
    ledger += [
        [str(row[name]) or "not said", f"{row['accounts']:,}", *(money(row[m]) for m in moved), money(row["closing"]), money(row["at_risk"])] for row in rows
    ]
    ledger.append(["total", f"{part.accounts:,}", *(money(part.moves[m]) for m in moved), money(part.closing), money(part.at_risk.mrr)])
    joints = [["joint", "rate", *(f"{state}" for state in STATES), "leaked before it"]]
    for joint in JOINTS:
        rate = part.rate(joint)
        leak = "" if joint == "expanded" else money(part.leak(joint))
        joints.append([joint, "-" if rate is None else f"{float(rate):.0%}", *(f"{part.joints[joint][s].accounts:,}" for s in STATES), leak])
    joints += [[f"({stage})", "", *("" for _ in STATES), money(part.leak(stage))] for stage in ("after", "nowhere") if part.leak(stage)]
    worst = part.worst()
    said = "nothing has leaked" if worst is None else f"the worst leak: {money(worst[1])} {found.currency} of MRR on the way to {worst[0]}"
    said = said.replace("on the way to after", "after the first renewal").replace("on the way to nowhere", "where no joint ahead is known")
    return f"MRR in {found.currency} as of {day}; {said}\n\n{_aligned(joints)}\n{_aligned(ledger)}"
