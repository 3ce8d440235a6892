"""The one scoping function: which accounts a person may see and edit. Every query, question, export and search goes through it."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.web.book.models import Account, Assignment
from laer.web.people.models import Cover, Person, ReadScope, TeamMember, User

COSTS = frozenset({"cost", "costs", "margin", "margins", "pay", "salary", "salaries", "wage", "wages", "commission", "commissions", "bonus"})


def visible_accounts(user: User | AnonymousUser) -> QuerySet[Account]:
    """Accounts that the person may see. Admins, leads and finance see all. Members and viewers see what they, the people of
    their teams and the people they cover are assigned to; or all where the firm opened its book. Causes no query by itself."""
    current = Account.objects.filter(archived_at=None)
    if not isinstance(user, User) or not user.is_active:
        return current.none()
    if _sees_everything(user):
        return current
    return current.filter(id__in=assigned_to(_oneself(user).union(_covered(user), _team(user))))


def editable_accounts(user: User, *, archived: bool = False) -> QuerySet[Account]:
    """Accounts that the person may edit: admins and leads all, finance and members what they or the people they cover are assigned to.
    `archived` gives those of them that are archived instead: who could edit an account may bring it back."""
    accounts = Account.objects.filter(archived_at__isnull=not archived)
    if not user.is_authenticated or not user.is_active or not user.may_edit:
        return accounts.none()
    return accounts if user.role in ("admin", "lead") else accounts.filter(id__in=assigned_to(_oneself(user).union(_covered(user))))


def scope_of(user: User | AnonymousUser) -> Scope:
    """The scope that a named question needs. One query where the person does not see everything."""
    if isinstance(user, User) and user.is_active and _sees_everything(user):
        return Scope(True)
    return Scope(False, frozenset(visible_accounts(user).values_list("id", flat=True)))


def may_see_field(user: User, name: str) -> bool:
    """Whether the person may read a field of this name, of a record or of the firm's own: cost, margin and pay are for
    admins, leads and finance. Lists, pages, histories and exports ask here before they show one."""
    return user.may_see_costs or COSTS.isdisjoint(re.split(r"[^a-z]+", name.casefold()))


def assigned_to(people: Any) -> QuerySet[Assignment, int]:
    """Account ids of the current assignments of people, given by their ids (as a subquery)."""
    today = timezone.localdate()
    return (
        Assignment.objects.filter(person_id__in=people, archived_at=None)
        .filter(Q(from_on=None) | Q(from_on__lte=today))
        .filter(Q(until_on=None) | Q(until_on__gt=today))
        .values_list("account_id", flat=True)
    )


def _sees_everything(user: User) -> bool:
    return user.reads_everything or user.read_scope == ReadScope.ALL


def _oneself(user: User) -> QuerySet[Person, int]:
    return Person.objects.filter(user_id=user.pk).values_list("id", flat=True)


def _covered(user: User) -> QuerySet[Cover, int]:
    """People whom the person stands in for today."""
    today = timezone.localdate()
    return Cover.objects.filter(by__user_id=user.pk, ended_at=None, from_on__lte=today, last_on__gte=today).values_list("person_id", flat=True)


def _team(user: User) -> QuerySet[TeamMember, int]:
    """The members of the person's teams and of all teams below them."""
    mine = TeamMember.objects.filter(person__user_id=user.pk, team__archived_at=None)
    return TeamMember.objects.filter(team__in=mine.values("team__reach__below")).values_list("person_id", flat=True)
