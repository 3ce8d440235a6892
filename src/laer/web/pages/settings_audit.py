"""Settings, Audit: who did what, when, from where? The list with its filters in the address, and the same as a file. Admins only."""

from __future__ import annotations

from datetime import date
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.sources.tabular.values import Unreadable, read_date
from laer.web.book.trail import KINDS, Entry, Place, Wanted, all_of, trail
from laer.web.pages.lists import Column, List, carried, opened, register
from laer.web.pages.settings import admin, frame
from laer.web.people.models import User
from laer.web.people.sessions import browser_of
from laer.web.templatetags.laer import person_name
from laer.web.wording import gettext_lazy

SHOWN = 50
AUDIT = register(
    List(
        "audit",
        "settings_audit",
        {
            "who": Column(gettext_lazy("Who"), "who", attrgetter("who")),
            "what": Column(gettext_lazy("What"), "what", attrgetter("what")),
            "subject": Column(gettext_lazy("What it was about"), "subject", attrgetter("subject")),
            "details": Column(gettext_lazy("Details"), "details", attrgetter("details")),
            "address": Column(gettext_lazy("From"), "address", attrgetter("ip")),
            "browser": Column(gettext_lazy("Browser"), "browser", attrgetter("agent")),
        },
        keys=("kind", "who", "from", "to"),
        before={"at": attrgetter("at")},
    )
)


@require_safe
def audit(request: HttpRequest) -> HttpResponseBase:
    user = admin(request)
    tools = opened(request, user, AUDIT)
    if tools.elsewhere:
        return tools.elsewhere
    wanted = read(request)
    place = Place.read(request.GET.get("after", ""))
    entries, behind = trail(wanted, place, SHOWN)
    query = _query(wanted)
    kept = [*query.items(), *carried(request.GET)]
    logins = list(User.objects.order_by("person__name", "email"))
    context = frame(user, "settings_audit") | {
        "rows": [_row(e) for e in entries],
        "wanted": wanted,
        "kinds": [{"label": _("Everything"), "url": _url(kept, kind=""), "active": not wanted.kind}]
        + [{"label": title, "url": _url(kept, kind=kind), "active": kind == wanted.kind} for kind, (title, __) in KINDS.items()],
        "people": [(u.pk, person_name(u)) for u in logins],
        "newest_url": _url(kept) if request.GET.get("after") else None,
        "next_url": _url(kept, after=str(behind)) if behind else None,
        "download_url": reverse("settings_audit_csv") + _url(kept),
        "narrowed": bool(query),
        "state": {"shown": _("newest first"), "note": _("written once, never changed")},
    }
    return render(request, "pages/settings_audit.html", context | tools.context)


@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """All that the filters leave, as a file."""
    admin(request)
    return AUDIT.file(request, all_of(read(request)), f"audit-{timezone.localdate().isoformat()}")


def read(request: HttpRequest) -> Wanted:
    """The filters of an address; what does not read is left out."""

    def day(name: str) -> date | None:
        found = read_date(request.GET.get(name, ""), "ymd")
        return found if isinstance(found, date) and not isinstance(found, Unreadable) and 1900 < found.year < 9999 else None

    who, kind = request.GET.get("who", ""), request.GET.get("kind", "")
    return Wanted(int(who) if who.isascii() and who.isdigit() and len(who) < 19 else None, kind if kind in KINDS else "", day("from"), day("to"))


def _query(wanted: Wanted) -> dict[str, str]:
    given = {"who": wanted.user_id, "kind": wanted.kind, "from": wanted.first, "to": wanted.last}
    return {key: str(value) for key, value in given.items() if value}


def _url(kept: list[tuple[str, str]], **changes: str) -> str:
    """This page's address with these changed; "" takes one out."""
    return "?" + urlencode([*((k, v) for k, v in kept if k not in changes), *((k, v) for k, v in changes.items() if v)])


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "who": entry.who,
        "what": entry.what,
        "tone": entry.tone,
        "subject": entry.subject,
        "details": entry.details,
        "ip": entry.ip,
        "browser": browser_of(entry.agent) if entry.agent else "",
        "url": reverse("account", args=[entry.account_id]) if entry.account_id else None,
    }
