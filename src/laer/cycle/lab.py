"""The score lab: a scorecard, or a changed draft of it, replayed over the past of a run beside what the ledger says came after.

Nothing is read that was not known on the date: rows are the facts of a spine of month ends, by the same code as a pass. Where a whole
pass ran on that day or in the month before, the card is judged by what it kept, which is what pages showed on the day (basis `shown`), else by what it
says today of what was known then (`back-filled`).

Method  docs/methods/score-lab.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.definitions import Known, carded, read
from laer.cycle.explaining import shares_of
from laer.cycle.fact_questions import ledger_of, source_of
from laer.cycle.own_measures import Measures
from laer.cycle.run_tables import QuestionFault, RunTables
from laer.cycle.scope import Scope
from laer.cycle.scorecards import Scorecards
from laer.cycle.scoring import Applied, Scores, compute
from laer.engine.session import DuckDBSession
from laer.metrics.inputs import moves
from laer.records.money import minor_units
from laer.records.periods import date_of, day_number, last_day, month_number
from laer.scores.bands import NAMES
from laer.scores.replay import UNKNOWN, Area, Compared, Judged, Rows, compare, judge, parts_of
from laer.scores.scorecard import Scorecard

MONTHS, MOST_MONTHS = 24, 60
HORIZON, LONGEST = 90, 365
CHURN, CONTRACTION = "churn", "contraction"
OUTCOMES = (CHURN, CONTRACTION)
SHOWN, BACK_FILLED = "shown", "back-filled"
DRAFT = "__draft"  # behind the id of a card whose draft it is


@dataclass(frozen=True)
class Part:
    """A part of a card: the weight it has of the whole, how often it was known, and how well it alone foresaw what came."""

    key: str
    name: str
    share: float
    known: float | None
    alone: Area


@dataclass(frozen=True)
class Side:
    """A card's result. version: of the definition, 0: a draft;  shown: days on which its stored scores were used."""

    name: str
    version: int
    shown: tuple[int, ...]
    judged: Judged
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Replayed:
    """A replay. arr: account -> ARR on the day on which it was last green, of false greens, in the run's currency."""

    card: str
    outcome: str
    horizon: int
    dates: tuple[int, ...]
    as_of: int
    champion: Side
    challenger: Side | None
    compared: Compared | None
    arr: Mapping[int, float]

    def as_dict(self) -> dict[str, Any]:
        """As plain values; days as ISO dates."""
        found = {
            "card": self.card, "outcome": self.outcome, "horizon_days": self.horizon, "as_of": str(date_of(self.as_of)),
            "dates": [str(date_of(day)) for day in self.dates], "champion": self._side(self.champion),
            "challenger": self._side(self.challenger) if self.challenger else None,
            "compared": asdict(self.compared) | {"verdict": self.compared.verdict} if self.compared else None,
        }  # fmt: skip
        return found

    def _side(self, side: Side) -> dict[str, Any]:
        told = side.judged.as_dict()
        told["months"] = [{**one, "day": str(date_of(one["day"])), "basis": SHOWN if one["day"] in side.shown else BACK_FILLED} for one in told["months"]]
        told["missed"] = [
            {**one, "green_on": str(date_of(one["green_on"])), "came_on": str(date_of(one["came_on"])), "arr": self.arr.get(one["account"])}
            for one in told["missed"]
        ]  # fmt: skip
        return {"name": side.name, "version": side.version, "shown": len(side.shown), **told, "parts": [asdict(part) for part in side.parts]}


