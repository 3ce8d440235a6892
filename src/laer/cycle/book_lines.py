"""Subscription lines of the book as the ledger takes them, column-wise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.ledger import LedgerInput
from laer.cycle.lines_input import FINER, SAFE, line_units, list_parts, parts_array
from laer.metrics.policy import Policy
from laer.records.periods import FAR

EXTRA = ("line_id", "subscription_id", "product_id", "plan", "currency")
FACTS = ("units", "list_parts")  # what causes compare beside them, see `causes.facts_table`


@dataclass(frozen=True)
class BookLines:
    """given     every line whose currency has a rate, with EXTRA and FACTS beside
    left_out  currency -> lines that cannot count because it has no rate
    """

    given: LedgerInput
    left_out: dict[str, int]


def book_lines(lines: pa.Table, policy: Policy, currency: str, rates: Mapping[str, Fraction]) -> BookLines:
    """MRR of the book's lines as integers over one denominator (rules 5, 8 and 14).

    In   lines  record_subscription_lines;  rates  units of the report's currency per unit
    """
    codes = pc.fill_null(lines["currency"], currency).combine_chunks()
    known = {currency: Fraction(1)} | {c: r for c, r in rates.items() if c != currency}
    counted = pc.is_in(codes, pa.array(list(known)))
    counts = pc.value_counts(codes.filter(pc.invert(counted)))
    left_out = {row["values"]: row["counts"] for row in counts.to_pylist()}
    lines, codes = lines.filter(counted), codes.filter(counted)
    factors: dict[tuple[int, str], Fraction] = {}
    dens = lines["mrr_den"].combine_chunks()
    used = set(pc.unique(codes).to_pylist())
    for den in pc.unique(dens).to_pylist():
        for code in used:
            factors[den, code] = known[code] / den
    denominator = math.lcm(*(f.denominator for f in factors.values())) * FINER if factors else 1
    words = pc.utf8_lower(pc.fill_null(lines["status"], ""))
    never = pc.or_(pc.is_in(words, pa.array(sorted(policy.zero_words))), pc.fill_null(lines["is_trial"], False))
    nums = pc.if_else(never, 0, lines["mrr_num"]).combine_chunks()
    parts = _parts(nums, dens, codes, {k: int(f * denominator) for k, f in factors.items()})
    starts, ends = lines["start_on"].combine_chunks(), lines["end_on"].combine_chunks()
    ends = pc.if_else(pc.greater_equal(ends, pa.scalar(policy.open_from, pa.date32())), pa.scalar(None, pa.date32()), ends)
    table = pa.table(
        {
            "account_id": lines["account_id"], "start_d": _days(starts), "start_m": _months(starts), "end_d": _days(ends), "end_m": _months(ends),
            "parts": parts, **{n: lines[n] for n in EXTRA[:-1]}, "currency": codes,
            "units": line_units(lines), "list_parts": list_parts(lines, parts),
        }
    )  # fmt: skip
    return BookLines(LedgerInput(table, denominator, currency), left_out)


def _parts(nums: pa.Array, dens: pa.Array, codes: pa.Array, factors: dict[tuple[int, str], int]) -> pa.Array:
    largest = max(factors.values(), default=1)
    total = pc.sum(pc.abs(pc.cast(nums, pa.float64(), safe=False))).as_py() or 0.0
    if total * largest < SAFE and largest < SAFE:
        parts = pa.nulls(len(nums), pa.int64())
        for (den, code), factor in factors.items():
            here = pc.and_(pc.equal(dens, den), pc.equal(codes, code))
            parts = pc.if_else(here, pc.multiply(nums, pa.scalar(factor, pa.int64())), parts)
        return parts
    return parts_array([n * factors[d, c] for n, d, c in zip(nums.to_pylist(), dens.to_pylist(), codes.to_pylist(), strict=True)])


def _days(dates: pa.Array) -> pa.Array:
    return pc.fill_null(pc.cast(dates, pa.int32()), FAR)


def _months(dates: pa.Array) -> pa.Array:
    months = pc.add(pc.multiply(pc.subtract(pc.year(dates), 1970), 12), pc.subtract(pc.month(dates), 1))
    return pc.fill_null(pc.cast(months, pa.int32()), FAR)
