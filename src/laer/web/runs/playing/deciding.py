"""What people decide of plays, and what they are told before: whom it matches now, why or why not, and what load it would bring."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.cycle.scope import Scope
from laer.plays.arms import held_out
from laer.web.book import definitions
from laer.web.book.actions import Refused
from laer.web.book.many import listed
from laer.web.book.scope import scope_of, visible_accounts
from laer.web.people.formats import today
from laer.web.people.models import User
from laer.web.runs.latest import last_run
from laer.web.runs.models import AccountCard, PassRun, SegmentStay
from laer.web.runs.playing.entering import enter_existing, gates_of, standing_matches
from laer.web.runs.playing.known import Found, Known, found_by, play_of, plays
from laer.web.work import plays as actions
from laer.web.work.models import Episode, PlayRun, PlaySetting, RunEnd
from laer.web.work.plays import may_switch, owners_of


def switch_on(user: User, name: str, *, existing: bool = False, sending: bool = False, shown: str | None = None) -> PlaySetting:
    """Let a play act from now on; with `existing` also for whom it matches already, staggered.

    Raises  PermissionDenied, Refused where it is a draft, reads no more, or no pass has asked it yet
    """
    if not may_switch(user):
        raise PermissionDenied
    row = definitions.current("play", name)
    play = None if row is None else play_of(row.text)
    if row is None or play is None:
        raise Refused(_("no play %(name)s is there that reads") % {"name": name})
    known, run, now = Known(play, row.version), last_run(), timezone.now()
    if play.in_use and (run is None or found_by(run).versions.get(name) != row.version):
        raise Refused(_("no pass has asked this play yet: it can be switched on in a minute"))
    setting = actions.switch(
        user, play, True, from_run=run.pk if run else 0, looked_on=(run.as_of if run else today()) - timedelta(days=1),
        approved=row.version if sending else None, shown=shown,
    )
    if existing and run is not None:
        enter_existing(known, setting, run, now)
    return setting


def approve(user: User, name: str, shown: str | None = None) -> None:
    """Let a play send by itself as it reads now, which is what was shown. Raises PermissionDenied, Refused"""
    row = definitions.current("play", name)
    play = None if row is None else play_of(row.text)
    if row is None or play is None:
        raise Refused(_("no play %(name)s is there that reads") % {"name": name})
    actions.approve(user, play, row.version, shown)


def switch_off(user: User, name: str, *, stop: bool = False) -> PlaySetting:
    row, run = definitions.current("play", name), last_run()
    play = None if row is None else play_of(row.text)
    if play is None:
        raise Refused(_("no play %(name)s is there that reads") % {"name": name})
    return actions.switch(user, play, False, from_run=run.pk if run else 0, looked_on=run.as_of if run else today(), stop=stop)


def begin(user: User, name: str, account_id: int) -> PlayRun:
    """Begin a play for one account by hand. Raises PermissionDenied, Refused"""
    known = plays().get(name)
    if known is None:
        raise Refused(_("no play %(name)s is in use") % {"name": name})
    setting = PlaySetting.objects.filter(play=name).first()
    return actions.start(user, known.play, known.version, account_id, on=bool(setting and setting.on))


@dataclass(frozen=True)
class Gate:
    """One thing that decides whether a play begins for an account. passes: None where too little is known."""

    gate: str
    passes: bool | None
    said: str


@dataclass(frozen=True)
class Why:
    account: int
    gates: tuple[Gate, ...]

    @property
    def acts(self) -> bool:
        """Whether the play is switched on."""
        return self.gates[0].passes is True

    @property
    def begins(self) -> bool:
        return all(gate.passes is True for gate in self.gates)


def why(user: User, name: str, account_id: int) -> Why:
    """Each gate of a play for an account as it stands now. Raises PermissionDenied for an account that the person may not see, Refused"""
    if not visible_accounts(user).filter(pk=account_id).exists():
        raise PermissionDenied
    return gates_for(name, account_id)


def gates_for(name: str, account_id: int) -> Why:
    """The same, for whoever sees everything. Raises Refused"""
    known, run = plays().get(name), last_run()
    if known is None or run is None:
        raise Refused(_("no pass has asked this play yet"))
    setting, found, day = PlaySetting.objects.filter(play=name).first(), found_by(run), today()
    gates = gates_of(known, setting, [account_id], found, day, timezone.now())
    made = [_status(setting), _trigger(known, setting, found, run, account_id)]
    if known.play.who is not None:
        truth = found.truth(name, known.version, "who", account_id)
        said = {
            True: _("It is for accounts like this."), False: _("It is not for accounts like this."),
            None: _("Too little is known to say whether it is for it."),
        }  # fmt: skip
        made.append(Gate("who", truth, said[truth]))
    busy = account_id in gates.live
    made.append(Gate("live", not busy, _("One is under way: it takes up what comes again.") if busy else _("None is under way.")))
    if last := gates.ended.get(account_id):
        again = last + timedelta(days=known.play.again_after)
        made.append(Gate("cooling", again <= day, _("The last one ended on %(day)s; it may begin again from %(again)s.") % {"day": last, "again": again}))
    if known.play.hold_out:
        out = held_out(name, account_id, known.play.hold_out)
        made.append(Gate("held_out", not out, _("It is held out, to learn whether the play helps.") if out else _("It is not held out.")))
    return Why(account_id, tuple(made))


def _status(setting: PlaySetting | None) -> Gate:
    if setting is None:
        return Gate("on", False, _("No pass has asked this play yet."))
    return Gate("on", setting.on, _("The play is switched on.") if setting.on else _("The play is on trial: it lists what it would do."))


def _trigger(known: Known, setting: PlaySetting | None, found: Found, run: PassRun, account: int) -> Gate:
    trigger, from_run = known.play.trigger, setting.from_run if setting else run.pk
    if trigger.signal:
        one = Episode.objects.filter(signal=trigger.signal, account_id=account, closed_on=None).first()
        if one is None:
            return Gate("trigger", False, _("Its signal does not stand."))
        news = not one.base and one.run_id > from_run
        said = _("Its signal stands since %(day)s.") if news else _("Its signal stood on %(day)s, before the play counted: that is no news.")
        return Gate("trigger", news, said % {"day": one.opened_on})
    if trigger.segment:
        stay = SegmentStay.objects.filter(segment=trigger.segment, account_id=account, until_on=None).first()
        if stay is None:
            return Gate("trigger", False, _("The account is not in its segment."))
        news = not stay.begins_base and stay.run_id > from_run
        said = _("It entered the segment on %(day)s.") if news else _("It was in the segment on %(day)s, before the play counted: that is no news.")
        return Gate("trigger", news, said % {"day": stay.from_on})
    if trigger.date:
        day = found.on(known.play.id, account)
        if day is None:
            return Gate("trigger", None, _("The day that it counts from is not known."))
        said = _("Its day is %(day)s: it is ahead.") if day > run.as_of else _("Its day was %(day)s.") if day < run.as_of else _("Its day is today, %(day)s.")
        return Gate("trigger", day == run.as_of, said % {"day": day})
    return Gate("trigger", None, _("A person begins it."))


@dataclass(frozen=True)
class Load:
    """Whom a play matches now, past its gates: accounts, their ARR in minor units, accounts by owner (None: nobody's), tasks that each may bring"""

    accounts: int
    arr_minor: int
    owners: dict[int | None, int]
    tasks: int


def load_of(name: str, user: User) -> Load:
    """The load of "existing matches too", within the person's scope."""
    ids = matches(name, scope_of(user))
    known = plays().get(name)
    if known is None:
        return Load(0, 0, {}, 0)
    arr = dict(AccountCard.objects.filter(account_id__in=listed(ids)).values_list("account_id", "arr_minor"))
    owners = owners_of(ids, known.play.owner, today())
    by = Counter(owners.get(account) for account in ids)
    return Load(len(ids), sum(value or 0 for value in arr.values()), dict(by.most_common()), len(known.play.tasks()))


def matches(name: str, scope: Scope) -> list[int]:
    """Accounts whose trigger stands and whose gates are open now."""
    known, run = plays().get(name), last_run()
    if known is None or run is None:
        return []
    found = found_by(run)
    ids = sorted({cause.account for cause in standing_matches(known, found, run.as_of) if cause.account in found.place})
    if not scope.everything:
        ids = [account for account in ids if account in scope.account_ids]
    gates = gates_of(known, PlaySetting.objects.filter(play=name).first(), ids, found, today(), timezone.now())
    return [account for account in ids if gates.refusal(account) in (None, RunEnd.COOLING if not gates.on else None)]
