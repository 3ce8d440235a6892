"""Costs and gross margins by hand: admins, leads and finance enter them, every change is in the change log, and the last one can be taken back.

A cost is a row per month, motion and kind. An empty amount is no cost of 0: the row is taken out, and its month says that nothing is
entered. Each write asks for a whole pass, for most costs are of no account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from laer.records.periods import first_day, month_number
from laer.records.types import COST_KINDS, COST_MOTIONS
from laer.web.book.actions import Refused, log_change, read_field
from laer.web.book.models import Cost, DirtyAccount, FieldChange, ImportRun, ImportState, Product
from laer.web.book.prepare import as_json
from laer.web.people.company import firm
from laer.web.people.models import User
from laer.web.wording import gettext_lazy

CREATED, NOW = "created", "now"  # the field by which the change log says that a row was made; the instant of the write
Write = tuple[Any, str, Any]  # row, field, value
MOTIONS = tuple(dict.fromkeys(COST_MOTIONS.values()))
KINDS = tuple(dict.fromkeys(COST_KINDS.values()))
MOTION_WORDS = {
    "land": gettext_lazy("Land"), "adopt": gettext_lazy("Adopt"), "expand": gettext_lazy("Expand"), "renew": gettext_lazy("Renew"),
    "support": gettext_lazy("Support"),
}  # fmt: skip
KIND_WORDS = {
    "pay": gettext_lazy("Pay"), "commission": gettext_lazy("Commission"), "tools": gettext_lazy("Tools"), "marketing": gettext_lazy("Marketing"),
    "services": gettext_lazy("Services"), "travel": gettext_lazy("Travel"), "other": gettext_lazy("Other"),
}  # fmt: skip


@dataclass(frozen=True)
class Entered:
    """One line of the form: of a row that is there, or of a new one (`cost` None), its texts as they were typed."""

    cost: int | None
    amount: str
    motion: str = ""
    kind: str = ""
    currency: str = ""


def allowed(user: User) -> User:
    """Raises PermissionDenied for who may not see costs."""
    if not user.is_authenticated or not user.may_see_costs:
        raise PermissionDenied
    return user


def save_month(user: User, month: date, lines: Sequence[Entered]) -> FieldChange | None:
    """Set the costs of a month as its form gives them, all or nothing. The last change, by which `undo` finds them; None where nothing changed.

    Raises  PermissionDenied, Refused where an amount does not read or a motion and kind stand twice
    """
    allowed(user)
    month = month.replace(day=1)
    there = {row.pk: row for row in Cost.objects.filter(month=month, archived_at=None)}
    taken = {(row.motion, row.kind) for row in there.values()}
    writes: list[Write] = []
    for line in lines:
        row = there.get(line.cost or 0)
        amount = _amount(line.amount)
        if row is not None and amount is None:
            writes.append((row, "archived_at", NOW))
        elif row is not None and amount is not None and Decimal(row.amount) != amount:
            writes.append((row, "amount", format(amount, "f")))
        elif line.cost is None and amount is not None:
            made = _made(line, month, amount)
            if (made.motion, made.kind) in taken:
                said = {"motion": MOTION_WORDS[made.motion], "kind": KIND_WORDS[made.kind]}
                raise Refused(_("%(motion)s, %(kind)s has an amount in this month already: change that one") % said)
            taken.add((made.motion, made.kind))
            writes.append((made, CREATED, None))
    return _written(user, writes)


def copy_month(user: User, month: date) -> FieldChange | None:
    """Enter in a month what the month before has and it has not. The last change; None where there is nothing to copy."""
    allowed(user)
    month = month.replace(day=1)
    there = {_place(row) for row in Cost.objects.filter(month=month, archived_at=None)}
    rows = [row for row in Cost.objects.filter(month=first_day(month_number(month) - 1), archived_at=None).order_by("id") if _place(row) not in there]
    copies = [
        Cost(month=month, motion=r.motion, kind=r.kind, person_id=r.person_id, account_id=r.account_id, amount=r.amount, currency=r.currency) for r in rows
    ]
    return _written(user, [(made, CREATED, None) for made in copies])


def set_margins(user: User, typed: Mapping[int, str]) -> FieldChange | None:
    """Gross margins of products in percent, as they were typed; empty is not entered. The last change, None where nothing changed."""
    allowed(user)
    products = {product.pk: product for product in Product.objects.filter(pk__in=list(typed), archived_at=None)}
    writes: list[Write] = []
    for number, text in typed.items():
        product = products.get(number)
        if product is None:
            continue
        percent = read_field("products", "margin", text.replace("%", ""))
        if percent is not None and not -100 <= Decimal(percent) <= 100:
            raise Refused(_("%(product)s: found %(text)s, expected a gross margin of at most 100 percent") % {"product": product.name, "text": text.strip()})
        before = None if product.margin is None else Decimal(product.margin)
        if before != (None if percent is None else Decimal(percent)):
            writes.append((product, "margin", percent))
    return _written(user, writes)


def undo(user: User, change_id: int) -> int:
    """Take back what was written with a change, all of it; how many rows went back.

    Raises  PermissionDenied where it is another's, Refused where one of them has changed since
    """
    allowed(user)
    last = FieldChange.objects.filter(pk=change_id, user=user, record__in=("costs", "products")).first()
    if last is None:
        raise PermissionDenied
    together = list(FieldChange.objects.filter(record=last.record, user=user, recorded_at=last.recorded_at, source="person").order_by("-id"))
    writes: list[Write] = []
    for change in together:
        row: Any = (Cost if change.record == "costs" else Product).objects.get(pk=change.object_id)
        now_is = row.archived_at is not None if change.field in ("archived_at", CREATED) else getattr(row, change.field)
        was = {"archived_at": True, CREATED: False}.get(change.field, change.new)
        if now_is != was:
            raise Refused(_("it has changed again since"))
        back = {"archived_at": None, CREATED: NOW}.get(change.field, change.old)
        writes.append((row, "archived_at" if change.field == CREATED else change.field, back))
    _written(user, writes)
    return len(writes)


def _written(user: User, writes: Sequence[Write]) -> FieldChange | None:
    """One transaction; all that is written with one instant belongs together."""
    if not writes:
        return None
    now = timezone.now()
    with transaction.atomic():
        changes = [_add(user, row, now) if name == CREATED else _set(user, row, name, now if value == NOW else value, now) for row, name, value in writes]
        DirtyAccount.objects.create(account_id=None, since=now)
    return changes[-1]


def _set(user: User, row: Cost | Product, name: str, value: Any, now: datetime) -> FieldChange:
    record = "costs" if isinstance(row, Cost) else "products"
    old = getattr(row, name)
    setattr(row, name, value)
    row.save(update_fields=[name])
    return log_change(user, record, row.pk, None, name, as_json(old), as_json(value), now)


def _add(user: User, row: Cost, now: datetime) -> FieldChange:
    row.created_at = now
    row.created_run = _by_hand(user, now)
    row.save()
    return log_change(user, "costs", row.pk, None, CREATED, None, f"{row.month:%Y-%m} {row.motion} {row.kind} {row.amount} {row.currency or ''}".strip(), now)


def _by_hand(user: User, now: datetime) -> ImportRun:
    return ImportRun.objects.get_or_create(
        source="person", kind="edit", user=user, created_at=now, defaults={"state": ImportState.DONE, "finished_at": now, "counts": {"costs": {"new": 1}}}
    )[0]


def _place(row: Cost) -> tuple[Any, ...]:
    return row.motion, row.kind, row.person_id, row.account_id


def _amount(text: str) -> Decimal | None:
    if not text.strip():
        return None
    amount = Decimal(read_field("costs", "amount", text))
    if amount < 0:
        raise Refused(_("Amount: found %(text)s, expected 0 or more") % {"text": text.strip()})
    return amount


def _made(line: Entered, month: date, amount: Decimal) -> Cost:
    if line.motion not in MOTIONS or line.kind not in KINDS:
        raise Refused(_("An amount without a motion and a kind: choose both"))
    currency = line.currency.strip().upper() or firm().currency
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise Refused(_("Currency: found %(text)s, expected three letters such as EUR") % {"text": line.currency.strip()[:20]})
    return Cost(month=month, motion=line.motion, kind=line.kind, amount=format(amount, "f"), currency=currency)

