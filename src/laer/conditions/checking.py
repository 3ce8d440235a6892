"""A condition against the catalogue: which fields there are, and which operators and values go with each kind of field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

from laer.conditions.faults import ConditionFault, Fault, existing
from laer.conditions.tree import (
    COMPARISONS,
    DAY_COUNTS,
    DEPTH,
    PRESENCE,
    TESTS,
    All,
    Any,
    Condition,
    Derived,
    Not,
    Single,
    Test,
    canonical,
    depth,
    tests,
)  # fmt: skip

NUMERIC = frozenset({"number", "money"})
OPERATORS: dict[str, tuple[str, ...]] = {
    "number": (*COMPARISONS, "between", "in", *PRESENCE),
    "money": (*COMPARISONS, "between", "in", *PRESENCE),
    "text": ("=", "!=", "in", "contains", *PRESENCE),
    "flag": ("=", "!=", *PRESENCE),
    "date": (*COMPARISONS, "between", *DAY_COUNTS, *PRESENCE),
}
EXAMPLES = {"number": "12, 0.5 or -30 %", "money": "500 or 12,000", "text": 'paying or "Health care"', "flag": "yes or no", "date": "2027-01-31"}
COUNTED = ("=", "<", "<=", ">", ">=")
LARGEST, SMALLEST = 1e15, 1e-9  # between these a number prints as digits and reads back as itself
TEXT = 200  # characters
LIST = 100  # values
AHEAD, WINDOW = 36_500, 1_100  # days: of a date from today, of a derived column
RATES = frozenset({"", "%"})  # units of numbers that per cent makes sense for; "%" is a rate from 0 to 1 that is shown in per cent
DAYS = frozenset({"d", "day", "days"})


class Field(Protocol):
    """A named fact column, as the catalogue describes it. `kind` is one of OPERATORS; `words` a closed vocabulary, or empty."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def words(self) -> tuple[str, ...]: ...


Fields = Mapping[str, Field]


@dataclass(frozen=True)
class Vocabulary:
    """All that a condition may name.

    fields   id -> fact column
    records  id -> label, of what happens to accounts: touch, login, ticket
    related  id -> label, of who and what belongs to an account: champion, contract
    """

    fields: Fields
    records: Mapping[str, str] = field(default_factory=dict)
    related: Mapping[str, str] = field(default_factory=dict)


def check(condition: Condition, vocabulary: Vocabulary) -> list[Fault]:
    """Everything that is wrong with a tree, each with its path. A tree without faults can be compiled, written and read back."""
    placed = [(path, part) for path, part in _placed(condition) if isinstance(part, Test)]
    return limits(condition) or [Fault(code, params, path) for path, test in placed for _where, code, params in faults_of(test, vocabulary)]


def limits(condition: Condition) -> list[Fault]:
    """What is too large, or empty."""
    if depth(condition) > DEPTH:
        return [Fault("too_deep", {"limit": DEPTH})]
    if sum(1 for _ in tests(condition)) > TESTS:
        return [Fault("too_many", {"limit": TESTS})]
    return [Fault("empty", {}, path) for path, part in _placed(condition) if isinstance(part, All | Any)]


def checked(condition: Condition, vocabulary: Vocabulary) -> Condition:
    """The canonical form of a tree without faults; `ConditionFault` names them all."""
    if faults := check(condition, vocabulary):
        raise ConditionFault(faults)
    return canonical(condition)


Where = Literal["field", "operator", "value"]
Found = tuple[Where, str, dict[str, str | int]]


def faults_of(test: Test, vocabulary: Vocabulary) -> Iterator[Found]:
    """(which part of the test, code, parameters) of what is wrong with it."""
    if test.derived is not None:
        yield from _derived_faults(test, test.derived, vocabulary)
        return
    known = vocabulary.fields.get(test.field)
    if known is None:
        yield "field", "no_field", {"found": test.field, "exist": existing(test.field, vocabulary.fields)}
    elif test.operator not in OPERATORS[known.kind]:
        yield "operator", "no_operator", {"found": test.operator, "field": known.id, "kind": known.kind, "exist": ", ".join(OPERATORS[known.kind])}
    else:
        yield from _value_faults(test, known)


def fits(value: object, kind: str) -> bool:
    """Whether a value can stand for a field of the kind."""
    match kind:
        case "flag":
            return isinstance(value, bool)
        case "date":
            return type(value) is date
        case "text":
            return isinstance(value, str) and 0 < len(value) <= TEXT and value.isprintable()
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value == 0 or SMALLEST <= abs(value) <= LARGEST


def kind_of(derived: Derived, fields: Fields) -> str:
    """The kind of a column that the pass makes."""
    match derived.derivation:
        case "difference":
            return fields[derived.source].kind if derived.source in fields else "number"
        case "change" | "count":
            return "number"
    return "flag"


