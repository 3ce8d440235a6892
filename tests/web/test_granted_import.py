"""Contact roles, product features and users, entitlements and invoices by file: recognised without a mapping, and what they give as facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from laer.web.book.models import Account, Contact, ContactRole, Entitlement, Invoice, Product, ProductFeature, ProductUser, QuarantinedRow
from laer.web.runs import passes
from laer.web.runs.measured import facts_of_one, missing
from tests.web.files import ACCOUNTS, sums, take_in

pytestmark = pytest.mark.django_db

CONTACTS = "Contact ID,Account ID,Contact Name,Email,Role\nC1,A1,Ana Ruiz,ana@bluefin.example,champion\nC2,A1,Ben Okafor,ben@bluefin.example,\n"
ROLES = (
    "Contact,Account ID,Contact Role,Stance,Reports to,From,Until\nC1,A1,Champion,supportive,,2024-01-01,2024-06-01\n"
    "ben@bluefin.example,A1,Economic buyer,neutral,C1,2024-02-01,\nC1,A1,User,on the fence,,2024-02-01,\nC2,A1,User,,,2024-05-01,2024-04-01\n"
)
FEATURES = "Product,Feature name,Event name,Key feature,Released on\nCore,Reports,reports_opened,yes,2023-01-01\n,Sign-in,,no,\n"
USERS = "Account ID,User ID,User name,Team,Internal,Added on,Contact\nA1,u1,Ana,Ops,no,2024-01-01,C1\nA1,u2,Ours,Support,yes,,\nA2,u1,Kim,Sales,,,\n"
GRANTS = "Account ID,Entitlement,Limit,Unit,Valid from,Valid until\nA1,API calls,1500,calls,2024-01-01,\nA1,Seats in sandbox,,seats,2024-01-01,2025-01-01\nA2,API calls,-5,,,\n"
INVOICES = (
    "Invoice Number,Account ID,Invoice Date,Due Date,Paid on,Total,Currency,Status\nI-1,A1,2024-01-05,2024-02-04,2024-02-10,\"1,200.50\",usd,Paid\n"
    "I-2,A1,2024-04-05,2024-05-05,,1200.50,USD,Past due\nI-3,A2,2024-04-05,2024-05-05,,90,USD,Draft\nI-4,A2,2024-04-05,2024-05-05,,90,USD,who knows\n"
    "I-5,A2,2024-04-05,2024-03-05,,90,USD,open\n"
)


@pytest.fixture(autouse=True)
def own_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAER_LAKE", str(tmp_path / "lake"))
    return


def reasons() -> list[str]:
    return [row.reason for row in QuarantinedRow.objects.order_by("id")]


def test_roles_of_contacts_have_days(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, contacts=CONTACTS)
    run = take_in(tmp_path, roles=ROLES)
    assert sums(run)["contact_roles"] == (2, 0, 0, 2)
    ana, ben = Contact.objects.order_by("id")
    first, second = ContactRole.objects.order_by("id")
    assert (first.contact, first.role, first.stance, first.from_on, first.until_on) == (ana, "Champion", "supporter", date(2024, 1, 1), date(2024, 6, 1))
    assert (second.contact, second.role, second.reports_to, second.until_on) == (ben, "Economic buyer", ana, None)  # named by their e-mail
    assert reasons() == ["unknown stance 'on the fence': expected supporter, neutral or detractor", "end before start"]
    assert sums(take_in(tmp_path, roles=ROLES))["contact_roles"] == (0, 0, 2, 2)


def test_features_of_products_and_their_users(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS, contacts=CONTACTS, products="Product ID,Product Name,Family\nP1,Core,Base\n")
    run = take_in(tmp_path, features=FEATURES, users=USERS)
    assert (sums(run)["product_features"], sums(run)["product_users"]) == ((2, 0, 0, 0), (3, 0, 0, 0))
    reports, sign_in = ProductFeature.objects.order_by("id")
    assert (reports.product, reports.code, reports.is_key, reports.released_on) == (Product.objects.get(), "reports_opened", True, date(2023, 1, 1))
    assert (sign_in.product, sign_in.name, sign_in.is_key) == (None, "Sign-in", False)
    ana, ours, kim = ProductUser.objects.order_by("id")
    assert (ana.user_id, ana.contact, ana.team, ana.is_internal, ana.added_on) == ("u1", Contact.objects.get(name="Ana Ruiz"), "Ops", False, date(2024, 1, 1))
    assert (ours.is_internal, kim.account.name, kim.user_id) == (True, "Kestrel", "u1")  # an id is one of its account


def test_entitlements_and_invoices(tmp_path: Path) -> None:
    run = take_in(tmp_path, accounts=ACCOUNTS, entitlements=GRANTS, invoices=INVOICES)
    assert (sums(run)["entitlements"], sums(run)["invoices"]) == ((2, 0, 0, 1), (2, 0, 0, 3))
    calls, sandbox = Entitlement.objects.order_by("id")
    assert (calls.name, calls.granted, calls.from_on, sandbox.granted, sandbox.until_on) == ("API calls", "1500", date(2024, 1, 1), None, date(2025, 1, 1))
    paid, late = Invoice.objects.order_by("id")
    assert (paid.number, paid.amount, paid.currency, paid.status, paid.paid_on) == ("I-1", "1200.50", "USD", "paid", date(2024, 2, 10))
    assert (late.status, late.due_on, late.paid_on) == ("open", date(2024, 5, 5), None)
    assert sorted(reasons()) == sorted([
        "negative limit: expected 0 or more, or none for no limit", "a draft: it was never sent", "unknown status 'who knows': expected open, paid or void",
        "due before it was issued",
    ])  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_what_they_give_as_facts(tmp_path: Path) -> None:
    today = timezone.localdate()

    def ago(days: int) -> str:
        return f"{today - timedelta(days=days)}"

    usage = "usage_id,account_id,usage_date,user_id,feature_name,usage_count\n" + "".join(
        f"{n}-{days},A1,{ago(days)},{user},{feature},1\n"
        for n, (user, feature) in enumerate((("u1", "reports_opened"), ("u2", "reports_opened"), ("u3", "export"))) for days in (1, 9)
    )  # fmt: skip
    lines = f"subscription_id,account_id,product,start_date,mrr,currency\nS1,A1,Core,{ago(300)},100,USD\n"
    bills = f"Invoice Number,Account ID,Invoice Date,Due Date,Paid on,Total,Currency\nI-1,A1,{ago(70)},{ago(40)},{ago(30)},500,USD\nI-2,A1,{ago(40)},{ago(10)},,750,USD\n"
    grants = f"Account ID,Entitlement,Limit,Valid from\nA1,API calls,1500,{ago(90)}\n"
    numbers = f"Account ID,Metric name,Metric date,Metric value\nA1,API calls,{ago(3)},1200\n"
    roles = f"Contact,Account ID,Contact Role,From,Until\nC1,A1,Champion,{ago(200)},{ago(20)}\nC2,A1,Champion,{ago(20)},\n"
    take_in(tmp_path, accounts=ACCOUNTS, contacts=CONTACTS, subscriptions=lines)
    take_in(tmp_path, features=FEATURES, users=USERS, entitlements=grants, metrics=numbers, invoices=bills, roles=roles, usage=usage)
    run = passes.start_pass()
    seen = facts_of_one(run, Account.objects.get(name="Bluefin").pk)
    assert seen is not None

    def told(*names: str) -> list[Any]:
        return [seen[name] for name in names]

    assert told("active_users_28d", "internal_users_28d", "teams_28d", "team_spread") == [2.0, 1.0, 1.0, 1.0]
    assert told("key_features_28d", "key_features_offered", "key_breadth") == [1.0, 1.0, 1.0]
    assert told("invoices_overdue", "overdue_amount", "open_amount", "days_late_365d", "days_to_pay_365d") == [1.0, 750.0, 750.0, 10.0, 40.0]
    assert told("limit_use", "entitlements", "plan_fit") == [0.8, 1.0, "tight"]
    assert told("contacts", "champions") == [2.0, 1.0]
    other = facts_of_one(run, Account.objects.get(name="Kestrel").pk)
    assert other is not None
    assert (other["invoices_overdue"], other["overdue_amount"]) == (None, None)  # never billed by this source
    small = passes.start_pass(accounts=frozenset([Account.objects.get(name="Bluefin").pk]))
    assert facts_of_one(small, Account.objects.get(name="Bluefin").pk) == seen
    assert missing(run, "invoices_overdue").why == "nothing"


@pytest.mark.django_db(transaction=True)
def test_without_a_list_of_invoices_it_says_which_source_is_missing(tmp_path: Path) -> None:
    take_in(tmp_path, accounts=ACCOUNTS)
    run = passes.start_pass()
    said = {name: (missing(run, name).why, missing(run, name).record) for name in ("invoices_overdue", "internal_users_28d", "entitlements", "key_features_offered")}
    assert said["invoices_overdue"] == ("source", "invoices")
    assert said["entitlements"] == ("source", "entitlements")
    assert said["internal_users_28d"] == ("source", "usage_days")
    assert said["key_features_offered"][0] == "source"
