"""Notes of an account: add, change, take out, bring back. They are read in its activity."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from laer.web.book import actions as book
from laer.web.book.actions import Refused
from laer.web.book.models import Note
from laer.web.pages.account_rows import seen
from laer.web.pages.accounts import user_of
from laer.web.work import notes
from laer.web.work.markdown import as_html


def _story(account_id: int) -> str:
    return reverse("account", args=[account_id]) + "?tab=feed"


@require_POST
def add(request: HttpRequest, account_id: int) -> HttpResponse:
    user, row = seen(request, account_id)
    try:
        note = notes.add_note(user, row.pk, request.POST.get("text", ""))
    except Refused as refused:
        context = {"account": row, "text": request.POST.get("text", ""), "error": str(refused), "back": _story(row.pk)}
        return render(request, "pages/note.html", context, status=422)
    messages.success(request, _("Note added"), extra_tags=f"undo:{reverse('note_archive', args=[note.pk])}")
    return redirect(_story(row.pk))


@require_http_methods(["GET", "HEAD", "POST"])
def note(request: HttpRequest, note_id: int) -> HttpResponse:
    user, row = user_of(request), _note(request, note_id)
    text, error = row.text, ""
    if request.method == "POST":
        text = request.POST.get("text", "")
        try:
            change = notes.edit_note(user, row.pk, text)
        except Refused as refused:
            error = str(refused)
        else:
            undo = f"undo:{reverse('change_undo', args=[change.pk])}" if change else ""
            messages.success(request, _("Note saved") if change else _("Note is as it was"), extra_tags=undo)
            return redirect(_story(row.account_id))
    context = {"account": row.account, "note": row, "text": text, "html": as_html(row.text), "error": error, "back": _story(row.account_id)}
    return render(request, "pages/note.html", context, status=422 if error else 200)


@require_POST
def archive(request: HttpRequest, note_id: int) -> HttpResponse:
    row = _note(request, note_id)
    book.archive_row(user_of(request), "notes", row.pk)
    messages.success(request, _("Note taken out"), extra_tags=f"undo:{reverse('note_restore', args=[row.pk])}")
    return redirect(_story(row.account_id))


@require_POST
def restore(request: HttpRequest, note_id: int) -> HttpResponse:
    row = _note(request, note_id, archived=True)
    book.restore_row(user_of(request), "notes", row.pk)
    messages.success(request, _("Note is back"))
    return redirect(_story(row.account_id))


def _note(request: HttpRequest, note_id: int, archived: bool = False) -> Note:
    """A note that the person may change; others are not there."""
    try:
        row: Note = book.editable_row(user_of(request), "notes", note_id if note_id < 2**63 else 0, archived=archived)
    except PermissionDenied:
        raise Http404 from None
    return row


urlpatterns: list[URLPattern] = [
    path("accounts/<int:account_id>/notes/", add, name="note_add"),
    path("notes/<int:note_id>/", note, name="note"),
    path("notes/<int:note_id>/archive/", archive, name="note_archive"),
    path("notes/<int:note_id>/restore/", restore, name="note_restore"),
]
