"""The firm's rules of access, as an admin sets them in the browser: who reads what, and who needs a second factor."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from laer.web.people.audit import log_event
from laer.web.people.models import AccessPolicy, Act, ReadScope, User
from laer.web.people.roles import Refused, only_admins


def policy() -> AccessPolicy:
    """The rules as stored; without a read scope where the environment still decides."""
    return AccessPolicy.objects.filter(pk=1).first() or AccessPolicy(pk=1)


@transaction.atomic
def set_policy(by: User, read_scope: str, second_factor: bool) -> bool:
    """Whether anything changed."""
    only_admins(by)
    if read_scope not in ReadScope.values:
        raise Refused(_("Read scope: found '%(found)s', expected %(expected)s") % {"found": read_scope, "expected": _(" or ").join(ReadScope.values)})
    before = policy()
    if (before.read_scope, before.second_factor) == (read_scope, second_factor):
        return False
    AccessPolicy.objects.update_or_create(pk=1, defaults={"read_scope": read_scope, "second_factor": second_factor})
    if before.read_scope != read_scope:
        log_event(Act.ACCESS_CHANGED, by, subject="read scope", details={"old": before.read_scope, "new": read_scope})
    if before.second_factor != second_factor:
        log_event(Act.ACCESS_CHANGED, by, subject="second factor", details={"old": before.second_factor, "new": second_factor})
    return True
