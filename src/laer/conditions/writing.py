"""A condition back to lines and plain data: what is written reads back as the same tree."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any as Written

from laer.conditions.tokens import INSIDE
from laer.conditions.tree import All, Any, Condition, Derived, Not, Single, Test, canonical

KEPT = frozenset({"and", "or", "not", "for", "in", "known", "unknown"})  # words of the language: as values they stand in quotes
COUNTS = {">=": "at least", "<=": "at most", ">": "more than", "<": "fewer than", "=": "exactly"}
DATED = {"<": "before", ">": "after"}


def to_data(condition: Condition) -> Written:
    """The canonical form as YAML and JSON write it: a line, a list of what all holds, or a mapping with all, any or not.

    Holds   parse(to_data(c), vocabulary) == canonical(c), for every c that `check` finds no fault in
    """
    condition = canonical(condition)
    return [_data(part) for part in condition.parts] if isinstance(condition, All) else _data(condition)


def to_line(condition: Condition) -> str:
    """The canonical form as one line.

    Holds   parse(to_line(c), vocabulary) == canonical(c), where the line is not too long
    """
    condition = canonical(condition)
    match condition:
        case Test():
            return test_line(condition)
        case Not(part):
            return f"not {_enclosed(part)}"
        case All(parts) | Any(parts):
            return (" and " if isinstance(condition, All) else " or ").join(map(_enclosed, parts))


def test_line(test: Test) -> str:
    """One test as it is written."""
    if test.derived is not None:
        return _derived(test, test.derived)
    match test.operator, test.value:
        case ("known" | "unknown") as word, _:
            return f"{test.field} is {word}"
        case "within" | "within last", days:
            return f"{test.field} {test.operator} {days} d"
        case "older", days:
            return f"{test.field} older than {days} d"
        case "between", (low, high):
            return f"{test.field} between {_value(low)} and {_value(high)}"
        case "in", tuple() as values:
            return f"{test.field} in ({', '.join(map(_value, values))})"
        case operator, value:
            assert value is not None
            assert not isinstance(value, tuple)
            return f"{test.field} {DATED.get(operator, operator) if isinstance(value, date) else operator} {_value(value)}"


def digits(number: int | float) -> str:
    """A number in full, without an exponent."""
    return _plain(Decimal(repr(number)))


def _plain(exact: Decimal) -> str:
    return format(exact.normalize(), "f")


def _data(condition: Condition) -> Written:
    match condition:
        case Test():
            return test_line(condition)
        case Not(part):
            return {"not": _data(part)}
        case All(parts):
            return {"all": [_data(part) for part in parts]}
        case Any(parts):
            return {"any": [_data(part) for part in parts]}


def _enclosed(condition: Condition) -> str:
    return f"({to_line(condition)})" if isinstance(condition, All | Any) else to_line(condition)


def _derived(test: Test, derived: Derived) -> str:
    within = f"in {derived.days} d"
    match derived.derivation:
        case "change" | "difference":
            assert isinstance(test.value, int | float)
            exact = abs(Decimal(repr(test.value)))
            amount = f"{_plain(exact * 100)} %" if derived.derivation == "change" else _plain(exact)
            return f"{derived.source} {'fell' if test.operator == '<=' else 'rose'} by {amount} {within}"
        case "count":
            return f"{derived.source} {COUNTS[test.operator]} {test.value} times {within}"
        case "absence":
            return f"no {derived.source} {within}"
        case "related" if derived.record is None:
            return f"any {derived.source}"
        case "related":
            return f"any {derived.source} {'with' if derived.present else 'without'} {derived.record} {within}"
    assert derived.test is not None
    return f"{test_line(derived.test)} for {derived.days} d"


def _value(value: Single) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return digits(value)
    if isinstance(value, date):
        return value.isoformat()
    return quoted(value)


def quoted(text: str) -> str:
    """A text as a value: bare where it is one word of letters and digits, else in quotes."""
    bare = text[:1].isalpha() and all(char.isalnum() or char in INSIDE for char in text) and text.lower() not in KEPT
    return text if bare else '"' + text.replace('"', '""') + '"'
