"""The record types that the book and the lake hold today. Later issues add theirs; names are fixed in the design.

Order matters: a type stands after the types it refers to, which is also the order in which an import writes them.
`*_on` is a date, `*_at` an instant in UTC, an end is exclusive (the first day it no longer holds).
"""

from laer.records.types.bought import Contract, Discount, Pause, Product, Subscription, SubscriptionLine
from laer.records.types.happened import HEALTH, ChurnEvent, Note, Pulse, SurveyResponse, Ticket, UsageDay
from laer.records.types.sold import MOTIONS, STAGES, Opportunity
from laer.records.types.who import Account, Assignment, Contact, Person
from laer.records.types.worked import Touch

__all__ = [
    "BOOK",
    "HEALTH",
    "LAKE",
    "MOTIONS",
    "ORDER",
    "STAGES",
    "WORK",
    "Account",
    "Assignment",
    "ChurnEvent",
    "Contact",
    "Contract",
    "Discount",
    "Note",
    "Opportunity",
    "Pause",
    "Person",
    "Product",
    "Pulse",
    "Subscription",
    "SubscriptionLine",
    "SurveyResponse",
    "Ticket",
    "Touch",
    "UsageDay",
]  # fmt: skip

BOOK = (
    "people",
    "accounts",
    "contacts",
    "products",
    "contracts",
    "subscriptions",
    "subscription_lines",
    "discounts",
    "pauses",
    "opportunities",
    "tickets",
    "survey_responses",
    "churn_events",
    "pulses",
    "notes",
    "assignments",
)
LAKE = ("usage_days",)
WORK = ("touches",)  # written by people in the product; the seam shows them beside the book
ORDER = (*BOOK, *LAKE)
