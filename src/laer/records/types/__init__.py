"""The record types that the book and the lake hold today. Later issues add theirs; names are fixed in the design.

Order matters: a type stands after the types it refers to, which is also the order in which an import writes them.
`*_on` is a date, `*_at` an instant in UTC, an end is exclusive (the first day it no longer holds).
"""

from laer.records.types.adopted import SIDES, AccountMetric, OnboardingPlan, OnboardingStep, Outcome
from laer.records.types.bought import Contract, Discount, Pause, Product, Subscription, SubscriptionLine
from laer.records.types.granted import PAYMENTS, Entitlement, Invoice, ProductFeature, ProductUser
from laer.records.types.happened import HEALTH, ChurnEvent, Note, Pulse, SurveyResponse, Ticket, UsageDay
from laer.records.types.sold import MOTIONS, STAGES, Opportunity
from laer.records.types.spent import COST_KINDS, COST_MOTIONS, Cost
from laer.records.types.who import STANCES, Account, Assignment, Contact, ContactRole, Person
from laer.records.types.worked import CALLS, Forecast, Task, TextSentiment, Touch, TouchContact

__all__ = [
    "BOOK",
    "CALLS",
    "COST_KINDS",
    "COST_MOTIONS",
    "HEALTH",
    "LAKE",
    "MOTIONS",
    "ORDER",
    "PAYMENTS",
    "SIDES",
    "STAGES",
    "STANCES",
    "WORK",
    "Account",
    "AccountMetric",
    "Assignment",
    "ChurnEvent",
    "Contact",
    "ContactRole",
    "Contract",
    "Cost",
    "Discount",
    "Entitlement",
    "Forecast",
    "Invoice",
    "Note",
    "OnboardingPlan",
    "OnboardingStep",
    "Opportunity",
    "Outcome",
    "Pause",
    "Person",
    "Product",
    "ProductFeature",
    "ProductUser",
    "Pulse",
    "Subscription",
    "SubscriptionLine",
    "SurveyResponse",
    "Task",
    "TextSentiment",
    "Ticket",
    "Touch",
    "TouchContact",
    "UsageDay",
]  # fmt: skip

BOOK = (
    "people",
    "accounts",
    "contacts",
    "contact_roles",
    "products",
    "product_features",
    "product_users",
    "contracts",
    "subscriptions",
    "subscription_lines",
    "discounts",
    "pauses",
    "entitlements",
    "invoices",
    "opportunities",
    "onboarding_plans",
    "onboarding_steps",
    "outcomes",
    "account_metrics",
    "tickets",
    "survey_responses",
    "churn_events",
    "pulses",
    "notes",
    "assignments",
    "costs",
)
LAKE = ("usage_days",)
WORK = ("touches", "touch_contacts", "tasks", "forecasts", "text_sentiments")  # written by people in the product; the seam shows them beside the book
ORDER = (*BOOK, *LAKE)
