"""The plays that ship: all of them are there, each reads, names what is there, and on the day on which it begins it is neither over nor a success."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from laer.conditions.truth import evaluate
from laer.cycle.definitions import Known, asked_by, condition_of, conditions_of, read
from laer.plays.play import TRIED, CallStep, MailStep, Play
from laer.web.book.definitions import known as known_in_book
from laer.web.book.definitions import shipped_texts

CODES = {
    "renewability_review": "L1", "lookalike_check": "L2", "handoff": "L3", "land_lookback": "L4",
    "kickoff": "A1", "onboarding_stall": "A2", "not_activated": "A3", "usage_drop": "A4", "silence": "A5", "pre_escalation": "A6", "champion_left": "A7",
    "quick_win": "A8", "detractor": "A9", "outcome_review": "A10",
    "seat_growth": "E1", "plan_fit": "E2", "value_expansion": "E3", "spread": "E4", "unowned_growth": "E5",
    "renewal_180": "R1", "renewal_120": "R2", "renewal_90": "R3", "touchless_renewal": "R4", "save": "R5", "call_sales_in": "R6", "overdue": "R7",
    "churn_debrief": "R8", "win_back": "R9",
}  # fmt: skip
NO_SUCCESS = {
    "land_lookback",  # its fruit is a lesson for the sellers: no fact of this account tells whether they learned it
    "churn_debrief",  # its fruit is a record and a lesson: the account has left, and no fact says that its reason was written down
}
MOTIONS = {"L": "land", "A": "adopt", "E": "expand", "R": "renew"}
GUARDED = {  # of these nobody may ever be held out: who waits is harmed
    "silence": "risk", "pre_escalation": "risk", "champion_left": "risk", "save": "risk", "detractor": "detractor",
    "renewal_180": "renewal", "renewal_120": "renewal", "renewal_90": "renewal", "touchless_renewal": "renewal", "call_sales_in": "renewal",
    "overdue": "renewal",
}  # fmt: skip
DAY = date(2026, 11, 23)


def day(ahead: int) -> date:
    return DAY + timedelta(ahead)


CALM = {"state": "paying", "activated": True, "pulse": "green", "urgent_open": 0, "leaves": False, "growth_deals_open": 0}
DUE = {"state": "paying", "leaves": False, "terms_overdue": 0}
TROUBLE = {"state": "paying", "escalation__none_14d": True}
BEGINS: dict[str, list[dict[str, Any]]] = {  # facts of accounts on the day on which it begins for them, one for each way into it
    "renewability_review": [{"deals_open": 1}],
    "lookalike_check": [{"state": "prospect", "deals_open": 1}],
    "handoff": [{"state": "prospect", "won_on": DAY, "kickoff_held": False}, {"state": "paying", "won_on": DAY, "first_paid_on": day(-3)}],
    "land_lookback": [{"state": "paying", "first_paid_on": day(-90)}],
    "kickoff": [{"state": "paying", "first_paid_on": DAY, "kickoff_held": False, "outcomes": 0, "active_users_28d": 0}],
    "onboarding_stall": [{"state": "paying", "onboarding": "stalled"}, {"state": "paying", "onboarding": "late"}],
    "not_activated": [{"state": "paying", "first_paid_on": day(-14), "activated": False}],
    "usage_drop": [{"state": "paying", "usage_trend_adjusted": -0.4}],
    "silence": [{"state": "paying", "silence": 4}, {"state": "paying", "silence": 4, "reached_us_on": day(-15)}],
    "pre_escalation": [
        TROUBLE | {"urgent_open": 1, "tickets_open": 1, "ticket_pain": 3, "oldest_ticket_on": DAY},
        TROUBLE | {"urgent_open": 0, "tickets_open": 6, "ticket_pain": 8, "oldest_ticket_on": day(-5)},
        TROUBLE | {"urgent_open": 0, "tickets_open": 1, "ticket_pain": 2, "oldest_ticket_on": day(-15)},
    ],
    "champion_left": [{"state": "paying", "champion_live": False, "champions": 1}, {"state": "paying", "champion_live": False, "champions": 0}],
    "quick_win": [{"state": "paying", "activated": True}],
    "detractor": [
        {"state": "paying", "nps_latest": 3, "nps_on": day(-2)}, {"state": "paying", "csat_latest": 2, "csat_on": day(-2)},
        {"state": "paying", "nps_latest": 9, "nps_on": day(-90), "csat_latest": 1, "csat_on": day(-2)},
    ],
    "outcome_review": [
        {"state": "paying", "outcome_due_on": day(14), "outcomes_late": 0, "last_meeting_on": day(-5)},
        {"state": "paying", "outcome_due_on": day(90), "outcomes_late": 1, "last_meeting_on": day(-5)},
        {"state": "paying", "outcome_due_on": day(90), "outcomes_late": 0, "last_meeting_on": day(-91)},
    ],
    "seat_growth": [CALM | {"seats_taken_share": 0.9, "expansion_90d": 0.0}, CALM | {"seats_taken_share": 0.97, "expansion_90d": 200.0}],
    "plan_fit": [CALM | {"limit_use": 0.8, "expansion_90d": 0.0}, CALM | {"limit_use": 0.95, "expansion_90d": 200.0}],
    "value_expansion": [CALM | {"outcomes_confirmed": 1, "score_expansion_readiness": 70.0}],
    "spread": [CALM | {"active_users_28d": 3, "team_spread": 1}],
    "unowned_growth": [CALM | {"usage_trend_adjusted": 0.3}],
    "renewal_180": [DUE | {"renewal_on": day(180)}],
    "renewal_120": [DUE | {"renewal_on": day(120)}],
    "renewal_90": [DUE | {"renewal_on": day(90)}],
    "touchless_renewal": [CALM | DUE | {"renewal_on": day(90), "health": "green", "terms": 1, "discounts_in_force": 0}],
    "save": [DUE | {"renewal_on": day(119), "health": "red"}],
    "call_sales_in": [{"state": "paying"}],
    "overdue": [{"state": "paying", "terms_overdue": 1}],
    "churn_debrief": [{"state": "paying", "leaves": True}, {"state": "churned", "leaves": False, "mrr_changed_on": day(-1)}],
    "win_back": [{"state": "churned", "mrr_changed_on": day(-90)}, {"state": "churned", "mrr_changed_on": day(-90), "reached_us_on": day(-40)}],
}
RENEWED = DUE | {"renewal_on": day(300)}
SUCCEEDS: dict[str, dict[str, Any]] = {  # facts of an account on a later day, of which it is to say that it came about
    "handoff": {"kickoff_held": True},
    "kickoff": {"kickoff_held": True, "outcomes": 2},
    "onboarding_stall": {"onboarding": "under way"},
    "not_activated": {"activated": True},
    "usage_drop": {"usage_trend_adjusted": -0.05},
    "silence": {"silence": 6, "reached_us_on": DAY},
    "pre_escalation": TROUBLE | {"urgent_open": 0, "tickets_open": 0, "ticket_pain": 9},
    "champion_left": {"champion_live": True},
    "detractor": {"nps_latest": 8},
    "outcome_review": {"last_meeting_on": day(-3), "outcomes_late": 0, "outcome_due_on": day(80)},
    "seat_growth": {"expansion_90d": 150.0, "seats_taken_share": 0.7},
    "plan_fit": {"expansion_90d": 150.0, "limit_use": 0.4},
    "value_expansion": {"growth_deals_open": 1},
    "spread": {"team_spread": 2},
    "unowned_growth": {"growth_deals_open": 1},
    "renewal_180": RENEWED, "renewal_120": RENEWED, "renewal_90": RENEWED, "touchless_renewal": RENEWED, "save": RENEWED,
    "overdue": {"terms_overdue": 0, "state": "paying"},
    "win_back": {"state": "paying"},
}  # fmt: skip
LAPSED = {"state": "paying", "renewal_on": day(300), "terms_overdue": 1}  # another contract goes on; the one that it was about does not


@pytest.fixture
def known(db: None) -> Known:
    return known_in_book()


@pytest.fixture
def plays(known: Known) -> dict[str, Play]:
    found = {name: read("play", text, known, name) for (kind, name), text in shipped_texts().items() if kind == "play"}
    faults = {name: list(map(str, one.faults)) for name, one in found.items() if one.faults}
    assert not faults
    return {name: one.document for name, one in found.items()}


def truth(play: Play, slot: str, row: Mapping[str, object], known: Known) -> bool | None:
    """What one of its questions says of facts; None where it asks none."""
    condition = asked_by(play, known.measures).get(slot)
    return None if condition is None else evaluate(condition, row, DAY)


def began(play: Play, row: Mapping[str, object], known: Known) -> bool | None:
    """Whether what begins it is there."""
    by, texts = play.trigger, shipped_texts()
    if by.signal is not None:
        return evaluate(conditions_of(read("signal", texts["signal", by.signal], known).document, known.measures)[0], row, DAY)
    if by.segment is not None:
        return evaluate(condition_of(read("segment", texts["segment", by.segment], known).document, known.measures), row, DAY)
    if by.date is not None:
        at = row[by.date]
        return isinstance(at, date) and at + timedelta(by.days) == DAY
    return by.manual


def called(play: Play) -> set[str]:
    return {step.play for _, step in play.walk() if isinstance(step, CallStep)}


def words(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from words(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from words(value)


def test_all_are_there_and_belong_to_their_letter(plays: dict[str, Play]) -> None:
    assert len(CODES) == len(set(CODES.values())) == 28
    assert set(plays) == set(CODES)
    for name, play in plays.items():
        assert play.motion == MOTIONS[CODES[name][0]], name


def test_none_is_switched_on_by_itself_and_a_draft_says_what_it_waits_for(plays: dict[str, Play]) -> None:
    for name, play in plays.items():
        assert play.status in ("trial", "draft"), name
        assert bool(play.waits_for) == (play.status == "draft"), name


def test_each_says_what_it_is_for_and_whom_it_helps(plays: dict[str, Play]) -> None:
    for name, play in plays.items():
        assert play.steps, name
        assert play.description, name
        assert play.benefit is not None, name
        assert play.exit is not None, name
        for task in play.tasks():
            assert task.detail, f"{name}: {task.task}"


def test_what_begins_it_ships_and_is_in_use(plays: dict[str, Play], known: Known) -> None:
    texts = shipped_texts()
    for name, play in plays.items():
        kind = play.trigger.kind
        if kind in ("signal", "segment"):
            assert (kind, play.trigger.of) in texts, f"{name}: no {kind} {play.trigger.of}"
            found = read(kind, texts[kind, play.trigger.of], known, play.trigger.of)
            assert not found.faults, f"{name}: {found.faults}"
            assert found.document.in_use, name
        elif kind == "manual":
            assert play.status == "draft", f"{name} is in use, and nothing begins it"


def test_a_play_that_another_one_begins_is_there_and_none_comes_round_to_itself(plays: dict[str, Play]) -> None:
    assert any(called(play) for play in plays.values())
    for name, play in plays.items():
        for other in called(play):
            assert other in plays, f"{name}: no play {other}"
            assert plays[other].in_use or not play.in_use, f"{name} is in use and begins {other}, which is not"
        seen, waiting = set[str](), called(play)
        while waiting:
            at = waiting.pop()
            assert at != name, f"{name} begins itself"
            if at not in seen:
                seen.add(at)
                waiting |= called(plays[at])


def test_who_is_in_danger_is_held_out_of_nothing(plays: dict[str, Play]) -> None:
    """Whether to try is the firm's decision: nothing ships with it. And what helps those in danger is of a purpose that can never be tried so."""
    assert {name: play.hold_out for name, play in plays.items() if play.hold_out} == {}
    assert {name: play.purpose for name, play in plays.items() if play.purpose not in TRIED} == GUARDED


