"""Dates and instants as people and systems write them.

A date of three numbers with the year last can mean two days; which one is meant is decided over the whole column
(`date_order.py`) and handed in as `order`: `dmy`, `mdy`, `ymd` (also for two-digit years at the front) or None, under
which only what can be read in one way is read. Nothing is guessed: what the order makes impossible is unreadable.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from laer.sources.tabular.cells import Unreadable

ORDERS = ("dmy", "mdy", "ymd")
LONGEST = 64  # no date is longer; keeps the patterns away from 10 MB cells

_MONTHS = """
jan january januar janvier enero ene januari janv gennaio
feb february februar fevrier febrero februari fev fevr febbraio
mar march marz mars marzo maart mrz maerz
apr april avril abril avr aprile abr
may mai mayo mei maggio
jun june juni juin junio giugno
jul july juli juillet julio juil luglio
aug august aout agosto augustus ago
sep sept september septembre septiembre settembre
oct october oktober octobre octubre okt ottobre
nov november novembre noviembre
dec december dezember decembre diciembre dez dic dicembre
"""
MONTHS = {word: number for number, line in enumerate(_MONTHS.strip().splitlines(), 1) for word in line.split()}

_NUMBERS = re.compile(r"(\d{1,4})\s?([-/. ])\s?(\d{1,2})\s?\2\s?(\d{1,4})(?!\d)(.*)", re.ASCII | re.DOTALL)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+", re.IGNORECASE)
_DAY_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?[\s\-/.]*(?:of\s+)?([^\W\d_]+)\.?[\s\-/,.']*(\d{4}|\d{2})(?!\d)(.*)", re.DOTALL)
_NAME_DAY = re.compile(r"([^\W\d_]+)\.?[\s\-/.]*(\d{1,2})(?:st|nd|rd|th)?(?:,\s*|[\s\-/.]+)(\d{4}|\d{2})(?!\d)(.*)", re.DOTALL)
_YEAR_NAME = re.compile(r"(\d{4})[\s\-/.]*([^\W\d_]+)\.?[\s\-/.]*(\d{1,2})(?!\d)(.*)", re.DOTALL)
_TIME = re.compile(
    r"(?:T|\s*,\s*|\s+at\s+|\s+)(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?\s*([ap]\.?m\.?)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?",
    re.IGNORECASE | re.ASCII,
)


class Shape(NamedTuple):
    """A date taken apart. `fixed`: year, month, day. Otherwise three numbers whose order is open, `years` digits in the last."""

    fixed: bool
    a: int
    b: int
    c: int
    years: int
    rest: str

    def day(self, order: str) -> date | None:
        """The day under an order, None where there is no such day."""
        if self.fixed:
            return _date(self.a, self.b, self.c)
        if order == "ymd":
            return _date(_century(self.a), self.b, self.c) if self.years == 2 else None
        day, month = (self.a, self.b) if order == "dmy" else (self.b, self.a)
        return _date(_century(self.c) if self.years == 2 else self.c, month, day)


def shape_of(text: str) -> Shape | None:
    """Take a date apart; None where the text is no date of any kind."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        return None
    if found := _NUMBERS.fullmatch(text):
        first, _, middle, last, rest = found.groups()
        if len(first) == 4:
            return Shape(True, int(first), int(middle), int(last), 4, rest) if len(last) <= 2 else None
        if len(first) == 3 or len(last) not in (2, 4):
            return None
        return Shape(False, int(first), int(middle), int(last), len(last), rest)
    if found := _COMPACT.fullmatch(text):
        year, month, day, hour, minute, second, zone = found.groups()
        return Shape(True, int(year), int(month), int(day), 4, f"T{hour}:{minute}:{second or '00'}{zone or ''}" if hour else "")
    return _named(text)


def read_date(text: str, order: str | None = None) -> date | None | Unreadable:
    """The date as written (a time and an offset do not move it); None where empty."""
    if len(text) == 10 and text[4] == "-" == text[7]:
        try:
            return date.fromisoformat(text)
        except ValueError:
            return Unreadable(text)
    if not text or text.isspace():
        return None
    shape = shape_of(text)
    day = shape and _day(shape, order)
    if shape is None or day is None or (shape.rest and not shape.rest.isspace() and _clock(shape.rest) is None):
        return Unreadable(text)
    return day


def read_instant(text: str, order: str | None = None, zone: str | tzinfo = "UTC") -> datetime | None | Unreadable:
    """The instant in UTC. A time without an offset is local to `zone`, a date without a time is its midnight there."""
    if not text or text.isspace():
        return None
    shape = shape_of(text)
    day = shape and _day(shape, order)
    if shape is None or day is None:
        return Unreadable(text)
    clock: tuple[time, tzinfo | None] | None = (time(), None)
    if shape.rest and not shape.rest.isspace():
        clock = _clock(shape.rest)
    if clock is None:
        return Unreadable(text)
    try:
        return datetime.combine(day, clock[0], clock[1] or zone_of(zone)).astimezone(UTC)
    except (OverflowError, ValueError):
        return Unreadable(text)


def _day(shape: Shape, order: str | None) -> date | None:
    if shape.fixed or order is not None:
        return shape.day(order or "ymd")
    readings = {day for each in ORDERS if (day := shape.day(each))}
    return readings.pop() if len(readings) == 1 else None


def _named(text: str) -> Shape | None:
    if weekday := _WEEKDAY.match(text):
        text = text[weekday.end() :]
    if found := _DAY_NAME.fullmatch(text):
        day, name, year, rest = found.groups()
    elif found := _NAME_DAY.fullmatch(text):
        name, day, year, rest = found.groups()
    elif found := _YEAR_NAME.fullmatch(text):
        year, name, day, rest = found.groups()
    else:
        return None
    month = MONTHS.get("".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c)))
    if month is None or not (day + year).isascii():
        return None
    return Shape(True, _century(int(year)) if len(year) == 2 else int(year), month, int(day), 4, rest)


def _clock(rest: str) -> tuple[time, tzinfo | None] | None:
    found = _TIME.fullmatch(rest.rstrip())
    if not found:
        return None
    hour_text, minute, second, fraction, half, zone = found.groups()
    if minute is None and half is None:
        return None
    hour = int(hour_text)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    try:
        return time(hour, int(minute or 0), int(second or 0), int((fraction or "0").ljust(6, "0")[:6])), _offset(zone)
    except ValueError:
        return None


def _offset(zone: str | None) -> tzinfo | None:
    if not zone:
        return None
    if zone[0] not in "+-":
        return UTC
    digits = zone[1:].replace(":", "")
    return timezone((-1 if zone[0] == "-" else 1) * timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0)))


@lru_cache(maxsize=64)
def zone_of(zone: str | tzinfo) -> tzinfo:
    """A zone by its name."""
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def _century(year: int) -> int:
    return year + (2000 if year < 70 else 1900) if year < 100 else year


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
