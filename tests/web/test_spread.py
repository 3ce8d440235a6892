"""How the values of a measure are spread, worked by hand, and on random numbers: no row is lost, none stands in a bar that is not its own."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from laer.records.periods import day_number
from laer.web.runs.spread import WORDS, by_segment, quartiles, spread

pytestmark = pytest.mark.once


def column(*values: object) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def test_counts_stand_in_bars_of_one() -> None:
    found = spread("number", column(0.0, 0.0, 2.0, 3.0), whole=True)
    assert [(bar.key, bar.count) for bar in found.bars] == [("0", 2), ("1", 0), ("2", 1), ("3", 1)]
    assert found.at.tolist() == [0, 0, 2, 3]


def test_bars_have_one_round_width_and_hold_their_lower_edge() -> None:
    # 0 to 1,400 in at most 15 bars: 1400 / 15 is 93.3, so each is 100 wide
    found = spread("money", column(*(float(n) for n in (0, 99, 100, 700, 1400))))
    assert [(bar.low, bar.high) for bar in found.bars[:2]] == [(0, 100), (100, 200)]
    assert [bar.count for bar in found.bars if bar.count] == [2, 1, 1, 1]
    assert found.bars[-1].key == "1400..1500"


def test_what_lies_far_out_stands_in_a_last_bar_without_an_end() -> None:
    values = [*(float(n) for n in range(1, 100)), 1_000_000.0]
    found = spread("number", column(*values))
    last = found.bars[-1]
    assert (last.high, last.count >= 1, sum(bar.count for bar in found.bars)) == (None, True, 100)
    assert last.low is not None
    assert last.low < 200
    assert found.bars[0].low == 0


def test_one_value_alone_is_one_bar() -> None:
    assert [(bar.key, bar.count, bar.value) for bar in spread("money", column(45.5, 45.5)).bars] == [("45.5", 2, Decimal("45.5"))]


@pytest.mark.parametrize("seed", range(12))
def test_every_number_stands_between_the_edges_of_its_bar(seed: int) -> None:
    rng = random.Random(seed)
    make = (rng.random, lambda: rng.gauss(0, 10 ** rng.randint(-3, 6)), lambda: float(rng.randint(-5, 5)), lambda: rng.paretovariate(0.5))[seed % 4]
    values = [make() for _ in range(rng.randint(1, 400))]
    found = spread("number", column(*values), whole=seed % 2 == 0)
    assert sum(bar.count for bar in found.bars) == len(values)
    assert len(found.bars) <= 18
    for value, place in zip(values, found.at.tolist(), strict=True):
        bar = found.bars[place]
        if bar.value is None:
            assert bar.low is None or float(bar.low) <= value
            assert bar.high is None or value < float(bar.high)
    assert [found.at.tolist().count(place) for place in range(len(found.bars))] == [bar.count for bar in found.bars]
    assert len({bar.key for bar in found.bars}) == len(found.bars)


def test_days_stand_in_months_and_in_years_where_months_are_too_many() -> None:
    def days(*of: date) -> pa.ChunkedArray:
        return pa.chunked_array([pa.array([day_number(d) for d in of], pa.int32())])

    near = spread("date", days(date(2026, 11, 30), date(2027, 1, 1)))
    assert [(bar.key, bar.count) for bar in near.bars] == [("2026-11", 1), ("2026-12", 0), ("2027-01", 1)]
    far = spread("date", days(date(1, 1, 1), date(2027, 1, 1), date(2027, 5, 1)))
    assert [(bar.key, bar.count) for bar in far.bars] == [("1", 1), ("2027", 2)]
    assert quartiles("date", days(date(2026, 1, 1), date(2026, 1, 3), date(2026, 1, 9)))[2] == date(2026, 1, 3)


def test_rare_words_stand_in_no_bar() -> None:
    words = [f"w{n:02}" for n in range(WORDS + 5)] + ["w03"]
    found = spread("text", column(*words))
    assert (len(found.bars), found.bars[0].key, found.bars[0].count) == (WORDS, "w03", 2)
    assert int((found.at < 0).sum()) == 5


def test_nothing_known_is_no_bar_and_no_quartile() -> None:
    nothing = pa.chunked_array([pa.array([], pa.float64())])
    assert spread("number", nothing).bars == []
    assert quartiles("number", nothing) == []


def test_segments_count_unknown_apart() -> None:
    table = pa.table({"segment": ["A", "A", "A", None, "B"], "value": pa.array([1.0, None, 4.0, 9.0, None])})
    assert [(of.segment, of.accounts, of.n, of.middle) for of in by_segment("number", table)] == [("A", 3, 2, 2.5), (None, 1, 1, 9.0), ("B", 1, 0, None)]
