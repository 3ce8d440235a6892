"""Settings, Access, Teams and Cover: who reads what, who shares a book with whom, who stands in for whom."""

from __future__ import annotations

from datetime import date
from operator import attrgetter, itemgetter
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from laer.sources.tabular.values import Unreadable, read_date
from laer.web.pages.accounts import chosen_person, user_of
from laer.web.pages.lists import Value, filed
from laer.web.pages.settings import admin, frame
from laer.web.people import access, teams
from laer.web.people.models import Cover, Person, ReadScope, Role, Team, TeamMember, User
from laer.web.people.roles import Refused

PEOPLE = 2_000  # that a choice lists


@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """The read scope, and whether admins and finance need a second factor."""
    user = admin(request)
    if request.method == "POST":
        try:
            changed = access.set_policy(user, request.POST.get("read_scope", ""), request.POST.get("second_factor") == "on")
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, _("The rules are in force") if changed else _("Nothing has changed"))
        return redirect("settings_access")
    policy = access.policy()
    without = [u for u in User.objects.filter(is_active=True, role__in=(Role.ADMIN, Role.FINANCE)).order_by("email") if not u.has_factor]
    context = frame(user, "settings_access") | {
        "scopes": [
            {"value": value, "label": label, "text": SCOPES[value], "chosen": value == user.read_scope} for value, label in ReadScope.choices
        ],
        "by_default": policy.read_scope is None,
        "second_factor": policy.second_factor,
        "without": [{"email": u.email, "oneself": u.pk == user.pk} for u in without],
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "domains": sorted(settings.OIDC_DOMAINS),
        "oidc_role": settings.OIDC_ROLE,
    }
    return render(request, "pages/settings_access.html", context)


