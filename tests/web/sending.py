"""A firm whose mail goes to a sink on this machine, for tests of what leaves the house."""

from __future__ import annotations

from laer.web.book.models import Account, Contact
from laer.web.people import sender
from laer.web.people.models import MailSender, User
from tests.cast import Cast
from tests.smtp_sink import Sink

FORM = {
    "name": "Success team", "address": "success@firm.example", "provider": "smtp", "host": "127.0.0.1", "security": "none", "site": "https://laer.firm.example",
    "allowed": "ada@firm.example, maya@firm.example", "quiet_from": "19", "quiet_until": "8", "quiet_weekends": "on", "most_a_week": "2", "imprint": "The firm, 1 Main Street",
}  # fmt: skip


def set_up(admin: User, sink: Sink, **values: str) -> MailSender:
    """A sender that was tried; the sink's first mail, the test, is taken out of it."""
    sender.save(admin, FORM | {"port": str(sink.port)} | values)
    sender.test(admin, "ada@firm.example")
    sink.taken.clear()
    return sender.sender()


def contact_of(cast: Cast, account: Account | None = None, **values: str) -> Contact:
    given = {"name": "Jo Berg", "email": "jo@willow.example"} | values
    return Contact.objects.create(account=account or cast.landing, created_at=cast.landing.created_at, **given)
