"""Plays in the demo firm: three are switched on, with what is under way, and with runs of the past months that came from its own facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from laer.cycle.play_replaying import Entry
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.plays.play import Play
from laer.records.periods import date_of
from laer.web.book.many import listed
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.playing import moving, trying
from laer.web.runs.playing.entering import gates_of, standing_matches, write
from laer.web.runs.playing.known import Known, found_by, in_order, plays
from laer.web.work.models import PlayRun, PlaySetting, PlayStep, RunEnd, RunState
from laer.web.work.plays import owners_of

ON = ("usage_drop", "seat_growth", "renewal_120")
LIVE, PAST = 6, 30  # runs of each play that are under way, and that ended
BACK, RECENT = 240, 65  # days: how far they go back, and since when they are not over
LONG = 21  # days that a run of the past took


def write_plays(run: PassRun) -> None:
    """Of the newest pass. Safe to be called again in an empty book only, as the rest of the demo."""
    known, now = plays(), timezone.now()
    for name in ON:
        if (one := known.get(name)) is None or found_by(run).versions.get(name) != one.version:
            continue  # the firm's own text of it is no longer one of these
        setting, _made = PlaySetting.objects.update_or_create(
            play=name, defaults={"on": True, "from_run": run.pk, "looked_on": run.as_of, "changed_at": now - timedelta(days=BACK)}
        )
        _past(one, run)
        _live(one, setting, run, now)
    moving.tick(now)


def _live(known: Known, setting: PlaySetting, run: PassRun, now: datetime) -> None:
    """What its trigger says today, the largest accounts: begun now."""
    found = found_by(run)
    causes = {cause.account: cause for cause in standing_matches(known, found, run.as_of) if cause.account in found.place}
    gates = gates_of(known, setting, list(causes), found, run.as_of, now)
    arr = dict(AccountCard.objects.filter(account_id__in=listed(causes)).values_list("account_id", "arr_minor"))
    chosen = [account for account in in_order(causes, arr) if gates.refusal(account) is None][:LIVE]
    write(gates, [causes[account] for account in chosen], run)


def _past(known: Known, run: PassRun) -> None:
    """Those who would have entered, as the facts of the past say, and whether they reached it."""
    try:
        tried = trying.tried(run, known.play, Scope(everything=True), run.as_of - timedelta(days=BACK), run.as_of - timedelta(days=1))
    except (QuestionFault, TimeoutError):
        return
    entries = [one for one in tried.entered if date_of(one.day) <= run.as_of - timedelta(days=RECENT)][:PAST]
    arr = dict(AccountCard.objects.filter(account_id__in=[one.account for one in entries]).values_list("account_id", "arr_minor"))
    owners = owners_of([one.account for one in entries], known.play.owner, run.as_of)
    made = PlayRun.objects.bulk_create([_ended(known, one, arr.get(one.account), owners.get(one.account)) for one in reversed(entries)])
    PlayStep.objects.bulk_create([step for row in made for step in _steps(known.play, row)])


def _ended(known: Known, one: Entry, arr_minor: int | None, owner: int | None) -> PlayRun:
    day, success = date_of(one.day), known.play.success
    return PlayRun(
        account_id=one.account, play=known.play.id, version=known.version, cause=f"demo:{day}", cause_on=day, state=RunState.ENDED,
        ended_by=RunEnd.REACHED if one.reached else RunEnd.FINISHED, starts_on=day, created_at=_noon(day), ended_at=_noon(day + timedelta(days=LONG)),
        arr_minor=arr_minor, owner_id=owner, succeeded_on=day + timedelta(days=min(LONG, success.within)) if one.reached and success else None,
    )  # fmt: skip


def _steps(play: Play, run: PlayRun) -> Sequence[PlayStep]:
    said = [(path, step.task) for path, step in play.walk() if len(path) == 1 and hasattr(step, "task")]
    return [
        PlayStep(run=run, path=str(path[0]), kind="task", what=text, at=_noon(run.cause_on + timedelta(days=4 * place)))
        for place, (path, text) in enumerate(said)
    ]


def _noon(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(12)))
