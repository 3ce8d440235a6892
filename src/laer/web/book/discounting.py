"""What a file of lines says of discounts, as the amounts before and after them (rule 15).

An MRR, an ARR or an amount is what is paid, so after the discount beside it. A unit price, and a list amount that stands
alone, are before it. Whatever the file leaves out of the two amounts is worked out here, once.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from laer.records.money import minor_units
from laer.sources.tabular.values import normal_words

Row = dict[str, Any]
PAID = ("mrr", "amount", "arr")
UNREADABLE = "unreadable discount"


def with_both_amounts(row: Row) -> tuple[Row, str | None]:
    """The row with its amount and its list amount where it states a discount beside one of them; or why it cannot be taken.

    Holds   a row without a discount comes back as it is
    """
    percent, off = row.get("discount_percent"), row.get("discount_amount")
    if not percent and not off:
        return row, None
    share = _share(percent)
    if share is None or (off is not None and off < 0):
        return row, f"{UNREADABLE}: {percent if share is None else off}, expected a percentage from 0 to 100, or an amount from 0"
    off = off or Decimal(0)
    places = Decimal(1).scaleb(-minor_units(row.get("currency")))
    listed, paid = row.get("list_amount"), next((name for name in PAID if row.get(name) is not None), None)
    if paid is not None:
        if listed is None and share == 1:
            return row, f"{UNREADABLE}: 100 % off, and no list amount says what is paid after it"
        before = ((row[paid] + off) / (1 - share)).quantize(places, rounding=ROUND_HALF_EVEN) if listed is None else listed
        return row | {"list_amount": before}, None  # a list price has the currency's decimals
    if listed is None and row.get("quantity") is not None and row.get("unit_price") is not None:
        listed = row["quantity"] * row["unit_price"]
    if listed is None:
        return row, None  # no amount at all: rule 19 says so
    net = (listed * (1 - share) - off).quantize(places, rounding=ROUND_HALF_EVEN)
    return row | {"list_amount": listed, "amount": max(net, Decimal(0))}, None


def checked(row: Row) -> tuple[Row, str | None]:
    """A discount of its own record."""
    if row.get("percent") is not None and _share(row["percent"]) is None:
        return row, f"{UNREADABLE}: {row['percent']}, expected a percentage from 0 to 100"
    if row.get("amount") is not None and row["amount"] < 0:
        return row | {"amount": -row["amount"]}, None  # stated with its sign
    return row | {"duration": normal_words(row.get("duration") or "") or None}, None


def _share(percent: Decimal | None) -> Decimal | None:
    """20 and 0.2 are a fifth; None for what is no percentage."""
    if percent is None:
        return Decimal(0)
    return None if not 0 <= percent <= 100 else percent / 100 if percent >= 1 else percent
