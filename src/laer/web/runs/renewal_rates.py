"""Renewal rates for the page: measures of the firm by the period in which terms ended, and the renewals behind a figure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from laer.cycle.scope import Scope
from laer.metrics.catalogue import Measure
from laer.records.periods import day_number, first_day, month_number
from laer.renew.measures import COMPANY
from laer.web.runs.desk import ask
from laer.web.runs.models import PassRun

MEASURES: Mapping[str, Measure] = {one.measure.id: one.measure for one in COMPANY if one.of != "due_terms"}  # what fell due, not what is ahead
PERIODS = {"month": (1, 13), "quarter": (3, 9)}  # name -> months of a period, and how many of them are shown, this one counted
DIMENSIONS = ("segment", "owner", "country", "industry")
Span = tuple[int, int]  # of months, both counted
Figure = dict[str, Any]


def spans_of(kind: str, run: PassRun) -> list[Span]:
    """The periods up to the run's own, oldest first; the last one is to date."""
    size, count = PERIODS[kind]
    now = month_number(run.as_of)
    last = now - now % size
    return [(first, first + size - 1) for first in range(last - (count - 1) * size, last + 1, size)]


def days_of(span: Span) -> tuple[int, int]:
    """The period's first day and the one after its last."""
    return day_number(first_day(span[0])), day_number(first_day(span[1] + 1))


def rates_of(run: PassRun, scope: Scope, spans: list[Span], by: str | None = None) -> dict[tuple[int, str | None], dict[str, Figure]]:
    """(place of the period, value of the dimension) -> measure -> amount, n, low, high, top, bottom."""
    params = {"measures": tuple(MEASURES), "periods": tuple(map(days_of, spans)), "by": by}
    found: dict[tuple[int, str | None], dict[str, Figure]] = {}
    for row in ask("company", params, scope, run.pk).to_pylist():
        found.setdefault((row["p"], row["value"]), {})[row["measure"]] = row
    return found


def behind(run: PassRun, scope: Scope, measure: str, span: Span, by: str | None = None, value: str | None = None) -> list[dict[str, Any]]:
    """The renewals behind one figure, the largest due first: the columns of the input `renewals`, top and bottom."""
    first, until = days_of(span)
    params = {"measure": measure, "first": first, "until": until, "by": by, "value": value}
    rows: list[dict[str, Any]] = ask("company_behind", params, scope, run.pk).to_pylist()
    return sorted(rows, key=lambda row: (-(row["due"] or 0), row["account_id"], row["due_d"]))


def plain(amount: float | None) -> Decimal | None:
    """As a cell of a file: what lies behind twelve digits is how computers divide."""
    return None if amount is None else Decimal(f"{amount:.12g}")
