"""Settings, People: everybody with and without a login; invitations, roles, and whether a login works. Admins only."""

from __future__ import annotations

from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from laer.web.book.models import Assignment
from laer.web.pages.exports import format_of
from laer.web.pages.lists import Column, List, carried, opened, register
from laer.web.pages.settings import admin, frame, session_rows
from laer.web.people import invitations, roles
from laer.web.people.audit import log_event
from laer.web.people.invitations import LASTS
from laer.web.people.models import Act, Cover, Invitation, Person, Role
from laer.web.people.roles import Refused
from laer.web.people.sender import mail_is_sent
from laer.web.people.sessions import end_sessions
from laer.web.templatetags.laer import number

SHOWN = 50
VIEWS = (("all", gettext_lazy("All")), ("login", gettext_lazy("With login")), ("none", gettext_lazy("Without login")), ("off", gettext_lazy("Switched off")))
FORM = ("name", "email", "role")
PEOPLE = register(  # a review of who may sign in begins with it
    List(
        "people",
        "settings_people",
        {
            "login": Column(gettext_lazy("Login"), "login", itemgetter("login")),
            "seen_at": Column(gettext_lazy("Last seen"), "last_seen_at", itemgetter("seen_at")),
            "accounts": Column(gettext_lazy("Accounts"), "accounts", itemgetter("accounts")),
        },
        keys=("view", "q"),
        before={"name": itemgetter("name"), "email": itemgetter("email"), "role": lambda row: str(row["role"]) or None},
    )
)


@require_safe
def people(request: HttpRequest) -> HttpResponseBase:
    return _list(request)


@require_POST
def invite(request: HttpRequest) -> HttpResponseBase:
    """Make an invitation: for a person without a login (`person`), or for somebody new."""
    user = admin(request)
    values = {name: request.POST.get(name, "").replace("\0", "").strip()[:254] for name in FORM}
    given = request.POST.get("person", "")
    person = get_object_or_404(Person, pk=int(given)) if given.isascii() and given.isdigit() and len(given) < 19 else None
    try:
        made, token = invitations.invite(user, values["email"], values["role"], name=values["name"], person=person)
    except Refused as refused:
        if person:
            messages.error(request, str(refused))
            return redirect("settings_person", person.pk)
        return _list(request, values, str(refused))
    link = request.build_absolute_uri(reverse("invitation", args=[token]))
    if mail_is_sent() and request.POST.get("by") == "mail":
        try:
            invitations.send(made, link)
            messages.success(request, _("The invitation is on its way to %(email)s") % {"email": made.email})
            return redirect("settings_person", made.person_id)
        except OSError as error:
            messages.error(request, _("The mail could not be sent (%(error)s). The link is below instead.") % {"error": error})
    request.session["invitation"] = {"person": made.person_id, "link": link}  # shown once, on the page that follows
    return redirect("settings_person", made.person_id)


@require_POST
def revoke(request: HttpRequest, invitation_id: int) -> HttpResponse:
    found = invitations.revoke(admin(request), invitation_id)
    if found is None:
        raise Http404
    messages.success(request, _("The invitation of %(email)s no longer works") % {"email": found.email})
    return redirect("settings_person", found.person_id)


