"""Cells to values: dates, numbers, intervals, yes and no."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laer.sources.tabular.values import (
    DateOrder,
    Memo,
    NumberStyle,
    Unreadable,
    decide_date_order,
    interval_factor,
    normal_words,
    read_boolean,
    read_date,
    read_instant,
    read_integer,
    read_number,
)

FIFTH = date(2024, 1, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05", "2024/1/5", "2024.01.05", "20240105", "05-01-2024", "05/01/2024", "5.1.2024", "05 01 2024", "5/1/24", "5 Jan 2024", "05-Jan-24", "Jan 5, 2024",
        "January 5th, 2024", "5th of January 2024", "5. Januar 2024", "5 janv. 2024", "Fri, 05 Jan 2024", "2024-Jan-05", "2024-01-05T10:00:00Z", "2024-01-05T23:59:59+14:00",
        "05/01/2024 10:00 PM", "05/01/2024, 22:00", "2024-01-05 10:00:00.123456 UTC", "20240105T100000Z", " 05-01-2024 ", "Jan  5 2024 12:00AM",
    ],
)  # fmt: skip
def test_it_reads_the_fifth_of_january_however_it_is_written(text):
    assert read_date(text, "dmy") == FIFTH


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "31/02/2024", "32/01/2024", "0000-00-00", "00/00/0000", "2024-13-01", "45296", "Jan 2024", "2024-01", "tomorrow", "2024-01-05T25:00", "2024-01-05 10",
     "5/1/4", "05-01-2024 to 06-01-2024", "5/1-2024", "05 Foo 2024", "٠٥-٠١-٢٠٢٤", "9" * 10_000, "2024-W01-1", "05-01-2024 13:00 PM", "NULL", "n/a"],
)  # fmt: skip
def test_what_is_no_date_is_unreadable_and_keeps_its_text(text):
    value = read_date(text, "dmy")
    assert type(value) is Unreadable
    assert value == text


def test_an_empty_cell_is_none_for_every_kind():
    for read in (read_date, read_instant, read_number, read_integer, read_boolean):
        assert read("") is None
        assert read("  ") is None


def test_the_order_decides_and_what_it_makes_impossible_is_not_turned_round():
    assert read_date("01/02/2024", "dmy") == date(2024, 2, 1)
    assert read_date("01/02/2024", "mdy") == date(2024, 1, 2)
    assert type(read_date("01/31/2024", "dmy")) is Unreadable


def test_without_an_order_only_what_reads_in_one_way_is_read():
    assert read_date("31/01/2024") == read_date("01/31/2024") == date(2024, 1, 31)
    assert read_date("03/03/2024") == date(2024, 3, 3)
    assert type(read_date("01/02/2024")) is Unreadable
    assert type(read_date("24-01-05")) is Unreadable


def test_two_digit_years_turn_at_seventy():
    assert read_date("01/02/69", "dmy") == date(2069, 2, 1)
    assert read_date("01/02/70", "dmy") == date(1970, 2, 1)
    assert read_date("24-01-05", "ymd") == FIFTH


@given(
    st.dates(min_value=date(1970, 1, 1), max_value=date(2069, 12, 31)),
    st.sampled_from(["%d-%m-%Y", "%d/%m/%y", "%d.%m.%Y %H:%M", "%Y-%m-%d", "%d %b %Y", "%B %d, %Y", "%Y%m%d"]),
)
def test_dates_survive_writing_and_reading(day, pattern):
    assert read_date(day.strftime(pattern), "dmy") == day


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_instants_survive_writing_and_reading(moment, minutes):
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{moment.isoformat()}{sign}{hours:02}:{rest:02}"
    assert read_instant(text) == (moment - timedelta(minutes=minutes)).replace(tzinfo=UTC)


def test_a_local_time_is_of_the_firms_zone_and_a_bare_date_is_its_midnight():
    assert read_instant("28-07-2023 03:00", "dmy", "Europe/Berlin") == datetime(2023, 7, 28, 1, tzinfo=UTC)
    assert read_instant("28-07-2023", "dmy", "Europe/Berlin") == datetime(2023, 7, 27, 22, tzinfo=UTC)
    assert type(read_instant("0001-01-01", None, "Asia/Tokyo")) is Unreadable


@given(st.text(max_size=30))
def test_no_text_upsets_a_reader(text):
    for value in (
        read_date(text, "dmy"),
        read_instant(text, "mdy"),
        read_number(text),
        read_number(text, "comma"),
        read_integer(text),
        read_boolean(text),
        interval_factor(text),
    ):
        if type(value) is Unreadable:
            assert value == text


# --- the order of day and month


def test_one_decisive_value_settles_the_column():
    decision = decide_date_order({"start": ["05-01-2024", "31-12-2024"]})
    assert decision.order == "dmy"
    assert decision.undecided == ()
    assert "1 value of start" in decision.why


def test_a_sibling_column_lends_its_evidence_and_that_is_said():
    decision = decide_date_order({"start": ["05/01/2024"], "end": ["12/31/2024"]})
    assert decision.order == "mdy"
    assert "what start cannot say follows" in decision.why


def test_without_evidence_the_column_is_named_and_nothing_is_guessed():
    decision = decide_date_order({"start": ["05/01/2024", "2024-01-01"], "end": ["2024-12-31"]})
    assert decision.order is None
    assert decision.undecided == ("start",)
    assert "05/01/2024" in decision.why


def test_dates_that_read_the_same_either_way_need_no_order():
    decision = decide_date_order({"start": ["05/05/2024", "2024-01-05", "5 Jan 2024", "", "soon"]})
    assert (decision.order, decision.undecided, decision.conflicting) == (None, (), ())


def test_evidence_both_ways_is_a_conflict_unless_nearly_all_agrees():
    days = [f"{day}/01/{year}" for day in range(13, 29) for year in (2022, 2023, 2024)]
    torn = decide_date_order({"start": [*days, *(f"01/{d}/2024" for d in range(13, 20))]})
    assert torn.order is None
    assert torn.conflicting == ("start",)
    nearly = decide_date_order({"start": [*days, "01/31/2024"]})
    assert nearly.order == "dmy"
    assert nearly.conflicting == ("start",)


def test_a_column_that_another_program_wrote_is_asked_about_however_few_its_dates_are():
    days = [f"{day}/01/{year}" for day in range(13, 29) for year in range(2000, 2024)]
    found = decide_date_order({"start": days, "signed": ["01/31/2024", "05/06/2024"]})
    assert (found.order, found.undecided, found.conflicting) == (None, ("signed",), ("signed",))
    assert "signed is not written day first" in found.why


def test_years_that_may_stand_first_or_last_are_not_guessed():
    assert decide_date_order({"d": ["24-01-05", "24-02-28", "25-03-31", "24-04-17", "25-05-09", "24-06-22"]}).order is None
    assert decide_date_order({"d": ["99-01-31", "98-02-28"]}).order == "ymd"
    assert decide_date_order({"d": ["05-01-24", "28-02-24", "31-03-25", "17-04-24", "09-05-25"]}).order == "dmy"


def test_the_order_can_be_fed_in_pieces_and_a_repeated_value_counts_once():
    order = DateOrder()
    for _ in range(3):
        order.see("start", "31-12-2024 10:00")
        order.see_all("start", {"31-12-2024 11:00", "01-02-2024"})
    assert order.decide().evidence["dmy"] == 1


# --- numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [("1200", "1200"), ("1,234", "1234"), ("$1,200.50", "1200.5"), ("USD 1200", "1200"), ("1200 kr", "1200"), ("1200 usd", "1200"), ("(1,200)", "-1200"), ("($5.00)", "-5"),
     ("$(5)", "-5"), ("100-", "-100"), ("−5", "-5"), ("-$5", "-5"), ("$-5", "-5"), ("12 %", "12"), ("1.2E+03", "1200"), ("1e-7", "0.0000001"), ("1'234.50", "1234.5"),
     ("1’234", "1234"), ("1 234.5", "1234.5"), ("1\u202f234\u00a0€", "1234"), ("12,34,567.89", "1234567.89"), ("1,00,000", "100000"), (".5", "0.5"), ("5.", "5"),
     ("1.234", "1.234"), ("R$ 5", "5"), ("US$5", "5"), ("+7", "7"), ("0e999", "0"), ("0001", "1"), ("zł 5", "5")],
)  # fmt: skip
def test_a_number_with_a_decimal_point_reads_exactly(text, number):
    assert read_number(text) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.200,50 €", "1200.5"), ("1.234", "1234"), ("12,5", "12.5"), ("1 234,5", "1234.5"), ("1.234.567", "1234567"), ("-0,5", "-0.5"), ("1,2E+03", "1200")],
)
def test_a_number_with_a_decimal_comma_reads_exactly(text, number):
    assert read_number(text, "comma") == Decimal(number)


@pytest.mark.parametrize(
    "text",
    ["NaN", "nan", "inf", "-Infinity", "1e31", "1e999999", "1e-40", "9" * 31, "abc", "5 abc", "EUR", "$", "-", "--5", "(-5)", "(5", "5)", "1,23,4", "1 2",
     "12,345,67", "5 EUR USD", "1_000", "0x10", "١٢", "½", "10²", "=1+1", "#N/A", "1.2.3", "," * 60, "1" * 100_000],
)  # fmt: skip
def test_what_is_no_number_is_unreadable(text):
    assert type(read_number(text)) is Unreadable


def test_a_number_that_proves_the_other_style_is_read_so_and_never_a_thousand_times_too_large():
    assert read_number("1,5") == Decimal("1.5")
    assert read_number("1.200,50") == Decimal("1200.5")
    assert read_number("12.5", "comma") == Decimal("12.5")
    assert read_number("1,200.50", "comma") == Decimal("1200.5")


@pytest.mark.parametrize(
    ("texts", "style"),
    [(["1,234"], "point"), (["1.234"], "point"), (["1,234", "12,5"], "comma"), (["1.200,50 €", "3.000"], "comma"), (["1,200.50"], "point"), (["1.200.300"], "comma"), (["0,123"], "comma"),
     (["1200,500"], "comma"), (["1,00,000"], "point"), (["1.5", "2.5", "1,5"], "point"), ([], "point"), (["abc", ""], "point")],
)  # fmt: skip
def test_the_style_follows_the_evidence_of_the_column(texts, style):
    column = NumberStyle()
    for text in texts:
        column.see(text)
    assert column.decide() == style


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=2))
def test_amounts_survive_writing_and_reading_in_both_styles(amount):
    point = f"{amount:,.2f}"
    assert read_number(point) == amount
    assert read_number(point.translate(str.maketrans(",.", ".,")), "comma") == amount
    assert read_number(f"$ {point}") == amount


def test_whole_numbers_are_whole_and_fit_64_bits():
    assert read_integer("12.0") == 12
    assert read_integer("1,200") == 1200
    assert type(read_integer("12.5")) is Unreadable
    assert type(read_integer(str(2**63))) is Unreadable
    assert read_integer(str(-(2**63))) == -(2**63)


# --- intervals, yes and no, words


@pytest.mark.parametrize(
    ("text", "factor"),
    [("", Fraction(1)), ("monthly", Fraction(1)), ("Month", Fraction(1)), ("/mo", Fraction(1)), ("P1M", Fraction(1)), ("month-to-month", Fraction(1)), ("1 month", Fraction(1)),
     ("quarterly", Fraction(1, 3)), ("every 3 months", Fraction(1, 3)), ("3-month", Fraction(1, 3)), ("P3M", Fraction(1, 3)), ("Semi-Annual", Fraction(1, 6)), ("half_yearly", Fraction(1, 6)),
     ("annual", Fraction(1, 12)), ("ANNUALLY", Fraction(1, 12)), ("yearly", Fraction(1, 12)), ("per year", Fraction(1, 12)), ("p.a.", Fraction(1, 12)), ("12 months", Fraction(1, 12)),
     ("P1Y", Fraction(1, 12)), ("biennial", Fraction(1, 24)), ("every 2 years", Fraction(1, 24)), ("P2Y", Fraction(1, 24)), ("P1Y6M", Fraction(1, 18)), ("weekly", Fraction(13, 3)),
     ("every two weeks", Fraction(13, 6)), ("fortnightly", Fraction(13, 6)), ("daily", Fraction(365, 12)), ("every 30 days", Fraction(73, 72)), ("P30D", Fraction(73, 72)), ("jährlich", Fraction(1, 12))],
)  # fmt: skip
def test_an_interval_says_what_falls_on_a_month(text, factor):
    assert interval_factor(text) == factor


@pytest.mark.parametrize(
    "text",
    [
        "bi-annual",
        "biannually",
        "bi-weekly",
        "bimonthly",
        "one-time",
        "every 0 months",
        "-3 months",
        "every -3 months",
        "P0M",
        "P",
        "1.5 months",
        "12",
        "often",
        "x" * 10_000,
    ],
)
def test_an_interval_that_means_two_things_or_none_is_unreadable(text):
    assert type(interval_factor(text)) is Unreadable


def test_yes_and_no_in_their_usual_spellings():
    assert [read_boolean(t) for t in ("TRUE", "Yes", "y", "1", "ja", "oui", "x", " t ")] == [True] * 8
    assert [read_boolean(t) for t in ("FALSE", "No", "n", "0", "nein", "non", "f")] == [False] * 7
    assert type(read_boolean("maybe")) is Unreadable


def test_words_are_compared_without_case_underscores_and_hyphens():
    assert normal_words(" Past_Due ") == normal_words("past-due") == "past due"


def test_a_memo_reads_each_text_once_stays_bounded_and_remembers_trouble():
    calls = []
    memo = Memo(lambda text: calls.append(text) or (Unreadable(text) if text == "?" else text), limit=3)
    assert memo.column(["a", "a", "b"]) == ["a", "a", "b"]
    assert calls == ["a", "b"]
    assert not memo.troubled
    memo.column(list("cdefg?"))
    assert len(memo) <= 3
    assert memo.troubled
