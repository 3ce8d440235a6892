"""Questions about the usage in the lake that a check of the data asks, and their answers: how many rows, and which.

Usage is held against the book as it stands: only rows of the accounts that are handed in are looked at, so a scope is
the accounts of that scope. Bounded threads, memory and time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.bounded import bounded
from laer.cycle.line_checks import FEWEST, LEAST_SPREAD, NORMAL, TELLING
from laer.engine.lake import Lake
from laer.engine.session import DuckDBSession
from laer.records.expr import Table, greatest, literal, ratio, row_number, table, window

TABLE = "usage_days"
STANDS = 30  # days with the same total from which a counter stands
STEADY = 5  # from this total on people do not do the same every day, not even from the beginning: fewer may be a nightly job
FAR_OFF = 100.0  # times the median, or a part of it as small
USAGE = {"row_id": "string", "account_id": "int64", "subscription_id": "int64", "feature": "string", "day": "date", "count": "int64", "source": "string"}
LINES = {"subscription_id": "int64", "start_on": "date", "end_on": "date"}
ACCOUNTS = {"account_id": "int64", "signed_up_on": "date"}


@dataclass(frozen=True)
class Lives:
    """What usage is held against.

    accounts  account_id, signed_up_on: the accounts that may be looked at
    lines     subscription_id, start_on, end_on (exclusive, or null)
    merged    number of an account that was merged -> the number it means: the lake keeps the old one
    """

    accounts: pa.Table
    lines: pa.Table
    merged: Mapping[int, int] = field(default_factory=dict)


def outside_life(usage: Table, lines: Table, _: Table) -> Table:
    """Usage of a subscription on a day on which none of its lines holds.

    Grain   one usage row
    In      lines   end_on is exclusive and never null
    Holds   a subscription without lines has all its usage outside
    """
    named = usage.filter(usage.subscription_id.notnull())
    return named.anti_join(lines, [named.subscription_id == lines.subscription_id, named.day >= lines.start_on, named.day < lines.end_on])


def repeated_ids(usage: Table, _: Table, __: Table) -> Table:
    """Usage whose id its source gave to another row too (of other content: equal rows are one row in the lake)."""
    named = usage.filter(usage.row_id.notnull())
    times = named.group_by(["source", "row_id"]).aggregate(times=named.count())
    return named.semi_join(times.filter(times.times > 1), ["source", "row_id"])


def before_sign_up(usage: Table, _: Table, accounts: Table) -> Table:
    """Usage of an account before the day on which it signed up."""
    dated = accounts.filter(accounts.signed_up_on.notnull())
    return usage.semi_join(dated, [usage.account_id == dated.account_id, usage.day < dated.signed_up_on])


def frozen(usage: Table, _: Table, __: Table) -> Table:
    """Usage of days on which an account's total did not move: a counter that stands, or a copy of the day before.

    In      usage   days without usage are no days of the series
    Holds   the total is not 0, is the same on at least 30 successive days of the series, and was another on an earlier day or is 5 and more
    """
    days = usage.group_by(["account_id", "day"]).aggregate(total=usage["count"].sum())
    dated = days.group_by("account_id").aggregate(since=days.day.min())
    order = row_number().over(window(group_by="account_id", order_by="day"))
    among = row_number().over(window(group_by=["account_id", "total"], order_by="day"))
    placed = days.mutate(stretch=order - among)  # the same for successive days with the same total
    stretches = placed.group_by(["account_id", "total", "stretch"]).aggregate(n=placed.count(), first=placed.day.min(), last=placed.day.max())
    stood = stretches.filter(stretches.n >= STANDS, stretches.total != 0).join(dated, "account_id")
    stood = stood.filter((stood["first"] > stood.since) | (stood.total >= STEADY)).select("account_id", "first", "last")
    return usage.semi_join(stood, [usage.account_id == stood.account_id, usage.day >= stood["first"], usage.day <= stood["last"]])


def other_unit(usage: Table, _: Table, __: Table) -> Table:
    """Usage a hundred times (or a hundredth of) what its account usually has of the feature: seconds and milliseconds in one column.

    Method  robust z-score of the logarithm: 0.6745 (x - median) / median(|x - median|), at least 6, and a hundred times the median or a hundredth
    Holds   nothing is far off of a feature of which an account has fewer than 20 rows
    """
    used = usage.filter(usage["count"] > 0)
    used = used.mutate(x=used["count"].cast("float64").ln(), kind=used.feature.fill_null(""))
    group = ["account_id", "kind"]
    usual = used.group_by(group).aggregate(median=used.x.median(), n=used.count())
    away = used.join(usual, group).filter(lambda t: t.n >= FEWEST).mutate(away=lambda t: (t.x - t["median"]).abs())
    judged = away.join(away.group_by(group).aggregate(mad=away.away.median()), group)
    z = ratio(judged.away * NORMAL, greatest(judged.mad, literal(LEAST_SPREAD)))
    return judged.filter(z >= TELLING, judged.away >= math.log(FAR_OFF)).select(*USAGE)


CHECKS: dict[str, Callable[[Table, Table, Table], Table]] = {
    "usage_outside_life": outside_life,
    "usage_repeated_ids": repeated_ids,
    "usage_before_sign_up": before_sign_up,
    "usage_frozen": frozen,
    "usage_in_another_unit": other_unit,
}


def has_usage(lake: Lake) -> bool:
    """Whether there is any, from the table's log alone."""
    return lake.total(TABLE) > 0


