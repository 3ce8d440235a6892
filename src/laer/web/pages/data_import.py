"""Import files: upload, columns, preview, confirm. Nothing is written to the book before the last step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from laer.records.record import Column, record_type
from laer.records.types import LAKE
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.headers import OPTIONAL, columns_of, synonyms
from laer.sources.tabular.mapping import CUSTOM, CUSTOM_KINDS, ENDS, Mapping, MappingFault, all_from_yaml, slug_of, to_yaml
from laer.sources.tabular.recognise import recognise
from laer.sources.tabular.table import Table
from laer.sources.tabular.values import ORDERS
from laer.web.book import importing, mappings
from laer.web.book.applying import kind_of
from laer.web.book.models import ExternalId, ImportFile, ImportRun, ImportState
from laer.web.pages.data import OPEN, address, by_record, figures, frame, importer, jobs_of, label_of, progress_of, queue, run_for, shown_reject, user_of
from laer.web.pages.uploads import MOST_FILES, limit_text, takes_files, too_large
from laer.web.runs.jobs import enqueue
from laer.web.runs.models import JobState

DIRECT = 5 * 2**20  # bytes up to which a preview is made while the page waits
SAMPLE = 200  # rows that samples are taken from
SHOWN = 50
SOURCE = "files"
ORDER_WORDS = {"dmy": "Day first: 31-12-2027", "mdy": "Month first: 12-31-2027", "ymd": "Year first: 2027-12-31"}
END_WORDS = {"exclusive": "the first day that is not paid for", "inclusive": "the last day that is paid for"}
KIND_WORDS = {"text": "text", "integer": "whole number", "decimal": "number", "boolean": "yes or no", "date": "date"}
RECORDS = (
    "accounts", "contacts", "people", "assignments", "products", "contracts", "subscription_lines", "discounts", "usage_days", "tickets", "survey_responses", "churn_events",
)  # fmt: skip


# -- 1. upload ------------------------------------------------------------------------------------------------------


@takes_files
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Take files in and say how they read."""
    user = importer(request)
    values, errors = {"source": "", "as_of": ""}, []
    if too_large(request):
        return _upload_form(request, values, [f"These files are too large: {limit_text()}. Import them one by one, or with `laer import` on the server."], 413)
    if request.method == "POST":
        values = {"source": request.POST.get("source", "").strip(), "as_of": request.POST.get("as_of", "").strip()}
        files = request.FILES.getlist("files")
        day = _date(values["as_of"])
        if not files:
            errors.append("No file was chosen.")
        if len(files) > MOST_FILES:
            errors.append(f"{len(files)} files at once; at most {MOST_FILES} are taken. Put them in one workbook, or use `laer import` on the server.")
        if values["as_of"] and day is None:
            errors.append(f"True as of: found '{values['as_of'][:40]}', expected a date such as 2027-04-12.")
        if len(values["source"]) > 80:
            errors.append("Source: expected at most 80 characters.")
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


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# -- 2. columns -----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def columns(request: HttpRequest, import_id: int, file_id: int | None = None) -> HttpResponse:
    """What each column is: of all files of the import, or of one. A changed record type is recognised anew."""
    run = run_for(request, import_id)
    if run.state not in OPEN:
        return redirect(address(run))
    files = list(run.files.order_by("id")) if file_id is None else list(run.files.filter(pk=file_id))
    if not files:
        raise Http404
    errors: list[str] = []
    if request.method == "POST":
        again, errors = _take(request.POST, run, files)
        if again:  # another record type: its columns are recognised, and shown before anything else happens
            return redirect(request.path)
        if not errors:
            return _go_to_preview(request, run)
    shown, troubles = [], []
    for file in files:
        try:
            shown.append(_file(run, file, file is files[0], request.POST if errors else None))
        except UnreadableFile as error:
            troubles.append(str(error))
    context = frame(user_of(request), "imports") | {
        "action": request.path, "files": shown, "errors": errors + troubles, "save_url": f"/data/import/{run.pk}/mapping.yaml" + (f"?file={file_id}" if file_id else ""),
        "give_url": f"/data/import/{run.pk}/mapping/", "discard_url": f"/data/import/{run.pk}/discard/", "back_url": "/data/import/",
        "notices": [{"tone": "warn", "title": "Left out", "text": note} for note in run.notes],
    }  # fmt: skip
    return render(request, "pages/import_map.html", context, status=422 if errors else 200)


