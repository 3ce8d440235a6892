"""The arithmetic of scorecards: contributions sum to the score, missing weight goes to siblings, normalisers are monotone, caps hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from laer.scores.points import CAPPED, Known, points_of, score
from laer.scores.scorecard import Leaf, Scorecard

NAN = float("nan")


def card(parts: list[dict[str, Any]], **more: Any) -> Scorecard:
    return Scorecard.model_validate({"id": "x", "name": "X", "applies": "state is paying", "parts": parts, **more})


def line(measure: str, weight: int = 1, worst: float = 0, best: float = 100) -> dict[str, Any]:
    return {"measure": measure, "weight": weight, "linear": {"worst": worst, "best": best}}


def known(of: dict[str, list[float]], conditions: dict[str, list[float]] | None = None, connected: dict[str, list[bool]] | None = None) -> Known:
    rows = len(next(iter(of.values())))
    numbers = {name: np.array(values, np.float64) for name, values in of.items()}
    asked = {"applies": np.ones(rows)} | {name: np.array(values, np.float64) for name, values in (conditions or {}).items()}
    return Known(rows, numbers, {}, asked, {name: np.array(flags) for name, flags in (connected or {}).items()})


def test_a_card_by_hand() -> None:
    """60 and 40 of 100: (50 x 60 + 75 x 40) / 100 = 60; without the second, the first alone: 50; nothing known: no score."""
    of = card([line("a", 60), line("b", 40)])
    found = score(of, known({"a": [50, 50, NAN], "b": [75, NAN, NAN]}))
    assert found.score[:2].tolist() == [6_000, 5_000]
    assert np.isnan(found.score[2])
    assert found.coverage.tolist() == [10_000, 6_000, 0]
    assert [found.contributions[key][0] for key in ("a", "b", CAPPED)] == [3_000, 3_000, 0]
    assert found.weights["a"].tolist()[:2] == [6_000, 10_000]


def test_missing_weight_stays_within_its_group() -> None:
    """Of a group that weighs half, one of two is unknown: the other takes the whole half, and the rest of the card weighs as before."""
    of = card([{"group": "g", "weight": 1, "parts": [line("a"), line("b")]}, line("c")])
    found = score(of, known({"a": [100], "b": [NAN], "c": [0]}))
    assert found.score[0] == 5_000
    assert (found.weights["a"][0], found.weights["b"][0], found.weights["c"][0]) == (5_000, 0, 5_000)
    assert found.coverage[0] == 7_500


def test_a_group_of_which_nothing_is_known_gives_its_weight_away() -> None:
    of = card([{"group": "g", "weight": 1, "parts": [line("a"), line("b")]}, line("c"), line("e", 2)])
    found = score(of, known({"a": [NAN], "b": [NAN], "c": [100], "e": [40]}))
    assert found.score[0] == 6_000


def test_what_has_no_source_does_not_count_against_coverage() -> None:
    of = card([line("a", 40), line("b", 60)])
    unlinked = score(of, known({"a": [80], "b": [NAN]}, connected={"a": [True], "b": [False]}))
    linked = score(of, known({"a": [80], "b": [NAN]}))
    assert (unlinked.coverage[0], unlinked.connected[0], unlinked.limit[0]) == (10_000, 4_000, 0)
    assert (linked.coverage[0], linked.limit[0]) == (4_000, 1)
    assert unlinked.score[0] == 8_000
    assert linked.score[0] == 6_999, "known below 60 %: at most yellow"


def test_below_thirty_per_cent_there_is_no_score() -> None:
    of = card([line("a", 29), line("b", 71)])
    assert np.isnan(score(of, known({"a": [80], "b": [NAN]})).score[0])
    assert np.isnan(score(of, known({"a": [80], "b": [NAN]}, connected={"a": [True], "b": [False]})).score[0]), "too few sources"


def test_caps_take_what_no_average_hides_and_the_sum_still_ties() -> None:
    of = card([line("a")], caps=[{"band": "red", "when": "leaves is yes", "because": "they leave"}, {"band": "yellow", "any_below": 20, "because": "x"}])
    found = score(of, known({"a": [95, 95, 10]}, {"cap 0": [1, NAN, 0]}))
    assert found.score.tolist() == [3_999, 9_500, 1_000]
    assert found.contributions[CAPPED].tolist() == [3_999 - 9_500, 0, 0]
    assert found.limit.tolist() == [2, 0, 1]


PARTS = st.recursive(
    st.tuples(st.integers(1, 99), st.just(None)), lambda inner: st.tuples(st.integers(1, 99), st.lists(inner, min_size=1, max_size=4)), max_leaves=12
)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), shape=st.lists(PARTS, min_size=1, max_size=5))
def test_contributions_sum_to_the_score_whatever_is_known(data: st.DataObject, shape: list[Any]) -> None:
    names: list[str] = []

    def made(one: Any, level: int) -> dict[str, Any]:
        weight, inner = one
        if inner is None or level > 2:
            names.append(f"m{len(names)}")
            return line(names[-1], weight)
        return {"group": "g", "weight": weight, "parts": [made(part, level + 1) for part in inner]}

    of = card([made(one, 0) for one in shape])
    values = {name: data.draw(st.lists(st.one_of(st.just(NAN), st.floats(-20, 130)), min_size=3, max_size=3)) for name in names}
    found = score(of, known(values))
    for row in range(3):
        total = sum(part[row] for part in found.contributions.values())
        weights = sum(part[row] for part in found.weights.values())
        some = any(not np.isnan(values[name][row]) for name in names)
        assert weights == (10_000 if some else 0)
        assert np.isnan(found.score[row]) == (found.coverage[row] < 3_000), "there is a score where enough is known, and nowhere else"
        if not np.isnan(found.score[row]):
            assert total == found.score[row]
            assert 0 <= found.score[row] <= 10_000
        exact = sum(found.points[name][row] * found.weights[name][row] / 10_000 for name in names if not np.isnan(found.points[name][row]))
        assert abs(exact - (total - found.contributions[CAPPED][row])) <= len(names) + 1
        assert all(part[row] >= 0 for name, part in found.contributions.items() if name != CAPPED)
        assert 0 <= found.coverage[row] <= 10_000


WAYS: list[tuple[dict[str, Any], bool]] = [
    ({"linear": {"worst": 0, "best": 10}}, True),
    ({"linear": {"worst": 10, "best": 0}}, False),
    ({"linear": {"worst": "-30 %", "best": "10 %"}}, True),
    ({"tiers": [{"at_least": 5, "points": 60}, {"at_least": 0, "points": 10}, {"at_least": 9, "points": 100}]}, True),
    ({"tiers": [{"at_least": 0, "points": 100}, {"at_least": 3, "points": 0}]}, False),
    ({"target": {"of": 8}}, True),
]


@pytest.mark.parametrize(("way", "rising"), WAYS)
@given(values=st.lists(st.floats(-50, 50), min_size=2, max_size=20))
@settings(max_examples=40, deadline=None)
def test_normalisers_are_monotone_and_stay_within_their_points(way: dict[str, Any], rising: bool, values: list[float]) -> None:
    leaf = Leaf.model_validate({"measure": "a", "weight": 1} | way)
    floor = 0 if not rising and leaf.tiers else -50
    ordered = sorted([*(value for value in values if value >= floor), max(floor, -50), 50])  # both ends are always there, and differ
    found = points_of(leaf, known({"a": ordered}))
    assert found[0] != found[-1]
    steps = np.diff(found)
    assert np.all(steps >= 0) if rising else np.all(steps <= 0)
    assert np.all((found >= 0) & (found <= 10_000))
    assert np.all(found == np.floor(found))


def test_rules_that_are_unknown_before_one_that_holds_say_nothing() -> None:
    leaf = Leaf.model_validate({"id": "r", "weight": 1, "rules": {"first": [{"when": "a", "points": 0}, {"when": "b", "points": 80}], "otherwise": 50}})
    conditions = {"r 0": [1, 0, 0, NAN, NAN], "r 1": [1, 1, 0, 1, 0]}
    found = points_of(leaf, known({"a": [0] * 5}, conditions))
    assert found[:3].tolist() == [0, 8_000, 5_000]
    assert np.isnan(found[3:]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parts": [{"measure": "a", "weight": 1}]}, "expected exactly one"),
        ({"parts": [line("a") | {"target": {"of": 3}}]}, "expected exactly one"),
        ({"parts": [line("a"), line("a")]}, "two parts are called a"),
        ({"parts": [line("a", worst=3, best=3)]}, "two different values"),
        ({"parts": [line("a")], "bands": {"green": 40, "yellow": 60}}, "each bound lies above"),
        ({"parts": [line("a")], "caps": [{"band": "red", "because": "x"}]}, "expected exactly one"),
        ({"parts": [{"weight": 1, "rules": {"first": [{"when": "a", "points": 1}]}}]}, "rules need an id"),
        ({"parts": [line("a", worst=0) | {"weight": 0}]}, "greater than or equal to 1"),
    ],
)
def test_a_card_that_cannot_be_computed_says_why(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        card(**change)
