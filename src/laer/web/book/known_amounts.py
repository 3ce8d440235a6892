"""What the book has of accounts that a file names: the MRR by which an amount of the file can be told."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import islice

from django.db.models import Q
from django.utils import timezone

from laer.sources.tabular.weighing import Known
from laer.web.book.models import Account, ExternalId, SubscriptionLine

MOST = 5_000  # accounts that are compared: more say no more
LOT = 500


def known_to(source: str, day: date | None = None) -> Known:
    """MRR on a day by the ids (else the names) by which a source names accounts; only where it is above 0."""

    def known(ids: set[str]) -> dict[str, Fraction]:
        if not SubscriptionLine.objects.filter(archived_at=None).exists():
            return {}
        found: dict[str, Fraction] = {}
        wanted = list(islice(sorted(ids - {""}), MOST))
        for start in range(0, len(wanted), LOT):
            found |= _mrr(source, wanted[start : start + LOT], day or timezone.localdate())
        return found

    return known


def _mrr(source: str, ids: list[str], day: date) -> dict[str, Fraction]:
    accounts = dict(ExternalId.objects.filter(source=source, record="accounts", external_id__in=ids).values_list("external_id", "object_id"))
    named = Account.objects.filter(archived_at=None, name__in=set(ids) - accounts.keys()).values_list("name", "id")
    accounts |= dict(named)
    total: dict[int, Fraction] = {}
    current = SubscriptionLine.objects.filter(Q(end_on=None) | Q(end_on__gt=day), archived_at=None, start_on__lte=day, account_id__in=set(accounts.values()))
    for account, numerator, denominator in current.values_list("account_id", "mrr_num", "mrr_den"):
        total[account] = total.get(account, Fraction(0)) + Fraction(numerator, denominator)
    return {text: mrr for text, account in accounts.items() if (mrr := total.get(account, Fraction(0))) > 0}
