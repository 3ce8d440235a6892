"""The accounts below an account, and what its health is together with theirs: on the Health tab of a parent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.urls import reverse

from laer.records.money import minor_units
from laer.scores.roll_up import SHARE
from laer.web.book.models import Account
from laer.web.book.scope import visible_accounts
from laer.web.people.models import User
from laer.web.runs import family
from laer.web.runs.models import AccountCard
from laer.web.templatetags.laer import money, money_short, number, percent

SHOWN = 50
TONES = {"green": "good", "yellow": "warn", "red": "bad"}


def family_of(user: User, row: Account, currency: str, words: Any) -> dict[str, Any] | None:
    """The rolled-up health and who makes it up, the largest ARR first; None for an account without any below it that the person may see.

    A query for each level and one for the cards. In: words: band -> how it is said
    """
    below = family.below(visible_accounts(user), row.pk)
    if not below:
        return None
    found, cards = family.together(row.pk, below)
    whole = sum(max(card.arr_minor, 0) for card in cards)
    return {
        "score": None if found.score is None else number(found.score), "band": words.get(found.band or ""), "tone": TONES.get(found.band or "", "outline"),
        "known": percent(found.known), "few": found.few, "share": percent(float(SHARE)), "below": len(below), "paying": len(cards),
        "everything": user.reads_everything, "more": len(cards) > SHOWN,
        "shares": [{"band": words[band], "tone": TONES[band], "share": percent(part)} for band, part in found.shares.items() if part],
        "rows": [
            {
                "name": card.name, "url": f"{reverse('account', args=[card.account_id])}?tab=health", "own": card.account_id == row.pk,
                "band": words.get(card.facts.get("health") or ""), "tone": TONES.get(card.facts.get("health") or "", "outline"),
                "score": number(card.facts.get("health_score")), "part": percent(max(card.arr_minor, 0) / whole) if whole else number(None),
                **_arr(card, currency),
            }
            for card in cards[:SHOWN]
        ],
    }  # fmt: skip


def _arr(card: AccountCard, currency: str) -> dict[str, str]:
    own = card.currency or currency
    amount = Decimal(card.arr_minor).scaleb(-minor_units(own))
    return {"arr": money_short(amount, own), "exact": money(amount, own)}
