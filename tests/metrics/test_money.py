"""Exact money: denominators and the one rounding; the numbers of days and months."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.cycle.lines_input import parts_array
from laer.engine.session import DuckDBSession
from laer.records.expr import month_of_day, table
from laer.records.money import common_denominator, minor_units, rounded
from laer.records.periods import date_of, day_number, first_day, last_day, month_name, month_number, month_of


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("0.125", 2, "0.12"), ("0.135", 2, "0.14"), ("-0.125", 2, "-0.12"), ("-0.135", 2, "-0.14"), ("2.5", 0, "2"), ("3.5", 0, "4"),
        ("1/3", 6, "0.333333"), ("2/3", 6, "0.666667"), ("-1/3", 2, "-0.33"), ("0.005", 2, "0.00"), ("1", 3, "1.000"), ("1000/12", 2, "83.33"),
    ],
)  # fmt: skip
def test_halves_go_to_the_even_neighbour_and_all_else_to_the_nearest(value, places, text):
    assert format(rounded(Fraction(value), places), "f") == text


@pytest.mark.parametrize("digits", [26, 27, 28, 40])
def test_amounts_of_any_length_keep_all_their_digits(digits):
    whole = int("9" * digits)
    assert format(rounded(Fraction(whole) + Fraction(1, 8), 2), "f") == f"{whole}.12"
    assert format(rounded(-Fraction(whole) - Fraction(3, 8), 2), "f") == f"-{whole}.38"


@given(st.fractions(), st.integers(0, 6))
def test_rounding_is_what_decimals_with_enough_digits_do(value, places):
    with localcontext() as context:
        context.prec = 400
        one = Decimal(value.numerator) / Decimal(value.denominator)
        tie = Fraction(one.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN))
    got = Fraction(rounded(value, places))
    assert abs(got - value) <= Fraction(1, 2 * 10**places)
    assert got == tie


def test_amounts_over_the_common_denominator_are_whole():
    fractions = [Fraction(1000, 12), Fraction(100, 3), Fraction(7, 8), Fraction(5)]
    denominator = common_denominator({f.denominator for f in fractions})
    assert denominator == 24
    assert all((f * denominator).denominator == 1 for f in fractions)
    assert common_denominator(set()) == 1


@pytest.mark.parametrize(("code", "places"), [("EUR", 2), ("jpy", 0), ("KWD", 3), ("CLF", 4), (None, 2), ("", 2), ("???", 2)])
def test_minor_units_follow_iso_4217(code, places):
    assert minor_units(code) == places


def test_sums_that_64_bits_cannot_hold_are_carried_as_decimals():
    assert str(parts_array([2**61, 2**61 - 1]).type) == "int64"
    assert str(parts_array([2**61, 2**61]).type) == "decimal128(38, 0)"
    assert parts_array([10**35]).to_pylist() == [Decimal(10**35)]
    with pytest.raises(OverflowError, match="36 digits"):
        parts_array([10**36])


@given(st.dates())
def test_a_day_and_its_month_have_one_number(day):
    assert date_of(day_number(day)) == day
    assert day_number(day) == (day - date(1970, 1, 1)).days
    number = month_number(day)
    assert month_of(month_name(number)) == number
    if day.year < 9999:
        assert first_day(number) <= day <= last_day(number)
        assert last_day(number) + timedelta(days=1) == first_day(number + 1)


def test_the_engine_finds_the_month_of_every_day_as_the_calendar_does():
    import pyarrow as pa

    days = pa.table({"d": pa.array(range(day_number(date(1890, 1, 1)), day_number(date(2110, 1, 1)), 1), pa.int32())})
    with DuckDBSession() as session:
        session.bind("days", days)
        t = table({"d": "int32"}, "days")
        rows = session.fetch(t.select("d", m=month_of_day(t.d))).to_pydict()
    assert rows["m"] == [month_number(date_of(d)) for d in rows["d"]]


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "24-01", "2024", "january", "2024-1x"])
def test_what_is_no_month_is_refused_by_name(text):
    with pytest.raises(ValueError, match="is not a month"):
        month_of(text)
