"""Lines and YAML structure to a condition: a list is `all`, a mapping has all, any or not, a text is a line. All faults are found at once."""

from __future__ import annotations

from typing import Any as Given

import yaml

from laer.conditions.checking import Vocabulary, limits
from laer.conditions.faults import ConditionFault, Fault
from laer.conditions.lines import Line
from laer.conditions.tree import DEPTH, TESTS, All, Any, Condition, Not, canonical

YAML = 20_000  # characters of a whole condition
PARTS = 5 * TESTS  # lines, lists and mappings


def parse(data: Given, vocabulary: Vocabulary) -> Condition:
    """A line, or lists and mappings of lines as YAML gives them, as a checked condition in canonical form.

    Faults  ConditionFault with every fault: its path, its column, what was found and what there is
    """
    condition, faults = read(data, vocabulary)
    if condition is None or faults:
        raise ConditionFault(faults)
    return condition


def parse_yaml(text: str, vocabulary: Vocabulary) -> Condition:
    """A condition from the text of its YAML."""
    if len(text) > YAML:
        raise ConditionFault([Fault("too_long", {"found": len(text), "limit": YAML})])
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as fault:  # ValueError: a date without such a day
        raise ConditionFault([Fault("yaml", {"found": " ".join(str(fault).split())[:200]})]) from fault
    return parse(data, vocabulary)


def read(data: Given, vocabulary: Vocabulary) -> tuple[Condition | None, tuple[Fault, ...]]:
    """What could be read, and what is wrong: a form shows both."""
    structure = _Structure(vocabulary)
    raw = structure.read(data, "", 0)
    found = canonical(raw) if raw is not None and not structure.faults else None
    faults = (*structure.faults, *(limits(found) if found is not None else ()))
    return None if faults else found, faults


class _Structure:
    """Lists and mappings. Parts are counted, because YAML can repeat one a million times in a few letters."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.faults: list[Fault] = []
        self.seen = 0

    def read(self, data: Given, path: str, level: int) -> Condition | None:
        self.seen += 1
        if self.seen > PARTS:
            if self.seen == PARTS + 1:
                self._fault("too_many", path, limit=TESTS)
            return None
        match data:
            case _ if level > 2 * DEPTH:  # of lists and mappings, which is twice what a tree of the deepest kind needs
                self._fault("too_deep", path, limit=DEPTH)
            case str():
                return Line(data, self.vocabulary, self.faults, path).condition()
            case None | list() | dict() if not data:
                self._fault("empty", path)
            case list():
                return All(self._listed(data, path, level))
            case dict() if set(data) <= {"all", "any", "not"}:
                parts = [self._mapped(key, part, f"{path}.{key}".lstrip("."), level) for key, part in data.items()]
                return All(tuple(part for part in parts if part is not None))
            case _:
                keys = data if isinstance(data, dict) else [data]
                self._fault("structure", path, found=", ".join(map(str, keys))[:80])
        return None

    def _mapped(self, key: str, data: Given, path: str, level: int) -> Condition | None:
        if key == "any" and isinstance(data, list) and data:
            return Any(self._listed(data, path, level))
        found = self.read(data, path, level + 1)
        return Not(found) if key == "not" and found is not None else found

    def _listed(self, data: list[Given], path: str, level: int) -> tuple[Condition, ...]:
        parts = [self.read(part, f"{path}[{at}]", level + 1) for at, part in enumerate(data[: PARTS + 1])]
        return tuple(part for part in parts if part is not None)

    def _fault(self, code: str, path: str, **params: str | int) -> None:
        self.faults.append(Fault(code, params, path))
