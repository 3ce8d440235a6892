"""Facts of 100,000 accounts: one date, 36 month ends, usage against COUNT DISTINCT over events and against pandas, growth and memory.

The inputs are generated in the shapes that a pass makes of records; usage as events, from which blocks and account days are
rolled up by the lake's own code path. Times are taken in turn in one process; memory and growth in processes of their own.
"""

from __future__ import annotations

import json
import math
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks import Table, verdict
from laer.cycle.fact_inputs import empty, schema_of
from laer.cycle.facts import USAGE, Facts, Wanted, catalogue, compute
from laer.engine.session import DuckDBSession
from laer.metrics.inputs import INPUTS
from laer.metrics.spine import BLOCK
from laer.records.periods import FAR, day_number, last_day, month_number

ACCOUNTS, FULL_EVENTS = 100_000, 50_000_000
TONIGHT = day_number(date(2025, 12, 31))
SPAN = 1_096  # days of history of records; usage has half of it
MONTH_ENDS = tuple(day_number(last_day(month)) for month in range(month_number(date(2023, 1, 1)), month_number(date(2025, 12, 1)) + 1))
PER_ACCOUNT = {"lines": 4, "terms": 2, "deals": 0.5, "tickets": 3, "answers": 1, "pulses": 1, "touches": 5, "notices": 0.1}
Rng = np.random.Generator


def inputs(accounts: int, seed: int = 7) -> dict[str, pa.Table]:
    """Every input but usage, uniform in time."""
    rng, made = np.random.default_rng(seed), {name: empty(name) for name in INPUTS}
    for name, each in PER_ACCOUNT.items():
        made[name] = _rows(name, int(accounts * each), accounts, rng)
    lines = made["lines"].to_pandas().sort_values(["account_id", "start_d"])
    lines["from_d"], lines["until_d"] = lines["start_d"], lines.groupby("account_id")["start_d"].shift(-1, fill_value=FAR)
    held = lines[lines["from_d"] < lines["until_d"]]
    made["states"] = _table("states", held)
    moves = held.assign(on_d=held["from_d"], opening=0.0, new=0.0, back=0.0, growth=held["mrr"], shrinking=0.0, lost=0.0)
    made["changes"] = _table("changes", moves)
    ids = np.arange(accounts)
    segment = {"account_id": ids, "dimension": "segment", "value": np.array(["SMB", "Mid-market", "Enterprise"])[ids % 3], "from_d": 0, "until_d": FAR}
    made["spans"] = _table("spans", pd.DataFrame(segment))
    return made


def _rows(name: str, count: int, accounts: int, rng: Rng) -> pa.Table:
    given, columns = INPUTS[name], {"account_id": rng.integers(0, accounts, count)}
    known = TONIGHT - rng.integers(0, SPAN, count)
    for column, kind in given.columns.items():
        after = np.where(rng.random(count) < 0.2, FAR, known + rng.integers(1, 400, count))
        words = {"kind": ["nps", "csat", "ces", "call", "mail"], "outcome": ["won", "lost"], "motion": ["land", "expand"], "plan": ["Basic", "Pro"]}
        columns[column] = (
            known if column == given.known
            else after if kind == "int32"
            else rng.choice(words.get(column, ["x"]), count) if kind == "string"
            else rng.random(count) < 0.3 if kind == "boolean"
            else rng.integers(0, 3, count) if column == "level"
            else rng.integers(1, 50, count).astype("float64" if kind == "float64" else "int64")
        )  # fmt: skip
    return _table(name, pd.DataFrame(columns))


def _table(name: str, rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows[schema_of(name).names], schema=schema_of(name), preserve_index=False)


