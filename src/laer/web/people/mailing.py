"""One message handed to a mail server or to a provider, and what came of it: taken, refused, not reached, or nobody knows.

Between the moment in which a message is handed over and the answer, a lost line leaves open whether it was taken. Whoever sends says what
is to be written down just before that moment (`handing`), so that a message is never handed over twice.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formataddr, make_msgid
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.core.mail import EmailMessage, get_connection

from laer.web.people.models import MailSender, Provider, Security

SECONDS = 30  # that a server may keep silent
BACKENDS = {one: f"anymail.backends.{one}.EmailBackend" for one in Provider.values if one != Provider.SMTP}
KEYS = {"postmark": "server_token", "mailgun": "api_key", "resend": "api_key", "brevo": "api_key", "sendgrid": "api_key"}  # what each calls its secret


@dataclass(frozen=True)
class Taken:
    """The server took it."""


@dataclass(frozen=True)
class Refusal:
    """It was not taken, for certain. `lasting`: asking again would be refused again; `bounced`: it is the address that was refused."""

    why: str
    lasting: bool
    bounced: bool = False


@dataclass(frozen=True)
class Unreached:
    """The message was not handed over at all: the server is away, or does not let us in."""

    why: str


@dataclass(frozen=True)
class Unknown:
    """It was handed over and no answer came."""

    why: str


Told = Taken | Refusal | Unreached | Unknown


def address_of(found: MailSender) -> str:
    return formataddr((found.name, found.address))


def domain_of(found: MailSender) -> str:
    return found.address.rpartition("@")[2] or "localhost"


def deliver(found: MailSender, secret: str, message: EmailMessage, handing: Callable[[], None] = lambda: None) -> Told:
    """Hand one message with one addressee over. What `handing` raises goes through, and nothing was handed over."""
    message.extra_headers.setdefault("Message-ID", make_msgid(domain=domain_of(found)))
    return _by_smtp(found, secret, message, handing) if found.provider == Provider.SMTP else _by_provider(found, secret, message, handing)


class _Noting:
    """Mixed into a client of smtplib: says when the content is about to be handed over."""

    handing: Callable[[], None] | None = None
    handed = False

    def data(self, msg: Any) -> Any:
        if self.handing is not None:
            self.handing()
        self.handed = True
        return super().data(msg)  # type: ignore[misc]


class _Plain(_Noting, smtplib.SMTP):
    pass


class _Tls(_Noting, smtplib.SMTP_SSL):
    pass


def _by_smtp(found: MailSender, secret: str, message: EmailMessage, handing: Callable[[], None]) -> Told:
    whole: Any = message.message()  # Django's own class, whose lines end as SMTP has them
    content = whole.as_bytes(linesep="\r\n")
    try:
        client = _client(found, secret)
    except (smtplib.SMTPException, OSError) as error:
        return Unreached(_words(error))
    client.handing = handing
    try:
        client.sendmail(found.address, message.recipients(), content)
    except smtplib.SMTPRecipientsRefused as refused:
        code, text = next(iter(refused.recipients.values()))
        return Refusal(_answer(code, text), lasting=code >= 500, bounced=code >= 500)
    except smtplib.SMTPResponseException as refused:  # the server answered, so it has not taken it
        return Refusal(_answer(refused.smtp_code, refused.smtp_error), lasting=refused.smtp_code >= 500)
    except (smtplib.SMTPException, OSError) as error:
        return Unknown(_words(error)) if client.handed else Unreached(_words(error))
    finally:
        _close(client)
    return Taken()


def _client(found: MailSender, secret: str) -> _Plain | _Tls:
    """A line that is open and let in. It names the sender's own domain: a machine's full name is asked of a name server, for seconds where none answers."""
    name, context = domain_of(found), ssl.create_default_context()
    if found.security == Security.TLS:
        client: _Plain | _Tls = _Tls(found.host, found.port, local_hostname=name, timeout=SECONDS, context=context)
    else:
        client = _Plain(found.host, found.port, local_hostname=name, timeout=SECONDS)
    try:
        if found.security == Security.STARTTLS:
            client.starttls(context=context)
        if found.login or secret:
            client.login(found.login, secret)
    except BaseException:
        client.close()
        raise
    return client


def _close(client: smtplib.SMTP) -> None:
    try:
        client.quit()
    except (smtplib.SMTPException, OSError):  # the message was taken or not; how the line ends says nothing of it
        client.close()


def _by_provider(found: MailSender, secret: str, message: EmailMessage, handing: Callable[[], None]) -> Told:
    options: dict[str, Any] = {KEYS[found.provider]: secret}
    if found.provider == Provider.MAILGUN:
        options["sender_domain"] = found.domain
    connection = get_connection(BACKENDS[found.provider], **options)
    handing()
    try:
        connection.send_messages([message])
    except AnymailRecipientsRefused as refused:
        return Refusal(_words(refused), lasting=True, bounced=True)
    except AnymailAPIError as error:
        code = getattr(error, "status_code", None)
        if code is None:  # no answer came
            return Unknown(_words(error))
        return Refusal(_words(error), lasting=400 <= code < 500 and code not in (401, 403, 408, 429))
    except AnymailError as error:  # it cannot be said in the provider's terms: it never left
        return Refusal(_words(error), lasting=True)
    except OSError as error:
        return Unknown(_words(error))
    return Taken()


def _words(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return " ".join(str(error).split())[:300] or type(error).__name__


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {' '.join(said.split())}"[:300]
