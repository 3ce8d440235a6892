"""How well a score would have foreseen what came: by hand, against another route, and on noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.scores.evaluation import auc
from laer.scores.replay import Rows, area_of, compare, judge, wilson

H = 90


def rows(account: list[int], day: list[int], score: list[float | None], until: list[float | None], **more: Any) -> Rows:
    """Scores in points; a band by 70 and 40."""
    points = np.array([np.nan if one is None else one * 100 for one in score])
    band = np.where(np.isnan(points), 3, np.where(points >= 7000, 0, np.where(points >= 4000, 1, 2)))
    n = len(account)
    made = Rows(np.array(account), np.array(day), points, band, np.ones(n, bool), np.full(n, 0.8), np.ones(n, bool),
        np.array([np.inf if one is None else one for one in until]), np.ones(n, bool))  # fmt: skip
    return replace(made, **{name: np.array(value) for name, value in more.items()})


def noise(accounts: int = 80, months: int = 12, seed: int = 1, strength: float = 0.0) -> Rows:
    draw = np.random.default_rng(seed)
    account, day = np.repeat(np.arange(accounts), months), np.tile(np.arange(months) * 30, accounts)
    quality = np.repeat(draw.normal(size=accounts), months)
    leaves = np.where(draw.random(accounts) < 1 / (1 + np.exp(1 + strength * draw.normal(size=accounts) * 0 + strength * quality[::months])), draw.integers(100, 360, accounts), 10_000)
    until = np.repeat(leaves, months) - day
    keep = until > 0
    score = np.clip(50 + 15 * quality + draw.normal(0, 10, accounts * months), 0, 100)
    found = rows(account[keep].tolist(), day[keep].tolist(), score[keep].tolist(), [float(one) if one < 5000 else None for one in until[keep]])
    return replace(found, settled=found.day + H <= 360)


def test_auc_and_lift_by_hand() -> None:
    """Ten accounts, one date. The two that left have 10 and 40 points; of 16 pairs 10 stands below all 8, 40 below 6 and even with none: 14/16."""
    found = rows(list(range(10)), [0] * 10, [10, 40, 20, 30, 50, 60, 70, 80, 90, 95], [30, 60, None, None, None, None, None, None, None, None])
    area = area_of(found, found.score, H)
    assert area.auc == pytest.approx(14 / 16)
    assert area.lift == pytest.approx((1 / 1) / (2 / 10))  # the lowest tenth is one row, and it left
    assert (area.rows, area.events, area.accounts, area.base_rate) == (10, 2, 2, 0.2)
    assert area.verdict == "few"


def test_only_settled_rows_of_paying_accounts_with_a_score_are_judged() -> None:
    found = rows([1, 2, 3, 4, 5], [0] * 5, [10, 20, 30, None, 50], [30, None, None, 30, 30], paying=[True, False, True, True, True],
        settled=[True, True, True, True, False])  # fmt: skip
    assert area_of(found, found.score, H).rows == 2


def test_warnings_and_false_greens_by_hand() -> None:
    """Account 1 turns yellow 70 days before it leaves and stays so; 2 is green to the end; 3 was red, then green, and leaves green after 40 days."""
    found = rows([1, 1, 1, 2, 2, 2, 3, 3, 3], [0, 30, 60] * 3, [90, 60, 50, 90, 85, 80, 20, 90, 75], [100, 70, 40, 110, 80, 50, 100, 70, 40])
    told = judge(found, H)
    assert (told.outcomes, told.warned, told.lead) == (3, 1, 70.0)
    assert [(one.account, one.green_on, one.came_on, one.days, one.score) for one in told.missed] == [(2, 60, 110, 50, 80.0), (3, 60, 100, 40, 75.0)]


def test_stability_counts_bands_that_are_known_twice() -> None:
    found = rows([1, 1, 1, 2, 2, 2], [0, 30, 60] * 2, [90, 60, 60, 90, None, 90], [None] * 6)
    told = judge(found, H)
    assert told.stability == pytest.approx(1 / 2)  # of account 1 two steps, one changed; of account 2 none is known at both ends
    assert [(one.both, one.changed) for one in told.months] == [(0, 0), (1, 1), (1, 0)]


def test_bands_say_what_came_of_them() -> None:
    found = rows([1, 2, 3, 4], [0] * 4, [90, 50, 20, 10], [None, 30, 30, None])
    assert [(one.band, one.rows, one.events) for one in judge(found, H).bands] == [("green", 1, 0), ("yellow", 1, 1), ("red", 2, 1)]
    assert wilson(0, 0) == (None, None, None)
    share, low, high = wilson(1, 2)
    assert low is not None
    assert high is not None
    assert share == 0.5
    assert 0 < low < 0.5 < high < 1


def test_noise_is_said_to_be_noise() -> None:
    """With 95 % intervals, one seed in twenty may pass on either side; of these twenty at most three do."""
    passed = sum(area_of(one, one.score, H).usable for one in (noise(seed=seed) for seed in range(20)))
    assert passed <= 3


def test_a_strong_signal_is_seen_and_a_shuffled_challenger_is_worse() -> None:
    good = noise(200, strength=2.5)
    assert judge(good, H).area.verdict == "usable"
    shuffled = replace(good, score=np.random.default_rng(5).permutation(good.score))
    told = compare(good, shuffled, H)
    assert told.verdict == "worse"
    assert told.high is not None
    assert told.high < 0
    assert compare(good, good, H).verdict == "alike"
    assert compare(good, good, H).difference == 0
    upside_down = replace(good, score=10_000 - good.score)
    assert judge(upside_down, H).area.verdict == "wrong"


def test_without_an_outcome_nothing_is_said() -> None:
    told = judge(rows([1, 2], [0, 0], [90, 10], [None, None]), H)
    assert told.area.auc is None
    assert told.area.verdict == "few"
    empty = judge(rows([], [], [], []), H)
    assert (empty.known, empty.stability, empty.lead, empty.missed) == (None, None, None, ())


def test_intervals_are_drawn_by_account_and_not_by_row() -> None:
    """The same account a hundred times over is one account: more copies of the same rows make no narrower interval."""
    few = noise(60, months=2, seed=3, strength=1.0)
    many = Rows(*(np.repeat(getattr(few, name), 20) for name in ("account", "day", "score", "band", "applies", "coverage", "paying", "until", "settled")))
    one, other = area_of(few, few.score, 200), area_of(many, many.score, 200)
    assert one.auc == pytest.approx(other.auc)
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_auc_agrees_with_mid_ranks(pairs: list[tuple[int, bool]]) -> None:
    found = rows(list(range(len(pairs))), [0] * len(pairs), [float(score) for score, _ in pairs], [30.0 if came else None for _, came in pairs])
    other = auc(-found.score, np.array([float(came) for _, came in pairs]))
    mine = area_of(found, found.score, H).auc
    assert (mine is None) == (other is None)
    if other is not None:
        assert mine == pytest.approx(other[0])
