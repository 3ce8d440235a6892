"""The one door through which anything leaves the house: mails to contacts, and calls of other programs.

What is to leave is a row first, one per key, and goes out later by `deliver_due`. So whoever asks twice, after a kill for instance, asks once.
Method: docs/guides/sending.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web import home
from laer.web.book.models import Account, Contact
from laer.web.people import sender as senders
from laer.web.people.company import firm
from laer.web.people.logins import is_address
from laer.web.people.models import MailSender, Person
from laer.web.work import calls_out, mails_out
from laer.web.work.mail_stops import stopped
from laer.web.work.mail_texts import NotSendable, Rendered, owner_of, render
from laer.web.work.models import Endpoint, OutgoingCall, OutgoingMail, PlayRun

__all__ = ["NotSendable", "Rendered", "call_due", "deliver_due", "mail_due", "may_send", "queue_mail", "queue_to_ourselves", "queue_webhook", "render"]

KEY, SUBJECT = 200, 300


def may_send() -> tuple[bool, str]:
    """Whether the house lets mail out; if not, the sentence that says why. One query."""
    return senders.may_send()


def queue_mail(
    *, key: str, template: str, account: Account, contact: Contact, values: Mapping[str, str] = {}, by: Person | None = None, play: str | None = None,
    play_run: PlayRun | None = None, now: datetime | None = None,
) -> OutgoingMail:  # fmt: skip
    """A mail to a contact, written now and sent when it is due. The same key twice is one mail, as it was first asked for.

    Args    by  whose it is: answers go to them, else to the account's owner;  play  whose mail it is: a contact gets so many of plays a week
            play_run  whose step asks: once it was stopped or reached what ends it, the mail does not go out;  now  a test clock's time
    Raises  NotSendable with a sentence: no sender or no test, no address, unsubscribed, a template that is not there or cannot be filled
    """
    if there := OutgoingMail.objects.filter(key=_key(key)).first():
        return there
    found = _let_out()
    if contact.account_id != account.pk or contact.archived_at or account.archived_at:
        who = contact.name or contact.email or contact.pk
        raise NotSendable(_("%(contact)s is no contact of %(account)s any more") % {"contact": who, "account": account.name})
    to = (contact.email or "").strip().lower()
    if not is_address(to):
        said = to or _("nothing")
        raise NotSendable(_("%(contact)s has no address to write to: found %(found)s") % {"contact": contact.name or _("The contact"), "found": said})
    _not_made_up(to, found)
    if stop := stopped(to):
        raise NotSendable(_("%(address)s is not written to: %(why)s") % {"address": to, "why": stop.get_why_display()})
    written = render(template, account, contact, values)
    owner = owner_of(account) if by is None else None
    answers = (by or owner).email if by or owner else ""  # type: ignore[union-attr]
    return _queued(
        key, now, template=template, play=play, play_run=play_run, account=account, contact=contact, to=to, reply_to=answers or "", by=by,
        subject=written.subject, text=written.text, html=written.html,
    )  # fmt: skip


def queue_to_ourselves(*, key: str, template: str, person: Person, to: str, written: Rendered, now: datetime | None = None) -> OutgoingMail:
    """A mail to somebody of our own. Raises NotSendable where the house lets nothing out, or not to them."""
    if there := OutgoingMail.objects.filter(key=_key(key)).first():
        return there
    to = to.strip().lower()
    _not_made_up(to, _let_out())
    return _queued(key, now, template=template, person=person, to=to, subject=written.subject, text=written.text, html=written.html)


def queue_webhook(*, key: str, endpoint: str, event: str, payload: Mapping[str, Any], now: datetime | None = None) -> OutgoingCall:
    """A call of an endpoint by its name, signed when it goes out. The same key twice is one call. Raises NotSendable where there is no such endpoint."""
    if there := OutgoingCall.objects.filter(key=_key(key)).first():
        return there
    found = Endpoint.objects.filter(name=endpoint, archived_at=None).first()
    if found is None:
        names = ", ".join(Endpoint.objects.filter(archived_at=None).order_by("name").values_list("name", flat=True)) or _("none yet")
        raise NotSendable(_("There is no endpoint “%(name)s”; there is: %(names)s") % {"name": endpoint, "names": names})
    content = calls_out.checked(event, payload)
    at = now or timezone.now()
    values = {"endpoint": found, "event": event, "payload": content, "message_id": f"msg_{_digest(key)}", "due_at": at, "created_at": at}
    return OutgoingCall.objects.get_or_create(key=_key(key), defaults=values)[0]


def deliver_due(now: datetime) -> int:
    """Send what is due, mails and calls; how much was taken."""
    return mail_due(now) + call_due(now)


def mail_due(now: datetime) -> int:
    """Send the mails that are due; how many were taken. Called by the worker every few seconds, safe to be killed anywhere, and by several at once."""
    return mails_out.deliver_due(now)


def call_due(now: datetime) -> int:
    """The same of calls, in a thread of their own: an endpoint that is silent holds no mail up."""
    return calls_out.deliver_due(now)


def _let_out() -> MailSender:
    """Whose mail it is. Raises NotSendable where the house lets nothing out."""
    found = senders.sender()
    let, why = senders.may_send(found)
    if not let:
        raise NotSendable(why)
    return found


def _not_made_up(to: str, found: MailSender) -> None:
    """The people of the demo are made up, their addresses may be somebody's. Raises NotSendable"""
    if firm().demo and to not in found.allowed:
        raise NotSendable(_("The firm is made up: only addresses of the allow-list in Settings, Sending are written to, and %(address)s is not one") % {
            "address": to})  # fmt: skip


def _queued(key: str, now: datetime | None, **values: Any) -> OutgoingMail:
    at = now or timezone.now()
    domain = senders.sender().address.rpartition("@")[2] or "localhost"
    values |= {"message_id": f"<{_digest(key)}@{domain}>", "due_at": at, "created_at": at}
    values["subject"] = values["subject"][:SUBJECT]
    with transaction.atomic():
        return OutgoingMail.objects.get_or_create(key=_key(key), defaults=values)[0]


def _key(key: str) -> str:
    """As it is kept: a long one by its digest."""
    return key if len(key) <= KEY else f"{key[: KEY - 65]}#{sha256(key.encode()).hexdigest()}"


def _digest(key: str) -> str:
    """Of a key and this installation: the same after a kill, and nobody's guess. After a restore numbers of rows come again, so it counts too."""
    restored = home.restored().get("id")
    return sha256("|".join(filter(None, (settings.SECRET_KEY, restored, key))).encode()).hexdigest()[:32]


