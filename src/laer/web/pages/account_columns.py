"""The account list: its columns, what each says in a file, and what of its address says which accounts are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from laer.flow.positions import column_of
from laer.records.money import minor_units
from laer.web import position_words
from laer.web.pages.exports import Money
from laer.web.pages.lists import Column, List, Value, register
from laer.web.runs.queries import ADDRESSED, Filters
from laer.web.templatetags.laer import last_covered


def _of(name: str) -> Value:
    return lambda row: row[name]


def _money(name: str) -> Value:
    return lambda row: Money(Decimal(row[name]).scaleb(-minor_units(row["currency"])), row["currency"])


ACCOUNTS = register(
    List(
        "accounts",
        "accounts",
        {
            "segment": Column(_("Segment"), "segment", _of("segment")),
            "industry": Column(_("Industry"), "industry", _of("industry"), usual=False),
            "country": Column(_("Country"), "country", _of("country"), usual=False, filed=True),
            "state": Column(_("State"), "state", _of("state"), usual=False),
            "health": Column(_("Health"), "health", _of("health")),
            "health_score": Column(_("Health, points"), "health_points", _of("health_score"), usual=False),
            "pulse": Column(_("Pulse"), "pulse", _of("pulse"), usual=False, filed=True),
            **{column_of(motion): Column(name, column_of(motion), _of(column_of(motion)), usual=False) for motion, name in position_words.MOTIONS.items()},
            "spark": Column(_("MRR, 12 months")),
            "mrr": Column(_("MRR"), "mrr", _money("mrr_minor")),
            "arr": Column(_("ARR"), "arr", _money("arr_minor")),
            "first_paid_on": Column(_("Customer since"), "customer_since_on", _of("first_paid_on"), usual=False),
            "contract_end_on": Column(_("Contract ends"), "contract_ends_on", lambda row: last_covered(row["contract_end_on"])),
            "owner_name": Column(_("Owner"), "owner", _of("owner_name")),
        },
        keys=("q", *(ADDRESSED.get(f.name, f.name) for f in fields(Filters)), "sort"),
        before={"account_id": _of("account_id"), "account": _of("name"), "domain": _of("domain")},
        after={"currency": _of("currency")},
    )
)


def in_own_currency(rows: Iterable[Mapping[str, Any]], currency: str) -> Iterator[dict[str, Any]]:
    """Rows for a file: those that name no currency are in the firm's."""
    for row in rows:
        yield {**row, "currency": row["currency"] or currency}
