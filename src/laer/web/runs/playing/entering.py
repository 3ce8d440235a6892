"""What begins a play: after each pass, every new episode, entry or day that it is triggered by, asked at its gates one after the other.

Each cause is one row, whatever came of it (`PlayRun.cause`), so that a pass which was killed and runs again begins nothing twice, and a play that
did not begin says why. On trial a row says what would have begun, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from laer.cycle.definitions import condition_of, conditions_of, read
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.plays import way
from laer.plays.arms import held_out
from laer.plays.play import Play
from laer.records.periods import date_of, day_number
from laer.web.book import definitions
from laer.web.book.many import listed
from laer.web.book.models import Account, ImportRun, ImportState
from laer.web.runs import desk
from laer.web.runs.models import AccountCard, PassRun, SegmentStay
from laer.web.runs.playing.known import Found, Known, found_by, in_order, plays
from laer.web.work.models import Episode, PlayRun, PlaySetting, RunEnd, RunState
from laer.web.work.plays import owners_of

FRESH = 7  # days before the last pass: what would have stood then, as the book says today, is no news
AT_ONCE = 200  # rows in one write
A_WEEK = 5  # existing matches that an owner is given in a week
OPEN = (RunState.WAITING, RunState.LIVE)


@dataclass(frozen=True)
class Cause:
    account: int
    key: str
    on: date


@dataclass
class Gates:
    """What decides whether causes of one play begin it."""

    play: Play
    version: int
    on: bool
    found: Found
    today: date
    now: datetime
    live: set[int] = field(default_factory=set)
    ended: dict[int, date] = field(default_factory=dict)
    old: set[int] = field(default_factory=set)

    def refusal(self, account: int) -> RunEnd | None:
        """Why it does not begin for an account; None where it does."""
        if self.play.who is not None:
            truth = self.found.truth(self.play.id, self.version, "who", account)
            if truth is not True:
                return RunEnd.UNKNOWN if truth is None else RunEnd.WHO
        if account in self.live:
            return RunEnd.LIVE
        if (last := self.ended.get(account)) and self.today - last < timedelta(days=self.play.again_after):
            return RunEnd.COOLING
        return RunEnd.OLD if account in self.old else None


def enter(run: PassRun, now: datetime | None = None) -> dict[str, int]:
    """Begin what the pass's news begin. Returns how many rows of each state were written. Safe to be killed and to be called again."""
    now = now or timezone.now()
    there, found, counts = plays(), found_by(run), dict[str, int]()
    settings = {row.play: row for row in PlaySetting.objects.filter(play__in=list(there))}
    # What happens while a play is a draft or retired is no news once it is in use again.
    PlaySetting.objects.exclude(play__in=list(there)).update(from_run=run.pk, looked_on=run.as_of)
    fresh = [PlaySetting(play=name, from_run=run.pk, looked_on=run.as_of, changed_at=now) for name in there if name not in settings]
    if fresh:  # what stood when a play was first looked at is no news
        PlaySetting.objects.bulk_create(fresh, ignore_conflicts=True)
    for name, setting in settings.items():
        known = there[name]
        if found.versions.get(name) != known.version:
            continue  # its text changed while the pass ran: the next one asks it
        causes = _causes(known.play, setting, found, run)
        for state, n in _begin(known, setting, causes, found, run, now).items():
            counts[state] = counts.get(state, 0) + n
        if setting.looked_on < run.as_of:
            PlaySetting.objects.filter(pk=setting.pk).update(looked_on=run.as_of)
    return counts


