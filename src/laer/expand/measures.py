"""Measures of Expand: room to grow in what is bought."""

from __future__ import annotations

from functools import partial

from laer.metrics.catalogue import Derived, Measure
from laer.records.expr import ratio

SEATS_AND_USE = ("subscription_lines", "usage_days")

room = partial(Measure, motion="expand", kind="number", sources=("subscription_lines", "usage_days"), leading=True, method="usage")

DERIVED = (
    Derived(
        room("seat_use", "Seat use", "%", "active users of 28 days over seats bought; above 1 is more than bought", better="up"),
        ("active_users_28d", "seats"),
        lambda facts: ratio(facts.active_users_28d, facts.seats),
    ),
    Derived(
        room("seats_idle", "Seats without a user", "seats", "seats bought less active users of 28 days; below 0 is more than bought", better="down"),
        ("active_users_28d", "seats"),
        lambda facts: facts.seats - facts.active_users_28d,
    ),
)  # fmt: skip
