"""Touches: what a person did with an account, logged with minutes and how it went."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from laer.web.book.actions import Refused, editable_row, mark_dirty
from laer.web.book.models import Contact, FieldChange
from laer.web.people.formats import formats
from laer.web.people.models import Person, User
from laer.web.work.models import Direction, Sentiment, Touch, TouchKind
from laer.web.work.writing import log_created

SUMMARY, LONGEST = 10_000, 24 * 60
AHEAD = timedelta(days=1)  # a touch is of the past; a day is for clocks and zones that differ


def log_touch(user: User, account_id: int, values: Mapping[str, str], contacts: Collection[int] = ()) -> tuple[Touch, FieldChange]:
    """Log one from the texts of a form, now where it does not say when; and the change that undoes it.

    Raises  PermissionDenied where the person may not edit the account, Refused where a text does not read
    """
    account = editable_row(user, "accounts", account_id)
    now = timezone.now()
    read = read_touch(values, now)
    person = Person.objects.filter(user=user).first()
    there = list(Contact.objects.filter(pk__in=contacts, account=account, archived_at=None))
    if len(there) != len(set(contacts)):
        raise Refused(_("Contacts: expected contacts of this account"))
    with transaction.atomic():
        touch = Touch.objects.create(account=account, person=person, created_by=user, created_at=now, **read)
        touch.contacts.set(there)
        with override("en"):  # the log is kept in one language, whoever writes it
            what = str(TouchKind(touch.kind).label)
        change = log_created(user, "touches", touch, what)
        mark_dirty(account.pk, now)
    return touch, change


def read_touch(values: Mapping[str, str], now: datetime) -> dict[str, Any]:
    kind, direction = values.get("kind", ""), values.get("direction") or Direction.OUT.value
    if kind not in TouchKind.values:
        raise Refused(_("Kind: found '%(found)s', expected one of %(expected)s") % {"found": kind, "expected": ", ".join(map(str, TouchKind.labels))})
    if direction not in Direction.values:
        raise Refused(_("Direction: found '%(found)s', expected one of %(expected)s") % {"found": direction, "expected": ", ".join(map(str, Direction.labels))})
    sentiment = values.get("sentiment") or None
    if sentiment is not None and sentiment not in Sentiment.values:
        raise Refused(_("Sentiment: found '%(found)s', expected one of %(expected)s") % {"found": sentiment, "expected": ", ".join(map(str, Sentiment.labels))})
    minutes = read_minutes(values.get("minutes", ""))
    summary = values.get("summary", "").strip()
    if len(summary) > SUMMARY:
        raise Refused(_("Summary: found %(count)s characters, expected at most %(limit)s") % {"count": len(summary), "limit": SUMMARY})
    at = _moment(values.get("at", "").strip(), now)
    return {"kind": kind, "direction": direction, "sentiment": sentiment, "minutes": minutes, "summary": summary, "at": at}


def read_minutes(text: str) -> int | None:
    """How long something took; None where a form does not say it."""
    text = text.strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= LONGEST):
        raise Refused(_("Minutes: found '%(found)s', expected a whole number up to %(limit)s") % {"found": text[:20], "limit": LONGEST})
    return int(text) if text else None


def _moment(text: str, now: datetime) -> datetime:
    """A local day and time of a form (2026-04-12T14:30) as an instant."""
    if not text:
        return now
    try:
        read = datetime.fromisoformat(text)
        at = timezone.make_aware(read, formats().zone) if timezone.is_naive(read) else read
    except (ValueError, OverflowError):
        raise Refused(_("When: found '%(found)s', expected a day and a time such as 2026-04-12T14:30") % {"found": text}) from None
    if not now - timedelta(days=36_500) < at < now + AHEAD:
        raise Refused(_("When: found %(found)s, expected a moment that is past") % {"found": text})
    return at
