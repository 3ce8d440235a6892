"""The accounts below an account, and what its health is together with theirs."""

from __future__ import annotations

from django.db.models import QuerySet

from laer.scores.roll_up import Held, RolledUp, roll_up
from laer.web.book.models import Account
from laer.web.runs.models import AccountCard

LEVELS = 10


def below(accounts: QuerySet[Account], top: int) -> set[int]:
    """Of all levels, each once: a circle of parents ends where it began. A query for each level. In: accounts: those that may be seen."""
    found: set[int] = set()
    level = {top}
    for _ in range(LEVELS):
        level = set(accounts.filter(parent_id__in=level).values_list("pk", flat=True)) - found - {top}
        if not level:
            break
        found |= level
    return found


def together(top: int, others: set[int]) -> tuple[RolledUp, list[AccountCard]]:
    """The rolled-up health, and the cards of those that pay, the largest ARR first. One query."""
    cards = list(AccountCard.objects.filter(account_id__in=[top, *others], state="paying").order_by("-arr_minor", "account_id"))
    return roll_up(Held(max(card.arr_minor, 0), card.facts.get("health_score"), card.facts.get("health")) for card in cards), cards
