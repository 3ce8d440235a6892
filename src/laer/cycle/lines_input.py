"""Lines as the ledger's expressions take them: day and month numbers, and MRR as integers over one denominator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.ledger import LedgerInput
from laer.records.money import common_denominator
from laer.records.periods import FAR, day_number, month_number

FINER = 10**6  # by a dimension, a movement is shared among values: in parts fine enough that no printed digit feels it
MICRO = 10**6  # quantities are whole millionths, so that they add up exactly
LARGEST_QUANTITY = 10**12
SAFE = 2**62  # the absolute sum of all parts stays below this in 64 bits; else 38 decimal digits carry it


def ledger_input(
    accounts: pa.Array, start: Sequence[date], end: Sequence[date | None], mrr: Sequence[Fraction], values: Sequence[str] | None, currency: str | None
) -> LedgerInput:
    """Grain: one row per accepted line. MRR is exact; the denominator is the least that holds every line."""
    denominator = common_denominator({m.denominator for m in mrr}) * (1 if values is None else FINER)
    parts = [m.numerator * (denominator // m.denominator) for m in mrr]
    days: dict[date | None, tuple[int, int]] = {None: (FAR, FAR)}
    for day in {*start, *end}:
        if day is not None:
            days[day] = (day_number(day), month_number(day))
    columns = {
        "account_id": accounts,
        "start_d": pa.array([days[d][0] for d in start], pa.int32()), "start_m": pa.array([days[d][1] for d in start], pa.int32()),
        "end_d": pa.array([days[d][0] for d in end], pa.int32()), "end_m": pa.array([days[d][1] for d in end], pa.int32()),
        "parts": parts_array(parts),
    }  # fmt: skip
    if values is not None:
        columns["value"] = pa.array(values, pa.string())
    return LedgerInput(pa.table(columns), denominator, currency)


def facts_columns(
    given: LedgerInput,
    product: Sequence[str],
    plan: Sequence[str],
    currency: Sequence[str],
    quantity: Sequence[Decimal | None],
    list_mrr: Sequence[Fraction | None],
) -> LedgerInput:
    """The input with what `metrics/causes.py` compares beside each line: see `causes.facts_table`."""
    whole = [None if q is None or not 0 < q <= LARGEST_QUANTITY else round(q * MICRO) for q in quantity]
    parts = [None if m is None else float(m * given.denominator) for m in list_mrr]
    columns = {
        "product": pa.array(product, pa.string()), "plan": pa.array(plan, pa.string()), "currency": pa.array(currency, pa.string()),
        "units": pa.array(whole, pa.int64()), "list_parts": pa.array(parts, pa.float64()),
    }  # fmt: skip
    return LedgerInput(pa.table({n: given.lines[n] for n in given.lines.column_names} | columns), given.denominator, given.currency)


def line_units(lines: pa.Table) -> pa.Array:
    """Seats, else quantity, of the book's lines in whole millionths; null where a line does not say, or says nonsense."""
    said = [pc.cast(lines[n], pa.float64()) for n in ("seats", "quantity") if n in lines.column_names]
    if not said:
        return pa.nulls(lines.num_rows, pa.int64())
    count = pc.coalesce(*said)
    sane = pc.and_(pc.greater(count, 0), pc.less_equal(count, LARGEST_QUANTITY))
    return pc.cast(pc.round(pc.multiply(pc.if_else(sane, count, None), MICRO)), pa.int64())


def list_parts(lines: pa.Table, parts: pa.Array) -> pa.Array:
    """What the book's lines would bring before discounts, in parts: their MRR times list amount over amount."""
    if not {"list_amount", "amount"} <= set(lines.column_names):
        return pa.nulls(lines.num_rows, pa.float64())
    amount = pc.cast(lines["amount"], pa.float64())
    amount = pc.if_else(pc.greater(amount, 0), amount, None)
    return pc.multiply(pc.cast(parts, pa.float64(), safe=False), pc.divide(pc.cast(lines["list_amount"], pa.float64()), amount))


def parts_array(parts: Sequence[int]) -> pa.Array:
    """64-bit integers where their absolute sum fits, else decimals of 38 digits: sums are exact either way."""
    if sum(map(abs, parts)) < SAFE:
        return pa.array(parts, pa.int64())
    if max(map(abs, parts)) >= 10**36:
        raise OverflowError("amounts and exchange rates need more than 36 digits to add up exactly; shorten the rates")
    return pa.array([Decimal(p) for p in parts], pa.decimal128(38, 0))
