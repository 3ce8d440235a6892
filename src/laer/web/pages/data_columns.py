"""Import, step 2: what each column is. Recognised, shown with how sure that is, corrected, kept as a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any

from django.contrib import messages
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
from laer.web.book import importing, mappings, status_words
from laer.web.book.models import ExternalId, ImportFile, ImportRun, ImportState
from laer.web.pages.data import OPEN, address, frame, label_of, run_for, user_of
from laer.web.pages.uploads import takes_files, too_large
from laer.web.runs.jobs import enqueue

DIRECT = 5 * 2**20  # bytes up to which a preview is made while the page waits
PER = {"monthly": "A month", "quarterly": "A quarter", "semi-annual": "Half a year", "annual": "A year", "biennial": "Two years"}
SAMPLE = 200  # rows that samples are taken from
ORDER_WORDS = {"dmy": "Day first: 31-12-2027", "mdy": "Month first: 12-31-2027", "ymd": "Year first: 2027-12-31"}
END_WORDS = {"exclusive": "the first day that is not paid for", "inclusive": "the last day that is paid for"}
KIND_WORDS = {"text": "text", "integer": "whole number", "decimal": "number", "boolean": "yes or no", "date": "date"}
RECORDS = (
    "accounts",
    "contacts",
    "people",
    "assignments",
    "products",
    "contracts",
    "subscription_lines",
    "discounts",
    "opportunities",
    "pauses",
    "usage_days",
    "tickets",
    "survey_responses",
    "churn_events",
    "pulses",
    "notes",
)


def date_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


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
        "action": request.path,
        "files": shown,
        "errors": errors + troubles,
        "save_url": f"/data/import/{run.pk}/mapping.yaml" + (f"?file={file_id}" if file_id else ""),
        "give_url": f"/data/import/{run.pk}/mapping/",
        "discard_url": f"/data/import/{run.pk}/discard/",
        "back_url": "/data/import/",
        "notices": [{"tone": "warn", "title": "Left out", "text": note} for note in run.notes],
    }
    return render(request, "pages/import_map.html", context, status=422 if errors else 200)


def _take(post: QueryDict, run: ImportRun, files: list[ImportFile]) -> tuple[bool, list[str]]:
    """Keep what a form says. (whether a record type was changed, errors)"""
    changed, errors = False, []
    said_day = post.get("as_of")
    if said_day is not None:
        day = date_of(said_day)
        if day is None:
            errors.append(f"True as of: found '{said_day[:40]}', expected a date such as 2027-04-12.")
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
            errors.extend(f"{title_of(file)}: {one}" for one in said)
        elif mappings.to_json(importing.keepable(mapping)) != {k: v for k, v in file.mapping.items() if k not in ("remembered", "remember", "notes")} | {
            "undecided": mapping.undecided
        }:
            importing.set_mapping(file, mapping, remember=post.get("remember") == "true")
    if not any(file.record for file in files) and not run.files.exclude(record="").exists():
        errors.append("No file is taken in: say of at least one what its rows are.")
    return False, errors


def _mapping(post: QueryDict, file: ImportFile, table: Table) -> tuple[Mapping, list[str]]:
    """A file's mapping as the form has it, and what is wrong with it."""
    before, record = mappings.from_json(file.mapping), file.record
    order = post.get(f"f{file.pk}-order") or None
    if order in ORDERS and order != before.date_order:
        before = recognise(table, record=record, date_order=order)
    end, per = post.get(f"f{file.pk}-end"), post.get(f"f{file.pk}-per")
    if per in PER:
        before = replace(before, fixed={**before.fixed, "interval": per})
    known = columns_of(record)
    former_slugs = {t.removeprefix(CUSTOM) for t in before.columns.values() if t and t.startswith(CUSTOM)}
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
            slug = former.removeprefix(CUSTOM) if former and former.startswith(CUSTOM) else slug_of(header, former_slugs | custom.keys())
            custom[slug] = kind if kind in CUSTOM_KINDS else "text"
            targets[header] = CUSTOM + slug
        elif chosen in known and chosen in targets.values():
            errors.append(f"two columns are mapped to {known[chosen].label}; a value is read from one")
            targets[header] = chosen
        else:
            targets[header] = chosen if chosen in known else None
    mapping = replace(
        before,
        columns=targets,
        custom=custom or {t.removeprefix(CUSTOM): before.custom.get(t.removeprefix(CUSTOM), "text") for t in targets.values() if t and t.startswith(CUSTOM)},
        end=end if end in ENDS else before.end,
        undecided=() if before.date_order else before.undecided,
    )
    mapping = status_words.answered(post, file, mapping, importing.table_of)
    for name in missing(mapping):
        errors.append(f"no column is {known[name].label.lower()}, which every {record_type(record).info.noun} needs")
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
        if mapping.sheet and file.record != "accounts" and not target:
            continue  # another part of the sheet has it, and its block shows it
        field = post.get(key, "") if post is not None and key in post else _option(target, mapping)
        own = bool(target) and str(target).startswith(CUSTOM)
        sure = mapping.confidence.get(header, 0.0) if target and not own else None
        words, tone = ("kept as it is", "") if own else _words(sure, bool(target))
        shown.append(
            {
                "key": key,
                "name": header,
                "samples": list(dict.fromkeys(cells[place].strip() for cells in rows if place < len(cells) and cells[place].strip()))[:4],
                "field": field,
                "groups": groups,
                "sure": sure,
                "words": words,
                "tone": tone,
                "note": _note(mapping, header, target),
                "elsewhere": mapping.reasons.get(header, "") if not target and mapping.reasons.get(header, "").startswith("goes to") else "",
            }
        )
    words, tone = _words(mapping.sure if file.record else 0.0, bool(file.record))
    return {
        "file_id": file.pk,
        "name": file.name,
        "sheet": file.sheet,
        "rows": _rows(file, len(rows)),
        "record_type": file.record,
        "record_key": f"f{file.pk}-record",
        "record_types": [{"value": "", "label": "left out"}, *({"value": r, "label": record_type(r).info.noun} for r in RECORDS)],
        "sure": mapping.sure if file.record else 0.0,
        "words": words if file.record else "not recognised",
        "tone": tone,
        "why": mapping.why,
        "notes": [] if mapping.sheet and file.record != "accounts" else list(dict.fromkeys([*file.mapping.get("notes", ()), *table.notes])),
        "part": record_type(file.record).info.noun if mapping.sheet and file.record not in ("", "accounts") else "",
        "remembered": file.mapping.get("remembered", False),
        "questions": _questions(run, file, mapping, first, post),
        "status_words": status_words.asked(file, mapping, importing.table_of, post),
        "columns": shown if file.record else [],
    }


