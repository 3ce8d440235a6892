"""Saved views: what the forms of the bar above a list do. The same for every list that `pages/lists.py` knows."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from laer.web.pages.data import user_of
from laer.web.pages.lists import LISTS, address, url_of
from laer.web.people import saved_views
from laer.web.people.models import SavedView, User
from laer.web.people.roles import Refused


@require_POST
def save(request: HttpRequest, page: str) -> HttpResponse:
    """The list as it is, under a name."""

    def act(user: User) -> tuple[SavedView, str]:
        name, shared, default = request.POST.get("name", ""), "shared" in request.POST, "default" in request.POST
        view = saved_views.save_view(user, page, name, _query(request, page), shared=shared, default=default)
        return view, _("View %(name)s saved") % {"name": view.name}

    return _answer(request, page, act)


@require_POST
def change(request: HttpRequest, page: str, view_id: int) -> HttpResponse:
    """Rename, share, take the filters on the page as its own, make it the default, delete: what the pressed button says."""
    pressed = request.POST.get("do", "")

    def act(user: User) -> tuple[SavedView, str]:
        if pressed == "update":
            view = saved_views.change_view(user, page, view_id, query=_query(request, page))
            return view, _("View %(name)s shows this now") % {"name": view.name}
        if pressed == "delete":
            view = saved_views.delete_view(user, page, view_id)
            return view, _("View %(name)s deleted") % {"name": view.name}
        if pressed in ("default", "no-default"):
            view = saved_views.choose_default(user, page, view_id, on=pressed == "default")
            return view, _("The list opens at %(name)s") % {"name": view.name} if pressed == "default" else _("The list opens without a view")
        view = saved_views.change_view(user, page, view_id, name=request.POST.get("name", ""), shared="shared" in request.POST)
        return view, _("View %(name)s changed") % {"name": view.name}

    return _answer(request, page, act, undo=pressed not in ("default", "no-default"))


@require_POST
def undo(request: HttpRequest, page: str, view_id: int) -> HttpResponse:
    """Take the last change of a view back."""

    def act(user: User) -> tuple[SavedView, str]:
        view = saved_views.undo_view(user, page, view_id)
        return view, _("View %(name)s: taken back") % {"name": view.name}

    return _answer(request, page, act, undo=False)


def _query(request: HttpRequest, page: str) -> str:
    return LISTS[page].kept(QueryDict(request.POST.get("query", "")))


def _answer(request: HttpRequest, page: str, act: Callable[[User], tuple[SavedView, str]], *, undo: bool = True) -> HttpResponse:
    """Back to the list, with a word of what was done and its undo."""
    if page not in LISTS:
        raise Http404
    try:
        view, said = act(user_of(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(address(page, _query(request, page)))
    messages.success(request, said, extra_tags=f"undo:{reverse('view_undo', args=[page, view.pk])}" if undo else "")
    return redirect(address(page, "" if view.archived_at else url_of(view).removeprefix("?")))


urlpatterns: list[URLPattern] = [
    path("views/<slug:page>/", save, name="view_save"),
    path("views/<slug:page>/<int:view_id>/", change, name="view_change"),
    path("views/<slug:page>/<int:view_id>/undo/", undo, name="view_undo"),
]
