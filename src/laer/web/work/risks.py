"""Risks and escalations that people raise: raised, kept up, and closed with what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book.actions import Refused, editable_row
from laer.web.book.models import FieldChange
from laer.web.book.prepare import exact
from laer.web.people.company import firm
from laer.web.people.models import Person, User
from laer.web.people.typed import Unclear, typed_day, typed_number
from laer.web.work.models import Risk, RiskKind, RiskOutcome, RiskReason, Severity
from laer.web.work.scope import editable_risks, visible_risks
from laer.web.work.writing import log_created, write_rows

NOTE, STEP = 500, 200


def raise_risk(user: User, account_id: int, values: Mapping[str, str]) -> tuple[Risk, FieldChange]:
    """A risk from the texts of a form; nobody named: it is the person's own.

    Raises  PermissionDenied where the person may not edit the account, Refused where a text does not read
    """
    if not user.may_edit:
        raise PermissionDenied
    editable_row(user, "accounts", account_id)
    read = read_risk(values)
    if read["owner_id"] is None:
        read["owner_id"] = Person.objects.filter(user=user).values_list("pk", flat=True).first()
    now = timezone.now()
    row = Risk(account_id=account_id, created_by=user, created_at=now, **read)
    with transaction.atomic():
        row.save()
        change = log_created(user, "risks", row, f"{row.kind}: {row.reason}")
    return row, change


def edit_risk(user: User, risk_id: int, values: Mapping[str, str]) -> FieldChange | None:
    """Keep it up; an outcome closes it, and taking the outcome away opens it again."""
    row = editable_risks(user).filter(pk=risk_id).first()
    if row is None:
        raise PermissionDenied
    read: dict[str, Any] = read_risk(values)
    if read["owner_id"] is None:
        read["owner_id"] = row.owner_id
    read["outcome"] = values.get("outcome") or None
    if read["outcome"] is not None and read["outcome"] not in RiskOutcome.values:
        outcomes = ", ".join(map(str, RiskOutcome.labels))
        raise Refused(_("Outcome: found '%(found)s', expected one of %(expected)s") % {"found": read["outcome"][:40], "expected": outcomes})
    if (read["outcome"] is None) != (row.closed_at is None):
        read["closed_at"] = timezone.now() if read["outcome"] else None
    return write_rows(user, "risks", [(row, read)])


def archive_risk(user: User, risk_id: int) -> FieldChange | None:
    row = editable_risks(user).filter(pk=risk_id).first()
    if row is None:
        raise PermissionDenied
    return write_rows(user, "risks", [(row, {"archived_at": timezone.now()})])


def read_risk(values: Mapping[str, str]) -> dict[str, Any]:
    kind, reason, severity = values.get("kind") or RiskKind.RISK.value, values.get("reason", ""), values.get("severity") or str(Severity.MEDIUM.value)
    for label, found, allowed in ((_("Kind"), kind, RiskKind), (_("Reason"), reason, RiskReason)):
        if found not in allowed.values:
            raise Refused(_("%(label)s: found '%(found)s', expected one of %(expected)s") % {
                "label": label, "found": found[:40], "expected": ", ".join(map(str, allowed.labels))})  # fmt: skip
    if severity not in {str(value) for value in Severity.values}:
        raise Refused(_("%(label)s: found '%(found)s', expected one of %(expected)s") % {
            "label": _("Severity"), "found": severity[:40], "expected": ", ".join(map(str, Severity.labels))})  # fmt: skip
    try:
        amount: Decimal | None = typed_number(values.get("arr", ""))
        due_on = typed_day(values.get("due_on", ""))
        minutes = typed_number(values.get("minutes", ""))
    except Unclear as unclear:
        raise Refused(str(unclear)) from None
    if amount is not None and not 0 <= amount < 10**15:
        raise Refused(_("Amount: found %(found)s, expected 0 or more") % {"found": amount})
    if minutes is not None and (minutes != int(minutes) or not 0 <= minutes <= 10_000):
        raise Refused(_("Minutes: found %(found)s, expected a whole number up to 10,000") % {"found": minutes})
    texts = {name: " ".join(values.get(name, "").split()) for name in ("note", "next_step")}
    for name, limit, label in (("note", NOTE, _("Note")), ("next_step", STEP, _("Next step"))):
        if len(texts[name]) > limit:
            raise Refused(_("%(label)s: found %(n)s characters, expected at most %(limit)s") % {"label": label, "n": len(texts[name]), "limit": limit})
    owner = values.get("owner", "").strip()
    if owner and not (owner.isascii() and owner.isdigit() and len(owner) < 19 and Person.objects.filter(pk=int(owner)).exists()):
        raise Refused(_("Owner: expected one of the people listed"))
    said = None if amount is None else exact(amount)
    return texts | {
        "kind": kind, "reason": reason, "severity": int(severity), "arr": said, "currency": firm().currency if said is not None else None, "due_on": due_on,
        "minutes": None if minutes is None else int(minutes), "owner_id": int(owner) if owner else None,
    }  # fmt: skip


def risks(user: User, *, closed: bool = False) -> QuerySet[Risk]:
    """Those of accounts that the person may see. One query."""
    rows = visible_risks(user).filter(closed_at__isnull=not closed).select_related("account", "account__card", "owner")
    return rows.order_by("-closed_at", "-id") if closed else rows.order_by("-severity", "due_on", "id")


def changed_since(ids: list[int], since: datetime) -> dict[int, list[FieldChange]]:
    """Risk -> what people changed of it since an instant, the newest first. One query."""
    found: dict[int, list[FieldChange]] = {}
    for change in FieldChange.objects.filter(record="risks", object_id__in=ids, recorded_at__gte=since).select_related("user__person").order_by("-id"):
        found.setdefault(change.object_id, []).append(change)
    return found