def _take(post: QueryDict, run: ImportRun, files: list[ImportFile]) -> tuple[bool, list[str]]:
    """Keep what a form says. (whether a record type was changed, errors)"""
    changed, errors = False, []
    if "as_of" in post:
        day = _date(post["as_of"])
        if day is None:
            errors.append(f"True as of: found '{post['as_of'][:40]}', expected a date such as 2027-04-12.")
        else:
            run.file_date = day
            run.save(update_fields=["file_date"])
    for file in files:
        record = post.get(f"f{file.pk}-record", file.record)
        if record == file.record:
            continue
        changed = True
        if record in RECORDS:
            importing.set_mapping(file, recognise(importing.table_of(file), record=record))
        else:
            importing.leave_out(file)
    if changed:
        return True, errors
    for file in files:
        if not file.record:
            continue
        table = importing.table_of(file)
        mapping, said = _mapping(post, file, table)
        if said:
            errors.extend(f"{_title(file)}: {one}" for one in said)
        elif mappings.to_json(importing.keepable(mapping)) != {k: v for k, v in file.mapping.items() if k not in ("remembered", "remember")} | {"undecided": mapping.undecided}:
            importing.set_mapping(file, mapping, remember=post.get("remember") == "true")
    if not any(file.record for file in files) and not run.files.exclude(record="").exists():
        errors.append("No file is taken in: say of at least one what its rows are.")
    return False, errors


def _mapping(post: QueryDict, file: ImportFile, table: Table) -> tuple[Mapping, list[str]]:
    """A file's mapping as the form has it, and what is wrong with it."""
    before = mappings.from_json(file.mapping)
    assert before.record
    order = post.get(f"f{file.pk}-order") or None
    if order in ORDERS and order != before.date_order:
        before = recognise(table, record=before.record, date_order=order)
    end = post.get(f"f{file.pk}-end")
    known = columns_of(before.record)
    targets: dict[str, str | None] = {}
    custom: dict[str, str] = {}
    errors: list[str] = []
    for place, header in enumerate(table.header):
        chosen = post.get(f"f{file.pk}-c{place}")
        if chosen is None:  # not in the form (a file beside the one shown)
            targets[header] = before.columns.get(header)
            continue
        if chosen.startswith("custom:"):
            kind, former = chosen.removeprefix("custom:"), before.columns.get(header)
            slug = former.removeprefix(CUSTOM) if former and former.startswith(CUSTOM) else slug_of(header, custom)
            custom[slug] = kind if kind in CUSTOM_KINDS else "text"
            targets[header] = CUSTOM + slug
        elif chosen in known and chosen in targets.values():
            errors.append(f"two columns are mapped to {known[chosen].label}; a value is read from one")
            targets[header] = chosen
        else:
            targets[header] = chosen if chosen in known else None
    mapping = replace(
        before, columns=targets, custom=custom or {t.removeprefix(CUSTOM): before.custom.get(t.removeprefix(CUSTOM), "text") for t in targets.values() if t and t.startswith(CUSTOM)},
        end=end if end in ENDS else before.end, undecided=() if before.date_order else before.undecided,
    )  # fmt: skip
    for name in missing(mapping):
        errors.append(f"no column is {known[name].label.lower()}, which every {record_type(before.record).info.noun} needs")
    if mapping.undecided:
        errors.append(f"say which of day and month comes first in {', '.join(mapping.undecided)}")
    return mapping, errors


