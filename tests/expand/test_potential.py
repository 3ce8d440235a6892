"""Expansion potential: rates by hand, what counts once, and what holds for any past."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.expand.potential import GROWTH, PLAN, PRIOR, PRODUCT, SEATS, STRENGTH, Case, Rate, Rates, rates_of, reasons_of


def test_a_rate_by_hand() -> None:
    """30 of 100 grew; 20 accounts at one in ten are expected before: (30 + 2) / 120."""
    assert Rate(100, 30).likelihood == pytest.approx(32 / 120)
    assert Rate(100, 30).learned
    assert Rate().likelihood == PRIOR
    assert not Rate(29, 20).learned
    assert not Rate(500, 4).learned


def test_a_product_leans_on_all_products() -> None:
    cases = [Case(PRODUCT, "Insights", at < 40) for at in range(80)] + [Case(PRODUCT, "Vault", False)]
    rates = rates_of(cases)
    every = (40 + STRENGTH * PRIOR) / (81 + STRENGTH)
    assert rates.products.likelihood == pytest.approx(every)
    assert rates.of(PRODUCT, "Insights").likelihood == pytest.approx((40 + STRENGTH * every) / (80 + STRENGTH))
    assert rates.of(PRODUCT, "Vault").likelihood == pytest.approx(STRENGTH * every / (1 + STRENGTH))
    assert rates.of(PRODUCT, "unheard of").likelihood == pytest.approx(every)


def test_growth_of_full_seats_is_the_median_of_those_that_grew() -> None:
    cases = [Case(SEATS, "", True, share) for share in (0.1, 0.2, 0.3, 0.4, 0.5)] + [Case(SEATS, "", False)] * 5
    assert rates_of(cases).growth == 0.3
    assert rates_of(cases).seats.grew == 5
    assert rates_of(cases[:4]).growth == GROWTH


def test_reasons_by_hand() -> None:
    """Full seats: 1,000 x 10 % x 0.1 = 10. Next plan: (1,600 - 1,000) x 0.1 = 60, the greater of the two. A product of 200: 20. In all 80."""
    found = reasons_of(Rates(), 1000.0, full=True, tight=True, next_plan=("Scale", 1600.0), lacks=[("Vault", 200.0)])
    assert [(one.reason, one.name, round(one.worth, 6)) for one in found] == [(PLAN, "Scale", 60.0), (PRODUCT, "Vault", 20.0)]
    found = reasons_of(Rates(), 1000.0, full=True, tight=True, next_plan=("Scale", 900.0), lacks=[])
    assert [(one.reason, one.amount) for one in found] == [(SEATS, 100.0)]
    assert reasons_of(Rates(), 1000.0, full=False, tight=False, next_plan=("Scale", 1600.0), lacks=[]) == []


def test_rates_go_to_json_and_back() -> None:
    rates = rates_of([Case(SEATS, "", True, 0.2), Case(PLAN, "", False), Case(PRODUCT, "Vault", True)])
    assert Rates.from_dict(json.loads(json.dumps(rates.as_dict()))) == rates


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from([SEATS, PLAN, PRODUCT]), st.sampled_from(["", "A", "B"]), st.booleans(), st.floats(0.01, 3)), max_size=20), st.floats(1, 1e6))
def test_a_likelihood_is_one_and_worth_is_never_more_than_the_amount(cases: list[tuple[str, str, bool, float]], mrr: float) -> None:
    rates = rates_of(Case(reason, name, grew, share if grew else None) for reason, name, grew, share in cases)
    for one in reasons_of(rates, mrr, full=True, tight=True, next_plan=("Scale", 2 * mrr), lacks=[("A", 5.0), ("B", 7.0)]):
        assert 0 < one.likelihood < 1
        assert 0 < one.worth < one.amount
        assert one.n <= len(cases)
