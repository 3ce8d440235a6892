"""The LAER position of accounts at any dates: which rule of each motion holds first, as columns of facts. Method: docs/methods/position.md"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from laer.conditions.checking import Vocabulary
from laer.conditions.faults import Fault
from laer.conditions.reading import read as read_condition
from laer.conditions.tree import Condition, derived, references
from laer.conditions.writing import to_line
from laer.cycle.card_rows import Read
from laer.cycle.fact_source import read_by
from laer.flow.positions import MOTIONS, STATES, Positions, column_of
from laer.metrics.catalogue import Measure
from laer.scores.points import HOLDS, HOLDS_NOT

if TYPE_CHECKING:
    from laer.cycle.own_measures import Measures, Source

NAMES = {  # column -> what the measure is called, and what it says
    "land": ("Position in Land", "open, won or handed over, by the rules of the definition"),
    "adopt": ("Position in Adopt", "onboarding, stalled, activated, at outcome or lapsed, by the rules of the definition"),
    "expand": ("Position in Expand", "none, ready, open, won, lost or blocked, by the rules of the definition"),
    "renew": ("Position in Renew", "not due, window, called, signed, pending, overdue or lost, by the rules of the definition"),
}
TEXTS = tuple(text for pair in NAMES.values() for text in pair)
OTHERWISE = 99  # the number of the rule, where none held and none was unknown
Found = tuple[tuple[str | int, ...], str, dict[str, str | int], Fault | None]


@dataclass(frozen=True)
class Ruled:
    """The rules of one motion with their conditions read, and the version of the definition."""

    of: Positions
    conditions: tuple[Condition, ...]
    version: int = 0
    sources: tuple[str, ...] = ()

    @property
    def motion(self) -> str:
        return self.of.id

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The measures that its rules look at."""
        return tuple(dict.fromkeys(name for one in self.conditions for name in measures_read(one)))

    @cached_property
    def mark(self) -> str:
        """Of what its rules ask: another name or description is the same position."""
        said = [f"{rule.state}: {to_line(condition)}" for rule, condition in zip(self.of.rules, self.conditions, strict=True)]
        return sha256("\n".join([*said, str(self.of.otherwise)]).encode()).hexdigest()[:16]

    def state(self, rule: int) -> str | None:
        """What a rule's number says (`Placed.rules`)."""
        if rule == OTHERWISE:
            return self.of.otherwise
        return self.of.rules[rule].state if 0 <= rule < len(self.of.rules) else None


@dataclass(frozen=True)
class Placed:
    """states  account_id, d and `<motion>_state` of each motion, null is unknown
    rules   the same keys and `<motion>_rule`: the number of the rule that decided, `OTHERWISE`, or -1 - number of the one that is unknown
    read    the same keys and everything that the rules read
    """

    states: pa.Table
    rules: pa.Table
    read: pa.Table


@dataclass(frozen=True)
class Ruling:
    """The motions that have rules, as columns among the measures (`own_measures.OfCards`)."""

    motions: tuple[Ruled, ...] = ()

    def __hash__(self) -> int:
        return hash(tuple((one.motion, one.mark, one.version) for one in self.motions))

    @cached_property
    def _of(self) -> dict[str, Ruled]:
        return {column_of(one.motion): one for one in self.motions}

    @cached_property
    def measures(self) -> dict[str, Measure]:
        return {name: measure_of(one.motion, one.sources) for name, one in self._of.items()}

    def behind(self, name: str) -> tuple[str, ...]:
        return self._of[name].reads

    def meaning(self, name: str) -> str:
        return self._of[name].mark

    def of_the_firm(self, names: Iterable[str]) -> bool:
        return False  # by itself it holds no account against others; what it reads may

    def columns(self, source: Source, measures: Measures, dates: tuple[int, ...], names: tuple[str, ...]) -> pa.Table:
        """account_id, d and the columns, sorted: those of the day of a pass as it found them, others computed now."""
        stored = {day: rows for day in dates if (rows := source.scored(day)) is not None and set(names) <= set(rows.column_names)}
        parts = [rows.select(["account_id", "d", *names]) for rows in stored.values()]
        if rest := tuple(day for day in dates if day not in stored):
            parts.append(placed(source, [self._of[name] for name in names], measures, rest).states)
        whole = pa.concat_tables(part.cast(parts[0].schema) for part in parts)
        return whole.sort_by([("account_id", "ascending"), ("d", "ascending")])

    def marks(self, measures: Measures) -> dict[str, str]:
        """Motion -> of what its rules ask, with what the firm's own measures and cards among them mean."""
        return {one.motion: sha256(f"{one.mark}\n{measures.meaning(one.reads)}".encode()).hexdigest()[:16] for one in self.motions}


