"""From values to points, and from points to a score: one arithmetic for a pass over all accounts and for the page of one.

Points, weights and contributions are whole hundredths. The contributions of a card sum to its score exactly: each is the difference
of two rounded running totals, so that what rounding takes from one goes to the next. Source of the shape: docs/methods/scores.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from laer.conditions.arrays import Coded
from laer.scores.scorecard import Cap, Group, Leaf, Part, Scorecard

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Said = npt.NDArray[np.int8]
HOLDS, HOLDS_NOT, UNSAID = 1, 0, -1
WHOLE = 10_000  # hundredths of 100 points, and of 100 %
AT_ONCE, LOOKED_UP = 12, 65_536  # flags that are numbered together;  numbers up to which a table is quicker than sorting
PLACES = 6  # of a running total, before it is cut to hundredths: what float arithmetic adds lies far below


@dataclass(frozen=True)
class Known:
    """What a card reads of some accounts at some dates, row by row. Unknown is NaN.

    numbers     measure -> value; flags are 1 and 0, dates the days since then (negative: ahead)
    texts       measure -> value
    conditions  its name within the card (`Scorecard.conditions`) -> HOLDS, HOLDS_NOT, anything else: unknown
    connected   part -> whether the sources behind it say anything of any account by then; a part that is not named is connected
    """

    rows: int
    numbers: Mapping[str, Numbers]
    texts: Mapping[str, Coded]
    conditions: Mapping[str, Said]
    connected: Mapping[str, Flags]

    def taken(self, rows: Places) -> Known:
        """Some of the rows."""
        return Known(
            len(rows), {name: values[rows] for name, values in self.numbers.items()}, {name: values.taken(rows) for name, values in self.texts.items()},
            {name: said[rows] for name, said in self.conditions.items()}, {part: linked[rows] for part, linked in self.connected.items()},
        )  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """A card's result, row by row.

    applies    whether the card is about the account; nothing else counts where it is not
    score      hundredths from 0 to 10,000; NaN where too little is known
    coverage   hundredths of a per cent of the connected weight that is known;  connected: of the whole weight that has a source
    points     part -> hundredths, NaN unknown
    capped     place of the cap that decides, -1: none; -2: coverage
    limit      the best band that the row can have: 0 green, 1 yellow, 2 red
    shares     part -> its share after unknown ones are spread, by the row's pattern;  pattern: of each row
    taken      hundredths that caps took away
    """

    applies: Flags
    score: Numbers
    coverage: Numbers
    connected: Numbers
    points: dict[str, Numbers]
    capped: Places
    limit: Places
    shares: dict[str, Numbers]
    pattern: Places
    taken: Numbers

    @cached_property
    def weights(self) -> dict[str, Numbers]:
        """Part -> its share after unknown ones are spread, in hundredths of a per cent."""
        return {key: found[self.pattern] for key, found in _apart({key: share * WHOLE for key, share in self.shares.items()}).items()}

    @cached_property
    def contributions(self) -> dict[str, Numbers]:
        """Part -> hundredths of the score; under CAPPED what caps took away. They sum to the score."""
        return _apart({key: _part(found, self.shares[key][self.pattern]) for key, found in self.points.items()}) | {CAPPED: self.taken}


COVERAGE, NO_CAP = -2, -1
CAPPED = "cap"  # the contribution that a cap takes away


def peers_id(leaf: Leaf) -> str:
    """The column of an account's place among its peers."""
    assert leaf.percentile is not None
    return f"{leaf.measure}__place_in_{leaf.percentile.peers}"


def trend_id(leaf: Leaf) -> str:
    """The column of a measure's change against the account's past, as conditions name it (`tree.Derived.id`)."""
    assert leaf.trend is not None
    return f"{leaf.measure}__change_{leaf.trend.days}d"


