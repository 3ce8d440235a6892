"""Deals scored by the cards of purpose `quality`: each as of the day on which it was won, by what was known then; of an open one, as if it were won today.

What the account's facts say is asked as of that day, and of the three measures that are about the deal won last the deal says its own. Peers are the
deals won in the year to that day. Method: docs/methods/scores.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.card_rows import nullable
from laer.cycle.fact_questions import OfRun, deals
from laer.cycle.run_tables import QuestionFault, RunTables
from laer.cycle.scope import Scope
from laer.cycle.scorecards import Carded, Scorecards
from laer.cycle.scoring import PEERS, compute
from laer.engine.session import DuckDBSession
from laer.records.periods import FAR
from laer.scores import peers
from laer.scores.points import peers_id

QUALITY = "quality"
YEAR = 365
AT_ONCE = 6  # days whose facts are asked for together
OWN = ("won_on", "sales_cycle_days", "discount_won")  # measures of the deal won last, of which a deal says its own
DEAL_SCORES = pa.schema([
    ("deal_id", pa.int64()), ("account_id", pa.int64()), ("d", pa.int32()), ("card", pa.string()), ("version", pa.int64()), ("score", pa.float64()),
    ("band", pa.string()), ("coverage", pa.float64()),
])  # fmt: skip
Deal = dict[str, Any]


class OfDeals(OfRun):
    """The tables of a run with the facts of one day, each account's by one deal of its own."""

    def __init__(self, session: DuckDBSession, run: RunTables, scope: Scope, rows: pa.Table, day: int) -> None:
        super().__init__(session, run, scope)
        self.rows, self.day = rows, day

    def shipped(self, dates: tuple[int, ...], measures: tuple[str, ...]) -> pa.Table:
        if dates == (self.day,) and set(measures) <= set(self.rows.column_names):
            return self.rows.select(["account_id", "d", *measures])
        return super().shipped(dates, measures)


def quality_cards(run: RunTables) -> tuple[Carded, ...]:
    there = run.measures.cards
    return tuple(one for one in there.cards if one.card.purpose == QUALITY) if isinstance(there, Scorecards) else ()


def deal_scores(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Scores of deals that were won or are open.

    Grain       deal x card
    Parameters  deals (their ids)
    Returns     `DEAL_SCORES`: d, the day as of which it is; score (0 to 100), band (of this score alone: a deal is scored once, nothing is held) and
                coverage, null where the card is not about it or too little is known. A deal of whose account nothing was known by then has no row
    Raises      QuestionFault: the run has no card of purpose `quality`
    """
    cards = quality_cards(run)
    if not cards:
        raise QuestionFault("no scorecard of purpose quality is in use: deals have no score")
    every = deals(session, run, {"by": "segment"}, Scope(True)).to_pylist()
    ids = {int(one) for one in params["deals"]}
    seen = [one for one in every if scope.everything or one["account_id"] in scope.account_ids]
    asked = [one | {"d": min(one["closed_d"], run.day)} for one in seen if one["deal_id"] in ids and _scored(one)]
    won = [one for one in every if one["outcome"] == "won"]
    days = sorted({one["d"] for one in asked})
    parts = [DEAL_SCORES.empty_table()]
    for start in range(0, len(days), AT_ONCE):
        some = tuple(days[start : start + AT_ONCE])
        mine = [one for one in asked if one["d"] in some]
        facts = _facts(session, run, cards, mine, some)
        for day in some:
            there = facts.filter(pc.equal(facts["d"], day))
            among = _among(cards, [one for one in won if day - YEAR < one["closed_d"] <= day], day)
            for turn in _turns([one for one in mine if one["d"] == day]):
                parts += _of_day(session, run, cards, turn, there, among, day)
    return pa.concat_tables(parts)


def _scored(deal: Deal) -> bool:
    return bool(deal["outcome"] == "won" if deal["outcome"] is not None else deal["closed_d"] >= FAR)


def _turns(of_day: Iterable[Deal]) -> Iterator[dict[int, Deal]]:
    """Deals of one day by account; where an account has several, they take turns."""
    left = list(of_day)
    while left:
        turn = {one["account_id"]: one for one in reversed(left)}
        yield turn
        left = [one for one in left if turn[one["account_id"]] is not one]


def _facts(session: DuckDBSession, run: RunTables, cards: Iterable[Carded], mine: Sequence[Deal], days: tuple[int, ...]) -> pa.Table:
    plain = run.measures.plain
    held = run.measures.cards
    assert isinstance(held, Scorecards)
    used = held.needed([one.card.score_id for one in cards])
    names = plain.shipped_behind(name for one in used for name in one.reads if name in plain)
    scope = Scope(False, frozenset(one["account_id"] for one in mine))
    return OfRun(session, run, scope).shipped(days, tuple(names))


def _of_day(
    session: DuckDBSession, run: RunTables, cards: Sequence[Carded], turn: Mapping[int, Deal], facts: pa.Table, among: pa.Table, day: int
) -> Iterator[pa.Table]:  # fmt: skip
    facts = facts.filter(pc.is_in(facts["account_id"], pa.array(list(turn), pa.int64()))).sort_by("account_id")
    if not facts.num_rows:
        return
    mine = [turn[account] for account in facts["account_id"].to_pylist()]
    for name in OWN:
        at = facts.schema.get_field_index(name)
        if at >= 0:
            facts = facts.set_column(at, name, pa.array([_own(one, name, day) for one in mine], facts.schema.field(at).type))
    scope = Scope(False, frozenset(turn))
    held = run.measures.cards
    assert isinstance(held, Scorecards)
    names = [name for one in cards for name in (one.card.score_id, one.card.band_id, one.card.coverage_id)]
    found = compute(OfDeals(session, run, scope, facts, day), held, run.measures.plain, (day,), names, None, among).table
    for one in cards:
        yield pa.table({
            "deal_id": pa.array([deal["deal_id"] for deal in mine], pa.int64()), "account_id": found["account_id"], "d": found["d"],
            "card": pa.array([one.card.id] * len(mine)), "version": pa.array([one.version] * len(mine), pa.int64()), "score": found[one.card.score_id],
            "band": found[one.card.band_id], "coverage": found[one.card.coverage_id],
        }).cast(DEAL_SCORES)  # fmt: skip


def _own(deal: Deal, name: str, day: int) -> float | None:
    """What a deal says itself of one of OWN."""
    if name == "won_on":
        return day
    if name == "discount_won":
        return None if deal["discount"] is None else float(deal["discount"])
    took = None if deal["qualified_d"] is None else day - deal["qualified_d"]
    return float(took) if took is not None and took >= 0 else None


def _among(cards: Iterable[Carded], won: Sequence[Deal], day: int) -> pa.Table:
    """What a deal's own measures are held against: those of the deals won in the year to the day, by segment and of all."""
    parts = [PEERS.empty_table()]
    leaves = {peers_id(leaf): leaf for one in cards for leaf in one.card.leaves if leaf.percentile is not None and leaf.measure in OWN}
    segments = np.array([one["split"] or "" for one in won], object)
    for name, leaf in leaves.items():
        values = nullable(np.array([np.nan if (said := _own(one, str(leaf.measure), one["closed_d"])) is None else said for one in won], np.float64))
        numbers = values.to_numpy(zero_copy_only=False)
        for segment in (None, *dict.fromkeys(segments.tolist())):
            grid = peers.grid(numbers if segment is None else numbers[segments == segment])
            parts.append(pa.table({"column": [name] * len(grid), "segment": pa.array([segment] * len(grid), pa.string()), "value": grid}, schema=PEERS))
    return pa.concat_tables(parts)
