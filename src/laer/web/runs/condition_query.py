"""Conditions over a model's columns, as a `Q`: lists ask the database which accounts a condition holds for, which not, and which are unknown.

Django's `~Q` takes a null for "not equal"; here a not is pushed in to single tests first (`tree.pushed_in`), and each test, or its
opposite, is asked as plain SQL, which leaves nulls out. So unknown never turns true.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce
from operator import and_, or_
from typing import Any as Given

from django.db.models import BooleanField, CharField, F, Field, FloatField, Func, Lookup, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import StrIndex
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, In, IsNull, LessThan, LessThanOrEqual

from laer.conditions.tree import DAY_COUNTS, All, Any, Condition, Not, Single, Test, pushed_in
from laer.conditions.truth import days_asked, lowered
from laer.records.periods import date_of

Place = str | tuple[str, ...]  # a column ("owner_name", "account__region"), or a JSON column and the keys within it
Places = Mapping[str, Place]
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz" + CAPITALS + "0123456789_-.")  # of a JSON key, which stands in the SQL
COMPARE: dict[str, type[Lookup[Given]]] = {"=": Exact, "!=": Exact, "<": LessThan, "<=": LessThanOrEqual, ">": GreaterThan, ">=": GreaterThanOrEqual}


def where_true(condition: Condition, places: Places, as_of: date) -> Q:
    """The rows that the condition holds for.

    In     places  field id -> where its value stands; amounts as in `checking.scaled`; dates as dates, within JSON as ISO text;
                   a float column holds null where a ratio is undefined, never NaN
    Holds  the same rows as `truth.evaluate`; those of true, false and unknown are all rows, each once
    """
    return _rows(pushed_in(condition), places, as_of, or_unknown=False)


def where_false(condition: Condition, places: Places, as_of: date) -> Q:
    """The rows that it is known not to hold for."""
    return _rows(pushed_in(condition, truth=False), places, as_of, or_unknown=False)


def where_unknown(condition: Condition, places: Places, as_of: date) -> Q:
    """The rows of which too little is known: neither true nor false."""
    sides = (pushed_in(condition, truth) for truth in (True, False))
    return reduce(and_, (_rows(side, places, as_of, or_unknown=True) for side in sides))


def _rows(condition: Condition, places: Places, as_of: date, or_unknown: bool) -> Q:
    match condition:
        case Test():
            return _test(condition, places, as_of, True, or_unknown)
        case Not(Test() as test):
            return _test(test, places, as_of, False, or_unknown)
        case All(parts) | Any(parts):
            return reduce(and_ if isinstance(condition, All) else or_, (_rows(part, places, as_of, or_unknown) for part in parts))
    raise ValueError("a not stands on a single test in this form")


def _test(test: Test, places: Places, as_of: date, truth: bool, or_unknown: bool) -> Q:
    place = places[test.field]
    if test.operator in ("known", "unknown"):
        column: Combinable = F(place) if isinstance(place, str) else JSONValue(place, "present")
        return Q(IsNull(column, (test.operator == "unknown") == truth))
    column = F(place) if isinstance(place, str) else JSONValue(place, _form(test))
    asked = Q(*_asked(test, column, as_of, in_json=not isinstance(place, str)))
    found = asked if truth == (test.operator != "!=") else ~asked
    return found | Q(IsNull(column, True)) if or_unknown else found


def _asked(test: Test, column: Given, as_of: date, in_json: bool) -> list[Lookup[Given]]:
    """What must all hold of the column (for `!=`: must not). SQL says null where the column is null."""

    def said(value: Single) -> Single:
        return value.isoformat() if in_json and isinstance(value, date) else value

    if test.operator in DAY_COUNTS:
        first, last = (None if day is None else said(date_of(day)) for day in days_asked(test, as_of))
        return [*([GreaterThanOrEqual(column, first)] if first is not None else []), LessThanOrEqual(column, last)]
    values = [said(value) for value in (test.value if isinstance(test.value, tuple) else (test.value,)) if value is not None]
    match test.operator:
        case "between":
            return [GreaterThanOrEqual(column, values[0]), LessThanOrEqual(column, values[1])]
        case "in":
            return [In(column, [Value(value) for value in values])]  # bare, they would be made values of the column: 0.3 the whole number 0
        case "contains":
            return [GreaterThan(StrIndex(Lowered(column), Value(lowered(str(values[0])))), 0)]
    return [COMPARE[test.operator](column, values[0])]


def _form(test: Test) -> str:
    value = test.value[0] if isinstance(test.value, tuple) else test.value
    if isinstance(value, date) or test.operator in DAY_COUNTS:
        return "date"
    return "flag" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


class Lowered(Func):
    """A to Z in small letters, as `truth.lowered`: SQLite's LOWER knows no others, PostgreSQL's depends on the collation."""

    function = "LOWER"
    output_field: Field[Given, Given] = CharField()

    def as_postgresql(self, compiler: Given, connection: Given, **extra: Given) -> Given:
        return super().as_sql(compiler, connection, template=f"TRANSLATE(%(expressions)s, '{CAPITALS}', '{CAPITALS.lower()}')", **extra)


class JSONValue(Func):
    """A value within a JSON column as a value of its kind; null where there is none, or one of another kind.

    PostgreSQL compares JSON of different kinds (null is less than every number), and a cast of a text fails: so the kind is asked first.

    In   place  the column and the keys within it
         form   number, text, flag, date (as ISO text), or present: null where there is no value
    """

    FORMS: Mapping[str, tuple[str, str, Field[Given, Given]]] = {  # SQLite, PostgreSQL, what comes out
        "number": (
            "CASE WHEN JSON_TYPE({v}) IN ('integer', 'real') THEN JSON_EXTRACT({v}) END",
            "CASE WHEN JSONB_TYPEOF({j}) = 'number' THEN ({t})::double precision END",
            FloatField(),
        ),
        "text": ("CASE WHEN JSON_TYPE({v}) = 'text' THEN JSON_EXTRACT({v}) END", "CASE WHEN JSONB_TYPEOF({j}) = 'string' THEN {t} END", CharField()),
        "flag": (
            "CASE WHEN JSON_TYPE({v}) IN ('true', 'false') THEN JSON_EXTRACT({v}) END",
            "CASE WHEN JSONB_TYPEOF({j}) = 'boolean' THEN ({t})::boolean END",
            BooleanField(),
        ),
        "date": (
            "CASE WHEN JSON_TYPE({v}) = 'text' AND JSON_EXTRACT({v}) GLOB '" + "-".join("[0-9]" * n for n in (4, 2, 2)) + "' THEN JSON_EXTRACT({v}) END",
            "CASE WHEN JSONB_TYPEOF({j}) = 'string' AND ({t}) ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$' THEN ({t}) COLLATE \"C\" END",
            CharField(),
        ),
        "present": ("NULLIF(JSON_TYPE({v}), 'null')", "NULLIF(JSONB_TYPEOF({j}), 'null')", CharField()),
    }

    def __init__(self, place: tuple[str, ...], form: str) -> None:
        column, *keys = place
        if not keys or any(not key or not set(key) <= PLAIN for key in keys):
            raise ValueError(f"{keys} are no keys within {column}; a key has letters, digits and the signs _ - .")
        self.keys, self.form = keys, form
        super().__init__(F(column), output_field=self.FORMS[form][2])

    def as_sqlite(self, compiler: Given, connection: Given, **extra: Given) -> Given:
        path = "$" + "".join(f'."{key}"' for key in self.keys)
        return self._filled(compiler, self.FORMS[self.form][0], v=f"{{column}}, '{path}'")

    def as_postgresql(self, compiler: Given, connection: Given, **extra: Given) -> Given:
        path = "{" + ",".join(f'"{key}"' for key in self.keys) + "}"
        return self._filled(compiler, self.FORMS[self.form][1], j=f"{{column}} #> '{path}'", t=f"{{column}} #>> '{path}'")

    def _filled(self, compiler: Given, template: str, **parts: str) -> Given:
        column, params = compiler.compile(self.get_source_expressions()[0])
        assert not params  # a column has none, so it may stand in the text as often as it is needed
        return template.format(**{name: part.replace("{column}", column) for name, part in parts.items()}), []