@np.errstate(divide="ignore", invalid="ignore")
def score(card: Scorecard, known: Known) -> Scored:
    points = {leaf.key: points_of(leaf, known) for leaf in card.leaves}
    there = {key: ~np.isnan(found) for key, found in points.items()}
    linked = {key: flags for key in points if (flags := known.connected.get(key)) is not None and not flags.all()}
    # Shares and coverage follow from what is known, not from how much it is: they are the same of all rows of one pattern, and there are few.
    pattern, first = _patterns([*there.values(), *linked.values()], known.rows)
    seen_of = {key: flags[first] for key, flags in there.items()}
    nominal = _shares(card.parts, {key: np.ones(1, bool) for key in points}, 1)
    shares = _shares(card.parts, seen_of, len(first))
    reach = _sum(nominal[key] * ((linked[key][first] | seen_of[key]) if key in linked else np.ones(len(first), bool)) for key in points)
    seen = _sum(nominal[key] * seen_of[key] for key in points)
    covered = _hundredths(np.where(reach > 0, seen / reach, 0.0) * WHOLE)
    reached = _hundredths(reach * WHOLE)
    enough = (seen > 0) & (covered >= card.coverage.unknown * 100) & (reached >= card.coverage.unknown * 100)
    totals = np.zeros(known.rows)
    for key, found in points.items():
        totals += _part(found, shares[key][pattern])
    total = _hundredths(totals)
    coverage = covered[pattern]
    limit, capped = _limits(card, known, points, coverage)
    most = np.array([WHOLE, card.bands.green * 100 - 1, card.bands.yellow * 100 - 1])[limit]
    final = np.minimum(total, most)
    applies = np.asarray(known.conditions["applies"] == HOLDS)
    counted = enough[pattern] & applies
    return Scored(applies, np.where(counted, final, np.nan), coverage, reached[pattern], points, capped, limit, shares, pattern, final - total)


def _part(points: Numbers, share: Numbers) -> Numbers:
    """What a part adds, before it is cut to hundredths; nothing where it is unknown."""
    added = points * share
    added[np.isnan(added)] = 0.0
    return added


