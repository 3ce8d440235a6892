"""What spread-sheets make of dates and ids: days counted from 1900, and numbers that lost their last digits."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from laer.sources.tabular.cells import Unreadable
from laer.sources.tabular.dates import read_date, read_instant, zone_of

DAY_ZERO = date(1899, 12, 30)  # so that every day from March 1900 on comes out right, in spite of Excel's 29 February 1900
EARLIEST, LATEST = 25_569, 73_050  # 1970-01-01 and 2099-12-31: beyond them a number is none of these days
_SERIAL = re.compile(r"(\d{5})(?:[.,](\d{1,12}))?", re.ASCII)
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d{2,3}|\d{16,}\.0", re.ASCII)
WHAT_TO_DO = "format the column as text and export again"


def is_serial(text: str) -> bool:
    """Whether a cell may be a day of Excel's calendar that lost its format: 45292 is 2024-01-01."""
    found = _SERIAL.fullmatch(text.strip())
    return bool(found and EARLIEST <= int(found[1]) <= LATEST)


def read_day(text: str, order: str | None = None) -> date | None | Unreadable:
    """`read_date`, and the day that an Excel number stands for. For columns that are dates already."""
    value = read_date(text, order)
    return DAY_ZERO + timedelta(days=int(text.strip()[:5])) if type(value) is Unreadable and is_serial(text) else value


def read_moment(text: str, order: str | None = None, zone: str | tzinfo = "UTC") -> datetime | None | Unreadable:
    """`read_instant`, and the time that an Excel number stands for, local to the zone: 45292.5 is noon, to the second."""
    value = read_instant(text, order, zone)
    if type(value) is not Unreadable or not is_serial(text):
        return value
    day, _, part = text.strip().replace(",", ".").partition(".")
    moment = datetime.combine(DAY_ZERO, datetime.min.time()) + timedelta(days=int(day), seconds=round(float(f"0.{part or 0}") * 86_400))
    return moment.replace(tzinfo=zone_of(zone)).astimezone(UTC)


def is_shortened(text: str) -> bool:
    """Whether an id was turned into a number such as 1.2E+15: its digits are gone, and other ids look the same now."""
    return bool(_SHORTENED.fullmatch(text.strip()))
