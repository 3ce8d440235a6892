"""What was sold, or is being sold: opportunities, with the words by which files say their stage and motion."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record

MOTIONS = {  # how files spell a motion; None: known, and yet it does not say which
    "land": "land", "landing": "land", "new": "land", "new business": "land", "newbusiness": "land", "new logo": "land", "new customer": "land", "net new": "land",
    "expand": "expand", "expansion": "expand", "upsell": "expand", "up sell": "expand", "upgrade": "expand", "cross sell": "expand", "crosssell": "expand",
    "cross-sell": "expand", "up-sell": "expand", "add on": "expand", "add-on": "expand", "addon": "expand", "existing customer - upgrade": "expand",
    "existing customer upgrade": "expand", "renew": "renew", "renewal": "renew", "existing customer - renewal": "renew", "existing customer renewal": "renew",
    "existing business": None, "existingbusiness": None, "existing customer": None, "existing customer - replacement": None, "other": None,
}  # fmt: skip
STAGES = {  # what a stage says of the outcome; a firm's own words are told by its columns Won and Closed
    "won": "won", "closed won": "won", "closedwon": "won", "lost": "lost", "closed lost": "lost", "closedlost": "lost", "no decision": "lost",
    "closed no decision": "lost", "disqualified": "lost", "open": "open", "new": "open", "discovery": "open", "demo": "open", "evaluation": "open",
    "proposal": "open", "negotiation": "open", "pipeline": "open", "qualified": "open", "prospecting": "open", "qualification": "open", "needs analysis": "open",
    "value proposition": "open", "id. decision makers": "open", "identify decision makers": "open", "perception analysis": "open",
    "proposal/price quote": "open", "negotiation/review": "open", "appointment scheduled": "open", "appointmentscheduled": "open", "qualified to buy": "open",
    "qualifiedtobuy": "open", "presentation scheduled": "open", "presentationscheduled": "open", "decision maker bought in": "open",
    "decisionmakerboughtin": "open", "contract sent": "open", "contractsent": "open",
}  # fmt: skip


class Opportunity(Record):
    """A sale to an account: what it would bring, where it stands, and how it ended.

    What it brings in a year is kept as the exact fraction arr_num / arr_den of a unit of its currency; `amount_basis` says what it was
    read from. `closed_on` is the day on which it was won or lost: of an open one a file's close date is `expected_on`.
    """

    info: ClassVar = Info(
        "opportunities", "opportunity", "one row per opportunity", "opportunity_id",
        natural=("account_id", "name", "created_on"), key_aka=("opportunity id", "deal id", "opp id"),
    )  # fmt: skip
    opportunity_id: int
    account_id: Annotated[
        int,
        Col(
            (
                "account id", "customer id", "company id", "associated company id", "associated company ids", "account", "customer", "company",
                "account name", "customer name", "company name", "associated company",
            ),
            refers="accounts",
        ),
    ]  # fmt: skip
    contract_id: Annotated[int | None, Col(("contract id", "contract number", "agreement id"), refers="contracts")] = None
    name: Annotated[str | None, Col(("opportunity name", "deal name", "opportunity", "deal", "name"))] = None
    motion: Annotated[str | None, Col(("motion", "opportunity type", "deal type", "sales motion", "business type", "type"), words=tuple(MOTIONS))] = None
    stage: Annotated[str | None, Col(("stage", "opportunity stage", "deal stage", "stage name", "sales stage", "pipeline stage"))] = None
    status: Annotated[str | None, Col(("opportunity status", "deal status", "status", "outcome"))] = None
    is_won: Annotated[bool | None, Col(("is won", "won", "is closed won", "closed won"), virtual=True, label="Won")] = None
    is_lost: Annotated[bool | None, Col(("is lost", "is closed lost", "closed lost"), virtual=True, label="Lost")] = None
    is_closed: Annotated[bool | None, Col(("is closed", "closed", "is deal closed"), virtual=True, label="Closed")] = None
    amount: Annotated[Decimal | None, Col(("amount", "opportunity amount", "deal amount", "deal value", "value", "amount in company currency"))] = None
    arr: Annotated[
        Decimal | None,
        Col(("arr", "annual recurring revenue", "new arr", "arr amount", "acv", "annual contract value", "expected arr"), virtual=True, label="ARR"),
    ] = None
    mrr: Annotated[Decimal | None, Col(("mrr", "monthly recurring revenue", "new mrr", "mrr amount"), virtual=True, label="MRR")] = None
    tcv: Annotated[Decimal | None, Col(("tcv", "total contract value"), virtual=True, label="Total contract value")] = None
    currency: Annotated[str | None, Col(("currency", "currency code", "opportunity currency", "deal currency", "iso currency"))] = None
    term_months: Annotated[int | None, Col(("term months", "contract term", "term", "contract length months", "subscription term"))] = None
    discount: Annotated[Decimal | None, Col(("discount percent", "discount %", "discount", "discount rate"))] = None
    created_on: Annotated[date | None, Col(("created date", "create date", "created on", "created at", "created"))] = None
    qualified_on: Annotated[date | None, Col(("qualified on", "qualified date", "qualification date", "date qualified"))] = None
    expected_on: Annotated[date | None, Col(("expected close date", "expected close", "expected on", "forecast close date"))] = None
    closed_on: Annotated[date | None, Col(("close date", "closed date", "closed on", "closed won date", "won date", "signed on", "signature date"))] = None
    starts_on: Annotated[date | None, Col(("start date", "starts on", "contract start date", "contract start", "service start date", "go live date"))] = None
    owner: Annotated[
        str | None, Col(("opportunity owner", "deal owner", "seller", "sales rep", "account executive", "opportunity owner name", "owner", "owner name"))
    ] = None
    lead_source: Annotated[str | None, Col(("lead source", "original source", "original traffic source", "deal source", "source"))] = None
    lost_reason: Annotated[str | None, Col(("lost reason", "closed lost reason", "loss reason", "reason lost"))] = None
    arr_num: Annotated[int | None, Col(())] = None
    arr_den: Annotated[int | None, Col(())] = None
    amount_basis: Annotated[str | None, Col((), words=("arr", "mrr", "term", "year"))] = None  # year: an amount without a term counts as a year's
