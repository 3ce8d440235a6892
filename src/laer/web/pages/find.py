"""Find: accounts, people, pages and actions by a few letters. Behind Ctrl+K it is a list in a dialog, without script a page."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from laer.records.money import minor_units
from laer.web.book import queries as book
from laer.web.pages import settings
from laer.web.pages.data import user_of
from laer.web.pages.navigation import ENTRIES
from laer.web.people.models import User
from laer.web.runs.finding import find_accounts
from laer.web.templatetags.laer import money_short

PEOPLE = 5
ALL: Callable[[User], bool] = lambda user: True  # noqa: E731

# title, name of the route, icon, who, further words that it is found by
ACTIONS: tuple[tuple[str, str, str, Callable[[User], bool], str], ...] = (
    ("Add account", "account_new", "plus", lambda u: u.may_edit, "new create customer"),
    ("Import a file", "import", "file-import", lambda u: u.may_import, "upload csv xlsx spreadsheet"),
    ("Close a month", "revenue-close", "lock", lambda u: u.may_close, "closing period report"),
    ("Invite somebody", "settings_people", "user-plus", lambda u: u.is_admin, "new login colleague"),
    ("Change password", "account_change_password", "key", ALL, "sign-in security"),
)
PAGES: tuple[tuple[str, str, str, Callable[[User], bool], str], ...] = (
    ("Doctor", "doctor", "stethoscope", ALL, "data quality errors"),
    ("Readiness", "readiness", "checklist", ALL, "data sources"),
    ("Questions", "questions", "help-circle", lambda u: u.may_edit, "data undecided"),
    ("Imports", "data", "file-import", lambda u: u.may_import, "data files"),
    ("Quarantine", "quarantine", "alert-triangle", lambda u: u.may_import, "data rejected rows"),
    ("Same customer?", "matches", "arrows-join", lambda u: u.may_import, "data duplicates merge match"),
    ("Watched folders", "folders", "folder", lambda u: u.is_admin, "data"),
    ("Closed months", "revenue-close", "lock", lambda u: u.may_import, "revenue restatements"),
)


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    q = " ".join(request.GET.get("q", "").split())[:200]
    groups = [
        ("Accounts", [_account(card) for card in find_accounts(user, q)]),
        ("Actions", _named(user, q, ACTIONS)),
        ("Pages", _pages(user, q)),
        ("People", [_person(pk, name) for pk, name in book.find_people(q, PEOPLE)] if q else []),
    ]
    fragment = request.headers.get("HX-Request") == "true"
    context = {"q": q, "groups": [{"title": title, "found": found} for title, found in groups if found]}
    response = render(request, "pages/find.html#found" if fragment else "pages/find.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _account(card: dict[str, Any]) -> dict[str, Any]:
    arr = money_short(Decimal(card["arr_minor"]).scaleb(-minor_units(card["currency"])), card["currency"]) if card["arr_minor"] else card["state"]
    said = " · ".join(part for part in (card["domain"], card["owner_name"]) if part)
    return {"title": card["name"], "said": said, "mark": arr, "url": reverse("account", args=[card["account_id"]]), "face": True}


def _person(pk: int, name: str) -> dict[str, Any]:
    return {"title": name, "said": "their accounts", "url": f"{reverse('accounts')}?owner={pk}", "icon": "user"}


def _pages(user: User, q: str) -> list[dict[str, Any]]:
    tabs = tuple((f"Settings: {tab['title']}", tab["url"], "settings", ALL, "") for tab in settings.frame(user, "")["settings_tabs"])
    entries = tuple((title, url, icon, ALL, "") for title, url, icon, _, _ in ENTRIES if url)
    return _named(user, q, entries) + (_named(user, q, (*PAGES, *tabs)) if q else [])


def _named(user: User, q: str, of: tuple[tuple[str, str, str, Callable[[User], bool], str], ...]) -> list[dict[str, Any]]:
    words = q.casefold().split()
    return [
        {"title": title, "url": at if at.startswith("/") else reverse(at), "icon": icon}
        for title, at, icon, who, more in of
        if who(user) and all(word in f"{title} {more}".casefold() for word in words)
    ]


urlpatterns: list[URLPattern] = [path("find/", find, name="find")]
