"""`laer explain`: why a score is what it is, and what would make it green."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laer.cli import app
from laer.cli.book import fail, open_book
from laer.cli.facts import _accounts, _aligned, _day, _shown
from laer.cli.revenue import Format

if TYPE_CHECKING:
    from laer.web.runs.why import Explained

UNKNOWN = {
    "applies": "the scorecard is not about this account on that day",
    "nothing": "nothing that it reads is known",
    "sources": "too few of its sources are connected",
    "coverage": "too little of it is known",
}


FAMILY = 20  # accounts of a family that are printed; JSON has all


@app.command()
def explain(
    score: Annotated[str, typer.Argument(help="a scorecard by its id, or health: the one that is the account's health")],
    account: Annotated[str, typer.Option(metavar="ID", help="an account by its number or exact name")],
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="the end of this day; default: that of the newest pass")] = None,
    against: Annotated[str | None, typer.Option(metavar="DATE", help="an earlier day: what moved the score since")] = None,
    format: Annotated[Format, typer.Option(help="table or json")] = Format.table,
) -> None:
    """Why a score is what it is: each part with its value, points, weight and contribution, which sum to the score exactly."""
    day, earlier = _day(as_of), _day(against)
    open_book()
    from laer.web.book.models import Account
    from laer.web.runs import passes, why
    from laer.web.runs.models import AccountCard

    run = passes.latest_run()
    if run is None:
        fail("no pass has run yet: `laer run` makes the first", 1)
        return
    number = _accounts([account])[0]
    names = [one.card.id for one in why.scorecards(run).cards]
    if score not in (*names, "health"):
        fail(f"no scorecard {score!r}; there is: health, {', '.join(sorted(names))}")
    on = day or run.as_of
    if on > run.as_of or (earlier and earlier > run.as_of):
        fail(f"scores are known up to {run.as_of}, the day of the newest pass")
    card = AccountCard.objects.filter(pk=number).first()
    if on == run.as_of and card is not None:
        found = why.today(run, card)
    else:
        found = why.at(run, number, [on])[on]
    before = why.at(run, number, [earlier])[earlier] if earlier else {}
    chosen = _health(found, names, run) if score == "health" else score
    name = Account.objects.get(pk=number).name
    if chosen is None or chosen not in found:
        fail(f"{name} as of {on}: {UNKNOWN['applies']}", 1)
        return
    told = _told(found[chosen], name, number)
    if score == "health" and on == run.as_of and (family := _family(number)):
        told["family"] = family
    if earlier:
        told["against"] = _against(before.get(chosen), found[chosen], earlier)
    if format is Format.json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1, default=str))
    elif format is Format.table:
        typer.echo(_printed(told), nl=False)
    else:
        fail("--format csv: an explanation is printed as table or json")


def _family(number: int) -> dict[str, Any] | None:
    """The account's health together with that of the accounts below it, by today's cards; None without any below."""
    from laer.scores.roll_up import SHARE
    from laer.web.book.models import Account
    from laer.web.runs import family

    below = family.below(Account.objects.filter(archived_at=None), number)
    if not below:
        return None
    found, cards = family.together(number, below)
    return {
        "below": len(below), "paying": len(cards), "score": found.score, "band": found.band, "known": found.known, "shares": found.shares,
        "few": found.few, "rule": f"the worst band in which, with worse ones, {float(SHARE):.0%} of the known ARR stands; the mean score by ARR",
        "accounts": [{"account_id": one.account_id, "account": one.name, "arr_minor": one.arr_minor, "score": one.facts.get("health_score"),
                      "band": one.facts.get("health")} for one in cards],
    }  # fmt: skip


def _health(found: dict[str, Explained], names: list[str], run: Any) -> str | None:
    """The first health card that applies and knows enough, else the first that applies."""
    from laer.web.runs import why

    there = [one.card.id for one in why.scorecards(run).health if one.card.id in found]
    return next((name for name in there if found[name].why.score is not None), there[0] if there else None)


def _told(explained: Explained, name: str, number: int) -> dict[str, Any]:
    from laer.cycle.explaining import greener

    why = explained.why
    card = why.one.card
    better = greener(why)
    return {
        "scorecard": card.id, "name": card.name, "version": why.one.version, "account_id": number, "account": name, "as_of": str(why.as_of),
        "score": why.score, "band": explained.band, "raw_band": why.raw, "unknown": UNKNOWN.get(why.unknown or ""), "coverage": why.coverage,
        "connected": why.connected,
        "parts": [
            {
                "id": piece.leaf.key, "name": piece.name, "groups": list(piece.groups), "measure": piece.leaf.measure, "value": _plain(piece.value),
                "points": piece.points, "share": piece.share, "weight": piece.weight, "contribution": piece.contribution, "connected": piece.connected,
            }
            for piece in why.pieces
        ],
        "caps": [{"band": cap.band, "because": cap.because} for cap in why.caps], "taken_by_caps": why.taken,
        "green": better and {
            "at": better.bound, "enough": better.enough, "each_alone": better.each,
            "lift": [cap if isinstance(cap, str) else cap.because for cap in better.lift],
            "steps": [{
                "part": step.piece.leaf.key, "name": step.piece.name, "to": _plain(step.to), "points": step.points, "adds": step.adds,
            } for step in better.steps],
        },
    }  # fmt: skip


def _against(before: Explained | None, now: Explained, day: date) -> dict[str, Any]:
    from laer.web.runs.why import moved

    if before is None or before.why.score is None:
        return {"as_of": str(day), "score": None, "moved": []}
    rows = moved(before.why, now.why)
    return {
        "as_of": str(day), "score": before.why.score, "band": before.band,
        "moved": [{"part": row.key or "caps", "before": _plain(row.before), "after": _plain(row.after), "delta": row.delta} for row in rows],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, date) else value


def _printed(told: dict[str, Any]) -> str:
    said = f"{told['score']:.2f}, {told['band']}" if told["score"] is not None else f"unknown: {told['unknown']}"
    head = f"{told['account']}: {told['name']} (version {told['version']}) as of {told['as_of']}\n{said}\n"
    head += f"{told['coverage']:.0f} % of what is connected is known; {told['connected']:.0f} % of the weight has a source\n\n"
    rows = [["part", "value", "points", "weight", "contribution"]]
    for part in told["parts"]:
        known = part["points"] is not None
        name = " / ".join((*part["groups"], part["name"]))
        rows.append([name, _shown(part["value"]), f"{part['points']:.2f}" if known else "-", f"{part['weight']:.2f} %",
            f"{part['contribution']:.2f}" if known else "no source" if not part["connected"] else "unknown"])  # fmt: skip
    if told["taken_by_caps"]:
        rows.append(["what caps took", "", "", "", f"{told['taken_by_caps']:.2f}"])
    rows.append(["sum", "", "", "", f"{told['score']:.2f}" if told["score"] is not None else "-"])
    text = head + _aligned(rows)
    for cap in told["caps"]:
        text += f"\nat most {cap['band']}: {cap['because']}"
    better = told["green"]
    if better:
        text += f"\n\ngreen at {better['at']:g} points"
        text += "".join(f"\n  first: {one}" for one in better["lift"])
        joint = "one of" if better["each_alone"] and len(better["steps"]) > 1 else "together"
        text += f", {joint}:" if better["steps"] else ""
        text += "".join(f"\n  {step['name']} to {_shown(step['to'])} ({step['adds']:+.2f})" for step in better["steps"])
        text += "" if better["enough"] else "\n  that is not enough: what people can move does not reach it"
    if "family" in told:
        text += _of_family(told["family"])
    if "against" in told:
        then = told["against"]
        if then["score"] is None:
            return text + f"\n\nas of {then['as_of']} no score is known\n"
        text += f"\n\nsince {then['as_of']} ({then['score']:.2f}, {then['band']})\n"
        rows = [[r["part"], _shown(r["before"]), _shown(r["after"]), f"{r['delta']:+.2f}"] for r in then["moved"]]
        text += _aligned([["part", "before", "now", "moved"], *rows])
    return text.rstrip("\n") + "\n"


def _of_family(family: dict[str, Any]) -> str:
    """With the accounts below it, the largest ARR first."""
    said = f"{family['score']:.2f}, {family['band']}" if family["score"] is not None else "unknown: too little of the ARR has a known health"
    text = f"\n\nwith the {family['below']} below it: {said} ({family['known']:.0%} of the ARR is known)\n  {family['rule']}\n"
    rows = [[one["account"], f"{one['score']:.2f}" if one["score"] is not None else "-", one["band"] or "unknown"] for one in family["accounts"][:FAMILY]]
    more = len(family["accounts"]) - len(rows)
    return text + _aligned([["account", "score", "band"], *rows]) + (f"\n  and {more} more" if more > 0 else "")
