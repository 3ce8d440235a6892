"""Calls of other programs: signed, retried by a clock, given up where a person sees it, and made again from there."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from laer.web.people.models import Act, AuditEvent
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
        self.asked: list[str] = []
        self.answers: list[int] = []
        self.pauses: list[float] = []  # seconds before each answer
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ear.asked.append(self.path)
                time.sleep(ear.pauses.pop(0) if ear.pauses else 0)
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


class Drip:
    """Another program that says a letter of its header now and then, and is never done."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            line, _address = self.listener.accept()
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                line.sendall(b"a")
                time.sleep(0.1)


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


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "0.0.0.0", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]",
                                  "[::7f00:1]", "[fec0::1]", "[::ffff:0:127.0.0.1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]"])
def test_private_addresses_are_not_asked(cast: Cast, host: str) -> None:
    with pytest.raises(reaching.Unreachable, match="private network"):
        reaching.post(f"http://{host}:9/", b"{}", {})


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"])
def test_addresses_of_the_open_network_are(address: str) -> None:
    assert reaching._may_ask(ipaddress.ip_address(address))


def test_a_named_network_opens_what_leads_into_it(settings: Any) -> None:
    settings.PRIVATE_ADDRESSES = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("::1"))
    assert all(reaching._may_ask(ipaddress.ip_address(one)) for one in ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "::1"))
    assert not reaching._may_ask(ipaddress.ip_address("64:ff9b::a02:203"))


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


def test_an_address_with_letters_of_any_language_is_called_by_its_bytes(cast: Cast, ear: Ear) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url.replace("/hook?of=laer", "/häken/%41?an=lär&x=1"), "signed")
    ask()
    assert sending.deliver_due(NOON) == 1
    assert ear.asked == ["/h%C3%A4ken/%41?an=l%C3%A4r&x=1"]


def test_a_name_with_letters_of_any_language_is_asked_by_its_own_spelling() -> None:
    assert reaching._parts("https://münchen.example/x")[1] == "xn--mnchen-3ya.example"


def test_who_drips_an_answer_is_cut_off(cast: Cast, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "SECONDS", 1)
    drip, began = Drip(), time.monotonic()
    with pytest.raises(reaching.Unreachable, match="not within 1 seconds"):
        reaching.post(drip.url, b"{}", {})
    assert time.monotonic() - began < 5


def test_what_cannot_be_made_costs_its_own_attempts_and_no_other_call(cast: Cast, ear: Ear) -> None:
    """A header that no mail of ours can have: the id of the call was damaged in the book."""
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    sending_acts.add_endpoint(cast.users["admin"], "other", ear.url, "signed")
    bad, good = ask("bad"), ask("good", endpoint="other")
    OutgoingCall.objects.filter(pk=bad.pk).update(message_id="msg_\n1")
    assert sending.deliver_due(NOON) == 1
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (Sending.QUEUED, Sending.SENT)
    assert "it could not be made: ValueError" in bad.reason


def test_a_call_that_costs_every_worker_is_given_up(cast: Cast, ear: Ear) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    call, now = ask(), NOON
    for _worker in range(len(calls_out.WAITS) + 1):
        assert calls_out.claim(now) is not None
        now += timedelta(seconds=calls_out.LEASE + 1)
    assert calls_out.claim(now) is None
    call.refresh_from_db()
    assert (call.state, call.reason) == (Sending.DEAD, "every worker that took it was lost")


def test_an_endpoint_that_is_silent_is_asked_once_a_round(cast: Cast, ear: Ear) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "crm", ear.url, "signed")
    sending_acts.add_endpoint(cast.users["admin"], "other", ear.url, "signed")
    for at in range(5):
        ask(f"dead-{at}")
    ask("alive", endpoint="other")
    ear.answers = [503]
    assert sending.deliver_due(NOON) == 1
    assert len(ear.heard) == 2


def test_the_lease_of_a_call_counts_from_when_it_was_taken(cast: Cast, ear: Ear) -> None:
    """The second call of a slow round is not another worker's as soon as it is ours."""
    sending_acts.add_endpoint(cast.users["admin"], "slow", ear.url, "chat")
    sending_acts.add_endpoint(cast.users["admin"], "next", ear.url, "chat")
    first, second = ask("first", endpoint="slow"), ask("second", endpoint="next")
    ear.pauses = [1.2]
    assert sending.deliver_due(NOON) == 2
    first.refresh_from_db()
    second.refresh_from_db()
    assert second.sent_at - first.sent_at >= timedelta(seconds=1)


def test_the_address_is_sealed_and_its_host_stands_in_the_audit(cast: Cast, ear: Ear) -> None:
    """Whoever knows the address of a chat channel may write there."""
    made, _secret = sending_acts.add_endpoint(cast.users["admin"], "chat", "https://chat.example/services/T0/xyzzy", "chat")
    assert "xyzzy" not in "".join(str(value) for value in Endpoint.objects.values_list().get(pk=made.pk))
    assert calls_out.url_of(made) == "https://chat.example/services/T0/xyzzy"
    page = cast.client("admin").get("/settings/sending/endpoints/").content.decode()
    assert "chat.example" in page
    assert "xyzzy" not in page
    sending_acts.remove_endpoint(cast.users["admin"], made.pk)
    events = AuditEvent.objects.filter(act=Act.SENDING_CHANGED, subject="endpoint chat").order_by("pk")
    assert [event.details for event in events] == [{"change": "made", "kind": "chat", "host": "chat.example"}, {"change": "ended", "host": "chat.example"}]


def test_an_address_that_another_key_sealed_says_so(cast: Cast, ear: Ear, settings: Any) -> None:
    sending_acts.add_endpoint(cast.users["admin"], "chat", ear.url, "chat")
    call = ask(endpoint="chat")
    settings.SECRET_KEY = "another"
    assert sending.deliver_due(NOON) == 0
    call.refresh_from_db()
    assert "sealed with another key" in call.reason
