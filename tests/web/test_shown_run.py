"""Which run the Revenue page shows: of a large book the one before, until the newest one's figures are ready."""

from __future__ import annotations

import threading
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from laer.cycle.questions import Desk
from laer.cycle.scope import Scope
from laer.web.runs import desk, passes
from laer.web.runs.models import PassRun
from laer.web.runs.snapshots import open_run
from tests.cast import Cast, add_line, forget

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
PARAMS = {"movements": "event", "gap_days": 0, "churn_basis": "stated", "by": None}


def pass_of(cast: Cast, mrr: int) -> PassRun:
    """A pass after the expanding account has got a line more."""
    add_line(cast.expanding, cast.today, None, mrr)
    return passes.start_pass(accounts=frozenset({cast.expanding.pk}))


def test_a_small_book_shows_the_newest_run(cast: Cast) -> None:
    forget()
    shown = desk.Shown(Desk(open_run))
    first = passes.start_pass()
    assert shown.of(first) == first
    assert shown.of(second := pass_of(cast, 5)) == second


def test_a_large_book_shows_the_run_before_until_the_newest_is_ready(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    monkeypatch.setattr(desk, "LARGE", 1)
    asked = Desk(open_run)
    shown = desk.Shown(asked)
    first = passes.start_pass()
    assert shown.of(first) == first
    before = asked.ask("revenue", PARAMS, Scope(True), first.pk)
    second = pass_of(cast, 7)
    assert shown.of(second) == first, "a run of a few accounts waits for its half minute"
    monkeypatch.setattr(desk, "REPEAT", 0.0)
    assert shown.of(second) == first, "and then for its figures"
    for thread in threading.enumerate():
        if thread.name == "figures of the newest run":
            thread.join(60)
    assert shown.of(second) == second
    with CaptureQueriesContext(connection) as queries:
        after = asked.ask("revenue", PARAMS, Scope(True), second.pk)
    assert len(queries) == 0
    month = max(after.total.months)
    assert Fraction(after.total.months[month]["change"], after.denominator) - Fraction(before.total.months[month]["change"], before.denominator) == 7
