"""What one row says: its MRR, or the first reason why it cannot count (rules 5, 6, 15 and 19)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.metrics.lines import BAD, REASONS, LineText, end_of, judge, mrr_of, one_day_gaps
from laer.metrics.policy import load_policy

POLICY = load_policy()
START = date(2024, 1, 1)
GOOD = LineText("A", START, None, mrr=Decimal(100))


def judged(**changed):
    return judge(replace(GOOD, **changed), POLICY)


def test_a_good_row_counts_its_mrr_and_has_no_end():
    assert judge(GOOD, POLICY) == (None, Fraction(100), None)


@pytest.mark.parametrize(
    ("cells", "mrr"),
    [
        ({"mrr": Decimal(100), "amount": Decimal(7), "factor": Fraction(1, 12)}, Fraction(100)),  # MRR wins, never divided
        ({"mrr": None, "amount": Decimal(1000), "factor": Fraction(1, 12)}, Fraction(1000, 12)),
        ({"mrr": None, "amount": Decimal(10), "quantity": Decimal(9), "unit_price": Decimal(9)}, Fraction(10)),  # amount is the total
        ({"mrr": None, "quantity": Decimal(3), "unit_price": Decimal("2.5"), "factor": Fraction(1, 3)}, Fraction(5, 2)),
        ({"mrr": None, "quantity": Decimal(3), "arr": Decimal(24)}, Fraction(2)),
        ({"mrr": None, "arr": Decimal(1000), "factor": Fraction(1, 3)}, Fraction(1000, 12)),  # ARR is a year's, whatever the interval
        ({"mrr": Decimal("0.1")}, Fraction(1, 10)),
    ],
)
def test_mrr_comes_from_the_first_column_that_says_it(cells, mrr):
    assert mrr_of(replace(GOOD, **cells)) == (mrr, False, False)


@pytest.mark.parametrize(
    ("reason", "cells"),
    [
        ("unreadable date", {"start": None}), ("unreadable date", {"start": BAD}), ("unreadable date", {"end": BAD}),
        ("unreadable amount", {"mrr": None}), ("unreadable amount", {"mrr": BAD, "amount": Decimal(5)}),
        ("unreadable amount", {"mrr": None, "amount": BAD}), ("unreadable amount", {"mrr": None, "quantity": BAD, "unit_price": Decimal(1)}),
        ("end before start", {"end": START - timedelta(days=1)}), ("negative MRR", {"mrr": Decimal(-1)}), ("empty account id", {"account": ""}),
        ("currency without a rate", {"rate": None}), ("cancelled without date", {"status": "cancelled"}),
        ("unknown status", {"status": "dormant"}), ("unknown interval", {"mrr": None, "amount": Decimal(1), "factor": BAD}),
    ],
)  # fmt: skip
def test_every_reason_is_found(reason, cells):
    assert judged(**cells)[0] == reason


def test_a_row_counts_once_under_the_first_reason():
    """All faults at once, then mended one after the other: the reasons come in the order of rule 19."""
    faults = {
        "start": BAD, "mrr": BAD, "end": START - timedelta(days=2), "account": "", "rate": None, "status": "dormant", "factor": BAD, "amount": Decimal(-5),
    }  # fmt: skip
    mends = [{"start": START}, {"mrr": None}, {"end": None}, {"amount": Decimal(5)}, {"account": "A"}, {"rate": Fraction(1)}, {"status": "ended"}, {"status": "active"}]
    row, found = replace(GOOD, **faults), []
    for mend in mends:
        found.append(judge(row, POLICY)[0])
        row = replace(row, **mend)
    found.append(judge(row, POLICY)[0])
    expected = [*REASONS[:6], "unknown status", "cancelled without date", "unknown interval"]
    assert found == expected


def test_a_negative_amount_is_negative_even_where_its_interval_is_unknown_or_it_is_a_trial():
    assert judged(mrr=None, amount=Decimal(-1), factor=BAD)[0] == "negative MRR"
    assert judged(mrr=Decimal(-1), trial=True)[0] == "negative MRR"


@pytest.mark.parametrize("status", sorted(POLICY.status.zero))
def test_lines_that_never_pay_count_zero(status):
    assert judged(status=status) == (None, 0, None)


@pytest.mark.parametrize("status", ["", *sorted(POLICY.status.counts)])
def test_past_due_and_paused_keep_their_mrr(status):
    assert judged(status=status) == (None, 100, None)


@pytest.mark.parametrize("status", sorted(POLICY.status.needs_end))
def test_an_ended_line_counts_until_its_end(status):
    assert judged(status=status, end=date(2024, 3, 1)) == (None, 100, date(2024, 3, 1))
    assert judged(status=status, end=date(2101, 1, 1))[0] == "cancelled without date"  # an end after 2100 is open


def test_an_inclusive_end_is_the_last_paid_day():
    inclusive = POLICY.changed(end="inclusive")
    assert judge(replace(GOOD, end=START), inclusive) == (None, 100, START + timedelta(days=1))
    assert judge(replace(GOOD, end=START - timedelta(days=1)), inclusive) == (None, 100, START)  # valid and never active
    assert judge(replace(GOOD, end=START - timedelta(days=2)), inclusive)[0] == "end before start"


@pytest.mark.parametrize(("end", "exclusive"), [(date(2100, 12, 31), date(2100, 12, 31)), (date(2101, 1, 1), None), (date.max, None), (None, None)])
def test_an_end_after_2100_is_open(end, exclusive):
    assert end_of(end, POLICY) == exclusive
    assert judged(start=date(2200, 1, 1), end=date(2150, 1, 1))[0] is None


def test_successive_lines_are_of_one_account():
    d = [date(2024, 1, n) for n in range(1, 10)]
    # A: ends on the 3rd, next from the 4th: one day unpaid. A's next from the 6th on its end: none. B alone. C: an open line before another is no pair
    lines = [("A", d[0], d[2]), ("A", d[3], d[5]), ("A", d[5], None), ("B", d[0], d[2]), ("C", d[0], None), ("C", d[4], d[6])]
    assert one_day_gaps(iter(lines)) == (2, 1)
    assert one_day_gaps(iter(reversed(lines))) == (2, 1)
    assert one_day_gaps(iter(())) == (0, 0)


cells = st.builds(
    LineText,
    account=st.sampled_from(["", "A"]),
    start=st.sampled_from([None, BAD, START]),
    end=st.sampled_from([None, BAD, START, START - timedelta(days=3), date(2024, 5, 1), date(2150, 1, 1)]),
    mrr=st.sampled_from([None, BAD, Decimal(0), Decimal(-3), Decimal("1.5")]),
    amount=st.sampled_from([None, BAD, Decimal(12), Decimal(-12)]),
    factor=st.sampled_from([Fraction(1), Fraction(1, 12), BAD]),
    quantity=st.sampled_from([None, BAD, Decimal(2)]), unit_price=st.sampled_from([None, BAD, Decimal(2)]), arr=st.sampled_from([None, BAD, Decimal(24)]),
    rate=st.sampled_from([None, Fraction(1)]), status=st.sampled_from(["", "active", "trial", "ended", "dormant"]), trial=st.booleans(),
)  # fmt: skip


@given(cells)
def test_a_row_is_either_rejected_for_a_known_reason_or_counts_at_least_zero(row):
    reason, mrr, end = judge(row, POLICY)
    if reason is None:
        assert mrr >= 0
        assert end is None or end >= row.start
        assert row.account
        assert mrr == 0 or not (row.trial or row.status == "trial")
    else:
        assert reason in REASONS
