"""What a row of a line file says beyond its MRR: what causes compare, and what presets ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from laer.metrics.lines import UNTIL, Billing, LineText, counted
from laer.metrics.policy import Policy
from laer.sources.tabular.headers import header_words
from laer.sources.tabular.values import Memo, NumberStyle, normal_words, read_date, read_number

NUMBERS = ("seats", "quantity", "list_amount")
MISSING = {
    "discount_duration": "{n} with a discount of unknown duration count{s} net: the policy asks for a column discount_duration (forever, once, repeating)",
    "past_due_since": "{n} past due count{s} without limit: the policy asks for a column past_due_since",
}


@dataclass
class Facts:
    """Columns beside those of accepted lines, for `metrics/causes.py`: texts are empty and numbers None where a row does not say."""

    product: list[str] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)
    currency: list[str] = field(default_factory=list)
    quantity: list[Decimal | None] = field(default_factory=list)
    list_mrr: list[Fraction | None] = field(default_factory=list)


class Extras:
    """Reads the extra cells of a chunk of rows and applies the policy's rules on pauses, discounts and delays.

    Args
        index   record column -> place in a row, where the file has it
        styles  how the numbers of a column are written
        order   of day and month in dates
        causes  whether to keep the facts that causes compare
    """

    def __init__(self, header: Sequence[str], index: dict[str, int], styles: dict[str, NumberStyle], order: str | None, policy: Policy, causes: bool) -> None:
        self.policy, self.index = policy, index
        self.facts = Facts() if causes else None
        self.missing: dict[str, int] = {}
        self._numbers = {n: (index[n], Memo(read_number, styles[n].decide())) for n in NUMBERS if n in index and n in styles}
        self._duration, self._until, self._past_due = (index.get(n) for n in ("discount_duration", "discount_until_on", "past_due_on"))
        self._date = Memo(read_date, order)
        self._list_is_monthly = "list_amount" in index and "mrr" in header_words(header[index["list_amount"]]).split()

    @staticmethod
    def wanted(policy: Policy, causes: bool) -> bool:
        """Whether anything beyond the MRR matters: not under the default policy without causes."""
        return causes or policy.pause != "keep" or policy.discounts != "net" or policy.past_due_days is not None

    def take(self, cells: Sequence[str], row: LineText, mrr: Fraction, end: date | None, rate: Fraction, currency: str | None) -> tuple[Fraction, date | None]:
        """MRR (in the row's own currency) and end as the policy counts them; what could not be applied is counted in `missing`."""
        list_mrr = self._list_mrr(cells, row)
        since = self._date[cells[self._past_due]] if self._past_due is not None else None
        duration = normal_words(cells[self._duration]) if self._duration is not None else ""
        if not duration and self._until is not None and cells[self._until].strip():
            duration = UNTIL
        mrr, end, missing = counted(row, Billing(list_mrr, duration, since if isinstance(since, date) else None), mrr, end, self.policy)
        if missing:
            self.missing[missing] = self.missing.get(missing, 0) + 1
        if self.facts:
            self._keep(self.facts, cells, None if list_mrr is None else list_mrr * rate, currency)
        return mrr, end

    def notes(self) -> Iterator[str]:
        for name, count in sorted(self.missing.items()):
            yield MISSING[name].format(n=f"{count} line{'' if count == 1 else 's'}", s="s" if count == 1 else "")

    def _keep(self, facts: Facts, cells: Sequence[str], list_mrr: Fraction | None, currency: str | None) -> None:
        seats = self._number("seats", cells)
        own = cells[self.index["currency"]].strip().upper() if "currency" in self.index else ""
        facts.product.append(cells[self.index["product_id"]].strip() if "product_id" in self.index else "")
        facts.plan.append(cells[self.index["plan"]].strip() if "plan" in self.index else "")
        facts.currency.append(own or currency or "")
        facts.quantity.append(seats if seats is not None else self._number("quantity", cells))
        facts.list_mrr.append(list_mrr)

    def _number(self, name: str, cells: Sequence[str]) -> Decimal | None:
        if name not in self._numbers:
            return None
        place, memo = self._numbers[name]
        value: Any = memo[cells[place]]
        return value if isinstance(value, Decimal) else None

    def _list_mrr(self, cells: Sequence[str], row: LineText) -> Fraction | None:
        value = self._number("list_amount", cells)
        if value is None or isinstance(row.factor, str):
            return None
        return Fraction(value) * (1 if self._list_is_monthly else row.factor)
