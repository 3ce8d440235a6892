"""A team's part of what a person sees: leaders look at one team of theirs at a time. It narrows the one scope and never widens it."""

from __future__ import annotations

from collections.abc import Iterable

from laer.cycle.scope import Scope
from laer.web.book.scope import assigned_to
from laer.web.people.models import ReadScope, Team, TeamMember, User


def teams_for(user: User) -> list[Team]:
    """Teams that a person may look at alone, by name: all where they see the whole book, else their own and those below. One query."""
    teams = Team.objects.filter(archived_at=None)
    if not (user.reads_everything or user.read_scope == ReadScope.ALL):
        mine = TeamMember.objects.filter(person__user_id=user.pk, team__archived_at=None)
        teams = teams.filter(pk__in=mine.values("team__reach__below"))
    return list(teams.order_by("name", "pk"))


def accounts_of(team: Team) -> Iterable[int]:
    """Accounts that the team's people, and those of the teams below it, are assigned to today. One query."""
    people = TeamMember.objects.filter(team__in=Team.objects.filter(pk=team.pk).values("reach__below")).values_list("person_id", flat=True)
    return assigned_to(people).distinct()


def narrowed(scope: Scope, team: Team | None) -> Scope:
    """The scope, or what of it is the team's."""
    return scope if team is None else scope.narrowed(accounts_of(team))
