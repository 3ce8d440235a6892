"""What the account page shows, each part bounded. Amounts are exact until they are rounded here for display.

Every function says how many queries it causes; `tests/web/query_budgets.json` holds the sums per page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from laer.records.money import minor_units, rounded
from laer.records.record import record_type
from laer.web.book.models import (
    Account,
    Assignment,
    ChurnEvent,
    Contact,
    ContactRole,
    Contract,
    CustomField,
    Entitlement,
    ExternalId,
    FieldChange,
    ImportRun,
    Invoice,
    ProductUser,
    Subscription,
    SubscriptionLine,
    SurveyResponse,
    Ticket,
)  # fmt: skip
from laer.web.book.scope import editable_accounts, visible_accounts
from laer.web.people.company import firm
from laer.web.people.models import Person, User
from laer.web.record_words import column_text, record_label

SHOWN = 50  # rows of a part, before somebody asks for more
MOST = 20  # times that
LINES = 2_000
# What people do is logged here too, and is no record of the book.
WORK = {
    "tasks": gettext_lazy("task"), "touches": gettext_lazy("touch"), "forecasts": gettext_lazy("renewal call"), "overrides": gettext_lazy("override of a band"),
    "episode_answers": gettext_lazy("answer to a signal"), "risks": gettext_lazy("risk"), "play_runs": gettext_lazy("play"),
    "positions": gettext_lazy("position"), "text_sentiments": gettext_lazy("sentiment of a text"), "task_templates": gettext_lazy("task template"),
}  # fmt: skip
CLOSED = ("closed", "solved", "resolved", "done", "cancelled", "canceled")


@dataclass(frozen=True)
class Part:
    """Rows of one part of the page; `more` says that there are further ones."""

    rows: list[Any]
    more: bool


@dataclass(frozen=True)
class Counts:
    """How many rows of each kind an account has."""

    contacts: int
    subscriptions: int
    tickets: int


def account_for(user: User, account_id: int) -> Account | None:
    """The account, where the person may see it; an archived one where they may restore it. One query, two where it is not there.

    It carries its counts (`counts_of`).
    """
    counted = _counted(visible_accounts(user)).filter(pk=account_id).first()
    return counted or _counted(editable_accounts(user, archived=True)).filter(pk=account_id).first()


def counts_of(account: Account) -> Counts:
    """Of an account that `account_for` gave. No query."""
    there = vars(account)
    return Counts(*(there[f"n_{name}"] or 0 for name in ("contacts", "subscriptions", "tickets")))


def may_edit(user: User, account: Account) -> bool:
    """Whether the person may edit it (an archived one: restore it). One query, none for people who edit everything or nothing."""
    if not user.may_edit or user.role in ("admin", "lead"):
        return user.may_edit
    return editable_accounts(user, archived=account.archived_at is not None).filter(pk=account.pk).exists()


def owners_of(account_id: int) -> list[Assignment]:
    """Who had which job, those in force first, then the latest. One query."""
    rows = Assignment.objects.filter(account_id=account_id, archived_at=None).select_related("person")
    today = timezone.localdate()
    # given and taken on one day: it never held a day
    held = [a for a in rows.order_by("-id")[:SHOWN] if a.from_on is None or a.until_on is None or a.until_on > a.from_on]
    return sorted(held, key=lambda a: (not in_force(a.from_on, a.until_on, today), a.job != "csm", -(a.from_on or date.min).toordinal()))


def current_owner(assignments: Iterable[Assignment]) -> str | None:
    today = timezone.localdate()
    return next((a.person.name for a in assignments if a.job == "csm" and in_force(a.from_on, a.until_on, today)), None)


def people() -> list[tuple[int, str]]:
    """Whom an account can be given to. One query."""
    return list(Person.objects.filter(archived_at=None).order_by("name", "id").values_list("id", "name")[:1_000])


def find_people(text: str, most: int) -> list[tuple[int, str]]:
    """Colleagues whose name holds every word. One query."""
    named = Person.objects.filter(archived_at=None)
    for word in text.split()[:8]:
        named = named.filter(name__icontains=word)
    return list(named.order_by("name", "id").values_list("id", "name")[:most])


def person_name(person_id: int) -> str | None:
    """One query."""
    return Person.objects.filter(pk=person_id).values_list("name", flat=True).first()


def contacts(account_id: int, more: int = 1, size: int = SHOWN) -> Part:
    """One query."""
    return _part(Contact.objects.filter(account_id=account_id, archived_at=None).order_by("name", "id"), more, size)


def contact_roles(account_id: int, more: int = 1) -> Part:
    """Roles of contacts with their days, those in force first, then the latest to end. One query."""
    rows = ContactRole.objects.filter(account_id=account_id, contact__archived_at=None, archived_at=None).select_related("contact", "reports_to")
    return _part(rows.order_by(F("until_on").desc(nulls_first=True), "contact__name", "id"), more)


def product_users(account_id: int, more: int = 1) -> Part:
    """Users of the product, those who left last. One query."""
    rows = ProductUser.objects.filter(account_id=account_id, archived_at=None).select_related("contact", "created_run")
    return _part(rows.order_by(F("deactivated_on").desc(nulls_first=True), "name", "user_id", "id"), more)


def entitlements(account_id: int, more: int = 1) -> Part:
    """What is granted, an open end before all, then the latest to end. One query."""
    rows = Entitlement.objects.filter(account_id=account_id, archived_at=None).select_related("product", "contract", "created_run")
    return _part(rows.order_by(F("until_on").desc(nulls_first=True), "name", "id"), more)


def invoices(account_id: int, more: int = 1) -> Part:
    """Newest first. One query."""
    return _part(Invoice.objects.filter(account_id=account_id, archived_at=None).select_related("created_run").order_by("-issued_on", "-id"), more)


def contracts(account_id: int, more: int = 1) -> Part:
    """Contracts, the latest end first, an open end before all. One query."""
    rows = Contract.objects.filter(account_id=account_id, archived_at=None)
    return _part(rows.order_by(F("end_on").desc(nulls_first=True), "-id"), more)


def contract_arr(account_id: int, as_of: date) -> dict[int, tuple[Decimal, str]]:
    """ARR of the lines in force by contract: contract id -> (amount, currency). One query."""
    found: dict[tuple[int, str], Fraction] = {}
    lines = _lines_in_force(account_id, as_of).filter(contract_id__isnull=False).values_list("contract_id", "currency", "mrr_num", "mrr_den")
    for contract, currency, num, den in lines[:LINES]:
        key = (contract, currency or firm().currency)
        found[key] = found.get(key, Fraction(0)) + Fraction(num, den)
    return {contract: (rounded(12 * mrr, minor_units(currency)), currency) for (contract, currency), mrr in found.items()}


def subscriptions(account_id: int, as_of: date, more: int = 1) -> Part:
    """Subscriptions with the history of their lines, those in force first, then the latest. Three queries.

    Each row: subscription_id (ours), external_id, product, plan, status (active, trial, scheduled, ended), seats, mrr, currency, since_on,
    history (newest first): start_on, end_on, seats, mrr, currency, change, ended_because, plan, recorded_at
    """
    here = SubscriptionLine.objects.filter(account_id=account_id, archived_at=None)
    # A subscription may have moved here by its lines. One set of ids: with an OR a database reads all subscriptions there are.
    mine = Subscription.objects.filter(account_id=account_id).values("id").union(here.values("subscription_id"))
    found = Subscription.objects.filter(pk__in=mine, archived_at=None).select_related("product")
    last = SubscriptionLine.objects.filter(subscription=OuterRef("pk"), archived_at=None).order_by("-start_on").values("start_on")[:1]
    live = _lines_in_force(account_id, as_of).filter(subscription=OuterRef("pk")).order_by().values("subscription").annotate(n=Count("id")).values("n")
    ordered = found.annotate(live=Subquery(live, output_field=IntegerField()), last=Subquery(last)).order_by(
        F("live").desc(nulls_last=True), F("last").desc(nulls_last=True), "id"
    )
    part = _part(ordered, more)
    ids = [s.pk for s in part.rows]
    lines: dict[int, list[SubscriptionLine]] = {i: [] for i in ids}
    for line in here.filter(subscription_id__in=ids).select_related("product").order_by("start_on", "id")[:LINES]:
        lines[line.subscription_id].append(line)
    cut_lines([line for own in lines.values() for line in own])
    names = external_ids("subscriptions", ids)
    return Part([_subscription(s, lines[s.pk], names.get(s.pk), as_of) for s in part.rows], part.more)


def tickets(account_id: int, more: int = 1) -> Part:
    """Tickets, newest first, with `external` and `is_open`. Two queries."""
    part = _part(Ticket.objects.filter(account_id=account_id, archived_at=None).order_by("-opened_at", "-id"), more)
    names = external_ids("tickets", [t.pk for t in part.rows])
    for ticket in part.rows:
        ticket.external = names.get(ticket.pk)
        ticket.is_open = ticket.closed_at is None and (ticket.status or "").casefold() not in CLOSED
    return part


def survey_responses(account_id: int, more: int = 1) -> Part:
    """Answers, newest first. One query."""
    return _part(SurveyResponse.objects.filter(account_id=account_id, archived_at=None).select_related("contact").order_by("-answered_on", "-id"), more)


def churn_events(account_id: int) -> list[ChurnEvent]:
    """Departures and returns as stated, newest first. One query."""
    return list(ChurnEvent.objects.filter(account_id=account_id, archived_at=None).order_by("-effective_on", "-id")[:SHOWN])


def custom_fields(account: Account) -> list[tuple[str, str, str, Any]]:
    """(slug, label, kind, value) of the firm's own fields of accounts; a value that is missing is None. One query."""
    fields = list(CustomField.objects.filter(record="accounts").order_by("label").values_list("slug", "label", "kind"))
    known = {slug for slug, _, _ in fields}
    stray = [(slug, slug.replace("_", " ").capitalize(), "text") for slug in sorted(account.custom) if slug not in known]
    return [(slug, label, kind, account.custom.get(slug)) for slug, label, kind in (*fields, *stray)]


