"""The record types that the book and the lake hold today. Later issues add theirs; names are fixed in the design.

Order matters: a type stands after the types it refers to, which is also the order in which an import writes them.
`*_on` is a date, `*_at` an instant in UTC, an end is exclusive (the first day it no longer holds).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record

HEALTH = {  # how files spell a colour of health
    "green": "green", "g": "green", "good": "green", "healthy": "green", "ok": "green", "on track": "green", "strong": "green", "low risk": "green",
    "yellow": "yellow", "y": "yellow", "amber": "yellow", "a": "yellow", "orange": "yellow", "medium": "yellow", "neutral": "yellow", "watch": "yellow",
    "at risk": "yellow", "fair": "yellow", "medium risk": "yellow", "needs attention": "yellow",
    "red": "red", "r": "red", "poor": "red", "bad": "red", "critical": "red", "unhealthy": "red", "high risk": "red", "off track": "red", "churning": "red",
    "grün": "green", "gelb": "yellow", "rot": "red", "vert": "green", "jaune": "yellow", "rouge": "red", "🟢": "green", "🟡": "yellow", "🟠": "yellow", "🔴": "red",
}  # fmt: skip


class Person(Record):
    """Somebody of our own firm, with or without a login (owners are named in files)."""

    info: ClassVar = Info(
        "people", "person", "one row per person", "person_id", natural=("email", "name"), key_aka=("person id", "user id", "employee id", "owner id")
    )
    person_id: int
    name: Annotated[str, Col(("person name", "full name", "employee name", "csm name", "name"))]
    email: Annotated[str | None, Col(("email", "email address", "work email", "person email"))] = None


class Account(Record):
    """A customer or prospect. Prospects are accounts that never paid."""

    info: ClassVar = Info(
        "accounts",
        "account",
        "one row per account",
        "account_id",
        natural=("name",),
        key_aka=(
            "account id",
            "customer id",
            "company id",
            "client id",
            "organization id",
            "organisation id",
            "org id",
            "accountid",
            "acct id",
            "account number",
            "sfdc id",
            "crm id",
        ),
    )
    account_id: int
    name: Annotated[
        str,
        Col(
            (
                "account name",
                "customer name",
                "company name",
                "client name",
                "organization name",
                "account",
                "customer",
                "company",
                "client",
                "organisation",
                "organization",
                "name",
            )
        ),
    ]
    domain: Annotated[str | None, Col(("domain", "website", "web site", "url", "email domain", "company domain name", "company domain", "homepage"))] = None
    industry: Annotated[str | None, Col(("industry", "vertical", "sector", "branch"))] = None
    country: Annotated[str | None, Col(("country", "country code", "billing country", "country region", "nation"))] = None
    region: Annotated[str | None, Col(("region", "territory", "geo", "area"))] = None
    segment: Annotated[str | None, Col(("segment", "customer segment", "size segment", "tier", "account tier", "customer tier"))] = None
    employees: Annotated[int | None, Col(("employees", "employee count", "headcount", "company size", "number of employees"))] = None
    lead_source: Annotated[
        str | None, Col(("lead source", "referral source", "acquisition channel", "acquisition source", "marketing source", "channel", "utm source"))
    ] = None
    signed_up_on: Annotated[
        date | None,
        Col(
            (
                "signup date",
                "sign up date",
                "signed up on",
                "customer since",
                "created date",
                "create date",
                "created at",
                "created on",
                "start of relationship",
                "onboarded on",
                "registration date",
            ),
            label="Signed up",
        ),
    ] = None
    churn_flag: Annotated[bool | None, Col(("churn flag", "churned", "is churned", "churn", "has churned"), label="Churn flag")] = None
    parent_id: Annotated[int | None, Col(("parent id", "parent account id", "parent account", "parent company"), refers="accounts", label="Parent")] = None
    owner: Annotated[
        str | None,
        Col(
            (
                "owner",
                "account owner",
                "company owner",
                "csm",
                "customer success manager",
                "account manager",
                "csm name",
                "csm email",
                "owner name",
                "owner email",
                "assigned to",
            ),
            virtual=True,
        ),
    ] = None


class Contact(Record):
    """A person at an account."""

    info: ClassVar = Info(
        "contacts",
        "contact",
        "one row per person at an account",
        "contact_id",
        natural=("account_id", "email", "name"),
        key_aka=("contact id", "lead id", "person id"),
    )
    contact_id: int
    account_id: Annotated[
        int,
        Col(
            (
                "account id",
                "customer id",
                "company id",
                "account",
                "company",
                "customer",
                "account name",
                "company name",
                "customer name",
                "associated company id",
                "associated company",
            ),
            refers="accounts",
        ),
    ]
    name: Annotated[
        str | None, Col(("contact name", "full name", "name", "contact", "champion", "champion name", "primary contact", "main contact", "key contact", "sponsor"))
    ] = None
    first_name: Annotated[str | None, Col(("first name", "given name", "firstname"), virtual=True)] = None
    last_name: Annotated[str | None, Col(("last name", "surname", "family name", "lastname"), virtual=True)] = None
    email: Annotated[
        str | None,
        Col(
            (
                "email",
                "email address",
                "contact email",
                "e-mail",
                "mail",
                "champion email",
                "champion mail",
                "champion e-mail",
                "champion's mail",
                "champion's email",
                "champion email address",
                "primary contact email",
                "main contact email",
                "key contact email",
                "sponsor email",
            )
        ),
    ] = None
    phone: Annotated[str | None, Col(("phone", "phone number", "telephone", "mobile"))] = None
    title: Annotated[str | None, Col(("title", "job title", "position", "function"))] = None
    role: Annotated[str | None, Col(("role", "contact role", "buying role", "persona"))] = None


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
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account", "customer", "company"), refers="accounts")]
    name: Annotated[str | None, Col(("contract name", "contract", "agreement", "name"))] = None
    signed_on: Annotated[date | None, Col(("signed on", "signed date", "signature date", "close date", "closed won date", "contract signed date"))] = None
    start_on: Annotated[date | None, Col(("contract start", "contract start date", "start date", "term start", "effective date", "start"))] = None
    end_on: Annotated[
        date | None, Col(("contract end", "contract end date", "end date", "term end", "renewal date", "renews on", "next renewal", "next renewal date", "renewal", "contract renewal date", "expiry date", "expiration date", "end"))
    ] = None
    term_months: Annotated[int | None, Col(("term months", "contract term", "term", "term length", "contract length months"))] = None
    notice_on: Annotated[date | None, Col(("notice date", "notice on", "cancellation deadline", "notice deadline"))] = None
    auto_renews: Annotated[bool | None, Col(("auto renew", "auto renewal", "auto renews", "auto renew flag", "automatic renewal"))] = None
    status: Annotated[str | None, Col(("contract status", "status", "state"))] = None
    cancelled_on: Annotated[
        date | None, Col(("cancelled on", "notice given on", "non renewal date", "terminated on", "termination date", "contract cancelled on"))
    ] = None
    renews_id: Annotated[
        int | None, Col(("renews contract", "renewed contract id", "previous contract id", "prior contract", "renewal of"), refers="contracts", label="Renews")
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
                "client", "client name", "organization", "organisation", "organization name", "bill to", "billed to", "billing customer", "invoice customer",
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
                "effective date",
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
    unit_price: Annotated[Decimal | None, Col(("unit price", "unit amount", "price per unit", "price per seat"), virtual=True)] = None
    mrr: Annotated[
        Decimal | None,
        Col(
            ("mrr", "mrr amount", "monthly recurring revenue", "monthly revenue", "net mrr", "monthly amount", "monthly fee", "monthly price", "contract mrr", "total mrr", "current mrr"),
            virtual=True, label="MRR",
        ),
    ] = None
    arr: Annotated[
        Decimal | None,
        Col(
            (
                "arr", "arr amount", "annual recurring revenue", "annual revenue", "acv", "annual contract value", "net arr", "annual amount", "annual fee",
                "annual price", "yearly amount", "yearly fee", "contract arr", "total arr", "current arr",
            ),
            virtual=True, label="ARR",
        ),
    ] = None
    interval: Annotated[
        str | None,
        Col(("interval", "billing interval", "billing frequency", "billing period", "billing cycle", "frequency", "period", "recurrence", "billing term")),
    ] = None
    currency: Annotated[str | None, Col(("currency", "currency code", "iso currency", "curr"))] = None
    status: Annotated[str | None, Col(("status", "subscription status", "state", "line status"))] = None
    is_trial: Annotated[bool | None, Col(("is trial", "trial", "trial flag", "on trial"))] = None
    auto_renews: Annotated[bool | None, Col(("auto renew", "auto renewal", "auto renew flag", "auto renews"))] = None
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
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account", "customer"), refers="accounts")]
    subscription_id: Annotated[int | None, Col(("subscription id", "subscription"), refers="subscriptions")] = None
    percent: Annotated[Decimal | None, Col(("discount percent", "percent off", "discount %", "percent", "discount rate"))] = None
    amount: Annotated[Decimal | None, Col(("discount amount", "amount off"))] = None
    currency: Annotated[str | None, Col(("currency", "currency code"))] = None
    start_on: Annotated[date | None, Col(("discount start", "start date", "start", "from"))] = None
    end_on: Annotated[date | None, Col(("discount end", "end date", "end", "until"))] = None
    reason: Annotated[str | None, Col(("discount reason", "reason", "note"))] = None


class UsageDay(Record):
    """What an account did with a feature on a day. Identity: source + row id + content; lives in the lake."""

    info: ClassVar = Info(
        "usage_days",
        "usage day",
        "one row per source row: account, feature and day",
        "row_id",
        home="lake",
        natural=(),
        key_aka=("usage id", "event id", "row id", "id"),
    )
    row_id: Annotated[str | None, Col(("usage id", "event id", "row id"))] = None
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account", "customer"), refers="accounts")]
    subscription_id: Annotated[int | None, Col(("subscription id", "subscription"), refers="subscriptions")] = None
    user_id: Annotated[str | None, Col(("user id", "user", "end user id", "member id"))] = None
    feature: Annotated[str | None, Col(("feature name", "feature", "event name", "module", "event"))] = None
    day: Annotated[date, Col(("usage date", "day", "date", "event date", "activity date"))]
    count: Annotated[int | None, Col(("usage count", "count", "events", "event count", "actions", "logins", "sessions"))] = None
    seconds: Annotated[int | None, Col(("usage duration secs", "duration seconds", "seconds", "duration", "time spent"))] = None
    errors: Annotated[int | None, Col(("error count", "errors", "failures"))] = None


class Ticket(Record):
    """A request for help."""

    info: ClassVar = Info(
        "tickets", "ticket", "one row per ticket", "ticket_id", natural=(), key_aka=("ticket id", "case id", "case number", "ticket number", "issue id")
    )
    ticket_id: int
    account_id: Annotated[
        int,
        Col(
            (
                "account id",
                "customer id",
                "company id",
                "organization id",
                "organisation id",
                "account",
                "customer",
                "organization",
                "organisation",
                "company",
                "account name",
                "customer name",
                "company name",
            ),
            refers="accounts",
        ),
    ]
    contact_id: Annotated[int | None, Col(("contact id", "requester id"), refers="contacts")] = None
    subject: Annotated[str | None, Col(("subject", "ticket subject", "summary", "title"))] = None
    opened_at: Annotated[
        datetime, Col(("submitted at", "opened at", "created at", "created date", "opened on", "created", "opened", "date opened", "submitted"))
    ]
    closed_at: Annotated[datetime | None, Col(("closed at", "resolved at", "solved at", "closed date", "closed on", "closed", "resolved"))] = None
    status: Annotated[str | None, Col(("ticket status", "status", "state"))] = None
    priority: Annotated[str | None, Col(("priority", "severity", "urgency"))] = None
    first_response_minutes: Annotated[int | None, Col(("first response time minutes", "first response minutes", "first reply time"))] = None
    resolution_hours: Annotated[Decimal | None, Col(("resolution time hours", "resolution hours", "time to resolution"))] = None
    satisfaction: Annotated[Decimal | None, Col(("satisfaction score", "satisfaction", "csat", "rating"))] = None
    escalated: Annotated[bool | None, Col(("escalation flag", "escalated", "is escalated", "escalation"))] = None


class SurveyResponse(Record):
    """An answer to a survey, as it was given: the score stays raw, the formula that reads it is versioned elsewhere."""

    info: ClassVar = Info(
        "survey_responses",
        "survey response",
        "one row per answer",
        "response_id",
        natural=(),
        key_aka=("response id", "survey response id", "answer id", "survey id"),
    )
    response_id: int
    account_id: Annotated[
        int,
        Col(("account id", "customer id", "company id", "account", "customer", "company", "account name", "customer name", "company name"), refers="accounts"),
    ]
    contact_id: Annotated[int | None, Col(("contact id", "respondent id"), refers="contacts")] = None
    kind: Annotated[str | None, Col(("survey type", "survey kind", "kind", "survey", "metric"))] = None
    score: Annotated[Decimal | None, Col(("score", "nps", "nps score", "rating", "answer", "csat score"))] = None
    answered_on: Annotated[date, Col(("answered on", "response date", "responded at", "submitted at", "date", "answered at", "survey date"))]
    comment: Annotated[str | None, Col(("comment", "feedback", "feedback text", "verbatim", "text"))] = None


class ChurnEvent(Record):
    """That an account left, said so by a person or a source, with the reason."""

    info: ClassVar = Info(
        "churn_events", "churn event", "one row per departure", "churn_event_id", natural=(), key_aka=("churn event id", "churn id", "cancellation id")
    )
    churn_event_id: int
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account", "customer"), refers="accounts")]
    notified_on: Annotated[date | None, Col(("notified on", "notice date", "notification date", "cancel requested on"))] = None
    effective_on: Annotated[date, Col(("churn date", "effective on", "effective date", "churned on", "cancellation date", "churned at"))]
    reason: Annotated[str | None, Col(("reason code", "churn reason", "reason", "cancellation reason"))] = None
    avoidable: Annotated[bool | None, Col(("avoidable", "is avoidable", "preventable"))] = None
    competitor: Annotated[str | None, Col(("competitor", "lost to"))] = None
    amount: Annotated[Decimal | None, Col(("churned amount", "lost mrr", "lost arr", "amount"))] = None
    text: Annotated[str | None, Col(("feedback text", "feedback", "comment", "text", "notes"))] = None
    is_reactivation: Annotated[bool | None, Col(("is reactivation", "reactivation", "came back"))] = None


class Pulse(Record):
    """What a person holds of an account's health: their own word, dated, never computed."""

    info: ClassVar = Info("pulses", "pulse", "one row per account, day and source", "pulse_id", natural=("account_id", "stated_on"), key_aka=("pulse id",))
    pulse_id: int
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account", "customer", "company"), refers="accounts")]
    colour: Annotated[
        str,
        Col(
            ("health", "health status", "account health", "customer health", "health color", "health colour", "rag", "rag status", "pulse", "csm pulse"),
            words=tuple(HEALTH),
        ),
    ]
    stated_on: Annotated[date, Col(("pulse date", "health date", "health updated on"))]
    reason: Annotated[str | None, Col(("health reason", "pulse reason", "health comment", "health notes", "reason for health"))] = None


