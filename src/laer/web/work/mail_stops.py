"""Addresses that are not written to: their owner asked for it, a server said that nobody is there, or one of us said so."""

from __future__ import annotations

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from laer.web.people.audit import log_event
from laer.web.people.models import Act, User
from laer.web.work.models import MailStop, OutgoingMail

SALT = "mail stop"


def stopped(address: str) -> MailStop | None:
    return MailStop.objects.filter(address=address.lower(), ended_at=None).first()


def stop(address: str, why: str, mail: OutgoingMail | None = None, detail: str = "") -> bool:
    """Write to the address no more; whether that is new."""
    values = {"why": why, "mail": mail, "detail": detail[:300], "at": timezone.now()}
    return MailStop.objects.get_or_create(address=address.lower(), ended_at=None, defaults=values)[1]


@transaction.atomic
def end_stop(user: User, stop_id: int) -> MailStop | None:
    """Write to it again: admins, who answer for it. None where there is no such stop."""
    if not user.is_admin:
        raise PermissionDenied
    found = MailStop.objects.select_for_update().filter(pk=stop_id, ended_at=None).first()
    if found is None:
        return None
    found.ended_at, found.ended_by = timezone.now(), user
    found.save(update_fields=["ended_at", "ended_by"])
    log_event(Act.MAIL_STOPPED, user, subject=found.address, details={"change": "allowed"})
    return found


def token_of(mail: OutgoingMail) -> str:
    """For the link in a mail: it names the mail, never the address, and nobody but us can make one."""
    return signing.Signer(salt=SALT).sign(str(mail.pk))


def mail_of(token: str) -> OutgoingMail | None:
    try:
        return OutgoingMail.objects.filter(pk=int(signing.Signer(salt=SALT).unsign(token))).first()
    except (signing.BadSignature, ValueError):
        return None


@transaction.atomic
def unsubscribe(mail: OutgoingMail) -> bool:
    """By whoever holds the mail; whether that is new."""
    new = stop(mail.to, "unsubscribed", mail)
    if new:
        log_event(Act.MAIL_STOPPED, subject=mail.to, details={"change": "unsubscribed"})
    return new


def subscribe_again(mail: OutgoingMail) -> bool:
    """Taken back by the same person, on the same page."""
    return bool(MailStop.objects.filter(address=mail.to, ended_at=None, why="unsubscribed").update(ended_at=timezone.now()))
