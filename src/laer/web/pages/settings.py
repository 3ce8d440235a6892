"""Settings: who may do what, by which rules? The frame of its tabs, and the page of one's own sign-in, which everybody has."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.web.book.definitions import may_define_some
from laer.web.pages import settings_formats
from laer.web.pages.accounts import user_of
from laer.web.people import company
from laer.web.people.audit import log_event
from laer.web.people.models import Act, Role, User
from laer.web.people.reader import NotOffered, choose, language_of, read_choice
from laer.web.people.roles import Refused
from laer.web.people.sender import may_send
from laer.web.people.sessions import browser_of, end_session, end_sessions, sessions_of
from laer.web.work import notices
from laer.web.work.models import Notice

TABS = (
    (gettext_lazy("You"), "settings_you"),
    (gettext_lazy("People"), "settings_people"),
    (gettext_lazy("Teams"), "settings_teams"),
    (gettext_lazy("Cover"), "settings_cover"),
    (gettext_lazy("Access"), "settings_access"),
    (gettext_lazy("Company"), "settings_company"),
    (gettext_lazy("Sending"), "settings_sending"),
    (gettext_lazy("Definitions"), "definitions"),
    (gettext_lazy("Costs"), "settings_costs"),
    (gettext_lazy("Exchange rates"), "settings_rates"),
    (gettext_lazy("Audit"), "settings_audit"),
)
OPEN_TO_ALL = ("settings_you",)


def frame(user: User, active: str) -> dict[str, Any]:
    """Context that all tabs share."""
    more = {"settings_cover": user.may_arrange_cover, "definitions": may_define_some(user)}
    more |= dict.fromkeys(("settings_costs", "settings_rates"), user.may_see_costs)
    seen = [(title, name) for title, name in TABS if user.is_admin or name in OPEN_TO_ALL or more.get(name)]
    return {"settings_tabs": [{"title": title, "url": reverse(name), "active": name == active} for title, name in seen]}


def admin(request: HttpRequest) -> User:
    """The person, where they are an admin; others are told that it is not theirs."""
    user = user_of(request)
    if not user.is_admin:
        raise PermissionDenied
    return user


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    return redirect("settings_people" if user_of(request).is_admin else "settings_you")


@require_http_methods(["GET", "HEAD", "POST"])
def you(request: HttpRequest) -> HttpResponse:
    """One's own: how one reads, the second factor, and where one is signed in."""
    user, error, given = user_of(request), "", None
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in settings_formats.FIELDS}
        try:
            changed = choose(user, read_choice(**given))
        except NotOffered as problem:
            error = str(problem)
        else:
            with translation.override(language_of(request)):  # said in the language that was chosen
                messages.success(request, _("Language and formats saved") if changed else _("Language and formats are as they were"))
            return redirect("settings_you")
    context = frame(user, "settings_you") | {
        "person": user,
        "role": user.get_role_display(),
        "has_factor": user.has_factor,
        "factor_wanted": user.must_add_factor,
        "has_password": user.has_usable_password(),
        "sessions": session_rows(user, request.session.session_key),
        "end_all_url": reverse("settings_sessions_end"),
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "heard": [{"value": kind.value, "label": label, "on": notices.wants(user, kind)} for kind, label in HEARD.items()],
        "formats": settings_formats.card(request, given, error),
        "leads": user.role == Role.LEAD,
        "hours": range(24),
        "firm_alerts": company.firm().alerts,
        "mail_goes": may_send()[0],
    }
    return render(request, "pages/settings_you.html", context, status=422 if error else 200)


@require_POST
def heard(request: HttpRequest) -> HttpResponse:
    """Of what one is told."""
    changed = notices.choose_heard(user_of(request), request.POST.getlist("kind"))
    messages.success(request, _("Notifications: saved") if changed else _("Notifications are as they were"))
    return redirect("settings_you")


@require_POST
def digest(request: HttpRequest) -> HttpResponse:
    """Which digests come by mail, and when."""
    user, hour = user_of(request), request.POST.get("hour", "")
    at = int(hour) if hour.isascii() and hour.isdigit() and len(hour) < 3 else user.digest_hour
    team = bool(request.POST.get("team")) if user.role == Role.LEAD else user.team_digest
    changed = notices.choose_digest(user, bool(request.POST.get("daily")), team, at)
    messages.success(request, _("Digest: saved") if changed else _("Digest is as it was"))
    return redirect("settings_you")


@require_POST
def alerts(request: HttpRequest) -> HttpResponse:
    """How many accounts a day stand on one's Today."""
    try:
        changed = notices.choose_alerts(user_of(request), company.read_alerts(request.POST.get("alerts", "")))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Accounts a day: saved") if changed else _("Accounts a day are as they were"))
    return redirect("settings_you")


HEARD = {
    Notice.MENTION: gettext_lazy("Somebody names me in a note"),
    Notice.ASSIGNED: gettext_lazy("Somebody gives me a task"),
}  # fmt: skip


@require_POST
def end_one(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one of one's own sessions."""
    user = user_of(request)
    if end_session(user, session_id):
        log_event(Act.SESSIONS_ENDED, user, about=user, details={"sessions": 1})
        messages.success(request, _("That session has ended"))
    return redirect("settings_you")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Sign oneself out everywhere but here."""
    user = user_of(request)
    ended = end_sessions(user, but=request.session.session_key)
    log_event(Act.SESSIONS_ENDED, user, about=user, details={"sessions": ended})
    said = ngettext("Signed out in %(count)s other place", "Signed out in %(count)s other places", ended) % {"count": ended}
    messages.success(request, said if ended else _("You are signed in nowhere else"))
    return redirect("settings_you")


def session_rows(user: User, current: str | None = None) -> list[dict[str, Any]]:
    """Open sessions for a table; of one's own each can be ended."""
    return [
        {
            "browser": browser_of(row.user_agent),
            "ip": row.ip,
            "signed_in_at": row.created_at,
            "seen_at": row.last_seen_at,
            "current": row.session_key == current,
            "end_url": reverse("settings_session_end", args=[row.pk]) if current and row.session_key != current else None,
        }
        for row in sessions_of(user)
    ]
