"""The scorecards that a pass uses: read with their conditions, in an order in which each can be computed, and their columns of facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from laer.conditions.checking import Vocabulary
from laer.conditions.faults import Fault, existing
from laer.conditions.reading import read as read_condition
from laer.conditions.tree import Condition, Derived, derived, derived_test, references
from laer.conditions.writing import to_line
from laer.metrics.catalogue import Measure
from laer.scores.bands import GREEN, RED, YELLOW
from laer.scores.points import trend_id
from laer.scores.scorecard import LEADING, Leaf, Scorecard, placed

if TYPE_CHECKING:
    from laer.cycle.own_measures import Measures, Source

HEALTH, HEALTH_SCORE, HEALTH_CARD = "health", "health_score", "health_card"
OF_100, OF_BAND, OF_COVERAGE = "of 100", ": band", ": coverage"  # the last two stand behind a card's name
POINTS = "points of this scorecard; high is good"
BAND = "green, yellow or red by this scorecard, held until it is clearly left"
COVERAGE = "how much of the weight is known whose sources are connected"
OF_HEALTH = (
    "Health", "green, yellow or red by the first health card that applies", "Health, points", "points of the scorecard that is the account's health",
    "Health by", "the scorecard that is the account's health",
)  # fmt: skip
TEXTS = (OF_100, POINTS, BAND, COVERAGE, *OF_HEALTH, GREEN, YELLOW, RED)
OF_ALL = (HEALTH, HEALTH_SCORE, HEALTH_CARD)
NUMERIC = ("number", "money", "date", "flag")
PREFIXES = ("score_", "band_", "coverage_")
Found = tuple[tuple[str | int, ...], str, dict[str, str | int], Fault | None]


@dataclass(frozen=True)
class Carded:
    """A scorecard with its conditions read, and the version of its definition (0: a draft)."""

    card: Scorecard
    conditions: Mapping[str, Condition]
    version: int = 0
    sources: tuple[str, ...] = ()  # record types behind it

    @cached_property
    def columns(self) -> tuple[Derived, ...]:
        """What changed, lasted or happened, as its conditions and trends ask for it."""
        of_conditions = (column for one in self.conditions.values() for column in derived(one))
        return tuple(dict.fromkeys((*of_conditions, *(trend_of(leaf) for leaf in self.card.leaves if leaf.trend))))

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Measures, those of its columns' windows too."""
        made = {column.id for column in self.columns}
        named = [name for leaf in self.card.leaves for name in leaf.reads]
        asked = [name for one in self.conditions.values() for name in references(one) if name not in made]
        beside = ["segment"] if any(leaf.percentile and leaf.percentile.peers == "segment" for leaf in self.card.leaves) else []
        looked_at = [column.source for column in self.columns if column.derivation in ("change", "difference", "duration")]
        return tuple(dict.fromkeys((*named, *asked, *beside, *looked_at)))

    @property
    def tests(self) -> Iterator[Condition]:
        """Conditions that together read everything that it reads in columns of windows."""
        yield from self.conditions.values()
        yield from (derived_test(trend_of(leaf), "known", None) for leaf in self.card.leaves if leaf.trend)

    @property
    def meaning(self) -> str:
        """It changes when another score comes of the same facts."""
        document = self.card.model_dump(mode="json", exclude={"name", "description", "status"})
        return f"{document} {[to_line(one) for one in self.conditions.values()]}"


def trend_of(leaf: Leaf) -> Derived:
    assert leaf.trend is not None
    assert leaf.measure is not None
    found = Derived("change", leaf.measure, leaf.trend.days)
    assert found.id == trend_id(leaf)
    return found


