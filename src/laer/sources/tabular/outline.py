"""A pivot of two levels or more: rows that are the sums of the rows below them (`Ana 3,600`, then her customers), proved by the total of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

MOST = 20_000  # rows; a longer list is no report of groups
DEEPEST = 4  # levels, as region, team, owner and customer
Item = tuple[str, Decimal]


def levels(items: Sequence[Item], total: Decimal) -> list[int] | None:
    """The level of each row, 1 for those that make up the total; None where the rows are no outline whose every level comes to it.

    Each row of a level above the lowest is the sum of the next level's rows right below it.
    """
    if not 2 < len(items) <= MOST or not total:
        return None
    depth, rest = divmod(sum((value for _, value in items), Decimal(0)), total)
    return _levels([value for _, value in items], total, int(depth), 1) if not rest and 2 <= depth <= DEEPEST else None


def _levels(values: Sequence[Decimal], total: Decimal, depth: int, level: int) -> list[int] | None:
    """The same of the rows below one, or of all: `depth` levels are left, and the first of them comes to `total`."""
    if depth == 1:
        return [level] * len(values) if values and sum(values, Decimal(0)) == total else None
    found: list[int] = []
    place, come_to = 0, Decimal(0)
    while place < len(values):
        value, under, below = values[place], Decimal(0), place + 1
        whole = (depth - 1) * value
        while below < len(values) and (under != whole or below == place + 1 or not values[below]):
            under += values[below]
            below += 1
        inside = _levels(values[place + 1 : below], value, depth - 1, level + 1) if under == whole else None
        if inside is None:
            return None
        found += [level, *inside]
        come_to, place = come_to + value, below
    return found if come_to == total else None


def items_below(items: Sequence[Item], found: Sequence[int]) -> bool:
    """Whether what stands on the lowest level are things that several rows above have (products), so that those above are the customers."""
    lowest = max(found)
    times = Counter(name.casefold() for (name, _), level in zip(items, found, strict=True) if level == lowest)
    return found.count(lowest - 1) > 1 and bool(times) and max(times.values()) > 1
