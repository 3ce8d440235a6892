"""Whole parts of an account, row by row, for a file: what the page shows in pieces leaves without an end. One or two queries each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F, QuerySet

from laer.web.book.models import (
    Contact,
    ContactRole,
    Contract,
    Entitlement,
    FieldChange,
    Invoice,
    ProductUser,
    SubscriptionLine,
    SurveyResponse,
    Ticket,
)
from laer.web.book.queries import cut_lines

CHUNK = 2_000


def all_contacts(account_id: int) -> Iterator[Contact]:
    return _all(Contact.objects.filter(account_id=account_id, archived_at=None).order_by("name", "id"))


def all_contact_roles(account_id: int) -> Iterator[ContactRole]:
    rows = ContactRole.objects.filter(account_id=account_id, contact__archived_at=None, archived_at=None).select_related("contact", "reports_to")
    return _all(rows.order_by("contact__name", "from_on", "id"))


def all_product_users(account_id: int) -> Iterator[ProductUser]:
    return _all(ProductUser.objects.filter(account_id=account_id, archived_at=None).select_related("contact").order_by("user_id", "id"))


def all_entitlements(account_id: int) -> Iterator[Entitlement]:
    rows = Entitlement.objects.filter(account_id=account_id, archived_at=None).select_related("product", "contract")
    return _all(rows.order_by("name", "from_on", "id"))


def all_invoices(account_id: int) -> Iterator[Invoice]:
    return _all(Invoice.objects.filter(account_id=account_id, archived_at=None).order_by("-issued_on", "-id"))


def all_contracts(account_id: int) -> Iterator[Contract]:
    """The latest end first, an open end before all."""
    return _all(Contract.objects.filter(account_id=account_id, archived_at=None).order_by(F("end_on").desc(nulls_first=True), "-id"))


def all_lines(account_id: int) -> list[SubscriptionLine]:
    """Lines with their subscription and product, each ended where a later one takes its place, the latest first."""
    rows = SubscriptionLine.objects.filter(account_id=account_id, archived_at=None).select_related("subscription", "product")
    lines = list(rows.order_by("start_on", "id"))
    cut_lines(lines)
    return lines[::-1]


def all_tickets(account_id: int) -> list[Ticket]:
    """Newest first."""
    return list(Ticket.objects.filter(account_id=account_id, archived_at=None).order_by("-opened_at", "-id"))


def all_answers(account_id: int) -> Iterator[SurveyResponse]:
    """To surveys, newest first."""
    return _all(SurveyResponse.objects.filter(account_id=account_id, archived_at=None).select_related("contact").order_by("-answered_on", "-id"))


def all_changes(account_id: int) -> Iterator[FieldChange]:
    """The change log of an account, newest first, as its page shows it."""
    rows = FieldChange.objects.filter(account_id=account_id).exclude(record="assignments", user__isnull=False)
    return _all(rows.select_related("user__person", "run").order_by("-id"))


def _all(rows: QuerySet[Any]) -> Iterator[Any]:
    return rows.iterator(CHUNK)
