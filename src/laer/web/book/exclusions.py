"""Rows taken out of the figures with a reason, and taken back: by finance or an admin, each with an audit row.

The row itself stays in the book as its source states it. A pass leaves excluded subscription lines, and all lines of an
excluded account, out of the ledger; checks do not count excluded rows again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book import writing
from laer.web.book.actions import Refused
from laer.web.book.models import MODELS, Account, DirtyAccount, Exclusion, FieldChange
from laer.web.book.scope import visible_accounts, visible_rows
from laer.web.people.models import User

FIELD = "excluded"  # the name in the change log; its value is the reason
LOGGED = ("record", "object_id", "account_id", "field", "old", "new", "effective_at", "recorded_at", "source", "user_id")
WRITTEN = ("record", "object_id", "account_id", "check_id", "reason", "user_id", "at")


def active(record: str | None = None) -> QuerySet[Exclusion]:
    """Exclusions in force. Causes no query."""
    found = Exclusion.objects.filter(taken_back_at=None)
    return found if record is None else found.filter(record=record)


def excludable(record: str) -> bool:
    """Whether rows of the record can be excluded: accounts, and what belongs to one."""
    return record == "accounts" or (record in MODELS and hasattr(MODELS[record], "account_id"))


def exclude_rows(user: User, record: str, rows: Iterable[int], check: str, reason: str, *, at: datetime | None = None) -> int:
    """Take rows out of the figures. Returns how many; those that are excluded already are left as they are.

    Raises  PermissionDenied for who is neither finance nor admin or does not see a row, Refused without a reason
    """
    _allowed(user)
    reason = " ".join(reason.split())
    if not reason:
        raise Refused(_("Reason: found nothing, expected why these rows shall not count"))
    if len(reason) > 300:
        raise Refused(_("Reason: found %(n)s characters, expected at most 300") % {"n": len(reason)})
    if not excludable(record):
        raise Refused(_("%(rows)s cannot be excluded; rows of accounts can") % {"rows": record.replace("_", " ") or _("these rows")})
    now, done = at or timezone.now(), 0
    for part in writing.chunks(sorted(set(rows))):
        with transaction.atomic():
            there = _rows_of(user, record, list(part))
            if len(there) < len(part):
                raise PermissionDenied
            known = set(active(record).filter(object_id__in=part).values_list("object_id", flat=True))
            fresh = [(row, account) for row, account in there if row not in known]
            writing.insert(Exclusion, WRITTEN, [(record, row, account, check[:60], reason, user.pk, now) for row, account in fresh])
            _log(user, record, fresh, old=None, new=reason, now=now)
            done += len(fresh)
    return done


def take_back(user: User, ids: Iterable[int]) -> int:
    """End exclusions: their rows count again from the next pass on. Returns how many were in force."""
    _allowed(user)
    now, done = timezone.now(), 0
    for part in writing.chunks(sorted(set(ids))):
        with transaction.atomic():
            found = list(active().filter(visible_rows(user), pk__in=part).select_for_update())
            Exclusion.objects.filter(pk__in=[e.pk for e in found]).update(taken_back_at=now, taken_back_by=user)
            for record, reason in sorted({(e.record, e.reason) for e in found}):
                _log(user, record, [(e.object_id, e.account_id) for e in found if (e.record, e.reason) == (record, reason)], old=reason, new=None, now=now)
            done += len(found)
    return done


def _allowed(user: User) -> None:
    if not user.is_authenticated or not user.is_active or not user.may_exclude:
        raise PermissionDenied


def _rows_of(user: User, record: str, ids: list[int]) -> list[tuple[int, int]]:
    """(row, account) of current rows that the person sees."""
    seen = visible_accounts(user)
    if record == "accounts":
        return [(pk, pk) for pk in seen.filter(pk__in=ids).values_list("pk", flat=True)]
    found = MODELS[record].objects.filter(visible_rows(user), pk__in=ids, archived_at=None)
    return [(row, account) for row, account in found.values_list("pk", "account_id")]


def _log(user: User, record: str, rows: list[tuple[int, int]], *, old: str | None, new: str | None, now: datetime) -> None:
    """The audit row of each, and their accounts marked: published figures are older than the book from now on."""
    before, after = (None if value is None else json.dumps(value, ensure_ascii=False) for value in (old, new))
    writing.insert(FieldChange, LOGGED, [(record, row, account, FIELD, before, after, now, now, "person", user.pk) for row, account in rows])
    accounts = sorted({account for _, account in rows})
    Account.objects.filter(pk__in=accounts).update(changed_at=now)
    writing.insert(DirtyAccount, ("account_id", "since"), [(account, now) for account in accounts])
