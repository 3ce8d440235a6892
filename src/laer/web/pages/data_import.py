"""Import files: upload (1), preview (3), confirm. Nothing is written to the book before the last step; the columns (2) are in data_columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.records.record import record_type
from laer.sources.tabular.files import UnreadableFile
from laer.web.book import importing
from laer.web.book.applying import kind_of
from laer.web.book.models import ImportRun, ImportState
from laer.web.pages.data import (
    OPEN,
    address,
    by_record,
    figures,
    frame,
    importer,
    jobs_of,
    label_of,
    matched_notice,
    names_of,
    progress_of,
    queue,
    run_for,
    shown_reject,
    user_of,
)
from laer.web.pages.data_columns import date_of
from laer.web.pages.data_columns_shown import title_of
from laer.web.pages.import_words import called, field_label, in_words, row_in_words
from laer.web.pages.uploads import MOST_FILES, limit_text, takes_files, too_large
from laer.web.people.audit import log_event
from laer.web.people.models import Act
from laer.web.runs.models import JobState

SHOWN = 50
SOURCE = "files"


# -- 1. upload ------------------------------------------------------------------------------------------------------


@takes_files
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Take files in and say how they read."""
    user = importer(request)
    values, errors = {"source": "", "as_of": ""}, []
    if too_large(request):
        text = _("These files are too large: %(limit)s. Import them one by one, or with `laer import` on the server.") % {"limit": limit_text()}
        return _upload_form(request, values, [text], 413)
    if request.method == "POST":
        values = {"source": request.POST.get("source", "").replace("\x00", "").strip(), "as_of": request.POST.get("as_of", "").strip()}
        files = request.FILES.getlist("files")
        day = date_of(values["as_of"])
        if not files:
            errors.append(_("No file was chosen."))
        if len(files) > MOST_FILES:
            text = _("%(files)s files at once; at most %(most)s are taken. Put them in one workbook, or use `laer import` on the server.")
            errors.append(text % {"files": len(files), "most": MOST_FILES})
        if values["as_of"] and day is None:
            errors.append(_("True as of: found '%(as_of)s', expected a date such as 2027-04-12.") % {"as_of": values["as_of"][:40]})
        if len(values["source"]) > 80:
            errors.append(_("Source: expected at most 80 characters."))
        if not errors:
            try:
                run = importing.begin_import(_paths(files), source=values["source"] or SOURCE, user=user, file_date=day)
            except UnreadableFile as error:
                errors.append(str(error))
            else:
                return redirect("import_map", run.pk)
    return _upload_form(request, values, errors, 422 if errors else 200)


def _upload_form(request: HttpRequest, values: dict[str, str], errors: list[str], status: int) -> HttpResponse:
    sources = ImportRun.objects.exclude(kind__in=("edit", "demo")).order_by("source").values_list("source", flat=True).distinct()[:50]
    context = frame(user_of(request), "imports") | {"action": request.path, "sources": sources, "values": values, "errors": errors, "limit": limit_text()}
    return render(request, "pages/import_upload.html", context, status=status)


def _paths(files: Iterable[UploadedFile]) -> list[tuple[str, Path]]:
    """(name, where the bytes are). The name is shown and never used as a path."""
    found = []
    for file in files:
        assert isinstance(file, TemporaryUploadedFile)  # `takes_files` lets no other handler in
        found.append((file.name or "file", Path(file.temporary_file_path())))
    return found


# -- 3. preview -----------------------------------------------------------------------------------------------------


@require_safe
def preview(request: HttpRequest, import_id: int) -> HttpResponse:
    """What the import would do."""
    run = run_for(request, import_id)
    if run.state not in OPEN:
        return redirect(address(run))
    context = frame(user_of(request), "imports") | {"action": f"/data/import/{run.pk}/confirm/", "back_url": f"/data/import/{run.pk}/map/"}
    if run.state == ImportState.UPLOADED:
        job = jobs_of([run.pk]).get(run.pk)
        if job is None or job.state == JobState.DONE:  # the columns were changed since
            return redirect("import_map", run.pk)
        if job.state == JobState.FAILED:
            messages.error(request, _("The preview could not be made: %(reason)s") % {"reason": job.error.strip().splitlines()[-1][:300]})
            return redirect("import_map", run.pk)
        return render(request, "pages/import_preview.html", context | {"progress": progress_of(run, job), "poll_url": request.path})
    return render(request, "pages/import_preview.html", context | _previewed(run))


