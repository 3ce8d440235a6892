"""Accounts by a few letters of their name or domain, for somebody who types: the eight that are meant most likely, at once."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, IntegerField, Value, When

from laer.web.book.scope import scope_of, visible_rows
from laer.web.people.models import User
from laer.web.runs.models import AccountCard
from laer.web.runs.queries import SELECTIVE, cards_of

FOUND = 8


def find_accounts(user: User, text: str, most: int = FOUND) -> list[dict[str, Any]]:
    """Accounts that the person may see whose name or domain holds every word; those that begin with the text first, then the largest.

    The first query reads one narrow index (`cards_search` holds all it asks for; on PostgreSQL the trigrams), the second only what is
    shown. An order by MRR alone would walk the index of MRR and look every row up until enough were found.
    """
    words = text.casefold().split()[:8]
    if not words:
        return []
    scope = scope_of(user)
    # Of a large book each hit is looked up; a list of all its accounts would be made for every letter.
    cards = AccountCard.objects.filter(visible_rows(user)) if len(scope.account_ids) > SELECTIVE else cards_of(scope)
    for word in words:
        cards = cards.filter(search__contains=word)
    begins = Case(When(search__startswith=" ".join(words), then=Value(0)), default=Value(1), output_field=IntegerField())
    ids = list(cards.order_by(begins, "-mrr_minor", "account_id").values_list("account_id", flat=True)[: most + 4])
    found = AccountCard.objects.filter(account_id__in=ids, account__archived_at=None).values(
        "account_id", "name", "domain", "state", "arr_minor", "currency", "owner_name"
    )
    return [dict(card) for card in sorted(found, key=lambda card: ids.index(card["account_id"]))][:most]
