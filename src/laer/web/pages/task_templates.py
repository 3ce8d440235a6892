"""Templates of tasks: what the firm does again and again, with its steps, for whoever adds a task."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from laer.web.book.actions import Refused
from laer.web.pages.accounts import user_of
from laer.web.work import task_templates as work
from laer.web.work.models import Priority, TaskKind, TaskTemplate


@require_http_methods(["GET", "HEAD", "POST"])
def templates(request: HttpRequest) -> HttpResponse:
    """All templates, and for leads and admins the form of a new one."""
    return _page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def template(request: HttpRequest, task_template_id: int) -> HttpResponse:
    """One template, and what saves it."""
    row = work.templates().filter(pk=task_template_id if task_template_id < 2**63 else 0).first()
    if row is None:
        raise Http404
    return _page(request, row)


def _page(request: HttpRequest, row: TaskTemplate | None) -> HttpResponse:
    user, error = user_of(request), ""
    keeps = work.may_keep(user)
    if not keeps and (row is not None or request.method == "POST"):
        raise PermissionDenied
    values: dict[str, Any] = {"priority": str(Priority.NORMAL.value)}
    if row is not None:
        values = {name: getattr(row, name) for name in ("name", "title", "detail", "kind")}
        values |= {"due_in": "" if row.due_in is None else row.due_in, "checklist": "\n".join(row.checklist), "priority": str(row.priority)}
    if request.method == "POST":
        try:
            saved = work.save_template(user, request.POST.dict(), None if row is None else row.pk)
        except Refused as refused:
            error, values = str(refused), request.POST.dict()
        else:
            messages.success(request, _("Template “%(name)s” saved") % {"name": saved.name})
            return redirect("task_templates")
    rows = list(work.templates())
    context = {
        "rows": rows, "row": row, "values": values, "error": error, "keeps": keeps, "kinds": TaskKind.choices, "priorities": Priority.choices,
        "state": {"shown": _("what is done again and again, for whoever adds a task"), "note": "" if keeps else _("leads and admins write them")},
    }  # fmt: skip
    return render(request, "pages/task_templates.html", context, status=422 if error else 200)


@require_POST
def archive(request: HttpRequest, task_template_id: int) -> HttpResponse:
    """Take one out of the choice."""
    try:
        row = work.archive_template(user_of(request), task_template_id if task_template_id < 2**63 else 0)
    except TaskTemplate.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("Template “%(name)s” taken out; its tasks stay") % {"name": row.name})
    return redirect("task_templates")


urlpatterns: list[URLPattern] = [
    path("tasks/templates/", templates, name="task_templates"),
    path("tasks/templates/<int:task_template_id>/", template, name="task_template"),
    path("tasks/templates/<int:task_template_id>/archive/", archive, name="task_template_archive"),
]
