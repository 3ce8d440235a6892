"""Questions about subscription lines that a check of the data asks: lines that look taken in a wrong unit, or twice, or cut a day short.

Lines are handed in as the book holds them, so a scope is the lines of that scope. Amounts are compared as float64: a
check asks whether something is off by a factor, not by a cent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.bounded import bounded
from laer.cycle.cutting import cut, day_numbers
from laer.records.expr import Table, greatest, ifelse, literal, ratio, row_number, table, union, window
from laer.records.periods import FAR

LINES = {
    "line_id": "int64", "account_id": "int64", "subscription_id": "int64", "product_id": "int64", "plan": "string", "interval": "string", "currency": "string",
    "seats": "int64", "start_d": "int32", "end_d": "int32", "mrr": "float64",
}  # fmt: skip
UNITS = (12.0, 100.0, 1000.0)  # a year taken as a month, cents as units, thousands as units
NEAR = 0.03  # how far from the unit a jump may be: a price that rose with the mistake
FEWEST = 20  # lines of a plan from which a usual level can be told
FAR_OFF = 10.0  # times the median at least
TELLING = 6.0  # robust z-score at least
NORMAL = 0.6745  # median absolute deviation of a normal distribution, in standard deviations
LEAST_SPREAD = math.log(1.1)  # where everybody pays the same, a price a tenth off is still usual


def one_day_gaps(lines: Table) -> Table:
    """Lines whose account goes on one day after their end, with the day between unpaid: a sign that the end is the last paid day.

    Grain   one line
    In      lines   MRR above 0; end_d is exclusive, FAR where open
    Out     line_id, value (null)
    Holds   a line whose subscription starts anew on its end is never among them
    """
    ended = lines.filter(lines.end_d < FAR, lines.end_d > lines.start_d)
    following, holding = _other(lines, "next_"), _other(lines, "held_")
    found = []
    for owner in ("subscription_id", "account_id"):
        left = ended.semi_join(following, [ended[owner] == following[f"next_{owner}"], ended.end_d + 1 == following.next_start_d])
        on_the_day = [left[owner] == holding[f"held_{owner}"], holding.held_start_d <= left.end_d, holding.held_end_d > left.end_d]
        left = left.anti_join(holding, on_the_day)
        found.append(left.select("line_id", value=literal(None, "float64")))
    return union(*found, distinct=True)


def _other(lines: Table, prefix: str) -> Table:
    """The lines once more under other names, to hold them against themselves."""
    return lines.select(**{f"{prefix}{name}": lines[name] for name in ("account_id", "subscription_id", "currency", "start_d", "end_d", "mrr")})


def unit_jumps(lines: Table) -> Table:
    """Lines that take the place of all others of their account (or of their subscription) at 12, 100 or 1,000 times their MRR, or a part as small.

    Out     line_id, value (the factor)
    Holds   a line beside which another of the account goes on is judged by its subscription alone
    """
    found = []
    for owner in ("account_id", "subscription_id"):
        before = _other(lines, "before_")
        key = [owner, "currency", "start_d"]
        days = lines.group_by(key).aggregate(after=lines.mrr.sum(), line_id=lines.line_id.min())
        earlier = [days[owner] == before[f"before_{owner}"], days.currency == before.before_currency, before.before_start_d < days.start_d]
        held = days.join(before, [*earlier, before.before_end_d >= days.start_d])
        sums = held.group_by(["line_id", "after", "start_d"]).aggregate(before=held.before_mrr.sum(), last=held.before_end_d.max())
        replaced = sums.filter(sums["last"] == sums.start_d)
        found.append(replaced.select("line_id", value=ratio(replaced.after, replaced.before)))
    jumps = union(*found, distinct=True)
    near = literal(False)
    for unit in UNITS:
        for factor in (unit, 1 / unit):
            near = near | ((jumps.value >= factor * (1 - NEAR)) & (jumps.value <= factor * (1 + NEAR)))
    jumps = jumps.filter(near)
    return jumps.group_by("line_id").aggregate(value=jumps.value.max())


def outliers(lines: Table) -> Table:
    """Lines whose MRR (a seat, where seats are stated) is far from what others of the same plan and currency pay.

    Out     line_id, value (times the median)
    Method  robust z-score of the logarithm: 0.6745 (x - median) / median(|x - median|), at least 6, and ten times the median or a tenth
    Holds   nothing is an outlier of fewer than 20 lines
    """
    seated = lines.seats.fill_null(0) > 0
    each = lines.mutate(x=ifelse(seated, ratio(lines.mrr, ifelse(seated, lines.seats, 1)), lines.mrr).ln(), seated=seated, kind=lines.plan.fill_null(""))
    group = ["kind", "currency", "seated"]
    usual = each.group_by(group).aggregate(median=each.x.median(), n=each.count())
    off = each.join(usual, group).filter(lambda t: t.n >= FEWEST).mutate(away=lambda t: (t.x - t["median"]).abs())
    spread = off.group_by(group).aggregate(mad=off.away.median())
    judged = off.join(spread, group)
    z = ratio(judged.away * NORMAL, greatest(judged.mad, literal(LEAST_SPREAD)))
    judged = judged.filter(z >= TELLING, judged.away >= math.log(FAR_OFF))
    return judged.select("line_id", value=(judged.x - judged["median"]).exp())


def twice(lines: Table) -> Table:
    """Lines that say the same as an earlier one of their account under another id: product, plan, interval, days, seats, amount.

    Out     line_id, value (null). The first of each is not among them
    """
    same = ["account_id", "product_id", "plan", "interval", "currency", "seats", "start_d", "end_d", "mrr"]
    place = lines.mutate(place=row_number().over(window(group_by=same, order_by="line_id")))
    return place.filter(place.place > 0).select("line_id", value=literal(None, "float64"))


CHECKS: dict[str, Callable[[Table], Table]] = {"one_day_gaps": one_day_gaps, "mrr_unit_jumps": unit_jumps, "mrr_outliers": outliers, "lines_twice": twice}


def check_lines(rows: pa.Table) -> dict[str, dict[int, float | None]]:
    """For each check the lines it names, and by what factor they are off where it says so.

    In      rows    subscription_lines of the book
    Raises  TimeoutError when it takes longer than allowed
    """
    with bounded("the subscription lines could not be checked") as session:
        session.bind("checked_lines", _as_lines(rows))
        found: dict[str, dict[int, float | None]] = {}
        for name, check in CHECKS.items():
            answer = session.fetch(check(table(LINES, "checked_lines"))).to_pylist()
            found[name] = {row["line_id"]: row["value"] for row in sorted(answer, key=lambda row: row["line_id"])}
    return found | {"lines_overruled": dict.fromkeys(overruled(rows))}


def overruled(rows: pa.Table) -> list[int]:
    """Lines that a newer one of their subscription ends before the end that they state, or on the very day they begin (rule 7).

    A line without an end that a later one continues is no conflict: its source closes nothing.
    """
    start, end = day_numbers(rows["start_on"]), day_numbers(rows["end_on"])
    shortened = cut(rows, start, end)
    conflict = (shortened < end) & ((end < FAR) | (shortened <= start))
    found: list[int] = sorted(rows["line_id"].to_numpy()[conflict & (rows["mrr_num"].to_numpy() != 0)].tolist())
    return found


def _as_lines(rows: pa.Table) -> pa.Table:
    mrr = pc.divide(pc.cast(rows["mrr_num"], pa.float64(), safe=False), pc.cast(rows["mrr_den"], pa.float64(), safe=False))
    columns: dict[str, Any] = {n: rows[n] for n in ("line_id", "account_id", "subscription_id", "product_id", "plan", "interval", "seats")}
    columns |= {
        "currency": pc.fill_null(rows["currency"], ""), "start_d": pc.cast(rows["start_on"], pa.int32()),
        "end_d": pc.fill_null(pc.cast(rows["end_on"], pa.int32()), FAR), "mrr": mrr,
    }  # fmt: skip
    made = pa.table({name: columns[name] for name in LINES})
    return made.filter(pc.greater(made["mrr"], 0.0))
