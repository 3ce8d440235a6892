"""What the steps of a play do, each in the transaction of its run."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext as _

from laer.cycle.inputs_people import role_of
from laer.metrics.catalogue import Measure
from laer.plays.play import MailStep, Play, SetStep, TaskStep, WebhookStep
from laer.web.book import definitions
from laer.web.book.actions import log_change, mark_dirty
from laer.web.book.models import Account, Contact, ContactRole
from laer.web.people.company import firm
from laer.web.runs.measured import named
from laer.web.runs.playing.known import Found
from laer.web.templatetags.laer import money_short, number, percent
from laer.web.work import sending
from laer.web.work.models import Episode, PlayRun, PlaySetting, Task
from laer.web.work.plays import give_task, mails_of, not_approved


class NotAsked(Exception):
    """The newest pass did not read that text of the play: the next one does."""


def truth(run: PlayRun, play: Play, slot: str, found: Found) -> bool | None:
    """Whether a condition of the run's own text of its play holds, as the newest pass found it; None where too little is known.

    Raises  NotAsked
    """
    if slot not in {name for name, _place, _text in play.conditions()}:
        return None
    if not found.knows(play.id, run.version):
        raise NotAsked(play.id)
    return found.truth(play.id, run.version, slot, run.account_id)


def task(run: PlayRun, play: Play, step: TaskStep, now: datetime) -> Task:
    assert run.step is not None
    return give_task(run, play, step, run.step, why_of(run, play), now)


def why_of(run: PlayRun, play: Play) -> str:
    """Why the run began, with what was seen: it stands below every task that the play gives."""
    kind, number = run.cause.split(":", 1)
    if kind == "episode":
        episode = Episode.objects.filter(pk=int(number)).first()
        if episode is not None:
            row = definitions.current("signal", episode.signal)
            measures = definitions.known().measures
            seen = ", ".join(f"{_called(measures.get(name), name)} {_said(measures.get(name), value)}" for name, value in episode.seen.items())
            said = _("Why: %(what)s since %(day)s.") % {"what": row.title if row else episode.signal, "day": date_format(episode.opened_on)}
            return f"{said} {seen}" if seen else said
    if kind == "stay":
        row = definitions.current("segment", play.trigger.segment or "")
        return _("Why: in %(what)s since %(day)s.") % {"what": row.title if row else play.trigger.segment, "day": date_format(run.cause_on)}
    if kind == "day":
        return _("Why: %(day)s is %(when)s.") % {"day": date_format(run.cause_on), "when": when_of(play)}
    return ""


def when_of(play: Play) -> str:
    """The day of a date trigger in words."""
    days, name = play.trigger.days, play.trigger.date or ""
    measure = definitions.known().measures.get(name)
    what = gettext(measure.name) if measure else name
    if not days:
        return what
    said = ngettext("%(n)s day before: %(what)s", "%(n)s days before: %(what)s", -days) if days < 0 else ngettext(
        "%(n)s day after: %(what)s", "%(n)s days after: %(what)s", days)  # fmt: skip
    return said % {"n": abs(days), "what": what}


def _called(measure: Measure | None, name: str) -> str:
    return named(measure.name) if measure else name


def _said(measure: Measure | None, value: Any) -> str:
    """A value that a signal saw, as people write it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if not isinstance(value, int | float):
        return date_format(date.fromisoformat(value)) if measure is not None and measure.kind == "date" else str(value)
    exact = Decimal(f"{value:.12g}")
    if measure is not None and measure.kind == "money":
        return money_short(exact, firm().currency)
    return percent(exact) if measure is not None and measure.unit == "%" else number(exact.quantize(Decimal("0.01")).normalize())


def set_field(run: PlayRun, play: Play, step: SetStep, now: datetime) -> str:
    """Set a field of the account; what it said before is in the change log."""
    account = Account.objects.select_for_update().get(pk=run.account_id)
    old = getattr(account, step.set)
    if old == step.to:
        return _("%(field)s is %(value)s already") % {"field": step.set, "value": step.to}
    log_change(None, "accounts", account.pk, account.pk, step.set, old, step.to, now, source=f"play {play.id}")
    setattr(account, step.set, step.to)
    account.save(update_fields=[step.set])
    mark_dirty(account.pk, timezone.now())
    return f"{step.set}: {old or _('nothing')} → {step.to}"