def _value_faults(test: Test, known: Field) -> Iterator[Found]:
    value = test.value
    if test.operator in PRESENCE:
        if value is not None:
            yield "value", "wrong_value", {"found": str(value), "field": known.id, "kind": known.kind, "example": test.operator}
    elif test.operator in DAY_COUNTS:
        if not _days(value, 0, AHEAD):
            yield "value", "wrong_days", {"found": str(value), "low": 0, "high": AHEAD}
    else:
        many = test.operator in ("between", "in")
        values: tuple[object, ...] = value if many and isinstance(value, tuple) else (value,)
        right = len(values) == 2 if test.operator == "between" else 0 < len(values) <= LIST
        wrong = [one for one in values if not fits(one, known.kind)]
        if wrong or not right or (many and not isinstance(value, tuple)):
            found = str((wrong or [value])[0])
            yield "value", "wrong_value", {"found": found[:40], "field": known.id, "kind": known.kind, "example": EXAMPLES[known.kind]}
        elif known.words and test.operator != "contains":
            for one in values:
                if one not in known.words:
                    yield "value", "no_word", {"found": str(one), "field": known.id, "exist": existing(str(one), known.words)}
        elif test.operator == "between" and values[0] > values[1]:  # type: ignore[operator]  # both of the field's kind
            yield "value", "wrong_order", {"found": f"{values[0]}, {values[1]}"}


def _derived_faults(test: Test, derived: Derived, vocabulary: Vocabulary) -> Iterator[Found]:
    yield from _source_faults(derived, vocabulary)
    if not (derived.days is None if derived.derivation == "related" and derived.record is None else _days(derived.days, 1, WINDOW)):
        yield "value", "wrong_days", {"found": str(derived.days), "low": 1, "high": WINDOW}
    operator, value = test.operator, test.value
    if derived.derivation in ("change", "difference"):  # fell by and rose by are the two ways to ask
        number = fits(value, "number") and isinstance(value, int | float)
        right = number and ((operator == "<=" and value < 0) or (operator == ">=" and value > 0))  # type: ignore[operator]
    elif derived.derivation == "count":
        right = operator in COUNTED and isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST
    else:
        right = operator == "=" and value is True
    if test.field != derived.id or not right:
        yield "operator", "wrong_derived", {"found": derived.id}


def _source_faults(derived: Derived, vocabulary: Vocabulary) -> Iterator[Found]:
    """What the column is made of exists."""
    records = [derived.source] if derived.derivation in ("absence", "count") else [derived.record] if derived.record else []
    for record in records:
        if record not in vocabulary.records:
            yield "value" if derived.record else "field", "no_record", {"found": record, "exist": existing(record, vocabulary.records)}
    if derived.derivation == "related" and derived.source not in vocabulary.related:
        yield "field", "no_related", {"found": derived.source, "exist": existing(derived.source, vocabulary.related)}
    if derived.derivation in ("change", "difference"):
        known = vocabulary.fields.get(derived.source)
        if known is None:
            yield "field", "no_field", {"found": derived.source, "exist": existing(derived.source, vocabulary.fields)}
        elif known.kind not in NUMERIC:
            yield "operator", "no_change", {"field": known.id, "kind": known.kind}
    if derived.derivation == "duration":
        if derived.test is None or derived.test.derived is not None or derived.test.operator in DAY_COUNTS or derived.test.field != derived.source:
            yield "operator", "no_time", {"found": derived.test.operator if derived.test and derived.test.derived is None else derived.source}
        else:
            yield from faults_of(derived.test, vocabulary)


def _days(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _placed(condition: Condition, path: str = "") -> Iterator[tuple[str, Test | All | Any]]:
    """(path, part) of every test, and of every group without parts."""
    match condition:
        case Test():
            yield path, condition
        case Not(part):
            yield from _placed(part, f"{path}.not".lstrip("."))
        case All(parts) | Any(parts):
            name = "all" if isinstance(condition, All) else "any"
            if not parts:
                yield path, condition
            for at, part in enumerate(parts):
                yield from _placed(part, f"{path}.{name}[{at}]".lstrip("."))


def scaled(condition: Condition, fields: Fields, places: int) -> Condition:
    """The same condition with amounts in minor units, as the facts hold them: people write 500, the facts say 50000.

    In   places   decimal places of the currency's minor unit (`money.minor_units`)
    """
    match condition:
        case Not(part):
            return Not(scaled(part, fields, places))
        case All(parts):
            return All(tuple(scaled(part, fields, places) for part in parts))
        case Any(parts):
            return Any(tuple(scaled(part, fields, places) for part in parts))
    known = fields.get(condition.field)
    kind = kind_of(condition.derived, fields) if condition.derived else known.kind if known else ""
    if kind != "money" or condition.value is None:
        return condition
    value = condition.value
    minor = tuple(_minor(one, places) for one in value) if isinstance(value, tuple) else _minor(value, places)
    return Test(condition.field, condition.operator, minor, condition.derived)


def _minor(value: Single, places: int) -> Single:
    from decimal import Decimal  # by decimals: 0.29 * 100 is not 29 in binary

    assert isinstance(value, int | float)
    exact = Decimal(repr(value)).scaleb(places)
    return int(exact) if exact == exact.to_integral_value() else float(exact)
