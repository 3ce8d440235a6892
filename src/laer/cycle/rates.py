"""The lines of a run at the plan rates of another fiscal year (rule 8): one rate per currency still, so no movement is made of rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.book_lines import with_floors
from laer.cycle.ledger import LedgerInput
from laer.cycle.lines_input import parts_array


class NoRate(ValueError):
    """A currency of the lines has no rate in the year asked for."""


def at_rates(given: LedgerInput, used: Mapping[str, Fraction], wanted: Mapping[str, Fraction]) -> LedgerInput:
    """Every line's amount over the rate that made it, times the other; what discounts are lifted by is made anew.

    In      given  lines of the book, with their currency;  used  the rates that made them;  wanted  those asked for
    Holds   exact: at_rates(at_rates(x, a, b), b, a) counts what x counts
    Faults  NoRate for a currency of the lines without a rate
    """
    lines = given.lines.filter(pc.is_valid(given.lines["line_id"]))  # floors have no id
    codes, parts = lines["currency"].to_pylist(), [int(p) for p in lines["parts"].to_pylist()]
    factors = {code: _factor(code, given.currency, used, wanted) for code in set(codes)}
    shared = dict.fromkeys(factors, 0)
    for code, part in zip(codes, parts, strict=True):
        shared[code] = math.gcd(shared[code], part)
    # Parts are multiples of the rate that made them, so that little is left to make whole.
    finer = math.lcm(*(f.denominator // math.gcd(f.denominator, shared[code]) for code, f in factors.items()))
    scaled = parts_array([part * factors[code].numerator * finer // factors[code].denominator for code, part in zip(codes, parts, strict=True)])
    lines = lines.set_column(lines.schema.get_field_index("parts"), "parts", scaled)
    if "list_parts" in lines.column_names:
        by_line = pa.array([float(factors[code] * finer) for code in codes], pa.float64())
        lines = lines.set_column(lines.schema.get_field_index("list_parts"), "list_parts", pc.multiply(lines["list_parts"], by_line))
    return LedgerInput(with_floors(lines)[0], given.denominator * finer, given.currency)


def _factor(code: str, own: str | None, used: Mapping[str, Fraction], wanted: Mapping[str, Fraction]) -> Fraction:
    if code == own:
        return Fraction(1)
    if code not in wanted or code not in used:
        raise NoRate(f"no rate for {code} in the year asked for; there are: {', '.join(sorted(wanted)) or 'none'}")
    return wanted[code] / used[code]
