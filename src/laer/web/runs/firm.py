"""Changing what the firm is, where the book depends on it: the currency, the time zone and the fiscal year make its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.adopt.activation import ActivationRule
from laer.web.book.models import DirtyAccount, SubscriptionLine
from laer.web.people import company
from laer.web.people.models import User
from laer.web.people.roles import Refused
from laer.web.runs import rates
from laer.web.runs.models import ClosedMonth

MAKES_FIGURES = ("currency", "time_zone", "fiscal_year_start")


class Unsure(Refused):
    """It can be done, but what it does to the figures must be read first."""


@transaction.atomic
def change_firm(by: User, given: Mapping[str, Any], *, sure: bool = False) -> list[str]:
    """Write what an admin says of the firm, and have the figures computed again where they depend on it; the fields that changed.

    Raises  Unsure where the book's currency would change and the person has not said that they mean it; Refused, PermissionDenied
    """
    wanted = company.checked(given).get("currency")
    if wanted and wanted != company.firm().currency:
        if refusal := why_not(wanted):
            raise Refused(refusal)
        if not sure and (warning := what_it_does(wanted)):
            raise Unsure(warning)
    changed = company.save(by, given)
    if any(name in MAKES_FIGURES for name in changed):
        DirtyAccount.objects.create(account_id=None, since=timezone.now())
    return changed


@transaction.atomic
def change_activation(by: User, rule: ActivationRule | None) -> bool:
    """Write the rule by which an account counts as activated (None: the one that ships), and have every fact computed again."""
    changed = company.save_activation(by, rule)
    if changed:
        DirtyAccount.objects.create(account_id=None, since=timezone.now())
    return changed


@transaction.atomic
def change_minutes(by: User, minutes: Mapping[str, int]) -> bool:
    """Write the usual minutes of work by kind, and have every fact computed again: what each motion took rests on them."""
    changed = company.save_minutes(by, minutes)
    if changed:
        DirtyAccount.objects.create(account_id=None, since=timezone.now())
    return changed


def why_not(currency: str) -> str:
    """Why the book cannot go over to another currency now; nothing where it can."""
    closed = ClosedMonth.objects.filter(closed_at__isnull=False, reopened_at=None).exclude(currency=currency)
    if months := closed.count():
        text = ngettext(
            "%(months)d month is closed in %(old)s. A closed month keeps its figures, so the currency stays. Open it again first: Revenue, Close months.",
            "%(months)d months are closed in %(old)s. Closed months keep their figures, so the currency stays. Open them again first: Revenue, Close months.",
            months,
        )
        return text % {"months": months, "old": closed[0].currency}
    return ""


def what_it_does(currency: str) -> str:
    """What becomes of the lines that are there; nothing in a book without lines."""
    lines = SubscriptionLine.objects.filter(archived_at=None, mrr_num__gt=0)
    by_code: dict[str | None, int] = dict(lines.values_list("currency").annotate(n=Count("id")).order_by("-n"))
    if not by_code:
        return ""
    text = _("The book has %(lines)s lines with an amount, and every figure would be in %(new)s from the next pass on.")
    told = [text % {"lines": f"{sum(by_code.values()):,}", "new": currency}]
    if unsaid := by_code.get(None, 0) + by_code.get("", 0):
        text = _("%(lines)s lines name no currency: their amounts would be taken for %(new)s as they stand.")
        told.append(text % {"lines": f"{unsaid:,}", "new": currency})
    known = {currency, *rates.currencies(timezone.localdate())}
    lost = {code: n for code, n in by_code.items() if code and code not in known}
    if lost:
        text = _("%(lines)s lines in %(codes)s have no rate to %(new)s and would count nowhere until LAER_FX_FILE names one.")
        told.append(text % {"lines": f"{sum(lost.values()):,}", "codes": ", ".join(sorted(lost)), "new": currency})
    if rates.table().plain or rates.table().years:
        told.append(_("The rates in LAER_FX_FILE are to the currency of the book: they must be those to %(new)s.") % {"new": currency})
    return " ".join(told)
