"""The currency that an amount carries itself: its sign or code, or that in its column's name. A bare `$`, `kr` or `¥` is several currencies' and says none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from laer.sources.tabular.cells import spelled
from laer.sources.tabular.numbers import affix

SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₪": "ILS", "₺": "TRY", "₴": "UAH", "US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "SFR": "CHF",
}  # fmt: skip
IN_HEADERS = frozenset(spelled("EUR USD GBP CHF CAD AUD NZD JPY SEK NOK DKK PLN CZK HUF INR SGD HKD ZAR BRL MXN ILS TRY"))
_WORD = re.compile(r"[A-Za-z]+|[€£₹₪₺₴]")
_PLAIN = re.compile(r"[-+0-9.,'\s]*")


@lru_cache(maxsize=100_000)
def currency_in(text: str) -> str | None:
    """The currency of one cell."""
    if _PLAIN.fullmatch(text):
        return None
    sign = affix(text).rstrip(".")
    return SIGNS.get(sign) or (sign if len(sign) == 3 and sign.isalpha() else None)


def currencies_in(texts: Iterable[str]) -> set[str]:
    """The currencies that amounts carry, bare signs (`$`) among them; one of these beside a dollar of its country is that."""
    found = {SIGNS.get(sign, sign) for text in texts if not _PLAIN.fullmatch(text) and (sign := affix(text).strip(".%"))}
    if any(len(code) == 3 and code.endswith("D") for code in found):
        found.discard("$")
    return found


def currency_named(header: str) -> str | None:
    """The currency that a column's name says: `ARR (EUR)`, `MRR in CHF`, `ARR (k€)`. None where it says none, or several."""
    said = {SIGNS.get(word) or word for word in _WORD.findall(header) if word in SIGNS or word in IN_HEADERS}
    return said.pop() if len(said) == 1 else None
