"""The lists of an account's page as files: `?tab=tickets&format=csv`. Each whole, with the rows and the fields that the person may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from laer.records.money import minor_units, rounded
from laer.records.periods import last_covered
from laer.web.book import queries, whole
from laer.web.book.models import Account
from laer.web.book.scope import may_see_field
from laer.web.pages.account_feed import whole_feed
from laer.web.pages.account_granted import bill_rows, right_rows, user_rows
from laer.web.pages.account_rows import change_row, contract_row, outside_name
from laer.web.pages.exports import Money
from laer.web.people.models import User
from laer.web.runs import queries as runs
from laer.web.runs.models import PassRun

Rows = Iterator[Sequence[Any]]


class AccountFile(NamedTuple):
    """A list of the account: what it is called in the file's name, its header, and its rows."""

    name: str
    header: tuple[str, ...]
    rows: Callable[[Account, User, PassRun | None, date], Rows]


def _lines(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    lines = whole.all_lines(row.pk)
    names = queries.external_ids("subscriptions", list({line.subscription_id for line in lines}))
    for line in lines:
        currency = line.currency or runs.currency_of(run)
        mrr = Money(rounded(Fraction(line.mrr_num, line.mrr_den), minor_units(currency)), currency)
        product = line.product.name if line.product else None
        ended = last_covered(line.end_on) if line.end_on else None
        yield (
            outside_name(names.get(line.subscription_id)) or line.subscription_id, product, line.plan, line.start_on, ended, line.seats, mrr, currency,
            line.ended_because, line.created_at,
        )  # fmt: skip


def _contracts(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    arr = queries.contract_arr(row.pk, as_of)
    for contract in whole.all_contracts(row.pk):
        said = contract_row(contract, arr.get(contract.pk), as_of)
        ends = last_covered(contract.end_on) if contract.end_on else None
        amount = Money(said["arr"], said["currency"]) if said["currency"] else None
        yield (
            said["name"], said["status"], contract.signed_on, contract.start_on, ends, contract.term_months, contract.notice_on, _yes(contract.auto_renews),
            amount, said["currency"],
        )  # fmt: skip


def _contacts(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    return ((c.name, c.title, c.email, c.phone, c.role) for c in whole.all_contacts(row.pk))


def _roles(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    for one in whole.all_contact_roles(row.pk):
        yield one.contact.name, one.contact.email, one.role, one.stance, one.reports_to and one.reports_to.name, one.from_on, one.until_on


def _tickets(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    tickets = whole.all_tickets(row.pk)
    names = queries.external_ids("tickets", [t.pk for t in tickets])
    for t in tickets:
        yield outside_name(names.get(t.pk)), t.subject, t.status, t.priority, t.opened_at, t.closed_at, t.satisfaction, _yes(t.escalated)


def _answers(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    return ((a.answered_on, a.kind, a.score, a.comment, a.contact and a.contact.name) for a in whole.all_answers(row.pk))


def _changes(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    for change in whole.all_changes(row.pk):
        if may_see_field(user, change.field):
            said = change_row(change, user)
            yield change.recorded_at, change.effective_at, said["field"], _text(said["old"]), _text(said["new"]), said["who"], said["source"]


def _feed(row: Account, user: User, run: PassRun | None, as_of: date) -> Rows:
    return whole_feed(user, row, run)


FILES: dict[str, tuple[AccountFile, ...]] = {  # of each tab, the one that is meant where the address names none first
    "subscriptions": (
        AccountFile(
            "lines",
            ("subscription_id", "product", "plan", "first_day", "last_day", "seats", "mrr", "currency", "ended_because", "recorded_at"),
            _lines,
        ),
        AccountFile(
            "contracts",
            ("contract", "status", "signed_on", "first_day", "last_day", "term_months", "notice_on", "auto_renews", "arr", "currency"),
            _contracts,
        ),
    ),
    "contacts": (
        AccountFile("contacts", ("contact", "title", "email", "phone", "role"), _contacts),
        AccountFile("roles", ("contact", "email", "role", "stance", "reports_to", "from", "until"), _roles),
    ),
    "granted": (
        AccountFile("users", ("user_id", "name", "contact_email", "team", "internal", "added_on", "deactivated_on"), user_rows),
        AccountFile("entitlements", ("entitlement", "limit", "unit", "product", "contract", "from", "until"), right_rows),
        AccountFile("invoices", ("invoice_number", "issued_on", "due_on", "paid_on", "voided_on", "amount", "currency", "status"), bill_rows),
    ),
    "tickets": (
        AccountFile("tickets", ("ticket_id", "subject", "status", "priority", "opened_at", "closed_at", "satisfaction", "escalated"), _tickets),
        AccountFile("answers", ("answered_on", "survey", "score", "comment", "contact"), _answers),
    ),
    "feed": (AccountFile("activity", ("at", "kind", "what", "detail", "text", "from", "to", "who"), _feed),),
    "changes": (AccountFile("changes", ("recorded_at", "holds_from", "field", "from", "to", "who", "source"), _changes),),
}


def file_of(tab: str, name: str) -> AccountFile | None:
    """The list of a tab that an address means; None where the tab has none, or none of that name."""
    there: Iterable[AccountFile] = FILES.get(tab, ())
    return next((file for file in there if name in ("", file.name)), None)


def addresses(tab: str) -> dict[str, str]:
    """Where each list of a tab is as CSV, by its name."""
    return {file.name: f"?tab={tab}&of={file.name}&format=csv" for file in FILES.get(tab, ())}


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
