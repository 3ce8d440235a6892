"""One change of many accounts: the owner or a field, in chunks, each row with its row of the change log, and the way back of all of it.

What was changed together has one instant (`recorded_at`) and the source `together`; the first row of the log is the handle of the undo.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.book import writing
from laer.web.book.actions import EDITABLE, HELD_BACK, Refused, column_of, read_field
from laer.web.book.models import Account, Assignment, DirtyAccount, FieldChange
from laer.web.book.prepare import as_json
from laer.web.book.scope import editable_accounts
from laer.web.people.models import Person, User
from laer.web.record_words import column_text

SOURCE = "together"
FIELDS = ("segment", "lead_source", "industry", "region", "country")  # of accounts, that many can share
MOST = 20_000
CHUNK = 250  # accounts of one write transaction: a person's save waits no longer than that
NAMED = 5  # accounts that a message names
LOG = ("record", "object_id", "account_id", "field", "old", "new", "effective_at", "recorded_at", "source", "user_id")
Old = tuple[int, Any, Any]  # account, what stood, what stands now


@dataclass(frozen=True)
class Changed:
    """How many accounts were changed, were so already, were not the person's to edit; `left` names those changed since (of an undo)."""

    field: str
    done: int
    same: int
    refused: int
    handle: int | None
    left: tuple[str, ...] = ()
    left_count: int = 0


def label_of(field: str) -> str:
    return _("Owner") if field == "owner" else column_text(column_of("accounts", field).label)


def change_field(user: User, ids: Collection[int], name: str, text: str) -> Changed:
    """Set one field of many accounts. Refused where the field or the text cannot be taken, before anything is written."""
    if name not in FIELDS or name not in EDITABLE["accounts"]:
        raise Refused(_("found '%(found)s', expected one of %(expected)s") % {"found": name, "expected": ", ".join(FIELDS)})
    new = read_field("accounts", name, text)

    def write(part: Sequence[int], now: datetime) -> list[Old]:
        olds = [(i, old, new) for i, old in Account.objects.filter(pk__in=part).values_list("id", name) if old != new]
        Account.objects.filter(pk__in=[i for i, *_rest in olds]).update(**{name: new})
        return olds

    return _in_chunks(user, ids, name, write)


def change_owner(user: User, ids: Collection[int], person_id: int | None) -> Changed:
    """Give many accounts a new CSM from today, or none; the assignments before are closed."""
    person = Person.objects.filter(pk=person_id, archived_at=None).first() if person_id else None
    if person_id and person is None:
        raise Refused(_("Owner: found nobody of that number, expected one of the people listed"))

    def write(part: Sequence[int], now: datetime) -> list[Old]:
        held = _held(part)
        wanted = {person.pk} if person else set()
        changing = [i for i in part if {a.person_id for a in held[i]} != wanted]
        today = timezone.localdate()
        closed = [a for i in changing for a in held[i]]
        Assignment.objects.filter(pk__in=[a.pk for a in closed]).update(until_on=today)
        _log(user, [("assignments", a.pk, a.account_id, "until_on", None, today.isoformat()) for a in closed], now)
        if person:
            Assignment.objects.bulk_create([Assignment(account_id=i, person=person, job="csm", from_on=today, created_at=now) for i in changing])
        return [(i, _names(held[i]), person.name if person else None) for i in changing]

    return _in_chunks(user, ids, "owner", write)


def undo_together(user: User, change_id: int) -> Changed:
    """Put back exactly what that change replaced, account by account; what was changed again since is left and named.

    Raises  FieldChange.DoesNotExist for somebody else's change
    """
    handle = FieldChange.objects.get(pk=change_id, user=user, record="accounts", source=SOURCE)
    rows = FieldChange.objects.filter(record="accounts", field=handle.field, user=user, source=SOURCE, recorded_at=handle.recorded_at)
    log = {c.object_id: c for c in rows}
    allowed = _editable(user, log)
    if handle.field == "owner" and user.may_edit and timezone.now() - handle.recorded_at < HELD_BACK:  # who gave their own away may take it back at once
        closed = FieldChange.objects.filter(record="assignments", account_id__in=log, field="until_on", user=user, recorded_at=handle.recorded_at)
        mine = Assignment.objects.filter(pk__in=closed.values("object_id"), person__user=user, account__archived_at=None)
        allowed |= set(mine.values_list("account_id", flat=True))
    write = _owners_back(user, log, handle.recorded_at) if handle.field == "owner" else _fields_back(log, handle.field)
    return _in_chunks(user, log, handle.field, write, allowed=allowed, undo=True)


