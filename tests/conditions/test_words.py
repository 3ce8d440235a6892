"""A condition as a sentence that a person would say."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.conditions.reading import parse
from laer.conditions.tree import Condition, Not, derived
from laer.conditions.words import Speech, column_of, to_words
from tests.conditions.made import FIELDS, WORDS, conditions, derived_tests, field_tests


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("trend <= -30 %", "Usage trend is at most -30 %"),
        ("mrr between 500 and 2000", "MRR is between 500 and 2000"),
        ("silence > 2 weeks", "Silence is above 14 days"),
        ("segment in (SMB, Mid-market)", "Segment is one of SMB, Mid-market"),
        ("segment not in (SMB)", "Segment is none of SMB"),
        ("not segment = SMB", "Segment is not SMB"),
        ("escalated", "Escalated is yes"),
        ("renewal_on within 90 d", "Renewal is within the next 90 days"),
        ("not renewal_on within last 1 d", "Renewal is not within the last 1 day"),
        ("renewal_on older than 45 d", "Renewal is more than 45 days ago"),
        ("renewal_on <= 2027-01-01", "Renewal is on or before 2027-01-01"),
        ("not renewal_on before 2027-01-01", "Renewal is on or after 2027-01-01"),
        ("industry is unknown", "Industry is unknown"),
        ("not industry contains care", "Industry does not contain care"),
        ("users fell by 20 % in 14 d", "Active users fell by 20 % in 14 days"),
        ("not mrr rose by 500 in 30 d", "MRR did not rise by 500 in 30 days"),
        ("users < 40 for 2 weeks", "Active users is below 40 for 14 days on end"),
        ("not users < 40 for 2 weeks", "Not for 14 days on end (Active users is below 40)"),
        ("no touch in 45 d", "No touch in 45 days"),
        ("ticket at least 3 times in 7 d", "Support ticket at least 3 times in 7 days"),
        ("not ticket at least 3 times in 7 d", "Support ticket fewer than 3 times in 7 days"),
        ("any champion without login in 30 d", "Any champion without login in 30 days"),
        ("no champion", "No champion"),
        ("users > 1 and (segment = SMB or not mrr > 5)", "Active users is above 1 and (Segment is SMB or MRR is at most 5)"),
        ("not (users > 1 and segment = SMB)", "Active users is at most 1 or Segment is not SMB"),
    ],
)  # fmt: skip
def test_it_is_said_in_words(line: str, words: str) -> None:
    assert to_words(parse(line, WORDS), WORDS) == words


@given(conditions(st.one_of(field_tests(), derived_tests())))
def test_every_condition_and_its_opposite_has_words(condition: Condition) -> None:
    said, opposite = to_words(condition, WORDS), to_words(Not(condition), WORDS)
    assert said != opposite
    for test in derived(condition):
        assert column_of(test, WORDS).id == test.id


def test_each_text_goes_through_the_speech() -> None:
    class Shouting(Speech):
        def text(self, phrase: str) -> str:
            return phrase.upper().replace("%(FIELD)S", "%(field)s").replace("%(VALUE)S", "%(value)s").replace("%(FIRST)S", "%(first)s").replace("%(SECOND)S", "%(second)s")

        def money(self, value: float) -> str:
            return f"${value}"

        def day(self, value: date) -> str:
            return f"{value:%d.%m.%Y}"

    assert to_words(parse("mrr > 500 and renewal_on before 2027-01-31", WORDS), WORDS, Shouting()) == "MRR IS ABOVE $500 AND Renewal IS BEFORE 31.01.2027"


@pytest.mark.parametrize(
    ("line", "kind", "unit", "label"),
    [
        ("users fell by 20 % in 14 d", "number", "%", "Active users, change in 14 days"),
        ("mrr rose by 500 in 14 d", "money", "", "MRR, change in 14 days"),
        ("silence rose by 3 in 14 d", "number", "days", "Silence, change in 14 days"),
        ("login at least 3 times in 7 d", "number", "", "login, times in 7 days"),
        ("no touch in 45 d", "flag", "", "no touch in 45 days"),
        ("segment = SMB for 3 d", "flag", "", "Segment is SMB for 3 days on end"),
    ],
)
def test_a_derived_column_is_a_field_like_any_other(line: str, kind: str, unit: str, label: str) -> None:
    (column,) = (column_of(one, WORDS) for one in derived(parse(line, WORDS)))
    assert (column.kind, column.unit, column.label) == (kind, unit, label)
    fields = {**FIELDS, column.id: column}
    assert parse(f"{column.id} is known", type(WORDS)(fields)) is not None
