"""What is granted, to whom, and what is billed for it: users of the product, its features, entitlements, invoices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record
from laer.records.types.who import ACCOUNT

PAYMENTS = {  # how files say what became of an invoice
    "open": "open", "sent": "open", "unpaid": "open", "due": "open", "outstanding": "open", "overdue": "open", "past due": "open", "issued": "open",
    "finalized": "open", "draft": "draft", "paid": "paid", "settled": "paid", "closed": "paid", "void": "void", "voided": "void", "cancelled": "void",
    "canceled": "void", "written off": "void", "uncollectible": "void", "credited": "void", "deleted": "void",
}  # fmt: skip


class ProductFeature(Record):
    """A feature of a product, and whether its use matters. A feature without a product belongs to all."""

    info: ClassVar = Info(
        "product_features", "product feature", "one row per feature of a product", "product_feature_id", natural=("product_id", "name"),
        key_aka=("product feature id", "feature id"),
    )  # fmt: skip
    product_feature_id: int
    product_id: Annotated[int | None, Col(("product id", "product", "product name"), refers="products")] = None
    name: Annotated[str, Col(("feature name", "feature"))]
    code: Annotated[str | None, Col(("event name", "usage name", "feature key", "feature code", "tracked as", "name in usage"))] = None
    is_key: Annotated[bool | None, Col(("key feature", "is key", "key", "core feature", "is core", "core"))] = None
    released_on: Annotated[date | None, Col(("released on", "release date", "released", "available since", "launched on", "launch date"))] = None
    retired_on: Annotated[date | None, Col(("retired on", "retired", "sunset date", "end of life"))] = None


class ProductUser(Record):
    """Somebody who uses the product at an account, by the id under which usage names them."""

    info: ClassVar = Info(
        "product_users", "product user", "one row per user of the product at an account", "product_user_id", natural=("account_id", "user_id"),
        key_aka=("product user id",),
    )  # fmt: skip
    product_user_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    user_id: Annotated[str, Col(("user id", "user", "end user id", "member id", "login id", "login", "username"))]
    contact_id: Annotated[int | None, Col(("contact id", "contact", "contact email"), refers="contacts")] = None
    name: Annotated[str | None, Col(("user name", "full name", "name"))] = None
    team: Annotated[str | None, Col(("team", "team name", "department", "user group", "business unit"))] = None
    is_internal: Annotated[bool | None, Col(("internal", "is internal", "internal user", "is employee", "test user", "is test user"))] = None
    added_on: Annotated[date | None, Col(("added on", "user created at", "invited on", "invited at", "first seen", "created at", "created on", "joined on"))] = None
    deactivated_on: Annotated[
        date | None, Col(("deactivated on", "deactivated at", "deactivated", "removed on", "removed at", "disabled on", "deleted at", "left on"))
    ] = None


class Entitlement(Record):
    """How much of something an account may use, from when to when. Nothing granted: without a limit."""

    info: ClassVar = Info(
        "entitlements", "entitlement", "one row per account, what is granted and period", "entitlement_id", natural=("account_id", "name", "from_on"),
        key_aka=("entitlement id",),
    )  # fmt: skip
    entitlement_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    contract_id: Annotated[int | None, Col(("contract id", "contract number", "agreement id"), refers="contracts")] = None
    product_id: Annotated[int | None, Col(("product id", "product", "product name"), refers="products")] = None
    name: Annotated[str, Col(("entitlement", "entitlement name", "limit name", "quota name", "allowance", "limited metric", "metric"))]
    granted: Annotated[
        Decimal | None,
        Col(("limit", "quota", "limit value", "granted", "entitled", "entitled quantity", "included quantity", "included", "allowed", "allowance value")),
    ] = None
    unit: Annotated[str | None, Col(("unit", "limit unit"))] = None
    from_on: Annotated[date | None, Col(("granted from", "valid from", "from", "from date", "start date", "start"))] = None
    until_on: Annotated[date | None, Col(("granted until", "valid until", "valid to", "until", "to date", "end date", "end", "expires on"))] = None


class Invoice(Record):
    """What was billed, when it falls due, and when it was paid. An amount of 0 or less (a credit note) is never owed."""

    info: ClassVar = Info("invoices", "invoice", "one row per invoice", "invoice_id", natural=("number",), key_aka=("invoice id",))
    invoice_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    number: Annotated[str | None, Col(("invoice number", "invoice no", "invoice", "document number"))] = None
    issued_on: Annotated[date, Col(("invoice date", "issued on", "issue date", "issued", "date issued", "billed on", "billing date", "date of invoice"))]
    due_on: Annotated[date | None, Col(("due date", "due on", "invoice due date", "payment due", "due"))] = None
    paid_on: Annotated[date | None, Col(("paid on", "payment date", "date paid", "paid at", "settled on", "paid date"))] = None
    voided_on: Annotated[date | None, Col(("voided on", "void date", "voided at", "cancelled on", "written off on"))] = None
    amount: Annotated[Decimal, Col(("invoice amount", "invoice total", "amount", "total", "total amount", "gross amount", "billed amount"))]
    currency: Annotated[str | None, Col(("currency", "currency code", "invoice currency"))] = None
    status: Annotated[str | None, Col(("invoice status", "payment status", "status"), words=tuple(PAYMENTS))] = None
