"""A condition as a sentence. The phrases are codes with English words; whoever has a language (the web) hands in a `Speech` of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce

from laer.conditions.checking import Field, Fields, Vocabulary, kind_of
from laer.conditions.tree import DAY_COUNTS, All, Any, Condition, Derived, Not, Single, Test, canonical, pushed_in
from laer.conditions.writing import digits

PHRASES = {
    "all": "%(first)s and %(second)s",
    "any": "%(first)s or %(second)s",
    "list": "%(first)s, %(second)s",
    "group": "(%(inner)s)",
    "yes": "yes",
    "no": "no",
    "=": "%(field)s is %(value)s",
    "!=": "%(field)s is not %(value)s",
    "<": "%(field)s is below %(value)s",
    "<=": "%(field)s is at most %(value)s",
    ">": "%(field)s is above %(value)s",
    ">=": "%(field)s is at least %(value)s",
    "before": "%(field)s is before %(value)s",
    "until": "%(field)s is on or before %(value)s",
    "after": "%(field)s is after %(value)s",
    "from": "%(field)s is on or after %(value)s",
    "between": "%(field)s is between %(value)s and %(second)s",
    "not between": "%(field)s is not between %(value)s and %(second)s",
    "in": "%(field)s is one of %(value)s",
    "not in": "%(field)s is none of %(value)s",
    "contains": "%(field)s contains %(value)s",
    "not contains": "%(field)s does not contain %(value)s",
    "within": "%(field)s is within the next %(days)s",
    "not within": "%(field)s is not within the next %(days)s",
    "within last": "%(field)s is within the last %(days)s",
    "not within last": "%(field)s is not within the last %(days)s",
    "older": "%(field)s is more than %(days)s ago",
    "not older": "%(field)s is not more than %(days)s ago",
    "known": "%(field)s is known",
    "unknown": "%(field)s is unknown",
    "fell": "%(field)s fell by %(value)s in %(days)s",
    "not fell": "%(field)s did not fall by %(value)s in %(days)s",
    "rose": "%(field)s rose by %(value)s in %(days)s",
    "not rose": "%(field)s did not rise by %(value)s in %(days)s",
    "count =": "%(record)s exactly %(value)s times in %(days)s",
    "not count =": "%(record)s not exactly %(value)s times in %(days)s",
    "count <": "%(record)s fewer than %(value)s times in %(days)s",
    "count <=": "%(record)s at most %(value)s times in %(days)s",
    "count >": "%(record)s more than %(value)s times in %(days)s",
    "count >=": "%(record)s at least %(value)s times in %(days)s",
    "absence": "no %(record)s in %(days)s",
    "not absence": "%(record)s in %(days)s",
    "related": "any %(related)s",
    "not related": "no %(related)s",
    "related with": "any %(related)s with %(record)s in %(days)s",
    "not related with": "no %(related)s with %(record)s in %(days)s",
    "related without": "any %(related)s without %(record)s in %(days)s",
    "not related without": "no %(related)s without %(record)s in %(days)s",
    "duration": "%(inner)s for %(days)s on end",
    "not duration": "not for %(days)s on end (%(inner)s)",
    "column change": "%(field)s, change in %(days)s",
    "column count": "%(record)s, times in %(days)s",
}
DATED = {"<": "before", "<=": "until", ">": "after", ">=": "from"}
REVERSED = {"<": ">=", ">=": "<", "<=": ">", ">": "<="}


class Speech:
    """How texts, numbers and days are said: plain English. The web says them in the reader's language and formats."""

    def text(self, phrase: str) -> str:
        return phrase

    def number(self, value: int | float) -> str:
        return digits(value)

    def money(self, value: int | float) -> str:
        return self.number(value)

    def per_cent(self, value: int | float) -> str:
        return f"{self.number(round(value * 100, 9))} %"

    def day(self, value: date) -> str:
        return value.isoformat()

    def days(self, count: int) -> str:
        return "1 day" if count == 1 else f"{count} days"


ENGLISH = Speech()


@dataclass(frozen=True)
class Column:
    """A derived column as a field like any other: `Field` for forms, lists and checks."""

    id: str
    kind: str
    label: str
    unit: str = ""
    words: tuple[str, ...] = ()


def to_words(condition: Condition, vocabulary: Vocabulary, speech: Speech = ENGLISH) -> str:
    """The condition as a sentence, without a full stop. A not stands at the test that it turns, which asks the same."""
    text = _Words(vocabulary, speech).of(canonical(pushed_in(condition)))
    return text[:1].upper() + text[1:]


