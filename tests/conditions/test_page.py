"""The page about conditions says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from laer.conditions import tree
from laer.conditions.checking import OPERATORS, Vocabulary
from laer.conditions.reading import parse
from laer.conditions.tree import derived
from laer.conditions.truth import evaluate
from tests.conditions.made import FIELDS, TODAY, WORDS, Fact

PAGE = (Path(__file__).parents[2] / "docs" / "methods" / "conditions.md").read_text(encoding="utf-8")
OF_PAGE = Vocabulary(
    FIELDS
    | {
        one.id: one
        for one in (
            Fact("active_users_28d", "number", "Active users"),
            Fact("health", "number", "Health"),
            Fact("state", "text", "State"),
            Fact("last_touch_on", "date", "Last touch"),
        )
    },
    WORDS.records,
    {**WORDS.related, "open_ticket": "open ticket"},
)
QUOTED = re.compile(r"`([^`]+)`")


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a row of headings."""
    rows = PAGE[PAGE.index(heading) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_list_and_the_line_are_the_same() -> None:
    listed, line = re.findall(r"```(?:yaml|text)\n(.*?)```", PAGE, re.DOTALL)[:2]
    assert parse(yaml.safe_load(listed), OF_PAGE) == parse(line.strip(), OF_PAGE)


@pytest.mark.parametrize("row", table("| Line | Meaning | Kinds |"), ids=lambda row: row[0])
def test_each_line_of_a_field_is_read(row: list[str]) -> None:
    first = QUOTED.findall(row[0])[0]
    condition = parse(first, OF_PAGE)
    assert isinstance(condition, tree.Test)
    assert condition.derived is None
    kinds = {kind for kind, operators in OPERATORS.items() if condition.operator in operators}
    only = {"escalated": {"flag"}, "renewal_on before 2027-01-01": {"date"}}.get(first, kinds)  # written so for one kind alone
    assert {kind.strip() for kind in row[2].split(",")} == only


def test_operators_by_kind() -> None:
    assert {kind: tuple(QUOTED.findall(operators)) for kind, operators in table("| Kind | Operators |")} == OPERATORS


@pytest.mark.parametrize("row", table("| Line | Column | Meaning |"), ids=lambda row: row[0])
def test_each_derived_column_has_its_name(row: list[str]) -> None:
    assert [one.id for one in derived(parse(QUOTED.findall(row[0])[0], OF_PAGE))] == QUOTED.findall(row[1])


@pytest.mark.parametrize("row", table("| Account | segment |"), ids=lambda row: row[0])
def test_the_example_by_hand(row: list[str]) -> None:
    words = {"unknown": None, "no": False, "true": True, "false": False}
    _account, segment, users, touch, inner, turned, whole = (cell.strip("*") for cell in row)
    facts = {"segment": words.get(segment, segment), "users": int(users), "touch__none_45d": words[touch]}
    line = "users > 3 or no touch in 45 d"
    assert evaluate(parse(line, WORDS), facts, TODAY) is words[inner]
    assert evaluate(parse(f"not ({line})", WORDS), facts, TODAY) is words[turned]
    assert evaluate(parse(f"segment = SMB and not ({line})", WORDS), facts, TODAY) is words[whole]


@pytest.mark.parametrize("row", [row for row in table("| Case | Answer |") if row[0].count("`") == 2 and "unknown" in row[0]], ids=lambda row: row[0])
def test_a_case_at_the_edge_is_unknown(row: list[str]) -> None:
    line = QUOTED.findall(row[0])[0]
    if line.startswith("not"):
        assert evaluate(parse("not (escalated and users > 1)", WORDS), {"escalated": False}, TODAY) is True
    else:
        assert row[1].startswith("unknown")
        assert evaluate(parse(line, OF_PAGE), {}, TODAY) is None