def missing(mapping: Mapping) -> list[str]:
    """Required columns that no header gives and that nothing else can stand for (a subscription knows its account)."""
    if mapping.record is None:
        return []
    there = mapping.headers
    known = [name for name in mapping.missing if (mapping.record, name) not in OPTIONAL and synonyms(mapping.record).get(name)]
    return [name for name in known if not (name == "account_id" and "subscription_id" in there)]


def _file(run: ImportRun, file: ImportFile, first: bool, post: QueryDict | None) -> dict[str, Any]:
    table = importing.table_of(file)
    mapping = mappings.from_json(file.mapping)
    rows = [cells for _, cells in islice(table.rows(), SAMPLE)]
    groups = _groups(file.record)
    shown = []
    for place, header in enumerate(table.header):
        key = f"f{file.pk}-c{place}"
        target = mapping.columns.get(header)
        field = post.get(key, "") if post is not None and key in post else _option(target, mapping)
        sure = mapping.confidence.get(header, 0.0) if target else None
        words, tone = _words(sure, bool(target))
        shown.append(
            {
                "key": key, "name": header, "samples": list(dict.fromkeys(cells[place].strip() for cells in rows if place < len(cells) and cells[place].strip()))[:4],
                "field": field, "groups": groups, "sure": sure or 0.0, "words": words, "tone": tone, "note": _note(mapping, header, target),
            }
        )  # fmt: skip
    words, tone = _words(mapping.sure if file.record else 0.0, bool(file.record))
    return {
        "file_id": file.pk, "name": file.name, "sheet": file.sheet, "rows": _rows(file, len(rows)), "record_type": file.record, "record_key": f"f{file.pk}-record",
        "record_types": [{"value": "", "label": "left out"}, *({"value": r, "label": record_type(r).info.noun} for r in RECORDS)],
        "sure": mapping.sure if file.record else 0.0, "words": words if file.record else "not recognised", "tone": tone, "why": mapping.why, "notes": table.notes, "remembered": file.mapping.get("remembered", False),
        "questions": _questions(run, file, mapping, first, post), "columns": shown if file.record else [],
    }  # fmt: skip


def _rows(file: ImportFile, seen: int) -> str:
    return f"{seen} row{'' if seen == 1 else 's'}" if seen < SAMPLE else f"{file.size / 2**20:.1f} MB" if file.size > 2**20 else f"{max(1, file.size // 1024):,} KB"


def _groups(record: str) -> list[dict[str, Any]]:
    """What a column may be, for its menu."""
    if not record:
        return []
    kind = record_type(record)
    named = synonyms(record)
    options = [{"value": c.name, "label": column_label(record, c)} for c in kind.columns() if c.name in named or c.name == kind.info.key]
    groups = [{"label": label_of(kind.info.noun), "options": options}]
    if record not in LAKE:
        groups.append({"label": "A field of your own", "options": [{"value": f"custom:{k}", "label": f"Own field: {KIND_WORDS[k]}"} for k in CUSTOM_KINDS]})
    return groups


def column_label(record: str, column: Column) -> str:
    info = record_type(record).info
    if column.name == info.key:
        return f"{label_of(info.noun)} id"
    return f"{column.label} (its id or name)" if column.col.refers else column.label


def _option(target: str | None, mapping: Mapping) -> str:
    if target and target.startswith(CUSTOM):
        return "custom:" + mapping.custom.get(target.removeprefix(CUSTOM), "text")
    return target or ""


def _words(sure: float | None, taken: bool) -> tuple[str, str]:
    """How sure in a word, and its colour."""
    if not taken or sure is None:
        return "left out", ""
    if sure >= 0.85:
        return "sure", "good"
    return ("likely", "good") if sure >= 0.6 else ("a guess", "warn")


def _note(mapping: Mapping, header: str, target: str | None) -> str:
    if header in mapping.undecided:
        return "day and month cannot be told apart"
    if target == "end_on" and mapping.end and mapping.end_evidence:
        return mapping.end_evidence.sentence
    return mapping.reasons.get(header, "")


