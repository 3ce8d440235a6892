"""Import, step 2, what the page shows of a file: its columns with samples, what each was taken for and how sure that is, and its doubts."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.records.record import Column, record_type
from laer.records.types import LAKE
from laer.sources.tabular.headers import synonyms
from laer.sources.tabular.mapping import CUSTOM, CUSTOM_KINDS, Mapping
from laer.web.book import importing, mappings, status_words
from laer.web.book.models import ImportFile, ImportRun
from laer.web.pages.data import label_of
from laer.web.pages.data_asking import doubts
from laer.web.pages.data_doubts import About
from laer.web.record_words import column_text, noun_of
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

SAMPLE = 200  # rows that samples are taken from
KIND_WORDS = {
    "text": gettext_lazy("text"), "integer": gettext_lazy("whole number"), "decimal": gettext_lazy("number"), "boolean": gettext_lazy("yes or no"),
    "date": gettext_lazy("date"),
}  # fmt: skip
RECORDS = (
    "accounts",
    "contacts",
    "contact_roles",
    "people",
    "assignments",
    "products",
    "product_features",
    "product_users",
    "contracts",
    "subscription_lines",
    "discounts",
    "pauses",
    "entitlements",
    "invoices",
    "opportunities",
    "onboarding_plans",
    "onboarding_steps",
    "outcomes",
    "account_metrics",
    "usage_days",
    "tickets",
    "survey_responses",
    "churn_events",
    "pulses",
    "notes",
    "costs",
)


def file_shown(run: ImportRun, file: ImportFile, first: bool, post: QueryDict | None) -> dict[str, Any]:
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
        words, tone = (_("kept as it is"), "") if own else _words(sure, bool(target))
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
        "record_types": [{"value": "", "label": _("left out")}, *({"value": r, "label": noun_of(record_type(r).info.noun)} for r in RECORDS)],
        "sure": mapping.sure if file.record else 0.0,
        "words": words if file.record else _("not recognised"),
        "tone": tone,
        "why": mapping.why,
        "notes": [] if mapping.sheet and file.record != "accounts" else list(dict.fromkeys([*file.mapping.get("notes", ()), *table.notes])),
        "part": noun_of(record_type(file.record).info.noun) if mapping.sheet and file.record not in ("", "accounts") else "",
        "remembered": file.mapping.get("remembered", False),
        "questions": [one.shown(post) for one in doubts(About(run, file, mapping, first)) if not one.elsewhere],
        "status_words": status_words.asked(file, mapping, importing.table_of, post),
        "columns": shown if file.record else [],
    }


def _rows(file: ImportFile, seen: int) -> str:
    return (
        ngettext("%(n)s row", "%(n)s rows", seen) % {"n": number(seen)}
        if seen < SAMPLE
        else f"{file.size / 2**20:.1f} MB"
        if file.size > 2**20
        else _("%(size)s KB") % {"size": number(max(1, file.size // 1024))}
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
        own = [{"value": f"custom:{k}", "label": _("Own field: %(kind)s") % {"kind": KIND_WORDS[k]}} for k in CUSTOM_KINDS]
        groups.append({"label": _("A field of your own"), "options": own})
    return groups


def column_label(record: str, column: Column) -> str:
    info = record_type(record).info
    if column.name == info.key:
        return _("%(noun)s id") % {"noun": label_of(info.noun)}
    return _("%(label)s (its id or name)") % {"label": column_text(column.label)} if column.col.refers else column_text(column.label)


def _option(target: str | None, mapping: Mapping) -> str:
    if target and target.startswith(CUSTOM):
        return "custom:" + mapping.custom.get(target.removeprefix(CUSTOM), "text")
    return target or ""


def _words(sure: float | None, taken: bool) -> tuple[str, str]:
    """How sure in a word, and its colour."""
    if not taken or sure is None:
        return _("left out"), ""
    if sure >= 0.85:
        return _("sure"), "good"
    return (_("likely"), "good") if sure >= 0.6 else (_("a guess"), "warn")


def _note(mapping: Mapping, header: str, target: str | None) -> str:
    if header in mapping.undecided:
        return _("day and month cannot be told apart")
    reason = mapping.reasons.get(header, "")
    return "" if reason == "the name says so" else reason.removeprefix("the name says so; ")


def title_of(file: ImportFile) -> str:
    return f"{file.name} / {file.sheet}" if file.sheet else file.name
