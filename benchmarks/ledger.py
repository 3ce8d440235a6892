"""The ledger over 100,000 accounts and 400,000 lines of 36 months: ours, hand-written SQL, straightforward pandas.

All three start from the same Arrow table of lines and end at the same figures (asserted): per month opening, the five
movements with their counts, accounts lost, closing, accounts at both ends; the closing and kept amounts of NRR and GRR
over 1, 3 and 12 months; cohorts of first paying month. They are run in turn in one process; the median is taken.
Memory and growth are measured in processes of their own.
"""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather

from benchmarks import Table, verdict
from laer.cycle.ledger import Ledger, LedgerInput, compute
from laer.engine.session import DuckDBSession
from laer.metrics.retention import WINDOWS
from laer.metrics.statement import SUMS
from laer.records.periods import FAR, day_number, last_day, month_number

ACCOUNTS, LINES_PER_ACCOUNT = 100_000, 4
FIRST, MONTHS = date(2023, 1, 1), 36
DENOMINATOR = 1200  # cents, of which an annual amount is a twelfth and a quarterly one a third
PER_MONTH = np.array([12, 12, 12, 4, 1])  # parts per cent of a monthly (three in five), quarterly and annual amount
RANGE = (month_number(FIRST), month_number(FIRST) + MONTHS - 1)
COUNTED = ("new_accounts", "reactivated_accounts", "expansions", "contractions", "churns")
Figures = tuple[dict[int, dict[str, int]], dict[tuple[int, int], tuple[int, int]]]  # by month; cohort x month -> change of accounts and parts


def subscription_lines(accounts: int, seed: int = 20260701) -> pa.Table:
    """Four lines per account on average: successions on the day (plan switches), gaps of days and of months, overlaps
    (a second subscription), trials, open ends, monthly, quarterly and annual amounts.

    Grain   one row per line, in random order
    """
    random = np.random.default_rng(seed)
    count = accounts * LINES_PER_ACCOUNT
    account = np.sort(np.concatenate([np.arange(accounts), random.integers(0, accounts, count - accounts)]))
    opens = np.maximum.accumulate(np.where(np.diff(account, prepend=-1) > 0, np.arange(count), 0))  # each row's account's first row
    horizon = (last_day(RANGE[1]) - FIRST).days + 1
    length = random.geometric(1 / 170, count) + 20
    step = random.choice(["switch", "short", "long", "overlap"], count, p=[0.6, 0.12, 0.1, 0.18])
    short, long, back = random.integers(1, 25, count), random.integers(30, 240, count), -random.integers(1, 90, count)
    pause = np.select([step == "switch", step == "short", step == "long"], [0, short, long], back)
    travelled = np.cumsum(np.roll(length, 1) + pause)  # each line starts where the one before ended, after the pause
    came = random.integers(0, horizon - 30, count) // (1 + (np.bincount(account)[account] > 2))
    start = came[opens] + travelled - travelled[opens]
    start = np.where((start >= 0) & (start < horizon), start, random.integers(0, horizon, count))
    end = start + length
    open_end = (end >= horizon) | (random.random(count) < 0.08)
    parts = (random.integers(9, 900, count) * 100 + random.choice([0, 0, 0, 50, 99], count)) * random.choice(PER_MONTH, count)
    parts[random.random(count) < 0.05] = 0  # trials and free plans
    month = np.array([month_number(date.fromordinal(FIRST.toordinal() + d)) for d in range(int(end.max()) + 1)])
    columns = {
        "account_id": (account, pa.int64()), "start_d": (start + day_number(FIRST), pa.int32()), "start_m": (month[start], pa.int32()),
        "end_d": (np.where(open_end, FAR, end + day_number(FIRST)), pa.int32()), "end_m": (np.where(open_end, FAR, month[end]), pa.int32()),
        "parts": (parts, pa.int64()),
    }  # fmt: skip
    shuffled = random.permutation(count)
    return pa.table({name: pa.array(values[shuffled], kind) for name, (values, kind) in columns.items()})


