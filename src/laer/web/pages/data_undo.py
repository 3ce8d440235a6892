"""An import taken back as a whole, done again, or gone on with."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from laer.web.book import importing
from laer.web.book.models import ImportRun, ImportState
from laer.web.pages.data import address, jobs_of, name_of, queue, run_for, state_of, sums_of, user_of, who_of
from laer.web.people.audit import log_event
from laer.web.people.models import Act
from laer.web.runs.closed_imports import before_undo, closed_months_of
from laer.web.runs.jobs import enqueue


@require_POST
def undo(request: HttpRequest, import_id: int) -> HttpResponse:
    """Hand the undo of an import to the worker.

    Where it makes a restatement of closed months, a page says so first, unless the button stood beside those words.
    """
    run = run_for(request, import_id)
    job = jobs_of([run.pk]).get(run.pk)
    if state_of(run, job) not in ("done", "failed"):
        messages.warning(request, _("Only an import that is done can be undone."))
        return redirect(address(run))
    months = closed_months_of([run]).get(run.pk)
    if months and not months.later and not request.POST.get("sure"):
        return _ask(request, run, before_undo(months))
    ImportRun.objects.filter(pk=run.pk).update(state=ImportState.UNDOING)
    enqueue("undo", {"run_id": run.pk, "user_id": user_of(request).pk}, unique_key=f"undo-{run.pk}")
    log_event(Act.IMPORT_UNDONE, request.user, subject=run.title, details={"import": run.pk})
    return redirect("import_result", run.pk)


def _ask(request: HttpRequest, run: ImportRun, closed: str) -> HttpResponse:
    sums = sums_of(run.counts)
    context = {
        "run": {"name": name_of(run), "source": run.source, "who": who_of(run), "started_at": run.created_at},
        "counts": {name: sums[name] for name in ("new", "changed")},
        "closed": closed,
        "kept": run.files.exists(),
        "undo_url": request.path,
        "back_url": reverse("data"),
    }
    return render(request, "pages/import_undo_sure.html", context)


@require_POST
def redo(request: HttpRequest, import_id: int) -> HttpResponse:
    """An undone import once more, as an import of its own over the same files."""
    run = run_for(request, import_id)
    if run.state != ImportState.UNDONE or not run.files.exists():
        messages.warning(request, _("Only an import that was undone, and whose files are kept, can be done again."))
        return redirect(address(run))
    again = importing.repeat_import(run, user_of(request))
    queue(again)
    log_event(Act.IMPORT_REDONE, request.user, subject=run.title, details={"import": again.pk})
    return redirect("import_result", again.pk)


@require_POST
def resume(request: HttpRequest, import_id: int) -> HttpResponse:
    """Go on with an import that failed: what it wrote counts as its own."""
    run = run_for(request, import_id)
    job = jobs_of([run.pk]).get(run.pk)
    if state_of(run, job) == "failed":
        if job and job.kind == "undo":
            enqueue("undo", {"run_id": run.pk, "user_id": user_of(request).pk}, unique_key=f"undo-{run.pk}")
        else:
            queue(run)
    return redirect("import_result", run.pk)
