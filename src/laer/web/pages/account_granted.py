"""The account's users of the product, what it may use, and its invoices: as files stated them, each list with its source and as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from laer.web.book import queries, whole
from laer.web.book.models import Account, Invoice
from laer.web.pages.exports import Money
from laer.web.people.company import firm
from laer.web.people.formats import today
from laer.web.people.models import User
from laer.web.runs.models import PassRun
from laer.web.templatetags.laer import ago, day

SIDES = {True: gettext_lazy("one of ours"), False: gettext_lazy("theirs")}


def granted_of_account(request: HttpRequest, user: User, row: Account, run: PassRun | None, editor: bool, owners: list[Any]) -> dict[str, Any]:
    """Context of `pages/account_granted.html`. Three queries."""
    given = request.GET.get("more", "")
    more = min(int(given), queries.MOST) if given.isascii() and given.isdigit() and len(given) < 4 and given != "0" else 1
    users, rights, bills = queries.product_users(row.pk, more), queries.entitlements(row.pk, more), queries.invoices(row.pk, more)
    further = users.more or rights.more or bills.more
    return {
        "users": [_user(one) | _source(one, user) for one in users.rows],
        "rights": [_right(one) | _source(one, user) for one in rights.rows],
        "bills": [_bill(one) | _source(one, user) for one in bills.rows],
        "import_url": reverse("import") if user.may_import else None,
        "more_url": f"?tab=granted&more={more + 1}" if further and more < queries.MOST else None,
    }


def _source(row: Any, user: User) -> dict[str, Any]:
    """Who stated it: the import, with its page for who may import."""
    made = row.created_run
    if made is None:
        return {"source": None, "source_url": None}
    return {"source": made.source, "source_url": reverse("import_result", args=[made.pk]) if user.may_import and made.kind == "import" else None}


def _user(one: Any) -> dict[str, Any]:
    return {
        "user_id": one.user_id, "name": one.name or (one.contact and one.contact.name), "team": one.team, "side": SIDES.get(one.is_internal),
        "added_on": one.added_on, "left_on": one.deactivated_on, "ended": one.deactivated_on is not None and one.deactivated_on <= today(),
    }  # fmt: skip


def _right(one: Any) -> dict[str, Any]:
    ended, ahead = one.until_on is not None and one.until_on <= today(), one.from_on is not None and one.from_on > today()
    return {
        "name": one.name, "granted": None if one.granted is None else Decimal(one.granted), "unit": one.unit or "",
        "product": one.product and one.product.name, "contract": one.contract and one.contract.name, "from_on": one.from_on, "until_on": one.until_on,
        "ended": ended, "state": _("ended") if ended else _("not begun") if ahead else _("in force"), "tone": "" if ended else "info" if ahead else "good",
    }  # fmt: skip


def _bill(one: Invoice) -> dict[str, Any]:
    words, tone = bill_state(one, today())
    return {
        "number": one.number or _("without a number"), "issued_on": one.issued_on, "due_on": one.due_on, "paid_on": one.paid_on,
        "amount": Decimal(one.amount), "currency": one.currency or firm().currency, "words": words, "tone": tone,
    }  # fmt: skip


def bill_state(one: Invoice, now: date) -> tuple[str, str]:
    """What became of an invoice, by the rule of docs/methods/payments.md, and its tone."""
    if one.voided_on is not None or one.status == "void":
        return _("taken back"), ""
    if one.paid_on is not None:
        late = one.due_on is not None and one.paid_on > one.due_on
        return (_("paid late"), "warn") if late else (_("paid"), "good")
    if one.status == "paid":
        return _("paid, nobody says when"), "good"
    if Decimal(one.amount) <= 0:
        return _("credit"), ""
    if one.due_on is not None and one.due_on < now:
        return _("overdue since %(day)s, %(ago)s") % {"day": day(one.due_on), "ago": str(ago(one.due_on)).lower()}, "bad"
    return _("open"), "info"


Rows = Iterator[Sequence[Any]]


def user_rows(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    return (
        (u.user_id, u.name, u.contact and u.contact.email, u.team, None if u.is_internal is None else "yes" if u.is_internal else "no", u.added_on,
         u.deactivated_on) for u in whole.all_product_users(row.pk)
    )  # fmt: skip


def right_rows(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    return (
        (e.name, None if e.granted is None else Decimal(e.granted), e.unit, e.product and e.product.name, e.contract and e.contract.name, e.from_on, e.until_on)
        for e in whole.all_entitlements(row.pk)
    )


def bill_rows(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    for one in whole.all_invoices(row.pk):
        currency = one.currency or firm().currency
        yield one.number, one.issued_on, one.due_on, one.paid_on, one.voided_on, Money(Decimal(one.amount), currency), currency, one.status