def events(accounts: int, count: int, seed: int = 11) -> pa.Table:
    """Usage events of 18 months: account, user, feature, day."""
    rng = np.random.default_rng(seed)
    account = (accounts * rng.random(count) ** 2).astype("int64")  # a few accounts use much
    return pa.table(
        {
            "account_id": account, "actor": account * 8 + rng.integers(0, 5, count), "feature": account * 64 + rng.integers(0, 30, count),
            "day_d": pa.array(TONIGHT - rng.integers(0, SPAN // 2, count), pa.int32()),
        }
    )  # fmt: skip


def roll_up(session: DuckDBSession) -> None:
    """What `engine/rollups.py` makes of the lake's rows, of the table `events`."""
    con = session.connection
    for name, actor in (("user_blocks", "actor"), ("feature_blocks", "feature")):
        con.execute(f"""create or replace temp table {name} as select account_id, {actor} as actor, (day_d // {BLOCK})::int as block,
            bit_or(1::bigint << (day_d % {BLOCK})) as mask from events group by all""")
    con.execute("create or replace temp table account_days as select account_id, day_d, count(*)::bigint as n, null::bigint as errors from events group by all")


def wanted(accounts: int, dates: tuple[int, ...]) -> Wanted:
    return Wanted(dates, pa.array(np.arange(accounts)), pa.array(np.zeros(accounts, np.int32)))


def timed(work: Callable[[], Any], times: int) -> tuple[float, Any]:
    took, made = [], None
    for _ in range(times):
        begun = time.perf_counter()
        made = work()
        took.append(time.perf_counter() - begun)
    return statistics.median(took), made


def run(full: bool) -> list[Table]:
    count = FULL_EVENTS if full else FULL_EVENTS // 10
    repeat = 5 if full else 3
    given, raw = inputs(ACCOUNTS), events(ACCOUNTS, count)
    with DuckDBSession(memory="4GB") as session:
        session.bind("events", raw)
        rolled, _ = timed(lambda: roll_up(session), 1)

        def facts(dates: tuple[int, ...], measures: tuple[str, ...] | None = None) -> Facts:
            return compute(session, wanted(ACCOUNTS, dates), given, USAGE, measures)

        facts((TONIGHT,))  # builds and compiles: once per process
        one, _ = timed(lambda: facts((TONIGHT,)), repeat)
        many, _ = timed(lambda: facts(MONTH_ENDS), 1)
        used = ("active_users_28d", "active_users_7d", "user_days_28d")
        facts((TONIGHT,), used)
        ours, answer = timed(lambda: facts((TONIGHT,), used).table, repeat)
        distinct, told = timed(lambda: session.connection.sql(f"""select account_id, count(distinct actor) as users,
            count(distinct case when day_d > {TONIGHT - 7} then actor end) as week, count(distinct actor * 100000 + day_d) as days
            from events where day_d <= {TONIGHT} and day_d > {TONIGHT - BLOCK} group by account_id""").to_arrow_table(), repeat)
        pandas, _ = timed(lambda: _pandas(raw), 1)
        _same(answer, told)
    grown = {n: _alone(n) for n in (10_000, ACCOUNTS, *((1_000_000,) if full else ()))}
    (small, small_took), (large, large_took) = [(n, grown[n]["seconds"]) for n in (min(grown), max(grown))]
    power = math.log(large_took / small_took) / math.log(large / small)
    peak = grown[ACCOUNTS]["replay_mb"]
    return [
        Table(
            f"Facts of {ACCOUNTS:,} accounts, {len(catalogue())} measures, {count:,} usage events",
            ["what", "seconds", "measured", "met"],
            [
                ["one date", f"{one:.2f}", "", ""],
                ["36 month ends", f"{many:.2f}", f"{many / one:.1f} x one date", verdict(many / one, at_most=20)],
                ["users of 28 days, from blocks", f"{ours:.3f}", "", ""],
                ["the same by COUNT DISTINCT over events", f"{distinct:.3f}", f"1/{distinct / ours:.1f}", verdict(distinct / ours, at_least=5)],
                ["the same by pandas over events", f"{pandas:.3f}", f"{pandas / ours:.1f} x ours", verdict(pandas / ours, at_least=5)],
                ["rolling up all events", f"{rolled:.2f}", "", ""],
            ],
        ),
        Table(
            "Facts: growth and memory, a process each",
            ["accounts", "seconds, one date", "peak memory, 36 dates", "measured", "met"],
            [
                [f"{n:,}", f"{row['seconds']:.2f}", f"{row['replay_mb']:,.0f} MB", f"n^{power:.2f}" if n == large else "",
                 verdict(power, at_most=1.1) if n == large else verdict(peak, at_most=2_048) if n == ACCOUNTS else ""]
                for n, row in grown.items()
            ],
        ),
    ]  # fmt: skip


def _pandas(raw: pa.Table) -> pd.DataFrame:
    frame = raw.to_pandas()
    near = frame[(frame["day_d"] <= TONIGHT) & (frame["day_d"] > TONIGHT - BLOCK)]
    whole = near.groupby("account_id")["actor"].nunique().to_frame("users")
    whole["week"] = near[near["day_d"] > TONIGHT - 7].groupby("account_id")["actor"].nunique()
    whole["days"] = near.drop_duplicates(["account_id", "actor", "day_d"]).groupby("account_id").size()
    return whole


def _same(answer: pa.Table, told: pa.Table) -> None:
    ours = {row["account_id"]: (row["active_users_28d"], row["active_users_7d"], row["user_days_28d"]) for row in answer.to_pylist() if row["active_users_28d"]}
    theirs = {row["account_id"]: (row["users"], row["week"], row["days"]) for row in told.to_pylist()}
    assert ours == theirs, "users of 28 days differ"


def _alone(accounts: int) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-m", "benchmarks.facts", str(accounts)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    accounts_ = int(sys.argv[1])
    given_, raw_ = inputs(accounts_), events(accounts_, accounts_ * 50)
    with DuckDBSession(memory="1GB") as session_:
        session_.bind("events", raw_)
        roll_up(session_)
        del raw_
        compute(session_, wanted(accounts_, (TONIGHT,)), given_, USAGE)
        seconds, _ = timed(lambda: compute(session_, wanted(accounts_, (TONIGHT,)), given_, USAGE), 3)
        if accounts_ <= ACCOUNTS:
            for start in range(0, len(MONTH_ENDS), 6):  # as a replay writes them: six dates at a time
                compute(session_, wanted(accounts_, MONTH_ENDS[start : start + 6]), given_, USAGE)
    print(json.dumps({"seconds": seconds, "replay_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
