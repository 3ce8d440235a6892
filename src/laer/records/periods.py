"""Days and months as plain integers: day 0 is 1970-01-01, month 0 is January 1970, and an open end is FAR."""

from __future__ import annotations

from datetime import date, timedelta

FAR = 2_000_000  # an open end: far beyond every day number that a calendar date can have
EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    return (day - EPOCH).days


def date_of(day: int) -> date:
    return EPOCH + timedelta(days=day)


def month_number(day: date) -> int:
    return (day.year - 1970) * 12 + day.month - 1


def month_of(text: str) -> int:
    """The month number of `YYYY-MM`."""
    year, _, month = text.strip().partition("-")
    if not (len(year) == 4 and year.isdigit() and month.isdigit() and 1 <= int(month) <= 12 and "0001-01" <= f"{year}-{int(month):02d}" <= "9999-11"):
        raise ValueError(f"{text!r} is not a month; expected YYYY-MM from 0001-01 to 9999-11, for example 2024-07")
    return (int(year) - 1970) * 12 + int(month) - 1


def first_day(month: int) -> date:
    return date(1970 + month // 12, month % 12 + 1, 1)


def month_name(month: int) -> str:
    return f"{1970 + month // 12:04d}-{month % 12 + 1:02d}"


def last_covered(end: date) -> date:
    """The last day that an end leaves covered: an end is the first day after it. Pages show this one."""
    return max(end, date(1, 1, 2)) - timedelta(days=1)


def last_day(month: int) -> date:
    return first_day(month + 1) - timedelta(days=1)


def fiscal_year(day: date, starts: int = 1) -> int:
    """The fiscal year that holds a day, by the year in which it ends. `starts`: its first month, 1 to 12."""
    return day.year + (1 < starts <= day.month)


def fiscal_year_start(year: int, starts: int = 1) -> date:
    return date(year - (starts > 1), starts, 1)
