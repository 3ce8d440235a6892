"""A condition asked of the database: the same rows as the plain reference, on columns, across a join and within JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any as Given

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from laer.conditions import tree
from laer.conditions.reading import parse
from laer.conditions.tree import Condition
from laer.conditions.truth import Truth, evaluate
from laer.web.book.models import Account
from laer.web.runs.condition_query import JSONValue, Place, where_false, where_true, where_unknown
from tests.conditions.made import TODAY, WORDS, conditions, field_tests, rows

ROWS = rows(80, seed=11)
COLUMNS: dict[str, Place] = {
    "users": "employees", "trend": ("custom", "trend"), "silence": "parent__employees", "mrr": ("custom", "nested", "mrr"), "segment": "segment",
    "industry": "industry", "escalated": "churn_flag", "renewal_on": "signed_up_on",
}  # fmt: skip
WITHIN: dict[str, Place] = {name: ("custom", name) for name in COLUMNS} | {"mrr": ("custom", "nested", "mrr")}
AGREEING = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
Ask = Callable[[Condition, dict[str, Place]], list[Truth]]


def in_json(value: Given) -> Given:
    return value.isoformat() if isinstance(value, date) else value


@pytest.fixture
def ask(db: None) -> Ask:
    """What the database says of each row. Half of what is unknown is a null within the JSON, half is left out of it."""
    now = timezone.now()
    parents = {row["silence"]: None for row in ROWS}
    for silence in parents:
        parents[silence] = silence if silence is None else Account.objects.create(name="parent", employees=silence, created_at=now)
    made = [
        Account.objects.create(
            name=f"row {at}", created_at=now, employees=row["users"], segment=row["segment"], industry=row["industry"], churn_flag=row["escalated"],
            signed_up_on=row["renewal_on"], parent=parents[row["silence"]],
            custom={name: in_json(value) for name, value in row.items() if value is not None or at % 2} | {"nested": {"mrr": row["mrr"]}},
        ).pk
        for at, row in enumerate(ROWS)
    ]  # fmt: skip

    def answer(condition: Condition, places: dict[str, Place]) -> list[Truth]:
        asked = {True: where_true, False: where_false, None: where_unknown}
        found = {truth: set(Account.objects.filter(where(condition, places, TODAY), pk__in=made).values_list("pk", flat=True)) for truth, where in asked.items()}
        said: list[Truth] = []
        for pk in made:
            (truth,) = [truth for truth, pks in found.items() if pk in pks]  # true, false and unknown are all rows, each once
            said.append(truth)
        return said

    return answer


@AGREEING
@given(condition=conditions(field_tests()))
def test_the_database_says_what_the_reference_says(ask: Ask, condition: Condition) -> None:
    expected = [evaluate(condition, row, TODAY) for row in ROWS]
    assert ask(condition, COLUMNS) == expected
    assert ask(condition, WITHIN) == expected


@pytest.mark.django_db
def test_a_null_is_never_not_equal() -> None:
    now = timezone.now()
    for segment in ("SMB", "Enterprise", None):
        Account.objects.create(name=str(segment), segment=segment, created_at=now)

    def names(line: str, where: Given = where_true) -> list[str]:
        return sorted(Account.objects.filter(where(parse(line, WORDS), {"segment": "segment"}, TODAY)).values_list("name", flat=True))

    assert names("not segment = SMB") == ["Enterprise"]
    assert names("segment not in (SMB)") == ["Enterprise"]
    assert names("not segment = SMB", where_unknown) == ["None"]
    assert names("not (segment = SMB and segment = Enterprise)") == ["Enterprise", "SMB"]
    assert names("segment is unknown") == ["None"]
    assert names("segment is unknown", where_false) == ["Enterprise", "SMB"]
    assert names("segment is unknown", where_unknown) == []


@pytest.mark.django_db
@pytest.mark.parametrize("line", ["users > 1", "users < 9", "users != 3", "segment = SMB", "industry contains a", "escalated", "not escalated", "renewal_on before 2027-01-01"])
def test_a_value_of_another_kind_within_json_is_unknown(line: str) -> None:
    condition = parse(line, WORDS)
    (field,) = tree.references(condition)
    others: list[Given] = [None, [], {"a": 1}, "a text", "2026-13-45x", 3, 2.5, True, "2026-05-01", ""]
    for value in others:
        Account.objects.create(name=repr(value), custom={field: value}, created_at=timezone.now())
    for truth, where in ((True, where_true), (False, where_false), (None, where_unknown)):
        found = Account.objects.filter(where(condition, {field: ("custom", field)}, TODAY)).values_list("name", flat=True)
        expected = [value for value in others if evaluate(condition, {field: date(2026, 5, 1) if (field, value) == ("renewal_on", "2026-05-01") else None if field == "renewal_on" else value}, TODAY) is truth]
        assert sorted(found) == sorted(map(repr, expected))


def test_a_key_within_json_has_plain_letters() -> None:
    with pytest.raises(ValueError, match="no keys within custom"):
        JSONValue(("custom", "a' OR 1=1"), "text")
    with pytest.raises(ValueError, match="no keys within custom"):
        JSONValue(("custom",), "text")
