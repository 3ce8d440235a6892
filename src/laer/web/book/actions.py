"""Writes by people: a verb, one transaction, the row and its audit row together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.records.record import Column, record_type
from laer.sources.tabular.values import Unreadable, read_boolean
from laer.web.book.models import MODELS, Account, AccountMerge, Assignment, DirtyAccount, FieldChange, ImportRun, ImportState
from laer.web.book.prepare import as_json, exact
from laer.web.book.scope import editable_accounts, visible_accounts
from laer.web.people.audit import log_event
from laer.web.people.models import Act, Person, User
from laer.web.people.typed import Unclear, typed_day, typed_number, typed_whole
from laer.web.record_words import column_text

READERS: dict[str, Callable[[str], Any]] = {"integer": typed_whole, "boolean": read_boolean, "decimal": typed_number, "date": typed_day}
EDITABLE = {
    "accounts": ("name", "domain", "industry", "country", "region", "segment", "employees", "lead_source", "signed_up_on", "churn_flag"),
    "contacts": ("name", "email", "phone", "title", "role"),
    "contracts": ("name", "signed_on", "start_on", "end_on", "term_months", "notice_on", "auto_renews", "status", "cancelled_on"),
    "notes": ("text",),
    "onboarding_plans": ("name", "started_on", "planned_end_on", "completed_on", "owner"),
    "onboarding_steps": ("phase", "title", "due_on", "done_on", "side", "not_applicable"),
    "contact_roles": ("role", "stance", "from_on", "until_on"),
    "outcomes": ("title", "promised_on", "baseline", "target", "unit", "due_on", "reached_on", "confirmed_on"),
}
HELD_BACK = timedelta(minutes=10)  # how long who gave an account away may undo it


class Refused(Exception):
    """The value cannot be taken: what was found, what was expected."""


def edit_field(user: User, record: str, object_id: int, name: str, text: str) -> FieldChange | None:
    """Set one field of a row as its page gives it; None where nothing changed.

    Raises  PermissionDenied where the person may not edit the account, Refused where the text does not read
    """
    row = editable_row(user, record, object_id)
    if name not in EDITABLE.get(record, ()):
        raise Refused(_("%(name)s cannot be edited here; these can: %(fields)s") % {"name": name, "fields": ", ".join(EDITABLE.get(record, ()))})
    new = read_field(record, name, text)
    old = getattr(row, name)
    if old == new:
        return None
    return write_fields(user, record, row, {name: new})[0]


def undo_edit(user: User, change_id: int) -> FieldChange | None:
    """Put back what an edit replaced, as an edit of its own; refused when the field has changed since."""
    change = FieldChange.objects.get(pk=change_id, user=user)
    if change.field == "owner":
        return _undo_owner(user, change)
    row = editable_row(user, change.record, change.object_id)
    if change.field not in EDITABLE.get(change.record, ()):
        can = ", ".join(EDITABLE.get(change.record, ()))
        raise Refused(_("%(field)s cannot be put back here; these can: %(fields)s") % {"field": change.field, "fields": can})
    field = row._meta.get_field(change.field)
    if as_json(getattr(row, change.field)) != change.new:
        raise Refused(_("%(field)s has changed again since; look at its history") % {"field": change.field})
    return write_fields(user, change.record, row, {change.field: field.to_python(change.old)})[0]


def archive_row(user: User, record: str, object_id: int) -> None:
    """Take a row out of the current state. Nothing is deleted: `restore_row` brings it back."""
    row = editable_row(user, record, object_id)
    write_fields(user, record, row, {"archived_at": timezone.now()})


def restore_row(user: User, record: str, object_id: int) -> None:
    row = editable_row(user, record, object_id, archived=True)
    if record == "accounts" and AccountMerge.objects.filter(merged_id=row.pk, ended_at=None).exists():
        raise Refused(_("%(name)s was merged into another account; take the merge back instead (Data, Same customer?)") % {"name": row.name})
    write_fields(user, record, row, {"archived_at": None})


def assign_owner(user: User, account_id: int, person_id: int | None) -> FieldChange | None:
    """Give an account a new CSM from today: the assignment before is closed, so that its history stays. None where they have it already.

    Raises  PermissionDenied where the person may not edit the account, Refused where there is no such person
    """
    account = editable_row(user, "accounts", account_id)
    today = timezone.localdate()
    now = timezone.now()
    person = Person.objects.filter(pk=person_id, archived_at=None).first() if person_id else None
    if person_id and person is None:
        raise Refused(_("Owner: found nobody of that number, expected one of the people listed"))
    with transaction.atomic():
        held = list(_csm_of(account.pk))
        if {a.person_id for a in held} == ({person.pk} if person else set()):
            return None
        former = ", ".join(a.person.name for a in held) or None
        for assignment in held:
            assignment.until_on = today
            assignment.save(update_fields=["until_on"])
            log_change(user, "assignments", assignment.pk, account.pk, "until_on", None, today.isoformat(), now)
        if person:
            Assignment.objects.create(account_id=account.pk, person=person, job="csm", from_on=today, created_at=now)
        change = log_change(user, "accounts", account.pk, account.pk, "owner", former, person.name if person else None, now)
        mark_dirty(account.pk, now)
    return change


def create_account(user: User, values: Mapping[str, str], owner_id: int | None = None) -> Account:
    """Add an account by hand, from the texts of a form. A member who adds one becomes its CSM, or would not see it again.

    Raises  PermissionDenied for viewers, Refused where a text does not read or the account is there already
    """
    if not user.is_authenticated or not user.may_edit:
        raise PermissionDenied
    read = {name: read_field("accounts", name, values.get(name, "")) for name in EDITABLE["accounts"]}
    there = visible_accounts(user).filter(name__iexact=read["name"], domain=read["domain"]).first()
    if there:
        raise Refused(_("%(name)s is in the book already") % {"name": there.name})
    now = timezone.now()
    if owner_id is None and user.role not in ("admin", "lead"):
        owner_id = Person.objects.filter(user=user).values_list("pk", flat=True).first()
    owner = Person.objects.filter(pk=owner_id, archived_at=None).first() if owner_id else None
    if owner_id and owner is None:
        raise Refused(_("Owner: found nobody of that number, expected one of the people listed"))
    with transaction.atomic():
        run = ImportRun.objects.create(
            source="person", state=ImportState.DONE, kind="edit", user=user, created_at=now, finished_at=now, counts={"accounts": {"new": 1}}
        )
        account = Account.objects.create(**read, created_run=run, created_at=now)
        if owner:
            Assignment.objects.create(account=account, person=owner, job="csm", from_on=timezone.localdate(now), created_run=run, created_at=now)
        log_event(Act.ADDED, user, subject=account.name, details={"account_id": account.pk})
        mark_dirty(account.pk, now)
    return account


def editable_row(user: User, record: str, object_id: int, archived: bool = False) -> Any:
    """A row of an account that the person may edit; PermissionDenied tells nothing about rows of others."""
    model: Any = MODELS[record]
    row: Any = model.objects.filter(pk=object_id, archived_at__isnull=not archived).first()
    allowed = editable_accounts(user, archived=archived and record == "accounts")
    if row is None or not allowed.filter(pk=row.pk if record == "accounts" else row.account_id).exists():
        raise PermissionDenied
    return row


def _csm_of(account_id: int) -> models.QuerySet[Assignment]:
    return Assignment.objects.filter(account_id=account_id, job="csm", until_on=None, archived_at=None).select_related("person").order_by("id")


def _undo_owner(user: User, change: FieldChange) -> FieldChange:
    """Take the assignment out that the change made, and open again those that it closed.

    Who gave an account of their own away may take that back at once, though they no longer see it.
    """
    now = timezone.now()
    closed = FieldChange.objects.filter(record="assignments", account_id=change.object_id, field="until_on", user=user, recorded_at=change.recorded_at)
    mine = Assignment.objects.filter(pk__in=closed.values("object_id"), person__user=user)
    account: Account
    if user.may_edit and now - change.recorded_at < HELD_BACK and mine.exists():
        account = Account.objects.filter(archived_at=None).get(pk=change.object_id)
    else:
        account = editable_row(user, "accounts", change.object_id)
    with transaction.atomic():
        held = list(_csm_of(account.pk))
        if (", ".join(a.person.name for a in held) or None) != change.new:
            raise Refused(_("the owner has changed again since; look at its history"))
        for assignment in held:
            if assignment.created_at == change.recorded_at:
                assignment.archived_at = now
                assignment.save(update_fields=["archived_at"])
        for one in list(closed):
            Assignment.objects.filter(pk=one.object_id).update(until_on=None)
            log_change(user, "assignments", one.object_id, account.pk, "until_on", one.new, None, now)
        answer = log_change(user, "accounts", account.pk, account.pk, "owner", change.new, change.old, now)
        mark_dirty(account.pk, now)
    return answer


def column_of(record: str, name: str) -> Column:
    """What a form needs of a field: its label, its kind, whether it is required."""
    return record_type(record).column(name)


def read_field(record: str, name: str, text: str) -> Any:
    """A field's value from the text of a form."""
    column = column_of(record, name)
    text = text.strip()
    if not text:
        if column.required:
            raise Refused(_("%(label)s cannot be empty") % {"label": column_text(column.label)})
        return None
    reader = READERS.get(column.kind)
    try:
        value = reader(text) if reader else text
    except Unclear as unclear:
        raise Refused(f"{column_text(column.label)}: {unclear}") from None
    if isinstance(value, Unreadable):
        raise Refused(_("%(label)s: found '%(text)s', expected yes or no") % {"label": column_text(column.label), "text": text})
    limit = getattr(MODELS[record]._meta.get_field(name), "max_length", None)
    if limit and isinstance(value, str) and len(value) > limit:
        said = {"label": column_text(column.label), "n": len(value), "limit": limit}
        raise Refused(_("%(label)s: found %(n)s characters, expected at most %(limit)s") % said)
    return exact(value) if isinstance(value, Decimal) else value


