"""The door through which anything leaves the house: who may go out, when, and what came of it."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection

from laer.web.people import company, sender
from laer.web.people.models import Company, Demo, MailSender
from laer.web.people.roles import Refused
from laer.web.work import mails_out, sending
from laer.web.work.mail_stops import mail_of, stopped, token_of, unsubscribe
from laer.web.work.models import MailStop, OutgoingMail, Sending
from tests.cast import Cast
from tests.smtp_sink import Sink
from tests.web.sending import FORM, contact_of, set_up

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday


def ask(cast: Cast, key: str = "run-1", **values: object) -> OutgoingMail:
    contact = values.pop("contact", None) or contact_of(cast)
    given = {"key": key, "template": "value_note", "account": cast.landing, "contact": contact, "values": {"fact": "all <is> well."}, "now": NOON}
    return sending.queue_mail(**given | values)  # type: ignore[arg-type]


def test_nothing_leaves_before_a_sender_is_set_and_a_test_was_taken(cast: Cast, sink: Sink) -> None:
    assert "no sender is set" in sending.may_send()[1]
    with pytest.raises(sending.NotSendable, match="no sender is set"):
        ask(cast)
    sender.save(cast.users["admin"], FORM | {"port": str(sink.port)})
    with pytest.raises(sending.NotSendable, match="no test mail was taken"):
        ask(cast)
    sender.test(cast.users["admin"], "ada@firm.example")
    assert sending.may_send() == (True, "")
    assert [to for to, _content in sink.taken] == ["ada@firm.example"]


def test_a_test_goes_to_the_allow_list_only_and_passes_only_when_it_is_taken(cast: Cast, sink: Sink) -> None:
    sender.save(cast.users["admin"], FORM | {"port": str(sink.port)})
    with pytest.raises(Refused, match=r"expected one of the allow-list: ada@firm.example, maya@firm.example"):
        sender.test(cast.users["admin"], "jo@willow.example")
    sink.said["RCPT"] = "550 no such user"
    with pytest.raises(Refused, match="550 no such user"):
        sender.test(cast.users["admin"], "ada@firm.example")
    assert not sending.may_send()[0]
    assert sink.taken == []


@pytest.mark.parametrize("change", [{"host": "localhost"}, {"secret": "another"}, {"address": "other@firm.example"}])
def test_another_server_or_key_asks_for_another_test(cast: Cast, sink: Sink, change: dict[str, str]) -> None:
    set_up(cast.users["admin"], sink)
    sender.save(cast.users["admin"], FORM | {"port": str(sink.port), "imprint": "moved house"})
    assert sending.may_send()[0], "what is below a mail changes no server"
    sender.save(cast.users["admin"], FORM | {"port": str(sink.port)} | change)
    assert "no test mail was taken" in sending.may_send()[1]


def test_the_password_is_sealed_and_an_empty_one_leaves_it(cast: Cast, sink: Sink) -> None:
    sender.save(cast.users["admin"], FORM | {"port": "25", "secret": "hunter-two"})
    row = MailSender.objects.get()
    assert "hunter-two" not in row.secret
    assert sender.secret_of(row) == "hunter-two"
    assert "secret" not in sender.save(cast.users["admin"], FORM | {"port": "25"})
    assert sender.secret_of(MailSender.objects.get()) == "hunter-two"


def test_a_mail_arrives_once_with_its_names_filled_in(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    first = ask(cast)
    assert ask(cast, values={"fact": "another"}).pk == first.pk, "the same key is the same mail"
    assert sending.deliver_due(NOON) == 1
    assert sending.deliver_due(NOON + timedelta(days=1)) == 0
    (message,) = sink.messages
    assert message["To"] == "jo@willow.example"
    assert message["From"] == "Success team <success@firm.example>"
    assert message["Subject"] == f"{cast.landing.name}: what you have reached so far"
    text, html = (part.get_payload(decode=True).decode() for part in message.get_payload())  # type: ignore[union-attr]
    assert "Hello Jo," in text
    assert "all <is> well." in text
    assert "all &lt;is&gt; well." in html
    assert "The firm, 1 Main Street" in text
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Unsubscribe"].strip() == f"<https://laer.firm.example/mail/stop/{token_of(first)}/>"
    first.refresh_from_db()
    assert (first.state, first.sent_at) == (Sending.SENT, NOON)
    assert message["Message-ID"] == first.message_id


def test_what_cannot_be_sent_says_why(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    for contact, said in ((contact_of(cast, email=""), "found nothing"), (contact_of(cast, email="jo at willow"), "found jo at willow"),
                          (contact_of(cast, cast.others), "no contact of")):  # fmt: skip
        with pytest.raises(sending.NotSendable, match=said):
            ask(cast, contact=contact)
    with pytest.raises(sending.NotSendable, match=r"no template “nothing”; there is: .*value_note"):
        ask(cast, template="nothing")
    with pytest.raises(sending.NotSendable, match=r"nothing is known for \{value.fact\}"):
        ask(cast, values={})
    assert not OutgoingMail.objects.exists()


def test_who_unsubscribed_is_written_to_no_more_even_where_a_mail_waits(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    contact = contact_of(cast)
    sent, waiting = ask(cast, "one", contact=contact), ask(cast, "two", contact=contact)
    OutgoingMail.objects.filter(pk=waiting.pk).update(due_at=NOON + timedelta(hours=1))
    sending.deliver_due(NOON)
    assert mail_of(token_of(sent)) == sent
    assert mail_of(token_of(sent) + "x") is None
    assert unsubscribe(sent)
    with pytest.raises(sending.NotSendable, match="Unsubscribed"):
        ask(cast, "three", contact=contact)
    sending.deliver_due(NOON + timedelta(hours=2))
    waiting.refresh_from_db()
    assert waiting.state == Sending.STOPPED
    assert len(sink.taken) == 1


def test_quiet_hours_are_those_of_the_contacts_country(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    cast.landing.country = "Japan"
    cast.landing.save()
    mail = ask(cast)  # noon in London is nine in the evening in Tokyo
    assert sending.deliver_due(NOON) == 0
    mail.refresh_from_db()
    assert mail.due_at == datetime(2026, 11, 25, 23, tzinfo=UTC)  # eight in the morning there
    assert "quiet hours" in mail.reason
    assert mail.attempts == 0
    assert sending.deliver_due(mail.due_at) == 1


def test_no_mail_goes_out_on_a_weekend(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    mail = ask(cast)
    friday = datetime(2026, 11, 27, 20, tzinfo=UTC)
    assert sending.deliver_due(friday) == 0
    mail.refresh_from_db()
    assert mail.due_at == datetime(2026, 11, 30, 8, tzinfo=UTC)


def test_plays_write_to_a_contact_so_often_a_week_and_people_as_they_like(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    contact = contact_of(cast)
    mails = [ask(cast, f"run-{at}", contact=contact, play="value") for at in range(3)]
    by_hand = ask(cast, "by hand", contact=contact)
    assert sending.deliver_due(NOON) == 3
    mails[2].refresh_from_db()
    by_hand.refresh_from_db()
    assert (mails[2].state, mails[2].due_at) == (Sending.QUEUED, NOON + timedelta(days=7))
    assert "2 mails of plays within seven days" in mails[2].reason
    assert by_hand.state == Sending.SENT
    assert sending.deliver_due(NOON + timedelta(days=7)) == 1


def test_a_server_that_is_away_is_asked_again_and_given_up_at_last(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    mail = ask(cast)
    sink.said["MAIL"] = "451 later please"
    now = NOON
    for _attempt in range(mails_out.ATTEMPTS):
        assert sending.deliver_due(now) == 0
        mail.refresh_from_db()
        now = mails_out.waits(mail, sender.sender(), mail.due_at) or mail.due_at  # type: ignore[assignment]
        now = now[0] if isinstance(now, tuple) else now
    assert mail.state == Sending.DEAD
    assert "451 later please" in mail.reason
    assert sink.taken == []


def test_a_refused_address_is_a_bounce_and_is_not_written_to_again(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    mail = ask(cast)
    sink.said["RCPT"] = "550 5.1.1 no such user"
    sending.deliver_due(NOON)
    mail.refresh_from_db()
    assert (mail.state, mail.bounced) == (Sending.FAILED, True)
    stop = stopped("jo@willow.example")
    assert stop is not None
    assert stop.why == "bounced"
    assert MailStop.objects.count() == 1


def test_a_content_that_is_refused_is_no_bounce(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    mail = ask(cast)
    sink.said["CONTENT"] = "554 looks like spam"
    sending.deliver_due(NOON)
    mail.refresh_from_db()
    assert (mail.state, mail.bounced, mail.reason) == (Sending.FAILED, False, "554 looks like spam")


def test_a_line_that_breaks_after_the_content_leaves_the_mail_unknown_for_ever(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    mail = ask(cast)
    sink.said["CONTENT"] = ""
    assert sending.deliver_due(NOON) == 0
    mail.refresh_from_db()
    assert mail.state == Sending.UNKNOWN
    sink.said.clear()
    assert sending.deliver_due(NOON + timedelta(days=30)) == 0
    assert len(sink.taken) == 1


def test_a_worker_that_died_before_handing_over_leaves_the_mail_to_the_next(cast: Cast, sink: Sink) -> None:
    found = set_up(cast.users["admin"], sink)
    ask(cast)
    assert mails_out.claim(found, NOON) is not None
    assert sending.deliver_due(NOON + timedelta(seconds=60)) == 0, "its lease still runs"
    assert sending.deliver_due(NOON + timedelta(seconds=mails_out.LEASE + 1)) == 1
    assert len(sink.taken) == 1


def test_who_lost_the_lease_hands_nothing_over(cast: Cast, sink: Sink) -> None:
    found = set_up(cast.users["admin"], sink)
    ask(cast)
    slow = mails_out.claim(found, NOON)
    assert slow is not None
    later = NOON + timedelta(seconds=mails_out.LEASE + 1)
    assert sending.deliver_due(later) == 1
    assert mails_out.send(slow, found, later) is None
    assert len(sink.taken) == 1


def test_a_dead_workers_mail_that_was_handed_over_is_listed_and_not_sent_again(cast: Cast, sink: Sink) -> None:
    found = set_up(cast.users["admin"], sink)
    ask(cast)
    mail = mails_out.claim(found, NOON)
    assert mail is not None
    OutgoingMail.objects.filter(pk=mail.pk).update(handed_over_at=NOON)
    assert sending.deliver_due(NOON + timedelta(seconds=mails_out.LEASE + 1)) == 0
    mail.refresh_from_db()
    assert mail.state == Sending.UNKNOWN
    assert "ended after it was handed over" in mail.reason
    assert sink.taken == []


def test_what_makes_no_mail_is_refused_and_holds_nothing_up(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    contact = contact_of(cast)
    bad, good = ask(cast, "bad", contact=contact), ask(cast, "good", contact=contact)
    OutgoingMail.objects.filter(pk=bad.pk).update(subject="two\nlines")
    assert sending.deliver_due(NOON) == 1
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (Sending.FAILED, Sending.SENT)


def test_a_mail_that_costs_every_worker_is_given_up(cast: Cast, sink: Sink) -> None:
    found, now = set_up(cast.users["admin"], sink), NOON
    mail = ask(cast)
    for _worker in range(mails_out.ATTEMPTS):
        assert mails_out.claim(found, now) is not None
        now += timedelta(seconds=mails_out.LEASE + 1)
    assert mails_out.claim(found, now) is None
    mail.refresh_from_db()
    assert mail.state == Sending.DEAD


def test_a_stopped_house_keeps_what_waits(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    ask(cast)
    sender.pause(cast.users["admin"], True)
    assert sending.deliver_due(NOON) == 0
    sender.pause(cast.users["admin"], False)
    assert sending.deliver_due(NOON) == 1


def test_the_people_of_the_demo_are_made_up_and_not_written_to(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    Company.objects.update_or_create(pk=1, defaults={"demo": Demo.SHOWN})
    company.refresh()
    with pytest.raises(sending.NotSendable, match=r"only addresses of the allow-list in Settings, Sending are written to, and jo@willow\.example is not one"):
        ask(cast)
    ask(cast, contact=contact_of(cast, email="Maya@firm.example"))
    assert sending.deliver_due(NOON) == 1
    assert [to for to, _content in sink.taken] == ["maya@firm.example"]


@pytest.mark.django_db(transaction=True)
def test_several_senders_together_keep_the_weekly_number(cast: Cast, sink: Sink) -> None:
    found = set_up(cast.users["admin"], sink, most_a_week="1")
    contact = contact_of(cast)
    for at in range(4):
        ask(cast, f"run-{at}", contact=contact, play="value")
    together, claimed = threading.Barrier(4), list[OutgoingMail | None]()

    def claim() -> None:
        try:
            together.wait()
            claimed.append(mails_out.claim(found, NOON))
        finally:
            connection.close()

    senders = [threading.Thread(target=claim) for _sender in range(4)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert len([mail for mail in claimed if mail is not None]) == 1
    assert OutgoingMail.objects.filter(state=Sending.SENDING).count() == 1
    assert OutgoingMail.objects.filter(due_at__gte=NOON + timedelta(days=7)).count() == 3


class Provider(BaseHTTPRequestHandler):
    """Postmark's interface, as far as one mail needs it: it answers what it is told to, and hangs up for 0."""

    status, heard = 200, []  # type: ignore[var-annotated]

    def do_POST(self) -> None:
        Provider.heard.append((self.headers["X-Postmark-Server-Token"], json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        if not Provider.status:
            self.connection.close()
            return
        to = Provider.heard[-1][1]["To"]
        said = {"ErrorCode": 0, "Message": "OK", "MessageID": "m-1", "To": to} if Provider.status == 200 else {"ErrorCode": 10, "Message": "no such key"}
        body = json.dumps(said).encode()
        self.send_response(Provider.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        pass


@pytest.mark.parametrize(("status", "state"), [(200, Sending.SENT), (422, Sending.FAILED), (401, Sending.QUEUED), (503, Sending.QUEUED), (0, Sending.UNKNOWN)])
def test_a_provider_takes_refuses_or_says_nothing(cast: Cast, sink: Sink, settings: Any, status: int, state: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.ANYMAIL = {"POSTMARK_API_URL": f"http://127.0.0.1:{server.server_address[1]}/"}
    Provider.status, Provider.heard = 200, []
    set_up(cast.users["admin"], sink, provider="postmark", secret="the-key")
    mail = ask(cast)
    Provider.status = status
    sending.deliver_due(NOON)
    server.shutdown()
    server.server_close()
    mail.refresh_from_db()
    assert mail.state == state
    assert [key for key, _said in Provider.heard] == ["the-key", "the-key"]
    assert Provider.heard[-1][1]["Subject"] == mail.subject
