"""What of a renewal was kept, and what it came to: exact amounts by product family, before and after."""

from __future__ import annotations

from collections.abc import Mapping

Families = Mapping[object, int]  # product family, or None where a line names no product -> MRR in parts


def kept(due: Families, renewed: Families, *, named: bool) -> int:
    """How much of what was due was renewed: never more than was due, never more than was renewed.

    Args    named  the next contract says that it renews this one: then all of it stands for all of this one. Else product family by
                   product family, where both sides name their products
    Holds   0 <= kept <= sum(due), kept <= sum(renewed), for amounts that are not negative
    Method  docs/methods/renewal-rates.md
    """
    whole = max(0, min(sum(due.values()), sum(renewed.values())))
    if named or None in due or None in renewed:
        return whole
    return min(whole, sum(max(0, min(amount, renewed.get(family, 0))) for family, amount in due.items()))


def added(one: Families, other: Families) -> dict[object, int]:
    """Two contracts that fall due on one day, as one."""
    return {family: one.get(family, 0) + other.get(family, 0) for family in (*one, *(f for f in other if f not in one))}
