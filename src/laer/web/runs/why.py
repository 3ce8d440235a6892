"""Why an account's scores are what they are: today from its card, at other dates asked of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from laer.cycle.explaining import Why, explain
from laer.cycle.facts import SEEN
from laer.cycle.own_measures import Measures
from laer.cycle.scope import Scope
from laer.cycle.scorecards import HEALTH_CARD, Scorecards
from laer.records.periods import day_number
from laer.web.runs import desk, measured, snapshots
from laer.web.runs.latest import mark
from laer.web.runs.memory import Memory
from laer.web.runs.models import AccountCard, PassRun

COLUMNS = {"segment": "segment", "country": "country", "industry": "industry", "owner": "owner_name", "state": "state", "first_paid_on": "first_paid_on"}
memory = Memory(50)


@dataclass(frozen=True)
class Explained:
    """A card's score of an account at a date. band: as it is held; None where it is unknown."""

    why: Why
    band: str | None


def scorecards(run: PassRun) -> Scorecards:
    found = snapshots.open_run(run.pk).measures.cards
    return found if isinstance(found, Scorecards) else Scorecards()


def today(run: PassRun, card: AccountCard) -> dict[str, Explained]:
    """Scorecard -> why, of every card that applies to the account: from what the pass published, without a question."""
    measures = snapshots.open_run(run.pk).measures
    row = _row(card)
    found = {}
    for one in scorecards(run).cards:
        why = explain(one, row, run.as_of, measures, firsts(run), _knows(run))
        if why.unknown != "applies":
            found[one.card.id] = Explained(why, row.get(one.card.band_id))
    return found


def health_of(card: AccountCard) -> str | None:
    """The scorecard that is the account's health."""
    found: str | None = card.facts.get(HEALTH_CARD)
    return found


def at(run: PassRun, account_id: int, dates: Iterable[date], cards: Iterable[str] | None = None) -> dict[date, dict[str, Explained]]:
    """The same at some dates, of cards that apply then. A date at which the account was not there has none."""
    dates = list(dates)
    days = {day_number(day): day for day in dates}
    params = {"dates": tuple(sorted(days)), "accounts": (account_id,), "cards": None if cards is None else tuple(cards)}
    rows = desk.ask("score_rows", params, Scope(False, frozenset([account_id])), run.pk).to_pylist()
    opened = snapshots.open_run(run.pk)
    found: dict[date, dict[str, Explained]] = {day: {} for day in dates}
    for row in rows:
        day = days[row["d"]]
        for one in scorecards(run).cards:
            if one.card.score_id in row:
                why = explain(one, row, day, opened.measures, firsts(run), _knows(run))
                if why.unknown != "applies":
                    found[day][one.card.id] = Explained(why, row[one.card.band_id])
    return found


@dataclass(frozen=True)
class Moved:
    """What a part did to the score between two dates. `delta` in points of the score; what caps took or gave back is a row of its own."""

    key: str
    name: str
    before: Any
    after: Any
    delta: float


def moved(before: Why, after: Why) -> list[Moved]:
    """Part by part, the largest first; they sum to the difference of the two scores. Empty where either is unknown."""
    if before.score is None or after.score is None:
        return []
    old = {piece.leaf.key: piece for piece in before.pieces}
    found = [
        Moved(piece.leaf.key, piece.name, there.value if (there := old.get(piece.leaf.key)) else None, piece.value,
            round(piece.contribution - (there.contribution if there else 0.0), 2))
        for piece in after.pieces
    ]  # fmt: skip
    gone = [Moved(key, piece.name, piece.value, None, -piece.contribution) for key, piece in old.items() if key not in {one.leaf.key for one in after.pieces}]
    caps = Moved("", "", None, None, round(after.taken - before.taken, 2))
    return sorted((one for one in (*found, *gone, caps) if one.delta), key=lambda one: -abs(one.delta))


def firsts(run: PassRun) -> Mapping[str, int]:
    """Input -> the first day on which any account of the firm has a row. Remembered for the run."""

    def read() -> dict[str, int]:
        seen = snapshots.table_of(run.pk, "seen")
        rows = (SEEN.empty_table() if seen is None else seen).group_by("input").aggregate([("day", "min")]).to_pylist()
        return {row["input"]: row["day_min"] for row in rows}

    found: dict[str, int] = memory.get("firsts", mark(run), read)
    return found


def _knows(run: PassRun) -> Any:
    counted = measured.coverage(run, Scope(True)).known

    def knows(name: str) -> bool:
        return bool(counted.get(name))

    return knows


def _row(card: AccountCard) -> dict[str, Any]:
    """What is known of the account, by column; dates as such."""
    found: dict[str, Any] = dict(card.facts)
    for name, value in found.items():
        if name.endswith("_on") and isinstance(value, str):
            found[name] = date.fromisoformat(value)
    if isinstance(found.get("overdue_since"), str):
        found["overdue_since"] = date.fromisoformat(found["overdue_since"])
    return found | {name: value for name, column in COLUMNS.items() if (value := getattr(card, column)) is not None}


def measures_of(run: PassRun) -> Measures:
    return snapshots.open_run(run.pk).measures
