"""What is written reads back as the same tree, and a tree by hand is checked like a line."""

from __future__ import annotations

import json
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from laer.conditions import tree
from laer.conditions.checking import check, checked, scaled
from laer.conditions.faults import ConditionFault
from laer.conditions.reading import parse, parse_yaml, read
from laer.conditions.tree import All, Any, Condition, Derived, Not, canonical, derived_test
from laer.conditions.writing import to_data, to_line
from tests.conditions.made import FIELDS, WORDS, conditions, derived_tests, field_tests

T = tree.Test
ANY_TREE = conditions(st.one_of(field_tests(), derived_tests()))


@given(ANY_TREE)
def test_what_is_written_reads_back_as_the_same_tree(condition: Condition) -> None:
    assert check(condition, WORDS) == []
    data = to_data(condition)
    assert parse(data, WORDS) == canonical(condition)
    assert parse(json.loads(json.dumps(data)), WORDS) == canonical(condition)
    assert parse_yaml(yaml.safe_dump(data, allow_unicode=True), WORDS) == canonical(condition)
    assert parse(to_line(condition), WORDS) == canonical(condition)
    assert to_data(parse(data, WORDS)) == data


@given(ANY_TREE)
def test_the_canonical_form_is_its_own(condition: Condition) -> None:
    once = canonical(condition)
    assert canonical(once) == once
    assert tree.references(once) == tree.references(condition)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(line: str) -> None:
    found, faults = read(line, WORDS)
    assert (found is None) == bool(faults)


@given(st.lists(st.sampled_from([*FIELDS, "touch", "champion", *"no any not and or in is known between within last older than for fell rose by 3 45 d % ( ) , = < yes SMB 2027-01-01 'x' times at least with".split()]), max_size=14).map(" ".join))  # fmt: skip
def test_any_row_of_words_is_read_or_refused(line: str) -> None:
    found, faults = read(line, WORDS)
    assert (found is None) == bool(faults)
    if found is not None:
        assert parse(to_data(found), WORDS) == found


def test_it_is_written_as_a_person_would() -> None:
    lines = ["trend <= -0.3", {"any": ["segment in (SMB, Mid-market)", {"not": 'industry = "Health care"'}]}, "users fell by 20 % in 14 d", "users < 40 for 14 d"]
    assert to_data(parse(lines, WORDS)) == lines
    assert to_line(parse(lines, WORDS)) == 'trend <= -0.3 and (segment in (SMB, Mid-market) or not industry = "Health care") and users fell by 20 % in 14 d and users < 40 for 14 d'


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        (T("userz", "=", 1), "no field userz; there is: users"),
        (T("users", "is", 1), "is does not go with users (number); what does: =, !=, <, <=, >, >=, between, in, known, unknown"),
        (T("users", "=", "1"), "1 is no value for users (number); write it like 12, 0.5 or -30 %"),
        (T("users", "=", True), "True is no value for users (number); write it like 12, 0.5 or -30 %"),
        (T("users", "=", float("nan")), "nan is no value for users (number); write it like 12, 0.5 or -30 %"),
        (T("users", "=", None), "None is no value for users (number); write it like 12, 0.5 or -30 %"),
        (T("users", "in", ()), "() is no value for users (number); write it like 12, 0.5 or -30 %"),
        (T("users", "between", (1, 2, 3)), "(1, 2, 3) is no value for users (number); write it like 12, 0.5 or -30 %"),
        (T("users", "known", 1), "1 is no value for users (number); write it like known"),
        (T("industry", "=", "a\nb"), "a\nb is no value for industry (text); write it like paying or \"Health care\""),
        (T("renewal_on", "within", -1), "-1 is no number of days from 0 to 36500"),
        (derived_test(Derived("change", "users", 14), "=", 0.2), "the column users__change_14d cannot be asked like this"),
        (T("users", "=", True, Derived("absence", "touch", 3)), "the column touch__none_3d cannot be asked like this"),
        (derived_test(Derived("absence", "touch")), "None is no number of days from 1 to 1100"),
        (derived_test(Derived("duration", "users", 3, test=T("users", "=", "x"))), "x is no value for users (number); write it like 12, 0.5 or -30 %"),
        (All(()), "nothing to ask: an empty condition is neither true nor false"),
        (Any((T("escalated", "=", True), Not(T("userz", "=", 1)))), "any[1].not: no field userz; there is: users"),
        (All((T("escalated", "=", True),) * 101), "more than 100 tests in one condition"),
    ],
)  # fmt: skip
def test_a_tree_by_hand_is_checked(condition: Condition, fault: str) -> None:
    with pytest.raises(ConditionFault) as caught:
        checked(condition, WORDS)
    assert str(caught.value.faults[0]) == fault


def test_amounts_are_asked_in_minor_units() -> None:
    condition = parse("mrr between 0.29 and 2000 and users > 3 and not mrr rose by 19.99 in 7 d and renewal_on before 2027-01-01", WORDS)
    assert scaled(condition, FIELDS, 2) == All(
        (
            T("mrr", "between", (29, 200_000)),
            T("users", ">", 3),
            Not(derived_test(Derived("difference", "mrr", 7), ">=", 1999)),
            T("renewal_on", "<", date(2027, 1, 1)),
        )
    )
    assert scaled(condition, FIELDS, 0) == condition
