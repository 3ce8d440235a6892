"""What the titles above a table say of its amounts: `in EUR thousands`, `All figures in T€`, `ARR ($000s)`. Columns of amounts take it along in their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from laer.sources.tabular.currency_signs import currency_named
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.grid_header import wide_header
from laer.sources.tabular.headers import header_words
from laer.sources.tabular.labels import plain_words
from laer.sources.tabular.scales import power_of

_MONEY = r"(?:[€$£]|eur|euros?|usd|us dollars?|dollars?|gbp|chf|sek|nok|dkk|pln)"
_THOUSAND = r"(?:thousands?|'?000s?|tsd\.?|tausend|milliers|miles|migliaia|milhares|duizenden|k)"
_MILLION = r"(?:millions?|mio\.?|mn|millionen|millones|milioni|milhoes|miljoenen)"
_SAID = re.compile(
    rf"(?:^|.*[\s(\[,:;])(?:in|en|im|alle angaben in|expressed in|figures in|amounts in|values in|betrage in|angaben in)\s+"
    rf"(?:(?P<k>t€|k€|€k|\$k|k\$|£k|teur|keur|tusd|kusd|tchf|kchf|{_MONEY}\s?{_THOUSAND}|{_THOUSAND}(?:\s(?:of\s|de\s|d'|di\s)?{_MONEY})?)"
    rf"|(?P<m>m€|€m|\$m|meur|musd|{_MONEY}\s?{_MILLION}|{_MILLION}(?:\s(?:of\s|de\s|d'|di\s)?{_MONEY})?))(?:[\s)\],.;:].*)?$"
)
_BRACKET = re.compile(
    rf".*[(\[]\s*(?:(?P<k>t€|k€|€k|\$k|k\$|£k|teur|keur|tusd|kusd|{_MONEY}\s?{_THOUSAND}|[€$£]?\s?'000s?|[€$£]000s?)"
    rf"|(?P<m>m€|€m|\$m|{_MONEY}\s?{_MILLION}))\s*[)\]].*"
)
_AMOUNTS = frozenset("mrr arr acv tcv amount revenue value fee price recurring total".split())
_SHARES = frozenset("seats users licenses quantity percent growth count number change id date term months".split())


def unit_said(titles: Iterable[Sequence[str]]) -> str:
    """The unit that a title states, as a header would say it (`EUR thousands`); '' where none does, or two differ."""
    found = {unit for cells in titles for cell in cells if cell and len(cell) < 200 and (unit := _unit(cell))}
    return found.pop() if len(found) == 1 else ""


def with_unit(names: list[str], unit: str) -> tuple[list[str], list[str]]:
    """Names with the unit behind those of amounts, and these names as they were."""
    wide = wide_header(names)
    months = {month.place for month in wide.months} | set(wide.sums) if wide else set()
    told = [place for place, name in enumerate(names) if place not in months and name and not power_of(name) and _is_amount(name)]
    changed = list(names)
    for place in told:
        changed[place] = f"{names[place]} (in {unit})"
    return changed, [names[place] for place in told]


def _unit(text: str) -> str:
    plain = plain_words(text)
    found = _SAID.match(plain) or _BRACKET.match(plain)
    if not found:
        return ""
    money = currency_named(text) or currency_named(re.sub(r"(?i)\b[tk](?=(?:eur|usd|chf|gbp)\b)", "", text).upper()) or ("EUR" if "€" in text else "")
    scale = "thousands" if found["k"] else "millions"
    return f"{money} {scale}".strip()


def _is_amount(name: str) -> bool:
    words = set(in_english(header_words(name)).split())
    return bool(words & _AMOUNTS) and not words & _SHARES