def _rows(file: ImportFile, seen: int) -> str:
    return (
        f"{seen} row{'' if seen == 1 else 's'}"
        if seen < SAMPLE
        else f"{file.size / 2**20:.1f} MB"
        if file.size > 2**20
        else f"{max(1, file.size // 1024):,} KB"
    )


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
    reason = mapping.reasons.get(header, "")
    return "" if reason == "the name says so" else reason.removeprefix("the name says so; ")


def _questions(run: ImportRun, file: ImportFile, mapping: Mapping, first: bool, post: QueryDict | None) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []
    said = post if post is not None else QueryDict()
    if mapping.undecided:
        key = f"f{file.pk}-order"
        options = [{"value": order, "label": ORDER_WORDS[order]} for order in ORDERS]
        asked.append(
            {
                "key": key,
                "label": f"Which comes first in {', '.join(mapping.undecided)}?",
                "value": said.get(key, ""),
                "options": options,
                "help": mapping.date_why,
            }
        )
    if (
        mapping.end_evidence
        and mapping.end is None
        and "end_on" in mapping.headers
        and mapping.end_evidence.share_on_end + mapping.end_evidence.share_month_end > 0
    ):
        key = f"f{file.pk}-end"
        options = [{"value": end, "label": f"The end date is {END_WORDS[end]}"} for end in ENDS]
        asked.append(
            {
                "key": key,
                "label": f"What does {mapping.headers['end_on']} mean?",
                "value": said.get(key, "exclusive"),
                "options": options,
                "help": mapping.end_evidence.sentence,
            }
        )
    if per_unknown(mapping):
        key, header = f"f{file.pk}-per", mapping.headers.get("amount") or mapping.headers["unit_price"]
        asked.append(
            {
                "key": key,
                "label": f"What period is {header} for?",
                "value": said.get(key, mapping.fixed.get("interval", "")),
                "options": [{"value": per, "label": label} for per, label in PER.items()],
                "help": "No column says how often it is billed, and no other column says what it comes to in a month.",
            }
        )
    if mapping.undated and run.file_date is None and not ExternalId.objects.filter(source=run.source).exists():  # else it is asked once, above
        text = "No column says since when this is paid: it is true as of this day."
        asked.append({"key": "as_of", "label": "True as of", "value": said.get("as_of") or timezone.localdate().isoformat(), "help": text})
    if first and run.file_date is None and ExternalId.objects.filter(source=run.source).exists():
        text = "This source was imported before. When did what has changed since begin to hold?"
        asked.append({"key": "as_of", "label": "True as of", "value": said.get("as_of") or timezone.localdate().isoformat(), "help": text})
    return asked


def per_unknown(mapping: Mapping) -> bool:
    """Whether nothing in the file says what period an amount is for."""
    there = mapping.headers
    priced = "amount" in there or ("unit_price" in there and "quantity" in there)
    return mapping.record == "subscription_lines" and priced and not {"mrr", "arr", "interval"} & there.keys()


def title_of(file: ImportFile) -> str:
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
    if given is None or (given.size or 0) > 2**20:
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
            best = max(fitting, key=lambda m: (m.record == file.record, len(header & set(m.columns))))
            importing.set_mapping(file, replace(best, columns={h: best.columns.get(h) for h in header}))
            read.append(title_of(file))
    if read:
        messages.success(request, f"Read as the mapping says: {', '.join(read)}")
    else:
        messages.error(
            request, f"{given.name}: no file here has the columns that it reads ({', '.join(repr(h) for m in found for h in m.headers.values())[:200]})."
        )
    return redirect("import_map", run.pk)


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