def placed(source: Source, motions: Iterable[Ruled], measures: Measures, dates: tuple[int, ...]) -> Placed:
    """Which rule of each motion holds first, at each date. In: measures: without those of positions."""
    motions = tuple(motions)
    conditions = {f"{one.motion} {place}": condition for one in motions for place, condition in enumerate(one.conditions)}
    rows = read_by(source, measures, conditions.values(), dates)
    truths = Read(rows, measures, {}).truths(conditions)
    keys = rows.select(["account_id", "d"])
    states = rules = keys
    for one in motions:
        number = first_of([truths[f"{one.motion} {place}"] for place in range(len(one.conditions))], rows.num_rows)
        distinct = np.unique(number)
        words = pa.array([one.state(int(code)) for code in distinct], pa.string())
        states = states.append_column(column_of(one.motion), words.take(pa.array(np.searchsorted(distinct, number))))
        rules = rules.append_column(f"{one.motion}_rule", pa.array(number, pa.int8()))
    return Placed(states, rules, rows)


def of_pass(source: Source, measures: Measures, day: int) -> Placed:
    """Positions of the day of a pass, before anything else reads them."""
    there = measures.positions
    return placed(source, there.motions if isinstance(there, Ruling) else (), measures.unplaced, (day,))


def first_of(truths: list[np.ndarray], rows: int) -> np.ndarray:
    """The number of the first rule that holds, `OTHERWISE`, or -1 - number of the first that is unknown before one holds.

    In   truths  of each rule, row by row: HOLDS, HOLDS_NOT, anything else is unknown
    """
    number = np.full(rows, OTHERWISE, np.int8)
    for place in range(len(truths) - 1, -1, -1):
        of = truths[place]
        number = np.where(of == HOLDS, place, np.where(of == HOLDS_NOT, number, -1 - place)).astype(np.int8)
    return number


def measures_read(condition: Condition) -> tuple[str, ...]:
    """The measures that a condition looks at, those of its columns of windows too."""
    columns = derived(condition)
    made = {column.id for column in columns}
    asked = [name for name in sorted(references(condition)) if name not in made]
    looked_at = [column.source for column in columns if column.derivation in ("change", "difference", "duration")]
    return tuple(dict.fromkeys((*asked, *looked_at)))


def measure_of(motion: str, sources: tuple[str, ...] = ()) -> Measure:
    name, words = NAMES[motion]
    return Measure(column_of(motion), name, "", words, motion, "text", sources, leading=None, words_of=STATES[motion], method="position")


def ruled(of: Positions, version: int, vocabulary: Vocabulary, measures: Mapping[str, Measure]) -> Ruled | None:
    """A definition with its conditions read; None where one of them cannot be."""
    conditions = [read_condition(rule.when, vocabulary)[0] for rule in of.rules]
    known = tuple(one for one in conditions if one is not None)
    if len(known) != len(of.rules):
        return None
    read = dict.fromkeys(name for one in known for name in measures_read(one))
    return Ruled(of, known, version, tuple(dict.fromkeys(source for name in read if name in measures for source in measures[name].sources)))


def faults_of(of: Positions, vocabulary: Vocabulary) -> Iterator[Found]:
    """What is wrong with its conditions."""
    for place, rule in enumerate(of.rules):
        _found, faults = read_condition(rule.when, vocabulary)
        for fault in faults:
            yield ("rules", place, "when", *_steps(fault.path)), "condition", {"why": fault.text}, fault


def _steps(path: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in path.replace("]", "").replace("[", ".").split(".") if part)


def resolved(found: Iterable[tuple[Positions, int]], vocabulary: Vocabulary, measures: Mapping[str, Measure]) -> tuple[Ruling, list[str]]:
    """The motions whose rules can be read, in the order of the letters, and what is wrong with the others. In: measures: without positions."""
    made: dict[str, Ruled] = {}
    notes = []
    for of, version in found:
        one = ruled(of, version, vocabulary, measures)
        if one is None:
            notes.append(f"positions {of.id} was left out: {next(faults_of(of, vocabulary))[2]['why']}")
        else:
            made[of.id] = one
    return Ruling(tuple(made[motion] for motion in MOTIONS if motion in made)), notes


def seen_of(one: Ruled, rule: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the deciding rule saw of an account: measure -> value; nothing where no rule held."""
    if not 0 <= rule < len(one.conditions):
        return {}
    return {name: row[name] for name in measures_read(one.conditions[rule]) if row.get(name) is not None}
