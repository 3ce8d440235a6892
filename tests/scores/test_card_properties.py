"""What holds of any card: coverage as counted from the tree, caps that only take, bands as a fold over unknown days and caps. None of them passes on nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.scores.bands import fold
from laer.scores.points import CAPPED, NO_CAP, Known, score
from laer.scores.scorecard import Scorecard, Thresholds

NAN = float("nan")
BASE = {"id": "card", "name": "Card", "status": "stable", "applies": "a > 0", "parts": []}
PARTS = st.recursive(
    st.tuples(st.integers(1, 99), st.just(None)), lambda inner: st.tuples(st.integers(1, 99), st.lists(inner, min_size=1, max_size=4)), max_leaves=10
)
LINEAR = {"linear": {"worst": 0, "best": 100}}
STATES = ("known", "unknown", "without source")


def built(shape: list[Any]) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """The parts of a card, and each leaf's share of the whole."""
    shares: dict[str, float] = {}

    def parts(inner: list[Any], share: float, level: int) -> list[dict[str, Any]]:
        whole, made = sum(weight for weight, _ in inner), []
        for weight, deeper in inner:
            own = share * weight / whole
            if deeper is None or level > 2:
                name = f"m{len(shares)}"
                shares[name] = own
                made.append({"measure": name, "weight": weight, **LINEAR})
            else:
                made.append({"group": "g", "weight": weight, "parts": parts(deeper, own, level + 1)})
        return made

    return parts(shape, 1.0, 0), shares


def scored(parts: list[dict[str, Any]], values: dict[str, float], linked: dict[str, bool], caps: list[dict[str, Any]] = [], holds: list[float] = []) -> Any:  # noqa: B006
    card = Scorecard.model_validate(BASE | {"parts": parts, "caps": caps})
    conditions = {"applies": np.array([1.0])} | {f"cap {place}": np.array([one]) for place, one in enumerate(holds)}
    return score(card, Known(1, {n: np.array([v]) for n, v in values.items()}, {}, conditions, {n: np.array([v]) for n, v in linked.items()}))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), shape=st.lists(PARTS, min_size=1, max_size=4))
def test_coverage_is_the_known_share_of_what_is_connected_and_decides_whether_there_is_a_score(data: st.DataObject, shape: list[Any]) -> None:
    parts, shares = built(shape)
    states = {name: data.draw(st.sampled_from(STATES)) for name in shares}
    values = {name: 50.0 if state == "known" else NAN for name, state in states.items()}
    found = scored(parts, values, {name: state != "without source" for name, state in states.items()})
    seen = sum(shares[n] for n, state in states.items() if state == "known")
    reach = sum(shares[n] for n, state in states.items() if state != "without source")
    expected = seen / reach if reach else 0.0
    assert abs(found.coverage[0] / 10_000 - expected) < 2e-4
    assert abs(found.connected[0] / 10_000 - reach) < 2e-4
    if min(abs(expected - 0.3), abs(reach - 0.3)) > 1e-3:  # not on the bound itself, where rounding decides
        assert np.isnan(found.score[0]) == (expected < 0.3 or reach < 0.3)
    if not np.isnan(found.score[0]) and abs(expected - 0.6) > 1e-3:
        assert (found.limit[0] >= 1) == (expected < 0.6), "below 60 % the band is at most yellow"


@settings(max_examples=200, deadline=None)
@given(
    points=st.lists(st.integers(0, 100), min_size=1, max_size=5),
    caps=st.lists(st.tuples(st.sampled_from(["yellow", "red"]), st.sampled_from([1.0, 0.0, NAN])), max_size=4),
)
def test_caps_only_take_the_worst_decides_and_the_sum_ties(points: list[int], caps: list[tuple[str, float]]) -> None:
    parts = [{"measure": f"m{n}", "weight": n + 1, **LINEAR} for n in range(len(points))]
    values, linked = {f"m{n}": float(p) for n, p in enumerate(points)}, {f"m{n}": True for n in range(len(points))}
    free = scored(parts, values, linked)
    found = scored(parts, values, linked, [{"band": band, "when": "a > 0", "because": "it is so"} for band, _ in caps], [holds for _, holds in caps])
    in_force = [band for band, holds in caps if holds == 1]
    bound = {"red": 4_000, "yellow": 7_000}["red" if "red" in in_force else "yellow"] if in_force else 10_001
    assert found.score[0] == min(free.score[0], bound - 1)
    assert found.contributions[CAPPED][0] == found.score[0] - free.score[0]
    assert sum(part[0] for part in found.contributions.values()) == found.score[0]
    assert found.limit[0] == (2 if "red" in in_force else 1 if in_force else 0)
    assert (found.capped[0] == NO_CAP) == (not in_force), "what is unknown caps nothing"


def plainly(days: list[tuple[float, int]]) -> list[str]:
    """Bands one day after the other, said without arrays."""
    green = yellow = None
    found = []
    for points, limit in days:
        if points != points:
            found.append("unknown")
            continue
        green = points >= 70 or (points >= 67 and limit < 1 and green is True)
        yellow = points >= 40 or (points >= 37 and limit < 2 and yellow is True)
        found.append("green" if green else "yellow" if yellow else "red")
    return found


DAY = st.tuples(st.one_of(st.just(NAN), st.integers(6_600, 7_100).map(lambda n: n / 100), st.integers(3_600, 4_100).map(lambda n: n / 100)), st.just(0))
CAPPED_DAY = st.one_of(st.integers(0, 6_999).map(lambda n: (n / 100, 1)), st.integers(0, 3_999).map(lambda n: (n / 100, 2)))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(DAY, CAPPED_DAY), min_size=2, max_size=30))
def test_bands_are_a_fold_over_unknown_days_and_capped_ones(days: list[tuple[float, int]]) -> None:
    row, limits = np.array([[points for points, _ in days]]) * 100, np.array([[limit for _, limit in days]])
    found = [("green", "yellow", "red", "unknown")[place] for place in fold(np.round(row), limits, Thresholds())[0]]
    assert found == plainly(days)


def test_what_was_held_makes_a_difference() -> None:
    """That the fold is no function of the day alone: else the property above would say nothing of holding."""
    assert plainly([(72, 0), (68, 0)])[-1] == "green" != plainly([(66, 0), (68, 0)])[-1]
