"""Rows that a later export of their source no longer contains: they stay in the book, and somebody should say what became of them.

Only an export that states again most of what its source had stated before says anything by silence; a list of what is
new, or of last week's tickets, does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.web.book.identity import TAKEN_OUT
from laer.web.book.models import MODELS, ExternalId, ImportRun, ImportState
from laer.web.record_words import counted, record_label
from laer.web.runs.doctor.finding import Finding, Seen, Severity
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy, later

PREFIX = "gone_"
COLUMNS = ("Id in the source", "Source", "Stated last", "Newest export")
RECORDS = ("accounts", "subscription_lines", "contracts", "contacts", "tickets", "survey_responses", "churn_events", "discounts", "pauses")
GRAVE = ("accounts", "subscription_lines", "contracts")  # their silence may mean that revenue is gone


def checks() -> Mapping[str, tuple[str, ...]]:
    return {PREFIX + record: COLUMNS for record in RECORDS}


def find(seen: Seen) -> list[Finding]:
    findings = []
    for record, by_source in _newest(seen).items():
        n = _missing(seen, record, by_source).count()
        if n:
            severity: Severity = "warning" if record in GRAVE else "info"
            said = later(_said, record, n, ", ".join(sorted(by_source)))
            what = gettext_lazy(
                "Look whether they ended, were renamed or were left out by a filter: end, archive or exclude them. Silence alone is never taken as churn."
            )
            findings.append(Finding(PREFIX + record, severity, n, later(title_of, record), said, what, record))
    return findings


def title_of(record: str) -> str:
    return _("%(records)s that later exports no longer contain") % {"records": record_label(record)}


def _said(record: str, n: int, sources: str) -> str:
    return ngettext(
        "%(rows)s that %(sources)s stated before is not in its newest export.",
        "%(rows)s that %(sources)s stated before are not in its newest export.",
        n,
    ) % {"rows": counted(record, n, number(n)), "sources": sources}


def behind(seen: Seen, check: str, limit: int, offset: int) -> list[dict[str, Any]]:
    record = check.removeprefix(PREFIX)
    by_source = _newest(seen).get(record, {})
    if not by_source:
        return []
    found = list(
        _missing(seen, record, by_source).order_by("object_id").values_list("object_id", "external_id", "source", "stated_run")[offset : offset + limit]
    )
    model = MODELS[record]
    account = ("pk", "name") if record == "accounts" else ("account_id", "account__name")
    names = {pk: named for pk, *named in model.objects.filter(pk__in=[f[0] for f in found]).values_list("pk", *account)}
    days = _days({f[3] for f in found} | set(by_source.values()))
    rows = []
    for pk, external, source, stated in found:
        account_id, name = names[pk]
        cells = (external, source, days.get(stated or 0), days.get(by_source[source]))
        rows.append({"object_id": pk, "account_id": account_id, "account": name, **dict(zip(COLUMNS, cells, strict=True))})
    return rows


def ids(seen: Seen, check: str) -> tuple[str, list[int]]:
    record = check.removeprefix(PREFIX)
    by_source = _newest(seen).get(record, {})
    return record, list(_missing(seen, record, by_source).values_list("object_id", flat=True)) if by_source else []


def _missing(seen: Seen, record: str, by_source: Mapping[str, int]) -> QuerySet[ExternalId]:
    older = Q()
    for source, run in by_source.items():
        older |= Q(source=source, stated_run__lt=run)
    return ExternalId.objects.filter(older, record=record).exclude(row_hash=TAKEN_OUT).filter(object_id__in=seen.of(MODELS[record]).values("pk"))


def _newest(seen: Seen) -> dict[str, dict[str, int]]:
    """Record -> source -> the newest whole export of it, where one came after another."""
    return seen.once("vanished", partial(_whole_exports))


def _whole_exports() -> dict[str, dict[str, int]]:
    newest: dict[tuple[str, str], tuple[int, int]] = {}
    stated: dict[tuple[str, str], int] = {}
    runs = ImportRun.objects.filter(state=ImportState.DONE, kind="import").order_by("id")
    for pk, source, counts in runs.values_list("id", "source", "counts"):
        for record, count in counts.items():
            if record in RECORDS and isinstance(count, dict):
                again = count.get("unchanged", 0) + count.get("changed", 0)
                if stated.get((source, record)) and again:
                    newest[source, record] = (pk, again)
                stated[source, record] = stated.get((source, record), 0) + count.get("new", 0)
    found: dict[str, dict[str, int]] = {}
    for (source, record), (run, again) in newest.items():
        missing = ExternalId.objects.filter(source=source, record=record, stated_run__lt=run).exclude(row_hash=TAKEN_OUT).count()
        if 0 < missing <= again:
            found.setdefault(record, {})[source] = run
    return found


def _days(runs: set[int | None]) -> dict[int, Any]:
    return {
        pk: day or at.date()
        for pk, day, at in ImportRun.objects.filter(pk__in=[run for run in runs if run is not None]).values_list("pk", "file_date", "created_at")
    }