def send(run: PlayRun, play: Play, step: MailStep | WebhookStep, now: datetime) -> tuple[str, Task | None]:
    """What leaves the house goes through its one door, by a key of the run and its step. Where the play may not send, or the door says no, a task asks
    a person to do it: what was done, and that task.
    """
    key = f"play:{run.pk}:{run.step}"
    setting = PlaySetting.objects.filter(play=play.id).first()
    mails = {name: version for name, version in mails_of(play).items() if name == step.mail} if isinstance(step, MailStep) else {}
    try:
        if why_not := not_approved(setting, run.version, mails):
            raise sending.NotSendable(why_not)
        with transaction.atomic():
            if isinstance(step, WebhookStep):
                sending.queue_webhook(key=key, endpoint=step.webhook, event=f"play.{play.id}", payload=_payload(run, play, step), now=now)
                return _("told %(name)s") % {"name": step.webhook}, None
            contact = contact_of(run.account_id, step.to)
            if contact is None:
                raise sending.NotSendable(_("no contact with an address has that role: %(role)s") % {"role": step.to})
            mail = sending.queue_mail(
                key=key, template=step.mail, account=run.account, contact=contact, values=step.values, by=run.owner, play=play.id,
                play_run=run, now=now,
            )  # fmt: skip
            return _("mail “%(subject)s” to %(name)s") % {"subject": mail.subject, "name": contact.name or contact.email}, None
    except sending.NotSendable as why:
        title = _("Write to them: %(template)s") % {"template": step.mail} if isinstance(step, MailStep) else _("Tell %(name)s") % {"name": step.webhook}
        detail = _("The play did not send it: %(why)s.") % {"why": str(why).rstrip(".")}
        written = f"{detail}\n\n{_draft(run, step)}"[:4_000].rstrip()
        given = TaskStep.model_validate({"task": title[:200], "detail": written, "due": "2 d", "wait": False})
        return _("a task instead of sending: %(why)s") % {"why": why}, give_task(run, play, given, run.step or "", why_of(run, play), now)


def _draft(run: PlayRun, step: MailStep | WebhookStep) -> str:
    """The mail as it would read, for whoever writes it."""
    if isinstance(step, WebhookStep):
        return step.message
    contact = contact_of(run.account_id, step.to) or Contact(account_id=run.account_id)
    try:
        written = sending.render(step.mail, run.account, contact, step.values)
    except sending.NotSendable:
        return ""
    return f"{written.subject}\n\n{written.text}"


def _payload(run: PlayRun, play: Play, step: WebhookStep) -> dict[str, Any]:
    account = run.account
    text = step.message or f"{play.name}: {account.name}"
    return {"text": text, "play": play.id, "run": run.pk, "account": {"id": account.pk, "name": account.name}, "owner": run.owner.email if run.owner else None}


PREFERRED = ("champion", "decision maker")  # of roles as measures know them
SAID = {"decision_maker": "decision maker", "economic_buyer": "decision maker"}


def contact_of(account_id: int, role: str) -> Contact | None:
    """Who of an account has a role and an address; `main` is the champion, else who decides, else who was known first. Two queries."""
    there = list(Contact.objects.filter(account_id=account_id, archived_at=None).exclude(email=None).exclude(email="").order_by("id"))
    today = timezone.localdate()
    rows = ContactRole.objects.filter(contact__in=there, archived_at=None).exclude(until_on__lte=today).exclude(from_on__gt=today)
    roles: dict[int, set[str | None]] = {one.pk: {role_of(one.role)} for one in there}
    for contact, text in rows.values_list("contact_id", "role"):
        roles[contact].add(role_of(text))
    for wanted in PREFERRED if role == "main" else (SAID.get(role, role),):
        if found := next((one for one in there if wanted in roles[one.pk]), None):
            return found
    return there[0] if role == "main" and there else None

