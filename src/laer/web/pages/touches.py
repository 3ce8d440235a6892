"""Log a touch: the small dialog of the account page and the list, and the same as a page with contacts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from laer.web.book import queries as book
from laer.web.book.actions import Refused
from laer.web.pages.account_edit import came_from
from laer.web.pages.account_rows import seen
from laer.web.pages.touch_dialog import MINUTES, dialog
from laer.web.people.formats import formats
from laer.web.work.models import Direction, TouchKind
from laer.web.work.touches import log_touch


@require_http_methods(["GET", "HEAD", "POST"])
def touches(request: HttpRequest, account_id: int) -> HttpResponse:
    user, row = seen(request, account_id)
    if row.archived_at or not book.may_edit(user, row):
        raise PermissionDenied
    values: dict[str, Any] = {"kind": TouchKind.CALL, "minutes": MINUTES, "at": f"{formats().local(timezone.now()):%Y-%m-%dT%H:%M}", "direction": Direction.OUT}
    error = ""
    if request.method == "POST":
        values = request.POST.dict()
        try:
            contacts = [int(text) for text in request.POST.getlist("contact") if text.isascii() and text.isdigit() and len(text) < 19]
            logged, change = log_touch(user, row.pk, values, contacts)
        except Refused as refused:
            error = str(refused)
        else:
            said = _("%(kind)s with %(account)s logged") % {"kind": TouchKind(logged.kind).label, "account": row.name}
            messages.success(request, said, extra_tags=f"undo:{reverse('work_undo', args=[change.pk])}")
            back = reverse("account", args=[row.pk]) + "?tab=feed"
            return redirect(back) if request.POST.get("full") else came_from(request, back)
    context = dialog(row.pk) | {"account": row, "values": values, "error": error, "contacts": book.contacts(row.pk).rows}
    return render(request, "pages/touch.html", context, status=422 if error else 200)


urlpatterns: list[URLPattern] = [path("accounts/<int:account_id>/touches/", touches, name="touches")]
