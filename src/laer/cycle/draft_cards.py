"""What a scorecard that is not in force yet would make of today's accounts. Method: docs/methods/scores.md"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.definitions import Known, carded, read
from laer.cycle.fact_questions import OfRun
from laer.cycle.run_tables import QuestionFault, RunTables, scoped
from laer.cycle.scope import Scope
from laer.cycle.scorecards import HEALTH, Carded, Scorecards, columns_of
from laer.cycle.scoring import compute
from laer.engine.session import DuckDBSession
from laer.scores.scorecard import Scorecard

UNKNOWN, NONE = "unknown", "none"  # beside the bands: too little is known; the card is not about the account


class OfToday(OfRun):
    """The tables of a run, of whose day the facts are taken as they were published: what a draft reads today is there already."""

    def shipped(self, dates: tuple[int, ...], measures: tuple[str, ...]) -> pa.Table:
        stored = self.scored(self.run.day) if dates == (self.run.day,) else None
        if stored is None or not {"d", *measures} <= set(stored.column_names):
            return super().shipped(dates, measures)
        return stored.select(["account_id", "d", *measures]).sort_by("account_id")


def draft_bands(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """The bands of a scorecard as the run holds them, and as its text would make them: anew, as of a changed card (the first band holds nothing).

    Parameters  text (of a scorecard, without faults)
    Returns     account_id; before, after (green, yellow, red, unknown, none), score (points by the text); health_before, health_after
                (the same of the account's health; null for a card that is no health card)
    Raises      QuestionFault for a text that does not read
    """
    held = run.measures.cards if isinstance(run.measures.cards, Scorecards) else Scorecards()
    found = read("scorecard", params["text"], Known(run.measures))
    if not isinstance(found.document, Scorecard):
        raise QuestionFault("the scorecard's text has faults")
    draft = found.document
    made, _notes = carded([*((one.card, one.version) for one in held.cards if one.card.id != draft.id), (draft, 0)], run.measures.plain)
    one = next((one for one in made.cards if one.card.id == draft.id), None)
    if one is None:
        raise QuestionFault("the scorecard cannot be computed")
    source = OfToday(session, run, Scope(True))  # what stands beside an account is a matter of all
    stored = source.scored(run.day)
    rows = compute(source, made, run.measures.plain, (run.day,), columns_of(draft)).table.sort_by("account_id")
    ids = rows["account_id"].combine_chunks()
    columns = {} if stored is None else _aligned(stored, ids)
    before = _said(columns, draft, len(ids))
    same = next((other for other in held.cards if other.card.id == draft.id and other.meaning == one.meaning), None)
    anew = _said({name: rows[name].to_numpy(zero_copy_only=False) for name in rows.column_names}, draft, len(ids))
    after = before if same is not None and stored is not None else anew
    health = _health(made, one, columns, after, len(ids)) if draft.purpose == "health" else np.full(len(ids), None, object)
    was = _whole(columns, len(ids)) if draft.purpose == "health" else np.full(len(ids), None, object)
    table = pa.table({
        "account_id": ids, "before": pa.array(before, pa.string()), "after": pa.array(after, pa.string()), "score": rows[draft.score_id],
        "health_before": pa.array(was, pa.string()), "health_after": pa.array(health, pa.string()),
    })  # fmt: skip
    return scoped(table, scope)


def _aligned(stored: pa.Table, ids: pa.Array) -> dict[str, np.ndarray]:
    """Its columns in the order of some accounts."""
    place = pc.index_in(ids, stored["account_id"].combine_chunks())
    return {name: stored[name].combine_chunks().take(place).to_numpy(zero_copy_only=False) for name in stored.column_names if name != "account_id"}


def _said(columns: Mapping[str, np.ndarray], card: Scorecard, rows: int) -> np.ndarray:
    """Bands of a card; where there are none, whether it is about the account at all."""
    if card.band_id not in columns:
        return np.full(rows, NONE, object)
    bands, there = columns[card.band_id], ~np.isnan(columns[card.coverage_id].astype(np.float64))
    return np.where(bands != None, bands, np.where(there, UNKNOWN, NONE))  # noqa: E711


def _whole(columns: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    """The health of accounts as the run holds it."""
    if HEALTH not in columns:
        return np.full(rows, NONE, object)
    return np.where(columns[HEALTH] != None, columns[HEALTH], np.where(columns["health_card"] != None, UNKNOWN, NONE))  # noqa: E711


def _health(made: Scorecards, draft: Carded, columns: Mapping[str, np.ndarray], after: np.ndarray, rows: int) -> np.ndarray:
    """The band of the first health card that applies and knows enough, the draft among them."""
    found = np.full(rows, NONE, object)
    for one in reversed(made.health):
        said = after if one is draft else _said(columns, one.card, rows)
        known = np.isin(said.astype(str), (UNKNOWN, NONE), invert=True)
        found = np.where(known, said, np.where((said == UNKNOWN) & (found == NONE), UNKNOWN, found))
    return found
