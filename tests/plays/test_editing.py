"""A play's text changed part by part: what was asked for changes, and everything else keeps its letters."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.plays import editing
from laer.plays.editing import NotEditable
from laer.plays.play import Play
from laer.records.definition import Unreadable

SHIPPED = {one.name: one.read_text() for one in files("laer.content.plays").iterdir() if one.name.endswith(".yaml")}
TEXT = """# what we do when they fall silent
id: silence
name: Silence   # the customer's
status: trial
motion: adopt
purpose: adoption
trigger: {signal: silence}
steps:
  # first a call
  - task: Call them
    due: 2 d  # not later
  - wait: 7 d
  - if: arr >= 10000
    then:
      - task: Tell the lead
    else:
      - wait: 1 d
      - task: Write to them
# who decides
exit: state is not paying
"""


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_play_whose_steps_are_put_as_they_are_keeps_its_text(name: str) -> None:
    steps = editing.document(SHIPPED[name]).get("steps", [])
    assert editing.with_steps(SHIPPED[name], steps) == SHIPPED[name]


def test_a_step_that_moves_takes_its_lines_along_and_comments_elsewhere_stay() -> None:
    steps = editing.document(TEXT)["steps"]
    made = editing.with_steps(TEXT, editing.move(steps, (1,), -1))
    assert made.index("- wait: 7 d") < made.index("    due: 2 d  # not later")
    assert "# who decides\nexit: state is not paying\n" in made
    assert made.startswith("# what we do when they fall silent\nid: silence\nname: Silence   # the customer's\n")
    assert editing.document(made)["steps"] == [steps[1], steps[0], steps[2]]


def test_inside_a_branch_steps_are_put_added_moved_and_taken_out() -> None:
    steps = editing.document(TEXT)["steps"]
    moved = editing.move(steps, (2, "else", 0), 1)
    assert list(moved[2]["else"]) == [{"task": "Write to them"}, {"wait": "1 d"}]
    put = editing.put(steps, (2, "then", 0), {"task": "Tell the lead at once", "priority": "high"})
    assert put[2]["then"] == [{"task": "Tell the lead at once", "priority": "high"}]
    more = editing.insert(steps, (2, "then", 1), {"wait": "3 d"})
    assert more[2]["then"] == [{"task": "Tell the lead"}, {"wait": "3 d"}]
    none = editing.take(editing.take(steps, (2, "else", 0)), (2, "else", 0))
    assert "else" not in none[2]
    assert editing.document(editing.with_steps(TEXT, none))["steps"] == none
    assert steps == editing.document(TEXT)["steps"], "what was given is changed by nothing"


def test_another_condition_of_a_branch_keeps_its_ways() -> None:
    steps = editing.document(TEXT)["steps"]
    made = editing.put(steps, (2,), {"if": "arr >= 50000"})
    assert made[2] == {"if": "arr >= 50000", "then": steps[2]["then"], "else": steps[2]["else"]}


def test_at_the_end_of_its_way_nothing_moves() -> None:
    steps = editing.document(TEXT)["steps"]
    assert editing.move(steps, (0,), -1) == editing.move(steps, (2,), 1) == steps


def test_fields_are_changed_added_in_their_place_and_taken_out() -> None:
    made = editing.with_fields(TEXT, {"name": "Quiet", "who": ["state is paying", "arr >= 5"], "exit": None})
    assert "name: Quiet\n" in made
    assert made.index("who: [state is paying, arr >= 5]\n") < made.index("steps:")
    assert "exit" not in editing.document(made)
    assert editing.with_fields(TEXT, {"name": "Silence"}) == TEXT


@pytest.mark.parametrize("path", [(9,), (0, "then", 0), (2, "then", 7), (2, "or", 0), (-1,)])
def test_a_step_that_is_not_there_is_refused(path: editing.Path) -> None:
    with pytest.raises(NotEditable):
        editing.take(editing.document(TEXT)["steps"], path)
    assert editing.at(editing.document(TEXT)["steps"], path) is None


@pytest.mark.parametrize(("text", "of"), [("- a\n- b\n", NotEditable), ("{id: a, steps: []}\n", NotEditable), ("id: [", Unreadable), ("just words\n", NotEditable)])
def test_a_text_that_is_no_list_of_fields_is_changed_as_text(text: str, of: type[Exception]) -> None:
    with pytest.raises(of):
        editing.with_fields(text, {"name": "New"})


def test_texts_with_everything_that_yaml_takes_for_something_else_come_back() -> None:
    steps = [{"task": said, "detail": f"{said}\nand more"} for said in ("yes", "1: 2", "# no comment", "- dash", "'quoted'", "a: b", "{x}", "2026-01-01", "é ü 漢")]
    assert editing.document(editing.with_steps(TEXT, steps))["steps"] == steps


WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(lambda text: text.strip() == text)
LEAF = st.one_of(WORDS.map(lambda text: {"task": text}), st.integers(0, 99).map(lambda n: {"wait": f"{n} d"}))
STEP = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3).map(lambda ways: {"if": "arr >= 1", "then": ways}), max_leaves=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=5))
def test_whatever_the_steps_are_they_come_back_from_the_text(steps: list[dict[str, object]]) -> None:
    made = editing.with_steps(TEXT, steps)
    assert editing.document(made)["steps"] == steps
    assert editing.document(made)["exit"] == "state is not paying"
    assert editing.with_steps(made, steps) == made


def test_what_is_made_reads_as_a_play() -> None:
    made = editing.with_steps(TEXT, editing.insert(editing.document(TEXT)["steps"], (1,), {"task": "Write", "checklist": ["one", "two"], "due": "5 d"}))
    assert [step.task for step in Play.model_validate(editing.document(made)).tasks()] == ["Call them", "Write", "Tell the lead", "Write to them"]
