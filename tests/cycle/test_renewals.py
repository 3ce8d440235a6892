"""The ARR that was due, by hand: on the last day of a term, on the day before a renewal cut it, on the last paid day of one that was left."""

from __future__ import annotations

from typing import Any

from laer.cycle.book_lines import book_lines
from laer.cycle.renewals import due
from laer.cycle.terms import counting
from laer.metrics.policy import load_policy
from tests.cycle.test_terms import NEW, OLD, D, contract, line, rows


def due_arr(lines: list[dict[str, Any]], contracts: list[dict[str, Any]], as_of: str) -> dict[int, tuple[str, int]]:
    """Contract -> its state and the ARR that was due."""
    policy = load_policy()
    stated = rows("subscription_lines", *lines)
    when = counting(stated, rows("contracts", *contracts), rows("churn_events"), policy, D(as_of))
    given = book_lines(stated, policy, "USD", {}, when).given
    return {r["contract_id"]: (r["state"], int(r["parts"] * 12 // given.denominator)) for r in due(when.renewals, stated, given).to_pylist()}


TERMS = [contract(11, "2025-04-01", "2026-04-01"), contract(12, "2026-02-01", "2027-02-01", signed_on=D("2026-01-20"), renews_id=11)]


def test_what_an_early_renewal_cut_was_due_as_on_the_day_before():
    lines = [line(1, "2025-04-01", "2026-04-01", **OLD), line(2, "2026-02-01", "2027-02-01", mrr_num=150, **NEW)]
    assert due_arr(lines, TERMS, "2026-03-01") == {11: ("renewed", 1200), 12: ("due", 1800)}
    assert due_arr(lines, TERMS, "2026-06-01")[11] == ("renewed", 1200)


def test_a_seat_bought_a_month_before_the_cut_was_due_too():
    lines = [line(1, "2025-04-01", "2026-04-01", **OLD), line(3, "2026-01-01", "2026-04-01", mrr_num=20, **OLD), line(2, "2026-02-01", "2027-02-01", **NEW)]
    assert due_arr(lines, TERMS, "2026-03-01")[11] == ("renewed", 1440)


def test_a_line_that_replaced_anothers_before_the_renewal_began_leaves_what_was_paid_before():
    lines = [line(1, "2025-04-01", None, subscription_id=5, **OLD), line(2, "2026-01-15", "2027-02-01", subscription_id=5, cuts=True, mrr_num=150, **NEW)]
    assert due_arr(lines, TERMS, "2026-03-01")[11] == ("renewed", 1200)


def test_a_customer_who_left_within_the_term_was_due_for_what_they_paid_last():
    lines = [line(1, "2025-04-01", "2025-11-01", status="cancelled", **OLD)]
    ended = [contract(11, "2025-04-01", "2026-04-01", cancelled_on=D("2025-10-20"))]
    assert due_arr(lines, ended, "2026-05-01") == {11: ("lost", 1200)}
    assert due_arr(lines, ended, "2026-01-01") == {11: ("due", 0)}  # nothing is paid any more that could fall due
