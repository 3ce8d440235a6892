"""Imports whose undo would restate closed months: which, and what to say of it before and after."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.records.periods import first_day, month_number
from laer.web.book.models import FieldChange, ImportRun, ImportState, SubscriptionLine
from laer.web.runs.reported import closings
from laer.web.wording import long_month


class Reach(NamedTuple):
    """The closed months that an import reaches into, and whether it came after they were closed."""

    first: date
    last: date
    later: bool


def closed_months_of(runs: Iterable[ImportRun]) -> dict[int, Reach]:
    """Import -> the closed months that its lines reach into. Four queries; one where no month is closed."""
    found = closings()
    made = {run.pk: run.created_at for run in runs} if found else {}
    if not made:
        return {}
    starts: dict[int, date] = dict(SubscriptionLine.objects.filter(created_run__in=list(made)).values_list("created_run_id").annotate(at=Min("start_on")))
    changed = FieldChange.objects.filter(run__in=list(made), record="subscription_lines").values_list("run_id", "object_id").distinct()
    lines: dict[int, set[int]] = {}
    for run, line in changed:
        if run is not None:
            lines.setdefault(line, set()).add(run)
    for line, start in SubscriptionLine.objects.filter(pk__in=list(lines)).values_list("pk", "start_on"):
        for run in lines[line]:
            starts[run] = min(start, starts.get(run, start))
    last = found[-1]
    reached = {run: Reach(max(start.replace(day=1), found[0].month), last.month, made[run] > (last.closed_at or made[run])) for run, start in starts.items()}
    return {run: months for run, months in reached.items() if months.first <= months.last}


def before_undo(months: Reach) -> str:
    """What an undo would do to closed months."""
    if months.later:
        return ngettext(
            "%(months)s is closed, and this import came later: an undo takes its restatement in %(next)s back.",
            "%(months)s are closed, and this import came later: an undo takes its restatement in %(next)s back.",
            _many(months),
        ) % _said(months)
    return ngettext(
        "%(months)s is closed. An undo takes the rows out and leaves the figures of closed months as they were reported: "
        "the difference appears as a restatement in %(next)s, the first open month.",
        "%(months)s are closed. An undo takes the rows out and leaves the figures of closed months as they were reported: "
        "the difference appears as a restatement in %(next)s, the first open month.",
        _many(months),
    ) % _said(months)


def after_undo(run: ImportRun) -> str | None:
    """What the undo of an import did to months that were closed by then; None where there were none."""
    months = closed_months_of([run]).get(run.pk) if run.state == ImportState.UNDONE and run.undone_at else None
    if months is None or run.undone_at is None:
        return None
    since = [c for c in closings() if c.closed_at and c.closed_at <= run.undone_at and c.month >= months.first]
    if not since:
        return None
    then = Reach(since[0].month, since[-1].month, months.later)
    if months.later:
        return ngettext(
            "%(months)s was closed before the import: their figures stay as they were reported, and its restatement is gone.",
            "%(months)s were closed before the import: their figures stay as they were reported, and its restatement is gone.",
            _many(then),
        ) % _said(then)
    return ngettext(
        "%(months)s was closed before: the figures stay as they were reported, and the difference is a restatement in %(next)s.",
        "%(months)s were closed before: the figures stay as they were reported, and the difference is a restatement in %(next)s.",
        _many(then),
    ) % _said(then)


def _many(months: Reach) -> int:
    return 1 + month_number(months.last) - month_number(months.first)


def _said(months: Reach) -> dict[str, str]:
    first, last = long_month(months.first), long_month(months.last)
    span = first if months.first == months.last else _("%(first)s to %(last)s") % {"first": first, "last": last}
    return {"months": span, "next": long_month(_next(months))}


def _next(months: Reach) -> date:
    return first_day(month_number(months.last) + 1)
