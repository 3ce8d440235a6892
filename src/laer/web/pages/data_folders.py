"""Watched folders: what is taken in by itself, how the last look went, and what waits for a person. Admins only."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from laer.web import home
from laer.web.book.models import ImportRun, WatchedFile, WatchedFolder
from laer.web.book.watching import EVERY, NotAllowed, add_folder, remove_folder, said
from laer.web.pages.data import address, frame, importer
from laer.web.pages.lists import Value, filed
from laer.web.people.models import User
from laer.web.runs.jobs import enqueue
from laer.web.runs.models import Job, JobState

OPEN = (WatchedFile.State.ASKED, WatchedFile.State.FAILED, WatchedFile.State.GROWING, WatchedFile.State.IMPORTING)
SHOWN = 20  # files of a folder that are listed by name
TONES = {"asked": "warn", "failed": "bad", "growing": "info", "importing": "info"}


def admin(request: HttpRequest) -> User:
    """The person, where they are an admin; nothing is there for others."""
    user = importer(request)
    if not user.is_admin:
        raise Http404
    return user


@require_http_methods(["GET", "HEAD", "POST"])
def folders(request: HttpRequest) -> HttpResponseBase:
    """The folders, and a form for another."""
    user = admin(request)
    values, error = {"path": "", "source": "", "every": "60"}, ""
    if request.method == "POST":
        values = {name: request.POST.get(name, "").replace("\0", "").strip()[:1_000] for name in values}
        every = int(values["every"]) if values["every"].isascii() and values["every"].isdigit() and len(values["every"]) < 7 else 0
        try:
            folder = add_folder(values["path"], values["source"], every, user)
        except NotAllowed as refused:
            error = str(refused)
        else:
            messages.success(request, _("%(path)s is watched from now on") % {"path": folder.path})
            return redirect("folders")
    rows = list(WatchedFolder.objects.order_by("id"))
    if made := filed(request, "folders", CELLS, lambda: (_folder(f, False, []) for f in rows)):
        return made
    busy = set(
        Job.objects.filter(unique_key__in=[f"watch-{f.pk}" for f in rows], state__in=[JobState.READY, JobState.RUNNING]).values_list("unique_key", flat=True)
    )
    open_files: dict[int, list[WatchedFile]] = {}
    for file in WatchedFile.objects.filter(folder__in=rows, state__in=OPEN).select_related("run").order_by("-seen_at", "id"):
        open_files.setdefault(file.folder_id, []).append(file)
    context = frame(user, "folders") | {
        "folders": [_folder(f, f"watch-{f.pk}" in busy, open_files.get(f.pk, [])) for f in rows],
        "values": values,
        "error": error,
        "roots": [str(root) for root in home.watch_roots()],
        "sources": ImportRun.objects.exclude(kind__in=("edit", "demo")).order_by("source").values_list("source", flat=True).distinct()[:50],
        "least": EVERY[0],
        "most": EVERY[1],
        "poll_url": request.path if busy else None,
        "upload_url": None,
        "download_url": request.path if rows else None,
    }
    return render(request, "pages/folders.html", context, status=422 if error else 200)


CELLS: dict[str, Value] = {name: itemgetter(name) for name in ("folder_id", "path", "source")} | {
    "every": lambda row: str(row["every"]), "watched": lambda row: "yes" if row["enabled"] else "paused", "looked_at": itemgetter("looked_at"),
    "next_look_at": itemgetter("next_at"), "last_result": lambda row: str(row["result"]) or None,
}  # fmt: skip


@require_POST
def look_now(request: HttpRequest, folder_id: int) -> HttpResponse:
    """Ask for a look; the worker does it."""
    admin(request)
    folder = get_object_or_404(WatchedFolder, pk=folder_id)
    enqueue("watch", {"folder_id": folder.pk}, unique_key=f"watch-{folder.pk}")
    return redirect("folders")


@require_POST
def switch(request: HttpRequest, folder_id: int) -> HttpResponse:
    """Pause a folder, or go on with it."""
    admin(request)
    folder = get_object_or_404(WatchedFolder, pk=folder_id)
    folder.enabled = not folder.enabled
    folder.next_look_at = timezone.now() if folder.enabled else folder.next_look_at
    folder.save(update_fields=["enabled", "next_look_at"])
    return redirect("folders")


@require_POST
def remove(request: HttpRequest, folder_id: int) -> HttpResponse:
    """Stop watching. What was imported stays."""
    admin(request)
    if remove_folder(folder_id):
        messages.success(request, _("The folder is no longer watched; what it brought stays."))
    return redirect("folders")


def _folder(folder: WatchedFolder, busy: bool, files: list[WatchedFile]) -> dict[str, Any]:
    result = folder.last_result
    tone = "bad" if result.get("error") or result.get("failed") else "warn" if result.get("asked") else "good"
    return {
        "folder_id": folder.pk,
        "path": folder.path,
        "source": folder.source,
        "every": _every(folder.every_minutes),
        "enabled": folder.enabled,
        "busy": busy,
        "looked_at": folder.last_looked_at,
        "next_at": folder.next_look_at if folder.enabled else None,
        "result": said(result) if folder.last_looked_at else "",
        "tone": tone,
        "files": [_file(file) for file in files[:SHOWN]],
        "more": max(0, len(files) - SHOWN),
        "look_url": reverse("folder_look", args=[folder.pk]),
        "switch_url": reverse("folder_switch", args=[folder.pk]),
        "remove_url": reverse("folder_remove", args=[folder.pk]),
    }


def _file(file: WatchedFile) -> dict[str, Any]:
    asked = file.state == WatchedFile.State.ASKED and file.run is not None
    url = address(file.run) if file.run is not None and (asked or file.state == WatchedFile.State.FAILED) else None
    return {"name": file.name, "state": file.get_state_display(), "tone": TONES.get(file.state, ""), "reason": file.reason, "url": url, "asked": asked}


def _every(minutes: int) -> str:
    if minutes % (24 * 60) == 0:
        n = minutes // (24 * 60)
        return ngettext("every day", "every %(n)s days", n) % {"n": n}
    if minutes % 60 == 0:
        n = minutes // 60
        return ngettext("every hour", "every %(n)s hours", n) % {"n": n}
    return ngettext("every minute", "every %(n)s minutes", minutes) % {"n": minutes}