def test_mails_are_of_templates_that_there_are(plays: dict[str, Play]) -> None:
    used = {name: {step.mail for _, step in play.walk() if isinstance(step, MailStep)} for name, play in plays.items()}
    there = {name for kind, name in shipped_texts() if kind == "mail_template"}
    assert {name: mails - there for name, mails in used.items() if mails - there} == {}


def test_each_in_trial_says_what_it_is_to_bring_about(plays: dict[str, Play]) -> None:
    assert {name for name, play in plays.items() if play.in_use and play.success is None} == NO_SUCCESS


@pytest.mark.parametrize("name", CODES)
def test_on_the_day_it_begins_it_is_for_the_account_and_is_neither_over_nor_a_success(name: str, plays: dict[str, Play], known: Known) -> None:
    """Else it would end before its first task, or count as its own work what was so before."""
    play = plays[name]
    for row in BEGINS[name]:
        assert began(play, row, known) is True, row
        assert play.who is None or truth(play, "who", row, known) is True, row
        assert truth(play, "exit", row, known) is not True, row
        assert truth(play, "success", row, known) is not True, row


@pytest.mark.parametrize("name", sorted(set(CODES) - NO_SUCCESS))
def test_it_is_a_success_once_it_came_about(name: str, plays: dict[str, Play], known: Known) -> None:
    if plays[name].success is None:
        assert plays[name].status == "draft"
        assert name not in SUCCEEDS
    else:
        assert truth(plays[name], "success", SUCCEEDS[name], known) is True


