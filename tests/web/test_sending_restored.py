"""After a restore: what the backup calls waiting may have gone out since, so nothing leaves the house until an admin decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from laer.web import home
from laer.web.people.models import Act, AuditEvent
from laer.web.runs import digests
from laer.web.work import sending, sending_acts
from laer.web.work.models import OutgoingCall, OutgoingMail, Sending
from tests.cast import Cast
from tests.smtp_sink import Sink
from tests.web.sending import contact_of, set_up

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday


@pytest.fixture(autouse=True)
def mark() -> Iterator[None]:
    yield
    (home.home() / "restored.json").unlink(missing_ok=True)


def waiting(cast: Cast, key: str = "before") -> tuple[OutgoingMail, OutgoingCall]:
    """A mail and a call that wait in the backup."""
    contact = cast.landing.contacts.filter(name="Jo Berg").first() or contact_of(cast)
    mail = sending.queue_mail(key=key, template="value_note", account=cast.landing, contact=contact, values={"fact": "all is well."}, now=NOON)
    return mail, sending.queue_webhook(key=key, endpoint="crm", event="play.step", payload={"n": 1}, now=NOON)


@pytest.fixture
def book(cast: Cast, sink: Sink) -> Cast:
    set_up(cast.users["admin"], sink)
    sending_acts.add_endpoint(cast.users["admin"], "crm", "http://127.0.0.1:9/", "chat")
    return cast


def restore() -> None:
    home.note_restore()
    mails, calls = sending_acts.held_back()
    assert mails.count() == calls.count() == 0, "they are of the test's clock, which is ahead"
    OutgoingMail.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC), released_at=NOON)
    OutgoingCall.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))


def test_nothing_leaves_until_an_admin_says_what_is_to_go(book: Cast, sink: Sink) -> None:
    mail, call = waiting(book)
    restore()
    assert sending.deliver_due(NOON) == 0
    assert digests.queue_due(NOON) == 0
    with pytest.raises(sending.NotSendable, match="restored from a backup"):
        waiting(book, "another")
    call.refresh_from_db()
    assert (call.state, call.attempts) == (Sending.QUEUED, 0)
    page = book.client("admin").get("/settings/sending/").content.decode()
    assert "Waiting in the backup: 1 mail, 1 call." in page
    book.client("admin").post("/settings/sending/go-on/", {"do": "all"})
    assert "in the backup" not in book.client("admin").get("/settings/sending/").content.decode()
    assert sending.deliver_due(NOON) == 1
    assert [to for to, _content in sink.taken] == [mail.to]
    call.refresh_from_db()
    assert call.attempts == 1
    assert AuditEvent.objects.get(act=Act.SENDING_CHANGED, subject="restored").details["change"] == "let out"


def test_what_waited_is_dropped_and_what_is_new_goes_out(book: Cast, sink: Sink) -> None:
    mail, call = waiting(book)
    restore()
    book.client("admin").post("/settings/sending/go-on/", {"do": "drop"})
    new, _call = waiting(book, "another")
    assert sending.deliver_due(NOON) == 1
    for one in (mail, call, new):
        one.refresh_from_db()
    assert (mail.state, call.state, new.state) == (Sending.STOPPED, Sending.STOPPED, Sending.SENT)
    assert "dropped after the installation was restored" in mail.reason


def test_only_an_admin_decides_and_only_once(book: Cast) -> None:
    restore()
    assert book.client("lead").post("/settings/sending/go-on/", {"do": "all"}).status_code == 403
    assert home.restored()["held"]
    client = book.client("admin")
    client.post("/settings/sending/go-on/", {"do": "all"})
    assert "Nothing is held back" in client.post("/settings/sending/go-on/", {"do": "drop"}, follow=True).content.decode()


def test_numbers_that_come_again_carry_other_ids(book: Cast) -> None:
    """Runs begin anew at the number of the backup; who receives drops an id that it knows."""
    mail, call = waiting(book, "play:7:0")
    OutgoingMail.objects.all().delete()
    OutgoingCall.objects.all().delete()
    home.note_restore()
    home.end_hold()
    again, called = waiting(book, "play:7:0")
    assert again.message_id != mail.message_id
    assert called.message_id != call.message_id
