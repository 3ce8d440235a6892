"""What Django itself sends (invitations, links to set a password) goes through the firm's sender, or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from laer.web.people import sender as senders
from laer.web.people.mailing import Taken, address_of, deliver
from laer.web.people.sealing import Unsealed


class SenderBackend(BaseEmailBackend):
    """Where no sender is set, or none was tried, nothing is sent and nothing is printed. Raises OSError where the server does not take a mail."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        found = senders.sender()
        if not senders.may_send(found)[0]:
            return 0
        sent = 0
        for message in email_messages:
            message.from_email = address_of(found)
            try:
                told = deliver(found, senders.secret_of(found), message)
            except Unsealed as unsealed:
                raise OSError(str(unsealed)) from None
            if isinstance(told, Taken):
                sent += 1
            elif not self.fail_silently:
                raise OSError(told.why)
        return sent
