"""How right a signal was since it stands on people's days: episodes that somebody acted on apart from those that nobody did.

A save that works must not make its signal look wrong: only **untreated** episodes say how right it is. Treated is one that somebody answered as done,
or for which a play ran. Method: docs/methods/signals.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat

from laer.cycle.scope import Scope
from laer.metrics.company import wilson
from laer.records.periods import day_number
from laer.signals.signal import Signal
from laer.web.runs.episodes import seen_by
from laer.web.work.models import Answer, EpisodeAnswer, PlayRun, RunState

FLOOR = 20  # untreated episodes below which nothing is proposed


@dataclass(frozen=True)
class Tally:
    """judged: episodes whose days are over, or after which it came; right: those after which it came; low, high: 95 %, None where none is judged"""

    judged: int
    right: int

    @property
    def precision(self) -> float | None:
        return self.right / self.judged if self.judged else None

    @property
    def between(self) -> tuple[float, float] | None:
        return wilson(self.right, self.judged) if self.judged else None


@dataclass(frozen=True)
class Treated:
    """Of the episodes that opened since a pass of today looks: acted on, and left alone."""

    treated: Tally
    untreated: Tally

    def proposes_muting(self, signal: Signal, usual: float | None) -> bool:
        """Whether its owner is to be asked to mute it: enough untreated episodes, and they are followed less often than any customer is.

        Never of what a contract or a date says.
        """
        if signal.contractual or signal.leads_to is None or usual is None or self.untreated.judged < FLOOR or self.untreated.between is None:
            return False
        return self.untreated.between[1] < usual


def treated(signal: Signal, outcomes: Mapping[int, tuple[int, ...]], scope: Scope, as_of: date) -> Treated:
    """In: outcomes: account -> days on which what it leads to came. One query; first looks are no episodes of it."""
    done = EpisodeAnswer.objects.filter(episode=OuterRef("pk"), kind=Answer.DONE, archived_at=None)
    key = Concat(Value("episode:"), Cast(OuterRef("pk"), CharField()))
    played = PlayRun.objects.filter(account=OuterRef("account"), cause=key, state__in=[RunState.LIVE, RunState.ENDED])
    rows = seen_by(scope).filter(signal=signal.id, base=False).annotate(acted=Exists(done), played=Exists(played))
    counts = {True: [0, 0], False: [0, 0]}
    for account, opened, acted, ran in rows.values_list("account_id", "opened_on", "acted", "played").iterator(5_000):
        begun = day_number(opened)
        came = any(begun < day <= begun + signal.within for day in outcomes.get(account, ()))
        if came or opened + timedelta(days=signal.within) <= as_of:
            tally = counts[bool(acted or ran)]
            tally[0] += 1
            tally[1] += came
    return Treated(Tally(*counts[True]), Tally(*counts[False]))
