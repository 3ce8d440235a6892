"""The statement: dense months, rates, what is printed; cohort rows."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.metrics.statement import COUNT, MONEY, PER, RATES, Sums, cohort_rows, columns, plain, printed, statement

NOTHING = dict.fromkeys(("new", "reactivation", "expansion", "contraction", "churn", "new_accounts", "reactivated_accounts", "expansions", "contractions", "churns", "lost", "change", "paying"), 0)


def row(**changed):
    return NOTHING | changed


# Parts are hundredths. Month 10: two accounts start at 100.00 and 50.00. Month 12: one more at 30.00, the first grows by
# 20.00, the second leaves (50.00). Month 11 has no row.
BOOK = Sums(
    {
        10: row(new=15_000, new_accounts=2, change=15_000, paying=2),
        12: row(new=3_000, new_accounts=1, expansion=2_000, expansions=1, churn=5_000, churns=1, lost=1, change=0, paying=0),
    },
    # over one month: 150.00 stayed through month 11; in month 12, 120.00 of the 150.00 are there, 100.00 of them kept
    {(1, 11): (15_000, 15_000), (1, 12): (-3_000, -5_000), (1, 13): (3_000, 5_000)},
)


def test_months_without_a_change_carry_their_level():
    months = statement(BOOK, 9, 13, 100, (1,))
    assert [(m.month, m["opening_mrr"], m["closing_mrr"], m["closing_accounts"]) for m in months] == [
        (9, 0, 0, 0), (10, 0, 150, 2), (11, 150, 150, 2), (12, 150, 150, 2), (13, 150, 150, 2),
    ]  # fmt: skip


def test_rates_of_a_month_by_hand():
    month = statement(BOOK, 12, 12, 100, (1,))[0]
    assert month["gross_mrr_churn_rate"] == Fraction(50, 150)
    assert month["net_mrr_churn_rate"] == Fraction(50 - 20, 150)
    assert month["logo_churn_rate"] == Fraction(1, 2)
    assert month["quick_ratio"] == Fraction(30 + 20, 50)
    assert (month["arr"], month["arpa"]) == (1800, 75)
    assert (month["nrr_1m"], month["grr_1m"]) == (Fraction(120, 150), Fraction(100, 150))


def test_a_rate_over_nothing_is_empty_and_not_zero():
    month = statement(BOOK, 10, 10, 100, (1, 3))[0]
    assert all(month[n] is None for n in ("gross_mrr_churn_rate", "net_mrr_churn_rate", "logo_churn_rate", "quick_ratio", "nrr_1m", "grr_3m"))
    texts = printed(month, columns((1, 3)), "EUR")
    assert texts["quick_ratio"] == texts["nrr_1m"] == ""
    assert texts["churn_mrr"] == "0.00"


def test_the_thousand_a_year_is_1000_00_a_year_and_never_999_96():
    month = statement(Sums({0: row(new=1000, change=1000, paying=1)}), 0, 0, 12, ())[0]
    texts = printed(month, columns(()), "USD")
    assert (texts["new_mrr"], texts["arr"]) == ("83.33", "1000.00")


def test_months_print_with_the_currencys_decimals_and_rates_with_six():
    month = statement(BOOK, 12, 12, 100, (1,))[0]
    assert [printed(month, ["closing_mrr"], c)["closing_mrr"] for c in ("EUR", "JPY", "KWD", None)] == ["150.00", "150", "150.000", "150.00"]
    assert printed(month, ["gross_mrr_churn_rate", "month"], "JPY") == {"gross_mrr_churn_rate": "0.333333", "month": "1971-01"}


def test_columns_stand_in_the_order_of_the_command():
    names = columns((1, 3, 12))
    assert names == ["month", *MONEY, *COUNT, *RATES, *PER, "nrr_1m", "grr_1m", "nrr_3m", "grr_3m", "nrr_12m", "grr_12m"]
    assert columns((1,), "plan") == ["plan", *columns((1,)), "entering_mrr", "leaving_mrr"]


@pytest.mark.parametrize(("number", "text"), [("0.00", "0.00"), ("-0.00", "0.00"), ("-1.50", "-1.50"), ("1E+3", "1000")])
def test_numbers_print_plainly(number, text):
    assert plain(Decimal(number)) == text


def test_a_cohort_has_a_cell_for_every_month_up_to_the_last():
    # cohort 5: 2 accounts with 10.00; one leaves with 4.00 in month 7. Cohort 6: one with 1.00
    rows = cohort_rows([(5, 5, 2, 1000), (5, 7, -1, -400), (6, 6, 1, 100)], 5, 8, 100)
    assert [(r["cohort"], r["months_since"], r["accounts"], r["mrr"]) for r in rows] == [
        (5, 0, 2, 10), (5, 1, 2, 10), (5, 2, 1, 6), (5, 3, 1, 6), (6, 0, 1, 1), (6, 1, 1, 1), (6, 2, 1, 1),
    ]  # fmt: skip


def test_cohorts_before_the_first_month_are_left_out_and_the_last_bounds_all():
    rows = cohort_rows([(5, 5, 2, 1000), (6, 6, 1, 100), (9, 9, 1, 100)], 6, 7, 100)
    assert {r["cohort"] for r in rows} == {6}
    assert max(r["months_since"] for r in rows) == 1


amounts = st.integers(0, 10**6)
months = st.dictionaries(st.integers(0, 8), st.tuples(amounts, amounts, amounts, amounts, amounts), max_size=6)


@given(months, st.integers(-2, 4), st.integers(0, 8))
def test_every_month_ties_whatever_range_is_asked_for(rows, first, length):
    names = ("new", "reactivation", "expansion", "contraction", "churn")
    sums = Sums({m: row(**dict(zip(names, r, strict=True)), change=r[0] + r[1] + r[2] - r[3] - r[4]) for m, r in rows.items()})
    shown = statement(sums, first, first + length, 7, ())
    assert [m.month for m in shown] == list(range(first, first + length + 1))
    level = sum(r[0] + r[1] + r[2] - r[3] - r[4] for m, r in rows.items() if m < first)
    for m in shown:
        assert m["opening_mrr"] == Fraction(level, 7)
        level += sums.months.get(m.month, NOTHING)["change"]
        assert m["closing_mrr"] == Fraction(level, 7)
        assert m["opening_mrr"] + m["new_mrr"] + m["reactivation_mrr"] + m["expansion_mrr"] - m["contraction_mrr"] - m["churn_mrr"] == m["closing_mrr"]
