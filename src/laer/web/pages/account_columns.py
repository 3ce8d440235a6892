"""Columns of the account list: which are shown (`?columns=…`, always in one order), and what each says in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy

from laer.records.money import minor_units
from laer.web.pages.exports import Money
from laer.web.templatetags.laer import last_covered

TITLES = {
    "segment": gettext_lazy("Segment"), "industry": gettext_lazy("Industry"), "country": gettext_lazy("Country"), "state": gettext_lazy("State"),
    "spark": gettext_lazy("MRR, 12 months"), "mrr": gettext_lazy("MRR"), "arr": gettext_lazy("ARR"), "first_paid_on": gettext_lazy("Customer since"),
    "contract_end_on": gettext_lazy("Contract ends"), "owner_name": gettext_lazy("Owner"),
}  # fmt: skip
DEFAULT = ("segment", "country", "spark", "mrr", "arr", "contract_end_on", "owner_name")


def columns_of(query: QueryDict) -> tuple[str, ...]:
    """The columns that an address asks for, in their order; those of every day where it names none that exist."""
    asked = set(query.getlist("columns"))
    return tuple(name for name in TITLES if name in asked) or DEFAULT


def choices(shown: Iterable[str]) -> list[dict[str, Any]]:
    chosen = set(shown)
    return [{"name": name, "title": title, "checked": name in chosen} for name, title in TITLES.items()]


CELLS: dict[str, tuple[str, Callable[[Mapping[str, Any], str], Any]]] = {
    "segment": ("segment", lambda row, currency: row["segment"]),
    "industry": ("industry", lambda row, currency: row["industry"]),
    "country": ("country", lambda row, currency: row["country"]),
    "state": ("state", lambda row, currency: row["state"]),
    "mrr": ("mrr", lambda row, currency: _money(row["mrr_minor"], currency)),
    "arr": ("arr", lambda row, currency: _money(row["arr_minor"], currency)),
    "first_paid_on": ("customer_since_on", lambda row, currency: row["first_paid_on"]),
    "contract_end_on": ("contract_ends_on", lambda row, currency: last_covered(row["contract_end_on"])),
    "owner_name": ("owner", lambda row, currency: row["owner_name"]),
}


def header(shown: Iterable[str]) -> list[str]:
    """Titles in a file: the id that addresses have, name and domain, the columns shown, the currency of the amounts."""
    return ["account_id", "account", "domain", *(CELLS[name][0] for name in shown if name in CELLS), "currency"]


def cells(rows: Iterable[Mapping[str, Any]], shown: Iterable[str], currency: str) -> Iterator[list[Any]]:
    found = [CELLS[name][1] for name in shown if name in CELLS]
    for row in rows:
        own = row["currency"] or currency
        yield [row["account_id"], row["name"], row["domain"], *(cell(row, own) for cell in found), own]


def _money(amount: int, currency: str) -> Money:
    return Money(Decimal(amount).scaleb(-minor_units(currency)), currency)
