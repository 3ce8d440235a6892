"""A play tried on the past: asked of a run, one in force or a changed text of it. Nothing is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from laer.cycle.definitions import Known, asked_by, condition_of, conditions_of, read
from laer.cycle.play_replaying import Entry
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.plays.play import Play
from laer.records.periods import date_of, day_number
from laer.web.book import definitions
from laer.web.people.formats import today
from laer.web.runs import desk
from laer.web.runs.models import PassRun
from laer.web.runs.signalling import looks
from laer.web.work.plays import owners_of

MOST = 80  # dates that are looked at; of a large book a third of them, as for signals


@dataclass(frozen=True)
class Tried:
    """A play over a period: every trigger that came, the latest first.

    days    at which it was looked (day numbers)
    owners  person (None: nobody's) -> accounts that would have entered, by who owns them today;  weeks  the length of the period
    """

    play: Play
    entries: tuple[Entry, ...]
    days: tuple[int, ...]
    first: date
    last: date
    owners: dict[int | None, int]

    @property
    def entered(self) -> list[Entry]:
        return [one for one in self.entries if one.enters]

    @property
    def weeks(self) -> float:
        return max((self.last - self.first).days, 1) / 7

    @property
    def usual(self) -> float | None:
        """The share that reached the success with no play, of those whose days are over."""
        over = [one.reached for one in self.entered if one.reached is not None]
        return sum(over) / len(over) if over else None


def tried(run: PassRun, play: Play, scope: Scope, first: date, last: date) -> Tried:
    """Raises  QuestionFault where it reads what the run does not know, has no trigger to replay, or the period is none; TimeoutError"""
    last = min(last, run.as_of)
    if not first < last:
        raise QuestionFault(f"found {first} to {last}; expected a period that ends after it begins, on {run.as_of} at the latest")
    known = definitions.known()
    asked = asked_by(play, known.measures)
    dates = looks(day_number(first), day_number(last), MOST, int(run.counts.get("accounts", 0)))
    params: dict[str, Any] = {"who": asked.get("who"), "success": asked.get("success"), "within": play.success.within if play.success else None,
                              "again_after": play.again_after, "dates": dates, **_trigger(play, known)}  # fmt: skip
    entries: tuple[Entry, ...] = desk.ask("play_replay", params, scope, run.pk)
    ids = {one.account for one in entries if one.enters}
    owners = owners_of(ids, play.owner, today())
    by = Counter(owners.get(one.account) for one in entries if one.enters)
    return Tried(play, entries, dates, date_of(dates[0]), last, dict(by.most_common()))


def _trigger(play: Play, known: Known) -> dict[str, Any]:
    trigger = play.trigger
    if trigger.date:
        return {"date": trigger.date, "days": trigger.days}
    kind, name = ("signal", trigger.signal) if trigger.signal else ("segment", trigger.segment)
    if name is None:
        raise QuestionFault("a person begins this play: the past has nothing to say of when")
    row = definitions.current(kind, name)
    document = read(kind, row.text, known, name).document if row else None
    if document is None:
        raise QuestionFault(f"no {kind} {name} is there that reads")
    if kind == "segment":
        return {"when": condition_of(document, known.measures)}
    when, close = conditions_of(document, known.measures)
    return {"when": when, "close": close}
