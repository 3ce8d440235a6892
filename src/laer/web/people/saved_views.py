"""Saved views: a list's filters, sort and columns under a name. Their owner changes them; a shared one is there for everybody to open.

What a view shows is found anew for whoever opens it, with their own rights: it holds a query and no row.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.people.audit import log_event
from laer.web.people.models import Act, DefaultView, SavedView, User
from laer.web.people.roles import Refused

MOST = 50  # of a person's own on one page: a bar of more is no longer read
KEPT = ("name", "query", "shared")


def views_for(user: User, page: str) -> QuerySet[SavedView]:
    """The person's own views, then those shared by others, each by name; `opens` marks the person's default. One query."""
    mine = DefaultView.objects.filter(user=user, page=page, view=OuterRef("pk"))
    views = SavedView.objects.filter(Q(owner=user) | Q(shared=True), page=page, archived_at=None).select_related("owner__person")
    return views.annotate(opens=Exists(mine), own=Q(owner=user)).order_by("-own", "name", "pk")


@transaction.atomic
def save_view(user: User, page: str, name: str, query: str, *, shared: bool = False, default: bool = False) -> SavedView:
    """Keep a list under a name. Raises Refused for a name that is missing or taken."""
    if SavedView.objects.filter(owner=user, page=page, archived_at=None).count() >= MOST:
        raise Refused(_("You have %(count)s saved views: delete one first") % {"count": MOST})
    view = SavedView(page=page, owner=user, query=_sound(query), name=_free(user, page, name), shared=_may_share(user, shared), made_at=timezone.now())
    view.before = {"new": True}
    view.save()
    if default:
        view.before |= {"default": open_at(user, page, view)}
        view.save(update_fields=["before"])
    _log(user, view, "made")
    return view


@transaction.atomic
def change_view(user: User, page: str, view_id: int, **values: Any) -> SavedView:
    """Another name or query, shared or no longer. Only its owner may; raises Refused like `save_view`."""
    view = _own(user, page, view_id)
    view.before = {name: getattr(view, name) for name in KEPT}
    if "name" in values:
        view.name = _free(user, view.page, values["name"], view)
    if "query" in values:
        view.query = _sound(values["query"])
    if "shared" in values:
        view.shared = _may_share(user, values["shared"])
    view.save()
    _log(user, view, "changed")
    return view


@transaction.atomic
def delete_view(user: User, page: str, view_id: int) -> SavedView:
    """Nobody sees it any more, and lists that opened at it open at everything."""
    view = _own(user, page, view_id)
    view.before = {"archived": True}
    view.archived_at = timezone.now()
    view.save()
    _log(user, view, "deleted")
    return view


@transaction.atomic
def undo_view(user: User, page: str, view_id: int) -> SavedView:
    """Take the last change back: a new view goes, a deleted one returns, a changed one is as before. Once."""
    view = SavedView.objects.select_for_update().filter(pk=view_id, page=page, owner=user).exclude(before=None).first()
    if view is None:
        raise Refused(_("There is nothing to take back any more"))
    before = view.before or {}
    if before.get("new"):
        view.archived_at = timezone.now()
        if "default" in before:
            _open_at(user, view.page, before["default"])
    elif before.get("archived"):
        view.name = _free(user, view.page, view.name, view)  # another may have taken it meanwhile
        view.archived_at = None
    else:
        view.name, view.query, view.shared = _free(user, view.page, before["name"], view), before["query"], before["shared"]
    view.before = None
    view.save()
    _log(user, view, "change taken back")
    return view


def open_at(user: User, page: str, view: SavedView | None) -> int | None:
    """Have the person's list open at this view, or at everything; the id of the view before."""
    before = DefaultView.objects.filter(user=user, page=page).values_list("view_id", flat=True).first()
    _open_at(user, page, view.pk if view else None)
    return before


@transaction.atomic
def choose_default(user: User, page: str, view_id: int, *, on: bool) -> SavedView:
    """Open the list at a view that the person may open, or no longer."""
    view = SavedView.objects.filter(Q(owner=user) | Q(shared=True), pk=view_id, page=page, archived_at=None).first()
    if view is None:
        raise Refused(_("This view is no longer there"))
    open_at(user, view.page, view if on else None)
    _log(user, view, "opened first" if on else "no longer opened first")
    return view


def _open_at(user: User, page: str, view_id: int | None) -> None:
    if view_id is None:
        DefaultView.objects.filter(user=user, page=page).delete()
    else:
        DefaultView.objects.update_or_create(user=user, page=page, defaults={"view_id": view_id})


def _own(user: User, page: str, view_id: int) -> SavedView:
    view = SavedView.objects.select_for_update().filter(pk=view_id, page=page, owner=user, archived_at=None).first()
    if view is None:
        raise Refused(_("This view is not yours, or no longer there"))
    return view


def _free(user: User, page: str, name: str, view: SavedView | None = None) -> str:
    name = " ".join(name.split())[:60]
    if not name:
        raise Refused(_("A view needs a name"))
    taken = SavedView.objects.filter(owner=user, page=page, archived_at=None, name__iexact=name)
    if (taken.exclude(pk=view.pk) if view else taken).exists():
        raise Refused(_("You have a view %(name)s already") % {"name": name})
    return name


def _sound(query: str) -> str:
    if len(query) > 2000:
        raise Refused(_("A view's filters may have 2,000 characters: found %(count)s") % {"count": f"{len(query):,}"})
    return query


def _may_share(user: User, shared: bool) -> bool:
    if shared and not user.may_edit:
        raise Refused(_("A viewer keeps views for themselves"))
    return shared


def _log(user: User, view: SavedView, what: str) -> None:
    log_event(Act.VIEW_CHANGED, user, subject=view.name, details={"what": what, "list": view.page, "shared": view.shared})
