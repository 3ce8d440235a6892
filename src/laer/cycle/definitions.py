"""Kinds of definitions: the model that each follows, and how a text of it is checked: all faults at once, each with its line.

A kind is a pydantic model in the room that owns it, and what only the catalogue can say. Adding one is a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from laer.conditions import faults as conditions
from laer.conditions.checking import Vocabulary
from laer.conditions.faults import existing
from laer.conditions.reading import read as read_condition
from laer.conditions.segment import Segment
from laer.conditions.tree import Condition, derived
from laer.cycle import positions, scorecards, signal_checks
from laer.cycle.own_measures import Measures
from laer.cycle.own_measures import faults_of as measure_faults
from laer.flow.joints import SHIPPED, Joints
from laer.flow.positions import Positions
from laer.metrics.catalogue import Measure
from laer.metrics.happenings import BELONGINGS, HAPPENINGS, linked
from laer.metrics.own import OwnMeasure
from laer.plays.mail_template import MailTemplate
from laer.plays.play import STEPS, Play
from laer.records.definition import Definition, Path, Unreadable, Written, clean, compose
from laer.scores.scorecard import Scorecard
from laer.signals.signal import Signal

TEXTS = {
    "unreadable": "%(found)s",
    "structure": "found %(found)s; a definition is a mapping: id, name and what its kind needs",
    "missing": "%(field)s is missing: it is needed",
    "no_key": "no key %(found)s; there is: %(exist)s",
    "one_of": "%(field)s: found %(found)s; there is: %(exist)s",
    "id": "%(field)s: found %(found)s; expected small letters, digits and _, a letter first",
    "long": "%(field)s: too long, at most %(limit)s characters fit",
    "short": "%(field)s: empty; it needs a value",
    "value": "%(field)s: found %(found)s; %(why)s",
    "other_id": "id: found %(found)s; this definition is %(expected)s, and an id never changes",
    "taken": "id: %(found)s is a measure that ships with laer; choose another",
    "no_measure": "%(field)s: no measure %(found)s; there is: %(exist)s",
    "rule": "%(why)s",
    "condition": "%(why)s",
    "no_record": "%(found)s is nothing that happens to accounts; there is: %(exist)s",
    "circle": "%(found)s would be made of itself",
    "no_number": "%(found)s is of kind %(kind)s; a measure is made of numbers and amounts of money",
    "units": "%(first)s (%(one)s) and %(second)s (%(other)s) are of different units: they cannot be added or subtracted",
    "unfit": "%(how)s: %(found)s is of kind %(kind)s; expected %(expected)s",
    "no_word": "words: %(field)s is never %(found)s; there is: %(exist)s",
    "reads_health": "%(found)s is chosen among the cards: a card reads another card's score, not the choice",
    "windowed_score": "%(found)s is a score: a card cannot read how it changed",
    "lagging": "%(found)s of the weight moves before revenue does; a health card needs %(expected)s",
    "case": "%(name)s: expected that it %(expected)s, found that it %(found)s",
    "case_reads": "%(name)s gives %(found)s, which the signal does not read; it reads %(exist)s",
    "case_value": "%(why)s",
    "no_named": "%(field)s: no %(kind)s %(found)s; there is: %(exist)s",
    "no_date": "%(field)s: %(found)s is of kind %(kind)s; expected a measure that is a day: %(exist)s",
    "no_outcome": "within says how soon it is followed by something, and leads_to names nothing",
    "unlinked": "no record says which %(related)s a %(record)s belongs to; ask for both: any %(related)s and no %(record)s in 30 d",
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a text: on which line, at which place in it. `inner` where the condition language says it."""

    code: str
    params: Mapping[str, str | int]
    line: int = 1
    path: str = ""
    inner: conditions.Fault | None = None

    @property
    def text(self) -> str:
        return str(self.inner) if self.inner else TEXTS[self.code] % self.params

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


KINDS_OF_PARTS = ("group", "part", *STEPS)  # by which the model tells them apart; no key of the text
Found = tuple[Path, str, dict[str, str | int], conditions.Fault | None]


@dataclass(frozen=True)
class Known:
    """What a text may name: the measures that there are (shipped ones and the firm's own), and by kind the other definitions; None: not looked up."""

    measures: Measures
    named: Callable[[str], frozenset[str]] | None = None

    @property
    def cards(self) -> scorecards.Scorecards:
        found = self.measures.cards
        return found if isinstance(found, scorecards.Scorecards) else scorecards.Scorecards()


@dataclass(frozen=True)
class Kind:
    """A kind of definitions.

    folder  where its texts stand below `content/`, and below the folder of an export
    check   what the model cannot say: (path, code, parameters, inner fault) of each fault
    """

    id: str
    folder: str
    model: type[Definition]
    check: Callable[[Any, Known], Iterator[Found]]


@dataclass(frozen=True)
class Read:
    """A text as read: its document where nothing is wrong with it, else the faults by line."""

    text: str
    document: Any = None
    faults: tuple[Fault, ...] = field(default=())


