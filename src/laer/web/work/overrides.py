"""Overrides of a score's band: what a person holds instead, why, and until when. They stand beside the score; no measure and no condition reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from laer.web.book.actions import Refused, editable_row
from laer.web.book.models import FieldChange
from laer.web.people.models import Person, User
from laer.web.people.typed import Unclear, typed_day
from laer.web.work.models import Colour, Override
from laer.web.work.scope import editable_overrides
from laer.web.work.writing import log_created, write_rows

REASON, DAYS = 300, 30  # an override lasts at most so long; another one wants a reason of its own


def override_band(user: User, account_id: int, card: str, band: str | None, values: Mapping[str, str]) -> tuple[Override, FieldChange]:
    """Hold another band of a scorecard to be true of an account, from today on.

    In      band  what the card says today, kept with it; None where it is unknown
    Raises  PermissionDenied where the person may not edit the account, Refused where a text does not read or it says what the card says
    """
    account = editable_row(user, "accounts", account_id)
    read = read_override(values)
    if read["band"] == band:
        raise Refused(_("Band: the score says %(band)s already; an override says something else") % {"band": Colour(read["band"]).label})
    now, today = timezone.now(), timezone.localdate()
    with transaction.atomic():
        row = Override.objects.create(
            account=account, card=card, instead_of=band, from_on=today, person=Person.objects.filter(user=user).first(), created_by=user, created_at=now, **read
        )
        with override("en"):  # the log is kept in one language, whoever writes it
            what = f"{card}: {Colour(row.band).label} until {row.until_on.isoformat()}: {row.reason}"
        change = log_created(user, "overrides", row, what)
    return row, change


def end_override(user: User, override_id: int) -> FieldChange | None:
    """End one today. None where it has ended already.

    Raises  Override.DoesNotExist where there is none that the person may edit
    """
    row = editable_overrides(user).get(pk=override_id)
    today = timezone.localdate()
    return write_rows(user, "overrides", [(row, {"until_on": today})]) if row.until_on > today else None


def read_override(values: Mapping[str, str]) -> dict[str, Any]:
    band, reason = values.get("band", ""), " ".join(values.get("reason", "").split())
    if band not in Colour.values:
        raise Refused(_("Band: found '%(found)s', expected one of %(expected)s") % {"found": band[:40], "expected": ", ".join(map(str, Colour.labels))})
    if not reason:
        raise Refused(_("Reason: found none, expected a line that says why the score is wrong of this account"))
    if len(reason) > REASON:
        raise Refused(_("Reason: found %(n)s characters, expected at most %(limit)s") % {"n": len(reason), "limit": REASON})
    today = timezone.localdate()
    try:
        until = typed_day(values.get("until_on", "")) or today + timedelta(days=DAYS)
    except Unclear as unclear:
        raise Refused(_("Until: %(why)s") % {"why": unclear}) from None
    if not today < until <= today + timedelta(days=DAYS):
        expected = {"found": until.isoformat(), "days": DAYS}
        raise Refused(_("Until: found %(found)s, expected a day after today and within %(days)s days") % expected)
    return {"band": band, "reason": reason, "until_on": until}


def standing_overrides(account_ids: Collection[int], today: date) -> dict[tuple[int, str], Override]:
    """(account, scorecard) -> the override that stands that day. One query, none without accounts."""
    if not account_ids:
        return {}
    rows = _begun(today).filter(account_id__in=list(account_ids), until_on__gt=today).select_related("person").order_by("created_at", "id")
    return {(row.account_id, row.card): row for row in rows}


def overrides_of(account_id: int, card: str) -> list[Override]:
    """All of one scorecard of an account, the newest first. One query."""
    rows = Override.objects.filter(account_id=account_id, card=card, archived_at=None).select_related("person")
    return list(rows.order_by("-created_at", "-id")[:50])


def _begun(today: date) -> QuerySet[Override]:
    return Override.objects.filter(archived_at=None, from_on__lte=today)
