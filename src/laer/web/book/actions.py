"""Writes by people: a verb, one transaction, the row and its audit row together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone

from laer.records.record import record_type
from laer.sources.tabular.values import Unreadable, read_boolean, read_date, read_integer, read_number
from laer.web.book.models import MODELS, Account, Assignment, DirtyAccount, FieldChange
from laer.web.book.prepare import as_json, exact
from laer.web.book.scope import editable_accounts
from laer.web.people.models import Person, User

READERS: dict[str, Callable[[str], Any]] = {"integer": read_integer, "boolean": read_boolean, "decimal": read_number, "date": lambda t: read_date(t, "ymd")}
EDITABLE = {
    "accounts": ("name", "domain", "industry", "country", "region", "segment", "employees", "lead_source", "signed_up_on", "churn_flag"),
    "contacts": ("name", "email", "phone", "title", "role"),
    "contracts": ("name", "signed_on", "start_on", "end_on", "term_months", "notice_on", "auto_renews", "status"),
}


class Refused(Exception):
    """The value cannot be taken: what was found, what was expected."""


def edit_field(user: User, record: str, object_id: int, name: str, text: str) -> FieldChange | None:
    """Set one field of a row as its page gives it; None where nothing changed.

    Raises  PermissionDenied where the person may not edit the account, Refused where the text does not read
    """
    row = editable_row(user, record, object_id)
    if name not in EDITABLE.get(record, ()):
        raise Refused(f"{name} cannot be edited here; these can: {', '.join(EDITABLE.get(record, ()))}")
    new = read_field(record, name, text)
    old = getattr(row, name)
    if old == new:
        return None
    return _write(user, record, row, {name: new})[0]


def undo_edit(user: User, change_id: int) -> FieldChange | None:
    """Put back what an edit replaced, as an edit of its own; refused when the field has changed since."""
    change = FieldChange.objects.get(pk=change_id, user=user)
    row = editable_row(user, change.record, change.object_id)
    field = row._meta.get_field(change.field)
    if as_json(getattr(row, change.field)) != change.new:
        raise Refused(f"{change.field} has changed again since; look at its history")
    return _write(user, change.record, row, {change.field: field.to_python(change.old)})[0]


def archive_row(user: User, record: str, object_id: int) -> None:
    """Take a row out of the current state. Nothing is deleted: `restore_row` brings it back."""
    row = editable_row(user, record, object_id)
    _write(user, record, row, {"archived_at": timezone.now()})


def restore_row(user: User, record: str, object_id: int) -> None:
    row = editable_row(user, record, object_id, archived=True)
    _write(user, record, row, {"archived_at": None})


def assign_owner(user: User, account_id: int, person_id: int | None) -> None:
    """Give an account a new CSM from today: the assignment before is closed, so that its history stays."""
    account = editable_row(user, "accounts", account_id)
    today = timezone.localdate()
    now = timezone.now()
    with transaction.atomic():
        open_ones = Assignment.objects.filter(account=account, job="csm", until_on=None, archived_at=None).select_related("person")
        former = ", ".join(a.person.name for a in open_ones) or None
        for assignment in open_ones:
            # given and taken on one day: it never held a day, and an empty period would be no history
            assignment.until_on = today
            assignment.save(update_fields=["until_on"])
        person = Person.objects.get(pk=person_id) if person_id else None
        if person:
            Assignment.objects.create(account_id=account.pk, person=person, job="csm", from_on=today, created_at=now)
        _log(user, "accounts", account.pk, account.pk, "owner", former, person.name if person else None, now)
        _mark(account.pk, now)


def editable_row(user: User, record: str, object_id: int, archived: bool = False) -> Any:
    """A row of an account that the person may edit; PermissionDenied tells nothing about rows of others."""
    model = MODELS[record]
    row: Any = model.objects.filter(pk=object_id).exclude(archived_at=None).first() if archived else model.objects.filter(pk=object_id, archived_at=None).first()
    account_id = None if row is None else row.pk if record == "accounts" else row.account_id
    allowed = editable_accounts(user) if not (archived and record == "accounts") else None
    if row is None or (allowed is not None and not allowed.filter(pk=account_id).exists()) or (allowed is None and not user.role == "admin"):
        raise PermissionDenied
    return row


def read_field(record: str, name: str, text: str) -> Any:
    """A field's value from the text of a form."""
    column = record_type(record).column(name)
    text = text.strip()
    if not text:
        if column.required:
            raise Refused(f"{column.label} cannot be empty")
        return None
    reader = READERS.get(column.kind)
    value = reader(text) if reader else text
    if isinstance(value, Unreadable):
        expected = {"integer": "a whole number", "boolean": "yes or no", "decimal": "a number", "date": "a date such as 2026-04-12"}[column.kind]
        raise Refused(f"{column.label}: found '{text}', expected {expected}")
    limit = getattr(MODELS[record]._meta.get_field(name), "max_length", None)
    if limit and isinstance(value, str) and len(value) > limit:
        raise Refused(f"{column.label}: found {len(value)} characters, expected at most {limit}")
    return exact(value) if isinstance(value, Decimal) else value


def _write(user: User, record: str, row: models.Model, values: dict[str, Any]) -> list[FieldChange]:
    now = timezone.now()
    account_id = row.pk if record == "accounts" else getattr(row, "account_id", None)
    with transaction.atomic():
        log = []
        for name, new in values.items():
            log.append(_log(user, record, row.pk, account_id, name, as_json(getattr(row, name)), as_json(new), now))
            setattr(row, name, new)
        row.save(update_fields=list(values))
        if account_id:
            _mark(account_id, now)
    return log


def _log(user: User, record: str, object_id: int, account_id: int | None, name: str, old: Any, new: Any, now: datetime) -> FieldChange:
    return FieldChange.objects.create(
        record=record, object_id=object_id, account_id=account_id, field=name, old=old, new=new, effective_at=now, recorded_at=now, source="person", user=user
    )


def _mark(account_id: int, now: datetime) -> None:
    """In the transaction of the change: its published rows are older than the book from now on."""
    Account.objects.filter(pk=account_id).update(changed_at=now)
    DirtyAccount.objects.create(account_id=account_id, since=now)


