"""Conditions and their faults are said in the reader's language and formats."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from laer.conditions.checking import OPERATORS
from laer.conditions.faults import FAULTS
from laer.conditions.reading import parse, read
from laer.conditions.words import PHRASES, to_words
from laer.web.runs.condition_words import KINDS, WRONG, Spoken, fault_text
from laer.web.runs.condition_words import PHRASES as MARKED
from tests.conditions.made import WORDS

pytestmark = pytest.mark.once


def test_every_text_of_the_lower_room_is_marked_for_translation() -> None:
    assert sorted(MARKED) == sorted(PHRASES.values())
    assert sorted(WRONG) == sorted(FAULTS.values())
    assert sorted(KINDS) == sorted(OPERATORS)


@pytest.mark.django_db
def test_a_condition_is_said_in_the_reader_s_formats() -> None:
    with override("en"):
        said = to_words(parse("mrr > 12500 and trend < -30.5 % and renewal_on before 2027-04-12 and no touch in 45 d", WORDS), WORDS, Spoken("USD"))
    assert said == "MRR is above $12,500.00 and Usage trend is below -30.5% and Renewal is before 12 Apr 2027 and no touch in 45 days"


def test_a_fault_is_said_with_what_was_found() -> None:
    (fault,) = read("users > many", WORDS)[1]
    with override("en"):
        assert fault_text(fault) == "many is no value for users (number); write it like 12, 0.5 or -30 %"
