"""Lines of the book as the ledger takes them: currencies, statuses, trials, ends, denominators."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle.book_lines import book_lines
from laer.cycle.ledger import compute
from laer.engine.session import DuckDBSession
from laer.metrics.policy import load_policy
from laer.records.periods import FAR, day_number, month_number

POLICY = load_policy()
SCHEMA = pa.schema(
    [
        ("line_id", pa.int64()), ("account_id", pa.int64()), ("subscription_id", pa.int64()), ("product_id", pa.int64()), ("plan", pa.string()),
        ("start_on", pa.date32()), ("end_on", pa.date32()), ("currency", pa.string()), ("status", pa.string()), ("is_trial", pa.bool_()),
        ("mrr_num", pa.int64()), ("mrr_den", pa.int64()), ("start_unknown", pa.bool_()),
    ]
)  # fmt: skip


def table(*rows):
    plain = {
        "line_id": 1, "account_id": 7, "subscription_id": 3, "product_id": None, "plan": None, "start_on": date(2024, 1, 15), "end_on": None,
        "currency": None, "status": None, "is_trial": None, "mrr_num": 100, "mrr_den": 1, "start_unknown": None,
    }  # fmt: skip
    return pa.Table.from_pylist([plain | row for row in rows], SCHEMA)


def amounts(made):
    return [Fraction(int(p), made.given.denominator) for p in made.given.lines["parts"].to_pylist()]


def taken(*rows, rates=None, currency="EUR"):
    return book_lines(table(*rows), POLICY, currency, rates or {})


def test_amounts_of_all_denominators_are_exact_over_one():
    made = taken({"mrr_num": 1000, "mrr_den": 12}, {"mrr_num": 100, "mrr_den": 3}, {"mrr_num": 5})
    assert amounts(made) == [Fraction(1000, 12), Fraction(100, 3), Fraction(5)]


def test_a_line_without_currency_is_in_the_reports():
    made = taken({}, {"currency": "EUR"})
    assert amounts(made) == [100, 100]
    assert made.given.lines["currency"].to_pylist() == ["EUR", "EUR"]


def test_a_currency_with_a_rate_counts_at_it_and_one_without_is_left_out_and_counted():
    made = taken({"currency": "USD"}, {"currency": "GBP"}, {"currency": "GBP"}, {"currency": "EUR"}, rates={"USD": Fraction(92, 100)})
    assert amounts(made) == [92, 100]
    assert made.left_out == {"GBP": 2}


def test_the_reports_own_rate_is_one_whatever_a_table_says():
    assert amounts(taken({"currency": "EUR"}, rates={"EUR": Fraction(2)})) == [100]


@pytest.mark.parametrize("row", [{"is_trial": True}, *({"status": s} for s in sorted(POLICY.status.zero)), {"status": "TRIALING"}])
def test_trials_and_lines_that_never_pay_count_zero_and_stay(row):
    made = taken(row)
    assert amounts(made) == [0]


@pytest.mark.parametrize("status", [None, "active", "past due", "paused", "Cancelled"])
def test_other_states_count(status):
    assert amounts(taken({"status": status, "is_trial": False})) == [100]


def test_days_and_months_are_numbers_and_an_end_after_2100_is_open():
    made = taken({"end_on": date(2024, 3, 1)}, {"end_on": date(2101, 1, 1)}, {"end_on": date(2100, 12, 31)}, {"end_on": None}, {"start_on": date(1965, 3, 9)})
    lines = made.given.lines
    assert lines["start_d"].to_pylist()[0] == day_number(date(2024, 1, 15))
    assert lines["start_m"].to_pylist() == [*[month_number(date(2024, 1, 1))] * 4, month_number(date(1965, 3, 1))]
    assert lines["end_d"].to_pylist() == [day_number(date(2024, 3, 1)), FAR, day_number(date(2100, 12, 31)), FAR, FAR]
    assert lines["end_m"].to_pylist() == [month_number(date(2024, 3, 1)), FAR, month_number(date(2100, 12, 1)), FAR, FAR]


def test_amounts_that_64_bits_cannot_add_up_are_decimals():
    small, big = taken({"mrr_num": 10**6}), taken({"mrr_num": 10**13, "mrr_den": 12}, {"mrr_num": 7})
    assert str(small.given.lines["parts"].type) == "int64"
    assert str(big.given.lines["parts"].type) == "decimal128(38, 0)"
    assert amounts(big) == [Fraction(10**13, 12), 7]
    assert all(isinstance(p, Decimal) for p in big.given.lines["parts"].to_pylist())


def test_a_rate_of_many_digits_stays_exact():
    rate = Fraction("1.08345678912345")
    made = taken({"currency": "USD", "mrr_num": 1999, "mrr_den": 12}, {}, rates={"USD": rate})
    assert amounts(made) == [Fraction(1999, 12) * rate, 100]


def test_a_book_without_lines_is_taken():
    made = taken()
    assert made.given.lines.num_rows == 0
    assert made.left_out == {}


def test_only_trials_at_a_rate_of_many_digits_are_zeros():
    rate = Fraction(1, 10**13) + 1
    assert amounts(taken({"currency": "USD", "is_trial": True, "mrr_den": 1200}, rates={"USD": rate})) == [0]


@given(st.lists(st.tuples(st.integers(0, 10**12), st.sampled_from([1, 3, 6, 12, 24, 100, 1200]), st.sampled_from([None, "EUR", "USD", "JPY"])), max_size=8))
def test_every_amount_is_its_fraction_times_its_rate(rows):
    rates = {"USD": Fraction(9, 10), "JPY": Fraction(61, 10_000)}
    made = taken(*({"mrr_num": n, "mrr_den": d, "currency": c} for n, d, c in rows), rates=rates)
    assert amounts(made) == [Fraction(n, d) * (rates.get(c, Fraction(1)) if c else 1) for n, d, c in rows]


def test_discounts_that_pass_what_an_account_pays_count_as_nothing_then():
    """Rule 6: 100 from January, a discount of 150 from March to June: 0 in between, and never less."""
    made = taken(
        {"line_id": 1, "account_id": 1, "start_on": date(2025, 1, 1), "mrr_num": 100},
        {"line_id": 2, "account_id": 1, "start_on": date(2025, 3, 1), "end_on": date(2025, 6, 1), "mrr_num": -150},
        {"line_id": 3, "account_id": 2, "start_on": date(2025, 3, 1), "mrr_num": 80},
        {"line_id": 4, "account_id": 2, "start_on": date(2025, 4, 1), "mrr_num": -30},
    )
    assert made.floored == 1
    with DuckDBSession() as session:
        found = compute(session, made.given).months(month_number(date(2025, 1, 1)), month_number(date(2025, 7, 1)))
    assert [int(m["closing_mrr"]) for m in found] == [100, 100, 80, 50, 50, 150, 150]
    assert [(int(m["churn_mrr"]), int(m["reactivation_mrr"])) for m in found] == [(0, 0), (0, 0), (100, 0), (0, 0), (0, 0), (0, 100), (0, 0)]