def _causes(play: Play, setting: PlaySetting, found: Found, run: PassRun) -> list[Cause]:
    """What happened since the play counts and is still so."""
    trigger, since = play.trigger, run.as_of - timedelta(days=FRESH)
    if trigger.signal:
        rows = Episode.objects.filter(signal=trigger.signal, base=False, closed_on=None, run_id__gt=setting.from_run, opened_on__gte=since)
        return [Cause(account, f"episode:{pk}", on) for pk, account, on in rows.values_list("id", "account_id", "opened_on").order_by("id")]
    if trigger.segment:
        stays = SegmentStay.objects.filter(segment=trigger.segment, begins_base=False, until_on=None, run_id__gt=setting.from_run, from_on__gte=since)
        return [Cause(account, f"stay:{pk}", on) for pk, account, on in stays.values_list("id", "account_id", "from_on").order_by("id")]
    if trigger.date:
        days = found.between(play.id, day_number(setting.looked_on) + 1, day_number(run.as_of))
        known_on = _known_on({account for account, day in days if date_of(day) < run.as_of})
        # Of a day that is past it begins nothing for an account which the book did not know on that day: an import brings no storm.
        return [Cause(a, f"day:{date_of(d)}", date_of(d)) for a, d in days if date_of(d) == run.as_of or known_on.get(a, run.as_of) <= date_of(d)]
    return []


def _known_on(accounts: Iterable[int]) -> dict[int, date]:
    rows = Account.objects.filter(pk__in=listed(accounts)).values_list("id", "created_at")
    return {pk: timezone.localtime(at).date() for pk, at in rows}


def gates_of(known: Known, setting: PlaySetting | None, accounts: Sequence[int], found: Found, today: date, now: datetime) -> Gates:
    """Three queries."""
    gates = Gates(known.play, known.version, bool(setting and setting.on), found, today, now)
    runs = PlayRun.objects.filter(play=known.play.id, account_id__in=listed(accounts))
    # On trial, what would be under way is held to be so for as long as it may not begin anew.
    states = OPEN if gates.on else ()
    gates.live = set(runs.filter(state__in=states).values_list("account_id", flat=True))
    over = (RunState.ENDED, RunState.HELD_OUT) if gates.on else (RunState.TRIAL,)
    for account, ended, begun in runs.filter(state__in=over).order_by("id").values_list("account_id", "ended_at", "starts_on"):
        gates.ended[account] = timezone.localtime(ended).date() if ended else begun
    return gates


def _begin(known: Known, setting: PlaySetting, causes: Sequence[Cause], found: Found, run: PassRun, now: datetime) -> dict[str, int]:
    play = known.play
    causes = [cause for cause in causes if cause.account in found.place]
    mine = PlayRun.objects.filter(play=play.id, account_id__in=listed({cause.account for cause in causes}))
    there = set(mine.values_list("account_id", "cause"))
    causes = [cause for cause in causes if (cause.account, _key(setting.on, cause)) not in there]
    if not causes:
        return {}
    gates = gates_of(known, setting, [cause.account for cause in causes], found, run.as_of, now)
    gates.old = _old(play, run, [cause.account for cause in causes])
    return write(gates, causes, run)


def write(gates: Gates, causes: Sequence[Cause], run: PassRun, starts: Mapping[int, date] | None = None) -> dict[str, int]:
    """A row for each cause: begun, on trial, held out, or why not. In: starts: account -> the day on which it begins, where that is not today."""
    play, counts = gates.play, dict[str, int]()
    ids = [cause.account for cause in causes]
    arr = dict(AccountCard.objects.filter(account_id__in=listed(ids)).values_list("account_id", "arr_minor"))
    owners = owners_of(ids, play.owner, gates.today)
    made = []
    for cause in causes:
        refusal = gates.refusal(cause.account)
        starts_on = (starts or {}).get(cause.account, gates.today)
        state = RunState.REFUSED if refusal else RunState.TRIAL if not gates.on else RunState.LIVE if starts_on <= gates.today else RunState.WAITING
        if state in OPEN and play.hold_out and held_out(play.id, cause.account, play.hold_out):
            state = RunState.HELD_OUT
        if state in OPEN:
            gates.live.add(cause.account)
        elif state in (RunState.TRIAL, RunState.HELD_OUT):
            gates.ended[cause.account] = gates.today
        live = state in OPEN
        made.append(PlayRun(
            account_id=cause.account, play=play.id, version=gates.version, cause=_key(gates.on, cause), cause_on=cause.on, state=state, ended_by=refusal,
            starts_on=starts_on, step=way.first(play) if live else None, due_at=_morning(starts_on, gates.now) if live else None,
            arr_minor=arr.get(cause.account), owner_id=owners.get(cause.account), created_at=gates.now,
        ))  # fmt: skip
        counts[state] = counts.get(state, 0) + 1
    for start in range(0, len(made), AT_ONCE):
        part = made[start : start + AT_ONCE]
        with transaction.atomic():
            PlayRun.objects.bulk_create(part, ignore_conflicts=True)
            again = [row.account_id for row in part if row.ended_by == RunEnd.LIVE]
            if again:  # the one that is under way takes it up
                PlayRun.objects.filter(play=play.id, account_id__in=again, state__in=OPEN).update(again=F("again") + 1)
    return counts


