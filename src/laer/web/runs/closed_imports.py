"""Imports whose undo would restate closed months: which, and what to say of it before and after."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Min

from laer.records.periods import first_day, month_number
from laer.web.book.models import FieldChange, ImportRun, ImportState, SubscriptionLine
from laer.web.runs.models import ClosedMonth
from laer.web.runs.reported import closings


def closed_months_of(runs: Iterable[int]) -> dict[int, tuple[date, date]]:
    """Import -> first and last closed month that its lines reach into. Four queries; one where no month is closed."""
    found = closings()
    ids = list(runs)
    if not found or not ids:
        return {}
    starts: dict[int, date] = dict(SubscriptionLine.objects.filter(created_run__in=ids).values_list("created_run_id").annotate(at=Min("start_on")))
    changed = FieldChange.objects.filter(run__in=ids, record="subscription_lines").values_list("run_id", "object_id").distinct()
    lines: dict[int, set[int]] = {}
    for run, line in changed:
        if run is not None:
            lines.setdefault(line, set()).add(run)
    for line, start in SubscriptionLine.objects.filter(pk__in=list(lines)).values_list("pk", "start_on"):
        for run in lines[line]:
            starts[run] = min(start, starts.get(run, start))
    reached = {run: _reached(start, found) for run, start in starts.items()}
    return {run: months for run, months in reached.items() if months}


def _reached(start: date, found: list[ClosedMonth]) -> tuple[date, date] | None:
    first, last = max(start.replace(day=1), found[0].month), found[-1].month
    return (first, last) if first <= last else None


def before_undo(months: tuple[date, date]) -> str:
    """What an undo would do to closed months."""
    return (
        f"{_named(months)} closed. An undo takes the rows out and leaves the figures of closed months as they were reported: "
        f"the difference appears as a restatement in {_next(months):%B %Y}, the first open month."
    )


def after_undo(run: ImportRun) -> str | None:
    """What the undo of an import did to months that were closed by then; None where there were none."""
    if run.state != ImportState.UNDONE or run.undone_at is None:
        return None
    months = closed_months_of([run.pk]).get(run.pk)
    if months is None:
        return None
    since = [c for c in closings() if c.closed_at and c.closed_at <= run.undone_at and c.month >= months[0]]
    if not since:
        return None
    then = (since[0].month, since[-1].month)
    return f"{_named(then)} closed before: the figures stay as they were reported, and the difference is a restatement in {_next(then):%B %Y}."


def _named(months: tuple[date, date]) -> str:
    first, last = months
    return f"{first:%B %Y} is" if first == last else f"{first:%B %Y} to {last:%B %Y} are"


def _next(months: tuple[date, date]) -> date:
    return first_day(month_number(months[1]) + 1)
