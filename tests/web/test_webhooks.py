"""Calls of other programs: signed, retried by a clock, given up where a person sees it, and made again from there."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from laer.web.people.roles import Refused
from laer.web.work import calls_out, reaching, sending, sending_acts
from laer.web.work.models import Endpoint, OutgoingCall, Sending
from tests.cast import Cast

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Ear:
    """Another program: what it heard, and how it answers."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ear.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(ear.answers.pop(0) if ear.answers else 204)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *said: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook?of=laer"


@pytest.fixture
def ear(settings: Any) -> Iterator[Ear]:
    settings.PRIVATE_ADDRESSES = (ipaddress.ip_network("127.0.0.1"),)
    made = Ear()
    yield made
    made.server.shutdown()
    made.server.server_close()


def ask(key: str = "run-1", **values: Any) -> OutgoingCall:
    given = {"key": key, "endpoint": "crm", "event": "play.step", "payload": {"account": "Willow Foods", "n": 1}, "now": NOON}
    return sending.queue_webhook(**given | values)


def test_a_call_is_signed_so_that_the_other_side_can_check_it(cast: Cast, ear: Ear) -> None:
    _made, secret = sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    call = ask()
    assert ask().pk == call.pk, "the same key is the same call"
    assert sending.deliver_due(NOON) == 1
    ((headers, body),) = ear.heard
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == call.message_id
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert json.loads(body) == {"type": "play.step", "timestamp": NOON.isoformat(), "data": {"account": "Willow Foods", "n": 1}}
    assert sending.deliver_due(NOON + timedelta(days=1)) == 0


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of the Standard Webhooks specification."""
    body = b'{"test": 2432232314}'
    assert calls_out.signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_call_that_is_not_taken_is_made_again_and_given_up_at_last(cast: Cast, ear: Ear) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    call, now, waited = ask(), NOON, []
    ear.answers = [503] * 20
    for _attempt in range(len(calls_out.WAITS) + 1):
        assert sending.deliver_due(now) == 0
        call.refresh_from_db()
        waited.append((call.due_at - now).total_seconds())
        now = call.due_at
    assert call.state == Sending.DEAD
    assert (call.status, call.reason) == (503, "answered 503")
    assert all(given <= found <= 1.1 * given for given, found in zip(calls_out.WAITS, waited, strict=False))
    assert sending.deliver_due(now + timedelta(days=30)) == 0
    assert len(ear.heard) == len(calls_out.WAITS) + 1
    assert len({headers["webhook-id"] for headers, _body in ear.heard}) == 1, "each attempt carries the same id"
    ear.answers = []
    sending_acts.replay_call(cast.users["admin"], call.pk)
    call.refresh_from_db()
    assert sending.deliver_due(call.due_at) == 1
    call.refresh_from_db()
    assert call.state == Sending.SENT


def test_who_says_that_it_is_gone_is_not_asked_again(cast: Cast, ear: Ear) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    call = ask()
    ear.answers = [410]
    sending.deliver_due(NOON)
    call.refresh_from_db()
    assert call.state == Sending.DEAD


def test_a_redirect_is_not_followed(cast: Cast, ear: Ear) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    call = ask()
    ear.answers = [302]
    sending.deliver_due(NOON)
    call.refresh_from_db()
    assert (call.state, call.reason) == (Sending.QUEUED, "answered 302")


def test_a_dead_worker_leaves_the_call_to_the_next(cast: Cast, ear: Ear) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    ask()
    assert calls_out.claim(NOON) is not None
    assert sending.deliver_due(NOON + timedelta(seconds=30)) == 0
    assert sending.deliver_due(NOON + timedelta(seconds=calls_out.LEASE + 1)) == 1


def test_a_chat_hears_the_text_alone(cast: Cast, ear: Ear) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "chat")
    ask(payload={"text": "Willow Foods is silent"})
    sending.deliver_due(NOON)
    ((headers, body),) = ear.heard
    assert json.loads(body) == {"text": "Willow Foods is silent"}
    assert "webhook-signature" not in headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "0.0.0.0"])
def test_private_addresses_are_not_asked(cast: Cast, host: str) -> None:
    with pytest.raises(reaching.Unreachable, match="private network"):
        reaching.post(f"http://{host}:9/", b"{}", {})


@pytest.mark.parametrize("url", ["ftp://a.example/", "http://", "javascript:alert(1)", "http://a b/", "http://me:you@a.example/", "http://a.example:x/"])
def test_an_address_of_no_program_is_refused(cast: Cast, url: str) -> None:
    with pytest.raises(Refused, match="Address"):
        sending_acts.add_endpoint(cast.users["admin"], "crm", url, "signed")
    assert not Endpoint.objects.exists()


def test_what_has_no_endpoint_or_is_no_json_says_so(cast: Cast, ear: Ear) -> None:
    with pytest.raises(sending.NotSendable, match="no endpoint “crm”; there is: none yet"):
        ask()
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    with pytest.raises(sending.NotSendable, match="no JSON"):
        ask(payload={"n": float("nan")})
    with pytest.raises(sending.NotSendable, match="expected at most"):
        ask(payload={"n": "x" * 200_000})


def test_the_secret_is_sealed_and_shown_once(cast: Cast, ear: Ear) -> None:
    page = cast.client("admin").post("/settings/sending/endpoints/", {"name": "crm", "url": ear.url, "kind": "signed"}, follow=True).content.decode()
    secret = calls_out.secret_of(Endpoint.objects.get())
    assert secret in page
    assert secret not in Endpoint.objects.get().secret
    assert secret not in cast.client("admin").get("/settings/sending/endpoints/").content.decode()