def _previewed(run: ImportRun) -> dict[str, Any]:
    files = importing.files_in_order(run)
    counts: dict[str, dict[str, int]] = {}
    changes: list[dict[str, Any]] = []
    created: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    for file in files:
        kept = file.preview or {}
        for record, row in kept.get("counts", {}).items():
            there = counts.setdefault(record, dict.fromkeys(importing.COUNTS, 0))
            for name in importing.COUNTS:
                there[name] += row.get(name, 0)
        changes.extend(kept.get("changes", []))
        created.extend(kept.get("created", []))
        rejects.extend({**r, "file": title_of(file)} for r in kept.get("rejects", []))
    total = {name: sum(row[name] for row in counts.values()) for name in importing.COUNTS}
    reasons: dict[str, int] = {}
    for r in rejects:
        kind = kind_of(r["reason"])
        reasons[kind] = reasons.get(kind, 0) + 1
    notices = [{"tone": "warn", "title": _("Left out"), "text": note} for note in run.notes]
    notices += [
        {"tone": "info", "title": _("%(file)s is left out") % {"file": title_of(f)}, "text": _("Its rows were not recognised as a record type.")}
        for f in run.files.filter(record="").order_by("id")
    ]
    matched: dict[str, int] = {}
    for file in files:
        for rule, n in (file.preview or {}).get("matched", {}).items():
            matched[rule] = matched.get(rule, 0) + n
    notices += matched_notice(matched)
    if not (matched or total["new"] or total["changed"] or total["rejected"]):
        notices.append({"tone": "good", "title": _("The book knows all of this already"), "text": _("Importing would change nothing.")})
    names = names_of((c["record"], c["object_id"]) for c in changes[:SHOWN] if c.get("object_id"))
    changed_rows = len({(c["record"], c["key"]) for c in changes})
    return {
        "figures": figures(counts, coming=True),
        "by_record": by_record(counts),
        "notices": notices,
        "changes": [_change(c, names) for c in changes[:SHOWN]],
        "changes_more": max(0, total["changed"] - changed_rows) + max(0, changed_rows - len({(c["record"], c["key"]) for c in changes[:SHOWN]})),
        "created": [row_in_words(c) for c in created[:20]],
        "created_more": max(0, total["new"] - len(created[:20])),
        "rejects": [shown_reject(r["file"], r["line"], r["reason"], r["raw"]) for r in rejects[:SHOWN]],
        "reasons": [{"reason": reason, "count": n} for reason, n in sorted(reasons.items(), key=lambda r: -r[1])] if total["rejected"] <= len(rejects) else [],
    }


def _change(change: dict[str, Any], names: dict[tuple[str, int], tuple[str, str | None]]) -> dict[str, Any]:
    record, field, key = change["record"], change["field"], called(change["key"])
    name, url = names.get((record, change["object_id"]), (key, None))
    said = label_of(record_type(record).info.noun) + ("" if change["key"].startswith(("~", "#")) else f" {key}")
    old, new = (in_words(record, field, change[side]) for side in ("old", "new"))
    return {"record": said, "name": name, "url": url, "field": field_label(record, field), "old": old, "new": new}


@require_POST
def confirm(request: HttpRequest, import_id: int) -> HttpResponse:
    """Hand the import to the worker. Asked twice, it is done once."""
    run = run_for(request, import_id)
    if run.state == ImportState.UPLOADED:
        messages.warning(request, _("The columns were changed since the preview; look at it again."))
        return redirect("import_map", run.pk)
    if run.state == ImportState.PREVIEWED:
        queue(run)
        log_event(Act.IMPORTED, request.user, subject=run.title, details={"import": run.pk})
    return redirect("import_result", run.pk)


@require_POST
def discard(request: HttpRequest, import_id: int) -> HttpResponse:
    """Forget files that were not imported."""
    run = run_for(request, import_id)
    if run.state not in OPEN:
        messages.warning(request, _("This import is under way or done; it can be undone instead."))
        return redirect(address(run))
    importing.discard_import(run)
    messages.success(request, _("The files were discarded; nothing of them was imported."))
    return redirect("data")