def replay(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Replayed:
    """A scorecard over the past of a run.

    Parameters  card (its id); draft (the text of a changed one, or None); months (of the grid); horizon (days); outcome (`OUTCOMES`)
    Raises      QuestionFault: no such card, a draft with faults (all of them), a number out of bounds
    """
    if not scope.everything:
        raise QuestionFault("a scorecard is replayed over the whole book: ask somebody who sees all of it")
    card, draft, cards = _cards(run, params)
    horizon, outcome = int(params.get("horizon", HORIZON)), str(params.get("outcome", CHURN))
    if outcome not in OUTCOMES:
        raise QuestionFault(f"outcome: found {outcome!r}; expected one of {', '.join(OUTCOMES)}")
    if not 1 <= horizon <= LONGEST:
        raise QuestionFault(f"horizon: found {horizon} days; expected 1 to {LONGEST}")
    dates = grid(run.day, int(params.get("months", MONTHS)))
    asked = [card.id, *([draft.id] if draft else [])]
    names = [name for one in asked for name in (f"score_{one}", f"band_{one}", f"coverage_{one}")]
    source = source_of(session, run, scope, ("mrr", *run.measures.plain.behind(_read_of(cards, names))))
    found = compute(source, cards, run.measures.plain, dates, names)
    mrr = run.measures.plain.facts(source, dates, ("mrr",))
    came = outcomes(session, run, scope, outcome)
    given = _given(found.table, mrr, came, run.day, horizon)
    columns = ("account_id", f"score_{card.id}", f"band_{card.id}", f"coverage_{card.id}")
    shown = {day: rows for day in dates if run.shown is not None and (rows := run.shown(day, columns)) is not None}
    one, missed_of = _side(card, _version(run, card), found, given, horizon, shown, run.measures)
    other = _side(replace_id(draft, card.id), 0, found, given, horizon, {}, run.measures, draft.id) if draft else None
    compared = compare(missed_of, other[1], horizon) if other else None
    sides = [one, *([other[0]] if other else [])]
    return Replayed(card.id, outcome, horizon, dates, run.day, one, other[0] if other else None, compared, _arr(mrr, sides))


def replace_id(card: Scorecard, name: str) -> Scorecard:
    return card.model_copy(update={"id": name})


def grid(day: int, months: int) -> tuple[int, ...]:
    """The ends of the last months that have ended, oldest first."""
    if not 1 <= months <= MOST_MONTHS:
        raise QuestionFault(f"months: found {months}; expected 1 to {MOST_MONTHS}")
    last = month_number(date_of(day))
    last -= 0 if day_number(last_day(last)) <= day else 1
    return tuple(day_number(last_day(month)) for month in range(last - months + 1, last + 1))


def _cards(run: RunTables, params: Mapping[str, Any]) -> tuple[Scorecard, Scorecard | None, Scorecards]:
    """The card, its draft under a name of its own, and both beside the others."""
    there = run.measures.cards if isinstance(run.measures.cards, Scorecards) else Scorecards()
    by_id = {one.card.id: one for one in there.cards}
    name, text = str(params["card"]), params.get("draft")
    if name not in by_id:
        raise QuestionFault(f"no scorecard {name!r} in use; there are {', '.join(sorted(by_id))}")
    if text is None:
        return by_id[name].card, None, there
    made = read("scorecard", str(text), Known(run.measures), name)
    if made.faults:
        raise QuestionFault("the draft has faults: " + "; ".join(map(str, made.faults)))
    draft = replace_id(made.document, name + DRAFT)
    both, notes = carded([*((one.card, one.version) for one in there.cards), (draft, 0)], run.measures.plain)
    if not any(one.card.id == draft.id for one in both.cards):
        raise QuestionFault(f"the draft cannot be computed: {'; '.join(notes)}")
    return by_id[name].card, draft, both


def _version(run: RunTables, card: Scorecard) -> int:
    assert isinstance(run.measures.cards, Scorecards)
    return next(one.version for one in run.measures.cards.cards if one.card.id == card.id)


def _read_of(cards: Scorecards, names: Sequence[str]) -> list[str]:
    """The plain measures behind columns of cards."""
    used = cards.needed(names)
    of_cards = cards.measures
    return [read_ for one in used for read_ in one.reads if read_ not in of_cards]


def outcomes(session: DuckDBSession, run: RunTables, scope: Scope, outcome: str) -> dict[int, np.ndarray]:
    """Account -> days on which it churned (or its MRR fell, churn among it), by the ledger of the run."""
    ledger, events = ledger_of(session, run, scope)
    moved = session.fetch(moves(events, ledger.denominator, minor_units(ledger.currency)))
    hit = pc.greater(moved["lost"], 0)
    if outcome == CONTRACTION:
        hit = pc.or_(hit, pc.greater(moved["shrinking"], 0))
    moved = moved.filter(hit).sort_by([("account_id", "ascending"), ("on_d", "ascending")])
    ids, days = moved["account_id"].to_numpy(), moved["on_d"].to_numpy()
    found: dict[int, np.ndarray] = {}
    for begin, part in zip(*np.unique(ids, return_index=True)[::-1], strict=True):
        found[int(part)] = days[begin : np.searchsorted(ids, part, side="right")]
    return found


def _given(keys: pa.Table, mrr: pa.Table, came: Mapping[int, np.ndarray], today: int, horizon: int) -> Rows:
    """Everything of the rows but what a card says."""
    account, day = keys["account_id"].to_numpy(), keys["d"].to_numpy().astype(np.int64)
    paid = mrr["mrr"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    until = np.full(len(day), np.inf)
    begins = np.flatnonzero(np.concatenate([[True], account[1:] != account[:-1]])) if len(account) else np.zeros(0, int)
    ends = np.append(begins[1:], len(account))
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        days = came.get(int(account[begin]))
        if days is not None:
            place = np.searchsorted(days, day[begin:end], side="right")
            there = place < len(days)
            until[begin:end][there] = days[place[there]] - day[begin:end][there]
    n = len(day)
    return Rows(account, day, np.full(n, np.nan), np.full(n, UNKNOWN), np.ones(n, bool), np.full(n, np.nan), np.nan_to_num(paid) > 0, until,
        day + horizon <= today)  # fmt: skip


def _side(
    card: Scorecard, version: int, found: Scores, given: Rows, horizon: int, shown: Mapping[int, pa.Table], measures: Measures, name: str | None = None
) -> tuple[Side, Rows]:
    name = name or card.id
    result = found.cards[name]
    band = found.table[f"band_{name}"].to_numpy(zero_copy_only=False)
    used: list[int] = []
    applies, n = np.zeros(len(given.day), bool), len(given.day)
    applies[result.at] = True
    rows = replace(
        given, score=result.whole(result.of.score, n), band=_places(band), applies=applies, coverage=result.whole(result.of.coverage / 10_000, n)
    )  # fmt: skip
    for day, table in shown.items():
        if {f"score_{name}", f"band_{name}", f"coverage_{name}"} <= set(table.column_names):
            rows, used = _as_shown(rows, day, table, name), [*used, day]
    judged = judge(rows, horizon)
    return Side(card.name, version, tuple(used), judged, _parts(card, result, rows, horizon, measures)), rows


def _places(bands: np.ndarray) -> np.ndarray:
    found = np.full(len(bands), UNKNOWN)
    for place, name in enumerate(NAMES[:UNKNOWN]):
        found[bands == name] = place
    return found


def _as_shown(rows: Rows, day: int, table: pa.Table, name: str) -> Rows:
    """The scores that pages showed on one day. An account that the pass behind them did not know has none."""
    at = np.flatnonzero(rows.day == day)
    where = pc.index_in(pa.array(rows.account[at]), table["account_id"].combine_chunks())

    def column(kind: str) -> Any:
        return table[f"{kind}_{name}"].combine_chunks().take(where)

    score, coverage = (np.asarray(column(kind).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64) for kind in ("score", "coverage"))
    made = {field: getattr(rows, field).copy() for field in ("score", "band", "applies", "coverage")}
    made["score"][at] = np.round(score * 100)
    made["band"][at] = _places(column("band").to_numpy(zero_copy_only=False))
    made["applies"][at] = ~np.isnan(coverage)
    made["coverage"][at] = coverage
    return replace(rows, **made)


def _parts(card: Scorecard, result: Applied, rows: Rows, horizon: int, measures: Measures) -> tuple[Part, ...]:
    of_card = rows.paying & rows.applies
    points = {leaf.key: result.whole(result.of.points[leaf.key], len(rows.day)) for leaf in card.leaves}
    alone = parts_of(rows, points, horizon)
    n = max(int(of_card.sum()), 1)
    return tuple(
        Part(leaf.key, leaf.name or (measures[leaf.measure].name if leaf.measure is not None and leaf.measure in measures else leaf.key), share,
            float((of_card & ~np.isnan(points[leaf.key])).sum() / n) if of_card.any() else None, alone[leaf.key])
        for leaf, (_key, share) in zip(card.leaves, shares_of(card), strict=True)
    )  # fmt: skip


def _arr(mrr: pa.Table, sides: Sequence[Side]) -> dict[int, float]:
    """Of every false green, the ARR on the day on which it was last green."""
    wanted = {(one.account, one.green_on) for side in sides for one in side.judged.missed}
    accounts, days = mrr["account_id"].to_numpy(), mrr["d"].to_numpy()
    mine = np.isin(accounts, np.array([account for account, _ in wanted], np.int64))
    part = mrr.filter(pa.array(mine))
    return {
        account: round(paid * 12, 2)
        for account, day, paid in zip(accounts[mine].tolist(), days[mine].tolist(), part["mrr"].to_pylist(), strict=True)
        if (account, day) in wanted and paid is not None
    }  # fmt: skip

