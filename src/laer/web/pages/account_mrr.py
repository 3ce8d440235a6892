"""The chart of an account's MRR: as restated, or as it was reported at each closing, with the other drawn over it where they differ."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from laer.cycle.scope import Scope
from laer.records.periods import month_number
from laer.web.pages.revenue_charts import amount_of
from laer.web.pages.revenue_reported import BASES
from laer.web.runs.reported import closings
from laer.web.runs.reported_accounts import Accounts

Months = list[tuple[date, Decimal]]


def mrr_chart(account_id: int, restated: Months, currency: str, basis: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]] | None]:
    """Data of the chart (None where there is no MRR), and the switch (None where no month is closed). One query, three with closed months.

    In   restated  month and MRR at its end, as the ledger has it now
    """
    reported = reported_months(account_id, restated, currency)
    basis = "reported" if reported and basis == "reported" else "restated"
    shown, other = (reported, restated) if basis == "reported" and reported else (restated, reported)
    if not any(v for _m, v in (*restated, *(reported or ()))):
        return None, None
    chart: dict[str, Any] = {"unit": "money", "currency": currency, "x": [f"{m:%Y-%m}" for m, _v in shown]}
    chart["series"] = [{"name": BASES[basis] if reported else _("MRR"), "values": [v for _m, v in shown]}]
    if other and other != shown:
        chart["line"] = {"name": BASES["restated" if basis == "reported" else "reported"], "values": [v for _m, v in other]}
    switch = [{"label": label, "url": f"?basis={key}", "active": key == basis} for key, label in BASES.items()] if reported else None
    return chart, switch


def reported_months(account_id: int, restated: Months, currency: str) -> Months | None:
    """The same months, the closed ones as they were reported; None where none of them is closed in the currency."""
    found = closings()
    if not found or not restated or any(c.currency != currency for c in found) or month_number(restated[0][0]) > month_number(found[-1].month):
        return None
    accounts = Accounts(found, Scope(False, frozenset({account_id})))
    steps, level, was = accounts.steps().get(account_id, {}), 0, []
    first = month_number(restated[0][0])
    level = sum(v for m, v in steps.items() if m < first)
    for month, now in restated:
        m = month_number(month)
        level += steps.get(m, 0)
        was.append((month, amount_of(accounts.exact(level), currency) if m <= accounts.last else now))
    return was
