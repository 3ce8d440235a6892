"""Who: our own people, accounts, the people at them, and who has which job on an account."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record

# How files name the account that a row belongs to: by id, or by name where they have none.
ACCOUNT = ("account id", "customer id", "company id", "account", "customer", "company", "account name", "customer name", "company name", "logo", "end customer")
STANCES = {  # how files say where somebody stands
    "supporter": "supporter", "supportive": "supporter", "positive": "supporter", "promoter": "supporter", "for": "supporter",
    "neutral": "neutral", "open": "neutral", "detractor": "detractor", "negative": "detractor", "critic": "detractor", "against": "detractor",
    "blocker": "detractor",
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
            "customer number",
            "client number",
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
                "logo",
                "logo name",
                "end customer",
                "name",
                "row labels",
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
                "logo",
                "end customer",
            ),
            refers="accounts",
        ),
    ]
    name: Annotated[
        str | None, Col(("contact name", "full name", "name", "contact", "champion", "champion name", "primary contact", "main contact", "key contact", "sponsor", "exec sponsor", "executive sponsor"))
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
                "sponsor mail",
                "exec sponsor email",
                "executive sponsor email",
            )
        ),
    ] = None
    phone: Annotated[str | None, Col(("phone", "phone number", "telephone", "mobile"))] = None
    title: Annotated[str | None, Col(("title", "job title", "position", "function"))] = None
    role: Annotated[str | None, Col(("role", "contact role", "buying role", "persona"))] = None


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


class ContactRole(Record):
    """What a contact is to an account, from when to when; several at once where several are true."""

    info: ClassVar = Info(
        "contact_roles", "contact role", "one row per contact, role and period", "contact_role_id", natural=("contact_id", "role", "from_on"),
        key_aka=("contact role id",),
    )  # fmt: skip
    contact_role_id: int
    account_id: Annotated[int, Col(ACCOUNT, refers="accounts")]
    contact_id: Annotated[int, Col(("contact id", "contact", "contact email", "contact e-mail"), refers="contacts")]
    role: Annotated[str, Col(("contact role", "role", "buying role", "persona", "stakeholder role"))]
    stance: Annotated[str | None, Col(("stance", "attitude", "stakeholder stance"), words=tuple(STANCES))] = None
    reports_to_id: Annotated[int | None, Col(("reports to", "reports to id", "manager contact id"), refers="contacts", label="Reports to")] = None
    from_on: Annotated[date | None, Col(("role from", "role since", "from", "from date", "since", "valid from"))] = None
    until_on: Annotated[date | None, Col(("role until", "until", "to", "to date", "valid until", "valid to"))] = None
