"""Teams and covers: who shares a book with whom. Teams are the admins' to change; covers also a lead's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.people.audit import log_event
from laer.web.people.models import Act, Cover, Person, Team, TeamMember, TeamReach, User
from laer.web.people.roles import Refused, only_admins


@transaction.atomic
def save_team(by: User, name: str, parent_id: int | None, people: Iterable[int], team: Team | None = None) -> Team:
    """Make a team, or change its name, its parent and its members. Raises Refused for a name that is taken and a parent below itself."""
    only_admins(by)
    name = name.strip()[:120]
    if not name:
        raise Refused(_("A team needs a name"))
    others = Team.objects.exclude(pk=team.pk) if team else Team.objects.all()
    if others.filter(name__iexact=name, archived_at=None).exists():
        raise Refused(_("There is a team %(name)s already") % {"name": name})
    parent = Team.objects.filter(pk=parent_id, archived_at=None).first() if parent_id else None
    if parent_id and parent is None:
        raise Refused(_("Parent: found no such team"))
    if team and parent and TeamReach.objects.filter(team=team, below=parent).exists():
        raise Refused(_("%(parent)s is below %(team)s: a team cannot stand below itself") % {"parent": parent.name, "team": team.name})
    wanted = set(Person.objects.filter(pk__in=set(people), archived_at=None).values_list("pk", flat=True))
    act = "changed" if team else "made"
    team = team or Team()
    team.name, team.parent = name, parent
    team.save()
    held = set(team.memberships.values_list("person_id", flat=True))
    team.memberships.exclude(person_id__in=wanted).delete()
    TeamMember.objects.bulk_create(TeamMember(team=team, person_id=p) for p in sorted(wanted - held))
    _reach()
    log_event(Act.TEAM_CHANGED, by, subject=name, details={"what": act, "parent": parent.name if parent else None, "members": sorted(wanted)})
    return team


@transaction.atomic
def archive_team(by: User, team: Team) -> None:
    """Dissolve a team; the teams below it come under its parent."""
    only_admins(by)
    Team.objects.filter(parent=team).update(parent=team.parent)
    team.archived_at = timezone.now()
    team.save(update_fields=["archived_at"])
    _reach()
    log_event(Act.TEAM_CHANGED, by, subject=team.name, details={"what": "dissolved"})


def _reach() -> None:
    """Every team with itself and all below it, anew: a firm has tens of teams, and they change a few times a year."""
    parents = dict(Team.objects.filter(archived_at=None).values_list("pk", "parent_id"))
    pairs = []
    for below in parents:
        above: int | None = below
        while above is not None:
            pairs.append(TeamReach(team_id=above, below_id=below))
            above = parents.get(above)
    TeamReach.objects.all().delete()
    TeamReach.objects.bulk_create(pairs)


@transaction.atomic
def cover(by: User, person_id: int, stand_in_id: int, from_on: date, last_on: date) -> Cover:
    """Somebody stands in for somebody else, both days included."""
    if not by.may_arrange_cover:
        raise PermissionDenied
    if person_id == stand_in_id:
        raise Refused(_("Somebody else has to stand in"))
    if last_on < from_on:
        raise Refused(_("The last day (%(last)s) is before the first (%(first)s)") % {"last": last_on, "first": from_on})
    if last_on < timezone.localdate():
        raise Refused(_("The last day (%(last)s) is over") % {"last": last_on})
    if Person.objects.filter(pk__in=(person_id, stand_in_id), archived_at=None).count() < 2:
        raise Refused(_("Found no such person"))
    made = Cover.objects.create(person_id=person_id, by_id=stand_in_id, from_on=from_on, last_on=last_on)
    names = {"of": made.person.name, "by": made.by.name}
    log_event(Act.COVER_CHANGED, by, subject=f"{made.by.name} for {made.person.name}", details=names | {"from": f"{from_on}", "to": f"{last_on}"})
    return made


@transaction.atomic
def end_cover(by: User, cover_id: int) -> bool:
    if not by.may_arrange_cover:
        raise PermissionDenied
    found = Cover.objects.select_related("person", "by").filter(pk=cover_id, ended_at=None).first()
    if found is None:
        return False
    found.ended_at = timezone.now()
    found.save(update_fields=["ended_at"])
    log_event(Act.COVER_CHANGED, by, subject=f"{found.by.name} for {found.person.name}", details={"what": "ended"})
    return True
