"""Subscription lines of the book as the ledger takes them, column-wise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.adjustments import Beside, adjusted
from laer.cycle.ledger import LedgerInput
from laer.cycle.lines_input import FINER, SAFE, line_units, list_parts, parts_array
from laer.cycle.terms import Counting
from laer.metrics.policy import Policy
from laer.records.periods import FAR, date_of, day_number, month_number

LAST = day_number(date(9999, 12, 1))  # beyond every policy's years: open
EXTRA = ("line_id", "subscription_id", "product_id", "plan", "currency")
FACTS = ("units", "list_parts")  # what causes compare beside them, see `causes.facts_table`


@dataclass(frozen=True)
class BookLines:
    """given     every line whose currency has a rate, with EXTRA and FACTS beside
    left_out  currency -> lines that cannot count because it has no rate
    floored   accounts whose lines come to less than 0 on some day: they count as 0 then (rule 6)
    notes     what discounts and delays leave open, in words
    """

    given: LedgerInput
    left_out: dict[str, int]
    floored: int = 0
    notes: list[str] = field(default_factory=list)


def book_lines(
    lines: pa.Table, policy: Policy, currency: str, rates: Mapping[str, Fraction], when: Counting | None = None, beside: Beside | None = None
) -> BookLines:
    """MRR of the book's lines as integers over one denominator (rules 5, 8 and 14).

    In   lines  record_subscription_lines;  rates  units of the report's currency per unit;  when  see `terms.counting`; as stated
                where it is left out;  beside  discounts and pauses
    """
    changed = adjusted(_counted(lines, when), policy, beside)
    lines = changed.lines
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
    starts, ends, by_event = (_opened(lines[c].combine_chunks(), policy.open_from) for c in ("start_on", "end_on", "end_by_event"))
    table = pa.table(
        {
            "account_id": lines["account_id"], "start_d": _days(starts), "start_m": _months(starts), "end_d": _days(ends), "end_m": _months(ends),
            "parts": parts, "unknown": pc.fill_null(lines["start_unknown"], False), **{n: lines[n] for n in EXTRA[:-1]}, "currency": codes,
            "event_end_d": _days(by_event), "event_end_m": _months(by_event), "leaves": lines["leaves"],
            "units": line_units(lines), "list_parts": list_parts(lines, parts), "paused_parts": _held(lines, dens, codes, factors, denominator, parts.type),
        }
    )  # fmt: skip
    table, floored = with_floors(table)
    return BookLines(LedgerInput(table, denominator, currency), left_out, floored, list(changed.notes()))


def with_floors(table: pa.Table) -> tuple[pa.Table, int]:
    """The lines and what lifts accounts to 0 where their discounts pass what they pay; and how many such accounts there are."""
    floors = _floors(table)
    if floors.num_rows:
        table = pa.concat_tables([table, floors.select(table.column_names).cast(table.schema)])
    return table, len(set(floors["account_id"].to_pylist()))


def _floors(table: pa.Table) -> pa.Table:
    """What lifts an account to 0 where its discounts pass its lines: a line without an id, for just those days."""
    below = pc.unique(table.filter(pc.less(table["parts"], 0))["account_id"])
    if not len(below):
        return table.slice(0, 0)
    lines = table.filter(pc.is_in(table["account_id"], below))
    made: list[dict[str, object]] = []
    for basis in ("", "event_"):
        points: dict[int, dict[int, int]] = {}
        columns = ("account_id", "start_d", f"{basis}end_d", "parts")
        for account, start, end, parts in zip(*(lines[c].to_pylist() for c in columns), strict=True):
            if start < end:
                there = points.setdefault(account, {})
                there[start] = there.get(start, 0) + int(parts)
                there[end] = there.get(end, 0) - int(parts)
        for account, days in points.items():
            level, ordered = 0, sorted(days)
            for place, day in enumerate(ordered):
                level += days[day]
                until = ordered[place + 1] if place + 1 < len(ordered) else FAR
                if level < 0 and day < FAR:
                    spans = {"end_d": until, "event_end_d": day} if not basis else {"end_d": day, "event_end_d": until}
                    made.append({"account_id": account, "start_d": day, "parts": -level, **spans})
    for row in made:
        row |= {"unknown": False, "leaves": False, "currency": None}
        row |= {f"{name}_m": FAR if row[f"{name}_d"] == FAR else month_number(date_of(int(str(row[f"{name}_d"])))) for name in ("start", "end", "event_end")}
    whole = [{name: row.get(name) for name in table.column_names} for row in made]
    if pa.types.is_decimal(table.schema.field("parts").type):
        whole = [row | {"parts": Decimal(int(str(row["parts"])))} for row in whole]
    return pa.Table.from_pylist(whole, schema=table.schema)


def _counted(lines: pa.Table, when: Counting | None) -> pa.Table:
    """The lines with the days between which they count, and the end that their source states."""
    lines = lines.append_column("stated_end_on", lines["end_on"])
    if when is None:
        return lines.append_column("end_by_event", lines["end_on"]).append_column("leaves", pa.array([False] * lines.num_rows, pa.bool_()))
    starts, ends, by_event = (
        pa.array(days, pa.int32()).cast(pa.date32()) for days in (when.start, np.minimum(when.end, LAST), np.minimum(when.end_by_event, LAST))
    )
    for name, days in (("start_on", starts), ("end_on", ends)):
        lines = lines.set_column(lines.schema.get_field_index(name), name, days)
    return lines.append_column("end_by_event", by_event).append_column("leaves", pa.array(when.leaves))


def _opened(days: pa.Array, open_from: date) -> pa.Array:
    """Days without those from which everything is open."""
    return pc.if_else(pc.greater_equal(days, pa.scalar(open_from, pa.date32())), pa.scalar(None, pa.date32()), days)


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


def _held(lines: pa.Table, dens: pa.Array, codes: pa.Array, factors: dict[tuple[int, str], Fraction], denominator: int, kind: pa.DataType) -> pa.Array:
    """MRR that pauses rest upon, in parts; null where a line does not rest."""
    held = lines["held_num"].combine_chunks()
    if held.null_count == len(held):
        return pa.nulls(len(held), kind)
    parts = _parts(pc.fill_null(held, 0), dens, codes, {k: int(f * denominator) for k, f in factors.items()})
    return pc.if_else(pc.is_valid(held), parts.cast(kind), None)


def _days(dates: pa.Array) -> pa.Array:
    return pc.fill_null(pc.cast(dates, pa.int32()), FAR)


def _months(dates: pa.Array) -> pa.Array:
    months = pc.add(pc.multiply(pc.subtract(pc.year(dates), 1970), 12), pc.subtract(pc.month(dates), 1))
    return pc.fill_null(pc.cast(months, pa.int32()), FAR)
