"""The account that somebody names on a page: by its number, its name, or a part of it."""

from __future__ import annotations

from laer.web.book.models import Account
from laer.web.book.scope import visible_accounts
from laer.web.people.models import User

LONGEST = 120


def account_named(user: User, text: str) -> tuple[Account | None, str]:
    """Of those that the person may see, and what was asked for. At most three queries."""
    q, seen = text.strip()[:LONGEST], visible_accounts(user)
    found = seen.filter(pk=int(q)).first() if q.isascii() and q.isdigit() and len(q) < 19 else None
    return found or seen.filter(name__iexact=q).first() or seen.filter(name__icontains=q).order_by("name").first(), q
