"""Does adoption pay: bands and verdicts by hand, and that no verdict claims more than its interval."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laer.renew.adoption import ENOUGH, band, part_of, verdict


@pytest.mark.parametrize(
    ("use", "trend", "expected"),
    [(None, -0.9, "unknown"), (0.8, None, "high"), (0.8, -0.25, "middle"), (0.79, 0.5, "middle"), (0.5, -0.3, "low"), (0.49, None, "low"), (0.1, -0.9, "low"), (1.2, -0.24, "high")],
)
def test_the_band_is_the_seats_in_use_and_one_lower_where_use_falls(use: float | None, trend: float | None, expected: str) -> None:
    assert band({"seat_use": use, "usage_trend": trend}) == expected


@pytest.mark.parametrize(("days", "expected"), [(0, "low"), (3, "low"), (4, "middle"), (11, "middle"), (12, "high"), (None, "unknown")])
def test_where_no_users_are_known_days_of_use_stand_for_seats(days: int | None, expected: str) -> None:
    assert band({"seat_use": None, "active_days_28d": days}) == expected
    assert band({"seat_use": 0.9, "active_days_28d": days}) == "high"


def rows(renewed: int, n: int, **more: Any) -> list[dict[str, Any]]:
    one = {"due": 100.0, "minutes": None, "touches": None, "days": None} | more
    return [one | {"result": "signed", "kept": 90.0, "renewed": 120.0, "expanded": 1.0} for _ in range(renewed)] + [
        one | {"result": "lost", "kept": 0.0, "renewed": 0.0, "expanded": None} for _ in range(n - renewed)
    ]  # fmt: skip


def test_the_figures_of_a_band_by_hand() -> None:
    """3 of 4 renewed, each of 100 for 120 with 90 kept: gross 270 / 400, net 360 / 400; minutes known of two: 30 and 90."""
    part = part_of([*rows(3, 4), ])
    assert (part.n, part.renewed, part.rate, part.gross, part.net, part.signed, part.expanded) == (4, 3, 0.75, 0.675, 0.9, 3, 1.0)
    known = part_of([*rows(1, 1, minutes=30), *rows(1, 1, minutes=90), *rows(1, 2)])
    assert known.effort == {"minutes": (60.0, 2), "touches": (None, 0), "days": (None, 0)}
    assert part_of([]).rate is None


def test_the_verdict_by_hand() -> None:
    found = verdict(part_of(rows(45, 50)), part_of(rows(30, 50)))
    assert found.kind == "more"
    assert (found.low, found.high) == (pytest.approx(0.132, abs=0.002), pytest.approx(0.449, abs=0.002))
    assert verdict(part_of(rows(30, 50)), part_of(rows(45, 50))).kind == "less"
    assert verdict(part_of(rows(42, 50)), part_of(rows(40, 50))).kind == "chance"


def test_too_few_of_a_band_say_nothing() -> None:
    assert verdict(part_of(rows(19, 19)), part_of(rows(0, 100))).kind == "few"
    assert verdict(part_of(rows(ENOUGH, ENOUGH)), part_of(rows(0, ENOUGH))).kind == "more"


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 60), st.integers(20, 60), st.data())
def test_the_interval_holds_the_difference_and_the_verdict_follows_it(n: int, m: int, data: st.DataObject) -> None:
    high, low = part_of(rows(data.draw(st.integers(0, n)), n)), part_of(rows(data.draw(st.integers(0, m)), m))
    found = verdict(high, low)
    assert found.low is not None and found.high is not None  # noqa: PT018
    assert found.low - 1e-6 <= high.renewed / n - low.renewed / m <= found.high + 1e-6
    assert found.kind == ("more" if found.low > 0 else "less" if found.high < 0 else "chance")
