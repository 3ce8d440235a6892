"""What they bought: products, contracts, subscriptions with their lines, discounts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record
from laer.records.types.who import ACCOUNT


class Product(Record):
    """Something we sell."""

    info: ClassVar = Info(
        "products", "product", "one row per product", "product_id", natural=("name",), key_aka=("product id", "sku", "product code", "item id")
    )
    product_id: int
    name: Annotated[str, Col(("product name", "product", "name", "item name"))]
    family: Annotated[str | None, Col(("product family", "family", "category", "product line"))] = None
    list_price: Annotated[Decimal | None, Col(("list price", "price", "unit price", "catalogue price"))] = None
    currency: Annotated[str | None, Col(("currency", "currency code", "price currency"))] = None
    margin: Annotated[Decimal | None, Col(("gross margin", "gross margin percent", "margin percent", "margin"), label="Gross margin")] = None  # percent


class Contract(Record):
    """What was signed: a term with its dates. It does not move MRR by itself yet."""

    info: ClassVar = Info(
        "contracts",
        "contract",
        "one row per signed contract",
        "contract_id",
        natural=("account_id", "start_on"),
        key_aka=("contract id", "contract number", "agreement id", "order form id"),
    )
    contract_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    name: Annotated[str | None, Col(("contract name", "contract", "agreement", "name"))] = None
    signed_on: Annotated[date | None, Col(("signed on", "signed date", "signature date", "close date", "closed won date", "contract signed date"))] = None
    start_on: Annotated[date | None, Col(("contract start", "contract start date", "start date", "term start", "effective date", "start"))] = None
    end_on: Annotated[
        date | None, Col(("contract end", "contract end date", "end date", "term end", "renewal date", "renews on", "renews", "next renewal", "next renewal date", "renewal", "contract renewal date", "expiry date", "expiration date", "end"))
    ] = None
    term_months: Annotated[int | None, Col(("term months", "contract term", "term", "term length", "contract length months"))] = None
    notice_on: Annotated[date | None, Col(("notice date", "notice on", "cancellation deadline", "notice deadline"))] = None
    auto_renews: Annotated[bool | None, Col(("auto renew", "auto renewal", "auto renews", "auto renew flag", "automatic renewal", "renews automatically", "automatically renews"))] = None
    status: Annotated[str | None, Col(("contract status", "status", "state"))] = None
    cancelled_on: Annotated[
        date | None, Col(("cancelled on", "notice given on", "non renewal date", "terminated on", "termination date", "contract cancelled on"))
    ] = None
    renews_id: Annotated[
        int | None, Col(("renews contract", "renews contract id", "renewed contract id", "previous contract id", "prior contract", "renewal of"), refers="contracts", label="Renews")
    ] = None


class Subscription(Record):
    """A stable thing an account buys; its price and seats over time are its lines."""

    info: ClassVar = Info(
        "subscriptions", "subscription", "one row per subscription", "subscription_id", natural=("account_id", "name"), key_aka=("subscription id",)
    )
    subscription_id: int
    account_id: Annotated[int, Col((), refers="accounts")]
    contract_id: Annotated[int | None, Col((), refers="contracts")] = None
    product_id: Annotated[int | None, Col((), refers="products")] = None
    name: Annotated[str | None, Col(())] = None


class SubscriptionLine(Record):
    """One state of a subscription from a day until another: the only place where MRR exists.

    MRR is kept as the exact fraction mrr_num / mrr_den of a unit of its currency ($1,000 a year is 250/3), so that no
    sum of lines is ever rounded before it is shown.
    """

    info: ClassVar = Info(
        "subscription_lines",
        "subscription line",
        "one row per subscription and state in force",
        "line_id",
        natural=("subscription_id", "start_on"),
        key_aka=("line id", "subscription line id", "line item id", "subscription item id"),
    )
    line_id: int
    account_id: Annotated[
        int,
        Col(
            (
                "account id", "customer id", "company id", "client id", "account", "customer", "company", "account name", "customer name", "company name",
                "client", "client name", "organization", "organisation", "organization name", "bill to", "billed to", "billing customer", "invoice customer", "logo", "logo name", "end customer", "row labels",
            ),
            refers="accounts",
        ),
    ]
    subscription_id: Annotated[int, Col(("subscription id", "subscription", "sub id", "subscription number"), refers="subscriptions")]
    contract_id: Annotated[int | None, Col(("contract id", "contract number", "agreement id"), refers="contracts")] = None
    product_id: Annotated[int | None, Col(("product id", "product", "product name", "sku", "item"), refers="products")] = None
    plan: Annotated[str | None, Col(("plan", "plan name", "plan tier", "tier", "package", "edition", "plan id"))] = None
    start_on: Annotated[
        date,
        Col(
            (
                "start date",
                "start",
                "started on",
                "started at",
                "starts on",
                "subscription start",
                "subscription start date",
                "period start",
                "from",
                "valid from",
                "service start",
                "start on",
                "begin date",
                "begin",
                "begins on",
                "effective date",
                "activated on",
                "activated at",
                "activation date",
            )
        ),
    ]
    end_on: Annotated[
        date | None,
        Col(
            (
                "end date",
                "end",
                "ended on",
                "ended at",
                "ends on",
                "subscription end",
                "subscription end date",
                "period end",
                "to",
                "until",
                "valid to",
                "service end",
                "end on",
                "expiry date",
                "cancelled at",
                "canceled at",
                "cancellation date",
                "churned on",
                "churned at",
                "churn date",
            )
        ),
    ] = None
    seats: Annotated[int | None, Col(("seats", "licenses", "licences", "users", "seat count", "number of seats"))] = None
    quantity: Annotated[Decimal | None, Col(("quantity", "qty", "units", "plan quantity"))] = None
    list_amount: Annotated[Decimal | None, Col(("list amount", "list price", "gross amount", "list mrr"))] = None
    amount: Annotated[
        Decimal | None,
        Col(
            (
                "amount", "net amount", "price", "total", "line total", "value", "subscription amount", "billing amount", "recurring amount", "charge", "fee",
                "revenue", "contract value", "total contract value", "tcv",
            )
        ),
    ] = None
    unit_price: Annotated[Decimal | None, Col(("unit price", "unit amount", "price per unit", "price per seat", "unit price per month", "price per seat per month", "price per seat monthly", "monthly price per seat", "price per user", "price per user per month", "monthly price per user", "price per license", "price per licence", "seat price", "license price"), virtual=True)] = None
    discount_percent: Annotated[
        Decimal | None, Col(("discount percent", "discount pct", "discount percentage", "percent off", "discount rate", "coupon percent"), virtual=True)
    ] = None
    discount_amount: Annotated[Decimal | None, Col(("discount amount", "amount off", "discount value", "coupon amount"), virtual=True)] = None
    discount_duration: Annotated[str | None, Col(("discount duration", "coupon duration", "duration of discount", "discount term"))] = None
    discount_until_on: Annotated[
        date | None, Col(("discount until", "discount end", "discount ends on", "discount end date", "discounted until", "coupon end", "discount expires on"))
    ] = None
    mrr: Annotated[
        Decimal | None,
        Col(
            (
                "mrr", "mrr amount", "monthly recurring revenue", "monthly revenue", "net mrr", "monthly amount", "monthly fee", "monthly price",
                "contract mrr", "sum of mrr", "total mrr", "current mrr", "revenue mrr", "subscription mrr",
            ),
            virtual=True, label="MRR",
        ),
    ] = None
    arr: Annotated[
        Decimal | None,
        Col(
            (
                "arr", "arr amount", "annual recurring revenue", "annual revenue", "acv", "annual contract value", "net arr", "annual amount", "annual fee",
                "annual price", "yearly amount", "yearly fee", "contract arr", "sum of arr", "total arr", "current arr", "revenue arr", "subscription arr",
            ),
            virtual=True, label="ARR",
        ),
    ] = None
    interval: Annotated[
        str | None,
        Col(("interval", "billing interval", "billing frequency", "billing period", "billing cycle", "frequency", "period", "recurrence", "billing term", "billing", "billed")),
    ] = None
    currency: Annotated[str | None, Col(("currency", "currency code", "iso currency", "curr"))] = None
    status: Annotated[str | None, Col(("status", "subscription status", "state", "line status"))] = None
    past_due_on: Annotated[
        date | None, Col(("past due since", "past due on", "past due date", "overdue since", "delinquent since"), label="Past due since")
    ] = None
    is_trial: Annotated[bool | None, Col(("is trial", "trial", "trial flag", "on trial"))] = None
    trial_ends_on: Annotated[date | None, Col(("trial ends on", "trial end", "trial ends", "trial end date", "trial until"), label="Trial ends")] = None
    paused_on: Annotated[date | None, Col(("paused on", "paused at", "paused since", "paused from", "pause start", "pause start date"))] = None
    resumed_on: Annotated[date | None, Col(("resumed on", "resumes on", "resumes at", "resume date", "paused until", "pause end", "pause end date"))] = None
    auto_renews: Annotated[bool | None, Col(("auto renew", "auto renewal", "auto renew flag", "auto renews", "renews automatically", "automatically renews"))] = None
    churn_flag: Annotated[bool | None, Col(("churn flag", "churned", "is churned"))] = None
    mrr_num: Annotated[int, Col(())] = 0
    mrr_den: Annotated[int, Col(())] = 1
    ended_because: Annotated[str | None, Col((), words=("change", "cancelled", "expired", "correction"))] = None
    start_unknown: Annotated[bool | None, Col(())] = None  # stated without a start: open from the day on which it was stated
    cuts: Annotated[bool | None, Col(())] = None  # it takes the place of what its subscription had before (rule 7)


class Discount(Record):
    """A reduction granted on a subscription, with its reason and end."""

    info: ClassVar = Info(
        "discounts", "discount", "one row per discount granted", "discount_id", natural=("subscription_id", "start_on"), key_aka=("discount id", "coupon id")
    )
    discount_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    subscription_id: Annotated[int | None, Col(("subscription id", "subscription"), refers="subscriptions")] = None
    percent: Annotated[Decimal | None, Col(("discount percent", "percent off", "discount %", "percent", "discount rate"))] = None
    amount: Annotated[Decimal | None, Col(("discount amount", "amount off"))] = None
    currency: Annotated[str | None, Col(("currency", "currency code"))] = None
    start_on: Annotated[date | None, Col(("discount start", "start date", "start", "from"))] = None
    end_on: Annotated[date | None, Col(("discount end", "end date", "end", "until"))] = None
    duration: Annotated[str | None, Col(("discount duration", "coupon duration", "duration", "discount term"))] = None
    reason: Annotated[str | None, Col(("discount reason", "reason", "note"))] = None


class Pause(Record):
    """That a subscription rests, or all of an account's: from a day until the day on which it goes on."""

    info: ClassVar = Info("pauses", "pause", "one row per pause", "pause_id", natural=("account_id", "subscription_id", "from_on"), key_aka=("pause id",))
    pause_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    subscription_id: Annotated[int | None, Col(("subscription id", "subscription"), refers="subscriptions")] = None
    from_on: Annotated[date, Col(("paused on", "paused from", "pause from", "paused since", "pause start", "pause start date", "from"))]
    until_on: Annotated[date | None, Col(("resumed on", "resumes on", "paused until", "pause until", "pause end", "pause end date", "resume date", "until"))] = None
    reason: Annotated[str | None, Col(("pause reason", "reason", "note"))] = None