# --- ours ---------------------------------------------------------------------------------------------------------


def ours(lines: pa.Table) -> Ledger:
    with DuckDBSession() as session:
        ledger = compute(session, LedgerInput(lines, DENOMINATOR, "EUR"))
    ledger.months(*RANGE)
    return ledger


def figures_of_ours(ledger: Ledger) -> Figures:
    """Amounts again from the statement's exact rates, so that the statement is compared too."""
    rows = {m.month: m.figures for m in ledger.months(RANGE[0] - max(WINDOWS), RANGE[1])}
    months = {}
    for m in range(RANGE[0], RANGE[1] + 1):
        row = {n: rows[m][f"{n}_mrr"] * DENOMINATOR for n in ("opening", *SUMS, "closing")}
        row |= {n: rows[m][n] for n in ("opening_accounts", "closing_accounts", *COUNTED, "accounts_lost")}
        for w in WINDOWS:
            base = rows[m - w]["closing_mrr"] * DENOMINATOR
            row[f"closing_{w}"], row[f"kept_{w}"] = (rows[m][f"nrr_{w}m"] or 0) * base, (rows[m][f"grr_{w}m"] or 0) * base
        months[m] = row
    return months, {(cohort, m): (paying, change) for cohort, m, paying, change in ledger.cohorts if m <= RANGE[1]}


# --- hand-written SQL ---------------------------------------------------------------------------------------------

# The days on which an account's MRR changes, with its level; `closes` marks an account's last change of a month.
CHANGES = f"""
create temp table changes as
with steps as (
  select account_id, start_d as d, start_m as m, parts as delta from lines where parts <> 0 and start_d < end_d
  union all
  select account_id, end_d, end_m, -parts from lines where parts <> 0 and start_d < end_d and end_d < {FAR}
), days as (
  select account_id, d, any_value(m) as m, sum(delta)::bigint as delta from steps group by account_id, d having sum(delta) <> 0
)
select
  account_id, m, delta, (sum(delta) over account)::bigint as after, row_number() over account = 1 as first,
  lead(m) over account is distinct from m as closes
from days window account as (partition by account_id order by d)
"""
# An account's level at the end of the months in which it moved, which holds until `until_m`.
LEVELS = f"""
create temp table levels as
select
  account_id, m, after as closing, lag(after, 1, 0) over account as opening, lead(m, 1, {FAR}) over account as until_m,
  first_value(m) over account as cohort
from changes where closes window account as (partition by account_id order by m)
"""
MONTHS_SQL = f"""
with moved as (
  select m,
    coalesce(sum(delta) filter (where first), 0) as "new", count(*) filter (where first) as new_accounts,
    coalesce(sum(delta) filter (where after = delta and not first), 0) as reactivation,
    count(*) filter (where after = delta and not first) as reactivated_accounts,
    coalesce(sum(delta) filter (where delta > 0 and after > delta), 0) as expansion, count(*) filter (where delta > 0 and after > delta) as expansions,
    coalesce(-sum(delta) filter (where delta < 0 and after > 0), 0) as contraction, count(*) filter (where delta < 0 and after > 0) as contractions,
    coalesce(-sum(delta) filter (where after = 0), 0) as churn, count(*) filter (where after = 0) as churns
  from changes group by m
), ends as (
  select m, sum(closing - opening) as change, sum((closing > 0)::int - (opening > 0)::int) as paying from levels group by m
), lost as (
  select m, count(*) as accounts_lost from levels
  semi join (select account_id, m from changes where after = 0) as churned using (account_id, m) where opening > 0 group by m
)
select *, coalesce(sum(change) over (order by m), 0) as closing, coalesce(sum(paying) over (order by m), 0) as closing_accounts
from moved join ends using (m) left join lost using (m) where m <= {RANGE[1]} order by m
"""
RETENTION = """
with states as (select account_id, m, until_m, closing from levels where closing > 0),
spans as (
  select w, greatest(past.m + w, now.m) as m, least(past.until_m + w, now.until_m) as until_m,
    sum(now.closing) as closing, sum(least(now.closing, past.closing)) as kept
  from states as past cross join (values (1), (3), (12)) as windows (w)
  join states as now on past.account_id = now.account_id and past.m + w < now.until_m and now.m < past.until_m + w
  group by 1, 2, 3
), steps as (
  select w, m, closing, kept from spans union all select w, until_m, -closing, -kept from spans
)
select w, m, sum(sum(closing)) over (partition by w order by m), sum(sum(kept)) over (partition by w order by m) from steps group by w, m order by w, m
"""
COHORTS = f"""
select cohort, m, sum((closing > 0)::int - (opening > 0)::int), sum(closing - opening) from levels where m <= {RANGE[1]} group by cohort, m
"""


