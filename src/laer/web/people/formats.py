"""How this reader's numbers, days and times are written, and which day it is where they are.

A person chooses the language of the texts, the format of numbers and days, and a time zone, each by itself: a German who reads
English wants 1.234,56 and 22.11.2026. What they leave open is the firm's, and what the firm leaves open follows the language.

Two clocks stay apart. `today()` is the reader's day: what is due or overdue for them. The days of the ledger (months, terms,
assignments) are the firm's, `django.utils.timezone.localdate()`; no reader's zone is ever activated there, so that nobody's
journey moves a month's end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, to_locale
from django.utils.translation.trans_real import parse_accept_lang_header

from laer.web.people.company import firm

PLAIN = "en"  # English that no country claims: the day before the month, and a day of 24 hours
BROWSER = "browser"
WHEN = {"day": "d MMM y", "month": "MMM y", "clock": "HH:mm", "both": "{1}, {0}"}  # of PLAIN


@dataclass(frozen=True)
class Formats:
    """One reader's. `locale` and `words` are Babel's names: how things are written, and in which language months have names."""

    locale: str
    words: str
    zone: ZoneInfo
    week_start: int = 0  # Monday is 0

    @property
    def tag(self) -> str:
        """As browsers name it: de-CH."""
        return self.locale.replace("_", "-")

    def today(self) -> date:
        return timezone.localdate(timezone=self.zone)

    def local(self, at: datetime) -> datetime:
        """On the reader's clock; what has no zone stays as it is."""
        return at.astimezone(self.zone) if timezone.is_aware(at) else at


_reader: ContextVar[Formats | None] = ContextVar("formats", default=None)


def formats() -> Formats:
    """The reader's; the firm's where nobody reads (a command, a background job)."""
    return _reader.get() or _of_firm(firm().locale, firm().time_zone, get_language() or settings.LANGUAGE_CODE)


@lru_cache(maxsize=64)
def _of_firm(locale: str, time_zone: str, language: str) -> Formats:
    return formats_of(locale, time_zone, language)


def today() -> date:
    """The reader's day."""
    return formats().today()


def formats_of(locale: str = "", time_zone: str = "", language: str = PLAIN, week_start: int | None = None) -> Formats:
    """Formats from names as they are stored; a name that is not known any more falls back to the firm's."""
    words = babel_name(language) or PLAIN
    firms = babel_name(firm().locale)
    name = babel_name(locale) or (words if firms in ("", PLAIN) else firms)
    first = _first_day(name) if week_start is None else week_start
    return Formats(name, words, zone_of(time_zone) or zone_of(firm().time_zone) or ZoneInfo("UTC"), first)


def of_request(request: HttpRequest, language: str) -> Formats:
    """What the person chose; no query, it stands on the row of the login. At the door the firm's."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return formats_of(language=language)
    locale = user.locale if user.locale != BROWSER else browser_locale(request.headers.get("Accept-Language", ""))
    return formats_of(locale, user.time_zone, language, user.week_start)


@contextmanager
def reading(chosen: Formats) -> Iterator[None]:
    """These are in force inside, whatever was before."""
    token = _reader.set(chosen)
    try:
        yield
    finally:
        _reader.reset(token)


# Names


@lru_cache(maxsize=512)
def babel_name(tag: str) -> str:
    """de-CH or de_CH -> de_CH; "" for what Babel does not know."""
    try:
        return str(Locale.parse(to_locale(tag.replace("_", "-").lower()))) if tag else ""
    except (UnknownLocaleError, ValueError, TypeError):
        return ""


@lru_cache(maxsize=256)
def browser_locale(accepted: str) -> str:
    """The first of a browser's languages that Babel knows, with the country where it says one."""
    return next((tag for tag, _ in parse_accept_lang_header(accepted.lower()) if babel_name(tag)), "")


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Names of the tz database that this machine knows."""
    return frozenset(available_timezones())


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if name and name in zones() else None


@lru_cache(maxsize=256)
def _first_day(name: str) -> int:
    return int(Locale.parse(name).first_week_day)


# Days and times in words


@lru_cache(maxsize=256)
def patterns(name: str) -> dict[str, str]:
    """How a locale writes a day, a month, a time of the day, and both together. No narrow blanks: not every font has them."""
    if name == PLAIN:
        return WHEN
    locale = Locale.parse(name)
    month = locale.datetime_skeletons["yMMM"].pattern if "yMMM" in locale.datetime_skeletons else WHEN["month"]
    day, clock, both = locale.date_formats["medium"].pattern, locale.time_formats["short"].pattern, str(locale.datetime_formats["medium"])
    found = {"day": day, "month": month, "clock": clock, "both": both}
    return {of: pattern.replace("\u202f", "\u00a0") for of, pattern in found.items()}


@lru_cache(maxsize=8_192)
def day_text(day: date, name: str, words: str) -> str:
    """22.11.2026: in the order of the locale, with the month's name of the language."""
    return format_date(day, patterns(name)["day"], locale=words)


@lru_cache(maxsize=1_024)
def month_text(day: date, name: str, words: str) -> str:
    return format_date(day, patterns(name)["month"], locale=words)


@lru_cache(maxsize=4_096)
def clock_text(at: time, name: str, words: str) -> str:
    return format_time(at, patterns(name)["clock"], locale=words)


def instant_text(at: datetime, chosen: Formats) -> str:
    """Day and time on the reader's clock."""
    local = chosen.local(at)
    day = day_text(local.date(), chosen.locale, chosen.words)
    clock = clock_text(time(local.hour, local.minute), chosen.locale, chosen.words)
    return patterns(chosen.locale)["both"].replace("'", "").replace("{1}", day).replace("{0}", clock)
