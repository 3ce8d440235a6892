"""What begins a play: after each pass, every new episode, entry or day that it is triggered by, asked at its gates one after the other.

Each cause is one row, whatever came of it (`PlayRun.cause`), so that a pass which was killed and runs again begins nothing twice, and a play that
did not begin says why. On trial a row says what would have begun, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pyarrow.compute as pc
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
from laer.web.book.models import Account, FieldChange
from laer.web.runs import desk
from laer.web.runs.models import AccountCard, PassRun, SegmentStay
from laer.web.runs.playing.known import Found, Known, found_by, in_order, plays
from laer.web.work.models import Episode, PlayRun, PlaySetting, RunEnd, RunState
from laer.web.work.plays import owners_of

FRESH = 7  # days before the last pass: what would have stood then, as the book says today, is no news
AT_ONCE = 200  # rows in one write
A_WEEK = 5  # existing matches that an owner is given in a week
WEEKS = 26  # over which they are spread; whoever comes later is left out, and may be let in once those are through
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
    refused: dict[int, RunEnd] = field(default_factory=dict)  # of those that were written

    def refusal(self, account: int) -> RunEnd | None:
        """Why it does not begin for an account; None where it does."""
        if self.play.who is not None:
            truth = self.found.truth(self.play.id, self.version, "who", account)
            if truth is not True:
                return RunEnd.UNKNOWN if truth is None else RunEnd.WHO
        if account in self.live:
            return RunEnd.LIVE
        if (last := self.ended.get(account)) and self.today - last < timedelta(days=max(1, self.play.again_after)):
            return RunEnd.COOLING
        return RunEnd.OLD if account in self.old else None


@dataclass(frozen=True)
class News:
    """What a pass found new for one play, past its other gates.

    asked   accounts of which it is still to be asked whether it is history;  since  the day from which on it is none
    """

    known: Known
    setting: PlaySetting
    gates: Gates
    causes: list[Cause]
    asked: tuple[int, ...]
    since: int


def enter(run: PassRun, now: datetime | None = None) -> dict[str, int]:
    """Begin what the pass's news begin. Returns how many rows of each state were written. Safe to be killed and to be called again.

    Raises  QuestionFault, TimeoutError where it could not be asked what of the news is history: what could be is written, and the next pass asks again
    """
    now = now or timezone.now()
    there, found, counts = plays(), found_by(run), dict[str, int]()
    settings = {row.play: row for row in PlaySetting.objects.filter(play__in=list(there))}
    # What happens while a play is a draft or retired is no news once it is in use again.
    PlaySetting.objects.exclude(play__in=list(there)).update(from_run=run.pk, looked_on=run.as_of)
    fresh = [PlaySetting(play=name, from_run=run.pk, looked_on=run.as_of, changed_at=now) for name in there if name not in settings]
    if fresh:  # what stood when a play was first looked at is no news
        PlaySetting.objects.bulk_create(fresh, ignore_conflicts=True)
    news, nothing = [], []
    for name, setting in settings.items():
        known = there[name]
        if found.versions.get(name) != known.version:
            continue  # its text changed while the pass ran: the next one asks it
        one = _news(known, setting, found, run, now)
        if one is None:
            nothing.append(setting.pk)
        else:
            news.append(one)
    PlaySetting.objects.filter(pk__in=nothing).exclude(looked_on=run.as_of).update(looked_on=run.as_of)
    failed: Exception | None = None
    for since, together in _by_day(news).items():
        try:
            old = _old(together, since, run)
        except (QuestionFault, TimeoutError) as fault:
            failed = fault
            continue
        for one in together:
            one.gates.old |= old.get(one.known.play.id, set())
            for state, n in write(one.gates, one.causes, run).items():
                counts[state] = counts.get(state, 0) + n
            PlaySetting.objects.filter(pk=one.setting.pk).update(looked_on=run.as_of)
    if failed is not None:
        raise failed
    return counts


def _news(known: Known, setting: PlaySetting, found: Found, run: PassRun, now: datetime) -> News | None:
    """What is new for a play and has no row yet; None where nothing is."""
    looked = min(setting.looked_on, run.as_of)  # a clock that was ahead for a while
    causes, old = _causes(known.play, setting, looked, found, run)
    causes = [cause for cause in causes if cause.account in found.place]
    mine = PlayRun.objects.filter(play=known.play.id, account_id__in=listed({cause.account for cause in causes}))
    there = set(mine.values_list("account_id", "cause")) if causes else set()
    causes = [cause for cause in causes if (cause.account, _key(setting.on, cause)) not in there]
    if not causes:
        return None
    gates = gates_of(known, setting, [cause.account for cause in causes], found, run.as_of, now)
    gates.old = old
    trigger = known.play.trigger
    asked = () if trigger.date else tuple(sorted({cause.account for cause in causes if gates.refusal(cause.account) is None}))
    return News(known, setting, gates, causes, asked, day_number(looked) - FRESH)


def _causes(play: Play, setting: PlaySetting, looked: date, found: Found, run: PassRun) -> tuple[list[Cause], set[int]]:
    """What happened since the play counts and is still so; and the accounts for which it is past already."""
    trigger, since = play.trigger, looked - timedelta(days=FRESH)
    if trigger.signal:
        rows = Episode.objects.filter(signal=trigger.signal, base=False, closed_on=None, run_id__gt=setting.from_run, opened_on__gte=since)
        return [Cause(account, f"episode:{pk}", on) for pk, account, on in rows.values_list("id", "account_id", "opened_on").order_by("id")], set()
    if trigger.segment:
        stays = SegmentStay.objects.filter(segment=trigger.segment, begins_base=False, until_on=None, run_id__gt=setting.from_run, from_on__gte=since)
        return [Cause(account, f"stay:{pk}", on) for pk, account, on in stays.values_list("id", "account_id", "from_on").order_by("id")], set()
    if trigger.date:
        today = day_number(run.as_of)
        # The day of the pass is looked at by each of its passes: what is entered today may be due today.
        days = found.between(play.id, min(day_number(looked) + 1, today), today)
        known_on = _known_on({account for account, day in days if day < today})
        # Of a day that is past it begins nothing for an account which the book did not know on that day: an import brings no storm. Nor where so
        # much time has gone by without a pass that the day says little about today.
        late = {a for a, d in days if d < today - FRESH}
        good = [(a, d) for a, d in days if d == today or known_on.get(a, run.as_of) <= date_of(d)]
        return [Cause(a, f"day:{date_of(d)}", date_of(d)) for a, d in good], late
    return [], set()


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
        if refusal:
            gates.refused[cause.account] = refusal
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


def _by_day(news: Iterable[News]) -> dict[int, list[News]]:
    found: dict[int, list[News]] = {}
    for one in news:
        found.setdefault(one.since, []).append(one)
    return found


def _old(news: Sequence[News], day: int, run: PassRun) -> dict[str, set[int]]:
    """Play -> accounts for which it would have stood on a day, as the book says today, though no pass said so then: history that came in late (an
    import, answers, other rates), and no news. What a person changed by hand on the account is news.

    Raises  QuestionFault, TimeoutError
    """
    known, conditions, asked = definitions.known(), {}, set[int]()
    for one in news:
        kind, name = _named(one.known.play)
        row = definitions.current(kind, name) if one.asked else None
        document = read(kind, row.text, known, row.name).document if row is not None else None
        if document is None:
            continue
        conditions[one.known.play.id] = conditions_of(document, known.measures)[0] if kind == "signal" else condition_of(document, known.measures)
        asked |= set(one.asked)
    if not conditions:
        return {}
    params = {"conditions": tuple(sorted(conditions.items())), "day": day}
    rows = desk.ask("conditions", params, Scope(everything=True).narrowed(sorted(asked)), run.pk)
    changed = FieldChange.objects.filter(account_id__in=listed(asked), user__isnull=False, source="person", recorded_at__gte=_midnight(day + FRESH))
    by_hand = set(changed.values_list("account_id", flat=True))
    return {
        one.known.play.id: set(rows["account_id"].filter(pc.fill_null(rows[one.known.play.id], False)).to_pylist()) & set(one.asked)
        - _stood(one, date_of(day)) - by_hand
        for one in news if one.known.play.id in conditions
    }  # fmt: skip


def _named(play: Play) -> tuple[str, str]:
    return ("signal", play.trigger.signal or "") if play.trigger.signal else ("segment", play.trigger.segment or "")


def _stood(one: News, day: date) -> set[int]:
    """Accounts of which a pass said on a day that it stands: what comes again is news."""
    kind, name = _named(one.known.play)
    if kind == "signal":
        rows = Episode.objects.filter(signal=name, account_id__in=listed(one.asked), opened_on__lte=day).exclude(closed_on__lt=day)
    else:
        rows = SegmentStay.objects.filter(segment=name, account_id__in=listed(one.asked), from_on__lte=day).exclude(until_on__lt=day)  # type: ignore[assignment]
    return set(rows.values_list("account_id", flat=True))


def _midnight(day: int) -> datetime:
    on = date_of(day)
    return timezone.make_aware(datetime(on.year, on.month, on.day))


def stands(run: PlayRun, known: Known, found: Found, today: date) -> bool:
    """Whether what began a run that waits is still so."""
    kind, _colon, of = run.cause.partition(":")
    if kind == "episode":
        return Episode.objects.filter(pk=int(of), closed_on=None).exists()
    if kind == "stay":
        return SegmentStay.objects.filter(pk=int(of), until_on=None).exists()
    return kind != "day" or found.on(known.play.id, run.account_id) == run.cause_on


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
    """Begin what matches already, no more than so many per owner and week, the largest first, for half a year."""
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
        if n <= A_WEEK * WEEKS:
            starts[account] = today + timedelta(days=7 * ((n - 1) // A_WEEK))
    return write(gates, [cause for account, cause in good.items() if account in starts], run, starts)

