"""Booked against live ARR: the page's example by hand, the identity on random books, and a second route in plain Python."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laer.metrics import booked, changes
from laer.metrics.booked import BOOKED, LIVE, STEPS, Deal, Rise, bridge
from tests.metrics.books import DAY0, LENGTH, MONTHS, arrow, books, day, line, month, month_of, paid, unbound

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ALDER, BIRCH, CEDAR, DOGWOOD, ELM = range(1, 6)
JANUARY, FEBRUARY = month("2026-01"), month("2026-02")


@pytest.fixture(scope="module")
def expressions():
    risen = booked.rises(changes.mrr_changes(unbound()))
    return risen, booked.begun(booked.sold_table(), risen)


def sold(rows) -> pa.Table:
    """(id, account, plan day, MRR)"""
    columns = list(zip(*rows, strict=True)) or [()] * 4
    kinds = (pa.int64(), pa.int64(), pa.int32(), pa.float64())
    return pa.table({n: pa.array(c, k) for n, c, k in zip(booked.SOLD, columns, kinds, strict=True)})


def example(expressions, rows_of) -> tuple[list[Deal], list[Rise]]:
    """docs/methods/booked.md: MRR of 1,000, 1,800, 500, none, 100; what was sold is ARR."""
    lines = [
        line(ALDER, "2026-02-01", None, 1_000),
        line(BIRCH, "2026-01-25", None, 1_800),
        line(CEDAR, "2026-01-01", None, 500),
        line(ELM, "2026-01-12", None, 100),
    ]
    said = [  # account, signed, to begin, ARR
        (ALDER, "2026-01-10", "2026-02-01", 12_000),
        (BIRCH, "2026-01-20", "2026-01-20", 24_000),
        (CEDAR, "2025-12-15", "2026-01-01", 6_000),
        (DOGWOOD, "2026-01-05", "2026-01-05", 3_600),
    ]
    risen, begun = expressions
    table = arrow(lines)
    rises = [Rise(r["account_id"], r["d"], r["m"], Fraction(12 * r["rise"])) for r in rows_of(risen, lines=table)]
    found = {r["opportunity_id"]: r for r in rows_of(begun, lines=table, sold=sold([(a, a, day(p), arr / 12) for a, _, p, arr in said]))}
    deals = []
    for account, signed, plan, arr in said:
        at = found[account]["d"] if account in found else day(plan)
        deals.append(Deal(account, account, Fraction(arr), month_of(day(signed)), at, month_of(at), account in found))
    return deals, rises


def sums(parts) -> dict[str, Fraction]:
    total: Counter[str] = Counter()
    for part in parts:
        total[part.step] += part.arr
    return dict(total)


def test_the_example_of_the_page(expressions, rows_of) -> None:
    deals, rises = example(expressions, rows_of)
    assert sums(bridge(deals, rises, JANUARY, JANUARY)) == {
        "booked": 39_600,  # 12,000 + 24,000 + 3,600
        "not_started": -12_000,  # Alder begins in February
        "slipped_in": 6_000,  # Cedar was signed in December
        "unbilled": -3_600,  # Dogwood has no line
        "smaller": -2_400,  # Birch: 12 x 1,800 = 21,600 of 24,000
        "unsold": 1_200,  # Elm: 12 x 100
        "live": 28_800,  # 21,600 + 6,000 + 1,200 = 39,600 - 12,000 + 6,000 - 3,600 - 2,400 + 1,200
    }
    assert sums(bridge(deals, rises, FEBRUARY, FEBRUARY)) == {"slipped_in": 12_000, "live": 12_000}
    assert sums(bridge(deals, rises, JANUARY, FEBRUARY)) == {
        "booked": 39_600, "slipped_in": 6_000, "unbilled": -3_600, "smaller": -2_400, "unsold": 1_200, "live": 40_800,
    }  # fmt: skip


def test_what_went_live_before_it_was_signed_is_said_on_both_sides() -> None:
    deal, rise = Deal(1, 1, Fraction(500), FEBRUARY, day("2026-01-20"), JANUARY, True), Rise(1, day("2026-01-20"), JANUARY, Fraction(600))
    assert sums(bridge([deal], [rise], JANUARY, JANUARY)) == {"signed_later": 500, "larger": 100, "live": 600}
    assert sums(bridge([deal], [rise], FEBRUARY, FEBRUARY)) == {"booked": 500, "began_before": -500}


def test_a_rise_of_what_was_sold_is_taken_before_a_nearer_one(expressions, rows_of) -> None:
    lines = arrow([line(1, "2024-01-05", None, 30), line(1, "2024-02-01", None, 100)])
    found = rows_of(expressions[1], lines=lines, sold=sold([(1, 1, day("2024-01-06"), 100.5), (2, 1, day("2024-01-06"), 60.0), (3, 1, day("2024-06-30"), 100.0)]))
    assert {r["opportunity_id"]: r["d"] for r in found} == {1: day("2024-02-01"), 2: day("2024-01-05")}  # the third is five months away


def test_two_opportunities_that_begin_on_one_day_are_compared_together() -> None:
    at = day("2026-01-20")
    deals = [Deal(n, 1, Fraction(arr), JANUARY, at, JANUARY, True) for n, arr in ((1, 500), (2, 300))]
    parts = bridge(deals, [Rise(1, at, JANUARY, Fraction(700))], JANUARY, JANUARY)
    assert [(p.arr, p.opportunities) for p in parts if p.step == "smaller"] == [(-100, (1, 2))]


sales = st.lists(
    st.tuples(st.integers(0, 6), st.integers(-40, LENGTH + 40), st.integers(-40, 120), st.sampled_from([1, 3, 6, 10, 99, 100, 12_345_678_901])), max_size=12
)


def plain_rises(lines) -> list[tuple[int, int, int]]:
    """Second route: account, day and rise, from what each account pays day by day."""
    found = []
    for account, days in paid(lines).items():
        before = 0
        for i, here in enumerate(days):
            if here.total() > before:
                found.append((account, DAY0 + i, here.total() - before))
            before = here.total()
    return found


def plain_begun(rows, rises) -> dict[int, int]:
    """Second route: of the rises in reach, one that is within a hundredth of what was sold, else the nearest, else the earlier."""
    found = {}
    for number, account, plan, mrr in rows:
        reach = [(abs(up - mrr) * 100 > mrr, abs(d - plan), d) for a, d, up in rises if a == account and -31 <= d - plan <= 92]
        if reach:
            found[number] = min(reach)[2]
    return found


@few
@given(lines=books(), said=sales)
def test_the_bridge_ties_on_random_books_and_by_a_second_route(expressions, rows_of, lines, said) -> None:
    risen, begun = expressions
    table = arrow(lines)
    rows = [(n, account, DAY0 + signed + later, float(mrr)) for n, (account, signed, later, mrr) in enumerate(said)]
    rises = rows_of(risen, lines=table)
    by_hand = plain_rises(lines)
    assert sorted((r["account_id"], r["d"], r["rise"]) for r in rises) == sorted(by_hand)
    found = {r["opportunity_id"]: r["d"] for r in rows_of(begun, lines=table, sold=sold(rows))}
    assert found == plain_begun(rows, by_hand)

    deals = []
    for n, (account, signed, later, mrr) in enumerate(said):
        at = found.get(n, DAY0 + signed + max(0, later))
        deals.append(Deal(n, account, Fraction(12 * mrr, 7), month_of(DAY0 + signed), at, month_of(at), n in found))
    went_live = [Rise(r["account_id"], r["d"], r["m"], Fraction(12 * r["rise"], 7)) for r in rises]
    whole: Counter[str] = Counter()
    for first, last in [(m, m) for m in MONTHS] + [(MONTHS[0], MONTHS[-1]), (MONTHS[2], MONTHS[4])]:
        parts = bridge(deals, went_live, first, last)
        for account in {p.account_id for p in parts}:
            mine: dict[str, Any] = sums(p for p in parts if p.account_id == account)
            assert mine.get(BOOKED, 0) + sum(mine.get(s, 0) for s in STEPS) == mine.get(LIVE, 0)
        total = sums(parts)
        assert total.get(LIVE, 0) == sum(Fraction(12 * up, 7) for _, d, up in by_hand if first <= month_of(d) <= last)
        assert total.get(BOOKED, 0) == sum(d.arr for d in deals if first <= d.signed_m <= last)
        if first == last:
            whole.update(total)
    together = sums(bridge(deals, went_live, MONTHS[0], MONTHS[-1]))
    for step in (BOOKED, LIVE, "unbilled", "smaller", "larger", "unsold"):  # sums over months
        assert whole.get(step, 0) == together.get(step, 0)
