"""Contradictions between sources that touch a figure: they stand beside it, never only in the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser

from laer.web.book.models import ChurnEvent
from laer.web.book.scope import visible_accounts
from laer.web.people.models import User
from laer.web.runs.models import AccountCard, PassRun


def revenue_contradictions(user: User | AnonymousUser, run: PassRun, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Notices for the Revenue page. Two queries.

    Churn events name accounts whose lines go on: the ledger, which reads lines, does not see them leave.
    """
    named = ChurnEvent.objects.filter(archived_at=None, effective_on__lte=run.as_of, account__in=visible_accounts(user))
    accounts = named.values("account_id").distinct().count()
    if not accounts:
        return []
    paying = AccountCard.objects.filter(account_id__in=named.values("account_id"), state="paying").count()
    if not paying:
        return []
    return [
        {
            "tone": "warn",
            "title": f"Churn events name {accounts:,} accounts; {paying:,} of them still pay by their subscription lines",
            "text": "Every figure on this page reads lines. If the churn events are right, MRR and retention are lower than shown.",
            "action": {"label": "See the accounts", "url": "/data/doctor/"},
        }
    ]


