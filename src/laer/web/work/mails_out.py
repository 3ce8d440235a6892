"""Mails on their way out: claimed under a lease, handed over once, and what came of it written down.

`handed_over_at` is written just before the content goes to the server. A worker that dies before it leaves a mail that the next one sends; one
that dies after it leaves a mail of which nobody knows whether it was taken: it is listed for a person and never sent again by itself.
"""

from __future__ import annotations

import logging
import random
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.translation import gettext as _

from laer.plays.mail_template import as_html
from laer.web.people import sender as senders
from laer.web.people.company import firm
from laer.web.people.mailing import Refusal, Taken, Told, Unknown, Unreached, address_of, deliver
from laer.web.people.models import MailSender
from laer.web.people.sealing import Unsealed
from laer.web.work.mail_stops import stop, stopped, token_of
from laer.web.work.models import OutgoingMail, PlaySetting, RunEnd, Sending
from laer.web.work.plays import not_approved
from laer.web.work.quiet import waits
from laer.web.work.rounds import clock

LEASE = 120.0  # seconds that a mail waits after its worker died; longer than a server may keep silent, several times over
ATTEMPTS = 12  # over some two days
BACK_OFF, LONGEST = 60.0, 6 * 3600.0  # seconds
STALE, STALE_TO_US = timedelta(days=14), timedelta(days=1)  # after which a mail to a contact, or to one of our own, says what is no longer so
ROUND = 40  # mails of one call, so that its caller hears in time that it is to stop

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another worker has the mail now: nothing was handed over, and nothing is written."""


def deliver_due(now: datetime) -> int:
    """Send the mails that are due; how many were taken. None where the house lets nothing out: they wait."""
    found = senders.sender()
    _give_up_on_lost(now)
    if not senders.may_send(found)[0]:
        return 0
    taken, at = 0, clock(now)
    for _each in range(ROUND):
        mail = claim(found, at())
        if mail is None:
            break
        told = send(mail, found, at())
        taken += isinstance(told, Taken)
        if isinstance(told, Unreached):  # the server is away: the others wait too
            break
    return taken


def claim(found: MailSender, now: datetime) -> OutgoingMail | None:
    """The next mail that may go, now ours. What may not yet is put off, what may not any more is stopped."""
    due = Q(state=Sending.QUEUED, due_at__lte=now) | Q(state=Sending.SENDING, lease_until__lt=now, handed_over_at=None)
    mails = OutgoingMail.objects.filter(due).select_related("account", "contact", "play_run").order_by("due_at", "pk")
    while mails.exists():  # looking takes no write lock
        with transaction.atomic():
            rows = mails
            if connection.features.has_select_for_update_skip_locked:
                rows = mails.select_for_update(skip_locked=True, of=("self",))
            mail = rows.first()
            if mail is None:
                return None
            if why := _no_more(mail, now):
                mail.state, mail.reason, mail.lease_until = Sending.STOPPED, why[:300], None
                mail.save(update_fields=["state", "reason", "lease_until"])
                continue
            if mail.attempts >= ATTEMPTS:  # each worker that took it was lost
                mail.state, mail.reason, mail.lease_until, mail.sent_at = Sending.DEAD, _("every worker that took it was lost"), None, now
                mail.save(update_fields=["state", "reason", "lease_until", "sent_at"])
                continue
            if (put_off := waits(mail, found, now)) is not None:
                mail.due_at, mail.reason = put_off
                mail.state, mail.lease_until = Sending.QUEUED, None
                mail.save(update_fields=["due_at", "reason", "state", "lease_until"])
                continue
            mail.state, mail.claim, mail.attempts = Sending.SENDING, secrets.token_hex(16), mail.attempts + 1
            mail.lease_until = now + timedelta(seconds=LEASE)
            mail.save(update_fields=["state", "claim", "attempts", "lease_until"])
            return mail
    return None


def send(mail: OutgoingMail, found: MailSender, now: datetime) -> Told | None:
    """Hand a claimed mail over, and write down what came of it. None where another worker had it meanwhile."""

    def handing() -> None:
        if not _ours(mail).filter(state=Sending.SENDING, handed_over_at=None).update(handed_over_at=now):
            raise LeaseLost

    try:
        told = deliver(found, senders.secret_of(found), message_of(mail, found), handing)
    except LeaseLost:
        return None
    except Unsealed as unsealed:
        told = Unreached(str(unsealed))
    except ValueError as wrong:  # it makes no mail (a line break in a header, letters that no header can have): nothing was handed over
        told = Refusal(str(wrong)[:300], lasting=True)
    _write(mail, told, now)
    if not isinstance(told, Taken):
        log.warning("mail %s was not sent: %s", mail.pk, type(told).__name__)  # never the address, nor what a server says of it
    return told


def message_of(mail: OutgoingMail, found: MailSender) -> EmailMultiAlternatives:
    """The mail with what stands below every one, and the headers by which a mail program offers to unsubscribe (RFC 8058)."""
    headers = {"Message-ID": mail.message_id}
    text, html = mail.text.rstrip(), mail.html or as_html(mail.text)
    if mail.account_id is not None:
        link = f"{found.site}/mail/stop/{token_of(mail)}/" if found.site else ""
        if link:
            headers |= {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        below = [found.imprint or firm().name, *([_("You do not want such mails? %(link)s") % {"link": link}] if link else [])]
        text = "\n".join([text, "", "-- ", *filter(None, below)])
        foot: list[str] = [escape(below[0])] if below[0] else []
        foot += [f'<a href="{escape(link)}">{escape(_("Unsubscribe"))}</a>'] if link else []
        html += f'\n<p style="color:#6b7280;font-size:12px">{" · ".join(foot)}</p>' if foot else ""
    else:
        headers |= {"Auto-Submitted": "auto-generated"}
    whole = f'<!doctype html><html><body style="font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:1.5;color:#1f2937">\n{html}\n</body></html>'
    reply_to = [mail.reply_to] if mail.reply_to else None
    made = EmailMultiAlternatives(mail.subject, text + "\n", address_of(found), [mail.to], headers=headers, reply_to=reply_to)
    made.attach_alternative(whole, "text/html")
    return made


def _write(mail: OutgoingMail, told: Told, now: datetime) -> None:
    """What came of it, if it is still ours; after the lease another may have called it unknown, and knows less than we do."""
    values: dict[str, Any] = {"lease_until": None}
    match told:
        case Taken():
            values |= {"state": Sending.SENT, "sent_at": now, "reason": ""}
        case Unknown(why):
            values |= {"state": Sending.UNKNOWN, "sent_at": now, "reason": _("the line was lost after it was handed over: %(why)s") % {"why": why}}
        case Refusal(why, lasting=True) as refusal:
            values |= {"state": Sending.FAILED, "reason": why, "bounced": refusal.bounced, "sent_at": now}
        case Refusal(why) | Unreached(why):
            values |= {"state": Sending.QUEUED, "reason": why, "handed_over_at": None, "due_at": now + _back_off(mail.attempts)}
            if mail.attempts >= ATTEMPTS:
                values |= {"state": Sending.DEAD, "sent_at": now}
    values["reason"] = values["reason"][:300]
    with transaction.atomic():
        if _ours(mail).filter(state__in=[Sending.SENDING, Sending.UNKNOWN]).update(**values) and values.get("bounced") and mail.account_id is not None:
            stop(mail.to, "bounced", mail, values["reason"])


def _give_up_on_lost(now: datetime) -> None:
    lost = OutgoingMail.objects.filter(state=Sending.SENDING, lease_until__lt=now, handed_over_at__isnull=False)
    if lost.exists():
        lost.update(state=Sending.UNKNOWN, lease_until=None, sent_at=now, reason=_("the worker ended after it was handed over, before the server answered"))


def _no_more(mail: OutgoingMail, now: datetime) -> str:
    """Why a mail that was asked for may not go out any more; "" where it may."""
    if now - (mail.released_at or mail.created_at) > (STALE if mail.account_id is not None else STALE_TO_US):
        return _("it waited for too long: it was asked for on %(day)s") % {"day": date_format(mail.released_at or mail.created_at)}
    if mail.account_id is None:
        return ""
    if (mail.account and mail.account.archived_at) or (mail.contact is not None and mail.contact.archived_at):
        return _("the contact or the account was taken out of the book meanwhile")
    if there := stopped(mail.to):
        return _("%(address)s is not written to: %(why)s") % {"address": mail.to, "why": there.get_why_display()}
    return _no_more_of_play(mail) if mail.play_run is not None and mail.released_at is None else ""


def _no_more_of_play(mail: OutgoingMail) -> str:
    run = mail.play_run
    assert run is not None
    if run.ended_by == RunEnd.STOPPED:
        return _("its play was stopped for this account: %(why)s") % {"why": run.reason or _("no reason was given")}
    if run.ended_by == RunEnd.REACHED:
        return _("what ends its play came true meanwhile")
    return not_approved(PlaySetting.objects.filter(play=run.play).first(), run.version)


def _ours(mail: OutgoingMail) -> Any:
    return OutgoingMail.objects.filter(pk=mail.pk, claim=mail.claim)


def _back_off(attempts: int) -> timedelta:
    return timedelta(seconds=min(BACK_OFF * 2 ** (attempts - 1), LONGEST) * random.uniform(1.0, 1.2))