def column_of(derived: Derived, vocabulary: Vocabulary, speech: Speech = ENGLISH) -> Column:
    """A column that the pass makes, with its kind and its label."""
    words, fields = _Words(vocabulary, speech), vocabulary.fields
    kind = kind_of(derived, fields)
    unit = "%" if derived.derivation == "change" else fields[derived.source].unit if derived.derivation == "difference" else ""
    if derived.derivation in ("change", "difference"):
        label = words.say("column change", field=fields[derived.source].label, days=words.days(derived))
    elif derived.derivation == "count":
        label = words.say("column count", record=words.record(derived.source), days=words.days(derived))
    else:
        label = words.derived(Test(derived.id, "=", True, derived), derived, True)
    return Column(derived.id, kind, label, unit)


class _Words:
    def __init__(self, vocabulary: Vocabulary, speech: Speech) -> None:
        self.vocabulary, self.speech = vocabulary, speech

    @property
    def fields(self) -> Fields:
        return self.vocabulary.fields

    def say(self, code: str, **params: str) -> str:
        return self.speech.text(PHRASES[code]) % params

    def of(self, condition: Condition, within: bool = False) -> str:
        match condition:
            case Test():
                return self.test(condition, True)
            case Not(Test() as test):
                return self.test(test, False)
            case All(parts) | Any(parts):
                code = "all" if isinstance(condition, All) else "any"
                joined = reduce(lambda first, second: self.say(code, first=first, second=second), (self.of(part, True) for part in parts))
                return self.say("group", inner=joined) if within else joined
        raise ValueError("a not stands on a single test in this form")

    def test(self, test: Test, truth: bool) -> str:
        if test.derived is not None:
            return self.derived(test, test.derived, truth)
        field = self.fields[test.field]
        code = test.operator if truth else f"not {test.operator}"
        if test.value is None:
            return self.say(code, field=field.label)
        if test.operator in DAY_COUNTS:
            return self.say(code, field=field.label, days=self.speech.days(int(str(test.value))))
        values = [self.value(value, field) for value in (test.value if isinstance(test.value, tuple) else (test.value,))]
        if test.operator == "between":
            return self.say(code, field=field.label, value=values[0], second=values[1])
        value = reduce(lambda first, second: self.say("list", first=first, second=second), values)
        return self.say(DATED.get(code, code) if field.kind == "date" else code, field=field.label, value=value)

    def derived(self, test: Test, derived: Derived, truth: bool) -> str:
        turned = "" if truth else "not "
        match derived.derivation:
            case "change" | "difference":
                field = self.fields[derived.source]
                assert isinstance(test.value, int | float)
                amount = self.speech.per_cent(abs(test.value)) if derived.derivation == "change" else self.value(abs(test.value), field)
                return self.say(turned + ("fell" if test.operator == "<=" else "rose"), field=field.label, value=amount, days=self.days(derived))
            case "count":
                operator = test.operator if truth else REVERSED.get(test.operator, test.operator)
                code = f"count {operator}" if operator != "=" else f"{turned}count ="
                return self.say(code, record=self.record(derived.source), value=self.speech.number(int(str(test.value))), days=self.days(derived))
            case "absence":
                return self.say(turned + "absence", record=self.record(derived.source), days=self.days(derived))
            case "related" if derived.record is None:
                return self.say(turned + "related", related=self.related(derived.source))
            case "related":
                code = turned + ("related with" if derived.present else "related without")
                return self.say(code, related=self.related(derived.source), record=self.record(str(derived.record)), days=self.days(derived))
        assert derived.test is not None
        return self.say(turned + "duration", inner=self.test(derived.test, True), days=self.days(derived))

    def value(self, value: Single, field: Field) -> str:
        if isinstance(value, bool):
            return self.say("yes" if value else "no")
        if isinstance(value, date):
            return self.speech.day(value)
        if isinstance(value, str):
            return value
        if field.kind == "money":
            return self.speech.money(value)
        return self.speech.per_cent(value) if field.unit == "%" else f"{self.speech.number(value)} {field.unit}".strip()

    def days(self, derived: Derived) -> str:
        return self.speech.days(derived.days or 0)

    def record(self, name: str) -> str:
        return self.vocabulary.records.get(name, name)

    def related(self, name: str) -> str:
        return self.vocabulary.related.get(name, name)