def write_fields(user: User, record: str, row: models.Model, values: dict[str, Any]) -> list[FieldChange]:
    """Set fields of a row that the person may edit, each with its audit row; its account waits for a pass."""
    now = timezone.now()
    account_id = row.pk if record == "accounts" else getattr(row, "account_id", None)
    with transaction.atomic():
        log = []
        for name, new in values.items():
            log.append(log_change(user, record, row.pk, account_id, name, as_json(getattr(row, name)), as_json(new), now))
            setattr(row, name, new)
        row.save(update_fields=list(values))
        if account_id:
            mark_dirty(account_id, now)
    return log


def log_change(
    user: User | None, record: str, object_id: int, account_id: int | None, name: str, old: Any, new: Any, now: datetime, source: str = "person"
) -> FieldChange:
    """One row of the change log. Where no person did it, `source` says what did: `play usage_drop`."""
    return FieldChange.objects.create(
        record=record, object_id=object_id, account_id=account_id, field=name, old=old, new=new, effective_at=now, recorded_at=now, source=source, user=user
    )


def mark_dirty(account_id: int, now: datetime) -> None:
    """In the transaction of the change: its published rows are older than the book from now on."""
    Account.objects.filter(pk=account_id).update(changed_at=now)
    DirtyAccount.objects.create(account_id=account_id, since=now)
