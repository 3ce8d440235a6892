"""Facts: each family against SQL written by hand, one date and 36, usage against COUNT DISTINCT and pandas, growth, memory, and a whole pass.

A tenth by default (10,000 accounts, 5 million events), whole with --full (100,000 and 50 million). Inputs are generated in the
shapes that a pass makes of records; usage goes through a lake and its rollups. What is compared is timed in turn in one process;
memory, growth and the pass (`_tonight`) have processes of their own.
"""

from __future__ import annotations

import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import Table, _by_hand, verdict
from benchmarks import _tonight as tonight
from laer.cycle.fact_inputs import empty, schema_of
from laer.cycle.facts import AT_ONCE, USAGE, Facts, Wanted, catalogue, compute
from laer.cycle.facts import _family as family_of
from laer.engine.lake import Lake
from laer.engine.rollups import Rollups
from laer.engine.session import DuckDBSession
from laer.metrics.inputs import INPUTS
from laer.metrics.spine import BLOCK, REACH
from laer.records.periods import FAR, day_number, last_day, month_number

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


def wanted(accounts: int, dates: tuple[int, ...]) -> Wanted:
    return Wanted(dates, pa.array(np.arange(accounts)), pa.array(np.zeros(accounts, np.int32)))


def timed(work: Callable[[], Any], times: int) -> tuple[float, Any]:
    took, made = [], None
    for _ in range(times):
        begun = time.perf_counter()
        made = work()
        took.append(time.perf_counter() - begun)
    return statistics.median(took), made


def roll_up(session: DuckDBSession, raw: pa.Table) -> dict[str, float]:
    """Usage into a lake and its rollups, by the code of imports and passes, and from there into the session. Returns seconds."""
    names = ("account_id", "actor", "feature", "day_d")
    with tempfile.TemporaryDirectory() as folder:
        lake, took = Lake(Path(folder), memory="2GB"), {}
        account, actor, feature, day = (raw[name] for name in names)
        rows = pa.table(
            {
                "row_id": pa.array(np.arange(raw.num_rows)).cast(pa.string()), "account_id": account, "user_id": actor.cast(pa.string()),
                "feature": feature.cast(pa.string()), "day": day.cast(pa.date32()), "source": pa.array(["made"] * raw.num_rows),
                "run": pa.array(["1"] * raw.num_rows),
            }
        ).sort_by("day")  # fmt: skip
        last = rows.num_rows * 99 // 100  # the newest hundredth comes as a file of its own
        lake.append("usage_days", rows.slice(0, last), app_id="first", version=1)
        rollups = Rollups(lake)
        took["anew"], _ = timed(rollups.refresh, 1)
        lake.append("usage_days", rows.slice(last), app_id="second", version=1)
        took["new"], mark = timed(rollups.refresh, 1)
        took["again"], _ = timed(rollups.refresh, 3)
        took["read"], _ = timed(lambda: rollups.read(session, mark, (TONIGHT - REACH, TONIGHT)), 3)
        rollups.read(session, mark, (0, TONIGHT))
    return took


def families(session: DuckDBSession, given: Mapping[str, pa.Table], accounts: int, dates: tuple[int, ...], repeat: int) -> list[tuple[str, float, float]]:
    """Seconds of each family, ours and by hand, in turn; the rows of both are the same."""
    for name, rows in given.items():
        if name not in USAGE:
            session.bind(name, rows)
    session.bind("spine", wanted(accounts, dates).spine(dates))
    session.bind("spine_dates", pa.table({"d": pa.array(dates, pa.int32())}))
    found, con = [], session.connection
    for name, sql in _by_hand.queries(dates).items():
        ours_of = family_of(name)
        session.keep("ours", ours_of)  # builds and compiles: once per process
        con.execute(f"create or replace temp table theirs as {sql}")
        columns = ", ".join(f'"{column}"' for column in ours_of.columns)
        con.execute(f"create or replace temp view theirs_named as select * from theirs as t({columns})")
        ((differ,),) = con.sql("select count(*) from ((from ours except from theirs_named) union all (from theirs_named except from ours))").fetchall()
        assert not differ, f"{name}: {differ} rows differ from those by hand"
        rounds = []
        for _ in range(repeat):
            mine, _ = timed(partial(session.keep, "ours", ours_of), 1)
            hand, _ = timed(partial(con.execute, f"create or replace temp table theirs as {sql}"), 1)
            rounds.append((mine, hand))
        found.append((name, statistics.median(m for m, _ in rounds), statistics.median(h for _, h in rounds)))
    return found


