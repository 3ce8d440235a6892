"""Reports on Home: a saved report is pinned by whoever may open it, for themselves."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web.people.audit import log_event
from laer.web.people.models import Act, SavedView, User
from laer.web.people.roles import Refused
from laer.web.work.models import Pin

PAGE = "reports"
MOST = 6  # more charts than that are no longer one screen


def pinned_views(user: User) -> list[SavedView]:
    """The person's pinned reports, the first pinned first; one that was deleted or is no longer shared is left out. One query."""
    may = Q(view__owner=user) | Q(view__shared=True)
    return [pin.view for pin in Pin.objects.filter(may, user=user, view__archived_at=None).select_related("view").order_by("at", "id")]


@transaction.atomic
def pin_report(user: User, view_id: int) -> SavedView:
    """Put a saved report on one's Home. Raises Refused where it is gone, or where there is no room."""
    view = SavedView.objects.filter(Q(owner=user) | Q(shared=True), pk=view_id, page=PAGE, archived_at=None).first()
    if view is None:
        raise Refused(_("This report is no longer there"))
    if Pin.objects.filter(user=user, view=view).exists():
        return view
    if len(pinned_views(user)) >= MOST:
        raise Refused(_("Home has %(most)s reports: take one off first") % {"most": MOST})
    Pin.objects.create(user=user, view=view, at=timezone.now())
    _log(user, view, "pinned to Home")
    return view


@transaction.atomic
def unpin_report(user: User, view_id: int) -> SavedView:
    """Take it off again. Raises Refused where it is not there."""
    pin = Pin.objects.filter(user=user, view_id=view_id).select_related("view").first()
    if pin is None:
        raise Refused(_("This report is not on your Home"))
    pin.delete()
    _log(user, pin.view, "taken off Home")
    return pin.view


def _log(user: User, view: SavedView, what: str) -> None:
    log_event(Act.VIEW_CHANGED, user, subject=view.name, details={"what": what, "list": view.page})
