"""A pivot of two levels: rows that are the sums of the rows below them (`Ana 3,600`, then her customers), proved by the total of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

MOST = 20_000  # rows; a longer list is no report of groups
Item = tuple[str, Decimal]


def heads(items: Sequence[Item], total: Decimal) -> list[int] | None:
    """Places of the rows that are sums of those below them, where these rows make up the total and each of the others stands below one; else None."""
    if not 2 < len(items) <= MOST or sum((value for _, value in items), Decimal(0)) != 2 * total or not total:
        return None
    found, place = [], 0
    while place < len(items):
        value, under, below = items[place][1], Decimal(0), place + 1
        while below < len(items) and (under != value or below == place + 1 or not items[below][1]):
            under += items[below][1]
            below += 1
        if under != value or below == place + 1:
            return None
        found.append(place)
        place = below
    return found if sum((items[place][1] for place in found), Decimal(0)) == total else None


def items_below(items: Sequence[Item], found: Sequence[int]) -> bool:
    """Whether what stands below the heads are things that several of them have (products), so that the heads are the customers."""
    at = set(found)
    times = Counter(name.casefold() for place, (name, _) in enumerate(items) if place not in at)
    return len(found) > 1 and bool(times) and max(times.values()) > 1
