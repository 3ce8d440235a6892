"""From whom mail leaves the house and through what: set by an admin, tried by a test to an address of the allow-list, then let out.

A change of server, login, key or address makes the test void: nothing leaves before another one was taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.web import home
from laer.web.people.audit import log_event
from laer.web.people.company import firm
from laer.web.people.logins import is_address
from laer.web.people.mailing import Refusal, Taken, address_of, deliver
from laer.web.people.models import Act, MailSender, Provider, Security, User
from laer.web.people.roles import Refused, only_admins
from laer.web.people.sealing import Unsealed, seal, unseal

SECRET = "mail secret"
TRIED = ("address", "provider", "host", "port", "security", "login", "secret", "domain")  # what a test is taken with
LOGGED = ("name", "address", "provider", "host", "port", "security", "login", "domain", "site", "imprint", "allowed", "quiet_from", "quiet_until",
          "quiet_weekends", "most_a_week", "paused")  # fmt: skip
FIELDS = ("name", "address", "provider", "host", "port", "security", "login", "domain", "site", "imprint", "allowed", "quiet_from", "quiet_until",
          "most_a_week")  # fmt: skip
MOST_ALLOWED = 50


def sender() -> MailSender:
    """As it is set; an unsaved one where nobody has set any. One query."""
    return MailSender.objects.filter(pk=1).first() or MailSender(pk=1)


def may_send(found: MailSender | None = None) -> tuple[bool, str]:
    """Whether mail may leave, and if not, why, as a sentence. One query where no sender is handed in."""
    found = found or sender()
    if not found.address:
        return False, _("Nothing is sent: no sender is set. An admin sets one in Settings, Sending.")
    if home.restored().get("held"):
        return False, _("Nothing is sent: this installation was restored from a backup. An admin says in Settings, Sending what is to go.")
    if found.paused:
        return False, _("Nothing is sent: an admin has stopped it in Settings, Sending.")
    if not found.tested_at or found.tested_as != fingerprint(found):
        return False, _("Nothing is sent: no test mail was taken with these settings. An admin sends one in Settings, Sending.")
    return True, ""


def mail_is_sent() -> bool:
    """Whether links to join or to set a password reach people by mail: through the sender, or a backend that the environment names."""
    return settings.MAIL_IS_SENT or (settings.MAIL_BY_SENDER and may_send()[0])


def fingerprint(found: MailSender) -> str:
    said = {name: getattr(found, name) for name in TRIED}
    return sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def secret_of(found: MailSender) -> str:
    """Raises Unsealed."""
    return unseal(SECRET, found.secret) if found.secret else ""


def site() -> str:
    """How a link in a mail begins, without a slash at its end; "" where nobody has said."""
    return sender().site


@transaction.atomic
def save(by: User, given: Mapping[str, Any]) -> list[str]:
    """Write what an admin says of the sender; the names of the fields that changed. An empty secret leaves the one that is kept.

    Raises  Refused, PermissionDenied
    """
    only_admins(by)
    row, made = MailSender.objects.select_for_update().get_or_create(pk=1)
    values = read(given)
    secret = str(given.get("secret") or "").strip()
    if given.get("forget_secret"):
        values["secret"] = ""
    elif secret and secret != _kept(row):
        values["secret"] = seal(SECRET, secret)
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    before = {name: getattr(row, name) for name in changed}
    for name in changed:
        setattr(row, name, values[name])
    if changed or made:
        row.changed_at = timezone.now()
        row.save()
    for name in changed:  # a secret is named, never shown
        log_event(Act.SENDING_CHANGED, by, subject=name.replace("_", " "), details={"old": before[name], "new": values[name]} if name in LOGGED else {})
    return changed


@transaction.atomic
def pause(by: User, paused: bool) -> bool:
    """Stop all mail, or let it out again. Whether that changed anything."""
    only_admins(by)
    row = MailSender.objects.select_for_update().filter(pk=1).first()
    if row is None or row.paused == paused:
        return False
    row.paused = paused
    row.save(update_fields=["paused"])
    log_event(Act.SENDING_CHANGED, by, subject="paused", details={"old": not paused, "new": paused})
    return True


def test(by: User, to: str) -> None:
    """Send one mail to an address of the allow-list; where the server takes it, mail may leave from now on.

    Raises  Refused with what the server said, PermissionDenied
    """
    only_admins(by)
    found, to = sender(), to.strip().lower()
    if not found.address:
        raise Refused(_("Set a sender first: name, address and what the mail goes through"))
    if to not in found.allowed:
        raise Refused(_("Test to: found “%(found)s”, expected one of the allow-list: %(expected)s") % {
            "found": to, "expected": ", ".join(found.allowed) or _("it is empty, add one")})  # fmt: skip
    body = _("This is a test of laer's mail.\n\nIf you can read it, the mail server takes what laer sends, and mail may leave the house.\n")
    subject = _("Test mail from %(firm)s") % {"firm": firm().name or "laer"}
    try:
        told = deliver(found, secret_of(found), EmailMessage(subject, body, address_of(found), [to]))
    except Unsealed as unsealed:
        raise Refused(str(unsealed)) from None
    if not isinstance(told, Taken):
        log_event(Act.MAIL_TESTED, by, subject=to, details={"error": told.why[:300]})
        how = _("The server did not take it: %(why)s") if isinstance(told, Refusal) else _("It could not be sent: %(why)s")
        raise Refused(how % {"why": told.why})
    with transaction.atomic():
        MailSender.objects.filter(pk=1).update(tested_at=timezone.now(), tested_to=to, tested_as=fingerprint(found))
        log_event(Act.MAIL_TESTED, by, subject=to)


def read(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form. Raises Refused with what was found and expected."""
    text = {name: str(given.get(name) or "").replace("\0", "").strip() for name in FIELDS}
    problems = []
    for name, label, most in (("name", _("Name"), 120), ("host", _("Server"), 255), ("login", _("Login"), 255), ("domain", _("Domain"), 255),
                              ("imprint", _("Imprint"), 300)):  # fmt: skip
        if len(text[name]) > most:
            problems.append(_("%(field)s: found %(found)d characters; %(most)d fit.") % {"field": label, "found": len(text[name]), "most": most})
    if "\n" in text["name"] or "\r" in text["name"]:
        problems.append(_("Name: found two lines, expected one."))
    if not is_address(text["address"]):
        problems.append(_("Address: found “%(found)s”, expected one such as success@firm.example.") % {"found": text["address"][:80]})
    if text["provider"] not in Provider.values:
        problems.append(_("Through: found “%(found)s”, expected one of %(expected)s.") % {
            "found": text["provider"][:20], "expected": ", ".join(Provider.values)})  # fmt: skip
    if text["security"] not in Security.values:
        problems.append(_("Security: found “%(found)s”, expected one of %(expected)s.") % {
            "found": text["security"][:20], "expected": ", ".join(Security.values)})  # fmt: skip
    if text["provider"] == Provider.SMTP and not re.fullmatch(r"[A-Za-z0-9._:-]+", text["host"]):
        problems.append(_("Server: found “%(found)s”, expected a name such as smtp.firm.example.") % {"found": text["host"][:80]})
    if text["provider"] == Provider.MAILGUN and not text["domain"]:
        problems.append(_("Domain: Mailgun asks for the domain that sends."))
    numbers = {}
    for name, label, least, most in (("port", _("Port"), 1, 65535), ("quiet_from", _("Quiet from"), 0, 23), ("quiet_until", _("Quiet until"), 0, 23),
                                     ("most_a_week", _("Mails a week"), 1, 50)):  # fmt: skip
        said = text[name]
        if not (said.isascii() and said.isdigit() and len(said) < 9 and least <= int(said) <= most):
            problems.append(_("%(field)s: found “%(found)s”, expected a whole number from %(least)s to %(most)s.") % {
                "field": label, "found": said[:20], "least": least, "most": most})  # fmt: skip
        else:
            numbers[name] = int(said)
    site = text["site"].rstrip("/")
    parts = urlsplit(site) if site else None
    if parts is not None and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        problems.append(_("Address of laer: found “%(found)s”, expected one such as https://laer.firm.example.") % {"found": site[:80]})
    allowed = list(dict.fromkeys(one.lower() for one in re.split(r"[\s,;]+", text["allowed"]) if one))
    if wrong := [one for one in allowed if not is_address(one)]:
        problems.append(_("Allow-list: found “%(found)s”, expected addresses such as maya@firm.example.") % {"found": wrong[0][:80]})
    if len(allowed) > MOST_ALLOWED:
        problems.append(_("Allow-list: found %(found)d addresses; %(most)d fit.") % {"found": len(allowed), "most": MOST_ALLOWED})
    if problems:
        raise Refused(" ".join(problems))
    plain = {name: text[name] for name in ("name", "provider", "host", "security", "login", "domain", "imprint")}
    return plain | numbers | {"address": text["address"].lower(), "site": site, "allowed": allowed, "quiet_weekends": bool(given.get("quiet_weekends"))}


def _kept(row: MailSender) -> str:
    try:
        return secret_of(row)
    except Unsealed:
        return ""
