"""The one scoping function: which accounts a person may see and edit. Every query, question, export and search goes through it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.web.book.models import Account, Assignment
from laer.web.people.models import User


def visible_accounts(user: User | AnonymousUser) -> QuerySet[Account]:
    """Accounts that the person may see. Admins, leads and finance see all; members and viewers see what they are
    assigned to, or all where the firm opened its book (LAER_READ_SCOPE=all). Causes no query by itself."""
    current = Account.objects.filter(archived_at=None)
    if not isinstance(user, User) or not user.is_active:
        return current.none()
    if user.reads_everything or settings.READ_SCOPE == "all":
        return current
    return current.filter(id__in=assigned_to(user))


def editable_accounts(user: User, *, archived: bool = False) -> QuerySet[Account]:
    """Accounts that the person may edit: admins and leads all, finance and members what they are assigned to.
    `archived` gives those of them that are archived instead: who could edit an account may bring it back."""
    accounts = Account.objects.filter(archived_at__isnull=not archived)
    if not user.is_authenticated or not user.is_active or not user.may_edit:
        return accounts.none()
    return accounts if user.role in ("admin", "lead") else accounts.filter(id__in=assigned_to(user))


def assigned_to(user: User) -> QuerySet[Assignment, int]:
    """Account ids of the person's current assignments (as a subquery)."""
    today = timezone.localdate()
    current = Q(from_on=None) | Q(from_on__lte=today)
    return (
        Assignment.objects.filter(person__user=user, archived_at=None)
        .filter(current)
        .filter(Q(until_on=None) | Q(until_on__gt=today))
        .values_list("account_id", flat=True)
    )


def scope_of(user: User | AnonymousUser) -> Scope:
    """The scope that a named question needs. One query where the person does not see everything."""
    if isinstance(user, User) and user.is_active and (user.reads_everything or settings.READ_SCOPE == "all"):
        return Scope(True)
    return Scope(False, frozenset(visible_accounts(user).values_list("id", flat=True)))
