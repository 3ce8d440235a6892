"""The activation rule: the page's example, and a second route in plain Python on random usage."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.adopt.activation import SHIPPED, ActivationRule, first_days
from laer.engine.session import DuckDBSession

PAGE = Path(__file__).parents[2] / "docs" / "methods" / "activation.md"
Row = tuple[int, int | None, int, int]  # account, user, day, times
rows = st.lists(st.tuples(st.integers(1, 3), st.one_of(st.none(), st.integers(1, 3)), st.integers(1, 30), st.integers(1, 6)), max_size=25)
rules = st.builds(ActivationRule, times=st.integers(1, 12), users=st.integers(1, 3), days=st.integers(1, 12))


def reached(rule: ActivationRule, given: list[Row]) -> dict[int, int]:
    with DuckDBSession() as session:
        columns = list(zip(*given, strict=True)) or [()] * 4
        kinds = (pa.int64(), pa.int64(), pa.int32(), pa.int64())
        session.bind("doing", pa.table({n: pa.array(c, k) for n, c, k in zip(("account_id", "actor", "day_d", "n"), columns, kinds, strict=True)}))
        found = session.fetch(first_days(rule)).to_pylist()
    return {row["account_id"]: row["on_d"] for row in found}


def by_hand(rule: ActivationRule, given: list[Row]) -> dict[int, int]:
    found: dict[int, int] = {}
    for account, _, day, _ in sorted(given, key=lambda row: row[2]):
        near = [row for row in given if row[0] == account and day - rule.days < row[2] <= day]
        users = {row[1] for row in near if row[1] is not None}
        if sum(row[3] for row in near) >= rule.times and (rule.users == 1 or len(users) >= rule.users):
            found.setdefault(account, day)
    return found


def test_the_example_of_the_page() -> None:
    table = re.findall(r"^\| (\d+) \| (Ann|Bob) \| (\d+) \| \d+ \| \d+ \| (yes|no) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    given = [(1, ["Ann", "Bob"].index(user), int(day), int(times)) for day, user, times, _ in table]
    assert len(given) == 5
    rule = ActivationRule(times=10, users=2, days=14)
    assert reached(rule, given) == {1: min(int(day) for day, _, _, yes in table if yes == "yes")} == {1: 20}


@settings(max_examples=40, deadline=None)
@given(rules, rows)
def test_a_second_route_comes_to_the_same_day(rule: ActivationRule, given: list[Row]) -> None:
    assert reached(rule, given) == by_hand(rule, given)


def test_where_no_users_are_named_more_than_one_is_never_reached() -> None:
    given: list[Row] = [(1, None, 1, 100), (1, None, 2, 100)]
    assert reached(SHIPPED, given) == {1: 1}
    assert reached(ActivationRule(users=2), given) == {}


@pytest.mark.parametrize("wrong", [{"times": 0}, {"users": 0}, {"days": 366}, {"days": 0}])
def test_a_rule_that_says_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        ActivationRule(**wrong)
