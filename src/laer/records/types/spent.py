"""What a motion cost: one amount per month, motion and kind, with the words by which files say them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from laer.records.record import Col, Info, Record
from laer.records.types.who import ACCOUNT

COST_MOTIONS = {  # how files spell the motion, or the team whose work it is
    "land": "land", "landing": "land", "sales": "land", "new business": "land", "new logo": "land", "new logos": "land", "marketing": "land",
    "acquisition": "land", "sales and marketing": "land", "sales & marketing": "land", "s&m": "land", "presales": "land",
    "adopt": "adopt", "adoption": "adopt", "onboarding": "adopt", "customer success": "adopt", "cs": "adopt", "implementation": "adopt",
    "expand": "expand", "expansion": "expand", "upsell": "expand", "account management": "expand",
    "renew": "renew", "renewal": "renew", "renewals": "renew", "support": "support", "customer support": "support", "service desk": "support",
}  # fmt: skip
COST_KINDS = {  # how files spell what the money went on
    "pay": "pay", "salary": "pay", "salaries": "pay", "wages": "pay", "payroll": "pay", "people": "pay", "staff": "pay", "headcount": "pay",
    "commission": "commission", "commissions": "commission", "bonus": "commission", "bonuses": "commission", "variable pay": "commission",
    "tools": "tools", "tool": "tools", "software": "tools", "licenses": "tools", "licences": "tools", "subscriptions": "tools",
    "marketing": "marketing", "advertising": "marketing", "ads": "marketing", "events": "marketing", "campaigns": "marketing", "paid media": "marketing",
    "services": "services", "service": "services", "contractors": "services", "agency": "services", "consultants": "services", "partners": "services",
    "travel": "travel", "travel and entertainment": "travel", "t&e": "travel", "other": "other", "misc": "other", "miscellaneous": "other",
}  # fmt: skip


class Cost(Record):
    """What was spent in a month on a motion. A month without a row is not entered, which is not 0."""

    info: ClassVar = Info(
        "costs", "cost", "one row per month, motion and kind (and person or account, where it says one)", "cost_id",
        natural=("month", "motion", "kind", "person_id", "account_id"), key_aka=("cost id", "expense id"),
    )  # fmt: skip
    cost_id: int
    month: Annotated[date, Col(("month", "cost month", "expense month", "period", "posting month"))]
    motion: Annotated[str, Col(("motion", "laer motion", "cost motion", "department", "cost center", "cost centre"), words=tuple(COST_MOTIONS))]
    kind: Annotated[str, Col(("kind", "cost kind", "cost type", "expense type", "cost category", "expense category", "category", "type"), words=tuple(COST_KINDS))]
    person_id: Annotated[int | None, Col(("person", "employee", "person id", "employee id"), refers="people")] = None
    account_id: Annotated[int | None, Col(ACCOUNT, refers="accounts")] = None
    amount: Annotated[Decimal, Col(("cost", "costs", "amount", "cost amount", "spend", "expense", "expenses", "total cost"))]
    currency: Annotated[str | None, Col(("currency", "currency code", "cost currency"))] = None
