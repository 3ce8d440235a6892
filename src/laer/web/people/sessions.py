"""Where a person is signed in: which browser, from where, seen when; and how that ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.people.models import User

EVERY = 600.0  # seconds between two notes of a session's activity
REMEMBERED = 10_000


class LastSeen:
    """Notes now and then that a session is in use: a page that is read writes nothing but that, and not at once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.noted: dict[str, float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        key = request.session.session_key
        if key and request.user.is_authenticated:
            now = time.monotonic()
            if now - self.noted.setdefault(key, now) >= EVERY:
                self.noted[key] = now
                UserSession.objects.filter(session_key=key).update(last_seen_at=timezone.now())
            if len(self.noted) > REMEMBERED:
                self.noted.clear()
        return response


def sessions_of(user: User) -> list[UserSession]:
    """The person's open sessions, the one seen last first. Two queries."""
    rows = list(UserSession.objects.filter(user_id=user.pk).order_by("-last_seen_at"))
    alive = set(Session.objects.filter(session_key__in=[r.session_key for r in rows], expire_date__gt=timezone.now()).values_list("session_key", flat=True))
    return [r for r in rows if r.session_key in alive]


def end_session(user: User, number: int) -> bool:
    """End one of the person's sessions by its number in the list."""
    row = UserSession.objects.filter(user_id=user.pk, pk=number).first()
    if row is None:
        return False
    row.end()
    return True


def end_sessions(user: User, but: str | None = None) -> int:
    """Sign the person out everywhere, `but` one session (by its key). Also where nothing was noted of the session: all open ones are looked into."""
    open_ones = Session.objects.filter(expire_date__gt=timezone.now() - timedelta(minutes=1)).exclude(session_key=but or "")
    theirs = [s.pk for s in open_ones.iterator() if s.get_decoded().get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=theirs).delete()
    UserSession.objects.filter(user_id=user.pk).exclude(session_key=but or "").delete()
    return len(theirs)


BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"))


def browser_of(agent: str) -> str:
    """Firefox on Linux: enough for a person to know it again."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    both = _("%(browser)s on %(system)s") % {"browser": browser, "system": system} if browser and system else browser or system
    return both or agent[:40] or _("unknown browser")
