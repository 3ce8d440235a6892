"""Positions that people set: what somebody knows better than the rules, with a reason and an end, beside what was computed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.flow.positions import STATES
from laer.sources.tabular.values import read_date
from laer.web.book.actions import Refused
from laer.web.book.models import Account, FieldChange
from laer.web.book.scope import editable_accounts
from laer.web.people.models import User
from laer.web.work.models import PositionSet
from laer.web.work.scope import visible_positions
from laer.web.work.writing import log_created, write_rows

REASON = 300  # characters


def set_position(user: User, account_id: int, motion: str, values: Mapping[str, str]) -> FieldChange:
    """Say in which state an account is, from the texts of a form: state, reason, until_on (a day, or nothing). Returns the change that undoes it.

    Raises   PermissionDenied where the person may not edit the account, Refused where a text does not read
    """
    account = _editable(user, account_id)
    state, reason = values.get("state", ""), " ".join(values.get("reason", "").split())
    if motion not in STATES or state not in STATES[motion]:
        there = ", ".join(STATES.get(motion, STATES))
        raise Refused(_("State: found '%(found)s', expected one of %(expected)s") % {"found": state[:40], "expected": there})
    if not reason:
        raise Refused(_("Reason: say in one line what you know that the rules do not"))
    if len(reason) > REASON:
        raise Refused(_("Reason: found %(n)s characters, expected at most %(limit)s") % {"n": len(reason), "limit": REASON})
    row = PositionSet(
        account=account, motion=motion, state=state, reason=reason, until_on=_end(values.get("until_on", "")), created_by=user, created_at=timezone.now()
    )  # fmt: skip
    with transaction.atomic():
        row.save()
        until = f", until {row.until_on.isoformat()}" if row.until_on else ""
        return log_created(user, "positions", row, f"{motion}: {state}{until} ({reason})")


def end_position(user: User, account_id: int, motion: str) -> FieldChange | None:
    """What somebody set stands no more: rules say again where the account is. None where nobody had set anything."""
    _editable(user, account_id)
    today = timezone.localdate()
    rows = _in_force(user, account_id).filter(motion=motion)
    return write_rows(user, "positions", [(row, {"until_on": today}) for row in rows])


def positions_set(user: User, account_id: int) -> dict[str, PositionSet]:
    """Motion -> what somebody set and stands today. One query."""
    return {row.motion: row for row in _in_force(user, account_id).select_related("created_by__person").order_by("id")}


def _in_force(user: User, account_id: int) -> QuerySet[PositionSet]:
    return visible_positions(user).filter(Q(until_on=None) | Q(until_on__gt=timezone.localdate()), account_id=account_id)


def _editable(user: User, account_id: int) -> Account:
    account = editable_accounts(user).filter(pk=account_id, archived_at=None).first()
    if account is None:
        raise PermissionDenied
    return account


def _end(text: str) -> date | None:
    if not text.strip():
        return None
    found = read_date(text, "ymd")
    if not isinstance(found, date):
        raise Refused(_("Ends on: found '%(found)s', expected a day like %(example)s") % {"found": text[:40], "example": "2027-01-31"})
    if found <= timezone.localdate():
        raise Refused(_("Ends on: found %(found)s, expected a day after today") % {"found": found.isoformat()})
    return found
