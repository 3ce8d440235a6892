"""Doubts about money: what period an amount is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from laer.sources.tabular.mapping import Mapping
from laer.web.pages.data_doubts import About, Doubt, Option

PER = {"monthly": "A month", "quarterly": "A quarter", "semi-annual": "Half a year", "annual": "A year", "biennial": "Two years"}


def period(about: About) -> Iterator[Doubt]:
    mapping = about.mapping
    if not period_unknown(mapping):
        return
    header = mapping.headers.get("amount") or mapping.headers["unit_price"]
    options = tuple(Option(per, label) for per, label in PER.items())
    yield Doubt(
        about.key("per"), f"What period is {header} for?", options, mapping.fixed.get("interval", ""), wanted=f"say what period {header} is for",
        help="No column says how often it is billed, and no other column says what it comes to in a month.",
        settle=lambda mapping, per: replace(mapping, fixed={**mapping.fixed, "interval": per}),
    )  # fmt: skip


def period_unknown(mapping: Mapping) -> bool:
    """Whether nothing in the file says what period an amount is for."""
    there = mapping.headers
    priced = "amount" in there or ("unit_price" in there and "quantity" in there)
    return mapping.record == "subscription_lines" and priced and not {"mrr", "arr", "interval"} & there.keys()
