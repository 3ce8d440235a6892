"""Whether a condition holds for one row: true, false, or unknown (None), and why. The plain reference that every compiler agrees with.

Unknown is neither true nor false and never fires. All is the least of its parts and any the greatest, with unknown between
false and true; not unknown is unknown (Kleene). A value that does not belong to its field's kind is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from laer.conditions.tree import DAY_COUNTS, All, Any, Condition, Not, Single, Test
from laer.records.periods import day_number

Truth = bool | None
LOWERED = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@dataclass(frozen=True, slots=True)
class Explained:
    """A part of a condition with its truth, and for a test what it saw.

    seen    the row's value of the test's column; None where it is unknown
    parts   of all, any and not
    """

    condition: Condition
    truth: Truth
    seen: object = None
    parts: tuple[Explained, ...] = ()


def evaluate(condition: Condition, row: Mapping[str, object], as_of: date) -> Truth:
    """Whether the condition holds for a row of facts.

    In    row    column id -> value; a column that is not there is unknown; a date is a date or its day number
          as_of  the day that `within` and `older than` count from
    """
    return explain(condition, row, as_of).truth


def explain(condition: Condition, row: Mapping[str, object], as_of: date) -> Explained:
    """The whole tree with each part's truth: why it holds, or why not."""
    match condition:
        case Test():
            seen = row.get(condition.field)
            return Explained(condition, _answer(condition, seen, as_of), None if _unknown(seen) else seen)
        case Not(part):
            inner = explain(part, row, as_of)
            return Explained(condition, None if inner.truth is None else not inner.truth, parts=(inner,))
        case All(of):
            parts = tuple(explain(part, row, as_of) for part in of)
            return Explained(condition, all_of(part.truth for part in parts), parts=parts)
        case Any(of):
            parts = tuple(explain(part, row, as_of) for part in of)
            return Explained(condition, any_of(part.truth for part in parts), parts=parts)


def all_of(truths: Iterable[Truth]) -> Truth:
    known = set(truths)
    return False if False in known else None if None in known else True


def any_of(truths: Iterable[Truth]) -> Truth:
    known = set(truths)
    return True if True in known else None if None in known else False


def lowered(text: str) -> str:
    """A to Z in small letters, all others as they are: the only folding that every database does alike."""
    return text.translate(LOWERED)


def days_asked(test: Test, as_of: date) -> tuple[int | None, int | None]:
    """The first and the last day number that a test by DAY_COUNTS takes in; None where it is open."""
    today, days = day_number(as_of), test.value
    assert isinstance(days, int)
    match test.operator:
        case "within":
            return today, today + days
        case "within last":
            return today - days, today
    return None, today - days - 1


def _unknown(value: object) -> bool:
    return value is None or value != value  # the second: not a number


def _answer(test: Test, seen: object, as_of: date) -> Truth:
    if test.operator in ("known", "unknown"):
        return _unknown(seen) == (test.operator == "unknown")
    if test.operator in DAY_COUNTS:
        day = _day(seen)
        first, last = days_asked(test, as_of)
        return None if day is None else (first is None or first <= day) and (last is None or day <= last)
    wanted = test.value if isinstance(test.value, tuple) else (test.value,)
    value = _like(seen, wanted[0])
    asked = [day_number(one) if isinstance(one, date) else one for one in wanted]
    return None if value is None else _holds(test.operator, value, asked)


def _holds(operator: str, value: object, asked: Sequence[object]) -> bool:
    match operator, value, asked:
        case "in", _, _:
            return value in asked
        case "between", int() | float(), [int() | float() as low, int() | float() as high]:
            return low <= value <= high
        case "contains", str(), [str() as part]:
            return lowered(part) in lowered(value)
        case "=", _, [one]:
            return value == one
        case "!=", _, [one]:
            return value != one
        case "<", int() | float(), [int() | float() as one]:
            return value < one
        case "<=", int() | float(), [int() | float() as one]:
            return value <= one
        case ">", int() | float(), [int() | float() as one]:
            return value > one
        case ">=", int() | float(), [int() | float() as one]:
            return value >= one
    raise ValueError(f"{operator!r} is no operator for {value!r}; `check` names what is wrong with a condition")


def _like(value: object, wanted: Single | None) -> int | float | str | None:
    """The row's value if it is of the kind of what it is compared with; a date as its day number."""
    if _unknown(value):
        return None
    if isinstance(wanted, bool):
        return value if isinstance(value, bool) else None
    if isinstance(wanted, int | float):
        number = float(value) if isinstance(value, Decimal) else value
        return number if isinstance(number, int | float) and not isinstance(number, bool) else None
    if isinstance(wanted, date):
        return _day(value)
    return value if isinstance(value, str) else None


def _day(value: object) -> int | None:
    if type(value) is date:
        return day_number(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
