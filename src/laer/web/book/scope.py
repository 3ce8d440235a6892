"""The one scoping function: which accounts a person may see and edit. Every query, question, export and search goes through it."""

from __future__ import annotations

import json
import re
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
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
    return current.filter(id__in=assigned_to(_readers(user)))


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
    if not isinstance(user, User) or not user.is_active:
        return Scope(False)
    # The current accounts among them by what is archived, of which there is little: looking each of a large book up would take longer than all else.
    return Scope(False, frozenset(_whole_column(assigned_to(_readers(user)).filter(_current("account_id")))))


def visible_rows(user: User | AnonymousUser, column: str = "account_id") -> Q:
    """Condition over rows that belong to an account: that the person may see it. Rows of no account are not among them.

    The same as `account__in=visible_accounts(user)`, for where few rows are asked for: it looks at the account of each row, where
    the other makes a list of all accounts first (100,000 of them in 150 ms, for a bell that says 3).
    """
    if not isinstance(user, User) or not user.is_active:
        return Q(pk__in=[])
    return _current(column) if _sees_everything(user) else _current(column) & _one_of(_readers(user), column)


def editable_rows(user: User, column: str = "account_id") -> Q:
    """The same of accounts that the person may edit."""
    if not user.is_authenticated or not user.is_active or not user.may_edit:
        return Q(pk__in=[])
    if user.role in ("admin", "lead"):
        return _current(column)
    return _current(column) & _one_of(_oneself(user).union(_covered(user)), column)


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


def _current(column: str) -> Q:
    """The account is not archived; told from those that are, of which there are few."""
    archived = Account.objects.filter(archived_at__isnull=False).values("id")
    return Q(**{f"{column}__isnull": False}) & ~Q(**{f"{column}__in": archived})


def _one_of(people: Any, column: str) -> Q:
    return Q(Exists(assigned_to(people).filter(account_id=OuterRef(column))))


def _whole_column(rows: QuerySet[Any, int]) -> list[int]:
    """The numbers of a query with one column as one value: a book of 30,000 accounts comes in 10 ms, row by row it takes 60."""
    sql, params = rows.query.get_compiler(connection=connection).as_sql()
    gathered = "json_group_array" if connection.vendor == "sqlite" else "array_agg"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {gathered}(account_id) FROM ({sql}) AS found", params)
        found = cursor.fetchone()[0] or []
    return json.loads(found) if isinstance(found, str) else found


def _readers(user: User) -> QuerySet[Person, int]:
    """People whose accounts the person reads: themselves, whom they cover, their teams and those below."""
    return _oneself(user).union(_covered(user), _team(user))


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