def by_sql(lines: pa.Table) -> tuple[list[str], list[tuple], list[tuple], list[tuple]]:  # type: ignore[type-arg]
    with duckdb.connect(config={"threads": "2", "memory_limit": "1GB", "preserve_insertion_order": "false"}) as connection:
        connection.register("lines", lines)
        connection.execute(CHANGES)
        connection.execute(LEVELS)
        months = connection.sql(MONTHS_SQL)
        return months.columns, months.fetchall(), connection.sql(RETENTION).fetchall(), connection.sql(COHORTS).fetchall()


def figures_of_sql(answer: tuple[list[str], list[tuple], list[tuple], list[tuple]]) -> Figures:  # type: ignore[type-arg]
    names, rows, retained, cohorts = answer
    found = {row["m"]: row for row in (dict(zip(names, r, strict=True)) for r in rows)}
    steps = {(w, m): (closing, kept) for w, m, closing, kept in retained}
    months: dict[int, dict[str, int]] = {}
    last = {"closing": 0, "closing_accounts": 0} | {f"{n}_{w}": 0 for n in ("closing", "kept") for w in WINDOWS}
    for m in range(RANGE[0], RANGE[1] + 1):
        row = found[m]
        now = {n: row[n] for n in (*SUMS, "closing", "closing_accounts", *COUNTED)} | {"accounts_lost": row["accounts_lost"] or 0}
        now |= {"opening": last["closing"], "opening_accounts": last["closing_accounts"]}
        for w in WINDOWS:
            now[f"closing_{w}"], now[f"kept_{w}"] = steps.get((w, m), (last[f"closing_{w}"], last[f"kept_{w}"]))
        months[m] = last = now
    return months, {(cohort, m): (paying, change) for cohort, m, paying, change in cohorts}


# --- pandas, as people write it -----------------------------------------------------------------------------------


