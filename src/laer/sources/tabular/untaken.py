"""Amounts of money that no part of a table takes as revenue: said in a note, so that nobody takes their silence for none."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from laer.sources.tabular.cells import spelled
from laer.sources.tabular.currency_signs import currency_in, currency_named
from laer.sources.tabular.foreign_headers import in_english
from laer.sources.tabular.headers import header_words, likeness, synonyms
from laer.sources.tabular.mapping import CUSTOM, Mapping
from laer.sources.tabular.profile import Sample
from laer.sources.tabular.scales import bare
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import STATED

CLOSE = 0.9  # how like a header must be
REVENUE = ("mrr", "arr")
OWN_REVENUE = "annual revenue"  # may be what the customer itself turns over
WITHOUT = frozenset(spelled("accounts contracts contacts pulses notes assignments"))  # records that take no amount
MONEY = frozenset(spelled("revenue amount price fee spend value billing billed charge turnover sales paid subscription mrr arr acv tcv eur usd gbp chf"))


def say_untaken(table: Table, parts: Sequence[Mapping], sample: int) -> None:
    """A note on columns of money that are kept as fields, where no part of the table takes an amount."""
    if table.known is not None or not {part.record for part in parts} <= WITHOUT:
        return
    kept = [h for part in parts for h, target in part.columns.items() if (target or "").startswith(CUSTOM)]
    seen = Sample(table, sample) if kept else None
    money = [h for h in dict.fromkeys(kept) if seen and holds_money(h, seen)]
    if money:
        them = ("it", "it is") if len(money) == 1 else ("them", "they are")
        text = f"{', '.join(money[:4])}: amounts that are kept as fields, and no revenue comes of {them[0]}."
        said = next((h for h in money if _says_revenue(h)), None)
        words = [cell for cell in seen.values(said) if not isinstance(STATED["decimal"](cell), Decimal)] if said and seen else []
        if words:
            do = f"{said} says what it is, and half of its cells or more are no amounts, as '{words[0][:40]}': write them as numbers and import the file again."
        else:
            do = f"If {them[1]} recurring, say that each row is a subscription line, or call such a column MRR or ARR."
        table.note("no revenue", f"{text} {do}")


def holds_money(header: str, seen: Sample) -> bool:
    """Whether a column that no record has holds amounts of money: numbers with a currency's sign, or under a name for money."""
    values = [text for text in seen.values(header) if text]
    if not values or header_words(header) == OWN_REVENUE:
        return False
    if _says_revenue(header):
        return True  # it says so, and its values could not be read
    read = sum(isinstance(STATED["decimal"](text), Decimal) for text in values)
    if 2 * read < len(values):
        return False
    signed = sum("$" in text or currency_in(text) is not None for text in values)
    return 2 * signed > len(values) or bool(MONEY & set(in_english(header_words(header)).split())) or currency_named(header) is not None


def _says_revenue(header: str) -> bool:
    named = in_english(header_words(bare(header)))
    return any(likeness(named, name) >= CLOSE for column in REVENUE for name in synonyms("subscription_lines")[column])
