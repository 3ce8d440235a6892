"""The closed tree of a condition: tests on named fact columns, and all, any and not over them.

A tree is plain frozen data. It knows no catalogue (`checking` compares it with one) and no clock (who asks hands in the day).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Literal

TESTS = 100  # in one condition
DEPTH = 12  # of all, any and not within one another

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
DAY_COUNTS = ("within", "within last", "older")  # their value is a number of days from the day asked about
PRESENCE = ("known", "unknown")  # never unknown themselves; they take no value
OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", "<=": ">", ">": "<=", "known": "unknown", "unknown": "known"}
SLUGS = {
    "=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "between": "between", "in": "in", "contains": "contains", "known": "known",
    "unknown": "unknown",
}  # fmt: skip

Single = int | float | str | bool | date
Value = Single | tuple[Single, ...] | None
Derivation = Literal["change", "difference", "count", "absence", "related", "duration"]


@dataclass(frozen=True, slots=True)
class Test:
    """One question about one column.

    field     the column's id; that of `derived` where the pass must make the column
    operator  one of COMPARISONS, DAY_COUNTS, PRESENCE, or between, in, contains
    value     what it is compared with: a pair for `between`, a tuple for `in`, days for DAY_COUNTS, None for PRESENCE
    """

    field: str
    operator: str
    value: Value = None
    derived: Derived | None = None


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition = All | Any | Not | Test


@dataclass(frozen=True, slots=True)
class Derived:
    """A column that the pass makes for a condition. A window of n days is the day asked about and the n - 1 before it.

    change      number: the field's value over its value `days` ago, less 1
    difference  number or money: the field's value less its value `days` ago
    count       number: how often the record happened within `days`; of a `feature` the days on which that was used
    absence     flag: the record did not happen within `days`; unknown where its source does not cover the account or is stale
    related     flag: any of the related kind exists (`days` None), or has or lacks the record within `days` (`present`)
    duration    flag: `test` was true on each of the last `days` days
    """

    derivation: Derivation
    source: str  # a field, a record, or a related kind
    days: int | None = None
    record: str | None = None
    present: bool = True
    test: Test | None = None
    feature: str | None = None

    @property
    def id(self) -> str:
        """Stable and readable: the name of the column in facts and cards."""
        match self.derivation:
            case "absence":
                return f"{self.source}__none_{self.days}d"
            case "related" if self.record is None:
                return f"{self.source}__any"
            case "related":
                return f"{self.source}__any_{'with' if self.present else 'without'}_{self.record}_{self.days}d"
            case "duration":
                assert self.test is not None
                return f"{self.source}__{_slug(self.test)}__for_{self.days}d"
            case "count" if self.feature is not None:
                return f"{self.source}__{_slug(Test(self.source, '=', self.feature))}__count_{self.days}d"
            case kind:
                return f"{self.source}__{kind}_{self.days}d"


def derived_test(derived: Derived, operator: str = "=", value: Value = True) -> Test:
    """A test of a column that the pass makes."""
    return Test(derived.id, operator, value, derived)


def canonical(condition: Condition) -> Condition:
    """The same condition without needless nesting: no all within all, no any within any, none of a single part, no double not."""
    match condition:
        case Not(part):
            inner = canonical(part)
            return inner.part if isinstance(inner, Not) else Not(inner)
        case All(parts) | Any(parts):
            kind = type(condition)
            flat: list[Condition] = []
            for part in map(canonical, parts):
                flat.extend(part.parts if isinstance(part, kind) else (part,))
            return flat[0] if len(flat) == 1 else kind(tuple(flat))
    return condition


def pushed_in(condition: Condition, truth: bool = True) -> Condition:
    """Negation normal form: the condition (or its opposite) with every not on a single test, and none where an operator has an opposite.

    Holds   three-valued truth stays the same: an operator and its opposite are unknown for the same values
    """
    match condition:
        case Not(part):
            return pushed_in(part, not truth)
        case All(parts) | Any(parts):
            kind = All if isinstance(condition, All) == truth else Any
            return kind(tuple(pushed_in(part, truth) for part in parts))
    if truth:
        return condition
    opposite = OPPOSITE.get(condition.operator) if condition.derived is None else None
    return Test(condition.field, opposite, condition.value) if opposite else Not(condition)


def tests(condition: Condition) -> Iterator[Test]:
    """Every test, from left to right."""
    match condition:
        case Test():
            yield condition
        case Not(part):
            yield from tests(part)
        case All(parts) | Any(parts):
            for part in parts:
                yield from tests(part)


def references(condition: Condition) -> frozenset[str]:
    """The ids of the columns that the condition reads."""
    return frozenset(test.field for test in tests(condition))


def derived(condition: Condition) -> tuple[Derived, ...]:
    """The columns that the pass must make for the condition, each once, in order."""
    return tuple(dict.fromkeys(test.derived for test in tests(condition) if test.derived is not None))


def depth(condition: Condition) -> int:
    """How many of all, any and not stand within one another; 0 for a single test."""
    match condition:
        case Not(part):
            return 1 + depth(part)
        case All(parts) | Any(parts):
            return 1 + max(map(depth, parts), default=0)
    return 0


def _slug(test: Test) -> str:
    """A test as a part of a name. What does not fit gets a mark of the whole, so that no two tests share a name."""
    operator = SLUGS.get(test.operator, "other")  # others are refused by `checking`, which asks for the name all the same
    if test.value is None:
        return operator
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    plain = "_".join(_plain(value) for value in values)
    exact = len(plain) <= 40 and all(not isinstance(v, str) or (v.isascii() and v.isalnum() and v == v.lower()) for v in values)
    if exact:
        return f"{operator}_{plain}"
    return f"{operator}_{plain[:24]}_{sha256(repr((test.operator, test.value)).encode()).hexdigest()[:8]}"


def _plain(value: Single) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(value).replace("-", "m").replace(".", "p").replace("+", "")
    text = value.isoformat().replace("-", "") if isinstance(value, date) else value.lower()
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in text)
