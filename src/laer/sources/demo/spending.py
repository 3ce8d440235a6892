"""What the firm's ledger says that its motions cost, month by month: pay, tools and the rest as they rise, commissions as deals are won."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from laer.records.periods import first_day, month_number
from laer.sources.demo.sales import Sale

MONTHS = 24
RATE = Decimal("0.09")  # commission on the ARR of a deal of new business
SHARES = {  # of what the firm's new customers of a usual month are worth in a year: by motion and kind
    ("land", "pay"): 0.42, ("land", "marketing"): 0.21, ("land", "tools"): 0.03, ("adopt", "pay"): 0.17, ("adopt", "tools"): 0.015,
    ("expand", "pay"): 0.06, ("renew", "pay"): 0.05, ("support", "pay"): 0.13, ("support", "tools"): 0.02,
}  # fmt: skip


def costs(sold: Iterable[Sale], rng: Random, as_of: date) -> Iterator[dict[str, Any]]:
    """A row per month, motion and kind of the 24 whole months before `as_of`."""
    last = month_number(as_of) - 1
    won = [sale for sale in sold if sale.motion == "land" and sale.stage == "Closed Won"]
    by_month = {m: sum((s.arr for s in won if month_number(s.closed) == m), Decimal(0)) for m in range(last - MONTHS + 1, last + 1)}
    usual = sum(by_month.values(), Decimal(0)) / MONTHS
    for at, (month, arr) in enumerate(by_month.items()):
        for (motion, kind), share in SHARES.items():
            grown = share * (0.85 + 0.012 * at) * rng.uniform(0.94, 1.06)
            yield _row(month, motion, kind, usual * Decimal(str(round(grown, 4))))
        if arr:
            yield _row(month, "land", "commission", arr * RATE)


def _row(month: int, motion: str, kind: str, amount: Decimal) -> dict[str, Any]:
    return {"month": first_day(month), "motion": motion, "kind": kind, "amount": amount.quantize(Decimal(10)), "currency": "USD"}
