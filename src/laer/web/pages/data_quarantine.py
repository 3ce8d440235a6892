"""Quarantine: rows that imports set aside, as they stood, until they are corrected, tried again or dismissed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.read import open_tables
from laer.sources.tabular.table import SURPLUS
from laer.web.book import importing, status_words
from laer.web.book.models import ImportRun, QuarantinedRow
from laer.web.book.retry import BEFORE, Corrected, begin_retry, waiting
from laer.web.book.retry import dismiss as dismiss_rows
from laer.web.pages.data import frame, importer, name_of, newest_first, queue, text_of, with_names
from laer.web.pages.exports import RUNS, export, format_of
from laer.web.pages.lists import CLEARED, Column, List, opened, register
from laer.web.pages.uploads import limit_text, takes_files, too_large
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

SHOWN = 50
AT_ONCE = 200_000  # rows that one retry takes
SURPLUS_NAME = "(more cells)"


@require_safe
def quarantine(request: HttpRequest) -> HttpResponse:
    user = importer(request)
    reason, run = _filters(request)
    tools = opened(request, user, QUARANTINE)
    if tools.elsewhere:
        return tools.elsewhere
    rows = _rows(reason, run)
    shown, previous, behind = newest_first(rows.select_related("run"), request, SHOWN)
    runs = {r.pk: r for r in with_names(ImportRun.objects.filter(pk__in={row.run_id for row in shown} | ({run} if run else set())))}
    reasons = list(waiting().values_list("kind").annotate(n=Count("id")).order_by("-n", "kind"))
    imports = list(waiting().values_list("run_id").annotate(n=Count("id")).order_by("-run_id")[:20])
    names = {r.pk: name_of(r) for r in with_names(ImportRun.objects.filter(pk__in=[i for i, _ in imports]))}
    total = rows.count()
    query = request.GET.urlencode()
    context = frame(user, "quarantine") | {
        "rows": [
            {
                "row_id": r.pk,
                "file": r.file,
                "line": r.line,
                "reason": r.reason,
                "text": text_of(r.raw) or _("(no text)"),
                "at": r.run.created_at,
                "import_name": name_of(runs[r.run_id]),
                "import_url": f"/data/import/{r.run_id}/",
            }
            for r in shown
        ],
        "reasons": [] if reason else [{"reason": kind, "count": n, "url": _with(request, reason=kind)} for kind, n in reasons if run is None],
        "facets": [
            {
                "name": "reason",
                "title": _("Reason"),
                "icon": "alert-circle",
                "options": [
                    {"label": k, "value": k, "count": n, "active": k == reason, "url": _with(request, reason=None if k == reason else k)} for k, n in reasons
                ],
            },
            {
                "name": "import",
                "title": _("Import"),
                "icon": "file-import",
                "options": [
                    {
                        "label": names.get(i, _("Import %(i)s") % {"i": i}),
                        "value": i,
                        "count": n,
                        "active": i == run,
                        "url": _with(request, **{"import": None if i == run else i}),
                    }
                    for i, n in imports
                ],
            },
        ]
        if reasons
        else [],
        "filters": [
            *([{"label": _("Reason is"), "value": reason, "remove_url": _with(request, reason=None)}] if reason else []),
            *(
                [{"label": _("Import is"), "value": name_of(runs[run]) if run in runs else str(run), "remove_url": _with(request, **{"import": None})}]
                if run
                else []
            ),
        ],
        "clear_url": CLEARED,
        "total_label": ngettext("%(n)s row set aside", "%(n)s rows set aside", total) % {"n": number(total)},
        "previous_url": previous,
        "next_url": behind,
        "total": total,
        "state": {"shown": ngettext("%(n)s row wait for repair", "%(n)s rows wait for repair", total) % {"n": number(total)} if total else None},
        "download_url": f"/data/quarantine/download.csv?{query}" if total else None,
        "correct_url": "/data/quarantine/correct/",
        "retry_url": f"/data/quarantine/retry/?{query}" if total else None,
        "dismiss_url": f"/data/quarantine/dismiss/?{query}" if total else None,
        "upload_url": None,
    }
    return render(request, "pages/quarantine.html", context | tools.context)


QUARANTINE = register(  # as a file it has the rows' own columns: `download`
    List(
        "quarantine",
        "quarantine",
        {
            "line": Column(gettext_lazy("Line")),
            "reason": Column(gettext_lazy("Reason")),
            "text": Column(gettext_lazy("Original text")),
            "at": Column(gettext_lazy("Since")),
        },
        keys=("reason", "import"),
    )
)


def _filters(request: HttpRequest) -> tuple[str | None, int | None]:
    reason, run = request.GET.get("reason", "").strip()[:40].replace("\0", ""), request.GET.get("import", "")
    return reason or None, int(run) if run.isascii() and run.isdigit() and len(run) < 19 else None


def _rows(reason: str | None, run: int | None, *, everything: bool = False) -> QuerySet[QuarantinedRow]:
    rows = QuarantinedRow.objects.all() if everything and run else waiting()
    if reason:
        rows = rows.filter(kind=reason)
    return rows.filter(run_id=run) if run else rows


def _with(request: HttpRequest, **changes: Any) -> str:
    query = request.GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return "?" + query.urlencode() if query else request.path


# -- out and back in --------------------------------------------------------------------------------------------------


@require_safe
def download(request: HttpRequest) -> StreamingHttpResponse:
    """The rows as a file, to be corrected: what they were, in front of it what was wrong. Formulas are escaped."""
    importer(request)
    reason, run = _filters(request)
    rows = _rows(reason, run, everything=request.GET.get("all") == "1").order_by("id")
    names = _names(rows)
    header = [*BEFORE, *(n or SURPLUS_NAME for n in names)]
    return export(f"quarantine-{timezone.localdate().isoformat()}", header, _cells(rows, names), format_of(request) or "csv", marked=True)


def _names(rows: QuerySet[QuarantinedRow]) -> list[str]:
    names: dict[str, None] = {}
    for raw in rows.values_list("raw", flat=True).iterator(2_000):
        names |= dict.fromkeys(raw)
    return list(names)


def _cells(rows: QuerySet[QuarantinedRow], names: Sequence[str]) -> Iterator[Sequence[Any]]:
    for row in rows.iterator(2_000):
        yield [row.pk, row.file, row.line, row.reason, *(row.raw.get(n) for n in names)]


def unescaped(text: str) -> str:
    """A cell without the apostrophe that `escaped` put before it."""
    return text[1:] if text[:1] == "'" and text[1:2] in RUNS and len(text) > 1 else text


@takes_files
@require_POST
def correct(request: HttpRequest) -> HttpResponse:
    """Corrected rows come back, and are taken in as imports of their own."""
    user = importer(request)
    file = None if too_large(request) else request.FILES.get("file")
    if file is None:
        messages.error(request, _("No file was given, or it is too large (%(limit_text)s).") % {"limit_text": limit_text()})
        return redirect("quarantine")
    assert isinstance(file, TemporaryUploadedFile)
    try:
        corrected, unknown = _read(Path(file.temporary_file_path()), file.name or "file")
    except UnreadableFile as error:
        messages.error(request, str(error))
        return redirect("quarantine")
    if not corrected:
        text = _("%(file)s: nothing to take in: %(n)s rows of it wait no longer.") if unknown else _("%(file)s: nothing to take in: it has no rows.")
        messages.error(request, text % {"file": file.name, "n": unknown})
        return redirect("quarantine")
    if unknown:
        messages.warning(request, _("%(unknown)s rows of %(name)s wait no longer and were passed over.") % {"unknown": unknown, "name": file.name})
    return _start(request, begin_retry(corrected, user), len(corrected))


def _read(path: Path, name: str) -> tuple[list[Corrected], int]:
    """Rows of a corrected file that still wait, and how many do not."""
    corrected: list[Corrected] = []
    unknown = 0
    for table in open_tables(path, name):
        if BEFORE[0] not in table.header:
            raise UnreadableFile(
                name,
                _("no column %(name)s") % {"name": repr(BEFORE[0])},
                _("the file that was downloaded from the quarantine, with its first columns"),
                _("Download the rows, correct them, and keep all columns."),
            )
        at = table.header.index(BEFORE[0])
        for _line, lot in table.chunks(1_000):
            ids = {row[at].strip() for row in lot}
            there = {str(r.pk): r for r in waiting().filter(pk__in=[int(i) for i in ids if i.isascii() and i.isdigit() and len(i) < 19])}
            for row in lot:
                before = there.pop(row[at].strip(), None)
                if before is None:
                    unknown += 1
                    continue
                cells = {
                    h if h != SURPLUS_NAME else SURPLUS: unescaped(cell) for h, cell in zip(map(unescaped, table.header), row, strict=False) if h not in BEFORE
                }
                corrected.append(Corrected(before, cells))
    return corrected, unknown


@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """The rows as they are, once more: what they refer to may be in the book by now."""
    user = importer(request)
    rows = _rows(*_filters(request)).order_by("id")[:AT_ONCE]
    found = [Corrected(row, row.raw) for row in rows if row.raw]
    if not found:
        messages.info(request, _("No row waits."))
        return redirect("quarantine")
    return _start(request, begin_retry(found, user), len(found))


def _start(request: HttpRequest, runs: list[ImportRun], rows: int) -> HttpResponse:
    asking = [run for run in runs if status_words.unanswered(run, importing.table_of)]
    for run in runs:
        if run not in asking:
            queue(run)
    if asking:
        messages.info(request, _("Say what the status words mean, then go on."))
        return redirect("import_map", asking[0].pk)
    messages.success(request, ngettext("%(n)s row on the way back in", "%(n)s rows on the way back in", rows) % {"n": number(rows)})
    return redirect("import_result", runs[0].pk) if len(runs) == 1 else redirect("data")


@require_POST
def dismiss(request: HttpRequest) -> HttpResponse:
    """Rows that need no repair: the one that is named, else all that the filters leave."""
    importer(request)
    rows = _rows(*_filters(request))
    one = request.POST.get("row", "")
    if one:
        rows = waiting().filter(pk=int(one) if one.isascii() and one.isdigit() and len(one) < 19 else 0)
    done = dismiss_rows(rows)
    messages.success(request, ngettext(
        "%(n)s row dismissed; the import keeps it on file",
        "%(n)s rows dismissed; the import keeps them on file",
        done,
    ) % {"n": number(done)})
    left = _rows(*_filters(request)).exists()
    return redirect(f"/data/quarantine/?{request.GET.urlencode()}" if request.GET and left else "quarantine")