def _apart(parts: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Each as whole hundredths, so that they sum to the whole cut to hundredths: differences of running totals."""
    total, last, found = _sum([]), _sum([]), {}
    for key, part in parts.items():
        total = total + part
        now = _hundredths(total)
        found[key], last = now - last, now
    return found


def _patterns(flags: Sequence[Flags], rows: int) -> tuple[Places, Places]:
    """Rows in which all flags are the same share a number, from 0 on. Out: the number of each row, and of each number one of its rows."""
    number, count = np.zeros(rows, np.int64), 1
    for start in range(0, len(flags), AT_ONCE):
        some = flags[start : start + AT_ONCE]
        for one in some:
            number = number * 2 + one
        count <<= len(some)
        if count <= 4 * rows + LOOKED_UP:
            found = np.flatnonzero(np.bincount(number, minlength=count))
            renumbered = np.zeros(count, np.int64)
            renumbered[found] = np.arange(len(found))
            number, count = renumbered[number], len(found)
        else:
            found, number = np.unique(number, return_inverse=True)
            count = len(found)
    first = np.zeros(count if rows else 0, np.int64)
    first[number] = np.arange(rows)
    return number, first


def _limits(card: Scorecard, known: Known, points: Mapping[str, Numbers], coverage: Numbers) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    limit, capped = np.zeros(known.rows, np.int64), np.full(known.rows, NO_CAP)
    few = coverage < card.coverage.yellow * 100
    limit[few], capped[few] = 1, COVERAGE
    for place, cap in enumerate(card.caps):
        holds = _holds(cap, place, known, points)
        worst = 1 if cap.band == "yellow" else 2
        deciding = holds & (limit < worst)
        limit[deciding], capped[deciding] = worst, place
    return limit, capped


def _holds(cap: Cap, place: int, known: Known, points: Mapping[str, Numbers]) -> Flags:
    if cap.any_below is None:
        return np.asarray(known.conditions[f"cap {place}"] == HOLDS)
    found = np.zeros(known.rows, bool)
    for one in points.values():
        found |= one < cap.any_below * 100  # what is unknown is not below
    return found


def _shares(parts: Sequence[Part], there: Mapping[str, Flags], rows: int) -> dict[str, Numbers]:
    """Part -> its share of the whole, where the weight of what is unknown is spread among its siblings, group by group."""
    found: dict[str, Numbers] = {}

    def known(part: Part) -> Flags:
        if isinstance(part, Leaf):
            return there[part.key]
        below = [known(one) for one in part.parts]
        return np.asarray(np.logical_or.reduce(below))

    def spread(siblings: Sequence[Part], share: Numbers) -> None:
        weighed = [part.weight * known(part) for part in siblings]
        whole = _sum(weighed)
        for part, weight in zip(siblings, weighed, strict=True):
            own = np.where(whole > 0, share * weight / whole, 0.0)
            if isinstance(part, Group):
                spread(part.parts, own)
            else:
                found[part.key] = own

    spread(parts, np.ones(rows))
    return found


def points_of(leaf: Leaf, known: Known) -> Numbers:
    """Hundredths of points, NaN where the value is unknown."""
    if leaf.rules is not None:
        return _by_rules(leaf, known)
    assert leaf.measure is not None
    if leaf.words is not None:
        told = known.texts.get(leaf.measure)
        if told is None:
            return np.full(known.rows, np.nan)
        return np.array([*(leaf.words.get(word, np.nan) * 100 for word in told.words), np.nan])[told.codes]  # the last is for -1
    if leaf.boolean is not None:
        value = _column(known, leaf.measure)
        return np.where(np.isnan(value), np.nan, np.where(value > 0, leaf.boolean.yes, leaf.boolean.no) * 100.0)
    if leaf.trend is not None:
        return _along(_column(known, trend_id(leaf)), leaf.trend.worst, leaf.trend.best)
    if leaf.percentile is not None:
        place = _column(known, peers_id(leaf))
        return _hundredths((place if leaf.percentile.better == "up" else 1 - place) * WHOLE)
    value = _column(known, leaf.measure)
    if leaf.linear is not None:
        return _along(value, leaf.linear.worst, leaf.linear.best)
    if leaf.target is not None:
        target = _column(known, leaf.target.of) if isinstance(leaf.target.of, str) else np.full(known.rows, float(leaf.target.of))
        with np.errstate(divide="ignore", invalid="ignore"):
            reached = np.where(target > 0, value / target, np.nan)
        return _hundredths(np.clip(reached, 0, 1) * WHOLE)
    tiers = leaf.ordered_tiers
    given = np.array([0.0, *(tier.points * 100 for tier in tiers)])
    found = given[np.searchsorted([tier.at_least for tier in tiers], np.nan_to_num(value), side="right")]
    return np.where(np.isnan(value), np.nan, found)


def _by_rules(leaf: Leaf, known: Known) -> Numbers:
    """The points of the first rule that holds; unknown where one before it is unknown."""
    assert leaf.rules is not None
    found = np.full(known.rows, np.nan if leaf.rules.otherwise is None else leaf.rules.otherwise * 100)
    for place in reversed(range(len(leaf.rules.first))):
        holds = known.conditions[f"{leaf.key} {place}"]
        found[holds != HOLDS_NOT] = np.nan
        found[holds == HOLDS] = leaf.rules.first[place].points * 100
    return found


def _along(value: Numbers, worst: float, best: float) -> Numbers:
    reached = value - worst
    reached /= best - worst
    np.clip(reached, 0, 1, out=reached)
    reached *= WHOLE
    return _hundredths(reached)


def _column(known: Known, name: str) -> Numbers:
    return known.numbers.get(name, np.full(known.rows, np.nan))


def _hundredths(value: Numbers) -> Numbers:
    """Cut to whole numbers, halves upwards."""
    found = np.round(value, PLACES)
    found += 0.5
    return np.asarray(np.floor(found, out=found))


def _sum(of: object) -> Numbers:
    total: Numbers = np.zeros(1)
    for one in of:  # type: ignore[attr-defined]
        total = total + one
    return total
