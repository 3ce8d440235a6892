"""A play's text, the way through its steps, and what came of it."""

from __future__ import annotations

import random

import pytest

from laer.cycle.definitions import read, shipped
from laer.plays import way
from laer.plays.arms import effect, held_out, smallest, weeks_until
from laer.plays.play import Play

TEXT = """
id: a_play
name: A play
motion: adopt
purpose: adoption
trigger: {manual: true}
steps:
  - task: One
  - if: arr >= 100
    then:
      - wait: 3 d
      - if: arr >= 1000
        then: [{task: Large}]
    else:
      - task: Small
  - until: activated is true
    at_most: 9 d
"""


def play(text: str = TEXT) -> Play:
    found = read("play", text, shipped())
    assert not found.faults, found.faults
    return found.document


def test_the_way_goes_into_branches_and_out_of_them() -> None:
    one = play()
    assert (way.first(one), way.following(one, "0"), way.into(one, "1", True), way.into(one, "1", None)) == ("0", "1", "1.then.0", "1.else.0")
    assert way.following(one, "1.then.0") == "1.then.1"
    assert way.into(one, "1.then.1", True) == "1.then.1.then.0"
    assert way.into(one, "1.then.1", False) == "2", "an empty way leads past the branch"
    assert way.following(one, "1.then.1.then.0") == "2"
    assert way.following(one, "1.else.0") == "2"
    assert way.following(one, "2") is None
    assert way.step_at(one, "1.then.9") is None
    assert way.step_at(one, "0.then.0") is None


def test_every_walk_ends_and_meets_each_step_once() -> None:
    one, draws = play(), random.Random(7)
    for _ in range(200):
        met, path = [], way.first(one)
        while path is not None:
            met.append(path)
            step = way.step_at(one, path)
            path = way.into(one, path, draws.choice([True, False, None])) if hasattr(step, "then") else way.following(one, path)
        assert len(met) == len(set(met))
        assert met[0] == "0"
        assert met[-1] == "2"


@pytest.mark.parametrize(
    ("found", "put", "said"),
    [
        ("wait: 3 d", "wait: 3", "expected a number of days such as 14 d"),
        ("task: One", "tusk: One", "expected a step with one of: task, mail, webhook, set, wait, until, if, play"),
        ("arr >= 1000", "arrr >= 1000", "no field arrr"),
        ("{manual: true}", "{signal: silent, segment: silent}", "a trigger is one of signal, segment, date or manual; found signal, segment"),
        ("{manual: true}", "{}", "found none of them"),
        ("{manual: true}", "{date: arr}", "arr is of kind money; expected a measure that is a day"),
        ("purpose: adoption", "purpose: renewal\nhold_out: 10", "nobody is held out of a play of renewal"),
        ("purpose: adoption", "purpose: adoption\nhold_out: 10", "without success there is nothing to compare"),
        ("purpose: adoption", "purpose: adoption\nowner: boss", "found boss; there is: csm, ae"),
    ],
)
def test_what_is_wrong_with_a_text_is_said_on_its_line(found: str, put: str, said: str) -> None:
    faults = read("play", TEXT.replace(found, put, 1), shipped()).faults
    assert any(said in str(fault) for fault in faults), faults


def test_who_is_held_out_is_decided_once_and_by_about_the_share() -> None:
    out = [account for account in range(20_000) if held_out("a_play", account, 20)]
    assert abs(len(out) / 20_000 - 0.2) < 0.01
    assert out == [account for account in range(20_000) if held_out("a_play", account, 20)]
    assert set(out) <= {account for account in range(20_000) if held_out("a_play", account, 30)}, "a larger share keeps those who are out"
    assert set(out) != {account for account in range(20_000) if held_out("another", account, 20)}
    assert not [account for account in range(2_000) if held_out("a_play", account, 0)]


def test_an_effect_is_told_with_its_interval_and_not_too_early() -> None:
    """Newcombe (1998), method 10, worked example: 56 of 70 against 48 of 80 is 0.20, from 0.0524 to 0.3339."""
    found = effect(70, 56, 80, 48)
    assert (round(found.difference or 0, 4), round(found.low or 0, 4), round(found.high or 0, 4)) == (0.2, 0.0524, 0.3339)
    assert found.helps is True
    assert effect(19, 19, 500, 0).difference is None, "not enough yet"
    assert effect(100, 50, 100, 50).helps is None


def test_what_could_be_seen_shrinks_with_numbers() -> None:
    assert (smallest(400, 100, 0.3) or 0) < (smallest(100, 25, 0.3) or 0)
    assert smallest(0, 10, 0.3) is None
    assert smallest(10, 10, None) is None
    difference = smallest(434, 434, 0.1)
    assert difference is not None
    assert abs(difference - 0.057) < 0.001
    weeks = weeks_until(0.1, 0.3, 10, 20)
    assert weeks is not None
    assert 80 < weeks < 120
    assert weeks_until(0.1, 0.3, 0, 20) is None
