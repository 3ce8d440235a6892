"""The health of a parent: an example by hand, and what holds of any family."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from laer.scores.roll_up import SHARE, Held, roll_up
from laer.scores.scorecard import BANDS

known = st.builds(Held, st.integers(1, 10**9), st.integers(0, 10_000).map(lambda n: n / 100), st.sampled_from(BANDS))
unknown = st.builds(Held, st.integers(0, 10**9), st.none(), st.none())
family = st.lists(known, min_size=1, max_size=12)
WORSE = {"green": 0, "yellow": 1, "red": 2}


def test_the_example_of_the_method_page() -> None:
    # 80 x 700 + 50 x 200 + 20 x 100 = 68,000 over 1,000 of ARR; red holds 10 %, yellow and red together 30 %: yellow
    found = roll_up([Held(700, 80, "green"), Held(200, 50, "yellow"), Held(100, 20, "red")])
    assert (found.score, found.band, found.known) == (68.0, "yellow", 1.0)
    assert found.shares == {"green": 0.7, "yellow": 0.2, "red": 0.1}


def test_a_fifth_of_the_arr_in_red_is_red_and_a_little_less_is_not() -> None:
    assert roll_up([Held(800, 90, "green"), Held(200, 30, "red")]).band == "red"
    assert roll_up([Held(801, 90, "green"), Held(199, 30, "red")]).band == "green"


def test_what_is_unknown_is_no_zero() -> None:
    assert roll_up([Held(50, 90, "green"), Held(50, None, None)]).score == 90
    assert roll_up([Held(50, 90, "green"), Held(50, None, None)]).band == "yellow", "half of it is unknown: at most yellow"
    nothing = roll_up([Held(20, 90, "green"), Held(80, None, None)])
    assert (nothing.score, nothing.band, nothing.known) == (None, None, 0.2)
    assert roll_up([]).band is None
    assert roll_up([Held(0, 90, "green")]).band is None, "nobody pays"


@given(family, st.randoms())
def test_it_lies_among_its_own_and_no_order_changes_it(there: list[Held], random: object) -> None:
    found = roll_up(there)
    assert found.score is not None
    assert min(one.score or 0 for one in there) - 0.005 <= found.score <= max(one.score or 0 for one in there) + 0.005
    assert found.band in {one.band for one in there} | {BANDS[1]}
    mixed = list(there)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert roll_up(mixed) == found


@given(family, st.integers(0, 11))
def test_a_worse_band_of_one_never_makes_the_whole_better(there: list[Held], which: int) -> None:
    one = there[which % len(there)]
    assume(one.band != "red")
    worse = [*there]
    worse[which % len(there)] = Held(one.arr, one.score, "red")
    assert WORSE[roll_up(worse).band or ""] >= WORSE[roll_up(there).band or ""]


@given(family, st.lists(unknown, max_size=6))
def test_more_that_is_unknown_changes_no_score_and_never_makes_it_better(there: list[Held], more: list[Held]) -> None:
    before, after = roll_up(there), roll_up([*there, *more])
    if after.score is None:
        assert after.known < 0.3
    else:
        assert after.score == before.score
        assert WORSE[after.band or ""] >= WORSE[before.band or ""]


@given(family)
def test_a_band_counts_from_its_share_on(there: list[Held]) -> None:
    whole = sum(one.arr for one in there)
    red = sum(one.arr for one in there if one.band == "red")
    assert (roll_up(there).band == "red") == (red >= SHARE * whole)
