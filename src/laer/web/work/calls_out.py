"""Calls of other programs on their way out: signed by Standard Webhooks, retried, and given up in a place where a person sees them.

A call may arrive twice, after a kill for instance: it carries its id (`webhook-id`), by which the other side knows it. A signature covers id,
time and content: `base64(HMAC-SHA256(secret, "{id}.{timestamp}.{content}"))`, in the header `webhook-signature` behind `v1,`.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import random
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from laer.web import home
from laer.web.people.sealing import Unsealed, unseal
from laer.web.work.mail_texts import NotSendable
from laer.web.work.models import Endpoint, OutgoingCall, Sending
from laer.web.work.reaching import Unreachable, post
from laer.web.work.rounds import clock

SECRET, ADDRESS = "webhook secret", "endpoint address"  # what each is sealed for
PREFIX = "whsec_"
LEASE = 60.0
WAITS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)  # seconds after each attempt, as Standard Webhooks proposes; then it is given up
ROUND = 40
LARGEST = 100_000  # bytes of a content

log = logging.getLogger(__name__)


def checked(event: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The content as it is kept. Raises NotSendable for what is no JSON, or too large."""
    try:
        text = json.dumps(dict(payload), allow_nan=False)
    except (TypeError, ValueError) as wrong:
        raise NotSendable(_("%(event)s: the content is no JSON: %(why)s") % {"event": event, "why": wrong}) from None
    if len(text) > LARGEST:
        raise NotSendable(_("%(event)s: found %(found)d bytes, expected at most %(most)d") % {"event": event, "found": len(text), "most": LARGEST})
    made: dict[str, Any] = json.loads(text)
    return made


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()


def deliver_due(now: datetime) -> int:
    """Make the calls that are due; how many were taken. An endpoint that did not answer is left alone until the next
    round; after a restore all are, until an admin lets them be called."""
    if home.restored().get("held"):
        return 0
    taken, at, silent = 0, clock(now), set[int]()
    for _each in range(ROUND):
        call = claim(at(), silent)
        if call is None:
            break
        if make(call, at()):
            taken += 1
        else:
            silent.add(call.endpoint_id)
    return taken


def claim(now: datetime, without: Collection[int] = ()) -> OutgoingCall | None:
    """The next call that is due, now ours. In: without: endpoints that are left alone. One that cost every worker its life is given up."""
    due = Q(state=Sending.QUEUED, due_at__lte=now) | Q(state=Sending.SENDING, lease_until__lt=now)
    calls = OutgoingCall.objects.filter(due).exclude(endpoint__in=without).select_related("endpoint").order_by("due_at", "pk")
    while calls.exists():
        with transaction.atomic():
            rows = calls.select_for_update(skip_locked=True, of=("self",)) if connection.features.has_select_for_update_skip_locked else calls
            call = rows.first()
            if call is None:
                return None
            if call.attempts > len(WAITS):
                call.state, call.lease_until, call.reason = Sending.DEAD, None, _("every worker that took it was lost")
                call.save(update_fields=["state", "lease_until", "reason"])
                continue
            call.state, call.claim, call.attempts = Sending.SENDING, secrets.token_hex(16), call.attempts + 1
            call.lease_until = now + timedelta(seconds=LEASE)
            call.save(update_fields=["state", "claim", "attempts", "lease_until"])
            return call
    return None


def make(call: OutgoingCall, now: datetime) -> bool:
    """Make a claimed call and write down what came of it; whether it was taken."""
    status, why, lasting = None, "", False
    if call.endpoint.archived_at:
        why, lasting = _("the endpoint was removed"), True
    else:
        try:
            body, headers = content_of(call, now)
            status = post(url_of(call.endpoint), body, headers)
            why = "" if 200 <= status < 300 else _("answered %(status)s") % {"status": status}
            lasting = status == 410  # the other side is gone, and says so
        except (Unreachable, Unsealed) as error:
            why = str(error)
        except Exception as error:  # what nobody thought of costs this call an attempt, and the others nothing
            log.exception("call %s could not be made", call.pk)
            why = _("it could not be made: %(why)s") % {"why": f"{type(error).__name__}: {error}"}
    values: dict[str, Any] = {"lease_until": None, "status": status, "reason": why[:300]}
    if not why:
        values |= {"state": Sending.SENT, "sent_at": now}
    elif lasting or call.attempts > len(WAITS):
        values |= {"state": Sending.DEAD}
    else:
        values |= {"state": Sending.QUEUED, "due_at": now + timedelta(seconds=WAITS[call.attempts - 1] * random.uniform(1.0, 1.1))}
    OutgoingCall.objects.filter(pk=call.pk, claim=call.claim).update(**values)
    if why:
        log.warning("call %s was not taken, attempt %s", call.pk, call.attempts)
    return not why


def content_of(call: OutgoingCall, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers. A chat channel gets the text alone, as chats read it."""
    if call.endpoint.kind == "chat":
        return json.dumps({"text": str(call.payload.get("text") or call.event)}).encode(), {"Content-Type": "application/json"}
    body = json.dumps({"type": call.event, "timestamp": call.created_at.isoformat(), "data": call.payload}, separators=(",", ":")).encode()
    stamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json", "webhook-id": call.message_id, "webhook-timestamp": str(stamp),
        "webhook-signature": signature(secret_of(call.endpoint), call.message_id, stamp, body),
    }  # fmt: skip
    return body, headers


def secret_of(endpoint: Endpoint) -> str:
    """Raises Unsealed."""
    return unseal(SECRET, endpoint.secret)


def url_of(endpoint: Endpoint) -> str:
    """Where its calls go. Raises Unsealed."""
    return unseal(ADDRESS, endpoint.url)
