"""What a template says of an account to a contact: names are looked up in the book, everything that is filled in is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import yaml
from babel.dates import format_date
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.plays.mail_template import VALUE, MailTemplate, Missing, as_html, filled
from laer.web.book import definitions
from laer.web.book.models import Account, Assignment, Contact, Contract
from laer.web.people.company import firm
from laer.web.people.formats import PLAIN, formats_of
from laer.web.people.models import Person

KIND = "mail_template"


class NotSendable(Exception):
    """It cannot be sent; the sentence says why and what to do."""


@dataclass(frozen=True)
class Rendered:
    """A mail as it is read, without what is below every mail (imprint, the link to unsubscribe)."""

    subject: str
    text: str
    html: str


def templates() -> list[Any]:
    """Definitions in force, by name: drafts and retired ones too. One query."""
    return definitions.in_force(KIND)


def template_of(name: str) -> MailTemplate:
    """One that is in use. Raises NotSendable with what there is."""
    rows = {row.name: row for row in templates()}
    row = rows.get(name)
    if row is None:
        raise NotSendable(_("There is no template “%(name)s”; there is: %(names)s") % {"name": name, "names": ", ".join(sorted(rows)) or _("none")})
    if row.status not in definitions.IN_USE:
        raise NotSendable(_("The template %(name)s is %(status)s: it is sent once it is in trial or stable") % {"name": row.title, "status": row.status})
    return read(row.text)


@lru_cache(maxsize=128)
def read(text: str) -> MailTemplate:
    return MailTemplate.model_validate(yaml.safe_load(text))


def render(template: str | MailTemplate, account: Account, contact: Contact, values: Mapping[str, str] = {}) -> Rendered:
    """What the contact would read. Raises NotSendable where the template is not there, or names of it have no value."""
    of = template if isinstance(template, MailTemplate) else template_of(template)
    known = known_of(account, contact) | {VALUE + key: str(value) for key, value in values.items()}
    try:
        subject, text = " ".join(filled(of.subject, known).split()), filled(of.body.strip(), known)
    except Missing as missing:
        said = ", ".join(f"{{{name}}}" for name in missing.names)
        why = _("%(template)s: nothing is known for %(names)s of %(account)s. Fill it in, or say in the template what stands instead: {name|instead}")
        raise NotSendable(why % {
            "template": of.name, "names": said, "account": account.name}) from None  # fmt: skip
    return Rendered(subject, text, as_html(text))


def known_of(account: Account, contact: Contact) -> dict[str, str]:
    """Name -> what the book says of it; what is unknown is empty. Three queries."""
    owner = owner_of(account)
    ends, notice = _renewal(account)
    return {
        "account.name": account.name, "account.domain": account.domain or "", "contact.name": contact.name or "",
        "contact.first_name": first_name(contact.name or ""),
        "contact.title": contact.title or "", "owner.name": owner.name if owner else "", "owner.first_name": first_name(owner.name) if owner else "",
        "owner.email": (owner.email or "") if owner else "", "firm.name": firm().name, "renewal.date": day(ends),
        "renewal.days": str((ends - timezone.localdate()).days) if ends else "", "notice.date": day(notice),
    }  # fmt: skip


def owner_of(account: Account) -> Person | None:
    """The account's CSM today. One query."""
    held = Assignment.objects.filter(account_id=account.pk, job="csm", until_on=None, archived_at=None).select_related("person").order_by("-id").first()
    return held.person if held else None


def first_name(name: str) -> str:
    """What somebody is called by: `Berg, Jo` and `Dr. Jo Berg` are Jo. "" for what is no name of a person."""
    last, comma, rest = name.partition(",")
    words = [word for word in (rest if comma else last).split() if not word.endswith(".")]
    return words[0] if words and "@" not in words[0] else ""


def day(on: date | None) -> str:
    """In the firm's own way of writing days, the month in words."""
    if on is None:
        return ""
    locale = formats_of().locale
    return format_date(on, "d MMMM y" if locale == PLAIN else "long", locale=locale)


def _renewal(account: Account) -> tuple[date | None, date | None]:
    """When the next contract of the account ends, and until when it can be given notice of. One query."""
    open_ = Contract.objects.filter(account_id=account.pk, archived_at=None, cancelled_on=None, renewed_by=None)
    found = open_.filter(end_on__gte=timezone.localdate()).order_by("end_on", "pk").values_list("end_on", "notice_on").first()
    return found or (None, None)
