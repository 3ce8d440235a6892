"""How right a signal was since it stands on people's days: episodes that somebody acted on apart from those that nobody did.

A save that works must not make its signal look wrong: only **untreated** episodes say how right it is. Treated is one that somebody answered as done,
or for whose account a play ran within its days, before what it leads to came. Method: docs/methods/signals.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from laer.cycle.scope import Scope
from laer.metrics.company import wilson
from laer.records.periods import day_number
from laer.signals.signal import Signal
from laer.web.runs.episodes import seen_by
from laer.web.work.models import Answer, Episode, EpisodeAnswer, PlayRun, RunState

FLOOR = 20  # untreated episodes below which nothing is proposed


@dataclass(frozen=True)
class Tally:
    """judged: episodes whose days are over; right: those of them after which it came"""

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
    """In: outcomes: account -> days on which what it leads to came. Two queries; first looks are no episodes of it.

    One whose days are not over is left out, also where the outcome came already: to judge those alone would flatter the signal.
    """
    done = EpisodeAnswer.objects.filter(episode=OuterRef("pk"), kind=Answer.DONE, archived_at=None)
    rows = seen_by(scope).filter(signal=signal.id, base=False)
    ran, last = _ran(rows), day_number(as_of)
    counts = {True: [0, 0], False: [0, 0]}
    for account, opened, acted in rows.annotate(acted=Exists(done)).values_list("account_id", "opened_on", "acted").iterator(5_000):
        begun = day_number(opened)
        over = begun + signal.within
        if over > last:
            continue
        came = next((day for day in outcomes.get(account, ()) if begun < day <= over), None)
        played = any(first < (came or over + 1) and ended >= begun for first, ended in ran.get(account, ()))
        tally = counts[bool(acted or played)]
        tally[0] += 1
        tally[1] += came is not None
    return Treated(Tally(*counts[True]), Tally(*counts[False]))


def _ran(rows: QuerySet[Episode]) -> dict[int, list[tuple[int, int]]]:
    """Account -> from when to when plays acted on it (day numbers). One that takes up a second episode has only its first one's number: accounts tell."""
    found: dict[int, list[tuple[int, int]]] = {}
    runs = PlayRun.objects.filter(account_id__in=rows.order_by().values("account_id"), state__in=[RunState.LIVE, RunState.ENDED])
    for account, starts, ended in runs.values_list("account_id", "starts_on", "ended_at").iterator(5_000):
        found.setdefault(account, []).append((day_number(starts), day_number(timezone.localtime(ended).date()) if ended else day_number(date.max)))
    return found
