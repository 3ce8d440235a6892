"""Find: accounts, people, pages and actions by a few letters. Behind Ctrl+K it is a list in a dialog, without script a page."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from laer.records.money import minor_units
from laer.web.book import queries as book
from laer.web.pages import settings
from laer.web.pages.data import user_of
from laer.web.pages.navigation import ENTRIES, LAB
from laer.web.people.models import User
from laer.web.runs.finding import find_accounts
from laer.web.templatetags.laer import money_short

PEOPLE = 5
STATES = {"paying": gettext_lazy("paying"), "churned": gettext_lazy("churned"), "prospect": gettext_lazy("prospect")}
ALL: Callable[[User], bool] = lambda user: True  # noqa: E731

Text = Any  # a str, or one that is translated when it is shown
# title, name of the route (or an address; `do:theme` is done by the script, on the page where one is), icon, who, further words, its keys
Entry = tuple[Text, str, str, Callable[[User], bool], Text, str]
ACTIONS: tuple[Entry, ...] = (
    (gettext_lazy("Add account"), "account_new", "plus", lambda u: u.may_edit, gettext_lazy("new create customer"), ""),
    (gettext_lazy("Log a touch"), "do:touch", "message-circle", lambda u: u.may_edit, gettext_lazy("call meeting mail chat note"), "l c"),
    (gettext_lazy("Add task"), "/tasks/#new-task", "checklist", lambda u: u.may_edit, gettext_lazy("new to do reminder"), ""),
    (gettext_lazy("Import a file"), "import", "file-import", lambda u: u.may_import, gettext_lazy("upload csv xlsx spreadsheet"), ""),
    (gettext_lazy("Close a month"), "revenue-close", "lock", lambda u: u.may_close, gettext_lazy("closing period report"), ""),
    (gettext_lazy("Invite somebody"), "settings_people", "user-plus", lambda u: u.is_admin, gettext_lazy("new login colleague"), ""),
    (gettext_lazy("Change password"), "account_change_password", "key", ALL, gettext_lazy("sign-in security"), ""),
    (gettext_lazy("Switch theme"), "do:theme", "moon", ALL, gettext_lazy("dark light colours"), ""),
    (gettext_lazy("Copy link to this page"), "do:copy", "link", ALL, gettext_lazy("share address"), ""),
    (gettext_lazy("Keyboard shortcuts"), "do:help", "keyboard", ALL, gettext_lazy("help keys"), "?"),
    (gettext_lazy("Sign out"), "account_logout", "logout", ALL, gettext_lazy("leave log off"), ""),
)
PAGES: tuple[Entry, ...] = (
    (gettext_lazy("Notifications"), "notifications", "bell", ALL, gettext_lazy("mentions unread"), "g b"),
    (gettext_lazy("Doctor"), "doctor", "stethoscope", ALL, gettext_lazy("data quality errors"), ""),
    (gettext_lazy("Readiness"), "readiness", "checklist", ALL, gettext_lazy("data sources"), ""),
    (gettext_lazy("Questions"), "questions", "help-circle", lambda u: u.may_edit, gettext_lazy("data undecided"), ""),
    (gettext_lazy("Imports"), "data", "file-import", lambda u: u.may_import, gettext_lazy("data files"), ""),
    (gettext_lazy("Quarantine"), "quarantine", "alert-triangle", lambda u: u.may_import, gettext_lazy("data rejected rows"), ""),
    (gettext_lazy("Same customer?"), "matches", "arrows-join", lambda u: u.may_import, gettext_lazy("data duplicates merge match"), ""),
    (gettext_lazy("Watched folders"), "folders", "folder", lambda u: u.is_admin, gettext_lazy("data"), ""),
    (gettext_lazy("Closed months"), "revenue-close", "lock", lambda u: u.may_import, gettext_lazy("revenue restatements"), ""),
)


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    q = " ".join(request.GET.get("q", "").split())[:200]
    fragment = request.headers.get("HX-Request") == "true"
    groups = [
        (_("Accounts"), [_account(card) for card in find_accounts(user, q)]),
        (_("Actions"), [one for one in _named(user, q, ACTIONS) if fragment or not one["does"]]),
        (_("Pages"), _pages(user, q)),
        (_("People"), [_person(pk, name) for pk, name in book.find_people(q, PEOPLE)] if q else []),
    ]
    context = {"q": q, "groups": [{"title": title, "found": found} for title, found in groups if found]}
    response = render(request, "pages/find.html#found" if fragment else "pages/find.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _account(card: dict[str, Any]) -> dict[str, Any]:
    mark: Any = STATES.get(card["state"], card["state"])
    if card["arr_minor"]:
        mark = money_short(Decimal(card["arr_minor"]).scaleb(-minor_units(card["currency"])), card["currency"])
    said = " · ".join(part for part in (card["domain"], card["owner_name"]) if part)
    return {"title": card["name"], "said": said, "mark": mark, "url": reverse("account", args=[card["account_id"]]), "face": True}


def _person(pk: int, name: str) -> dict[str, Any]:
    return {"title": name, "said": _("their accounts"), "url": f"{reverse('accounts')}?owner={pk}", "icon": "user"}


def _pages(user: User, q: str) -> list[dict[str, Any]]:
    tabs = tuple((_("Settings: %(tab)s") % {"tab": tab["title"]}, tab["url"], "settings", ALL, "", "") for tab in settings.frame(user, "")["settings_tabs"])
    shown = tuple(entry for entry in ENTRIES if entry[1] and (entry[1] != LAB or user.reads_everything))
    entries = tuple((title, str(url), icon, ALL, "", f"g {key}" if key else "") for title, url, icon, key, __ in shown)
    return _named(user, q, entries) + (_named(user, q, (*PAGES, *tabs)) if q else [])


def _named(user: User, q: str, of: tuple[Entry, ...]) -> list[dict[str, Any]]:
    words = q.casefold().split()
    return [
        {
            "title": title, "icon": icon, "shortcut": keys.split(), "does": at.removeprefix("do:") if at.startswith("do:") else "",
            "url": "#" if at.startswith("do:") else at if at.startswith("/") else reverse(at),
        }
        for title, at, icon, who, more, keys in of
        if who(user) and all(word in f"{title} {more}".casefold() for word in words)
    ]  # fmt: skip


urlpatterns: list[URLPattern] = [path("find/", find, name="find")]
