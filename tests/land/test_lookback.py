"""The land lookback by hand: ages, short-term customers, what they had in common, and figures that move apart."""

from __future__ import annotations

from typing import Any

import pytest

from laer.land.lookback import at_age, conflicts, discount_band, in_common, short_term


def customer(account: int, paid: float = 0.0, left: int | None = None, ages: dict[int, dict[str, Any]] | None = None, **traits: Any) -> dict[str, Any]:
    return {"account_id": account, "paid": paid, "left_d": left, "ages": ages or {}, **dict.fromkeys(("segment", "seller", "lead_source", "discount_band")), **traits}


def seen(use: float | None = None, days: float | None = None, promised: int = 0, reached: int = 0) -> dict[str, Any]:
    return {"seat_use": use, "active_days_28d": days, "promised": promised, "reached": reached}


def test_who_left_before_cac_was_earned_back() -> None:
    assert short_term(customer(1, 5_000, left=10), 6_000, 0.8) == pytest.approx(2_000)
    assert short_term(customer(2, 10_000, left=20), 6_000, 0.8) is None
    assert short_term(customer(3, 100), 6_000, 0.8) is None  # it still pays


def test_an_age_counts_what_is_known_of_it_and_no_more() -> None:
    rows = [
        customer(1, ages={90: seen(0.3, 20, 2, 1)}), customer(2, ages={90: seen(0.6, promised=1)}), customer(3, ages={90: seen(days=2)}),
        customer(4, ages={90: seen()}), customer(5),
    ]  # fmt: skip
    found = at_age(rows, 90)
    assert (found.customers, found.known, found.under, found.promised, found.reached) == (4, 3, 2, 3, 1)
    assert (found.use, found.days) == (pytest.approx(0.45), 11)
    none = at_age(rows, 365)
    assert (none.customers, none.known, none.use) == (0, 0, None)


def test_a_trait_stands_out_only_beyond_chance() -> None:
    rows = [customer(n, seller="Quick" if n < 6 else "Kind") for n in range(26)]
    short = [0, 1, 2, 3, 4, 6, 7, 8, 9]  # 5 of Quick's 6, 4 of Kind's 20
    quick, kind = in_common(rows, short)
    assert (quick.value, quick.short, quick.n, quick.others, quick.more) == ("Quick", 5, 6, 0.2, True)
    assert (quick.low, quick.high) == (pytest.approx(0.436, abs=0.001), pytest.approx(0.970, abs=0.001))
    assert (kind.value, kind.more) == ("Kind", False)
    assert in_common(rows[:4], short) == []  # too few of any


def test_discounts_stand_in_bands() -> None:
    assert [discount_band(x) for x in (None, 0.0, 0.05, 0.1, 0.2, 0.21)] == [None, "none", "to 10 %", "to 10 %", "to 20 %", "over 20 %"]


def test_figures_that_move_apart_are_told_and_unknown_ones_are_not_compared() -> None:
    now = {"arr_won": 120.0, "activation_rate": 0.5, "win_rate": 0.3, "renewal_rate": 0.9, "new_accounts": 11.0, "silent_accounts": 20.0}
    before = {"arr_won": 100.0, "activation_rate": 0.6, "win_rate": 0.25, "renewal_rate": None, "new_accounts": 10.0, "silent_accounts": 10.0}
    found, known = conflicts(now, before)
    assert [(one.first, one.then) for one in found] == [("arr_won", "activation_rate"), ("new_accounts", "silent_accounts")]
    assert found[0].first_change == pytest.approx(0.2)
    assert known == 2
    calm, _ = conflicts(now | {"activation_rate": 0.595}, before)
    assert [one.first for one in calm] == ["new_accounts"]  # under 2 % is no move
