"""What a login may do, changed by admins: its role, and whether it works at all. Each change is one transaction with its audit event."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from laer.web.people.audit import log_event
from laer.web.people.models import Act, Role, User
from laer.web.people.sessions import end_sessions


class Refused(Exception):
    """It cannot be done: what was found, what was expected."""


def only_admins(by: User) -> None:
    if not by.is_authenticated or not by.is_active or not by.is_admin:
        raise PermissionDenied


@transaction.atomic
def change_role(by: User, user: User, role: str) -> None:
    only_admins(by)
    if role not in Role.values:
        raise Refused(_("Role: found '%(found)s', expected one of %(expected)s") % {"found": role, "expected": ", ".join(Role.values)})
    held = _locked(user)
    if held.role == role:
        return
    if role != Role.ADMIN:
        _keep_an_admin(held)
    User.objects.filter(pk=user.pk).update(role=role)
    log_event(Act.ROLE_CHANGED, by, about=user, subject=user.email, details={"old": held.role, "new": role})


@transaction.atomic
def switch_off(by: User, user: User) -> None:
    """The login works no more, and its sessions end. The person keeps name, accounts and history."""
    only_admins(by)
    held = _locked(user)
    if not held.is_active:
        return
    _keep_an_admin(held)
    User.objects.filter(pk=user.pk).update(is_active=False)
    end_sessions(user)
    log_event(Act.SWITCHED_OFF, by, about=user, subject=user.email)


@transaction.atomic
def switch_on(by: User, user: User) -> None:
    only_admins(by)
    if not _locked(user).is_active:
        User.objects.filter(pk=user.pk).update(is_active=True)
        log_event(Act.SWITCHED_ON, by, about=user, subject=user.email)


def _locked(user: User) -> User:
    """The row as it is now. All admins' rows are locked with it: two of them who demote each other at once must not both succeed."""
    rows = User._base_manager.select_for_update().order_by("pk")
    return {u.pk: u for u in rows.filter(pk=user.pk) | rows.filter(role=Role.ADMIN)}[user.pk]


def _keep_an_admin(user: User) -> None:
    if user.role == Role.ADMIN and user.is_active and not User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk).exists():
        raise Refused(_("This is the last admin who can sign in: make somebody else an admin first"))
