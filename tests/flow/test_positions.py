"""Positions as definitions, and the board's arithmetic over stays: by hand, and on random stays against a count day by day."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from laer.cycle.definitions import read
from laer.flow.board import FAR, Stay, at_days, spans, went_on
from laer.flow.positions import AHEAD, MOTIONS, STATES, Positions
from laer.web.book.definitions import known as known_in_book
from laer.web.book.definitions import shipped_texts

TODAY = 1_000


def test_every_state_ahead_is_a_state_of_its_motion() -> None:
    for motion in MOTIONS:
        for state, ahead in AHEAD[motion].items():
            assert state in STATES[motion]
            assert set(ahead) <= set(STATES[motion]) - {state}


def test_a_state_of_another_motion_is_refused_and_those_that_exist_are_named() -> None:
    with pytest.raises(ValidationError, match="no state 'overdue' in adopt; there is: none, onboarding, stalled, activated, at outcome, lapsed"):
        Positions.model_validate({"id": "adopt", "name": "Adopt", "rules": [{"state": "overdue", "when": "state is paying"}]})


@pytest.mark.django_db
def test_what_ships_reads_without_a_fault_and_has_every_state() -> None:
    texts = {name: text for (kind, name), text in shipped_texts().items() if kind == "positions"}
    assert set(texts) == set(MOTIONS)
    for name, text in texts.items():
        found = read("positions", text, known_in_book(), name)
        assert not found.faults, found.faults
        of = found.document
        assert {*(rule.state for rule in of.rules), of.otherwise} - {None} == set(STATES[name]), name


@pytest.mark.django_db
def test_a_rule_that_cannot_be_read_is_named_with_its_line_and_one_position_reads_no_other() -> None:
    text = "id: land\nname: Land\nrules:\n  - state: won\n    when: stat is paying\n  - state: open\n    when: renew_state is signed\n"
    faults = read("positions", text, known_in_book(), "land").faults
    assert [fault.line for fault in faults] == [5, 7]
    assert "stat" in faults[0].text


def test_time_in_a_state_counts_those_that_go_on_and_leaves_out_whom_nobody_saw_begin() -> None:
    stays = [
        Stay(1, "onboarding", TODAY - 100, TODAY - 60), Stay(2, "onboarding", TODAY - 30, FAR), Stay(3, "onboarding", TODAY - 90, FAR, base=True),
        Stay(4, "onboarding", TODAY - 50, TODAY - 20, ends_base=True), Stay(5, "onboarding", TODAY - 400, TODAY - 10),
    ]  # fmt: skip
    assert spans(stays, TODAY) == {"onboarding": [(40, True), (30, False), (30, False)]}


def test_of_stays_that_ended_within_the_year_those_count_as_gone_on_whose_next_state_is_ahead() -> None:
    stays = [
        Stay(1, "onboarding", 100, 900), Stay(1, "activated", 900, FAR),  # went on
        Stay(2, "onboarding", 100, 900), Stay(2, "stalled", 900, FAR),  # did not
        Stay(3, "onboarding", 100, FAR),  # is there
        Stay(4, "onboarding", 100, 500), Stay(4, "activated", 500, FAR),  # too long ago
        Stay(5, "onboarding", 100, 900, ends_base=True),  # by no move of its own
        Stay(6, "onboarding", 100, 900),  # and away for good
    ]  # fmt: skip
    went = went_on("adopt", stays, TODAY)
    assert (went["onboarding"].ended, went["onboarding"].on) == (3, 1)
    assert went.keys() == {"onboarding"}


LIFE = st.tuples(st.integers(0, 40), st.lists(st.tuples(st.integers(1, 30), st.sampled_from(STATES["adopt"])), max_size=5), st.booleans())


def stays_from(lives: list[tuple[int, list[tuple[int, str]], bool]]) -> list[Stay]:
    """Each account's stays one after the other; the last one still goes on, or has ended."""
    stays = []
    for account, (day, steps, goes_on) in enumerate(lives):
        for at, (length, state) in enumerate(steps):
            stays.append(Stay(account, state, day, FAR if goes_on and at == len(steps) - 1 else day + length))
            day += length
    return stays


@given(st.lists(LIFE, max_size=4))
def test_an_account_is_counted_once_on_every_day_on_which_it_has_a_state(lives: list[tuple[int, list[tuple[int, str]], bool]]) -> None:
    stays = stays_from(lives)
    days = list(range(0, 220, 7))
    found = at_days(stays, days)
    begun = min((stay.from_d for stay in stays), default=None)
    for at, day in enumerate(days):
        there = {stay.account for stay in stays if stay.from_d <= day < stay.until_d}
        if begun is None or day < begun:
            assert all(counts[at] is None for counts in found.values())
        else:
            assert sum(counts[at] or 0 for counts in found.values()) == len(there)
