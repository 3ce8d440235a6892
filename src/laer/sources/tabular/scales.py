"""Columns whose header says that their numbers stand in thousands or millions: `ARR (k€)`, `Umsatz in TEUR`, `MRR ($000s)`."""

from __future__ import annotations

import re
from decimal import Decimal

from laer.sources.tabular.cells import Unreadable
from laer.sources.tabular.values import ERRORS, STATED, is_absent, read_number

_THOUSANDS = r"(?:k|[€$£]k|k[€$£]|k(?:eur|usd|gbp|chf)|t[€$£]|t(?:eur|usd|chf)|tsd\.?(?: ?€)?|thousands?|[€$£]? ?'?000s?)"
_MILLIONS = r"(?:[€$£]m|m[€$£]|m(?:eur|usd)|mio\.?(?: ?€)?|millions?)"
_UNIT = re.compile(
    rf"\s*(?:[(\[]\s*(?:in )?(?:(?:[A-Z]{{3}} )?(?:(?P<k>{_THOUSANDS})|(?P<m>{_MILLIONS})))\s*[)\]]"
    rf"|\bin (?:(?P<k2>{_THOUSANDS})|(?P<m2>{_MILLIONS})))\s*$",
    re.IGNORECASE,
)


def power_of(header: str) -> int:
    """Power of ten by which the numbers of a column are to be multiplied: 0, 3 or 6."""
    found = _UNIT.search(header)
    return 0 if not found else 3 if found["k"] or found["k2"] else 6


def bare(header: str) -> str:
    """A header without its unit."""
    return _UNIT.sub("", header) or header


def read_priced(text: str, style: str, power: int = 0) -> Decimal | None | Unreadable:
    """An amount: a formula that failed is an amount that nobody knows, and not none."""
    return Unreadable(text) if text.strip().casefold() in ERRORS else read_in_units(text, style, power)


def read_in_units(text: str, style: str, power: int) -> Decimal | None | Unreadable:
    """A number of such a column; one that names its own scale (`12k`) is taken as it is."""
    value = read_number(text, style)
    if isinstance(value, Decimal):
        scaled = value.scaleb(power)
        return Decimal(int(scaled)) if scaled == int(scaled) else scaled
    if value is None or is_absent(text):
        return None
    found: Decimal | None | Unreadable = STATED["decimal"](text, style)
    return found
