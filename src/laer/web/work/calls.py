"""Calls of renewals: what a person expects of a contract that falls due. Each is a new dated row; the newest stands, and all stay as history."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from laer.web.book.actions import Refused, mark_dirty
from laer.web.book.models import Contract, FieldChange
from laer.web.book.prepare import exact
from laer.web.book.scope import editable_rows
from laer.web.people.company import firm
from laer.web.people.models import Person, User
from laer.web.people.typed import Unclear, typed_number
from laer.web.work.models import Category, Forecast
from laer.web.work.scope import visible_forecasts
from laer.web.work.writing import log_created

REASON, STEP, MANY = 300, 200, 200
NOTICES = {"": None, "yes": True, "no": False}
Renewal = tuple[int, date]  # contract, and the day on which it falls due


def call_renewals(user: User, renewals: Collection[Renewal], values: Mapping[str, str]) -> tuple[int, FieldChange | None]:
    """Call them, from the texts of a form: a category, and of one renewal an amount, notice, reason and next step.

    Of several at once only the category is given; the rest of each stays as its call before said. One that says what stands already is left out.
    Returns  how many were called, the change that undoes all of them
    Raises   PermissionDenied where the person may not edit an account, Refused where a text does not read
    """
    wanted = dict(renewals)
    if not wanted:
        raise Refused(_("tick a contract first"))
    if len(wanted) > MANY:
        raise Refused(_("found %(found)s contracts, expected at most %(most)s at once") % {"found": len(wanted), "most": MANY})
    contracts = {c.pk: c for c in Contract.objects.filter(editable_rows(user), pk__in=list(wanted), archived_at=None)}
    if set(contracts) != set(wanted):
        raise PermissionDenied
    read = read_call(values, alone=len(wanted) == 1 and "amount" in values)
    standing = standing_calls(user, contracts=list(wanted))
    now, person, last, done = timezone.now(), Person.objects.filter(user=user).first(), None, 0
    with transaction.atomic():
        for number, due_on in wanted.items():
            before = standing.get((number, due_on))
            kept = {name: getattr(before, name) for name in ("amount", "currency", "notice_given", "reason", "next_step")} if before else {}
            said = kept | read
            if before and all(getattr(before, name) == value for name, value in said.items()):
                continue
            contract = contracts[number]
            row = Forecast.objects.create(account_id=contract.account_id, contract=contract, due_on=due_on, person=person, created_by=user, at=now, **said)
            with override("en"):
                what = f"{Category(row.category).label}, {due_on.isoformat()}"
            last, done = log_created(user, "forecasts", row, what), done + 1
            mark_dirty(contract.account_id, now)
    return done, last


def read_call(values: Mapping[str, str], *, alone: bool) -> dict[str, Any]:
    category = values.get("category", "")
    if category not in Category.values:
        raise Refused(_("Call: found '%(found)s', expected one of %(expected)s") % {"found": category[:40], "expected": ", ".join(map(str, Category.labels))})
    read: dict[str, Any] = {"category": category}
    if not alone:
        return read
    try:
        amount: Decimal | None = typed_number(values.get("amount", ""))
    except Unclear as unclear:
        raise Refused(_("Amount: %(reason)s") % {"reason": unclear}) from None
    if amount is not None and not 0 <= amount < 10**15:
        raise Refused(_("Amount: found %(found)s, expected 0 or more") % {"found": amount})
    notice = values.get("notice_given", "")
    if notice not in NOTICES:
        raise Refused(_("Notice: found '%(found)s', expected one of %(expected)s") % {"found": notice[:40], "expected": "yes, no"})
    texts = {name: " ".join(values.get(name, "").split()) for name in ("reason", "next_step")}
    for name, limit, label in (("reason", REASON, _("Reason")), ("next_step", STEP, _("Next step"))):
        if len(texts[name]) > limit:
            raise Refused(_("%(label)s: found %(n)s characters, expected at most %(limit)s") % {"label": label, "n": len(texts[name]), "limit": limit})
    said = None if amount is None else exact(amount)
    return read | {"amount": said, "currency": firm().currency if said is not None else None, "notice_given": NOTICES[notice]} | texts


def standing_calls(
    user: User, *, contracts: Collection[int] | None = None, until: datetime | None = None, since: date | None = None, last: date | None = None
) -> dict[Renewal, Forecast]:
    """The call that stands for each renewal, of accounts that the person may see, as of an instant. One query.

    In   contracts  None: of all;  since, last  due days, both counted
    """
    rows = visible_forecasts(user).filter(by="person")
    if contracts is not None:
        rows = rows.filter(contract_id__in=list(contracts))
    if until is not None:
        rows = rows.filter(at__lt=until)
    if since is not None:
        rows = rows.filter(due_on__gte=since)
    if last is not None:
        rows = rows.filter(due_on__lte=last)
    return {(row.contract_id, row.due_on): row for row in rows.order_by("at", "id")}


def all_standing() -> dict[Renewal, Forecast]:
    """The call that stands for each renewal of the whole book, for the command line. One query."""
    rows = Forecast.objects.filter(by="person", archived_at=None, account__archived_at=None)
    return {(row.contract_id, row.due_on): row for row in rows.order_by("at", "id")}


def calls_of(user: User, contract: int, due_on: date) -> list[Forecast]:
    """All calls of one renewal, the newest first. One query."""
    return list(visible_forecasts(user).filter(contract_id=contract, due_on=due_on).select_related("person").order_by("-at", "-id"))