def _questions(run: ImportRun, file: ImportFile, mapping: Mapping, first: bool, post: QueryDict | None) -> list[dict[str, Any]]:
    asked = []
    if mapping.undecided:
        key = f"f{file.pk}-order"
        options = [{"value": order, "label": ORDER_WORDS[order]} for order in ORDERS]
        asked.append({"key": key, "label": f"Which comes first in {', '.join(mapping.undecided)}?", "value": (post or {}).get(key, ""), "options": options, "help": mapping.date_why})
    if mapping.end_evidence and mapping.end is None and "end_on" in mapping.headers and mapping.end_evidence.share_on_end + mapping.end_evidence.share_month_end > 0:
        key = f"f{file.pk}-end"
        options = [{"value": end, "label": f"The end date is {END_WORDS[end]}"} for end in ENDS]
        asked.append({"key": key, "label": f"What does {mapping.headers['end_on']} mean?", "value": (post or {}).get(key, "exclusive"), "options": options, "help": mapping.end_evidence.sentence})
    if first and run.file_date is None and ExternalId.objects.filter(source=run.source).exists():
        text = "This source was imported before. When did what has changed since begin to hold?"
        asked.append({"key": "as_of", "label": "True as of", "value": (post or {}).get("as_of") or timezone.localdate().isoformat(), "help": text})
    return asked


def _title(file: ImportFile) -> str:
    return f"{file.name} / {file.sheet}" if file.sheet else file.name


# -- mappings as files ----------------------------------------------------------------------------------------------


