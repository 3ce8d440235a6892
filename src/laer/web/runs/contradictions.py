"""Contradictions between sources that touch a figure: they stand beside it, never only in the doctor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from django.contrib.auth.models import AnonymousUser

from laer.records.money import minor_units, rounded
from laer.web.book.models import ChurnEvent
from laer.web.book.scope import visible_accounts
from laer.web.people.models import User
from laer.web.runs.models import AccountCard, PassRun
from laer.web.templatetags.laer import money_short

BY = {"events": "churn events end lines", "lines": "lines alone end revenue"}


def revenue_contradictions(
    user: User | AnonymousUser, run: PassRun, figures: Mapping[str, Any], otherwise: Callable[[], Mapping[str, Any]], *, other: str, url: str
) -> list[dict[str, Any]]:
    """Notices for the Revenue page. Two queries, and the ledger once more by the other basis where there is something to say.

    Churn events name accounts whose lines go on: a ledger that reads lines does not see them leave (rule 20).

    In   otherwise  the same figures by the other basis;  other, url  that basis, and the page by it
    """
    named = ChurnEvent.objects.filter(archived_at=None, effective_on__lte=run.as_of, account__in=visible_accounts(user))
    accounts = named.values("account_id").distinct().count()
    if not accounts:
        return []
    paying = AccountCard.objects.filter(account_id__in=named.values("account_id"), state="paying").count()
    if not paying:
        return []
    then = otherwise()
    counted = "are counted" if other == "lines" else "are not counted"
    return [
        {
            "tone": "warn",
            "title": f"Churn events name {accounts:,} accounts; {paying:,} of them still pay by their subscription lines",
            "text": f"Here churn events {counted}. If {BY[other]}: {_effect(figures, then, run.currency)}.",
            "action": {"label": "Count churn events" if other == "events" else "Count lines alone", "url": url},
        }
    ]


def _effect(now: Mapping[str, Any], then: Mapping[str, Any], currency: str) -> str:
    """What a way out does to the figures, each with its move."""
    said = [f"MRR {_money(then['closing_mrr'], currency)} ({_signed_money(then['closing_mrr'] - now['closing_mrr'], currency)})"]
    for name, label in (("nrr_12m", "NRR over twelve months"), ("grr_12m", "GRR")):
        before, after = now.get(name), then.get(name)
        if before is not None and after is not None:
            said.append(f"{label} {float(after):.1%} instead of {float(before):.1%}")
        elif before is not None or after is not None:
            said.append(f"{label} {'unknown' if after is None else f'{float(after):.1%}'} instead of {'unknown' if before is None else f'{float(before):.1%}'}")
    said.append(f"{then['closing_accounts']:,} paying accounts instead of {now['closing_accounts']:,}")
    return ", ".join(said)


def _money(amount: Any, currency: str) -> str:
    return str(money_short(rounded(Fraction(amount), minor_units(currency)), currency))


def _signed_money(amount: Any, currency: str) -> str:
    return ("+" if amount > 0 else "\u2212" if amount < 0 else "") + _money(abs(amount), currency)
