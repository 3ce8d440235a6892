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
from laer.web.book.models import MODELS, ExternalId, ImportFile, ImportRun, ImportState, NoNews, SubscriptionLine
from laer.web.book.references import names_customers
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
            findings.append(told(PREFIX + record, n, {"sources": ", ".join(sorted(by_source))}))
    return findings


def told(check: str, n: int, said: Mapping[str, Any]) -> Finding:
    record = check.removeprefix(PREFIX)
    severity: Severity = "warning" if record in GRAVE else "info"
    what = gettext_lazy(
        "Look whether they ended, were renamed or were left out by a filter: end, archive or exclude them. Silence alone is never taken as churn."
    )
    return Finding(check, severity, n, later(title_of, record), later(_said, record, n, said["sources"]), what, record, said=said)


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
        older |= _not_stated(source, record, run)
    return ExternalId.objects.filter(older, record=record).exclude(row_hash=TAKEN_OUT).filter(object_id__in=seen.of(MODELS[record]).values("pk"))


def _not_stated(source: str, record: str, run: int) -> Q:
    """What a source had stated before its export and the export does not.

    A list without starts names customers: it speaks of all that the ones whom it names pay, also where it writes no line of theirs.
    """
    older = Q(source=source, stated_run__lt=run)
    named = NoNews.objects.filter(run=run)
    if record != "subscription_lines" or not named.exists():
        return older
    lines = SubscriptionLine.objects.all()
    spoken_of = lines.filter(Q(account_id__in=named.values("account_id")) | Q(account_id__in=lines.filter(created_run=run).values("account_id")))
    return older & ~Q(object_id__in=spoken_of.values("pk"))


def _newest(seen: Seen) -> dict[str, dict[str, int]]:
    """Record -> source -> the newest whole export of it, where one came after another."""
    return seen.once("vanished", partial(_whole_exports))


def _whole_exports() -> dict[str, dict[str, int]]:
    newest: dict[tuple[str, str], tuple[int, int]] = {}
    stated: dict[tuple[str, str], int] = {}
    only_gone = _lists_of_who_left()
    runs = ImportRun.objects.filter(state=ImportState.DONE, kind="import").order_by("id")
    for pk, source, counts in runs.values_list("id", "source", "counts"):
        for record, count in counts.items():
            if record in RECORDS and isinstance(count, dict) and not (record == "accounts" and pk in only_gone):
                again = count.get("unchanged", 0) + count.get("changed", 0)
                if stated.get((source, record)) and again:
                    newest[source, record] = (pk, again)
                stated[source, record] = stated.get((source, record), 0) + count.get("new", 0)
    found: dict[str, dict[str, int]] = {}
    for (source, record), (run, again) in newest.items():
        missing = ExternalId.objects.filter(_not_stated(source, record, run), record=record).exclude(row_hash=TAKEN_OUT).count()
        if 0 < missing <= again:
            found.setdefault(record, {})[source] = run
    return found


def _lists_of_who_left() -> set[int]:
    """Imports whose lists of accounts name only who left: they say nothing of the others by silence."""
    lists: dict[int, list[bool]] = {}
    for run, mapping in ImportFile.objects.filter(record="accounts").values_list("run_id", "mapping"):
        lists.setdefault(run, []).append(names_customers(mapping))
    return {run for run, named in lists.items() if not any(named)}


def _days(runs: set[int | None]) -> dict[int, Any]:
    return {
        pk: day or at.date()
        for pk, day, at in ImportRun.objects.filter(pk__in=[run for run in runs if run is not None]).values_list("pk", "file_date", "created_at")
    }