@require_safe
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person: role, sessions, accounts, teams; and the invitation, while they have no login."""
    user = admin(request)
    row = get_object_or_404(Person.objects.select_related("user"), pk=person_id, archived_at=None)
    shown = request.session.get("invitation")
    link = ""
    if shown and shown["person"] == row.pk:
        link = request.session.pop("invitation")["link"]
    login = row.user
    context = frame(user, "settings_people") | {
        "person": row,
        "login": login,
        "role": login.get_role_display() if login else "",
        "roles": Role.choices,
        "oneself": login == user,
        "sessions": session_rows(login) if login else [],
        "has_factor": bool(login and login.has_factor),
        "accounts": [{"job": _job(j["job"]), "n": j["n"]} for j in _jobs(row)],
        "teams": list(row.teams.filter(archived_at=None).order_by("name").values_list("name", flat=True)),
        "covers": [_cover(c) for c in _covers_of(row)],
        "invitation": _invitation(invitations.open_ones().filter(person=row).first()),
        "link": link,
        "mail": mail_is_sent(),
        "days": LASTS.days,
        "audit_url": f"{reverse('settings_audit')}?who={login.pk}" if login else None,
    }
    return render(request, "pages/settings_person.html", context)


@require_POST
def change(request: HttpRequest, person_id: int) -> HttpResponse:
    """Change the role, switch the login off or on, or sign the person out everywhere."""
    user = admin(request)
    row = get_object_or_404(Person.objects.select_related("user"), pk=person_id, archived_at=None)
    login = row.user
    if login is None:
        raise Http404
    do = request.POST.get("do")
    try:
        if do == "role":
            roles.change_role(user, login, request.POST.get("role", ""))
            messages.success(request, _("%(name)s is %(role)s now") % {"name": row.name, "role": str(Role(request.POST["role"]).label).lower()})
        elif do == "off":
            roles.switch_off(user, login)
            messages.success(request, _("%(name)s can no longer sign in") % {"name": row.name})
        elif do == "on":
            roles.switch_on(user, login)
            messages.success(request, _("%(name)s can sign in again") % {"name": row.name})
        elif do == "sign-out":
            ended = end_sessions(login)
            log_event(Act.SESSIONS_ENDED, user, about=login, subject=login.email, details={"sessions": ended})
            messages.success(request, _("%(name)s is signed out everywhere") % {"name": row.name})
        else:
            raise Http404
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("settings_person", row.pk)


def _list(request: HttpRequest, values: dict[str, str] | None = None, error: str = "") -> HttpResponseBase:
    user = admin(request)
    q = request.GET.get("q", "").strip()[:100]
    view = request.GET.get("view", "all")
    view = view if view in dict(VIEWS) else "all"
    rows = Person.objects.filter(archived_at=None)
    for word in q.split()[:5]:
        rows = rows.filter(Q(name__icontains=word) | Q(email__icontains=word))
    counts = rows.aggregate(
        all=Count("pk"), login=Count("pk", Q(user__is_active=True)), none=Count("pk", Q(user=None)), off=Count("pk", Q(user__is_active=False))
    )
    narrowed = {"all": Q(), "login": Q(user__is_active=True), "none": Q(user=None), "off": Q(user__is_active=False)}[view]
    if format_of(request):
        return PEOPLE.file(request, _rows(list(_seen(rows.filter(narrowed)).order_by("name", "pk"))))
    tools = opened(request, user, PEOPLE)
    if tools.elsewhere and request.method != "POST":
        return tools.elsewhere
    given = request.GET.get("page", "1")
    page = min(int(given), 1_000) if given.isascii() and given.isdigit() and 0 < len(given) < 5 and int(given) else 1
    first = (page - 1) * SHOWN
    found = list(_seen(rows.filter(narrowed)).order_by("name", "pk")[first : first + SHOWN + 1])
    kept = "".join(f"&{urlencode([pair])}" for pair in ([("q", q)] if q else []) + carried(request.GET))
    base = f"?view={view}{kept}"
    context = frame(user, "settings_people") | {
        "people": _rows(found[:SHOWN]),
        "download_url": f"{base}&format=csv" if found else None,
        "q": q,
        "view": view,
        "views": [{"label": label, "url": f"?view={key}{kept}", "active": key == view, "count": counts[key]} for key, label in VIEWS],
        "values": values or {"name": "", "email": "", "role": Role.MEMBER},
        "roles": Role.choices,
        "error": error,
        "mail": mail_is_sent(),
        "days": LASTS.days,
        "previous_url": f"{base}&page={page - 1}" if page > 1 else None,
        "next_url": f"{base}&page={page + 1}" if len(found) > SHOWN else None,
        "state": {
            "shown": _("%(login)s can sign in, %(without)s are without a login") % {"login": number(counts["login"]), "without": number(counts["none"])}
        },
    }
    return render(request, "pages/settings_people.html", context | tools.context, status=422 if error else 200)


def _seen(rows: QuerySet[Person]) -> QuerySet[Person]:
    return rows.select_related("user").annotate(seen_at=Max("user__usersession__last_seen_at"))


def _rows(found: list[Any]) -> list[dict[str, Any]]:
    """People for the table. Two queries: their accounts, their invitations."""
    ids = [p.pk for p in found]
    accounts = dict(_current().filter(person_id__in=ids).values_list("person_id").annotate(n=Count("account_id", distinct=True)))
    invited = {i.person_id: i for i in invitations.open_ones().filter(person_id__in=ids)}
    return [
        {
            "name": p.name,
            "email": p.user.email if p.user else p.email,
            "role": p.user.get_role_display() if p.user else "",
            "login": "none" if p.user is None else "on" if p.user.is_active else "off",
            "off": bool(p.user and not p.user.is_active),
            "invitation": _invitation(invited.get(p.pk)) if not p.user else None,
            "seen_at": max((t for t in (p.seen_at, p.user.last_login if p.user else None) if t), default=None),
            "accounts": accounts.get(p.pk, 0),
            "url": reverse("settings_person", args=[p.pk]),
        }
        for p in found
    ]


def _current() -> QuerySet[Assignment]:
    today = timezone.localdate()
    begun, open_ended = Q(from_on=None) | Q(from_on__lte=today), Q(until_on=None) | Q(until_on__gt=today)
    return Assignment.objects.filter(begun, open_ended, archived_at=None, account__archived_at=None)


def _jobs(row: Person) -> QuerySet[Assignment, Any]:
    return _current().filter(person=row).values("job").annotate(n=Count("account_id", distinct=True)).order_by("-n")


def _job(name: str | None) -> str:
    return (name.upper() if len(name) < 4 else name.capitalize()) if name else _("Owner")


def _covers_of(row: Person) -> QuerySet[Cover]:
    there = Cover.objects.filter(Q(person=row) | Q(by=row), ended_at=None, last_on__gte=timezone.localdate())
    return there.select_related("person", "by").order_by("from_on")


def _cover(cover: Cover) -> dict[str, Any]:
    return {"of": cover.person.name, "by": cover.by.name, "from_on": cover.from_on, "last_on": cover.last_on}


def _invitation(made: Invitation | None) -> dict[str, Any] | None:
    if made is None:
        return None
    expired = made.expires_at <= timezone.now()
    return {
        "email": made.email,
        "role": made.get_role_display(),
        "made_at": made.made_at,
        "expires_at": made.expires_at,
        "expired": expired,
        "revoke_url": reverse("settings_invitation_revoke", args=[made.pk]),
    }
