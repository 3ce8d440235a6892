"""A play's text, changed field by field and step by step: what is not changed keeps its letters, its comments and its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import indent
from typing import Any

import yaml

from laer.plays.play import Path, Play
from laer.records.definition import clean, compose

WIDTH = 100_000  # of a line: what people wrote in one stays in one
MOST = 30  # steps in a row; the model refuses more, with words


class NotEditable(ValueError):
    """A text that cannot be changed part by part: it is to be changed as text."""


def document(text: str) -> dict[str, Any]:
    """A text as data. Raises `Unreadable` of what is no YAML, NotEditable of what is no document with fields."""
    data = compose(text).data
    if not isinstance(data, dict):
        raise NotEditable("the text holds no fields")
    return data


def steps_of(there: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of a document, of whatever kinds. Raises NotEditable where one is none: to leave it out would lose it."""
    found = there.get("steps")
    if found is None:
        return []
    _sound(found, "steps")
    return list(found)


def _sound(steps: Any, where: str) -> None:
    if not isinstance(steps, list):
        raise NotEditable(f"{where} is no list")
    for place, step in enumerate(steps):
        if not isinstance(step, dict):
            raise NotEditable(f"{where}.{place} is no step")
        for way in ("then", "else"):
            if step.get(way) is not None:
                _sound(step[way], f"{where}.{place}.{way}")


def with_fields(text: str, values: Mapping[str, Any]) -> str:
    """The text with some of its fields as they are to be; None takes one out. Faults as `document`."""
    made = clean(text)
    for name, value in values.items():
        there = document(made)
        if (value is None and name not in there) or (value is not None and name in there and there[name] == value):
            continue
        made = _replaced(made, name, None if value is None else dumped({name: value}))
    return made


def with_steps(text: str, steps: Sequence[Mapping[str, Any]]) -> str:
    """The text with these steps. One that is, letter for letter, a step that stood in the list keeps its lines."""
    if not steps:
        return with_fields(text, {"steps": None})
    made, there = clean(text), document(text)
    written = _lines_of_steps(made)
    old = list(there.get("steps") or []) if len(written) == len(there.get("steps") or []) else []
    parts = []
    for step in steps:
        place = next((at for at, one in enumerate(old) if one is not None and one == step), None)
        if place is None:
            parts.append(indent(dumped([dict(step)]), "  "))
        else:
            parts.append(written[place])
            old[place] = None
    return _replaced(made, "steps", "steps:\n" + "".join(parts))


