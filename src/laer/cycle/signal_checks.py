"""Whether a signal does what its cases say: each is a row of facts on a day, and the condition is asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from laer.conditions.faults import existing
from laer.conditions.tree import Condition, derived, references
from laer.conditions.truth import evaluate
from laer.metrics.catalogue import Measure
from laer.signals.signal import Case, Signal, row_of

DAY = date(2026, 1, 15)  # on which cases are looked at: they say days from it
SAID = {True: "fires", False: "stays quiet", None: "is unknown"}
Found = tuple[tuple[str | int, ...], str, dict[str, str | int], Any]


def faults_of(signal: Signal, when: Condition, close: Condition | None, measures: Mapping[str, Measure]) -> Iterator[Found]:
    """What its cases say otherwise: (path, code, parameters, None) of each."""
    read = {*references(when), *(references(close) if close is not None else ())}
    for place, case in enumerate(signal.cases):
        if strange := sorted(set(case.given) - read):
            yield ("cases", place, "given", strange[0]), "case_reads", {"name": case.name, "found": strange[0], "exist": existing(strange[0], read)}, None
            continue
        try:
            truth = tried(case, when, measures)
        except ValueError as fault:
            yield ("cases", place, "given"), "case_value", {"why": str(fault)}, None
            continue
        if (truth is True) != case.fires:
            yield ("cases", place), "case", {"name": case.name, "expected": SAID[case.fires], "found": SAID[truth]}, None


def tried(case: Case, when: Condition, measures: Mapping[str, Measure]) -> bool | None:
    """What the condition says of a case."""
    kinds = {column.id: "flag" if column.derivation in ("duration", "absence", "related") else "number" for column in derived(when)}
    return evaluate(when, row_of(case, lambda name: kinds.get(name) or measures[name].kind, DAY), DAY)
