"""What the firm billed and when it was paid, what it grants, which of its features matter, and champions who handed over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from laer.sources.demo.cast import Contact
from laer.sources.demo.deals import Life
from laer.sources.demo.market import PLANNER, PLANS
from laer.sources.demo.seasons import add_months
from laer.sources.demo.usage import EXTRA_FEATURES, FEATURES

EVERY = {"monthly": 1, "quarterly": 3, "annual": 12, "yearly": 12}  # months between two invoices
HISTORY, TERMS = 24, 30  # months that the system of accounting goes back; days until an invoice is due
CALLS = 2_000  # of the interface, a month and seat
KEY = ("schedule_board", "work_orders", "mobile_check_in", "capacity_forecast", "field_routes", "insights_dashboard")


def invoices(life: Life, rng: Random, as_of: date) -> Iterator[dict[str, Any]]:
    """One for each account and day on which something is billed; who fits badly pays late, and some have not paid yet."""
    first, billed = add_months(as_of, -HISTORY), dict[date, Decimal]()
    for sub in life.subs:
        for line in sub.lines:
            day, end = line.start, min(line.end or as_of, as_of)
            while not line.is_trial and line.amount > 0 and day < end:
                if day >= first:
                    billed[day] = billed.get(day, Decimal(0)) + line.amount
                day = add_months(day, EVERY[sub.interval])
    for day, amount in sorted(billed.items()):
        slow = max(0.0, rng.gauss(16 - 30 * (life.profile.fit - 0.45), 14))
        paid = day + timedelta(days=round(rng.uniform(8, TERMS - 4) + (slow if rng.random() < 0.45 else 0.0)))
        yield {
            "account_id": life.profile.key, "issued_on": day, "due_on": day + timedelta(days=TERMS), "paid_on": paid if paid < as_of else None,
            "amount": amount, "currency": "USD", "status": "paid" if paid < as_of else "open",
        }  # fmt: skip


def features() -> Iterator[dict[str, Any]]:
    """Every feature that usage names, with the product that has it."""
    of = {name: PLANNER.key for name, *_ in FEATURES} | {feature[0]: product for product, feature in EXTRA_FEATURES.items()}
    for name, product in of.items():
        yield {"product_id": product, "name": name.replace("_", " ").capitalize(), "code": name, "is_key": name in KEY}


def entitlements(life: Life) -> Iterator[dict[str, Any]]:
    """Calls of the interface that go with each seat of the largest plan."""
    for sub in life.subs:
        for line in sub.lines:
            if sub.product is PLANNER and line.plan == PLANS[-1] and not line.is_trial:
                row = {"account_id": life.profile.key, "product_id": PLANNER.key, "name": "API calls", "granted": Decimal(line.seats * CALLS)}
                yield row | {"unit": "calls a month", "from_on": line.start, "until_on": line.end}


def handed_over(life: Life, people: list[Contact], rng: Random, as_of: date) -> Iterator[dict[str, Any]]:
    """At a few accounts the champion handed over to somebody else within the last year."""
    champion = next((one for one in people if one.role == "champion"), None)
    other = next((one for one in people if one is not champion and one.role != "champion"), None)
    first = life.profile.first_paid
    if champion is None or other is None or first is None or first > as_of - timedelta(days=400) or rng.random() > 0.08:
        return
    day = as_of - timedelta(days=rng.randint(20, 330))
    yield {"account_id": life.profile.key, "contact_id": champion.key, "role": "champion", "stance": "supporter", "from_on": first, "until_on": day}
    yield {"account_id": life.profile.key, "contact_id": other.key, "role": "champion", "stance": None, "from_on": day, "until_on": None}
    yield {"account_id": life.profile.key, "contact_id": other.key, "role": other.role, "stance": None, "from_on": first, "until_on": None}