def count_usage(lake: Lake, lives: Lives) -> dict[str, dict[str, int]]:
    """For each check the rows behind it, their accounts, and their distinct ids.

    Raises  TimeoutError when it takes longer than allowed
    """
    with _bound(lake, lives) as (session, tables):
        counts = {}
        for name, check in CHECKS.items():
            found = check(*tables)
            summed = found.aggregate(rows=found.count(), accounts=found.account_id.nunique(), ids=found.row_id.nunique())
            counts[name] = {k: int(v[0]) for k, v in session.fetch(summed).to_pydict().items()}
        return counts


def usage_rows(name: str, lake: Lake, lives: Lives, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """The rows behind a check, by account, id and day.

    Raises  TimeoutError when it takes longer than allowed
    """
    with _bound(lake, lives) as (session, tables):
        found = CHECKS[name](*tables).select(*USAGE)
        order = ["row_id", "day"] if name == "usage_repeated_ids" else ["account_id", "day", "row_id"]
        rows: list[dict[str, Any]] = session.fetch(found.order_by(order).limit(limit, offset=offset)).to_pylist()
        return rows


@contextmanager
def _bound(lake: Lake, lives: Lives) -> Iterator[tuple[DuckDBSession, tuple[Table, Table, Table]]]:
    """A session with the lake's usage of these accounts, the lines and the accounts bound; ended when it takes too long."""
    ends = pc.fill_null(lives.lines["end_on"], pa.scalar(date.max, pa.date32()))
    lines = lives.lines.set_column(lives.lines.schema.get_field_index("end_on"), "end_on", ends)
    with bounded("the usage could not be checked") as session, lake.lease(TABLE) as lease:
        scan, columns = lake.scan_sql(TABLE, lease=lease), ", ".join(f"u.{name}" for name in USAGE if name != "account_id")
        session.bind("merged_accounts", pa.table({"former": pa.array(lives.merged.keys(), pa.int64()), "means": pa.array(lives.merged.values(), pa.int64())}))
        session.connection.execute(
            f"create view lake_usage as select {columns}, coalesce(m.means, u.account_id) as account_id from ({scan}) u "
            "left join merged_accounts m on m.former = u.account_id"
            if lives.merged
            else f"create view lake_usage as select {columns}, u.account_id from ({scan}) u"
        )
        session.bind("lives_lines", lines.select(list(LINES)))
        session.bind("lives_accounts", lives.accounts.select(list(ACCOUNTS)))
        accounts = table(ACCOUNTS, "lives_accounts")
        usage = table(USAGE, "lake_usage").semi_join(accounts, "account_id")
        yield session, (usage, table(LINES, "lives_lines"), accounts)
