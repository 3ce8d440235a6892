"""Data: can I trust what I see?  The frame of its tabs, the list of imports, the page of one import.

Who may import (admin, lead, finance) sees the imports and the quarantine. A file is about accounts of everybody, and a
row that was set aside names no account of the book, so members and viewers get 404 for both, whatever the read scope;
they are shown the doctor, restricted to their accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.web.book import settling
from laer.web.book.matching import matched_by, rule_in_words, said
from laer.web.book.models import MODELS, DirtyAccount, ImportFile, ImportRun, ImportState, QuarantinedRow
from laer.web.book.retry import waiting
from laer.web.book.suggesting import open_pairs
from laer.web.pages.data_outcome import read_notices, waiting_notices
from laer.web.pages.exports import format_of
from laer.web.pages.lists import CLEARED, Column, List, opened, register
from laer.web.people.models import User
from laer.web.record_words import record_label
from laer.web.runs import checklist, examining
from laer.web.runs.closed_imports import after_undo, before_undo, closed_months_of
from laer.web.runs.doctor.finding import Finding
from laer.web.runs.jobs import enqueue
from laer.web.runs.latest import last_run
from laer.web.runs.models import Job, JobState
from laer.web.templatetags.laer import number, person_name, url_with
from laer.web.wording import gettext_lazy

SHOWN = 50
PATIENCE = 2.0  # seconds after which a job that nobody took is said to wait for the worker
BYTES_A_ROW = 90  # for the progress of a file that nobody previewed
BUSY = (ImportState.QUEUED, ImportState.RUNNING, ImportState.UNDOING)
OPEN = (ImportState.UPLOADED, ImportState.PREVIEWED)
STATES = {
    ImportState.DONE: "done",
    ImportState.FAILED: "failed",
    ImportState.UNDONE: "undone",
    **dict.fromkeys(BUSY, "running"),
    **dict.fromkeys(OPEN, "waiting"),
}
WHO = {"watch": gettext_lazy("A watched folder")}
NAMES = {"demo": gettext_lazy("Demonstration firm"), "retry": gettext_lazy("Corrected rows")}
COUNTED = ("new", "changed", "unchanged", "rejected")


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the gate in front of every page
    return request.user


def importer(request: HttpRequest) -> User:
    """The person, where they may import; nothing is there for others."""
    user = user_of(request)
    if not user.may_import:
        raise Http404
    return user


def run_for(request: HttpRequest, import_id: int) -> ImportRun:
    importer(request)
    return get_object_or_404(ImportRun.objects.exclude(kind="edit").select_related("user__person"), pk=import_id)


def frame(user: User, active: str, found: list[Finding] | None = None) -> dict[str, Any]:
    """Context that all tabs share; a page that knows what the doctor found hands it in. Four queries, two for people who do not import."""
    found = examining.last_findings(user) if found is None else found
    wrong = sum(f.severity != "info" for f in found) if found else None
    tabs = [
        {
            "title": _("Doctor"),
            "url": reverse("doctor"),
            "active": active == "doctor",
            "count": wrong,
            "tone": "bad" if found and found[0].severity == "error" else "",
        }
    ]
    asked = settling.open_questions(user).count() if user.may_edit else 0
    if asked or active == "questions":
        tabs = [{"title": _("Questions"), "url": reverse("questions"), "active": active == "questions", "count": asked}, *tabs]
    tabs.append({"title": _("Readiness"), "url": reverse("readiness"), "active": active == "readiness"})
    tabs.append({"title": _("Metrics"), "url": reverse("metrics"), "active": active == "metrics"})
    tabs.append({"title": _("Likelihood"), "url": reverse("likelihood"), "active": active == "likelihood"})
    if user.may_import:
        aside = waiting().count()
        tabs = [
            {"title": _("Imports"), "url": reverse("data"), "active": active == "imports"},
            {"title": _("Quarantine"), "url": reverse("quarantine"), "active": active == "quarantine", "count": aside, "tone": "bad" if aside else ""},
            {"title": _("Same customer?"), "url": reverse("matches"), "active": active == "matches", "count": open_pairs().count(), "tone": ""},
            *tabs,
            {"title": _("Runs"), "url": reverse("runs"), "active": active == "runs"},
        ]
        if user.is_admin:
            tabs.append({"title": _("Folders"), "url": reverse("folders"), "active": active == "folders"})
    return {"data_tabs": tabs, "upload_url": reverse("import") if user.may_import else None}


# -- the list -------------------------------------------------------------------------------------------------------


@require_safe
def imports(request: HttpRequest) -> HttpResponseBase:
    """Imports, newest first. Members and viewers are sent to the doctor, the part of Data that is theirs."""
    user = user_of(request)
    if not user.may_import:
        return redirect("doctor")
    state, source = request.GET.get("state", ""), request.GET.get("source", "")[:80]
    state = state if state in STATE_WORDS else ""
    asked = with_names(ImportRun.objects.exclude(kind="edit"))
    asked = asked.filter(state__in=[s for s, said in STATES.items() if said == state]) if state else asked
    asked = asked.filter(source=source) if source else asked
    if format_of(request):
        return IMPORTS.file(request, (_row(run, None) for run in asked.order_by("-pk").iterator(500)))
    tools = opened(request, user, IMPORTS)
    if tools.elsewhere:
        return tools.elsewhere
    rows, previous, behind = newest_first(asked, request)
    jobs = jobs_of([run.pk for run in rows if run.state in BUSY])
    closed = closed_months_of(run for run in rows if run.state == ImportState.DONE)
    shown = [_row(run, jobs.get(run.pk)) | {"undo_asks": run.pk in closed and not closed[run.pk].later} for run in rows]
    context = frame(user, "imports") | {
        "imports": shown,
        "poll_url": request.get_full_path() if any(r["state"] == "running" for r in shown) else None,
        "progress_span": len({"state", *COUNTED} & set(tools.shown)),
        "previous_url": previous,
        "next_url": behind,
        "checklist": checklist.items(user, last_run()) if not request.GET and checklist.is_for(user) else [],
        "state": {"shown": _("Imports, newest first") if shown else None, "recomputing": DirtyAccount.objects.exists()},
        **_narrowed(request, state, source, bool(shown)),
    }
    return render(request, "pages/data.html", context | tools.context)


STATE_WORDS = {
    "done": gettext_lazy("done"), "running": gettext_lazy("running"), "waiting": gettext_lazy("waits for you"), "failed": gettext_lazy("failed"),
    "undone": gettext_lazy("undone"),
}  # fmt: skip
IMPORTS = register(
    List(
        "imports",
        "data",
        {
            "state": Column(gettext_lazy("State"), "state", itemgetter("state")),
            "new": Column(gettext_lazy("New"), "new", itemgetter("new")),
            "changed": Column(gettext_lazy("Changed"), "changed", itemgetter("changed")),
            "unchanged": Column(gettext_lazy("Unchanged"), "unchanged", itemgetter("unchanged")),
            "rejected": Column(gettext_lazy("Rejected"), "rejected", itemgetter("rejected")),
            "started_at": Column(gettext_lazy("Started"), "started_at", itemgetter("started_at")),
            "who": Column(gettext_lazy("By"), "by", lambda row: str(row["who"])),
        },
        keys=("state", "source"),
        before={"import_id": itemgetter("import_id"), "import": itemgetter("name"), "source": itemgetter("source"), "files": itemgetter("files")},
        after={"message": itemgetter("message")},
    )
)


def _narrowed(request: HttpRequest, state: str, source: str, any_shown: bool) -> dict[str, Any]:
    """Facets, sentences and the count of the list of imports. Two queries."""
    counts = dict.fromkeys(STATE_WORDS, 0)
    sources: dict[str, int] = {}
    for one in ImportRun.objects.exclude(kind="edit").order_by().values("state", "source").annotate(n=Count("pk")):
        word = STATES[ImportState(one["state"])]
        if source in ("", one["source"]):
            counts[word] += one["n"]
        if state in ("", word):
            sources[one["source"]] = sources.get(one["source"], 0) + one["n"]
    total = counts[state] if state else sum(counts.values())

    def option(name: str, value: str, label: Any, n: int, now: str) -> dict[str, Any]:
        return {"label": label, "count": n, "active": value == now, "url": url_with(request, **{name: None if value == now else value})}

    return {
        "facets": [
            {"name": "state", "title": _("State"), "icon": "progress-check",
             "options": [option("state", s, word, counts[s], state) for s, word in STATE_WORDS.items() if counts[s] or s == state]},
            {"name": "source", "title": _("Source"), "icon": "plug",
             "options": [option("source", s, s, n, source) for s, n in sorted(sources.items(), key=lambda pair: (-pair[1], pair[0]))[:50] if s]},
        ],
        "filters": [
            *([{"label": _("State is"), "value": STATE_WORDS[state], "remove_url": url_with(request, state=None)}] if state else []),
            *([{"label": _("Source is"), "value": source, "remove_url": url_with(request, source=None)}] if source else []),
        ],
        "clear_url": CLEARED,
        "counted": ngettext("%(n)s import", "%(n)s imports", total) % {"n": number(total)},
        "download_url": request.get_full_path() if any_shown else None,
    }  # fmt: skip


def newest_first(rows: Any, request: HttpRequest, size: int = SHOWN) -> tuple[list[Any], str | None, str | None]:
    """A page by key, and the addresses of the pages before and behind."""
    after, before = (_cursor(request.GET.get(name)) for name in ("after", "before"))
    if before:
        found = list(rows.filter(pk__gt=before).order_by("pk")[: size + 1])
        more, found = len(found) > size, found[:size][::-1]
        first, last = more, True
    else:
        found = list((rows.filter(pk__lt=after) if after else rows).order_by("-pk")[: size + 1])
        more, found = len(found) > size, found[:size]
        first, last = bool(after), more
    if not found:
        return [], None, None
    return found, _page(request, "before", found[0].pk) if first else None, _page(request, "after", found[-1].pk) if last else None


def _cursor(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _page(request: HttpRequest, name: str, key: int) -> str:
    query = request.GET.copy()
    for cursor in ("after", "before"):
        query.pop(cursor, None)
    query[name] = str(key)
    return "?" + query.urlencode()


def with_names(runs: Any) -> Any:
    """Runs with what their name is made of; mappings and previews, which may be large, are left where they are."""
    return runs.select_related("user__person").prefetch_related(
        Prefetch("files", ImportFile.objects.only("id", "run_id", "name", "sheet", "size", "sha256").order_by("id"))
    )


def name_of(run: ImportRun) -> str:
    names = list(dict.fromkeys(file.name for file in run.files.all()))
    if not names:
        return NAMES.get(run.kind, _("Import %(run)s") % {"run": run.pk})
    return names[0] if len(names) == 1 else _("%(name)s and %(n)s more") % {"name": names[0], "n": number(len(names) - 1)}


def who_of(run: ImportRun) -> str:
    """Within a sentence."""
    return person_name(run.user) if run.user else WHO.get(run.kind, _("the command line")).lower()


def jobs_of(run_ids: Iterable[int]) -> dict[int, Job]:
    """The last job of each run. One query, none for no run."""
    ids = list(run_ids)
    if not ids:
        return {}
    kinds = ("preview", "import", "undo")
    keys = [f"{kind}-{run_id}" for run_id in ids for kind in kinds]
    return {int(job.arguments["run_id"]): job for job in Job.objects.filter(unique_key__in=keys).order_by("id")}


def state_of(run: ImportRun, job: Job | None) -> str:
    """How the run stands in the words of the pages. A run whose job was given up has failed."""
    if run.state in BUSY and job and job.state == JobState.FAILED:
        return "failed"
    return STATES[ImportState(run.state)]


def message_of(run: ImportRun, job: Job | None) -> str:
    if run.error:
        return run.error
    if run.state in BUSY and job and job.error:
        reason = job.error.strip().splitlines()[-1].removeprefix("Not tried again: ")[:300]
        again = _("attempt %(attempts)s failed and is tried again: %(reason)s") % {"attempts": job.attempts, "reason": reason}
        return reason if job.state == JobState.FAILED else again
    return ""


def progress_of(run: ImportRun, job: Job | None) -> dict[str, Any]:
    """How far the run's job is: label, value, max, text."""
    if run.state == ImportState.UNDOING:
        label = _("Undoing")
    elif job and job.kind == "preview":
        label = _("Comparing with the book")
    else:
        label = _("Importing")
    if job is None or job.state == JobState.READY:
        waits = job is None or (timezone.now() - job.created_at).total_seconds() > PATIENCE
        return {"label": _("Waiting for the worker") if waits else _("Starting"), "value": None, "max": 1, "text": _("`laer serve` runs one") if waits else ""}
    rows = job.progress.get("rows")
    if rows is None:
        return {"label": label, "value": None, "max": 1, "text": ""}
    total = max(rows, run.rows_total or sum(f.size for f in run.files.all()) // BYTES_A_ROW, 1)
    text = _("%(rows)s of about %(total)s rows") % {"rows": number(rows), "total": number(total)}
    return {"label": f"{label} {job.progress.get('file', '')}", "value": rows, "max": total, "text": text}


def _row(run: ImportRun, job: Job | None) -> dict[str, Any]:
    state = state_of(run, job)
    sums = sums_of(run.counts)
    known = run.state in (ImportState.DONE, ImportState.UNDONE)
    files = len({file.name for file in run.files.all()})
    return {
        "import_id": run.pk,
        "name": name_of(run),
        "files": files,
        "source": run.source,
        "started_at": run.created_at,
        "who": person_name(run.user) if run.user else WHO.get(run.kind, _("Command line")),
        "state": state,
        **{c: sums[c] if known else None for c in COUNTED},
        "url": address(run),
        "undo_url": reverse("import_undo", args=[run.pk]) if state == "done" else None,
        "message": message_of(run, job)[:140],
        "progress": progress_of(run, job) if state == "running" else None,
    }


def address(run: ImportRun) -> str:
    """Where a run goes on: its next step, or its result."""
    name = {ImportState.UPLOADED: "import_map", ImportState.PREVIEWED: "import_preview"}.get(ImportState(run.state), "import_result")
    return reverse(name, args=[run.pk])


def sums_of(counts: Mapping[str, Any]) -> dict[str, int]:
    return {c: sum(row.get(c, 0) for record, row in counts.items() if record in RECORDS) for c in COUNTED}


def by_record(counts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of parts/import_counts.html. Repeated rows are unchanged ones: the file says them twice."""
    rows = []
    for record, row in counts.items():
        if record in RECORDS and any(row.values()):
            same = row.get("unchanged", 0) + row.get("repeated", 0)
            rows.append({"record": label_of(record), "rows": sum(row.values()), **{c: row.get(c, 0) for c in COUNTED}, "unchanged": same})
    return rows


def figures(counts: Mapping[str, Any], *, coming: bool) -> list[dict[str, Any]]:
    sums = sums_of(counts)
    repeated = sum(row.get("repeated", 0) for record, row in counts.items() if record in RECORDS)
    twice = _("%(n)s of them said twice") % {"n": number(repeated)}
    return [
        {"label": _("New"), "value": number(sums["new"]), "hint": _("rows that the book does not have") if coming else _("rows")},
        {"label": _("Changed"), "value": number(sums["changed"]), "hint": _("rows that say something else now") if coming else _("rows")},
        {"label": _("Unchanged"), "value": number(sums["unchanged"] + repeated), "hint": twice if repeated else _("rows")},
        {"label": _("Rejected"), "value": number(sums["rejected"]), "hint": _("kept for repair") if sums["rejected"] else _("none")},
    ]


def matched_notice(matched: Mapping[str, int]) -> list[dict[str, Any]]:
    """How many accounts of a file are customers that another source brought, and by which rule that is known."""
    total = sum(matched.values())
    if not total:
        return []
    rules = {"n": number(total), "rule": rule_in_words(next(iter(matched))), "counts": said(matched)}
    title = _("%(n)s matched by %(rule)s") % rules if len(matched) == 1 else _("%(n)s matched: %(counts)s") % rules
    text = ngettext(
        "This account is a customer that another source brought: it gets this source's id, and no account is made.",
        "These accounts are customers that other sources brought: they get this source's id, and no account is made.",
        total,
    )
    return [{"tone": "info", "title": title, "text": text}]


def label_of(record: str) -> str:
    return record_label(record)


RECORDS = frozenset((*MODELS, "usage_days"))


# -- one import -----------------------------------------------------------------------------------------------------


@require_safe
def result(request: HttpRequest, import_id: int) -> HttpResponse:
    """What an import did, or how far it is. Polls itself while it runs."""
    run = run_for(request, import_id)
    if run.state in OPEN:
        return redirect(address(run))
    job = jobs_of([run.pk]).get(run.pk)
    state = state_of(run, job)
    undo = run.counts.get("undo", {})
    aside = QuarantinedRow.objects.filter(run=run)
    context = frame(user_of(request), "imports") | {
        "run": _said(run, job, state, undo),
        "state": None,
        "counts": run.counts,
        "figures": figures(run.counts, coming=False),
        "by_record": by_record(run.counts),
        "progress": progress_of(run, job) if state == "running" else None,
        "poll_url": request.path if state == "running" else None,
        "undo_url": reverse("import_undo", args=[run.pk]) if state in ("done", "failed") and run.files.exists() | (run.kind == "demo") else None,
        "redo_url": reverse("import_redo", args=[run.pk]) if state == "undone" and run.files.exists() else None,
        "resume_url": reverse("import_resume", args=[run.pk]) if state == "failed" else None,
        "left": named_left(undo.get("left", [])),
        "left_count": undo.get("left_count", 0),
        "told": [
            *_closed_notices(run, state),
            *({"tone": "warn", "title": _("Please note"), "text": note} for note in run.notes),
            *matched_notice(matched_by(run) if state == "done" else {}),
            *(waiting_notices(run, user_of(request)) if state == "done" else ()),
        ],
        "read": read_notices(run) if state == "done" else [],
        "next_steps": NEXT if state == "done" else None,
    }
    if state != "running":
        context["reasons"] = [{"reason": r["kind"], "count": r["n"]} for r in aside.values("kind").annotate(n=Count("id")).order_by("-n")]
        context["rejects"] = [shown_reject(r.file, r.line, r.reason, r.raw) for r in aside.order_by("id")[:20]]
        context["rejects_url"] = reverse("quarantine_download") + f"?import={run.pk}&all=1"
        if state == "done" and waiting().filter(run=run).exists():
            repair = {"label": _("Repair the rejected rows"), "url": reverse("quarantine") + f"?import={run.pk}", "icon": "refresh"}
            context["next_steps"] = [repair, *NEXT]
    return render(request, "pages/import_result.html", context)


def _closed_notices(run: ImportRun, state: str) -> list[dict[str, Any]]:
    """What an undo would do to closed months, or has done."""
    if state == "undone":
        text = after_undo(run)
        action = {"label": _("Restatements"), "url": reverse("revenue-close")}
        return [{"tone": "info", "title": _("Closed months keep their figures"), "text": text, "action": action}] if text else []
    months = closed_months_of([run]).get(run.pk) if state in ("done", "failed") else None
    return [{"tone": "info", "title": _("This import reaches into closed months"), "text": before_undo(months)}] if months else []


NEXT = [
    {"label": gettext_lazy("Accounts"), "url": "/accounts/", "icon": "building"},
    {"label": gettext_lazy("Revenue"), "url": "/revenue/", "icon": "chart-bar"},
    {"label": gettext_lazy("What the doctor finds"), "url": "/data/doctor/", "icon": "stethoscope"},
]


def _said(run: ImportRun, job: Job | None, state: str, undo: Mapping[str, Any]) -> dict[str, Any]:
    message = message_of(run, job)
    if state == "undone" and run.undone_at:
        counts = {name: number(undo.get(name, 0)) for name in ("archived", "restored", "lake")}
        text = _("%(archived)s rows taken out, %(restored)s fields put back, %(lake)s usage rows taken out. The files are kept, so that it can be done again.")
        message = text % counts
    elif state == "done" and run.kind == "retry":
        message = _("Rows that were corrected. What is still wrong with some of them has been set aside again.")
    return {
        "import_id": run.pk,
        "name": name_of(run),
        "source": run.source,
        "who": who_of(run),
        "started_at": run.created_at,
        "ended_at": run.undone_at if state == "undone" else run.finished_at,
        "state": state,
        "message": message,
    }


def names_of(places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, str | None]]:
    """(record, our id) -> what people call the row, and the page of its account. One query a record type."""
    wanted: dict[str, set[int]] = {}
    for record, pk in places:
        wanted.setdefault(record, set()).add(pk)
    names: dict[tuple[str, int], tuple[str, str | None]] = {}
    for record, ids in wanted.items():
        model = MODELS[record]
        fields = {f.name for f in model._meta.get_fields()}
        column = next((c for c in ("name", "subject", "plan", "reason", "kind") if c in fields), "id")
        owner = "id" if record == "accounts" else "account_id" if "account" in fields else None
        for pk, text, account in model._default_manager.filter(pk__in=ids).values_list("id", column, owner or "id"):
            names[record, pk] = (str(text or f"{record.removesuffix('s').replace('_', ' ')} {pk}"), f"/accounts/{account}/" if owner else None)
    return names


def named_left(left: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What an undo left, with names in place of numbers."""
    left = list(left)
    names = names_of((one["record"], one["object_id"]) for one in left)
    told = []
    for one in left:
        name, url = names.get((one["record"], one["object_id"]), (_("number %(object_id)s") % {"object_id": one["object_id"]}, None))
        field = one["field"].removesuffix("_id").replace("_", " ") or _("the whole row")
        told.append({"record": label_of(one["record"]), "name": name, "url": url, "field": field, "why": one["why"]})
    return told


def shown_reject(file: str, line: int, reason: str, raw: Mapping[str, str]) -> dict[str, Any]:
    return {"file": file, "line": line, "reason": reason, "text": text_of(raw)}


def text_of(raw: Mapping[str, str]) -> str:
    """A row as one line of text."""
    return " · ".join(f"{header}: {cell}" if header else cell for header, cell in raw.items() if cell)


def queue(run: ImportRun) -> None:
    """Hand a run to the worker."""
    ImportRun.objects.filter(Q(pk=run.pk)).update(state=ImportState.QUEUED, error="")
    enqueue("import", {"run_id": run.pk}, unique_key=f"import-{run.pk}")