@pytest.mark.parametrize("name", ["renewal_180", "renewal_120", "renewal_90", "touchless_renewal", "save"])
def test_a_contract_that_ran_out_unsigned_beside_another_is_no_renewal(name: str, plays: dict[str, Play], known: Known) -> None:
    assert truth(plays[name], "exit", LAPSED, known) is False
    assert truth(plays[name], "success", LAPSED, known) is False
    assert truth(plays[name], "exit", RENEWED, known) is True


@pytest.mark.parametrize("name", ["seat_growth", "plan_fit", "spread"])
@pytest.mark.parametrize("wrong", [{"pulse": "red"}, {"activated": False}, {"urgent_open": 1}, {"leaves": True}])
def test_nobody_sells_to_an_account_in_trouble(name: str, wrong: dict[str, Any], plays: dict[str, Play], known: Known) -> None:
    for row in BEGINS[name]:
        assert truth(plays[name], "who", row | wrong, known) is False


@pytest.mark.parametrize(
    ("facts", "settled"),
    [
        ({}, False), ({"renewal_called_on": day(-31), "renewal_call": "commit"}, False), ({"renewal_called_on": day(-1), "renewal_call": "commit"}, True),
        ({"renewal_called_on": day(-1), "renewal_call": "commit", "pulse": "red"}, False),
        ({"renewal_called_on": day(-1), "renewal_call": "likely", "renewal_likelihood": 0.5}, False),
        ({"renewal_called_on": day(-1), "renewal_call": "at_risk", "renewal_likelihood": 0.95}, False),
        ({"renewal_called_on": day(-1), "renewal_call": "at_risk", "renewal_likelihood": 0.5, "pulse": "red"}, True),
    ],
)  # fmt: skip
def test_a_manager_settles_a_call_that_is_missing_or_that_facts_speak_against(
    facts: dict[str, Any], settled: bool, plays: dict[str, Play], known: Known
) -> None:
    """What is unknown goes the way of else: no task."""
    found = truth(plays["renewal_90"], "2", BEGINS["renewal_90"][0] | facts, known)
    assert (found is not True) is settled


def test_words_are_plain(plays: dict[str, Play]) -> None:
    for name, play in plays.items():
        for text in words(play.model_dump()):
            assert not re.search(r"!(?!=)|leverag|synerg|delight|best-in-class|world-class|game.chang|reach out|touch base", text, re.IGNORECASE), f"{name}: {text}"
        assert play.name[1:] == play.name[1:].lower(), f"{name}: sentence case"
