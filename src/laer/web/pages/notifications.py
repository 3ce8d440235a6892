"""Notifications: what concerns me that others did? The bell, and the list behind it."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.web.book.trail import name_of
from laer.web.pages.accounts import user_of
from laer.web.pages.lists import Value, filed
from laer.web.people.models import User
from laer.web.work import notices
from laer.web.work.markdown import plain
from laer.web.work.models import Notice, Notification
from laer.web.work.scope import visible_notifications


def bell(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: how much is unread, asked when the page says it. Fragments do not, and cause no query."""
    user = getattr(request, "user", None)

    def unread() -> str:
        count = notices.unread_count(user) if isinstance(user, User) else 0
        return "" if not count else str(count) if count <= notices.COUNTED else f"{notices.COUNTED}+"

    return {"unread": unread}


@require_safe
def notifications(request: HttpRequest) -> HttpResponseBase:
    user, given = user_of(request), request.GET.get("below", "")
    below = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    if file := filed(request, "notifications", CELLS, lambda: (_row(one) for one in notices.all_notices(user))):
        return file
    found, behind = notices.notices(user, below)
    context = {
        "rows": [_row(one) for one in found],
        "download_url": request.path if found else None,
        "any_unread": any(one.read_at is None for one in found),
        "previous_url": request.path if below else None,
        "next_url": f"?below={behind}" if behind else None,
    }
    return render(request, "pages/notifications.html", context)


CELLS: dict[str, Value] = {
    "at": itemgetter("at"), "what": itemgetter("what"), "from": itemgetter("who"), "account": itemgetter("account"), "about": itemgetter("about"),
    "read": lambda row: "no" if row["unread"] else "yes",
}  # fmt: skip


def _row(one: Notification) -> dict[str, Any]:
    who, kind = name_of(one.by) or "laer", Notice(one.kind)
    says = _("%(who)s mentioned you") if kind == Notice.MENTION else _("%(who)s gave you a task")
    about = one.task.title if one.task else plain(one.note.text)[:160] if one.note else ""
    return {
        "notice_id": one.pk,
        "who": who,
        "what": str(kind.label).lower(),
        "says": says % {"who": who},
        "about": about,
        "account": one.account and one.account.name,
        "at": one.at,
        "unread": one.read_at is None,
    }


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Open what one is about, which reads it; or read one, or all."""
    user, data = user_of(request), request.POST
    name = next((n for n in ("open", "one") if data.get(n)), None)
    if name is None:
        count = notices.mark_read(user)
        messages.success(request, ngettext("%(count)s read", "%(count)s read", count) % {"count": count} if count else _("Nothing was unread"))
        return redirect("notifications")
    number = data[name]
    own = visible_notifications(user).filter(pk=int(number)).first() if number.isascii() and number.isdigit() and len(number) < 19 else None
    if own is None:
        raise Http404
    notices.mark_read(user, [own.pk])
    if name == "one":
        return redirect("notifications")
    return redirect(reverse("task", args=[own.task_id]) if own.task_id else reverse("account", args=[own.account_id]) + "?tab=feed&kind=note")


urlpatterns: list[URLPattern] = [
    path("notifications/", notifications, name="notifications"),
    path("notifications/read/", read, name="notifications_read"),
]
