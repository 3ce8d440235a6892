"""NRR and GRR amounts by window, of everything and by the value at the opening."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from laer.metrics.booking import booked, value_months
from laer.metrics.changes import mrr_changes, value_changes
from laer.metrics.months import account_months
from laer.metrics.retention import month_states, retained, retained_by_value
from tests.metrics.books import DECIMAL, FAR, MONTHS, arrow, at_end, books, line, month, paid, unbound

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
WINDOWS = (1, 3, 12)
STATES = {k: month_states(account_months(mrr_changes(unbound(k)))) for k in (pa.int64(), DECIMAL)}
RETAINED = {k: retained(s, WINDOWS) for k, s in STATES.items()}
BY = unbound(by=True)
VALUE_MONTHS = value_months(booked(value_changes(BY), mrr_changes(BY)), account_months(mrr_changes(BY)))
BY_VALUE = retained_by_value(month_states(VALUE_MONTHS, ("value",)), month_states(account_months(mrr_changes(BY))), (1, 3))


def levels(rows, *keys):
    """Running sums over months: (window, …) -> function of the month giving (closing, kept)."""

    def at(month, key):
        found = [r for r in rows if r["m"] <= month and tuple(r[k] for k in ("window", *keys)) == key]
        return sum(Fraction(r["closing"]) for r in found), sum(Fraction(r["kept"]) for r in found)

    return at


def test_states_hold_from_a_month_until_the_next_change_and_leave_out_zero(rows_of):
    # 5 from January, 8 from March, nothing from May, 2 from July on
    lines = [line(1, "2024-01-10", "2024-03-10", 5), line(1, "2024-03-10", "2024-05-10", 8), line(1, "2024-07-01", None, 2)]
    rows = sorted((r["from_m"], r["until_m"], r["level"]) for r in rows_of(STATES[pa.int64()], lines=arrow(lines)))
    january, march, may, july = (month(f"2024-0{n}") for n in (1, 3, 5, 7))
    assert rows == [(january, march, 5), (march, may, 8), (july, FAR, 2)]


def test_net_and_gross_retention_of_three_accounts_by_hand(rows_of):
    # end of January: A 10, B 6, C 4 -> 20. End of February: A 13, B 2, C 0, D (new) 50
    # over one month: closing 13 + 2 + 0 = 15 -> NRR 75 %; kept 10 + 2 + 0 = 12 -> GRR 60 %; D never counts
    lines = [
        line(1, "2024-01-01", None, 10), line(1, "2024-02-02", None, 3), line(2, "2024-01-01", "2024-02-05", 6), line(2, "2024-02-05", None, 2),
        line(3, "2024-01-01", "2024-02-09", 4), line(4, "2024-02-01", None, 50),
    ]  # fmt: skip
    at = levels(rows_of(RETAINED[pa.int64()], lines=arrow(lines)))
    assert at(month("2024-02"), (1,)) == (15, 12)
    assert at(month("2024-01"), (1,)) == (0, 0)  # nobody paid a month before


def test_who_left_and_came_back_within_the_window_is_retained(rows_of):
    lines = [line(1, "2024-01-01", "2024-02-10", 5), line(1, "2024-04-10", None, 3)]
    at = levels(rows_of(RETAINED[pa.int64()], lines=arrow(lines)))
    assert at(month("2024-04"), (3,)) == (3, 3)  # opening: end of January
    assert at(month("2024-03"), (1,)) == (0, 0)  # opening: end of February, after it left


def test_an_account_of_two_values_shares_its_closing_by_its_opening(rows_of):
    # end of January a 6, b 2 -> 8; end of February a 0, b 12 -> 12. NRR closing: a 12 x 6/8 = 9, b 3. Kept min(8, 12) = 8: a 6, b 2
    lines = [line(1, "2024-01-01", "2024-02-10", 6, "a"), line(1, "2024-01-01", None, 2, "b"), line(1, "2024-02-10", None, 10, "b")]
    at = levels(rows_of(BY_VALUE, lines=arrow(lines, by=True)), "value")
    assert [at(month("2024-02"), (1, v)) for v in "ab"] == [(9, 6), (3, 2)]


def witness(days, m, window):
    start = kept = closing = 0
    for seen in days.values():
        was, now = at_end(seen, m - window).total(), at_end(seen, m).total()
        if was:
            start, closing, kept = start + was, closing + now, kept + min(was, now)
    return start, closing, kept


@pytest.mark.parametrize("kind", [pa.int64(), DECIMAL], ids=["integers", "decimals"])
@few
@given(lines=books())
def test_windows_follow_the_witness_and_stay_in_bounds(rows_of, kind, lines):
    days = paid(lines)
    at = levels(rows_of(RETAINED[kind], lines=arrow(lines, kind=kind)))
    for w in WINDOWS:
        for m in MONTHS:
            start, closing, kept = witness(days, m, w)
            assert at(m, (w,)) == (closing, kept)
            assert 0 <= kept <= closing
            assert kept <= start


@few
@given(lines=books(values=3))
def test_values_follow_the_witness_and_add_up_to_the_whole(rows_of, lines):
    days = paid(lines)
    at = levels(rows_of(BY_VALUE, lines=arrow(lines, by=True)), "value")
    for w in (1, 3):
        for m in MONTHS:
            _, closing, kept = witness(days, m, w)
            found = {v: at(m, (w, v)) for v in "abc"}
            for v in "abc":
                share_closing = share_kept = Fraction(0)
                for seen in days.values():
                    was, now = at_end(seen, m - w), at_end(seen, m).total()
                    if was[v]:
                        share = Fraction(was[v], was.total())
                        share_closing, share_kept = share_closing + share * now, share_kept + share * min(was.total(), now)
                assert abs(found[v][0] - share_closing) <= Fraction(1, 1000)  # floats, of amounts up to some 10^11
                assert abs(found[v][1] - share_kept) <= Fraction(1, 1000)
            assert abs(sum(c for c, _ in found.values()) - closing) <= Fraction(1, 1000)
            assert abs(sum(k for _, k in found.values()) - kept) <= Fraction(1, 1000)
