"""What one row says about recurring revenue: its MRR as an exact fraction, or the reason why it cannot count.

Pure functions over values that a source has read already. The reasons and their order are rule 19's, word for word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from laer.metrics.policy import PAST_DUE, Policy

REASONS = (
    "unreadable date", "unreadable amount", "end before start", "negative MRR", "empty account id",
    "currency without a rate", "cancelled without date", "unknown status", "unknown interval", "duplicate row",
)  # fmt: skip
DAY = timedelta(days=1)
BAD = "bad"  # marks a cell that could not be read; None is an empty cell


@dataclass(frozen=True, slots=True)
class LineText:
    """The cells of one row that the ledger reads, each read: a value, None when empty, BAD when unreadable.

    status and interval factor are given as read: status in plain lower-case words ('' when empty);
    factor is MRR per unit of amount (1/12 for an annual amount), BAD when the interval's word is unknown.
    """

    account: str
    start: date | None | str
    end: date | None | str
    mrr: Decimal | None | str = None
    amount: Decimal | None | str = None
    factor: Fraction | str = Fraction(1)
    quantity: Decimal | None | str = None
    unit_price: Decimal | None | str = None
    arr: Decimal | None | str = None
    rate: Fraction | None = Fraction(1)  # report currency per unit; None where the currency has no rate
    status: str = ""
    trial: bool = False


def mrr_of(row: LineText) -> tuple[Fraction | None, bool, bool]:
    """MRR in the row's own currency, whether a used cell was unreadable, whether the interval was needed and unknown.

    `mrr` wins; where it is empty `amount` x interval; else quantity x unit price x interval; else ARR / 12 (rule 15).
    """
    if row.mrr is not None:
        return (None, True, False) if isinstance(row.mrr, str) else (Fraction(row.mrr), False, False)
    total: Fraction | None = None
    if row.amount is not None:
        if isinstance(row.amount, str):
            return None, True, False
        total = Fraction(row.amount)
    elif row.quantity is not None and row.unit_price is not None:
        if isinstance(row.quantity, str) or isinstance(row.unit_price, str):
            return None, True, False
        total = Fraction(row.quantity) * Fraction(row.unit_price)
    elif row.arr is not None:
        return (None, True, False) if isinstance(row.arr, str) else (Fraction(row.arr) / 12, False, False)
    if total is None:
        return None, True, False
    if isinstance(row.factor, str):
        return total, False, True  # the sign is known, the size is not
    return total * row.factor, False, False


def end_of(end: date | None, policy: Policy) -> date | None:
    """The exclusive end: the day after an inclusive one, None (open) beyond the policy's horizon (rules 1 and 19)."""
    if end is None or end >= policy.open_from:
        return None
    return end + DAY if policy.end == "inclusive" else end


def judge(row: LineText, policy: Policy) -> tuple[str | None, Fraction, date | None]:
    """Rule 19: the first reason why a row cannot count, or its MRR (0 for lines that never pay) and exclusive end."""
    nothing = Fraction(0)
    if not isinstance(row.start, date) or isinstance(row.end, str):
        return "unreadable date", nothing, None
    mrr, unreadable, interval_unknown = mrr_of(row)
    if unreadable or mrr is None:
        return "unreadable amount", nothing, None
    end = end_of(row.end, policy)
    if end is not None and end < row.start:
        return "end before start", nothing, None
    if mrr < 0:
        return "negative MRR", mrr, end
    if not row.account:
        return "empty account id", nothing, None
    if row.rate is None:
        return "currency without a rate", nothing, None
    words = policy.status
    if row.status in words.needs_end and end is None:
        return "cancelled without date", nothing, None
    if row.status and row.status not in words.known:
        return "unknown status", nothing, None
    if interval_unknown:
        return "unknown interval", nothing, None
    return None, nothing if row.trial or row.status in words.zero else mrr, end


@dataclass(frozen=True, slots=True)
class Billing:
    """What a line says of its discount and of its delay, where a preset asks for it.

    list_mrr  MRR before discounts; None where the line does not say
    duration  of the discount, in plain words: forever, once, repeating … ('' where the line does not say)
    past_due  the day from which the line is past due
    """

    list_mrr: Fraction | None = None
    duration: str = ""
    past_due: date | None = None


def counted(row: LineText, billing: Billing, mrr: Fraction, end: date | None, policy: Policy) -> tuple[Fraction, date | None, str | None]:
    """MRR and end of an accepted line as the policy has pauses, discounts and delays; and what it could not apply, if anything.

    Discounts `forever`: a discount of another duration than forever does not lower MRR; of unknown duration it does.
    """
    missing = None
    if row.status in policy.zero_words:
        return Fraction(0), end, None
    if mrr and billing.list_mrr is not None and billing.list_mrr > mrr:
        lowered = lowers(billing.duration, policy)
        if lowered is None:
            missing = "discount_duration"
        elif not lowered:
            mrr = billing.list_mrr
    if policy.past_due_days is not None and row.status in PAST_DUE:
        if billing.past_due is None:
            missing = missing or "past_due_since"
        elif isinstance(row.start, date):
            last = max(row.start, billing.past_due + policy.past_due_days * DAY)
            end = last if end is None else min(end, last)
    return mrr, end, missing


UNTIL = "until"  # the duration of a discount that has an end and no word
FOREVER = frozenset({"forever", "permanent", "unlimited", "no end"})


def lowers(duration: str, policy: Policy) -> bool | None:
    """Whether a discount of that duration lowers MRR (rule 15); None where it does, as nobody says how long it lasts."""
    if policy.discounts == "net" or duration in FOREVER:
        return True
    return False if duration else None


def one_day_gaps(lines: Iterator[tuple[str, date, date | None]]) -> tuple[int, int]:
    """Pairs of successive lines of one account, and how many of them leave exactly one day unpaid (rule 1).

    In   (account id, start, exclusive end), in any order
    """
    by_account: dict[str, list[tuple[date, date | None]]] = {}
    for account, start, end in lines:
        by_account.setdefault(account, []).append((start, end))
    pairs = gaps = 0
    for spans in by_account.values():
        if len(spans) < 2:
            continue
        spans.sort(key=lambda s: s[0])
        for (_, end), (start, _) in pairwise(spans):
            if end is not None:
                pairs += 1
                gaps += start - end == DAY
    return pairs, gaps
