"""What people do with what leaves the house: say what became of an unknown mail, send again, stop one that waits, keep endpoints. Each with its audit event."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web import home
from laer.web.people.audit import log_event
from laer.web.people.models import Act, User
from laer.web.people.roles import Refused, only_admins
from laer.web.people.sealing import seal
from laer.web.work import calls_out, sending
from laer.web.work.models import Endpoint, OutgoingCall, OutgoingMail, Sending
from laer.web.work.reaching import Unreachable, host_of
from laer.web.work.scope import editable_mails

AGAIN = (Sending.UNKNOWN, Sending.FAILED, Sending.DEAD, Sending.STOPPED)  # of which a person may say that it is to be sent again
CALL_AGAIN = (Sending.DEAD, Sending.SENT, Sending.STOPPED)
MOST = 50  # endpoints


@transaction.atomic
def send_again(user: User, mail_id: int) -> OutgoingMail:
    """The same mail once more, by somebody who knows that it may arrive twice. Raises PermissionDenied, Refused."""
    mail = _mail(user, mail_id)
    if mail.state not in AGAIN:
        raise Refused(_("This mail is %(state)s: there is nothing to send again") % {"state": mail.get_state_display().lower()})
    now, before = timezone.now(), mail.state
    mail.state, mail.reason, mail.attempts, mail.due_at = Sending.QUEUED, "", 0, now
    mail.handed_over_at = mail.sent_at = mail.lease_until = None
    mail.released_at = now  # a person's word counts for more than what became of its run
    mail.bounced, mail.claim = False, ""
    mail.save()
    log_event(Act.SENDING_CHANGED, user, subject=mail.to, details={"mail": mail.pk, "change": "sent again", "old": before})
    return mail


@transaction.atomic
def say_arrived(user: User, mail_id: int) -> OutgoingMail:
    """Of an unknown mail that it did arrive."""
    mail = _mail(user, mail_id)
    if mail.state != Sending.UNKNOWN:
        raise Refused(_("This mail is %(state)s: nothing is unknown of it") % {"state": mail.get_state_display().lower()})
    mail.state, mail.reason = Sending.SENT, ""
    mail.save(update_fields=["state", "reason"])
    log_event(Act.SENDING_CHANGED, user, subject=mail.to, details={"mail": mail.pk, "change": "arrived"})
    return mail


@transaction.atomic
def stop_mail(user: User, mail_id: int) -> OutgoingMail:
    """Keep back one that waits."""
    mail = _mail(user, mail_id)
    if mail.state != Sending.QUEUED:
        raise Refused(_("This mail is %(state)s: only one that waits can be stopped") % {"state": mail.get_state_display().lower()})
    mail.state, mail.reason = Sending.STOPPED, _("stopped by a person")
    mail.save(update_fields=["state", "reason"])
    log_event(Act.SENDING_CHANGED, user, subject=mail.to, details={"mail": mail.pk, "change": "stopped"})
    return mail


@transaction.atomic
def add_endpoint(user: User, name: str, url: str, kind: str) -> tuple[Endpoint, str]:
    """A place where calls go, and the secret of its signatures, which is shown once. Raises Refused, PermissionDenied."""
    only_admins(user)
    name, url = name.strip(), url.strip()
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,59}", name):
        raise Refused(_("Name: found “%(found)s”, expected small letters, digits, - and _, a letter first") % {"found": name[:60]})
    if kind not in ("signed", "chat"):
        raise Refused(_("Kind: found “%(found)s”, expected signed or chat") % {"found": kind[:20]})
    try:
        host = host_of(url)
    except Unreachable as wrong:
        raise Refused(str(wrong)) from None
    if len(url) > 500:
        raise Refused(_("Address: found %(found)d characters; %(most)d fit.") % {"found": len(url), "most": 500})
    if Endpoint.objects.filter(archived_at=None).count() >= MOST:
        raise Refused(_("There are %(most)d endpoints already; remove one first") % {"most": MOST})
    secret = calls_out.new_secret() if kind == "signed" else ""
    try:
        with transaction.atomic():
            made = Endpoint.objects.create(
                name=name, url=seal(calls_out.ADDRESS, url), host=host, kind=kind, secret=seal(calls_out.SECRET, secret) if secret else "",
                created_by=user, created_at=timezone.now(),
            )  # fmt: skip
    except IntegrityError:
        raise Refused(_("There is an endpoint %(name)s already") % {"name": name}) from None
    log_event(Act.SENDING_CHANGED, user, subject=f"endpoint {name}", details={"change": "made", "kind": kind, "host": host})
    return made, secret


@transaction.atomic
def remove_endpoint(user: User, endpoint_id: int) -> Endpoint | None:
    """No call goes there any more; what waits is given up, and its deliveries stay listed."""
    only_admins(user)
    found = Endpoint.objects.select_for_update().filter(pk=endpoint_id, archived_at=None).first()
    if found is None:
        return None
    found.archived_at = timezone.now()
    found.save(update_fields=["archived_at"])
    log_event(Act.SENDING_CHANGED, user, subject=f"endpoint {found.name}", details={"change": "ended", "host": found.host})
    return found


def go_on(user: User, *, drop: bool) -> int:
    """Let mails and calls out again after a restore. How many of those that waited in the backup were dropped. Raises PermissionDenied, Refused

    In  drop  what waited in the backup stays in the house: it may have gone out since the backup was made
    """
    only_admins(user)
    if not home.restored().get("held"):
        raise Refused(_("Nothing is held back: what waits goes out by itself"))
    dropped = 0
    with transaction.atomic():
        if drop:
            why = _("dropped after the installation was restored from a backup")
            mails, calls = held_back()
            dropped = mails.update(state=Sending.STOPPED, reason=why, lease_until=None) + calls.update(state=Sending.STOPPED, reason=why, lease_until=None)
        log_event(Act.SENDING_CHANGED, user, subject="restored", details={"change": "dropped" if drop else "let out", "n": dropped})
    home.end_hold()
    return dropped


def held_back() -> tuple[QuerySet[OutgoingMail], QuerySet[OutgoingCall]]:
    """Mails and calls that waited in the backup that was restored."""
    until = datetime.fromisoformat(home.restored()["at"])
    waiting = Q(state=Sending.QUEUED) | Q(state=Sending.SENDING)
    return OutgoingMail.objects.filter(waiting, handed_over_at=None, created_at__lte=until), OutgoingCall.objects.filter(waiting, created_at__lte=until)


def try_endpoint(user: User, endpoint_id: int, now: datetime | None = None) -> OutgoingCall | None:
    """A call that says only that it is a test. None where there is no such endpoint."""
    only_admins(user)
    found = Endpoint.objects.filter(pk=endpoint_id, archived_at=None).first()
    if found is None:
        return None
    at = now or timezone.now()
    text = _("A test by laer: if you read this, calls arrive.")
    return sending.queue_webhook(key=f"test-{found.pk}-{at:%Y%m%d%H%M%S%f}", endpoint=found.name, event="laer.test", payload={"text": text}, now=at)


@transaction.atomic
def replay_call(user: User, call_id: int) -> OutgoingCall:
    """The same call with the same id once more, its attempts counted anew."""
    only_admins(user)
    call = OutgoingCall.objects.select_for_update().select_related("endpoint").filter(pk=call_id).first()
    if call is None:
        raise PermissionDenied
    if call.state not in CALL_AGAIN:
        raise Refused(_("This call is %(state)s: it is made by itself") % {"state": call.get_state_display().lower()})
    if call.endpoint.archived_at:
        raise Refused(_("The endpoint %(name)s was removed") % {"name": call.endpoint.name})
    call.state, call.attempts, call.reason, call.due_at, call.claim = Sending.QUEUED, 0, "", timezone.now() - timedelta(seconds=1), ""
    call.save()
    log_event(Act.SENDING_CHANGED, user, subject=f"endpoint {call.endpoint.name}", details={"call": call.pk, "change": "sent again"})
    return call


def _mail(user: User, mail_id: int) -> OutgoingMail:
    found = editable_mails(user).select_for_update(of=("self",)).filter(pk=mail_id).first()
    if found is None:
        raise PermissionDenied
    return found