def run(full: bool) -> Iterator[Table]:
    accounts, count, repeat = (100_000, 50_000_000, 5) if full else (10_000, 5_000_000, 7)
    given, raw = inputs(accounts), events(accounts, count)
    with DuckDBSession(memory="4GB") as session:
        took = roll_up(session, raw)
        session.bind("events", raw)
        for dates, bound in (((TONIGHT,), 1.4), (MONTH_ENDS, 1.25)):
            table = Table(f"Families of facts at {len(dates)} dates, {accounts:,} accounts: ours and SQL by hand, rows equal",
                ["family", "ours", "by hand", "ours / by hand", "met"])  # fmt: skip
            found = families(session, given, accounts, dates, repeat if len(dates) == 1 else max(3, repeat // 2))
            for name, mine, hand in found:
                table.add(name, f"{mine:.3f}", f"{hand:.3f}", f"{mine / hand:.2f}", "")
            mine, hand = sum(m for _, m, _ in found), sum(h for _, _, h in found)
            table.add("all", f"{mine:.3f}", f"{hand:.3f}", f"{mine / hand:.2f}", verdict(mine / hand, at_most=bound))
            left = sorted({family.name for family in catalogue().families} - {name for name, *_ in found})
            if left:
                table.notes.append(f"Without a query by hand: {', '.join(left)}.")
            yield table
        yield _whole(session, given, raw, accounts, repeat, took)
    del raw
    yield _growth(full)
    yield from tonight.tables(full)


def _whole(session: DuckDBSession, given: dict[str, pa.Table], raw: pa.Table, accounts: int, repeat: int, took: dict[str, float]) -> Table:
    def facts(dates: tuple[int, ...], measures: tuple[str, ...] | None = None) -> Facts:
        return compute(session, wanted(accounts, dates), given, USAGE, measures)

    def files(dates: tuple[int, ...]) -> None:
        """As a replay writes them: some dates at a time, one file per date."""
        with tempfile.TemporaryDirectory() as folder:
            for start in range(0, len(dates), AT_ONCE):
                found = facts(dates[start : start + AT_ONCE]).table
                for day in dates[start : start + AT_ONCE]:
                    pq.write_table(found.filter(pc.equal(found["d"], day)), f"{folder}/{day}.parquet", compression="zstd")

    facts((TONIGHT,))  # builds and compiles: once per process
    one, many = [], []
    for _ in range(3):
        one.append(timed(lambda: files((TONIGHT,)), repeat)[0])
        many.append(timed(lambda: files(MONTH_ENDS), 1)[0])
    days = [_near(month) for month in MONTH_ENDS]
    same = pa.concat_tables(facts((day,)).table for day in (days[0], days[20], TONIGHT))
    among = facts((days[0], days[20], TONIGHT)).table
    assert same.sort_by([("account_id", "ascending"), ("d", "ascending")]).equals(among), "facts of one date differ from the same date among others"
    used = ("active_users_28d", "active_users_7d", "user_days_28d")
    answer = facts((TONIGHT,), used).table
    distinct_sql = f"""select account_id, count(distinct actor) as users, count(distinct case when day_d > {TONIGHT - 7} then actor end) as week,
        count(distinct actor * 100000 + day_d) as days from events where day_d <= {TONIGHT} and day_d > {TONIGHT - BLOCK} group by account_id"""
    rounds = []
    for _ in range(repeat):
        ours, _ = timed(lambda: session.keep("ours", family_of("users")), 1)
        whole, _ = timed(lambda: facts((TONIGHT,), used), 1)
        distinct, told = timed(lambda: session.connection.sql(distinct_sql).to_arrow_table(), 1)
        rounds.append((ours, whole, distinct))
    ours, whole, distinct = (statistics.median(column) for column in zip(*rounds, strict=True))
    pandas, _ = timed(lambda: _pandas(raw), 1)
    _same(answer, told)
    ratio = statistics.median(many) / statistics.median(one)
    table = Table(f"Facts of {accounts:,} accounts, {len(catalogue())} measures, {raw.num_rows:,} usage events", ["what", "seconds", "measured", "met"])
    table.add("one date, with its file", f"{statistics.median(one):.2f}", "", "")
    table.add("36 month ends, with their files", f"{statistics.median(many):.2f}", f"{ratio:.1f} x one date", verdict(ratio, at_most=20))
    table.add("users of 28 days, the family from blocks", f"{ours:.3f}", "", "")
    table.add("the same as facts of all accounts, spine and zeros included", f"{whole:.3f}", "", "")
    table.add("the same by COUNT DISTINCT over events", f"{distinct:.3f}", f"{distinct / ours:.1f} x ours", verdict(distinct / ours, at_least=5))
    table.add("the same by pandas over events", f"{pandas:.3f}", f"{pandas / whole:.1f} x all of ours", verdict(pandas / whole, at_least=5))
    table.add("rolling up all rows of the lake anew", f"{took['anew']:.2f}", "", "")
    table.add("a hundredth of them new", f"{took['new']:.2f}", f"1/{took['anew'] / took['new']:.0f} of that", "")
    table.add("nothing new", f"{took['again']:.3f}", "", verdict(took["again"], at_most=0.3))
    table.add("reading them for tonight", f"{took['read']:.2f}", "", "")
    return table


def _near(day: int) -> int:
    return day - 3


def _growth(full: bool) -> Table:
    sizes = (10_000, 100_000, 1_000_000) if full else (3_000, 10_000, 30_000)
    grown = {n: _alone(n) for n in sizes}
    small, middle, large = sizes
    power = math.log(grown[large]["seconds"] / grown[small]["seconds"]) / math.log(large / small)
    table = Table("Facts: growth and memory, a process each", ["accounts", "seconds, one date", "peak memory, 36 dates", "measured", "met"])
    for n, row in grown.items():
        table.add(f"{n:,}", f"{row['seconds']:.2f}", f"{row['replay_mb']:,.0f} MB" if n != 1_000_000 else "",
            f"n^{power:.2f}" if n == large else f"{row['replay_mb']:,.0f} MB" if n == middle else "",
            verdict(power, at_most=1.1) if n == large else verdict(row["replay_mb"], at_most=2_048) if n == middle else "")  # fmt: skip
    return table


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
        for name_, actor_ in (("user_blocks", "actor"), ("feature_blocks", "feature")):
            session_.connection.execute(f"""create temp table {name_} as select account_id, {actor_} as actor, (day_d // {BLOCK})::int as block,
                bit_or(1::bigint << (day_d % {BLOCK})) as mask from events group by all""")
        session_.connection.execute("""create temp table account_days as select account_id, day_d, count(*)::bigint as n, null::bigint as errors
            from events group by all""")
        session_.connection.unregister("events")
        del raw_
        compute(session_, wanted(accounts_, (TONIGHT,)), given_, USAGE)
        seconds, _ = timed(lambda: compute(session_, wanted(accounts_, (TONIGHT,)), given_, USAGE), 3)
        if accounts_ < 1_000_000:
            for start_ in range(0, len(MONTH_ENDS), AT_ONCE):  # as a replay writes them
                compute(session_, wanted(accounts_, MONTH_ENDS[start_ : start_ + AT_ONCE]), given_, USAGE)
    print(json.dumps({"seconds": seconds, "replay_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
