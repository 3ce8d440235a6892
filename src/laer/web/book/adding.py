"""Rows that people add to an account by hand: a plan, its steps, an outcome, the role of a contact. Each can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.records.types import STANCES
from laer.sources.tabular.values import normal_words
from laer.web.book.actions import EDITABLE, Refused, editable_row, log_change, mark_dirty, read_field, write_fields
from laer.web.book.models import MODELS, Contact, ContactRole, FieldChange, OnboardingPlan, OnboardingStep, Outcome
from laer.web.book.prepare import as_json
from laer.web.people.formats import today
from laer.web.people.models import User

RECORDS = ("onboarding_plans", "onboarding_steps", "outcomes", "contact_roles")
WHOSE = ("us", "customer")
ORDER = (("planned_end_on", "started_on"), ("completed_on", "started_on"), ("reached_on", "promised_on"), ("confirmed_on", "reached_on"),
    ("until_on", "from_on"))  # never before
SAYS = ("title", "name", "role", "started_on")  # what the log says of a row that was added: the first of these
TEMPLATE = (  # phase, step, share of the plan's days after which it is due, side
    ("Welcome & align", "Kickoff held", 0.05, "us"), ("Welcome & align", "Outcomes and success date agreed", 0.10, "customer"),
    ("Set up", "Access and single sign-on", 0.20, "customer"), ("Set up", "Data connected", 0.30, "customer"),
    ("Set up", "Administrators trained", 0.35, "us"), ("First value", "One use case live", 0.45, "us"), ("First value", "First win logged", 0.50, "us"),
    ("Roll out", "Teams invited and trained", 0.70, "us"), ("Roll out", "60 % of the seats active", 0.80, "customer"),
    ("Prove & hand over", "Outcome measured", 0.95, "us"), ("Prove & hand over", "Outcome confirmed, adoption plan agreed", 1.0, "customer"),
)  # fmt: skip


def add_row(user: User, record: str, account_id: int, values: Mapping[str, str], **given: Any) -> tuple[Any, FieldChange]:
    """A new row of an account from the texts of a form, and the change that takes it back.

    In      given  values that no form says, as they are kept
    Raises  PermissionDenied where the person may not edit the account, Refused where a text does not read
    """
    editable_row(user, "accounts", account_id)
    read = {name: _read(record, name, values.get(name, "")) for name in EDITABLE[record]} | given
    in_order(read)
    now = timezone.now()
    with transaction.atomic():
        row = MODELS[record].objects.create(account_id=account_id, created_at=now, **read)
        change = log_change(user, record, row.pk, account_id, "created", None, str(next((read[name] for name in SAYS if read.get(name)), "")), now)
        mark_dirty(account_id, now)
    return row, change


def add_plan(user: User, account_id: int, values: Mapping[str, str], *, template: bool) -> tuple[OnboardingPlan, FieldChange]:
    """A plan, with the steps of the template spread over its days where that is asked for.

    Raises  Refused where the template is asked for and the plan says no planned end
    """
    read = {name: read_field("onboarding_plans", name, values.get(name, "")) for name in ("started_on", "planned_end_on")}
    if template and read["planned_end_on"] is None:
        raise Refused(_("Planned end: found nothing, expected a day, over which the steps of the template are spread"))
    with transaction.atomic():
        plan, change = add_row(user, "onboarding_plans", account_id, values)
        if template:
            days = (read["planned_end_on"] - read["started_on"]).days
            OnboardingStep.objects.bulk_create(
                OnboardingStep(account_id=account_id, onboarding_plan=plan, phase=phase, title=title, side=side, created_at=plan.created_at,
                    due_on=read["started_on"] + timedelta(days=round(share * days))) for phase, title, share, side in TEMPLATE
            )  # fmt: skip
    return plan, change


def add_step(user: User, plan_id: int, values: Mapping[str, str]) -> tuple[OnboardingStep, FieldChange]:
    plan = editable_row(user, "onboarding_plans", plan_id)
    row, change = add_row(user, "onboarding_steps", plan.account_id, values, onboarding_plan_id=plan.pk)
    return row, change


def add_outcome(user: User, account_id: int, values: Mapping[str, str]) -> tuple[Outcome, FieldChange]:
    row, change = add_row(user, "outcomes", account_id, values)
    return row, change


def add_contact_role(user: User, account_id: int, values: Mapping[str, str]) -> tuple[ContactRole, FieldChange]:
    """What a contact of the account is to it, from when to when.

    Raises  Refused where the contact is not one of the account's, or has that role in those days already
    """
    given = values.get("contact", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    contact = Contact.objects.filter(pk=number, account_id=account_id, archived_at=None).first()
    if contact is None:
        raise Refused(_("Contact: found nobody of that number at this account, expected one of the contacts listed"))
    role, since = values.get("role", "").strip(), read_field("contact_roles", "from_on", values.get("from_on", ""))
    held = ContactRole.objects.filter(contact=contact, role__iexact=role, archived_at=None)
    if any(one.until_on is None or since is None or one.until_on > since for one in held):
        raise Refused(_("%(name)s is %(role)s already in those days; edit that role, or end it first") % {"name": contact.name or contact.email, "role": role})
    row, change = add_row(user, "contact_roles", account_id, values, contact_id=contact.pk)
    return row, change


def edit_row(user: User, record: str, object_id: int, values: Mapping[str, str]) -> FieldChange | None:
    """Set the fields that the form names; the last change is the handle by which `take_back` puts all of them back. None where nothing changed.

    Raises  PermissionDenied where the person may not edit the account, Refused where a text does not read
    """
    row = editable_row(user, record, object_id)
    read = {name: _read(record, name, values[name]) for name in EDITABLE[record] if name in values}
    in_order({name: getattr(row, name) for name in EDITABLE[record]} | read)
    changed = {name: value for name, value in read.items() if getattr(row, name) != value}
    return write_fields(user, record, row, changed)[-1] if changed else None


@transaction.atomic
def take_back(user: User, change_id: int) -> FieldChange:
    """Put back what the person wrote with that change: a row that was added goes to the archive (a plan with its steps), fields to what they were.

    Raises  FieldChange.DoesNotExist for somebody else's change, PermissionDenied where the account is no longer theirs to edit,
            Refused where a field has changed since
    """
    change = FieldChange.objects.get(pk=change_id, user=user, record__in=RECORDS)
    row, now = editable_row(user, change.record, change.object_id), timezone.now()
    if change.field == "created":
        if change.record == "onboarding_plans":
            OnboardingStep.objects.filter(onboarding_plan=row, archived_at=None).update(archived_at=now)
        return write_fields(user, change.record, row, {"archived_at": now})[0]
    together = FieldChange.objects.filter(record=change.record, object_id=row.pk, user=user, recorded_at=change.recorded_at)
    back = {}
    for one in together.exclude(field="created").order_by("-id"):
        if as_json(getattr(row, one.field)) != one.new:
            raise Refused(_("%(field)s has changed again since; look at its history") % {"field": one.field})
        back[one.field] = row._meta.get_field(one.field).to_python(one.old)
    return write_fields(user, change.record, row, back)[0]


def _read(record: str, name: str, text: str) -> Any:
    value = read_field(record, name, text)
    if name == "side" and value not in (None, *WHOSE):
        raise Refused(_("Side: found '%(found)s', expected one of %(expected)s") % {"found": value, "expected": ", ".join(WHOSE)})
    if name == "stance" and value is not None:
        if normal_words(value) not in STANCES:
            expected = ", ".join(dict.fromkeys(STANCES.values()))
            raise Refused(_("Stance: found '%(found)s', expected one of %(expected)s") % {"found": value, "expected": expected})
        return STANCES[normal_words(value)]
    return value


def in_order(values: Mapping[str, Any]) -> None:
    """Refuse days of which one that follows lies before, or a thing that is done lies ahead."""
    for later, earlier in ORDER:
        a, b = values.get(earlier), values.get(later)
        if isinstance(a, date) and isinstance(b, date) and b < a:
            raise Refused(_("found %(later)s before %(earlier)s, expected it on that day or after") % {"later": b.isoformat(), "earlier": a.isoformat()})
    for name in ("completed_on", "done_on", "reached_on", "confirmed_on"):
        day = values.get(name)
        if isinstance(day, date) and day > today():
            raise Refused(_("found %(day)s, expected a day that is not ahead") % {"day": day.isoformat()})