def read(kind: str, text: str, known: Known, name: str | None = None) -> Read:
    """A definition's text, checked.

    In   name  the id that it must have, where it is that of an existing one
    """
    of, text = KINDS[kind], clean(text)
    try:
        written = compose(text)
    except Unreadable as fault:
        return Read(text, faults=(Fault("unreadable", {"found": str(fault)}, fault.line),))
    if not isinstance(written.data, dict):
        return Read(text, faults=(Fault("structure", {"found": type(written.data).__name__ if written.data is not None else "nothing"}),))
    try:
        document = of.model.model_validate(written.data)
    except ValidationError as wrong:
        faults = [_of_model(of, error, written) for error in wrong.errors()]
        return Read(text, faults=tuple(sorted((*faults, *_partly(of, written, known)), key=lambda fault: fault.line)))
    found = [_placed(one, written) for one in of.check(document, known)]
    if name is not None and document.id != name:
        found.append(Fault("other_id", {"found": document.id, "expected": name}, written.line(("id",)), "id"))
    return Read(text, None if found else document, tuple(sorted(found, key=lambda fault: fault.line)))


def condition_of(segment: Segment, measures: Mapping[str, Measure]) -> Condition:
    """The condition of a segment that was read without faults."""
    found, _faults = read_condition(segment.condition, vocabulary_of(measures))
    if found is None:
        raise ValueError(f"segment {segment.id}: {'; '.join(map(str, _faults))}")
    return found


@dataclass(frozen=True)
class Column:
    """A measure as conditions see it."""

    id: str
    kind: str
    label: str
    unit: str
    words: tuple[str, ...]


def vocabulary_of(measures: Mapping[str, Measure]) -> Vocabulary:
    happens, belongs = ({name: one.name for name, one in named.items()} for named in (HAPPENINGS, BELONGINGS))
    return Vocabulary({m.id: Column(m.id, m.kind, m.name, m.unit, m.words_of) for m in measures.values()}, happens, belongs)


def _segment(segment: Any, known: Known) -> Iterator[Found]:
    yield from _condition(segment.condition, known)


def _measure(measure: Any, known: Known) -> Iterator[Found]:
    for place, code, params in measure_faults(measure, known.measures):
        yield _steps(place), code, params, None


def _condition(data: Any, known: Known, key: str = "condition") -> Iterator[Found]:
    found, faults = read_condition(data, vocabulary_of(known.measures))
    for fault in faults:
        yield (key, *_steps(fault.path)), "condition", {"why": fault.text}, fault
    for column in derived(found) if found is not None else ():
        if column.record is not None and not linked(column.source, column.record):
            yield (key,), "unlinked", {"related": column.source, "record": column.record}, None


def _signal(signal: Any, known: Known) -> Iterator[Found]:
    faults = [*_condition(signal.when, known, "when"), *(_condition(signal.close, known, "close") if signal.close is not None else ())]
    yield from faults
    for place, name in enumerate(signal.evidence):
        if name not in known.measures:
            yield ("evidence", place), "no_measure", {"field": "evidence", "found": name, "exist": existing(name, known.measures)}, None
    if not faults:
        yield from signal_checks.faults_of(signal, *conditions_of(signal, known.measures), known.measures)


def conditions_of(signal: Signal, measures: Mapping[str, Measure]) -> tuple[Condition, Condition | None]:
    """When a signal opens and when it closes, of one that was read without faults."""
    words = vocabulary_of(measures)
    found = [None if data is None else read_condition(data, words)[0] for data in (signal.when, signal.close)]
    if found[0] is None or (signal.close is not None and found[1] is None):
        raise ValueError(f"signal {signal.id} does not read any more")
    return found[0], found[1]


def _play(play: Any, known: Known) -> Iterator[Found]:
    """What it asks, the day that it counts from, and what it names: a play whose signal is not there would silently never begin."""
    for _slot, place, data in play.conditions():
        for (_, *inner), code, params, fault in _condition(data, known):
            yield (*place, *inner), code, params, fault
    if (name := play.trigger.date) is not None:
        days = sorted(one.id for one in known.measures.values() if one.kind == "date")
        if name not in known.measures:
            yield ("trigger", "date"), "no_measure", {"field": "trigger.date", "found": name, "exist": existing(name, days)}, None
        elif (kind := known.measures[name].kind) != "date":
            yield ("trigger", "date"), "no_date", {"field": "trigger.date", "found": name, "kind": kind, "exist": existing(name, days)}, None
    if known.named is None:
        return
    for kind, place, name in play.names():
        if name not in (there := known.named(kind)) and not (kind == "play" and name == play.id):
            field = ".".join(map(str, place))
            yield place, "no_named", {"field": field, "kind": kind.replace("_", " "), "found": name, "exist": existing(name, sorted(there))}, None


def asked_by(play: Play, measures: Mapping[str, Measure]) -> dict[str, Condition]:
    """Slot -> condition, of a play that was read without faults."""
    words, found = vocabulary_of(measures), {}
    for slot, _place, data in play.conditions():
        condition, _faults = read_condition(data, words)
        if condition is None:
            raise ValueError(f"play {play.id} does not read any more")
        found[slot] = condition
    return found


