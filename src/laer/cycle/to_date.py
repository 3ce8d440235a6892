"""The book to date: what a run's figures know of, up to the end of its day (rule 2). What is known to come is committed, beside them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from laer.records.periods import FAR

LINE = ("start", ("end", "event_end"))
SPAN = ("from", ("until",))


def lines_to_date(lines: pa.Table, day: int) -> pa.Table:
    """Lines as they stand at the end of a day: one that starts later is not there yet, one that ends later is open.

    In      lines  `changes.lines_table`, with `event_end_d` and `event_end_m` where it has them; floors of discounts are lines too
    Holds   the MRR of an account on every day up to `day` is that of the lines given, and does not change after it
    """
    return _to_date(lines, day, *LINE)


def spans_to_date(spans: pa.Table, day: int) -> pa.Table:
    """The values of a dimension as they stand at the end of a day.  In  spans  `dimensions.spans_table`"""
    return _to_date(spans, day, *SPAN)


def _to_date(table: pa.Table, day: int, start: str, ends: tuple[str, ...]) -> pa.Table:
    table = table.filter(pc.less_equal(table[f"{start}_d"], day))
    for end in ends:
        if f"{end}_d" not in table.column_names:
            continue
        later = pc.greater(table[f"{end}_d"], day)  # an end is the first unpaid day: that of tomorrow is still paid today
        for name in (f"{end}_d", f"{end}_m"):
            kept = pc.if_else(later, pa.scalar(FAR, table.schema.field(name).type), table[name])
            table = table.set_column(table.schema.get_field_index(name), name, kept)
    return table
