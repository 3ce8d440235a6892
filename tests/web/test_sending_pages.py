"""Settings, Sending; the list of mails; the page that a contact's link opens; and mails on an account's timeline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from laer.web.people import sender
from laer.web.people.models import AuditEvent, MailSender
from laer.web.work import sending
from laer.web.work.mail_stops import stopped, token_of
from laer.web.work.models import OutgoingMail, Sending
from tests.cast import Cast
from tests.smtp_sink import Sink
from tests.web.sending import FORM, contact_of, set_up

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def ask(cast: Cast, key: str = "run-1") -> OutgoingMail:
    given = {"key": key, "template": "value_note", "account": cast.landing, "contact": contact_of(cast), "values": {"fact": "it works."}, "by": cast.people["csm"]}
    return sending.queue_mail(**given, now=NOON)  # type: ignore[arg-type]


def test_an_admin_sets_a_sender_tests_it_and_mail_leaves_the_house(cast: Cast, sink: Sink) -> None:
    browser = cast.client("admin")
    assert "Nothing leaves the house" in browser.get("/settings/sending/").content.decode()
    said = browser.post("/settings/sending/", FORM | {"port": str(sink.port), "secret": "hunter-two", "login": ""}, follow=True).content.decode()
    assert "Sender saved" in said
    assert "hunter-two" not in said
    sender.save(cast.users["admin"], FORM | {"port": str(sink.port), "forget_secret": "1"})  # the sink asks for no login
    said = browser.post("/settings/sending/test/", {"to": "maya@firm.example"}, follow=True).content.decode()
    assert "Mail leaves the house" in said
    assert len(sink.taken) == 1
    assert "hunter-two" not in "".join(str(one.details) for one in AuditEvent.objects.all())


def test_a_form_that_does_not_read_says_all_that_is_wrong_and_keeps_what_was_typed(cast: Cast) -> None:
    answer = cast.client("admin").post("/settings/sending/", FORM | {"port": "many", "address": "nobody", "allowed": "ada at firm"})
    said = answer.content.decode()
    assert answer.status_code == 422
    assert "Address: found “nobody”" in said
    assert "Port: found “many”" in said
    assert 'value="nobody"' in said
    assert not MailSender.objects.exists()


def test_who_opens_the_link_below_a_mail_stops_it_with_one_press(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    address = f"/mail/stop/{token_of(ask(cast))}/"
    stranger = Client(enforce_csrf_checks=True)
    assert "One press" in stranger.get(address).content.decode()
    assert stopped("jo@willow.example") is None, "looking changes nothing"
    assert stranger.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert stopped("jo@willow.example") is not None
    stranger.post(address, {"again": "1"})
    assert stopped("jo@willow.example") is None
    assert stranger.get("/mail/stop/1:wrong/").status_code == 410


def test_the_timeline_and_the_list_show_a_mail_to_those_who_may_see_the_account(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    mail = ask(cast)
    sending.deliver_due(NOON)
    feed = cast.client("csm").get(f"/accounts/{cast.landing.pk}/?tab=feed&kind=mail").content.decode()
    assert "what you have reached so far" in feed
    assert "mail to Jo Berg" in feed
    assert "it works." in cast.client("csm").get(f"/mails/{mail.pk}/").content.decode()
    assert "jo@willow.example" in cast.client("csm").get("/mails/").content.decode()
    assert "jo@willow.example" not in cast.client("outsider").get("/mails/").content.decode()
    assert cast.client("outsider").get(f"/mails/{mail.pk}/").status_code == 404
    assert "jo@willow.example" in b"".join(cast.client("csm").get("/mails/?format=csv").streaming_content).decode()


def test_an_unknown_mail_is_listed_until_a_person_says_what_is_true(cast: Cast, sink: Sink) -> None:
    set_up(cast.users["admin"], sink)
    mail = ask(cast)
    sink.said["CONTENT"] = ""
    sending.deliver_due(NOON)
    assert "1 mail may or may not have arrived" in cast.client("csm").get("/mails/").content.decode()
    assert cast.client("viewer").post(f"/mails/{mail.pk}/do/", {"do": "again"}).status_code == 404
    cast.client("csm").post(f"/mails/{mail.pk}/do/", {"do": "again"})
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == (Sending.QUEUED, 0)
    cast.client("csm").post(f"/mails/{mail.pk}/do/", {"do": "stop"})
    mail.refresh_from_db()
    assert mail.state == Sending.STOPPED


def test_a_template_is_seen_as_the_contact_of_any_account_would_read_it(cast: Cast) -> None:
    contact_of(cast, cast.renewing, name="Quinn <b>Bold</b>")
    page = cast.client("lead").get("/settings/sending/templates/renewal_t90/?account=vantage&value-proposal=the+same+again").content.decode()
    assert "the same again" in page
    assert "<b>Bold" not in page
    assert "nothing is known for {renewal.date}" in cast.client("lead").get("/settings/sending/templates/renewal_t90/?account=quarry").content.decode()
    assert cast.client("csm").get("/settings/sending/templates/renewal_t90/").status_code == 403


def test_an_invitation_goes_through_the_sender_once_it_was_tried(cast: Cast, sink: Sink, settings: Any) -> None:
    settings.EMAIL_BACKEND = "laer.web.people.mail_backend.SenderBackend"  # as an installation has it; Django's tests put another in its place
    assert "Send invitation" not in cast.client("admin").get("/settings/people/").content.decode()
    set_up(cast.users["admin"], sink)
    assert "Send invitation" in cast.client("admin").get("/settings/people/").content.decode()
    cast.client("admin").post("/settings/people/invite/", {"email": "new@firm.example", "name": "New", "role": "member", "by": "mail"})
    (message,) = sink.messages
    assert message["To"] == "new@firm.example"
    assert message["From"] == "Success team <success@firm.example>"
    assert "/invitation/" in message.get_payload(decode=True).decode()  # type: ignore[union-attr]
