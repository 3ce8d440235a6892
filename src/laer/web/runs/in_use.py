"""The definitions that a pass uses: frozen objects of the versions in force, and the versions, which the run names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from laer.conditions.tree import Condition, derived, references
from laer.cycle import scoring
from laer.cycle.definitions import KINDS, Known, asked_by, condition_of, conditions_of, read, shipped
from laer.cycle.derived import fields_of
from laer.cycle.own_measures import Measures
from laer.cycle.play_asked import Asked, then
from laer.cycle.positions import Ruling
from laer.cycle.segments import Named
from laer.flow.joints import SHIPPED, Joints
from laer.plays.play import Play
from laer.records.definition import IN_USE, compose
from laer.web.book import definitions
from laer.web.book.models import Definition
from laer.web.runs.models import PassRun
from laer.web.work.models import PlayRun, RunState


@dataclass(frozen=True)
class InUse:
    """segments, measures  as a pass reads them;  position  of a run: versions, and what each segment asks;  notes  of those that cannot be read any more"""

    segments: tuple[Named, ...]
    measures: Measures
    position: dict[str, Any]
    notes: tuple[str, ...] = ()
    joints: Joints = SHIPPED
    signals: tuple[Named, ...] = ()
    plays: tuple[Asked, ...] = ()


def read_all() -> InUse:
    """Two queries, and one more where runs of plays go on by earlier texts."""
    known, used = definitions.known(), list(_rows())
    found, notes, joints, signals, plays = [], [], SHIPPED, [], []
    for row in used:
        made = read(row.kind, row.text, known, row.name)
        if made.document is None:
            notes.append(f"{row.kind} {row.name} was left out: {made.faults[0]}")
        elif row.kind == "joints":
            joints = made.document
        elif row.kind == "segment":
            condition = condition_of(made.document, known.measures)
            found.append(Named(row.name, row.version, condition, known.measures.meaning(read_by(condition))))
        elif row.kind == "signal":
            when, close = conditions_of(made.document, known.measures)
            behind = known.measures.meaning(read_by(when) | (read_by(close) if close is not None else set()))
            signals.append(Named(row.name, row.version, when, behind, close))
        elif row.kind == "play":
            trigger = made.document.trigger
            plays.append(Asked(row.name, row.version, asked_by(made.document, known.measures), trigger.date, trigger.days))
    earlier = list(_earlier(known, {row.name: row.version for row in used if row.kind == "play"}))
    versions = {f"{row.kind} {row.name}": row.version for row in used}
    cards = known.cards.cards
    marks = {one.card.id: scoring.mark(one, known.measures) for one in cards}
    texts = [(row.kind, row.version, row.text) for row in sorted(used, key=lambda row: row.name) if row.kind in definitions.MADE]
    notes += definitions.left_out_of(texts)
    position = {
        "definitions": versions, "segments": {one.id: one.mark for one in found}, "scorecards": marks, "signals": {one.id: one.mark for one in signals},
        "positions": marks_of(known.measures), "plays_then": [one.id for one in earlier],
    }  # fmt: skip
    return InUse(tuple(found), known.measures, position, tuple(notes), joints, tuple(signals), (*plays, *earlier))


def _earlier(known: Known, now: Mapping[str, int]) -> Iterator[Asked]:
    """Texts of plays that are no longer in force, by which runs go on: of each what it asks. One that names what is no longer there asks nothing,
    so that all that it waits for is unknown."""
    open_ = PlayRun.objects.filter(state__in=(RunState.WAITING, RunState.LIVE)).values_list("play", "version").distinct()
    wanted = {(play, version) for play, version in open_.order_by("play", "version") if now.get(play) != version}
    if not wanted:
        return
    for row in Definition.objects.filter(kind="play", name__in={play for play, _ in wanted}).order_by("name", "version"):
        if (row.name, row.version) not in wanted:
            continue
        try:
            asked = asked_by(Play.model_validate(compose(row.text).data), known.measures)
        except ValueError:
            asked = {}
        yield Asked(then(row.name, row.version), row.version, asked)


def marks_of(measures: Measures) -> dict[str, str]:
    """Motion -> of what the rules of its position ask."""
    there = measures.positions
    return there.marks(measures.unplaced) if isinstance(there, Ruling) else {}


def ruling_of(run: PassRun) -> Ruling:
    """The rules of positions of the versions that a run used. One query where it used any."""
    there = measures_of(run).positions
    return there if isinstance(there, Ruling) else Ruling()


def read_by(condition: Condition) -> set[str]:
    """The measures that a condition looks at."""
    columns = derived(condition)
    return {*references(condition) - {one.id for one in columns}, *fields_of(columns)}


def measures_of(run: PassRun) -> Measures:
    """Those that ship and the firm's own of the versions that a run used. One query where it used any."""
    said = ((*name.split(" ", 1), version) for name, version in run.position.get("definitions", {}).items())
    used = {(kind, name): version for kind, name, version in said if kind in definitions.MADE}
    rows = Definition.objects.filter(kind__in=definitions.MADE, name__in=[name for _, name in used]).order_by("name") if used else ()
    return definitions.measures_of((row.kind, row.version, row.text) for row in rows if used.get((row.kind, row.name)) == row.version)


def joints_of(run: PassRun | None) -> Joints:
    """The deadlines and teams at the joints of the flow, of the version that a run used; what ships where it used none. One query."""
    version = run.position.get("definitions", {}).get(f"joints {SHIPPED.id}") if run else None
    row = Definition.objects.filter(kind="joints", name=SHIPPED.id, version=version).first() if version else None
    found = None if row is None else read("joints", row.text, shipped(), SHIPPED.id).document
    return found or SHIPPED


def changed_since(run: PassRun) -> bool:
    """Whether other versions are in force than those that the run used. One small query."""
    now = {f"{kind} {name}": version for kind, name, version in _rows().values_list("kind", "name", "version")}
    return bool(run.position.get("definitions", {}) != now)


def _rows() -> QuerySet[Definition]:
    return Definition.objects.filter(in_force=True, status__in=IN_USE, kind__in=KINDS).order_by("kind", "name")
