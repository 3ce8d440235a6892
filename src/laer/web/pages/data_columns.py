"""Import, step 2: what each column is. Recognised, shown with how sure that is, corrected, kept as a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from django.contrib import messages
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from laer.records.record import record_type
from laer.sources.tabular.files import UnreadableFile
from laer.sources.tabular.headers import OPTIONAL, columns_of, synonyms
from laer.sources.tabular.mapping import CUSTOM, CUSTOM_KINDS, Mapping, slug_of
from laer.sources.tabular.recognise import recognise
from laer.sources.tabular.table import Table
from laer.sources.tabular.weighing import weighed
from laer.web.book import importing, mappings, status_words
from laer.web.book.known_amounts import known_to
from laer.web.book.models import ImportFile, ImportRun, ImportState
from laer.web.pages.data import OPEN, address, frame, run_for, user_of
from laer.web.pages.data_asking import answered
from laer.web.pages.data_columns_shown import RECORDS, file_shown, title_of
from laer.web.pages.data_doubts import About
from laer.web.record_words import column_text, noun_of
from laer.web.runs.jobs import enqueue

DIRECT = 5 * 2**20  # bytes up to which a preview is made while the page waits


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
            shown.append(file_shown(run, file, file is files[0], request.POST if errors else None))
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
        "notices": [{"tone": "warn", "title": _("Left out"), "text": note} for note in run.notes],
    }
    return render(request, "pages/import_map.html", context, status=422 if errors else 200)


def _take(post: QueryDict, run: ImportRun, files: list[ImportFile]) -> tuple[bool, list[str]]:
    """Keep what a form says. (whether a record type was changed, errors)"""
    changed, errors = False, []
    said_day = post.get("as_of")
    if said_day is not None:
        day = date_of(said_day)
        if day is None:
            errors.append(_("True as of: found '%(said_day)s', expected a date such as 2027-04-12.") % {"said_day": said_day[:40]})
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
        mapping, said = _mapping(post, run, file, file is files[0], table)
        if said:
            errors.extend(f"{title_of(file)}: {one}" for one in said)
        elif importing.keepable(mapping) != mappings.from_json(file.mapping):
            importing.set_mapping(file, mapping, remember=post.get("remember") == "true")
    if not any(file.record for file in files) and not run.files.exclude(record="").exists():
        errors.append(_("No file is taken in: say of at least one what its rows are."))
    return False, errors


def _mapping(post: QueryDict, run: ImportRun, file: ImportFile, first: bool, table: Table) -> tuple[Mapping, list[str]]:
    """A file's mapping as the form has it, and what is wrong with it."""
    before, record = mappings.from_json(file.mapping), file.record
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
            errors.append(_("two columns are mapped to %(label)s; a value is read from one") % {"label": column_text(known[chosen].label)})
            targets[header] = chosen
        else:
            targets[header] = chosen if chosen in known else None
    mapping = replace(
        before,
        columns=targets,
        custom=custom or {t.removeprefix(CUSTOM): before.custom.get(t.removeprefix(CUSTOM), "text") for t in targets.values() if t and t.startswith(CUSTOM)},
        undecided=() if before.date_order else before.undecided,
    )
    mapping = status_words.answered(post, file, mapping, importing.table_of)
    if mapping.columns != before.columns:
        mapping = weighed(table, _as_chosen(mapping, before), known_to(run.source, run.file_date))
    mapping, unsaid = answered(About(run, file, mapping, first), before, post)
    for name in missing(mapping):
        said = {"column": column_text(known[name].label).lower(), "record": noun_of(record_type(record).info.noun)}
        errors.append(_("no column is %(column)s, which every %(record)s needs") % said)
    return mapping, errors + unsaid


def _as_chosen(mapping: Mapping, before: Mapping) -> Mapping:
    """A mapping whose columns a person changed: what was concluded of another column says nothing of this one."""
    answers = dict(mapping.answers)
    for target, of in (("amount", "line"), ("unit_price", "unit")):
        if mapping.headers.get(target) not in (None, before.headers.get(target)):
            answers["amount_of"] = of
    if mapping.headers.get("end_on") == before.headers.get("end_on"):
        return replace(mapping, answers=answers)
    return replace(mapping, end=None, answers={name: said for name, said in answers.items() if name != "end"})


def missing(mapping: Mapping) -> list[str]:
    """Required columns that no header gives and that nothing else can stand for (a subscription knows its account)."""
    if mapping.record is None:
        return []
    there = mapping.headers
    known = [name for name in mapping.missing if (mapping.record, name) not in OPTIONAL and synonyms(mapping.record).get(name)]
    return [name for name in known if not (name == "account_id" and "subscription_id" in there)]


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
