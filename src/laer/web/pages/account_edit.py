"""Editing an account in place: one field at a time, each change with its undo; archive and restore."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from laer.web.book import actions, queries
from laer.web.book.models import Account, FieldChange
from laer.web.pages.account_rows import ABOUT, field_of, label_of, seen
from laer.web.pages.accounts import chosen_person, user_of

YES_NO = ({"value": "yes", "label": gettext_lazy("Yes")}, {"value": "no", "label": gettext_lazy("No")})


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, account_id: int, name: str) -> HttpResponse:
    """One field: its form, and what answers it. With htmx the row of the field, else a page and a redirect."""
    user, row = seen(request, account_id)
    if name not in ABOUT:
        raise Http404
    if row.archived_at or not queries.may_edit(user, row):
        raise PermissionDenied
    page = reverse("account", args=[row.pk])
    in_place = request.headers.get("HX-Request") == "true"
    if request.method != "POST" and "cancel" in request.GET:
        return _fact(request, row, name) if in_place else redirect(page)
    if request.method != "POST":
        return _form(request, row, name, _raw(row, name), [], in_place)
    text = request.POST.get("value", "")
    try:
        change = actions.assign_owner(user, row.pk, chosen_person(text)) if name == "owner" else actions.edit_field(user, "accounts", row.pk, name, text)
    except actions.Refused as refused:
        return _form(request, row, name, text, [str(refused)], in_place)
    undo = reverse("change_undo", args=[change.pk]) if change else ""
    said = (_("%(field)s changed") if change else _("%(field)s is as it was")) % {"field": label_of(name)}
    after = queries.account_for(user, row.pk)
    if in_place and after:
        response = _fact(request, after, name)
        return _toast(response, said, undo)
    messages.success(request, said, extra_tags=f"undo:{undo}" if undo else "")
    target = page if after else reverse("accounts")
    if in_place:  # given away: it is on another's book now
        response = HttpResponse(status=204)
        response["HX-Redirect"] = target
        return response
    return redirect(target)


@require_POST
def undo(request: HttpRequest, change_id: int) -> HttpResponse:
    """Put back what the person's own edit replaced. Somebody else's edit, or an account out of sight, is not there."""
    user = user_of(request)
    try:
        change = actions.undo_edit(user, change_id)
    except (ObjectDoesNotExist, PermissionDenied):
        raise Http404 from None
    except actions.Refused as refused:
        messages.warning(request, _("Not undone: %(reason)s") % {"reason": refused})
        change = None
    else:
        messages.success(request, _("%(field)s is back to what it was") % {"field": queries.field_label(change)} if change else _("Nothing to undo"))
    of = change.account_id if change else FieldChange.objects.get(pk=change_id).account_id
    return came_from(request, reverse("account", args=[of]) if of else reverse("accounts"))


@require_POST
def archive(request: HttpRequest, account_id: int) -> HttpResponse:
    user, row = seen(request, account_id)
    actions.archive_row(user, "accounts", row.pk)
    messages.success(request, _("%(name)s archived") % {"name": row.name}, extra_tags=f"undo:{reverse('account_restore', args=[row.pk])}")
    return redirect("accounts")


@require_POST
def restore(request: HttpRequest, account_id: int) -> HttpResponse:
    user, row = seen(request, account_id)
    if row.archived_at:
        try:
            actions.restore_row(user, "accounts", row.pk)
        except actions.Refused as refused:
            messages.warning(request, str(refused))
        else:
            messages.success(request, _("%(name)s is back") % {"name": row.name})
    return redirect("account", row.pk)


def _raw(row: Account, name: str) -> Any:
    if name == "owner":
        return next((a.person_id for a in queries.owners_of(row.pk) if a.job == "csm" and queries.in_force(a.from_on, a.until_on, timezone.localdate())), None)
    value = getattr(row, name)
    return {True: "yes", False: "no", None: ""}[value] if name == "churn_flag" else value


def _fact(request: HttpRequest, row: Account, name: str) -> HttpResponse:
    owners = queries.owners_of(row.pk) if name == "owner" else []
    said = queries.last_changes(row.pk).get(name)
    return render(request, "parts/fact.html", {"field": field_of(row, name, True, owners, said)})


def _form(request: HttpRequest, row: Account, name: str, raw: Any, errors: list[str], in_place: bool) -> HttpResponse:
    field = field_of(row, name, True, []) | {"raw": raw, "errors": errors, "cancel_url": f"{reverse('account_edit', args=[row.pk, name])}?cancel=1"}
    if name == "owner":
        field |= {"options": [{"value": i, "label": n} for i, n in queries.people()]}
    elif field["kind"] == "boolean":  # a checkbox has no third state, and unknown is not "no"
        field |= {"kind": "select", "options": YES_NO}
    elif field["kind"] == "date" and not isinstance(raw, date | None):
        field |= {"kind": "text"}  # what was typed stays to be mended
    context = {"field": field, "account": {"name": row.name, "url": reverse("account", args=[row.pk])}}
    return render(request, "parts/fact_form.html" if in_place else "pages/account_edit.html", context, status=422 if errors else 200)


def _toast(response: HttpResponse, text: str, undo_url: str) -> HttpResponse:
    response["HX-Trigger"] = json.dumps({"laer:toast": {"text": text, "level": "good", "undo_url": undo_url}})
    return response


def came_from(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """To the page that the person came from, where it is ours."""
    came = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came, {request.get_host()}, require_https=request.is_secure()) and "/edit/" not in came:
        return HttpResponseRedirect(came)
    return HttpResponseRedirect(otherwise)


urlpatterns: list[URLPattern] = [
    path("accounts/<int:account_id>/edit/<slug:name>/", edit, name="account_edit"),
    path("accounts/<int:account_id>/archive/", archive, name="account_archive"),
    path("accounts/<int:account_id>/restore/", restore, name="account_restore"),
    path("changes/<int:change_id>/undo/", undo, name="change_undo"),
]
