"""Booked against live as it was reported: what a closing keeps of the bridges that end with its month.

Which step a deal takes depends on the whole period and on what was signed since, so bridges of months do not add up to that of their quarter:
each length is kept as its last month's closing knew it.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from django.db import transaction

from laer.cycle.booked import Booked
from laer.cycle.scope import Scope
from laer.metrics.booked import Part
from laer.records.periods import month_number
from laer.web.book import writing
from laer.web.runs.booked import bridges_of
from laer.web.runs.models import ClosedMonth, PassRun, ReportedBridge, ReportedPart
from laer.web.runs.revenue import PERIODS


def keep_bridges(run: PassRun, made: Iterable[ClosedMonth]) -> None:
    """Write the bridges of the whole book that end with the months being closed."""
    ending = [(closed, size) for closed in made for size in PERIODS.values() if (month_number(closed.month) + 1) % size == 0]
    spans = [(month_number(closed.month) - size + 1, month_number(closed.month)) for closed, size in ending]
    for (closed, size), booked in zip(ending, bridges_of(run, Scope(True), spans), strict=True):
        bridge = ReportedBridge.objects.create(closed=closed, months=size, basis=booked.basis, aside=dict(booked.aside))
        rows = [ReportedPart(bridge=bridge, step=p.step, account_id=p.account_id, arr=str(p.arr), sales=list(p.opportunities)) for p in booked.parts]
        for part in writing.chunks(rows):
            with transaction.atomic():
                ReportedPart.objects.bulk_create(part)


def bridge_as_reported(found: Iterable[ClosedMonth], scope: Scope, first: int, last: int) -> Booked | ClosedMonth | None:
    """The bridge of months first..last as the closing of the last one kept it, of the accounts of a scope.

    Returns  None where that month is open; the closing where it kept no bridge of that length
    """
    closed = next((c for c in found if month_number(c.month) == last), None)
    if closed is None:
        return None
    kept = ReportedBridge.objects.filter(closed=closed, months=last - first + 1).first()
    if kept is None:
        return closed
    rows = ReportedPart.objects.filter(bridge=kept).order_by("id").values_list("step", "account_id", "arr", "sales")
    parts = tuple(Part(step, account, Fraction(arr), tuple(sales)) for step, account, arr, sales in rows if scope.everything or account in scope.account_ids)
    return Booked(kept.basis, parts, kept.aside if scope.everything else {})
