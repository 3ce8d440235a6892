"""`laer likelihood`: how likely accounts leave or renew, how well that held, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail, open_book


@app.command()
def likelihood(
    as_json: Annotated[bool, typer.Option("--json", help="everything that is kept, for programs")] = False,
    learn: Annotated[bool, typer.Option("--learn", help="learn anew first, from the newest pass; the worker does once a week")] = False,
    top: Annotated[int, typer.Option(min=0, help="accounts of each that are printed")] = 10,
) -> None:
    """How likely accounts leave within 90 days, or renew what falls due: learned from the firm's own past, or said not to be."""
    open_book()
    from laer.cycle.likelihoods import KINDS, RENEWAL
    from laer.web.book.models import Account
    from laer.web.runs import likelihoods
    from laer.web.runs.passes import latest_run

    if latest_run() is None:
        fail("no pass has run yet: `laer run` makes the first", 1)
    if learn:
        likelihoods.refresh(anew=True)
    told = [found for kind in KINDS if (found := likelihoods.as_values(kind)) is not None]
    if not told:
        fail("nothing has been learned yet: `laer likelihood --learn` does it now", 1)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    names = dict(Account.objects.filter(pk__in={a["account_id"] for one in told for a in one["accounts"]}).values_list("pk", "name"))
    for one in told:
        typer.echo(_head(one))
        said = [a for a in one["accounts"] if a["chance"] is not None]
        for account in sorted(said, key=lambda a: a["chance"], reverse=one["kind"] != RENEWAL)[:top]:
            reasons = ", ".join(f"{name} {_shown(value)} ({adds:+.2f})" for name, value, adds in account["reasons"][:3])
            typer.echo(f"  {account['chance']:6.1%}  {names.get(account['account_id'], account['account_id'])}: {reasons}")


def _head(one: Mapping[str, Any]) -> str:
    lines = [f"{one['kind']}: {one['verdict']}"]
    learned = one["learned"]
    if learned:
        from_what = f"{learned['events']} events in {learned['rows']} rows, cuts {one['first_cut']} to {one['last_cut']}"
        lines.append(f"  base rate {learned['base_rate']:.1%}, {from_what}")
        found = learned["evaluation"]
        if found and found["auc"] is not None:
            slope = "unknown" if found["slope"] is None else f"{found['slope']:.2f}"
            lines.append(f"  AUC {found['auc']:.3f} ({found['auc_low']:.3f} to {found['auc_high']:.3f}), Brier {found['brier']:.4f} "
                         f"(base rate {found['brier_base']:.4f}), calibration slope {slope}")  # fmt: skip
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return "unknown" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