@require_safe
def mapping_file(request: HttpRequest, import_id: int) -> HttpResponse:
    """How the files are read, to keep, edit and give back (also to `laer import --mapping`)."""
    run = run_for(request, import_id)
    files = run.files.exclude(record="").order_by("id")
    chosen = request.GET.get("file", "")
    if chosen.isascii() and chosen.isdigit():
        files = files.filter(pk=int(chosen[:18]))
    response = HttpResponse("---\n".join(to_yaml(mappings.from_json(f.mapping)) for f in files), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="mapping-{run.pk}.yaml"'
    return response


@takes_files
@require_POST
def give_mapping(request: HttpRequest, import_id: int) -> HttpResponse:
    """Read the files as a saved mapping says: each mapping goes to the files whose header it fits best."""
    run = run_for(request, import_id)
    if run.state not in OPEN:
        return redirect(address(run))
    given = None if too_large(request) else request.FILES.get("mapping")
    if given is None or given.size > 2**20:
        messages.error(request, "No mapping was given, or it is larger than 1 MB.")
        return redirect("import_map", run.pk)
    try:
        found = all_from_yaml(given.read().decode("utf-8"))
    except (MappingFault, UnicodeDecodeError) as error:
        messages.error(request, f"{given.name}: {error}")
        return redirect("import_map", run.pk)
    read = []
    for file in run.files.order_by("id"):
        header = set(file.mapping.get("columns") or {})
        fitting = [m for m in found if m.fits(header)]
        if fitting:
            best = max(fitting, key=lambda m: len(header & set(m.columns)))
            importing.set_mapping(file, replace(best, columns={h: best.columns.get(h) for h in header}))
            read.append(_title(file))
    if read:
        messages.success(request, f"Read as the mapping says: {', '.join(read)}")
    else:
        messages.error(request, f"{given.name}: no file here has the columns that it reads ({', '.join(repr(h) for m in found for h in m.headers.values())[:200]}).")
    return redirect("import_map", run.pk)


# -- 3. preview -----------------------------------------------------------------------------------------------------


def _go_to_preview(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Compare with the book: at once where that is quick, else in the background."""
    run.refresh_from_db()
    if run.state != ImportState.PREVIEWED or any(not f.preview for f in run.files.exclude(record="")):
        ImportRun.objects.filter(pk=run.pk).update(state=ImportState.UPLOADED)
        if (run.files.exclude(record="").aggregate(size=Sum("size"))["size"] or 0) < DIRECT:
            try:
                importing.preview_import(ImportRun.objects.get(pk=run.pk))
            except UnreadableFile as error:
                messages.error(request, str(error))
                return redirect("import_map", run.pk)
        else:
            enqueue("preview", {"run_id": run.pk}, unique_key=f"preview-{run.pk}")
    return redirect("import_preview", run.pk)


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
            messages.error(request, f"The preview could not be made: {job.error.strip().splitlines()[-1][:300]}")
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
        rejects.extend({**r, "file": _title(file)} for r in kept.get("rejects", []))
    total = {name: sum(row[name] for row in counts.values()) for name in importing.COUNTS}
    reasons: dict[str, int] = {}
    for r in rejects:
        kind = kind_of(r["reason"])
        reasons[kind] = reasons.get(kind, 0) + 1
    notices = [{"tone": "warn", "title": "Left out", "text": note} for note in run.notes]
    notices += [{"tone": "info", "title": f"{_title(f)} is left out", "text": "Its rows were not recognised as a record type."} for f in run.files.filter(record="").order_by("id")]
    if not (total["new"] or total["changed"] or total["rejected"]):
        notices.append({"tone": "good", "title": "The book knows all of this already", "text": "Importing would change nothing."})
    changed_rows = len({(c["record"], c["key"]) for c in changes})
    return {
        "figures": figures(counts, coming=True), "by_record": by_record(counts), "notices": notices,
        "changes": [_change(c) for c in changes[:SHOWN]], "changes_more": max(0, total["changed"] - changed_rows) + max(0, changed_rows - len({(c["record"], c["key"]) for c in changes[:SHOWN]})),
        "created": [_created(c) for c in created[:20]], "created_more": max(0, total["new"] - len(created[:20])),
        "rejects": [shown_reject(r["file"], r["line"], r["reason"], r["raw"]) for r in rejects[:SHOWN]],
        "reasons": [{"reason": reason, "count": n} for reason, n in sorted(reasons.items(), key=lambda r: -r[1])] if total["rejected"] <= len(rejects) else [],
    }  # fmt: skip


def _change(change: dict[str, Any]) -> dict[str, Any]:
    account = change.get("object_id") if change["record"] == "accounts" else change.get("account_id")
    record = record_type(change["record"])
    label = {c.name: c.label for c in record.columns()}.get(change["field"], change["field"].removesuffix("_id").replace("_", " "))
    return {
        "record": label_of(record.info.noun), "name": change["key"].lstrip("~").replace("|", " "), "url": f"/accounts/{account}/" if account and account > 0 else None,
        "field": label, "old": change["old"], "new": change["new"],
    }  # fmt: skip


def _created(one: dict[str, Any]) -> dict[str, Any]:
    values = dict(one["values"])
    key = str(one["key"])
    name = values.pop("name", None) or (key.lstrip("~").replace("|", " ") if not key.startswith("#") else f"line {one['line']}")
    shown = {k: v for k, v in values.items() if not k.endswith("_id")}
    detail = " · ".join(f"{k.removesuffix('_on').removesuffix('_at').replace('_', ' ')}: {v}" for k, v in list(shown.items())[:8])
    return {"record": label_of(record_type(one["record"]).info.noun), "name": name, "detail": detail}


@require_POST
def confirm(request: HttpRequest, import_id: int) -> HttpResponse:
    """Hand the import to the worker. Asked twice, it is done once."""
    run = run_for(request, import_id)
    if run.state == ImportState.UPLOADED:
        messages.warning(request, "The columns were changed since the preview; look at it again.")
        return redirect("import_map", run.pk)
    if run.state == ImportState.PREVIEWED:
        queue(run)
    return redirect("import_result", run.pk)


@require_POST
def discard(request: HttpRequest, import_id: int) -> HttpResponse:
    """Forget files that were not imported."""
    run = run_for(request, import_id)
    if run.state not in OPEN:
        messages.warning(request, "This import is under way or done; it can be undone instead.")
        return redirect(address(run))
    importing.discard_import(run)
    messages.success(request, "The files were discarded; nothing of them was imported.")
    return redirect("data")
