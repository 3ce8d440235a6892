"""Checks of sources: one that has gone quiet, and fields of one that no longer change. They name no account, so who imports is shown them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.web.book.models import FieldChange, ImportRun, ImportState
from laer.web.runs.doctor.finding import Finding, Seen
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy, later

ONCE = 45  # days after which a source that came once is old
TIMES = 2  # of its usual interval, after which a source is late
MOVED = 3  # imports that changed a field, from which it is known to move
STOOD = 3  # imports since that did not change it anywhere
LOOKED_AT = 50_000  # changes of the firm's own fields, the newest
COLUMNS = {
    "stale_sources": ("Source", "Newest", "Days ago", "Usual interval in days", "Imports"),
    "frozen_fields": ("Source", "Record", "Field", "Last changed", "Imports that changed it", "Imports since"),
}


@dataclass(frozen=True)
class Source:
    """What a source brought and when: its imports in order, the days they speak of, the records each stated anew."""

    name: str
    runs: list[int]
    days: list[date]
    restated: list[frozenset[str]]

    @property
    def newest(self) -> date:
        return max(self.days)

    @property
    def interval(self) -> float | None:
        """Days between the days it came on, the median; None for one day only."""
        days = sorted(set(self.days))
        return float(median((b - a).days for a, b in pairwise(days))) if len(days) > 1 else None

    def late(self, today: date) -> bool:
        limit = ONCE if self.interval is None else max(TIMES * self.interval, 2)
        return (today - self.newest).days > limit


def sources() -> dict[str, Source]:
    """Sources by name: imports that stand, of files; neither people's edits nor the demonstration firm. One query."""
    runs = ImportRun.objects.filter(state=ImportState.DONE, kind__in=("import", "retry")).order_by("id")
    found: dict[str, Source] = {}
    for pk, name, day, at, counts in runs.values_list("id", "source", "file_date", "created_at", "counts"):
        source = found.setdefault(name, Source(name, [], [], []))
        source.runs.append(pk)
        source.days.append(min(day or timezone.localdate(at), timezone.localdate(at)))
        source.restated.append(frozenset(r for r, c in counts.items() if isinstance(c, dict) and c.get("unchanged", 0) + c.get("changed", 0) > 0))
    return found


def checks() -> Mapping[str, tuple[str, ...]]:
    return COLUMNS


def find(seen: Seen) -> list[Finding]:
    if not seen.imports:
        return []
    found = []
    if late := _rows(seen)["stale_sources"]:
        found.append(told("stale_sources", len(late), {"sources": [r["Source"] for r in late]}))
    if stood := _rows(seen)["frozen_fields"]:
        found.append(told("frozen_fields", len(stood), {}))
    return found


def told(check: str, n: int, said: Mapping[str, Any]) -> Finding:
    if check == "stale_sources":
        title, sentence = gettext_lazy("Sources that have gone quiet"), later(_quiet, said["sources"])
        what = gettext_lazy("Import the newest export, or leave the source if its system is gone.")
    else:
        title, sentence = gettext_lazy("Fields that no longer change"), later(_frozen_said, n)
        what = gettext_lazy("Look whether the export still fills the field: a score that is copied over is worse than none.")
    return Finding(check, "warning", n, title, sentence, what, "sources", said=said)


def _quiet(late: list[str]) -> str:
    named = ", ".join(late[:3])
    sources = _("%(sources)s and others") % {"sources": named} if len(late) > 3 else named
    return ngettext(
        "%(n)s source (%(sources)s) has brought nothing for longer than usual: figures stand on what was true then.",
        "%(n)s sources (%(sources)s) have brought nothing for longer than usual: figures stand on what was true then.",
        len(late),
    ) % {"n": number(len(late)), "sources": sources}


def _frozen_said(n: int) -> str:
    return ngettext(
        "%(n)s field that used to change is the same in the last %(imports)s imports or more, for every row.",
        "%(n)s fields that used to change are the same in the last %(imports)s imports or more, for every row.",
        n,
    ) % {"n": number(n), "imports": number(STOOD)}


def behind(seen: Seen, check: str, limit: int, offset: int) -> list[dict[str, Any]]:
    if not seen.imports:
        return []
    return [{"account_id": None, "account": "", **row} for row in _rows(seen)[check][offset : offset + limit]]


def ids(seen: Seen, check: str) -> None:
    """A source is no row of the book: nothing to exclude."""
    return None


def _rows(seen: Seen) -> dict[str, list[dict[str, Any]]]:
    return seen.once("sources", partial(_found, seen))


def _found(seen: Seen) -> dict[str, list[dict[str, Any]]]:
    known = sources()
    late = [
        dict(zip(COLUMNS["stale_sources"], (s.name, s.newest, (seen.today - s.newest).days, s.interval and round(s.interval), len(s.runs)), strict=True))
        for s in sorted(known.values(), key=lambda s: s.newest)
        if s.late(seen.today)
    ]
    return {"stale_sources": late, "frozen_fields": [row for s in known.values() if len(s.runs) >= MOVED + STOOD for row in _frozen(s)]}


def _frozen(source: Source) -> list[dict[str, Any]]:
    """Fields of the source that moved in three imports or more, and in none of the last three that stated their record."""
    mine = FieldChange.objects.filter(run_id__in=source.runs)
    moved = {
        (record, field): (n, last)
        for record, field, n, last in mine.exclude(field="custom").values_list("record", "field").annotate(n=Count("run", distinct=True), last=Max("run"))
    } | _custom(mine)
    rows = []
    for (record, field), (n, last) in sorted(moved.items()):
        since = sum(record in restated for run, restated in zip(source.runs, source.restated, strict=True) if run > last)
        if n >= MOVED and since >= STOOD:
            cells = (source.name, record.replace("_", " "), field.replace("_", " "), source.days[source.runs.index(last)], n, since)
            rows.append(dict(zip(COLUMNS["frozen_fields"], cells, strict=True)))
    return rows


def _custom(changes: QuerySet[FieldChange]) -> dict[tuple[str, str], tuple[int, int]]:
    """The firm's own fields, which the change log keeps together: (record, field) -> imports that changed it, the last of them."""
    runs: dict[tuple[str, str], set[int]] = {}
    told = changes.filter(field="custom").order_by("-id").values_list("record", "run_id", "old", "new")[:LOOKED_AT]
    for record, run, old, new in told.iterator():
        before, after = old or {}, new or {}
        for field in before.keys() | after.keys():
            if before.get(field) != after.get(field):
                runs.setdefault((record, field), set()).add(run)
    return {key: (len(changed), max(changed)) for key, changed in runs.items()}
