"""What pages read of plays: how many runs each has in which state, the runs of one, and what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncDate

from laer.cycle.scope import Scope
from laer.plays.arms import Effect, effect
from laer.plays.play import Play
from laer.web.book.many import listed
from laer.web.book.models import Definition
from laer.web.runs.playing.known import play_then
from laer.web.work.models import PlayRun, PlaySetting, PlayStep, RunState

LATELY = 30  # days
VIEWS = {
    "live": (RunState.LIVE, RunState.WAITING), "ended": (RunState.ENDED,), "trial": (RunState.TRIAL,), "out": (RunState.HELD_OUT,),
    "refused": (RunState.REFUSED,),
}  # fmt: skip


def seen_by(scope: Scope) -> QuerySet[PlayRun]:
    found = PlayRun.objects.filter(account__archived_at=None)
    return found if scope.everything else found.filter(account_id__in=listed(scope.account_ids))


def settings() -> dict[str, PlaySetting]:
    """One query."""
    return {row.play: row for row in PlaySetting.objects.select_related("changed_by__person")}


def switched_on() -> set[str]:
    """Plays that act. One query."""
    return set(PlaySetting.objects.filter(on=True).values_list("play", flat=True))


def counted(scope: Scope, today: date, play: str | None = None) -> dict[str, dict[str, int]]:
    """Play -> runs by state, those that would have begun and that did within a month, and how many reached what it is to bring about. One query.

    In   play  the only one that is counted, by its index; None: all
    """
    since = today - timedelta(days=LATELY)
    seen = seen_by(scope) if play is None else seen_by(scope).filter(play=play)
    rows: Any = seen.values("play").annotate(
        live=Count("id", filter=Q(state=RunState.LIVE)), waiting=Count("id", filter=Q(state=RunState.WAITING)),
        ended=Count("id", filter=Q(state=RunState.ENDED)), would=Count("id", filter=Q(state=RunState.TRIAL, starts_on__gt=since)),
        out=Count("id", filter=Q(state=RunState.HELD_OUT)),
        lately=Count("id", filter=Q(state__in=[RunState.LIVE, RunState.ENDED, RunState.WAITING], starts_on__gt=since)),
        refused=Count("id", filter=Q(state=RunState.REFUSED)), trial=Count("id", filter=Q(state=RunState.TRIAL)),
        reached=Count("id", filter=Q(state__in=[RunState.LIVE, RunState.ENDED], succeeded_on__gt=F("starts_on"))),
    )  # fmt: skip
    return {row["play"]: {name: n for name, n in row.items() if name != "play"} for row in rows}


def runs(play: str, scope: Scope, view: str) -> QuerySet[PlayRun]:
    found = seen_by(scope).filter(play=play, state__in=VIEWS[view]).select_related("account__card", "owner", "task")
    return found.order_by("-ended_at", "-id") if view == "ended" else found.order_by("-id")


def effect_of(play: Play, today: date) -> Effect | None:
    """Of the whole firm, whoever looks: those whose days are over, in the play and held out. None where nothing says what success is. Two queries.

    Both arms alike: an account counts once, by its first row, of texts that held out the same share; not where it waited for its week, where it was
    there already on the day that it began, nor where a person began the play for it.
    """
    if play.success is None:
        return None
    same = [version for version in _versions(play.id) if (text := play_then(play.id, version)) is not None and text.hold_out == play.hold_out]
    rows = PlayRun.objects.filter(play=play.id, version__in=same, state__in=[RunState.LIVE, RunState.ENDED, RunState.HELD_OUT], created_by=None)
    by_hand = PlayRun.objects.filter(play=play.id).exclude(created_by=None)
    found = rows.filter(starts_on__lte=TruncDate("created_at")).exclude(account_id__in=by_hand.values("account_id")).order_by("id")
    first: dict[int, tuple[bool, bool | None]] = {}
    columns = ("account_id", "state", "starts_on", "succeeded_on")
    for account, state, began, reached in found.values_list(*columns).iterator(5_000):
        good = None if reached is not None and reached <= began else reached is not None
        if account not in first and began <= today - timedelta(days=play.success.within):
            first[account] = (state == RunState.HELD_OUT, good)
        first.setdefault(account, (False, None))
    tally = Counter(value for value in first.values() if value[1] is not None)
    n, held = tally[False, True] + tally[False, False], tally[True, True] + tally[True, False]
    return effect(n, tally[False, True], held, tally[True, True])


def _versions(play: str) -> list[int]:
    return list(Definition.objects.filter(kind="play", name=play).values_list("version", flat=True))


def of_account(account_id: int) -> Sequence[PlayRun]:
    """What is under way for an account, and what ended lately: the newest first. One query."""
    states = (RunState.LIVE, RunState.WAITING, RunState.ENDED)
    return list(PlayRun.objects.filter(account_id=account_id, state__in=states).select_related("owner", "task").order_by("-id")[:12])


def told(runs: Sequence[PlayRun]) -> dict[int, list[Any]]:
    """Run -> what it did, in order. One query."""
    made: dict[int, list[Any]] = {}
    for step in PlayStep.objects.filter(run__in=[run.pk for run in runs]).select_related("task").order_by("id"):
        made.setdefault(step.run_id, []).append(step)
    return made
