"""What a row of a line file says beyond its MRR: what causes compare, what presets ask for, and the days on which it counts another amount."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from laer.metrics.lines import BAD, UNTIL, Billing, LineText, counted
from laer.metrics.policy import PAUSED, TRIALS, Policy
from laer.metrics.stretches import Changing, stretches
from laer.records.periods import FAR, date_of, day_number
from laer.sources.tabular.headers import header_words
from laer.sources.tabular.values import Memo, NumberStyle, Unreadable, normal_words, read_date, read_number
from laer.web.book.discounting import with_both_amounts

DISCOUNTS = ("discount_percent", "discount_amount")
NUMBERS = ("seats", "quantity", "list_amount", *DISCOUNTS)
DAYS = ("discount_until_on", "trial_ends_on", "paused_on", "resumed_on")  # on which a line begins to count another amount
PRICES = ("mrr", "amount", "arr", "quantity", "unit_price")
Span = tuple[date, date | None, Fraction]  # from, until, MRR
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
    """Reads the extra cells of a chunk of rows, applies the policy's rules on pauses, discounts and delays, and cuts lines as the book does.

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
        self._duration, self._past_due = (index.get(n) for n in ("discount_duration", "past_due_on"))
        self._days = {n: index[n] for n in DAYS if n in index}
        self._date = Memo(read_date, order)
        self._list_is_monthly = "list_amount" in index and "mrr" in header_words(header[index["list_amount"]]).split()

    @staticmethod
    def wanted(policy: Policy, causes: bool, index: Mapping[str, int]) -> bool:
        """Whether anything beyond the MRR matters: under the default policy without causes only what changes a line on its way."""
        changing = any(name in index for name in (*DAYS, *DISCOUNTS))
        return changing or causes or policy.pause != "keep" or policy.discounts != "net" or policy.past_due_days is not None

    def stated(self, cells: Sequence[str], row: LineText) -> tuple[LineText, Decimal | None]:
        """The row with what it pays, where it says that by a discount, and without the trial that it says will be over; and its list amount."""
        listed = self._number("list_amount", cells)
        if any(self._day(name, cells) is BAD for name in self._days):
            return replace(row, start=BAD), listed
        if isinstance(self._day("trial_ends_on", cells), date):
            row = replace(row, trial=False, status="" if row.status in TRIALS else row.status)
        said = {name: self._number(name, cells) for name in DISCOUNTS}
        prices = {name: getattr(row, name) for name in PRICES}
        if not any(said.values()) or BAD in prices.values():
            return row, listed
        found, fault = with_both_amounts(prices | said | {"list_amount": listed, "currency": self._currency(cells)})
        return (replace(row, amount=BAD, mrr=None), None) if fault else (replace(row, amount=found["amount"]), found["list_amount"])

    def take(
        self, cells: Sequence[str], row: LineText, listed: Decimal | None, mrr: Fraction, end: date | None, rate: Fraction, currency: str | None
    ) -> list[Span]:
        """What a line counts from when until when (in the row's own currency), as the policy has it; what could not be applied is counted in `missing`."""
        list_mrr = self._list_mrr(row, listed)
        since = self._date[cells[self._past_due]] if self._past_due is not None else None
        duration = normal_words(cells[self._duration]) if self._duration is not None else ""
        until, paid_from, paused, back = (self._day(name, cells) for name in DAYS)
        if not duration and until is not None:
            duration = UNTIL
        paused_from = paused if isinstance(paused, date) else None
        text = replace(row, status="") if paused_from and row.status in PAUSED else row
        counts, end, missing = counted(text, Billing(list_mrr, duration, since if isinstance(since, date) else None), mrr, end, self.policy)
        if missing:
            self.missing[missing] = self.missing.get(missing, 0) + 1
        spans: list[tuple[Span, Fraction | None]] = [((_start(row), end, counts), list_mrr)]
        if mrr and any(isinstance(day, date) for day in (until, paid_from, paused)):
            higher = list_mrr if list_mrr is not None and list_mrr > mrr else None
            pauses = ((day_number(paused_from), _number_of(back)),) if paused_from else ()
            starts = day_number(paid_from) if isinstance(paid_from, date) else None
            line = Changing(
                day_number(_start(row)), _number_of(end), _number_of(end), mrr, higher, _number_of(until), counts == mrr, pauses=pauses, paid_from=starts
            )
            cut = stretches(line, self.policy)
            spans = [((date_of(s.start), None if s.end >= FAR else date_of(s.end), s.mrr), None if list_mrr is None else s.list_mrr) for s in cut]
        if self.facts:
            for _, before in spans:
                self._keep(self.facts, cells, None if before is None else before * rate, currency)
        return [span for span, _ in spans]

    def notes(self) -> Iterator[str]:
        for name, count in sorted(self.missing.items()):
            yield MISSING[name].format(n=f"{count} line{'' if count == 1 else 's'}", s="s" if count == 1 else "")

    def _keep(self, facts: Facts, cells: Sequence[str], list_mrr: Fraction | None, currency: str | None) -> None:
        seats = self._number("seats", cells)
        facts.product.append(cells[self.index["product_id"]].strip() if "product_id" in self.index else "")
        facts.plan.append(cells[self.index["plan"]].strip() if "plan" in self.index else "")
        facts.currency.append(self._currency(cells) or currency or "")
        facts.quantity.append(seats if seats is not None else self._number("quantity", cells))
        facts.list_mrr.append(list_mrr)

    def _day(self, name: str, cells: Sequence[str]) -> date | str | None:
        """A day of the row, BAD where it cannot be read."""
        value = self._date[cells[self._days[name]]] if name in self._days else None
        if type(value) is Unreadable:
            return BAD
        return value if isinstance(value, date) and value < self.policy.open_from else None

    def _currency(self, cells: Sequence[str]) -> str | None:
        return cells[self.index["currency"]].strip().upper() or None if "currency" in self.index else None

    def _number(self, name: str, cells: Sequence[str]) -> Decimal | None:
        if name not in self._numbers:
            return None
        place, memo = self._numbers[name]
        value: Any = memo[cells[place]]
        return value if isinstance(value, Decimal) else None

    def _list_mrr(self, row: LineText, listed: Decimal | None) -> Fraction | None:
        if listed is None or isinstance(row.factor, str):
            return None
        if row.mrr is None and row.amount is None and row.arr is not None:
            return Fraction(listed) / 12
        return Fraction(listed) * (1 if self._list_is_monthly else row.factor)


def _start(row: LineText) -> date:
    assert isinstance(row.start, date)  # judged
    return row.start


def _number_of(day: date | str | None) -> int:
    return day_number(day) if isinstance(day, date) else FAR