def by_pandas(lines: pa.Table) -> Figures:
    """Change points for the movements; for levels a table of accounts and months, merged with itself for each window."""
    df = lines.to_pandas()
    df = df[(df.parts != 0) & (df.start_d < df.end_d)]
    starts = df[["account_id", "start_d", "start_m", "parts"]].set_axis(["account_id", "d", "m", "delta"], axis=1)
    ends = df[df.end_d < FAR][["account_id", "end_d", "end_m", "parts"]].set_axis(["account_id", "d", "m", "delta"], axis=1)
    ends["delta"] = -ends["delta"]
    changes = pd.concat([starts, ends]).groupby(["account_id", "d"], as_index=False).agg(m=("m", "max"), delta=("delta", "sum"))
    changes = changes[changes.delta != 0].sort_values(["account_id", "d"])
    changes["after"] = changes.groupby("account_id")["delta"].cumsum()
    changes["before"] = changes["after"] - changes["delta"]
    changes["first"] = ~changes["account_id"].duplicated()
    changes["movement"] = np.select(
        [changes["first"], changes["before"] == 0, changes["after"] == 0, changes["delta"] > 0], ["new", "reactivation", "churn", "expansion"], "contraction"
    )
    changes["amount"] = changes["delta"].abs()
    amounts = changes.pivot_table(index="m", columns="movement", values="amount", aggfunc="sum", fill_value=0)
    counts = changes.pivot_table(index="m", columns="movement", values="amount", aggfunc="count", fill_value=0)

    at_ends = []
    for m in range(RANGE[0], RANGE[1] + 1):
        day = day_number(last_day(m))
        paying = df[(df["start_d"] <= day) & (df["end_d"] > day)]
        at_ends.append(paying.groupby("account_id", as_index=False)["parts"].sum().assign(m=m))
    levels = pd.concat(at_ends).rename(columns={"parts": "mrr"})
    by_month = levels.groupby("m")["mrr"].agg(["sum", "count"]).reindex(range(RANGE[0] - 1, RANGE[1] + 1), fill_value=0)
    retained = {}
    for w in WINDOWS:
        past = levels.assign(m=levels["m"] + w).rename(columns={"mrr": "past"})
        both = past.merge(levels, on=["account_id", "m"], how="left").fillna({"mrr": 0})
        both["kept"] = both[["past", "mrr"]].min(axis=1)
        retained[w] = both.groupby("m")[["mrr", "kept"]].sum().reindex(range(RANGE[0], RANGE[1] + 1), fill_value=0)
    churned = changes.loc[changes["movement"] == "churn", ["account_id", "m"]].drop_duplicates()
    lost = churned.merge(levels.assign(m=levels["m"] + 1), on=["account_id", "m"]).groupby("m").size().reindex(range(RANGE[0], RANGE[1] + 1), fill_value=0)
    first_month = changes.loc[changes["first"], ["account_id", "m"]].rename(columns={"m": "cohort"})
    cells = levels.merge(first_month, on="account_id").groupby(["cohort", "m"])["mrr"].agg(["count", "sum"])

    months: dict[int, dict[str, int]] = {}
    for m in range(RANGE[0], RANGE[1] + 1):
        opening, closing = by_month.loc[m - 1], by_month.loc[m]
        row = {"opening": opening["sum"], "closing": closing["sum"], "opening_accounts": opening["count"], "closing_accounts": closing["count"]}
        row |= {n: amounts.at[m, n] for n in SUMS} | {c: counts.at[m, n] for n, c in zip(SUMS, COUNTED, strict=True)} | {"accounts_lost": lost[m]}
        for w in WINDOWS:
            row[f"closing_{w}"], row[f"kept_{w}"] = retained[w].loc[m]
        months[m] = row
    at = {key: (row["count"], row["sum"]) for key, row in cells.to_dict("index").items()}
    keys = {(cohort, m) for cohort, _ in at for m in range(cohort, RANGE[1] + 1)}
    change = {}
    for cohort, m in keys:
        now, before = at.get((cohort, m), (0, 0)), at.get((cohort, m - 1), (0, 0))
        change[cohort, m] = (now[0] - before[0], now[1] - before[1])
    return months, change


# --- measuring ----------------------------------------------------------------------------------------------------


def assert_same(one: Figures, other: Figures, who: str) -> None:
    for m, row in one[0].items():
        differ = {n: (int(v), int(other[0][m][n])) for n, v in row.items() if int(v) != int(other[0][m][n])}
        assert not differ, f"{who} differs in month {m}: {differ}"
    moved = [{k: v for k, v in side[1].items() if tuple(v) != (0, 0)} for side in (one, other)]
    assert moved[0] == moved[1], f"{who} differs in cohorts: {set(moved[0].items()) ^ set(moved[1].items())}"


def timed(call: Callable[[pa.Table], object], lines: pa.Table) -> tuple[float, float]:
    """Seconds by the clock, and of both cores together: on a busy machine the second is the steadier."""
    start, cpu = time.perf_counter(), time.process_time()
    call(lines)
    return time.perf_counter() - start, time.process_time() - cpu


