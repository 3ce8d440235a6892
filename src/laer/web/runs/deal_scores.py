"""Deals as their scorecard judged them when they were won: said by the worker beside its other work, and kept.

A deal that was won keeps what was said of it, as long as its day and its card's text stay; an open one is said anew of each run.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import transaction

from laer.cycle.questions import Desk
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.records.periods import FAR, date_of, day_number
from laer.web.book import definitions
from laer.web.book.models import Opportunity
from laer.web.runs import snapshots
from laer.web.runs.landing import WON, Amount, Deals
from laer.web.runs.models import DealScore, PassRun
from laer.web.runs.passes import latest_run

CARD = "land_quality"
BACK = 731  # days: the twelve months that Land shows, and those before them
CHUNK = 500
SECONDS = 600.0
VALUES = ("account_id", "version", "day", "points", "band", "coverage")


def refresh() -> int:
    """Score what is new, changed or open. Out: how many rows were written."""
    run = latest_run()
    if run is None:
        return 0
    desk = Desk(snapshots.open_run, seconds=SECONDS)
    try:
        wanted = _wanted(run, desk)
    except QuestionFault:  # a run of before deals were kept
        return 0
    held = definitions.current("scorecard", CARD)
    version = held.version if held is not None else 0
    kept = {row.opportunity_id: row for row in DealScore.objects.filter(card=CARD)}
    gone = [row.pk for number, row in kept.items() if number not in wanted]
    due = [number for number, one in wanted.items() if _due(kept.get(number), one, version)]
    for start in range(0, len(gone), CHUNK):
        DealScore.objects.filter(pk__in=gone[start : start + CHUNK]).delete()
    written = 0
    for start in range(0, len(due), CHUNK):
        try:
            rows = desk.ask("deal_scores", {"deals": tuple(due[start : start + CHUNK])}, Scope(True), run.pk).to_pylist()
        except QuestionFault:  # no such card is in use
            return written
        said = {row["deal_id"]: row for row in rows if row["card"] == CARD}
        written += _write([said.get(number, {"deal_id": number, "version": version, **wanted[number]}) for number in due[start : start + CHUNK]])
    return written


def of_deals(deals: Iterable[int], as_of: date) -> dict[int, DealScore]:
    """What is kept of some deals that a person may see, where there are points, and none of a later day. One query."""
    there = DealScore.objects.filter(opportunity_id__in=list(deals), card=CARD, points__isnull=False, day__lte=as_of)
    return {row.opportunity_id: row for row in there}


def by_split(deals: Deals) -> dict[str, Amount]:
    """The mean of the points of the won deals that have any, by the value of the dimension that the deals are split by. One query, none without deals."""
    if not len(deals):
        return {}
    points = dict(DealScore.objects.filter(card=CARD, points__isnull=False, day__lte=deals.as_of).values_list("opportunity_id", "points"))
    found: dict[str, list[float]] = {}
    for split, deal, state in zip(*(deals.table[name].to_pylist() for name in ("split", "deal_id", "state")), strict=True):
        if state == WON and (said := points.get(deal)) is not None:
            found.setdefault(split or "", []).append(said)
    return {split: Amount(sum(them) / len(them), len(them)) for split, them in found.items()}


def _wanted(run: PassRun, desk: Desk) -> dict[int, dict[str, Any]]:
    """Deal -> its account, d (the day as of which it is judged) and whether it is open: those of new business that were won in two years or are open."""
    today, found = day_number(run.as_of), {}
    for one in desk.ask("deals", {"by": None}, Scope(True), run.pk).select(["deal_id", "account_id", "closed_d", "outcome", "motion"]).to_pylist():
        open_ = one["outcome"] is None and one["closed_d"] >= FAR
        won = one["outcome"] == "won" and today - BACK < one["closed_d"] <= today
        if (won or open_) and one["motion"] in (None, "land"):
            found[one["deal_id"]] = {"account_id": one["account_id"], "d": min(one["closed_d"], today), "open": open_}
    return found


def _due(row: DealScore | None, wanted: dict[str, Any], version: int) -> bool:
    return row is None or row.version != version or row.day != date_of(wanted["d"]) or wanted["open"]


def _write(rows: Iterable[dict[str, Any]]) -> int:
    """In: rows of the question; of a deal of which nothing was known then, its account, day and version."""
    made = [
        DealScore(opportunity_id=row["deal_id"], account_id=row["account_id"], card=CARD, version=row["version"], day=date_of(row["d"]),
                  points=row.get("score"), band=row.get("band") or "", coverage=row.get("coverage"))
        for row in rows
    ]  # fmt: skip
    there = set(Opportunity.objects.filter(pk__in=[one.opportunity_id for one in made]).values_list("pk", flat=True))
    with transaction.atomic():
        DealScore.objects.bulk_create(
            [one for one in made if one.opportunity_id in there], update_conflicts=True, unique_fields=["opportunity", "card"], update_fields=list(VALUES)
        )  # fmt: skip
    return len(made)