def _steps(path: str) -> Path:
    """`any[0].not` as the steps within the data."""
    steps: list[str | int] = []
    for part in path.replace("]", "").replace("[", ".").split("."):
        if part:
            steps.append(int(part) if part.isdigit() else part)
    return tuple(steps)


def _scorecard(card: Any, known: Known) -> Iterator[Found]:
    """A card beside the others: its own columns of the version in force are known too, and reading them is a circle."""
    others = [(one.card, one.version) for one in known.cards.cards if one.card.id != card.id]
    every = dict(known.measures) | scorecards.measures_of(card)
    yield from scorecards.faults_of(card, every, vocabulary_of(every))
    made, _notes = carded([*others, (card, 0)], known.measures.plain)
    if not any(one.card.id == card.id for one in made.cards) and not list(scorecards.faults_of(card, every, vocabulary_of(every))):
        yield ("parts",), "circle", {"found": card.score_id}, None


def carded(found: Iterable[tuple[Scorecard, int]], measures: Measures) -> tuple[scorecards.Scorecards, list[str]]:
    """Cards that can be computed, and what is wrong with the others. In: measures: without cards."""
    return scorecards.resolved(found, vocabulary_of, measures, lambda name: measures[name].sources)


def _joints(joints: Any, known: Known) -> Iterator[Found]:
    """A firm has one: whoever wants other deadlines changes it."""
    if joints.id != SHIPPED.id:
        yield ("id",), "other_id", {"found": joints.id, "expected": SHIPPED.id}, None


def _positions(of: Any, known: Known) -> Iterator[Found]:
    """Rules read every measure but positions: none is made of another."""
    yield from positions.faults_of(of, vocabulary_of(known.measures.unplaced))


def ruled(found: Iterable[tuple[Positions, int]], measures: Measures) -> tuple[positions.Ruling, list[str]]:
    """Positions that can be computed, and what is wrong with the others. In: measures: without positions."""
    return positions.resolved(found, vocabulary_of(measures), measures)


def _mail_template(template: MailTemplate, known: Known) -> Iterator[Found]:
    """What a mail may name is closed: no measure is among it."""
    for path, why in template.faults():
        yield path, "rule", {"why": why}, None


KINDS: dict[str, Kind] = {
    "joints": Kind("joints", "joints", Joints, _joints),
    "mail_template": Kind("mail_template", "mail_templates", MailTemplate, _mail_template),
    "measure": Kind("measure", "measures", OwnMeasure, _measure),
    "play": Kind("play", "plays", Play, _play),
    "positions": Kind("positions", "positions", Positions, _positions),
    "scorecard": Kind("scorecard", "scorecards", Scorecard, _scorecard),
    "segment": Kind("segment", "segments", Segment, _segment),
    "signal": Kind("signal", "signals", Signal, _signal),
}


def shipped() -> Known:
    """What may be named without what a firm defines."""
    return Known(Measures())


def _placed(found: Found, written: Written) -> Fault:
    path, code, params, inner = found
    return Fault(code, params, written.line(path), ".".join(map(str, path)), inner)


def _partly(of: Kind, written: Written, known: Known) -> list[Fault]:
    """What is wrong with the condition of a text whose other parts are wrong, too: all faults at once."""
    if of.model is Segment and "condition" in written.data:
        return [_placed(one, written) for one in _condition(written.data["condition"], known)]
    return []


def _of_model(of: Kind, error: ErrorDetails, written: Written) -> Fault:
    steps = [step for step in error["loc"] if isinstance(step, str | int)]
    path = tuple(step for place, step in enumerate(steps) if not (step in KINDS_OF_PARTS and place and isinstance(steps[place - 1], int)))
    name, line = ".".join(map(str, path)), written.line(path)
    found = str(error["input"])[:80]
    limits = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return Fault("missing", {"field": name}, line, name)
        case "extra_forbidden":
            return Fault("no_key", {"found": str(path[-1]), "exist": existing(str(path[-1]), of.model.model_fields)}, line, name)
        case "literal_error":
            return Fault("one_of", {"field": name, "found": found, "exist": str(limits["expected"]).replace("'", "")}, line, name)
        case "string_pattern_mismatch":
            return Fault("id", {"field": name, "found": found}, line, name)
        case "string_too_long":
            return Fault("long", {"field": name, "limit": limits["max_length"]}, line, name)
        case "string_too_short":
            return Fault("short", {"field": name}, line, name)
        case "value_error":
            return Fault("rule", {"why": error["msg"].removeprefix("Value error, ")}, line, name)
    return Fault("value", {"field": name, "found": found, "why": error["msg"].lower()}, line, name)


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind, for editors: what a text may hold. Names of measures are checked by `laer content lint`."""
    made = KINDS[kind].model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"https://laer.invalid/schemas/{kind}.json", **made}
