"""Why a score is what it is, for one account at one date: the same arithmetic as a pass, told part by part. Method: docs/methods/scores.md"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from laer.conditions.tree import derived, references
from laer.conditions.truth import evaluate
from laer.cycle.card_rows import Read
from laer.cycle.own_measures import Measures
from laer.cycle.scorecards import Carded, Scorecards
from laer.cycle.scoring import known_of
from laer.records.periods import date_of, day_number
from laer.scores import bands
from laer.scores.points import CAPPED, COVERAGE, HOLDS, HOLDS_NOT, NO_CAP, UNSAID, WHOLE, peers_id, score, trend_id
from laer.scores.scorecard import Cap, Group, Leaf, Part, Scorecard

TYPES = {"number": pa.float64(), "money": pa.float64(), "date": pa.int32(), "text": pa.string(), "flag": pa.bool_()}
STEPS = 3  # changes that are proposed together at most


@dataclass(frozen=True)
class Piece:
    """A part of a card, as it counts.

    groups        names of the groups that it stands in, outermost first
    value         what the measure says (a date as such); of rules the one that holds, in words
    points        0 to 100; None unknown
    share         per cent of the whole that it should weigh;  weight: that it weighs, since the weight of what is unknown is spread
    contribution  points of the score;  missing: points that it could still add
    connected     whether its source says anything of any account: where not, it does not count against coverage
    """

    leaf: Leaf
    groups: tuple[str, ...]
    name: str
    value: Any
    points: float | None
    share: float
    weight: float
    contribution: float
    connected: bool
    movable: bool

    @property
    def missing(self) -> float:
        return 0.0 if self.points is None else round(self.weight - self.contribution, 2)


@dataclass(frozen=True)
class Why:
    """A card's score of an account.

    score     points, None where too little is known;  raw: the band of this score alone
    unknown   why there is no score: `applies` (the card is not about it), `nothing`, `sources` (too few are connected), `coverage`
    coverage  per cent of the connected weight that is known;  connected: of the whole weight that has a source
    capped    the cap that decides; `coverage` where too little is known for green;  taken: points that it took away
    caps      every cap that holds
    """

    one: Carded
    as_of: date
    score: float | None
    raw: str | None
    unknown: str | None
    coverage: float
    connected: float
    pieces: tuple[Piece, ...]
    capped: Cap | str | None
    taken: float
    caps: tuple[Cap, ...]

    @property
    def before_caps(self) -> float:
        return round(sum(piece.contribution for piece in self.pieces), 2)


@dataclass(frozen=True)
class Step:
    """A change that would help: the part, the value that it takes (None: any better one), its points then, and the points of the score that it adds."""

    piece: Piece
    to: float | str | bool | None
    points: float
    adds: float


@dataclass(frozen=True)
class Greener:
    """What would make it green.

    lift   caps that must be gone first;  each: whether every step alone is enough;  enough: whether they are, together
    """

    bound: float
    lift: tuple[Cap | str, ...]
    steps: tuple[Step, ...]
    each: bool
    enough: bool


def explain(
    one: Carded, row: Mapping[str, Any], as_of: date, measures: Measures, firsts: Mapping[str, int], knows: Callable[[str], bool]
) -> Why:  # fmt: skip
    """A card's score of one account.

    In   row      column -> value of the account at the date; what is unknown is None or not there, dates are dates or day numbers
         measures those of the run, columns of cards too;  firsts  input -> the first day of which it has a row of any account
         knows    whether a column of another card is known of any account
    """
    cards = measures.cards if isinstance(measures.cards, Scorecards) else Scorecards()
    read = Read(_table(one, row, as_of, measures), measures.plain, cards.measures)
    truths = {name: _truth(evaluate(condition, row, as_of)) for name, condition in one.conditions.items()}
    linked = {leaf.key: np.array([_connected(one, leaf, as_of, measures, cards, firsts, knows)]) for leaf in one.card.leaves}
    known = known_of(one, read, truths, linked)
    found = score(one.card, known)
    total = None if np.isnan(found.score[0]) else float(found.score[0]) / 100
    shares = dict(_nominal(one.card.parts, 100.0))
    pieces = tuple(
        Piece(
            leaf, groups, _name(leaf, measures), _value(one, leaf, row, as_of, truths, measures), _points(found.points[leaf.key][0]),
            round(shares[leaf.key], 2),
            float(found.weights[leaf.key][0]) / 100, float(found.contributions[leaf.key][0]) / 100, bool(linked[leaf.key][0]), _movable(leaf, measures),
        )
        for leaf, groups in _grouped(one.card.parts)
    )  # fmt: skip
    holding = tuple(cap for place, cap in enumerate(one.card.caps) if _holds(cap, place, truths, pieces))
    place = int(found.capped[0])
    capped: Cap | str | None = None if place == NO_CAP else "coverage" if place == COVERAGE else one.card.caps[place]
    raw = bands.NAMES[bands.raw(found.score, one.card.bands)[0]]
    return Why(
        one, as_of, total, raw, _unknown(one, found), float(found.coverage[0]) / 100, float(found.connected[0]) / 100, pieces, capped,
        float(found.contributions[CAPPED][0]) / 100, holding,
    )  # fmt: skip


def greener(why: Why) -> Greener | None:
    """The cheapest changes to parts that a person can move; None where it is green already, or unknown."""
    bounds = why.one.card.bands
    if why.score is None or why.score >= bounds.green:
        return None
    lift: list[Cap | str] = [*why.caps, *(["coverage"] if why.capped == "coverage" else [])]
    needed = round(bounds.green - why.before_caps, 2)
    if needed <= 0:
        return Greener(bounds.green, tuple(lift), (), True, True)
    able = [piece for piece in why.pieces if piece.movable and piece.points is not None and piece.missing > 0]
    alone = sorted((piece for piece in able if piece.missing >= needed), key=lambda piece: needed / piece.weight)
    if alone:
        return Greener(bounds.green, tuple(lift), tuple(_step(piece, needed, why) for piece in alone[:STEPS]), True, True)
    steps, left = [], needed
    for piece in sorted(able, key=lambda piece: -piece.missing)[:STEPS]:
        steps.append(_step(piece, min(left, piece.missing), why))
        left = round(left - piece.missing, 2)
        if left <= 0:
            break
    return Greener(bounds.green, tuple(lift), tuple(steps), False, left <= 0)


def _step(piece: Piece, adds: float, why: Why) -> Step:
    assert piece.points is not None
    points = min(100.0, round(piece.points + adds / piece.weight * 100 + 0.005, 2)) if piece.weight else 100.0
    return Step(piece, _value_at(piece.leaf, points), points, adds)


def _value_at(leaf: Leaf, points: float) -> float | str | bool | None:
    """The value from which a part has so many points: the inverse of its normaliser; None where no single value says it."""
    if leaf.linear is not None or leaf.trend is not None:
        line = leaf.linear or leaf.trend
        assert line is not None
        return line.worst + (line.best - line.worst) * points / 100
    if leaf.tiers is not None:
        enough = [tier for tier in leaf.ordered_tiers if tier.points >= points]
        rising = leaf.ordered_tiers[-1].points >= leaf.ordered_tiers[0].points
        return (enough[0] if rising else enough[-1]).at_least if enough else None
    if leaf.boolean is not None:
        return leaf.boolean.yes > leaf.boolean.no
    if leaf.words is not None:
        enough_words = sorted((given, word) for word, given in leaf.words.items() if given >= points)
        return enough_words[0][1] if enough_words else None
    if leaf.rules is not None:
        said = [rule.says for rule in leaf.rules.first if rule.points >= points]
        return said[0] if said else None
    if leaf.target is not None and not isinstance(leaf.target.of, str):
        return leaf.target.of * points / 100
    return None


def _table(one: Carded, row: Mapping[str, Any], as_of: date, measures: Measures) -> pa.Table:
    columns: dict[str, pa.Array] = {"account_id": pa.array([0], pa.int64()), "d": pa.array([day_number(as_of)], pa.int32())}
    for name in (*one.reads, *(column.id for column in one.columns), *_places(one)):
        if name in columns:
            continue
        kind = TYPES[measures[name].kind] if name in measures else pa.float64()
        value = row.get(name)
        if value is not None:
            value = day_number(value) if isinstance(value, date) else bool(value) if kind == pa.bool_() else value
            value = float(value) if kind == pa.float64() and isinstance(value, bool) else value
        columns[name] = pa.array([value], kind)
    return pa.table(columns)


def _places(one: Carded) -> Iterator[str]:
    yield from (peers_id(leaf) for leaf in one.card.leaves if leaf.percentile is not None)


def _truth(said: bool | None) -> np.ndarray:
    return np.array([UNSAID if said is None else HOLDS if said else HOLDS_NOT], np.int8)


def _connected(one: Carded, leaf: Leaf, as_of: date, measures: Measures, cards: Scorecards, firsts: Mapping[str, int], knows: Callable[[str], bool]) -> bool:
    day = day_number(as_of)

    def there(name: str) -> bool:
        if name in cards.measures:
            return knows(name)
        return all(firsts.get(given, day + 1) <= day for given in measures.inputs_behind(name))

    if leaf.rules is None:
        return all(there(name) for name in leaf.reads)
    asked = [condition for name, condition in one.conditions.items() if name.rpartition(" ")[0] == leaf.key]
    named = dict.fromkeys(read for condition in asked for read in (*references(condition), *(column.source for column in derived(condition))))
    return any(there(name) for name in named if name in measures)


def _grouped(parts: Sequence[Part], groups: tuple[str, ...] = ()) -> Iterator[tuple[Leaf, tuple[str, ...]]]:
    for part in parts:
        if isinstance(part, Group):
            yield from _grouped(part.parts, (*groups, part.group))
        else:
            yield part, groups


def shares_of(card: Scorecard) -> list[tuple[str, float]]:
    """Name (else id) of each part and the per cent of the whole that it should weigh."""
    names = {leaf.key: leaf.name or leaf.key for leaf in card.leaves}
    return [(names[key], share) for key, share in _nominal(card.parts, 100.0)]


def _nominal(parts: Sequence[Part], share: float) -> Iterator[tuple[str, float]]:
    whole = sum(part.weight for part in parts)
    for part in parts:
        own = share * part.weight / whole
        if isinstance(part, Group):
            yield from _nominal(part.parts, own)
        else:
            yield part.key, own


def _name(leaf: Leaf, measures: Measures) -> str:
    return leaf.name or (measures[leaf.measure].name if leaf.measure is not None and leaf.measure in measures else leaf.key)


def _movable(leaf: Leaf, measures: Measures) -> bool:
    if leaf.movable is not None:
        return leaf.movable
    return bool(leaf.measure is not None and leaf.measure in measures and measures[leaf.measure].leading)


def _value(one: Carded, leaf: Leaf, row: Mapping[str, Any], as_of: date, truths: Mapping[str, np.ndarray], measures: Measures) -> Any:
    if leaf.rules is not None:
        for place, rule in enumerate(leaf.rules.first):
            if truths[f"{leaf.key} {place}"][0] == HOLDS:
                return rule.says
        return None
    name = trend_id(leaf) if leaf.trend is not None else leaf.measure or ""
    value = row.get(name)
    if value is not None and name in measures and measures[name].kind == "date" and not isinstance(value, date):
        return date_of(int(value))
    return value


def _points(hundredths: float) -> float | None:
    return None if np.isnan(hundredths) else float(hundredths) / 100


def _holds(cap: Cap, place: int, truths: Mapping[str, np.ndarray], pieces: Sequence[Piece]) -> bool:
    if cap.any_below is None:
        return bool(truths[f"cap {place}"][0] == HOLDS)
    return any(piece.points is not None and piece.points < cap.any_below for piece in pieces)


def _unknown(one: Carded, found: Any) -> str | None:
    if not np.isnan(found.score[0]):
        return None
    if not found.applies[0]:
        return "applies"
    if all(np.isnan(points[0]) for points in found.points.values()):
        return "nothing"
    return "sources" if found.connected[0] < one.card.coverage.unknown / 100 * WHOLE else "coverage"
