"""What people type: numbers and days in their own format, or as computers write them (1234.56, 2026-11-22).

What may be read in two ways is refused and says both: nothing is guessed. Amounts stay exact.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.numbers import format_decimal
from django.utils.translation import gettext as _

from laer.sources.tabular.values import Unreadable, read_date, read_integer, read_number
from laer.web.people.formats import PLAIN, formats, patterns

EXAMPLE = date(2026, 4, 22)
NUMBER = Decimal("1234.56")
_TWO_WAYS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)


class Unclear(ValueError):
    """What was found and what was expected, for the person who typed it."""


def typed_day(text: str) -> date | None:
    """The day in the reader's order, or ISO; None where empty. Raises Unclear."""
    order = _order(formats().locale)
    found = read_date(text.strip(), order)
    if not isinstance(found, Unreadable):
        return found
    if order is None:
        days = {way: read_date(text.strip(), way) for way in ("dmy", "mdy")}
        two = [day.isoformat() for day in days.values() if type(day) is date]
        if len(set(two)) == 2:
            raise _two_ways(text, *two)
    raise _other(text, day_expected())


def typed_number(text: str) -> Decimal | None:
    """The exact number; None where empty. Raises Unclear."""
    if _style(formats().locale) == "comma" and _TWO_WAYS.fullmatch(text.strip()):
        raise _two_ways(text, text.strip().replace(".", ""), text.strip().replace(".", ","))
    found = read_number(text, _style(formats().locale))
    if isinstance(found, Unreadable):
        raise _other(text, _("a number such as %(example)s") % {"example": number_example()})
    return found


def typed_whole(text: str) -> int | None:
    """A whole number: `1.234` has one reading here, for there are no thousandths of it. Raises Unclear."""
    found = read_integer(text, _style(formats().locale))
    if isinstance(found, Unreadable):
        raise _other(text, _("a whole number"))
    return found


def _two_ways(text: str, one: str, other: str) -> Unclear:
    return Unclear(_("found '%(text)s', which may be %(one)s or %(other)s: write the one that is meant") % {"text": text, "one": one, "other": other})


def _other(text: str, expected: str) -> Unclear:
    return Unclear(_("found '%(text)s', expected %(expected)s") % {"text": text, "expected": expected})


def day_expected() -> str:
    """a date such as 2026-04-22 or 22.04.2026."""
    order, iso = _order(formats().locale), EXAMPLE.isoformat()
    if order is None or order == "ymd":
        return _("a date such as %(example)s") % {"example": iso}
    mark = "." if "." in patterns(formats().locale)["day"] else "/"
    own = mark.join(("22", "04", "2026") if order == "dmy" else ("04", "22", "2026"))
    return _("a date such as %(example)s or %(own)s") % {"example": iso, "own": own}


def number_example() -> str:
    return format_decimal(NUMBER, locale=formats().locale)


@lru_cache(maxsize=256)
def _order(name: str) -> str | None:
    """dmy, mdy or ymd, as the locale's short dates have it; None for the English of no country, where 03/04 is nobody's day."""
    if name == PLAIN:
        return None
    pattern = Locale.parse(name).date_formats["short"].pattern
    order = "".join(sorted("dmy", key=pattern.lower().find))
    return order if order in ("dmy", "mdy", "ymd") else None


@lru_cache(maxsize=256)
def _style(name: str) -> str:
    """Which mark is the decimal one."""
    return "comma" if Locale.parse(name).number_symbols["latn"]["decimal"] == "," else "point"
