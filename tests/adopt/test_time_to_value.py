"""Time to value: the page's example by hand, an independent formula on random firms, and what holds of every curve."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.adopt.time_to_value import Span, time_to_value

PAGE = Path(__file__).parents[2] / "docs" / "methods" / "time-to-value.md"
FREIREICH = {  # remission in weeks under 6-MP (Freireich et al. 1963), as Kaplan-Meier is taught: + is censored
    "6 6 6 7 10 13 16 22 23": True,
    "6 9 10 11 17 19 20 25 32 32 34 35": False,
}
spans = st.lists(st.builds(Span, st.integers(0, 40), st.booleans()), min_size=1, max_size=40)


def example() -> list[Span]:
    """The accounts of the page's table."""
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (yes|no) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [Span(int(days), there == "yes") for _, days, there in rows]


def test_the_example_of_the_page() -> None:
    found = time_to_value(example())
    assert (found.n, found.reached) == (8, 5)
    assert [(s.days, s.at_risk, s.reached) for s in found.curve] == [(5, 8, 1), (9, 7, 1), (14, 5, 1), (21, 4, 1), (60, 1, 1)]
    assert [round(s.share, 4) for s in found.curve] == [0.125, 0.25, 0.4, 0.55, 1.0]
    assert [q.days for q in found.quartiles] == [9, 21, 60]


def test_a_published_example_gives_its_published_curve() -> None:
    found = time_to_value(Span(int(week), reached) for weeks, reached in FREIREICH.items() for week in weeks.split())
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {s.days: round(1 - s.share, 3) for s in found.curve} == published
    assert found.median.days == 23
    # Kleinbaum and Klein, Survival Analysis, 3rd ed., table of Stata's `sts list`: log-log intervals of the same data
    at_six = found.curve[0]
    assert (round(1 - at_six.high, 3), round(1 - at_six.low, 3)) == (0.620, 0.952)


@settings(max_examples=200, deadline=None)
@given(spans)
def test_a_second_formula_comes_to_the_same(given: list[Span]) -> None:
    """Efron's redistribution to the right: who leaves our sight hands their weight on in equal parts to who stays longer."""
    order = sorted(given, key=lambda s: (s.days, not s.reached))
    weight = [Fraction(1, len(order))] * len(order)
    for place, span in enumerate(order):
        later = len(order) - place - 1
        if not span.reached and later:
            weight[place + 1 :] = [w + weight[place] / later for w in weight[place + 1 :]]
            weight[place] = Fraction(0)
    shares = {s.days: s.share for s in time_to_value(given).curve}
    for day, share in shares.items():
        assert math.isclose(share, float(sum(w for w, s in zip(weight, order, strict=True) if s.reached and s.days <= day)), abs_tol=1e-9)


@settings(max_examples=200, deadline=None)
@given(spans)
def test_what_holds_of_every_curve(given: list[Span]) -> None:
    found = time_to_value(given)
    assert all(a.share < b.share for a, b in pairwise(found.curve))
    assert all(0 <= s.low <= s.share + 1e-12 and s.share <= s.high + 1e-12 and s.high <= 1 for s in found.curve)
    for q in found.quartiles:
        assert q.days is None or q.high is None or q.days <= q.high
        assert q.days is None or q.low is None or q.low <= q.days


def test_without_censoring_it_is_the_plain_share() -> None:
    found = time_to_value([Span(d, True) for d in (3, 3, 5, 8)])
    assert [(s.days, s.share) for s in found.curve] == [(3, 0.5), (5, 0.75), (8, 1.0)]


def test_where_few_are_there_the_median_is_not_known() -> None:
    found = time_to_value([Span(4, True)] + [Span(30, False)] * 9)
    assert (found.median.days, found.median.high) == (None, None)
    assert found.median.low == 4  # by the upper bound of the share, half could be there already
    assert time_to_value([]).median.days is None


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="-2 days"):
        time_to_value([Span(-2, True)])