def alone(accounts: int, times: int, folder: Path) -> dict[str, float]:
    """Median seconds and peak memory of ours in a process that does nothing else."""
    file = folder / f"{accounts}.arrow"
    if not file.exists():
        code = f"from benchmarks.ledger import *; pyarrow.feather.write_feather(subscription_lines({accounts}), {str(file)!r}, compression='uncompressed')"
        subprocess.run([sys.executable, "-c", code], check=True)
    out = subprocess.run([sys.executable, "-m", "benchmarks.ledger", str(file), str(times)], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def _ratio(one: list[float], other: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def run(full: bool = False) -> Iterator[Table]:
    lines = subscription_lines(ACCOUNTS)
    ledger = figures_of_ours(ours(lines))
    assert_same(ledger, figures_of_sql(by_sql(lines)), "SQL")
    assert_same(ledger, by_pandas(lines), "pandas")
    rounds = [[timed(call, lines) for call in (ours, by_sql, by_pandas)] for _ in range(9 if full else 5)]
    clock, cpu = ([[t[kind] for t in column] for column in zip(*rounds, strict=True)] for kind in (0, 1))
    table = Table(
        f"Ledger: {ACCOUNTS:,} accounts, {lines.num_rows:,} lines, {MONTHS} months",
        ["median of " + str(len(rounds)), "seconds", "fastest", "CPU seconds", "ratio", "ratio of CPU", "kept"],
    )
    names = ("ours, build and compile included", "hand-written change-point SQL", "straightforward pandas")
    figures = [(f"{statistics.median(t):.3f}", f"{min(t):.3f}", f"{statistics.median(c):.3f}") for t, c in zip(clock, cpu, strict=True)]
    slower, slower_cpu = (_ratio(t[0], t[1]) for t in (clock, cpu))
    faster, faster_cpu = (_ratio(t[2], t[0]) for t in (clock, cpu))
    table.add(names[0], *figures[0], "", "", "")
    table.add(names[1], *figures[1], f"ours / SQL {slower:.2f}", f"{slower_cpu:.2f}", verdict(slower, at_most=1.5))
    table.add(names[2], *figures[2], f"pandas / ours {faster:.1f}", f"{faster_cpu:.1f}", verdict(faster, at_least=5))
    each = ", ".join(f"{o / s:.2f}" for o, s in zip(clock[0], clock[1], strict=True))
    table.notes.append(f"Run in turn in one process, ratios taken round by round (ours / SQL {each}); all figures equal, asserted. pandas uses one core.")
    yield table

    with tempfile.TemporaryDirectory() as name:
        small = [alone(ACCOUNTS, 3, Path(name))]
        large = alone(10 * ACCOUNTS, 3 if full else 1, Path(name))
        small.append(alone(ACCOUNTS, 3, Path(name)))
    seconds = statistics.fmean(s["seconds"] for s in small)
    exponent = math.log10(large["seconds"] / seconds)
    peak = max(s["peak_mb"] for s in small)
    growth = Table("Ledger: memory and growth, ours, a process each", ["accounts", "lines", "seconds", "peak memory", "", "kept"])
    growth.add(f"{ACCOUNTS:,}", f"{lines.num_rows:,}", f"{seconds:.3f}", f"{peak:,.0f} MB", "memory", verdict(peak, at_most=1000))
    growth.add(
        f"{10 * ACCOUNTS:,}", f"{10 * lines.num_rows:,}", f"{large['seconds']:.3f}", f"{large['peak_mb']:,.0f} MB",
        f"n^{exponent:.2f}", verdict(exponent, at_most=1.1),
    )  # fmt: skip
    yield growth


def main(file: str, times: int) -> None:
    lines = pyarrow.feather.read_table(file, memory_map=False)
    ours(lines.slice(0, 100))  # imports and first touch are not growth
    seconds = statistics.median(timed(ours, lines)[0] for _ in range(times))
    unit = 1024 if os.uname().sysname == "Linux" else 1024**2  # kB there, bytes on macOS
    print(json.dumps({"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
