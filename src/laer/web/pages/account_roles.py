"""Contacts with their dated roles: who is champion since when, where they stand, to whom they report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from laer.web.book.models import Contact, ContactRole
from laer.web.pages.account_rows import contact_row
from laer.web.people.formats import today
from laer.web.wording import gettext_lazy

STANCES = {"supporter": gettext_lazy("supporter"), "neutral": gettext_lazy("neutral"), "detractor": gettext_lazy("detractor")}
TONES = {"supporter": "good", "neutral": "", "detractor": "bad"}


def holds(one: ContactRole) -> bool:
    """Whether it is in force today: the day until which it holds is the first on which it does not."""
    return (one.from_on is None or one.from_on <= today()) and (one.until_on is None or one.until_on > today())


def with_roles(contacts: Iterable[Contact], roles: Iterable[ContactRole]) -> list[dict[str, Any]]:
    """Rows of contacts: those with a dated role have the roles that hold today, the others the one that stands on them. So do measures count."""
    dated: dict[int, list[ContactRole]] = {}
    for one in roles:
        dated.setdefault(one.contact_id, []).append(one)
    rows = []
    for contact in contacts:
        mine = dated.get(contact.pk)
        row = contact_row(contact) | {"contact_id": contact.pk}
        rows.append(row if mine is None else row | {"roles": list(dict.fromkeys(one.role for one in mine if holds(one)))})
    return rows


def role_row(one: ContactRole) -> dict[str, Any]:
    return {
        "id": one.pk, "contact": one.contact.name or one.contact.email, "role": one.role, "stance": STANCES.get(one.stance or "", ""),
        "tone": TONES.get(one.stance or "", ""), "reports_to": one.reports_to and one.reports_to.name, "from_on": one.from_on, "until_on": one.until_on,
        "ended": one.until_on is not None and one.until_on <= today(), "holds": holds(one),
    }  # fmt: skip