def dumped(value: Any) -> str:
    """A value as YAML, as the shipped definitions are written: fields in their order, short lists of short texts on their line."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False)


def put(steps: Sequence[Any], path: Path, step: Mapping[str, Any]) -> list[Any]:
    """Steps with another in the place of the one at the path; a branch keeps its ways."""
    if len(path) == 1:
        at = _place(steps, path[0])
        kept = {way: steps[at][way] for way in ("then", "else") if "if" in step and way in steps[at]}
        return [*steps[:at], dict(step) | ({"then": []} if "if" in step else {}) | kept, *steps[at + 1 :]]
    return _within(steps, path, lambda way: put(way, path[2:], step))


def insert(steps: Sequence[Any], path: Path, step: Mapping[str, Any]) -> list[Any]:
    """Steps with one more, so that it stands at the path."""
    if len(path) == 1:
        at = min(_number(path[0]), len(steps))
        return [*steps[:at], dict(step) | ({"then": []} if "if" in step and "then" not in step else {}), *steps[at:]]
    return _within(steps, path, lambda way: insert(way, path[2:], step))


def take(steps: Sequence[Any], path: Path) -> list[Any]:
    """Steps without the one at the path."""
    if len(path) == 1:
        at = _place(steps, path[0])
        return [*steps[:at], *steps[at + 1 :]]
    return _within(steps, path, lambda way: take(way, path[2:]))


def move(steps: Sequence[Any], path: Path, by: int) -> list[Any]:
    """Steps with the one at the path further down (or up) in its own way; at the end of it nothing moves."""
    if len(path) == 1:
        at = _place(steps, path[0])
        to = at + by
        if not 0 <= to < len(steps):
            return list(steps)
        made = list(steps)
        made[at], made[to] = made[to], made[at]
        return made
    return _within(steps, path, lambda way: move(way, path[2:], by))


def at(steps: Sequence[Any], path: Path) -> dict[str, Any] | None:
    """The step at a path; None where there is none."""
    try:
        found: Any = steps[_place(steps, path[0])]
        return dict(found) if len(path) == 1 else at(found.get(str(path[1])) or [], path[2:])
    except (IndexError, NotEditable, AttributeError, TypeError):
        return None


def _within(steps: Sequence[Any], path: Path, change: Any) -> list[Any]:
    """Steps with one way of a branch changed."""
    place, way = _place(steps, path[0]), str(path[1])
    branch = steps[place]
    if not isinstance(branch, dict) or "if" not in branch or way not in ("then", "else"):
        raise NotEditable("there is no such branch")
    changed = dict(branch) | {way: change(branch.get(way) or [])}
    if way == "else" and not changed[way]:
        del changed[way]
    return [*steps[:place], changed, *steps[place + 1 :]]


def _number(part: str | int) -> int:
    if not isinstance(part, int):
        raise NotEditable("there is no such step")
    return part


def _place(steps: Sequence[Any], part: str | int) -> int:
    found = _number(part)
    if not 0 <= found < len(steps):
        raise NotEditable("there is no such step")
    return found


def _root(text: str) -> yaml.MappingNode:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise NotEditable("the text is written in one line, in braces")
    return node


def _replaced(text: str, name: str, made: str | None) -> str:
    """The text with other lines for a field, or without it; a new one stands before the first that follows it in the model."""
    lines, keys = text.splitlines(keepends=True), _root(text).value
    starts = [key.start_mark.line for key, _ in keys]
    names = [str(key.value) for key, _ in keys]
    if name in names:
        place = names.index(name)
        first = starts[place]
        last = _without_comments(lines, first, starts[place + 1] if place + 1 < len(starts) else len(lines))
        return "".join([*lines[:first], made or "", *lines[last:]])
    order = list(Play.model_fields)
    after = set(order[order.index(name) + 1 :]) if name in order else set()
    first = next((start for start, other in zip(starts, names, strict=True) if other in after), len(lines))
    return "".join([*lines[:first], made or "", *lines[first:]])


def _without_comments(lines: Sequence[str], first: int, last: int) -> int:
    """Where a field ends: comments and blank lines above the next one are the next one's."""
    while last > first + 1 and (not lines[last - 1].strip() or lines[last - 1].startswith("#")):
        last -= 1
    return last


def _lines_of_steps(text: str) -> list[str]:
    """The lines of each step, where they are written one below the other, as `with_steps` writes them; else nothing."""
    lines = text.splitlines(keepends=True)
    keys = _root(text).value
    for place, (key, value) in enumerate(keys):
        if str(key.value) != "steps" or not isinstance(value, yaml.SequenceNode) or value.flow_style:
            continue
        end = _without_comments(lines, key.start_mark.line, keys[place + 1][0].start_mark.line if place + 1 < len(keys) else len(lines))
        starts = [item.start_mark.line for item in value.value]
        if len(set(starts)) < len(starts) or any(not lines[start].startswith("  - ") for start in starts):
            return []
        return ["".join(lines[start:stop]) for start, stop in zip(starts, [*starts[1:], end], strict=True)]
    return []


class _Dumper(yaml.SafeDumper):
    """Lists stand below their field, indented; short ones of texts on its line; texts of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


def _list(dumper: yaml.SafeDumper, value: list[Any] | tuple[Any, ...]) -> yaml.Node:
    short = all(isinstance(one, str | int) for one in value) and sum(len(str(one)) + 2 for one in value) <= 120
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=bool(value) and short)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(tuple, _list)