def _morning(day: date, now: datetime) -> datetime:
    """When a run that begins on a day is first looked at: at once, or as that day begins."""
    begins = timezone.make_aware(datetime(day.year, day.month, day.day))
    return max(begins, now)


def _key(on: bool, cause: Cause) -> str:
    return cause.key if on else f"trial:{cause.key}"


def _old(play: Play, run: PassRun, accounts: Sequence[int]) -> set[int]:
    """Accounts for which it would have stood a week before the last pass, as the book says today: history that an import brought, and no news."""
    before = PassRun.objects.filter(state="complete", pk__lt=run.pk).exclude(kind="past").order_by("-id").first()
    if before is None or not ImportRun.objects.filter(state=ImportState.DONE, finished_at__gte=before.started_at).exclude(kind="edit").exists():
        return set()
    kind, name = ("signal", play.trigger.signal) if play.trigger.signal else ("segment", play.trigger.segment)
    row = definitions.current(kind, name) if name else None
    if row is None:
        return set()
    known = definitions.known()
    read_now = read(kind, row.text, known, row.name).document
    if read_now is None:
        return set()
    condition = conditions_of(read_now, known.measures)[0] if kind == "signal" else condition_of(read_now, known.measures)
    day = day_number(before.as_of) - FRESH
    try:
        scope = Scope(everything=True).narrowed(accounts)
        truths = desk.ask("condition", {"condition": condition, "day": day}, scope, run.pk)
    except (QuestionFault, TimeoutError):
        return set()
    return {a for a, truth in zip(truths["account_id"].to_pylist(), truths["truth"].to_pylist(), strict=True) if truth}


def standing_matches(known: Known, found: Found, as_of: date) -> list[Cause]:
    """What the play's trigger says now, whenever it began: whom "existing matches too" is about."""
    trigger = known.play.trigger
    if trigger.signal:
        rows = Episode.objects.filter(signal=trigger.signal, closed_on=None).order_by("id").values_list("id", "account_id", "opened_on")
        return [Cause(account, f"episode:{pk}", on) for pk, account, on in rows]
    if trigger.segment:
        stays = SegmentStay.objects.filter(segment=trigger.segment, until_on=None).order_by("id").values_list("id", "account_id", "from_on")
        return [Cause(account, f"stay:{pk}", on) for pk, account, on in stays]
    if trigger.date:  # the day of the trigger is past, the day that it counts from is not; after that day, for as long again
        today = day_number(as_of)
        first = today + trigger.days + 1 if trigger.days < 0 else today - 30
        return [Cause(a, f"day:{date_of(d)}", date_of(d)) for a, d in found.between(known.play.id, first, today)]
    return []


def enter_existing(known: Known, setting: PlaySetting, run: PassRun, now: datetime) -> dict[str, int]:
    """Begin what matches already, no more than so many per owner and week, the largest first."""
    found = found_by(run)
    causes = {cause.account: cause for cause in standing_matches(known, found, run.as_of) if cause.account in found.place}
    if not causes:
        return {}
    today = timezone.localtime(now).date()
    gates = gates_of(known, setting, list(causes), found, today, now)
    good = {account: cause for account, cause in causes.items() if gates.refusal(account) is None}
    arr = dict(AccountCard.objects.filter(account_id__in=listed(good)).values_list("account_id", "arr_minor"))
    owners, given, starts = owners_of(list(good), known.play.owner, today), dict[int | None, int](), dict[int, date]()
    for account in in_order(good, arr):
        n = given[owners.get(account)] = given.get(owners.get(account), 0) + 1
        starts[account] = today + timedelta(days=7 * ((n - 1) // A_WEEK))
    return write(gates, list(good.values()), run, starts)

