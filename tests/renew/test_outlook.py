"""The range of what comes in: the worked example, its bounds, and that little history makes it wide."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.renew.outlook import Base, base_of, outlook

SETTLED: dict[str | None, tuple[int, int]] = {"likely": (45, 50), "at_risk": (6, 10), None: (1, 4)}


def test_a_kind_with_twenty_settled_has_its_own_rate_and_a_rarer_one_that_of_all() -> None:
    """52 of 64 in all."""
    assert base_of("likely", SETTLED) == Base(45, 50, "likely")
    assert base_of("at_risk", SETTLED) == Base(52, 64, "all")
    assert base_of(None, SETTLED) == Base(52, 64, "all")
    assert base_of("likely", {"likely": (4, 5)}) is None  # too few to say anything
    assert base_of("likely", {}) is None


def test_the_middle_of_many_equal_renewals_is_their_rate() -> None:
    """200 renewals of 100 with 45 of 50 renewed: about 0.9 x 20,000, and the range holds it."""
    found = outlook([(100.0, Base(45, 50, "likely"))] * 200, ["5"] * 200, seed=1)
    assert found[""] == found["5"]
    assert found[""].middle == pytest.approx(18_000, rel=0.02)
    assert found[""].low < 18_000 < found[""].high


def test_one_likelihood_gives_what_a_coin_gives() -> None:
    """One renewal of 1,000 at 0.95: all but the worst twentieth of draws bring it, so the range is the sum itself; at 0.05 nothing."""
    assert outlook([(1_000.0, 0.95)], [""], seed=3)[""] == outlook([(1_000.0, 0.95)], [""], seed=3)[""]
    sure, lost = (outlook([(1_000.0, p)], ["x"], seed=3)["x"] for p in (0.95, 0.05))
    assert (sure.low, sure.middle, sure.high) == (1_000.0, 1_000.0, 1_000.0)
    assert (lost.low, lost.middle, lost.high) == (0.0, 0.0, 0.0)


def test_few_settled_renewals_make_a_wide_range() -> None:
    few, many = (outlook([(100.0, Base(9 * k, 10 * k, "all"))] * 50, ["m"] * 50, seed=7)["m"] for k in (1, 100))
    assert few.high - few.low > many.high - many.low


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.one_of(st.floats(0, 1), st.integers(0, 30).map(lambda k: Base(k, 30, "all"))), st.sampled_from("ab")), min_size=1, max_size=12),
    st.integers(0, 9),
)
def test_low_middle_and_high_stand_in_order_and_within_what_is_due(rows: list[tuple[float, float | Base, str]], seed: int) -> None:
    items, parts = [(due, base) for due, base, _part in rows], [part for *_rest, part in rows]
    found = outlook(items, parts, seed, draws=200)
    for part, one in found.items():
        total = sum(due for due, _base, own in rows if part in ("", own))
        assert 0 <= one.low <= one.middle <= one.high <= total + 0.02
    assert outlook(items, parts, seed, draws=200) == found