SCOPES = {
    "all": gettext_lazy("Members and viewers read every account. Members change the accounts that are assigned to them."),
    "own": gettext_lazy(
        "Members and viewers read the accounts that are assigned to them, to the people of their teams and of the teams below, and to those they cover."
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
def team_list(request: HttpRequest) -> HttpResponseBase:
    """The teams as a tree, and a form for one: another, or with `?edit=` one that there is."""
    user = admin(request)
    edited = _edited(request)
    error = ""
    values: dict[str, Any] = {"name": "", "parent": "", "members": set()}
    if edited:
        values = {"name": edited.name, "parent": str(edited.parent_id or ""), "members": set(edited.memberships.values_list("person_id", flat=True))}
    if request.method == "POST":
        chosen = {int(m) for m in request.POST.getlist("members") if m.isascii() and m.isdigit() and len(m) < 19}
        values = {"name": request.POST.get("name", ""), "parent": request.POST.get("parent", ""), "members": chosen}
        try:
            made = teams.save_team(user, values["name"], chosen_person(values["parent"]), chosen, edited)
        except Refused as refused:
            error = str(refused)
        else:
            messages.success(request, _("%(name)s saved") % {"name": made.name})
            return redirect("settings_teams")
    there = list(Team.objects.filter(archived_at=None).order_by("name"))
    members: dict[int, list[str]] = {}
    for team_id, name in TeamMember.objects.filter(team__in=there).order_by("person__name").values_list("team_id", "person__name"):
        members.setdefault(team_id, []).append(name)
    names = {team.pk: team.name for team in there}
    flat = ({"team": t, "above": names.get(t.parent_id or 0), "depth": depth, "members": members.get(t.pk, [])} for t, depth in _tree(there))
    if file := filed(request, "teams", TEAMS, lambda: flat):
        return file
    people = list(Person.objects.filter(archived_at=None).order_by("name", "pk").values_list("pk", "name", "email")[:PEOPLE])
    context = frame(user, "settings_teams") | {
        "teams": [_team(team, depth, members.get(team.pk, [])) for team, depth in _tree(there)],
        "edited": edited,
        "values": values,
        "parents": [(str(t.pk), t.name) for t in there if not edited or t.pk != edited.pk],
        "people": [{"id": pk, "name": name, "email": email or "", "chosen": pk in values["members"]} for pk, name, email in people],
        "error": error,
        "open_book": user.read_scope == ReadScope.ALL,
        "access_url": reverse("settings_access"),
        "download_url": request.path if there else None,
    }
    return render(request, "pages/settings_teams.html", context, status=422 if error else 200)


TEAMS: dict[str, Value] = {
    "team_id": lambda row: row["team"].pk, "team": lambda row: row["team"].name, "above": itemgetter("above"), "depth": itemgetter("depth"),
    "members": lambda row: ", ".join(row["members"]) or None,
}  # fmt: skip
COVERS: dict[str, Value] = {
    "away": lambda c: c.person.name, "stands_in": lambda c: c.by.name, "from": attrgetter("from_on"), "last_day": attrgetter("last_on"),
}  # fmt: skip


@require_POST
def team_dissolve(request: HttpRequest, team_id: int) -> HttpResponse:
    user = admin(request)
    team = get_object_or_404(Team, pk=team_id, archived_at=None)
    teams.archive_team(user, team)
    messages.success(request, _("%(name)s is dissolved; the teams below it stay") % {"name": team.name})
    return redirect("settings_teams")


@require_http_methods(["GET", "HEAD", "POST"])
def cover_list(request: HttpRequest) -> HttpResponseBase:
    """Who stands in for whom, and a form. Admins and leads."""
    user = user_of(request)
    if not user.may_arrange_cover:
        raise PermissionDenied
    today = timezone.localdate()
    values, error = {"person": "", "by": "", "from": today.isoformat(), "to": ""}, ""
    if request.method == "POST":
        values = {name: request.POST.get(name, "").replace("\0", "").strip()[:40] for name in values}
        person, stand_in = chosen_person(values["person"]), chosen_person(values["by"])
        first, last = read_date(values["from"], "ymd"), read_date(values["to"], "ymd")
        if not isinstance(first, date) or not isinstance(last, date) or isinstance(first, Unreadable) or isinstance(last, Unreadable):
            error = _("The first and the last day are needed, as dates such as 2026-04-12")
        elif not person or not stand_in:
            error = _("Choose who is away, and who stands in")
        else:
            try:
                made = teams.cover(user, person, stand_in, first, last)
            except Refused as refused:
                error = str(refused)
            else:
                messages.success(request, _("%(by)s stands in for %(of)s") % {"by": made.by.name, "of": made.person.name})
                return redirect("settings_cover")
    rows = Cover.objects.filter(ended_at=None, last_on__gte=today).select_related("person", "by").order_by("from_on", "pk")
    if file := filed(request, "cover", COVERS, lambda: rows):
        return file
    context = frame(user, "settings_cover") | {
        "download_url": request.path if rows else None,
        "covers": [
            {"of": c.person.name, "by": c.by.name, "from_on": c.from_on, "last_on": c.last_on, "now": c.from_on <= today}
            | {"end_url": reverse("settings_cover_end", args=[c.pk])}
            for c in rows[:200]
        ],
        "values": values,
        "people": [(str(pk), name) for pk, name in Person.objects.filter(archived_at=None).order_by("name", "pk").values_list("pk", "name")[:PEOPLE]],
        "stand_ins": [(str(pk), name) for pk, name in Person.objects.filter(archived_at=None, user__is_active=True).order_by("name").values_list("pk", "name")],
        "error": error,
    }
    return render(request, "pages/settings_cover.html", context, status=422 if error else 200)


@require_POST
def cover_end(request: HttpRequest, cover_id: int) -> HttpResponse:
    if not teams.end_cover(user_of(request), cover_id):
        raise Http404
    messages.success(request, _("The cover has ended"))
    return redirect("settings_cover")


def _edited(request: HttpRequest) -> Team | None:
    given = request.GET.get("edit", "")
    return get_object_or_404(Team, pk=int(given), archived_at=None) if given.isascii() and given.isdigit() and len(given) < 19 else None


def _tree(there: list[Team]) -> list[tuple[Team, int]]:
    """Teams in the order of a tree, each with its depth."""
    below: dict[int | None, list[Team]] = {}
    for team in there:
        below.setdefault(team.parent_id, []).append(team)

    def walk(parent: int | None, depth: int) -> list[tuple[Team, int]]:
        return [pair for team in below.get(parent, []) for pair in ((team, depth), *walk(team.pk, depth + 1))]

    return walk(None, 0)


def _team(team: Team, depth: int, members: list[str]) -> dict[str, Any]:
    return {
        "name": team.name,
        "depth": min(depth, 4),
        "members": members[:6],
        "more": max(0, len(members) - 6),
        "edit_url": f"{reverse('settings_teams')}?edit={team.pk}",
        "dissolve_url": reverse("settings_team_dissolve", args=[team.pk]),
    }