class Note(Record):
    """A text that somebody wrote on an account."""

    info: ClassVar = Info("notes", "note", "one row per text", "note_id", natural=(), key_aka=("note id",))
    note_id: int
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account", "customer", "company"), refers="accounts")]
    text: Annotated[str, Col(("notes", "note", "comments", "comment", "remarks", "next steps", "csm notes", "account notes"))]
    written_on: Annotated[date | None, Col(("note date", "written on"))] = None


class Assignment(Record):
    """Who has which job on an account, from when to when."""

    info: ClassVar = Info(
        "assignments",
        "assignment",
        "one row per account, person, job and period",
        "assignment_id",
        natural=("account_id", "person_id", "job", "from_on"),
        key_aka=("assignment id",),
    )
    assignment_id: int
    account_id: Annotated[int, Col(("account id", "customer id", "company id", "account"), refers="accounts")]
    person_id: Annotated[int, Col(("person id", "owner", "person", "employee", "email", "owner email"), refers="people")]
    job: Annotated[
        str | None,
        Col(("job", "role", "assignment"), words=("csm", "ae", "am", "renewals", "onboarding", "services", "support", "operations", "presales", "finance")),
    ] = None
    from_on: Annotated[date | None, Col(("from", "from date", "start date", "assigned on", "since"))] = None
    until_on: Annotated[date | None, Col(("until", "to", "to date", "end date"))] = None


BOOK = (
    "people",
    "accounts",
    "contacts",
    "products",
    "contracts",
    "subscriptions",
    "subscription_lines",
    "discounts",
    "tickets",
    "survey_responses",
    "churn_events",
    "pulses",
    "notes",
    "assignments",
)
LAKE = ("usage_days",)
ORDER = (*BOOK, *LAKE)
