"""Invitations: a link by mail or copied by hand that makes a login, once, within a week. A person without a login keeps name and accounts."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from laer.web.people.audit import log_event
from laer.web.people.company import firm
from laer.web.people.models import Act, Invitation, Person, Role, User
from laer.web.people.roles import Refused, only_admins

LASTS = timedelta(days=7)


@transaction.atomic
def invite(by: User, email: str, role: str, *, name: str = "", person: Person | None = None) -> tuple[Invitation, str]:
    """Make an invitation and its token, which is kept nowhere. One that was open for the same person is revoked.

    Without a person it is the one without a login whom files named by this address, else a new one.
    Raises  PermissionDenied, Refused
    """
    only_admins(by)
    email, name = email.strip().lower(), name.strip()[:200]
    if role not in Role.values:
        raise Refused(_("Role: found '%(found)s', expected one of %(expected)s") % {"found": role, "expected": ", ".join(Role.values)})
    try:
        validate_email(email)
    except ValidationError:
        raise Refused(_("E-mail: found '%(found)s', expected an address such as maya@firm.example") % {"found": email}) from None
    if User.objects.filter(email=email).exists():
        raise Refused(_("%(who)s has a login already") % {"who": email})
    if person is None:
        person = Person.objects.filter(email__iexact=email, user=None, archived_at=None).order_by("pk").first()
    if person is None:
        person = Person.objects.create(name=name or email.split("@")[0], email=email, created_at=timezone.now())
    elif person.user_id or person.archived_at:
        raise Refused(_("%(who)s has a login already") % {"who": person.name})
    open_ones().filter(person=person).update(revoked_at=timezone.now())
    token, now = secrets.token_urlsafe(32), timezone.now()
    made = Invitation.objects.create(person=person, email=email, role=role, token_hash=_hash(token), invited_by=by, made_at=now, expires_at=now + LASTS)
    log_event(Act.INVITED, by, subject=email, details={"person": person.name, "role": role})
    return made, token


def send(invitation: Invitation, link: str) -> None:
    """The link by mail."""
    by = invitation.invited_by
    text = _(
        "Hello %(name)s,\n\n%(by)s invites you to laer, where %(firm)s looks after its accounts.\n\n"
        "%(link)s\n\nThe link works once, until %(until)s. If you did not expect it, do nothing.\n"
    ) % {
        "name": invitation.person.name,
        "by": by.email if by else _("An admin"),
        "firm": firm().name or _("your firm"),
        "link": link,
        "until": date_format(invitation.expires_at, "d F Y"),
    }
    EmailMessage(_("Your invitation to laer"), text, to=[invitation.email]).send()


@transaction.atomic
def revoke(by: User, invitation_id: int) -> Invitation | None:
    """Make a link worthless that nobody has used. None where there is no such one."""
    only_admins(by)
    found = open_ones().select_related("person").filter(pk=invitation_id).first()
    if found is None or not open_ones().filter(pk=found.pk).update(revoked_at=timezone.now()):
        return None
    log_event(Act.INVITATION_REVOKED, by, subject=found.email)
    return found


def invitation_of(token: str) -> Invitation | None:
    """The invitation behind a link, while it works."""
    return open_ones().filter(token_hash=_hash(token), expires_at__gt=timezone.now(), person__archived_at=None).select_related("person").first()


@transaction.atomic
def accept(token: str, password: str) -> User:
    """Make the login and use the link up. Raises Refused: the link does not work, or the password is too weak."""
    found = invitation_of(token)
    if found is None or User.objects.filter(email=found.email).exists():
        raise Refused(_("This link no longer works"))
    try:
        validate_password(password, User(email=found.email))
    except ValidationError as weak:
        raise Refused(" ".join(weak.messages)) from None
    if not open_ones().filter(pk=found.pk).update(accepted_at=timezone.now()):  # two browsers at once: one of them is late
        raise Refused(_("This link no longer works"))
    user = User.objects.create_user(found.email, password, role=found.role)
    claimed = Person.objects.filter(pk=found.person_id, user=None).update(user=user, email=found.email)
    if not claimed:
        raise Refused(_("This link no longer works"))
    log_event(Act.JOINED, user, about=user, subject=found.email, details={"role": found.role, "person": found.person.name})
    return User.objects.get(pk=user.pk)


def open_ones() -> QuerySet[Invitation]:
    """Neither used nor revoked; they may have expired."""
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
