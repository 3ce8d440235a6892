"""What is done to several accounts of the list at once: change their owner or a field, add a task for each, take them out as a file."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from laer.web.book.actions import Refused
from laer.web.book.models import FieldChange
from laer.web.book.together import Changed, change_field, change_owner, label_of, undo_together
from laer.web.pages.account_columns import ACCOUNTS, in_own_currency
from laer.web.pages.account_edit import came_from
from laer.web.pages.accounts import chosen_person, read_filters, user_of
from laer.web.pages.exports import FORMATS
from laer.web.people.models import User
from laer.web.runs import queries
from laer.web.templatetags.laer import number
from laer.web.work.actions import create_tasks

NOBODY = "nobody"


@require_POST
def change(request: HttpRequest) -> HttpResponseBase:
    """Of the accounts that are ticked, or of all that the list's address leaves."""
    user, data = user_of(request), request.POST
    do = data.get("do", "")
    q = request.GET.get("q", "").strip()[:200]
    run = queries.last_run()
    filters = read_filters(request.GET, queries.currency_of(run))
    everything = data.get("all") == "1"
    ids = [int(text) for text in data.getlist("account") if text.isascii() and text.isdigit() and len(text) < 19]
    try:
        if not ids and not everything:
            raise Refused(_("tick an account first"))
        if do.removeprefix("export:") in FORMATS:
            sort, only = request.GET.get("sort", queries.DEFAULT_SORT), None if everything else ids
            rows = queries.account_rows(user, q=q, filters=filters, sort=sort, run=run, only=only)
            rows, name = in_own_currency(rows, queries.currency_of(run)), f"accounts-{run.as_of if run else 'none'}"
            return ACCOUNTS.file(request, rows, name, do.removeprefix("export:"))
        _do(request, user, do, queries.account_ids(user, q=q, filters=filters, run=run) if everything else ids)
    except Refused as refused:
        messages.warning(request, _("Nothing changed: %(reason)s") % {"reason": refused})
    return came_from(request, reverse("accounts"))


def _do(request: HttpRequest, user: User, do: str, ids: Collection[int]) -> None:
    data = request.POST
    if do == "owner":
        person = data.get("person", "")
        if person != NOBODY and chosen_person(person) is None:
            raise Refused(_("choose who is to own them"))
        _tell(request, change_owner(user, ids, chosen_person(person)))
    elif do == "field":
        _tell(request, change_field(user, ids, data.get("field", ""), data.get("value", "")))
    elif do == "task":
        count, refused, handle = create_tasks(user, data.dict(), ids, owners=data.get("assignee") == "owner")
        said = ngettext("%(count)s task added", "%(count)s tasks added", count) % {"count": number(count)}
        undo = f"undo:{reverse('work_undo', args=[handle.pk])}" if handle else ""
        messages.add_message(request, messages.SUCCESS if count else messages.WARNING, _with(said, _refused(refused)), extra_tags=undo)
    else:
        raise Refused(_("choose what to do with them"))


def _tell(request: HttpRequest, done: Changed) -> None:
    if not done.done:
        messages.warning(request, _with(_("Nothing changed"), _same(done.same), _refused(done.refused)))
        return
    said = ngettext("%(field)s of %(count)s account changed", "%(field)s of %(count)s accounts changed", done.done)
    said = said % {"field": label_of(done.field), "count": number(done.done)}
    messages.success(request, _with(said, _same(done.same), _refused(done.refused)), extra_tags=f"undo:{reverse('accounts_undo', args=[done.handle])}")


@require_POST
def undo(request: HttpRequest, change_id: int) -> HttpResponse:
    """Put all of it back. Somebody else's change is not there."""
    user = user_of(request)
    try:
        done = undo_together(user, change_id)
    except (FieldChange.DoesNotExist, PermissionDenied):
        raise Http404 from None
    except Refused as refused:
        messages.warning(request, _("Not undone: %(reason)s") % {"reason": refused})
        return came_from(request, reverse("accounts"))
    said = ngettext("%(field)s of %(count)s account is back to what it was", "%(field)s of %(count)s accounts is back to what it was", done.done)
    said = said % {"field": label_of(done.field), "count": number(done.done)}
    messages.add_message(request, messages.WARNING if done.left_count or done.refused else messages.SUCCESS, _with(said, _left(done), _refused(done.refused)))
    return came_from(request, reverse("accounts"))


def _with(said: str, *more: str) -> str:
    return " · ".join(part for part in (said, *more) if part)


def _same(count: int) -> str:
    return ngettext("%(count)s was so already", "%(count)s were so already", count) % {"count": number(count)} if count else ""


def _refused(count: int) -> str:
    return ngettext("%(count)s is not yours to edit", "%(count)s are not yours to edit", count) % {"count": number(count)} if count else ""


def _left(done: Changed) -> str:
    if not done.left_count:
        return ""
    more = done.left_count - len(done.left)
    names = ", ".join(done.left) + (_(" and %(count)s more") % {"count": number(more)} if more else "")
    return _("left as they are, changed since: %(names)s") % {"names": names}


urlpatterns: list[URLPattern] = [
    path("accounts/change/", change, name="accounts_change"),
    path("accounts/undo/<int:change_id>/", undo, name="accounts_undo"),
]