@dataclass(frozen=True)
class Scorecards:
    """In an order in which each stands behind those that it reads."""

    cards: tuple[Carded, ...] = ()
    _of: dict[str, Carded] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._of.update({name: one for one in self.cards for name in columns_of(one.card)})

    def __hash__(self) -> int:
        return hash(tuple((one.card.id, one.meaning) for one in self.cards))

    @cached_property
    def health(self) -> tuple[Carded, ...]:
        """Those of which one is an account's health, the first that applies first."""
        return tuple(sorted((one for one in self.cards if one.card.purpose == "health"), key=lambda one: (one.card.priority, one.card.id)))

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """Their columns of facts as entries of the catalogue."""
        found = {name: measure for one in self.cards for name, measure in measures_of(one.card, one.sources).items()}
        return found | _of_all(self.health) if self.health else found

    def columns(self, source: Source, measures: Measures, dates: tuple[int, ...], names: tuple[str, ...]) -> pa.Table:
        """account_id, d and columns of cards, sorted: those of the day of a pass as it found them, others computed now."""
        from laer.cycle.scoring import compute

        stored = {day: rows for day in dates if (rows := source.scored(day)) is not None}
        parts = [rows.select(["account_id", "d", *names]) for rows in stored.values()]
        if rest := tuple(day for day in dates if day not in stored):
            parts.append(compute(source, self, measures, rest, names).table)
        whole = pa.concat_tables(part.cast(parts[0].schema) for part in parts) if parts else pa.table({})
        return whole.sort_by([("account_id", "ascending"), ("d", "ascending")])

    def behind(self, name: str) -> tuple[str, ...]:
        """The measures and the columns of other cards that a column is made of."""
        cards = self.health if name in OF_ALL else (self._of[name],)
        return tuple(dict.fromkeys(read for one in cards for read in one.reads))

    def meaning(self, name: str) -> str:
        return "\n".join(one.meaning for one in (self.health if name in OF_ALL else (self._of[name],)))

    def needed(self, names: Iterable[str]) -> tuple[Carded, ...]:
        """The cards behind some columns, in their order."""
        wanted, waiting = set[str](), list(names)
        while waiting:
            name = waiting.pop()
            for one in self.health if name in OF_ALL else filter(None, [self._of.get(name)]):
                if one.card.id not in wanted:
                    wanted.add(one.card.id)
                    waiting += one.reads
        return tuple(one for one in self.cards if one.card.id in wanted)

    def of_the_firm(self, names: Iterable[str]) -> bool:
        """Whether one of the columns holds an account against the others."""
        return any(leaf.percentile for one in self.needed(names) for leaf in one.card.leaves)


def columns_of(card: Scorecard) -> tuple[str, str, str]:
    return card.score_id, card.band_id, card.coverage_id


def measures_of(card: Scorecard, sources: tuple[str, ...] = ()) -> dict[str, Measure]:
    motion = card.motion
    return {
        card.score_id: Measure(card.score_id, card.name, OF_100, POINTS, motion, "number", sources,
            leading=True, better="up", method="scores"),
        card.band_id: Measure(card.band_id, card.name + OF_BAND, "", BAND,
            motion, "text", sources, leading=True, words_of=(GREEN, YELLOW, RED), method="scores"),
        card.coverage_id: Measure(card.coverage_id, card.name + OF_COVERAGE, "%", COVERAGE, motion,
            "number", sources, better="up", method="scores"),
    }  # fmt: skip


def _of_all(health: tuple[Carded, ...]) -> dict[str, Measure]:
    sources = tuple(dict.fromkeys(source for one in health for source in one.sources))
    return {
        HEALTH: Measure(HEALTH, OF_HEALTH[0], "", OF_HEALTH[1], "base", "text", sources, leading=True,
            words_of=(GREEN, YELLOW, RED), method="scores"),
        HEALTH_SCORE: Measure(HEALTH_SCORE, OF_HEALTH[2], OF_100, OF_HEALTH[3], "base", "number", sources,
            leading=True, better="up", method="scores"),
        HEALTH_CARD: Measure(HEALTH_CARD, OF_HEALTH[4], "", OF_HEALTH[5], "base", "text", sources,
            words_of=tuple(one.card.id for one in health), method="scores"),
    }  # fmt: skip


# -- checking ----------------------------------------------------------------------------------------------------------


def faults_of(card: Scorecard, measures: Mapping[str, Measure], vocabulary: Vocabulary) -> Iterator[Found]:
    """What is wrong with a card beside the catalogue. In: measures: with the columns of other cards; vocabulary: of the same."""
    for leaf, path in placed(card):
        for name in leaf.reads:
            if name not in measures:
                yield (*path, "measure"), "no_measure", {"field": "measure", "found": name, "exist": existing(name, measures)}, None
            elif name in columns_of(card):
                yield (*path, "measure"), "circle", {"found": name}, None
            elif name in OF_ALL:
                yield (*path, "measure"), "reads_health", {"found": name}, None
            else:
                yield from ((path, *fault, None) for fault in _fitting(leaf, measures[name], name == leaf.measure))
    for _name, path, text in card.conditions():
        found, faults = read_condition(text, vocabulary)
        for fault in faults:
            yield path, "condition", {"why": fault.text}, fault
        if found is not None:
            yield from _condition_faults(card, found, path)
    if card.purpose == "health" and not faults_in(card, measures) and (share := leading_share(card, measures)) < LEADING - 1e-9:
        yield ("parts",), "lagging", {"found": f"{share:.0%}", "expected": f"{LEADING:.0%}"}, None


