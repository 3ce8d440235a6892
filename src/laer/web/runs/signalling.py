"""Signals over the past, asked of a run: one in force, or a changed text of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from laer.conditions.tree import Condition
from laer.conditions.truth import Explained, explain
from laer.cycle.definitions import Read, conditions_of, read
from laer.cycle.own_measures import Measures
from laer.cycle.replaying import Replayed
from laer.cycle.scope import Scope
from laer.metrics.catalogue import Measure
from laer.records.periods import day_number
from laer.signals.signal import Signal
from laer.web.book import definitions
from laer.web.runs import desk
from laer.web.runs.models import PassRun

MONTHS, LONGEST = 24, 36
MOST, LARGE = 36, 20_000  # dates that are looked at; of a book of more accounts a third of them


def dates_of(as_of: date, months: int, accounts: int) -> tuple[int, ...]:
    """The days that are looked at: whole weeks apart, back from the run's day."""
    last = day_number(as_of)
    return looks(last - round(months * 30.44), last, MOST, accounts)


def looks(first: int, last: int, most: int, accounts: int) -> tuple[int, ...]:
    """Days (numbers) at which the past is looked at: whole weeks apart, back from the last, at most so many; a third in a book of more than LARGE."""
    most = most if accounts <= LARGE else most // 3
    step = 7 * max(1, -(-(last - first) // (7 * most)))
    return tuple(sorted(range(last, first - 1, -step)))


def replay(run: PassRun, signal: Signal, scope: Scope, measures: Mapping[str, Measure], months: int = MONTHS) -> Replayed:
    """Raises  QuestionFault where it reads what the run does not know, TimeoutError"""
    when, close = conditions_of(signal, measures)
    dates = dates_of(run.as_of, months, int(run.counts.get("accounts", 0)))
    asked: dict[str, Any] = {"when": when, "close": close, "leads_to": signal.leads_to, "within": signal.within, "dates": dates}
    found: Replayed = desk.ask("signal_replay", asked, scope, run.pk)
    return found


def explained(run: PassRun, signal: Signal, account: int, scope: Scope, measures: Mapping[str, Measure]) -> tuple[Explained, Explained | None]:
    """Why the signal opens for an account on the run's day, or why not, and the same of its close."""
    when, close = conditions_of(signal, measures)
    def told(condition: Condition) -> Explained:
        rows = desk.ask("condition_row", {"condition": condition, "account": account}, scope, run.pk).to_pylist()
        return explain(condition, rows[0] if rows else {}, run.as_of)

    return told(when), None if close is None else told(close)


def text_of(name: str) -> str | None:
    row = definitions.current("signal", name)
    return row.text if row else None


def read_signal(text: str, name: str | None = None) -> tuple[Read, Measures]:
    known = definitions.known()
    return read("signal", text, known, name), known.measures