def changes(account_id: int, before: int | None = None, size: int = SHOWN) -> tuple[list[FieldChange], int | None]:
    """A page of the account's change log, newest first, and the id to go on behind. One query.

    What an assignment's own rows say of a person's change is left out: the change of the owner says it.
    """
    rows = FieldChange.objects.filter(account_id=account_id).exclude(record="assignments", user__isnull=False).select_related("user__person", "run")
    if before:
        rows = rows.filter(id__lt=before)
    found = list(rows.order_by("-id")[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None


def last_changes(account_id: int) -> dict[str, FieldChange]:
    """What each field of the account stems from, where it was changed since the account came. One query."""
    newest = FieldChange.objects.filter(record="accounts", object_id=account_id, field=OuterRef("field")).order_by("-id").values("id")[:1]
    rows = FieldChange.objects.filter(record="accounts", object_id=account_id, id=Subquery(newest)).select_related("user__person", "run")
    return {change.field: change for change in rows}


def field_label(change: FieldChange) -> str:
    """What a change log calls the field: `Segment`, `Contract: end`, a custom field by its slug."""
    if change.field == "owner":
        return _("Owner")
    if change.field == "archived_at":
        name = _("Archived")
    elif change.field.startswith("custom."):
        name = change.field.removeprefix("custom.").replace("_", " ").capitalize()
    else:
        try:
            name = column_text(record_type(change.record).column(change.field).label)
        except KeyError:
            name = change.field.replace("_", " ").capitalize()
    if change.record == "accounts":
        return name
    noun = str(WORK[change.record]) if change.record in WORK else record_type(change.record).info.noun
    return _("%(record)s: %(field)s") % {"record": record_label(noun), "field": name[0].lower() + name[1:]}


def origin(account: Account) -> ImportRun | None:
    """The import that brought the account. One query."""
    return ImportRun.objects.filter(pk=account.created_run_id).first() if account.created_run_id else None


def external_ids(record: str, ids: Sequence[int]) -> dict[int, str]:
    """What a source calls our rows: the first name of each. One query."""
    found: dict[int, str] = {}
    for object_id, name in ExternalId.objects.filter(record=record, object_id__in=ids).order_by("id").values_list("object_id", "external_id"):
        found.setdefault(object_id, name)
    return found


def in_force(start: date | None, end: date | None, day: date) -> bool:
    """Whether something that ends exclusively holds on the day."""
    return (start is None or start <= day) and (end is None or end > day)


def _counted(accounts: QuerySet[Account]) -> QuerySet[Account]:
    def count(model: Any) -> Subquery:
        rows = model.objects.filter(account=OuterRef("pk"), archived_at=None).order_by().values("account").annotate(n=Count("id")).values("n")
        return Subquery(rows, output_field=IntegerField())

    return accounts.annotate(n_contacts=count(Contact), n_subscriptions=count(Subscription), n_tickets=count(Ticket))


def _lines_in_force(account_id: Any, day: date) -> QuerySet[SubscriptionLine]:
    return SubscriptionLine.objects.filter(Q(end_on=None) | Q(end_on__gt=day), account_id=account_id, archived_at=None, start_on__lte=day)


def _part(rows: QuerySet[Any], more: int, size: int = SHOWN) -> Part:
    size = size * max(1, min(more, MOST))
    found = list(rows[: size + 1])
    return Part(found[:size], len(found) > size)


def cut_lines(lines: list[SubscriptionLine]) -> None:
    """End lines where a later one takes their place, as the ledger counts them (rule 7): what is shown is what is summed."""
    if len(lines) < 2:
        return
    import numpy as np
    import pyarrow as pa

    from laer.cycle.cutting import cut
    from laer.records.periods import FAR, date_of, day_number

    said = {name: [getattr(line, name) for line in lines] for name in ("subscription_id", "product_id", "plan", "cuts", "mrr_num")}
    kinds = {"plan": pa.string(), "cuts": pa.bool_()}
    table = pa.table({"line_id": pa.array([line.pk for line in lines], pa.int64()), **{n: pa.array(v, kinds.get(n, pa.int64())) for n, v in said.items()}})
    start = np.array([day_number(line.start_on) for line in lines], np.int32)
    end = np.array([FAR if line.end_on is None else day_number(line.end_on) for line in lines], np.int32)
    for line, until, stated in zip(lines, cut(table, start, end).tolist(), end.tolist(), strict=True):
        if until < stated:
            line.end_on = date_of(until)


def _subscription(subscription: Subscription, lines: list[SubscriptionLine], external: str | None, as_of: date) -> dict[str, Any]:
    live = [line for line in lines if in_force(line.start_on, line.end_on, as_of)]
    shown = live or lines[-1:]
    first = shown[0] if shown else None
    currency = (first.currency if first else None) or firm().currency
    if live:
        status = "trial" if all(line.is_trial for line in live) else "active"
    else:
        status = "ended" if lines and lines[0].start_on <= as_of else "scheduled" if lines else "without lines"
    seats = [line.seats for line in live if line.seats is not None]
    products = subscription.product or (first.product if first else None)
    plan = first.plan if first else None
    product = products.name if products else None
    return {
        "subscription_id": subscription.pk,
        "external_id": external,
        "product": product or plan or subscription.name or _("Subscription"),
        "plan": plan if product and plan != product else None,
        "status": status,
        "seats": sum(seats) if seats else None,
        "mrr": rounded(sum((Fraction(line.mrr_num, line.mrr_den) for line in live), Fraction(0)), minor_units(currency)),
        "currency": currency,
        "since_on": lines[0].start_on if lines else None,
        "history": _history(lines),
    }


def _history(lines: list[SubscriptionLine]) -> list[dict[str, Any]]:
    """Lines newest first, each with what it changed: new, expansion, contraction, renewal, reactivation, addition, correction."""
    steps = []
    before: SubscriptionLine | None = None
    for line in lines:
        currency = line.currency or firm().currency
        mrr = Fraction(line.mrr_num, line.mrr_den)
        steps.append({
            "start_on": line.start_on, "end_on": line.end_on, "seats": line.seats, "mrr": rounded(mrr, minor_units(currency)), "currency": currency,
            "change": _change(before, line, mrr), "ended_because": line.ended_because, "plan": line.plan, "recorded_at": line.created_at,
        })  # fmt: skip
        before = line
    return steps[::-1]


def _change(before: SubscriptionLine | None, line: SubscriptionLine, mrr: Fraction) -> str:
    if line.is_trial:
        return "trial"
    if before is None or before.is_trial:
        return "new"
    if before.ended_because == "correction":
        return "correction"
    if before.end_on is None or before.end_on > line.start_on:
        return "addition"
    if before.end_on < line.start_on:
        return "reactivation"
    former = Fraction(before.mrr_num, before.mrr_den)
    return "expansion" if mrr > former else "contraction" if mrr < former else "renewal"