def _fields_back(log: dict[int, FieldChange], name: str) -> Any:
    def write(part: Sequence[int], now: datetime) -> list[Old]:
        there = dict(Account.objects.filter(pk__in=part).values_list("id", name))
        back = [i for i in part if as_json(there[i]) == log[i].new]
        field: Any = Account._meta.get_field(name)
        writing.update(Account, name, [(field.to_python(log[i].old), i) for i in back])
        return [(i, log[i].new, log[i].old) for i in back]

    return write


def _owners_back(user: User, log: dict[int, FieldChange], at: datetime) -> Any:
    def write(part: Sequence[int], now: datetime) -> list[Old]:
        held = _held(part)
        back = [i for i in part if _names(held[i]) == log[i].new]
        made = [a.pk for i in back for a in held[i] if a.created_at == at]
        Assignment.objects.filter(pk__in=made).update(archived_at=now)
        closed = FieldChange.objects.filter(record="assignments", account_id__in=back, field="until_on", user=user, recorded_at=at)
        again = list(closed.values_list("object_id", "account_id", "new"))
        Assignment.objects.filter(pk__in=[i for i, *_rest in again]).update(until_on=None)
        _log(user, [("assignments", i, account, "until_on", new, None) for i, account, new in again], now)
        return [(i, log[i].new, log[i].old) for i in back]

    return write


def _in_chunks(user: User, ids: Collection[int], field: str, write: Any, *, allowed: set[int] | None = None, undo: bool = False) -> Changed:
    """Write what the person may edit of these; the log and the mark that a pass is due in the transaction of each chunk."""
    if not user.may_edit:
        raise PermissionDenied
    if len(ids) > MOST:
        raise Refused(_("found %(found)s accounts, expected at most %(most)s at once; narrow the list first") % {"found": len(ids), "most": MOST})
    mine = sorted(_editable(user, ids) if allowed is None else allowed & set(ids))
    now = timezone.now()
    done: set[int] = set()
    for part in writing.chunks(mine, CHUNK):
        with transaction.atomic():
            olds = write(part, now)
            changed = [i for i, *_rest in olds]
            _log(user, [("accounts", i, i, field, as_json(old), as_json(new)) for i, old, new in olds], now, "person" if undo else SOURCE)
            Account.objects.filter(pk__in=changed).update(changed_at=now)
            DirtyAccount.objects.bulk_create([DirtyAccount(account_id=i, since=now) for i in changed])
        done.update(changed)
    together = FieldChange.objects.filter(record="accounts", field=field, user=user, source=SOURCE, recorded_at=now).order_by("id")
    handle = together.values_list("pk", flat=True).first() if done and not undo else None
    stayed = [i for i in mine if i not in done]
    names = tuple(Account.objects.filter(pk__in=stayed[:NAMED]).order_by("name").values_list("name", flat=True)) if undo and stayed else ()
    return Changed(field, len(done), len(stayed), len(set(ids)) - len(mine), handle, names, len(stayed) if undo else 0)


def _editable(user: User, ids: Collection[int]) -> set[int]:
    found: set[int] = set()
    for part in writing.chunks(sorted(set(ids)), 500):
        found.update(editable_accounts(user).filter(pk__in=part).values_list("pk", flat=True))
    return found


def _held(part: Sequence[int]) -> dict[int, list[Assignment]]:
    """The CSMs in force by account."""
    found: dict[int, list[Assignment]] = {i: [] for i in part}
    for one in Assignment.objects.filter(account_id__in=part, job="csm", until_on=None, archived_at=None).select_related("person").order_by("id"):
        found[one.account_id].append(one)
    return found


def _names(held: list[Assignment]) -> str | None:
    return ", ".join(a.person.name for a in held) or None


def _log(user: User, rows: Sequence[tuple[str, int, int | None, str, Any, Any]], now: datetime, source: str = "person") -> None:
    def kept(value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    writing.insert(FieldChange, LOG, [(r, o, a, f, kept(old), kept(new), now, now, source, user.pk) for r, o, a, f, old, new in rows])