def faults_in(card: Scorecard, measures: Mapping[str, Measure]) -> bool:
    return any(name not in measures for leaf in card.leaves for name in leaf.reads)


def _fitting(leaf: Leaf, measure: Measure, value: bool) -> Iterator[tuple[str, dict[str, str | int]]]:
    fits = ("text",) if leaf.words is not None and value else ("flag",) if leaf.boolean is not None else NUMERIC
    if measure.kind not in fits:
        yield "unfit", {"found": measure.id, "kind": measure.kind, "how": leaf.how, "expected": " or ".join(fits)}
    if leaf.trend is not None and measure.id.startswith(PREFIXES):
        yield "windowed_score", {"found": measure.id}
    if leaf.words is not None and measure.words_of and (unknown := sorted(set(leaf.words) - set(measure.words_of))):
        yield "no_word", {"found": unknown[0], "field": measure.id, "exist": ", ".join(measure.words_of)}


def _condition_faults(card: Scorecard, condition: Condition, path: tuple[str | int, ...]) -> Iterator[Found]:
    columns = derived(condition)
    for column in columns:
        if column.record is not None:
            yield path, "unlinked", {"related": column.source, "record": column.record}, None
        if column.source.startswith(PREFIXES) or column.source in OF_ALL:
            yield path, "windowed_score", {"found": column.source}, None
    for name in references(condition):
        if name in columns_of(card):
            yield path, "circle", {"found": name}, None
        elif name in OF_ALL:
            yield path, "reads_health", {"found": name}, None


def leading_share(card: Scorecard, measures: Mapping[str, Measure]) -> float:
    """The share of a card's weight that moves before revenue does; rules count as leading where a measure that they name is."""

    def share(parts: tuple[Any, ...]) -> float:
        whole = sum(part.weight for part in parts)
        return float(sum(part.weight / whole * (_leads(part, measures) if isinstance(part, Leaf) else share(part.parts)) for part in parts))

    return share(card.parts)


def _leads(leaf: Leaf, measures: Mapping[str, Measure]) -> float:
    if leaf.rules is not None:
        return 1.0
    return 1.0 if any(name in measures and measures[name].leading for name in leaf.reads) or (leaf.measure or "").startswith(PREFIXES) else 0.0


def resolved(found: Iterable[tuple[Scorecard, int]], vocabulary_of: Callable[[Mapping[str, Measure]], Vocabulary], measures: Mapping[str, Measure],
             behind: Callable[[str], Iterable[str]]) -> tuple[Scorecards, list[str]]:  # fmt: skip
    """The cards that can be computed, each after those that it reads, and what is wrong with the others.

    In   found  cards with their versions;  vocabulary_of  of a catalogue, as conditions see it
         measures  without cards;  behind  the record types of a measure
    """
    given, notes = list(found), []
    while True:  # what reads a card that was left out is left out as well
        every = dict(measures) | {name: measure for card, _ in given for name, measure in measures_of(card).items()}
        every |= _of_all(()) if given else {}
        vocabulary = vocabulary_of(every)
        wrong = [(card, version, faults) for card, version in given if (faults := list(faults_of(card, every, vocabulary)))]
        if not wrong:
            break
        notes += [f"scorecard {card.id} was left out: {_said(faults[0])}" for card, _, faults in wrong]
        given = [one for one in given if one[0].id not in {card.id for card, _, _ in wrong}]
    waiting = [_carded(card, version, vocabulary, behind, measures) for card, version in given]
    ready: list[Carded] = []
    while turn := [one for one in waiting if not (_cards_behind(one, waiting) - {done.card.id for done in ready})]:
        ready += turn
        waiting = [one for one in waiting if one not in turn]
    notes += [f"scorecard {one.card.id} was left out: it reads itself by way of others" for one in waiting]
    return Scorecards(tuple(ready)), notes


def _carded(card: Scorecard, version: int, vocabulary: Vocabulary, behind: Callable[[str], Iterable[str]], measures: Mapping[str, Measure]) -> Carded:
    conditions = {name: condition for name, _, text in card.conditions() if (condition := read_condition(text, vocabulary)[0]) is not None}
    made = Carded(card, conditions, version)
    return replace(made, sources=tuple(dict.fromkeys(source for name in made.reads if name in measures for source in behind(name))))


def _cards_behind(one: Carded, among: Iterable[Carded]) -> set[str]:
    return {other.card.id for other in among if set(columns_of(other.card)) & set(one.reads)}


def _said(fault: Found) -> str:
    _path, code, params, inner = fault
    return str(inner) if inner else f"{code} {params}"
