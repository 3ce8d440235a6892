"""Saved views of a list: the bar above its filters, and what the bar's forms do. The account list is the first that has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from laer.web.pages.data import user_of
from laer.web.people import saved_views
from laer.web.people.models import SavedView, User
from laer.web.people.roles import Refused
from laer.web.runs.queries import Filters
from laer.web.templatetags.laer import person_name

ACCOUNTS = "accounts"
KEYS = ("q", *(f.name for f in fields(Filters)), "sort", "columns")
EVERYTHING = "all"  # `?view=all`: the list without a view, also where another one is the default


def kept(query: QueryDict) -> str:
    """What a view keeps of an address: filters, search, sort and columns, in one order, so that two that say the same are the same."""
    return urlencode([(key, value) for key in KEYS for value in query.getlist(key) if value])


def default_url(views: list[SavedView]) -> str | None:
    """Where a list opens that was asked for without anything."""
    return next((url_of(view) for view in views if view.opens), None)  # type: ignore[attr-defined]


def url_of(view: SavedView) -> str:
    return "?" + "&".join(part for part in (f"view={view.pk}", view.query) if part)


def bar(user: User, query: QueryDict, views: list[SavedView]) -> dict[str, Any]:
    """Context of `parts/views.html`. Causes no query."""
    now = kept(query)
    open_ = next((v for v in views if str(v.pk) == query.get("view")), None)
    return {
        "all_url": f"?view={EVERYTHING}",
        "all_active": open_ is None and not now,
        "views": [
            {
                "id": v.pk, "name": v.name, "url": url_of(v), "active": v is open_, "shared": v.shared, "default": v.opens,  # type: ignore[attr-defined]
                "by": None if v.owner_id == user.pk else person_name(v.owner),
            }
            for v in views
        ],
        "open": open_ and {
            "id": open_.pk, "name": open_.name, "own": open_.owner_id == user.pk, "shared": open_.shared, "changed": open_.query != now,
            "default": open_.opens,  # type: ignore[attr-defined]
        },
        "query": now,
        "may_share": user.may_edit,
    }  # fmt: skip


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """The list as it is, under a name."""

    def act(user: User) -> tuple[SavedView, str]:
        view = saved_views.save_view(
            user, ACCOUNTS, request.POST.get("name", ""), _query(request), shared="shared" in request.POST, default="default" in request.POST
        )
        return view, _("View %(name)s saved") % {"name": view.name}

    return _answer(request, act)


@require_POST
def change(request: HttpRequest, view_id: int) -> HttpResponse:
    """Rename, share, take the filters on the page as its own, make it the default, delete: what the pressed button says."""
    pressed = request.POST.get("do", "")

    def act(user: User) -> tuple[SavedView, str]:
        if pressed == "update":
            view = saved_views.change_view(user, view_id, query=_query(request))
            return view, _("View %(name)s shows this now") % {"name": view.name}
        if pressed == "delete":
            view = saved_views.delete_view(user, view_id)
            return view, _("View %(name)s deleted") % {"name": view.name}
        if pressed in ("default", "no-default"):
            view = saved_views.choose_default(user, view_id, on=pressed == "default")
            return view, _("The list opens at %(name)s") % {"name": view.name} if pressed == "default" else _("The list opens at all accounts")
        view = saved_views.change_view(user, view_id, name=request.POST.get("name", ""), shared="shared" in request.POST)
        return view, _("View %(name)s changed") % {"name": view.name}

    return _answer(request, act, undo=pressed not in ("default", "no-default"))


@require_POST
def undo(request: HttpRequest, view_id: int) -> HttpResponse:
    def act(user: User) -> tuple[SavedView, str]:
        view = saved_views.undo_view(user, view_id)
        return view, _("View %(name)s: taken back") % {"name": view.name}

    return _answer(request, act, undo=False)


def _query(request: HttpRequest) -> str:
    return kept(QueryDict(request.POST.get("query", "")))


def _answer(request: HttpRequest, act: Callable[[User], tuple[SavedView, str]], *, undo: bool = True) -> HttpResponse:
    """Back to the list, with a word of what was done and its undo."""
    try:
        view, said = act(user_of(request))
    except Refused as refused:
        messages.error(request, str(refused))
        query = kept(QueryDict(request.POST.get("query", "")))
        return redirect(f"{reverse('accounts')}?{query or f'view={EVERYTHING}'}")
    messages.success(request, said, extra_tags=f"undo:{reverse('accounts_view_undo', args=[view.pk])}" if undo else "")
    if view.archived_at:
        return redirect(f"{reverse('accounts')}?view={EVERYTHING}")
    return redirect(reverse("accounts") + url_of(view))


urlpatterns: list[URLPattern] = [
    path("accounts/views/", save, name="accounts_view_save"),
    path("accounts/views/<int:view_id>/", change, name="accounts_view_change"),
    path("accounts/views/<int:view_id>/undo/", undo, name="accounts_view_undo"),
]
