"""The input of what fell due, with what was done and known around it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pyarrow.compute as pc

from laer.cycle.due_items import Around, Called, due_items
from laer.cycle.fact_book import Book, Columns, days, listed, local_days
from laer.cycle.inputs_bought import notices
from laer.cycle.inputs_people import pulses, touches


def renewals(book: Book) -> Columns:
    """What fell due up to the last date asked for, with what was done and known around it."""
    contracts, touched = book.tables["contracts"], touches(book)
    notice = dict(zip(contracts["contract_id"].to_pylist(), days(contracts["notice_on"]).to_pylist(), strict=True))
    around = Around(
        _by_account(touched, "on_d", "minutes"), _by_account(pulses(book), "stated_d", "level"), _by_account(notices(book), "known_d", "effective_d"),
        _calls(book),
    )
    lines = book.tables["subscription_lines"]
    return due_items(book.when, lines, book.given, book.tables["products"], notice, around, book.grace, book.hi)


def _calls(book: Book) -> dict[tuple[int, int], list[Called]]:
    """What people expected: (contract, due day) -> calls in their order. An amount in a currency without a rate is none."""
    table = book.tables["forecasts"].sort_by([("at", "ascending"), ("forecast_id", "ascending")])
    table = table.filter(pc.equal(table["by"], "person"))
    known = book.known_rates
    columns = (table["contract_id"], days(table["due_on"]), local_days(table["at"], book.zone), table["category"], table["amount"], table["currency"])
    found: dict[tuple[int, int], list[Called]] = {}
    for contract, due, day, category, amount, code in zip(*(column.to_pylist() for column in columns), strict=True):
        rate = known.get(code or book.currency)
        said = None if amount is None or rate is None else float(Fraction(amount) * rate)
        found.setdefault((contract, due), []).append(Called(day, category, said))
    return found


def called(book: Book) -> Columns:
    """Calls by people, as days."""
    table = book.tables["forecasts"].filter(pc.equal(book.tables["forecasts"]["by"], "person"))
    return {
        "account_id": table["account_id"], "due_d": days(table["due_on"]), "on_d": local_days(table["at"], book.zone), "category": table["category"]
    }  # fmt: skip


def _by_account(columns: Columns, day: str, value: str) -> dict[int, list[tuple[int, Any]]]:
    """Account -> (day, value), by day."""
    found: dict[int, list[tuple[int, Any]]] = {}
    for account, on, said in zip(*(listed(columns[name]) for name in ("account_id", day, value)), strict=True):
        if on is not None and (said is not None or value == "minutes"):
            found.setdefault(account, []).append((on, said))
    for rows in found.values():
        rows.sort(key=lambda row: row[0])
    return found
