"""Touches: what a person did with an account, logged with minutes and how it went."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from laer.web.book.actions import Refused, editable_row
from laer.web.book.models import Contact, FieldChange
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
        raise Refused("Contacts: expected contacts of this account")
    with transaction.atomic():
        touch = Touch.objects.create(account=account, person=person, created_by=user, created_at=now, **read)
        touch.contacts.set(there)
        change = log_created(user, "touches", touch, TouchKind(touch.kind).label)
    return touch, change


def read_touch(values: Mapping[str, str], now: datetime) -> dict[str, Any]:
    kind, direction = values.get("kind", ""), values.get("direction") or Direction.OUT.value
    if kind not in TouchKind.values:
        raise Refused(f"Kind: found '{kind}', expected one of {', '.join(TouchKind.labels)}")
    if direction not in Direction.values:
        raise Refused(f"Direction: found '{direction}', expected one of {', '.join(Direction.labels)}")
    sentiment = values.get("sentiment") or None
    if sentiment is not None and sentiment not in Sentiment.values:
        raise Refused(f"Sentiment: found '{sentiment}', expected one of {', '.join(Sentiment.labels)}")
    minutes = values.get("minutes", "").strip()
    if minutes and not (minutes.isascii() and minutes.isdigit() and len(minutes) < 5 and int(minutes) <= LONGEST):
        raise Refused(f"Minutes: found '{minutes}', expected a whole number up to {LONGEST}")
    summary = values.get("summary", "").strip()
    if len(summary) > SUMMARY:
        raise Refused(f"Summary: found {len(summary)} characters, expected at most {SUMMARY}")
    at = _moment(values.get("at", "").strip(), now)
    return {"kind": kind, "direction": direction, "sentiment": sentiment, "minutes": int(minutes) if minutes else None, "summary": summary, "at": at}


def _moment(text: str, now: datetime) -> datetime:
    """A local day and time of a form (2026-04-12T14:30) as an instant."""
    if not text:
        return now
    try:
        read = datetime.fromisoformat(text)
        at = timezone.make_aware(read) if timezone.is_naive(read) else read
    except (ValueError, OverflowError):
        raise Refused(f"When: found '{text}', expected a day and a time such as 2026-04-12T14:30") from None
    if not now - timedelta(days=36_500) < at < now + AHEAD:
        raise Refused(f"When: found {text}, expected a moment that is past")
    return at
