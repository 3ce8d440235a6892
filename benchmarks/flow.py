"""The flow of 36 cohorts over 100,000 accounts: ours from the lines, hand-written SQL from the same lines, and ours from the rows that a run keeps.

All of them start from the same Arrow tables and end at the same figures (asserted): accounts, landed and paid MRR by cohort and state at each joint,
and what was landed, grown and leaked by cohort and stage. Run in turn in one process; the median is taken, the first round apart.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks import Table, verdict
from benchmarks.ledger import ACCOUNTS, RANGE, subscription_lines
from laer.cycle.flowing import flow
from laer.cycle.ledger import LedgerInput
from laer.cycle.run_tables import RunTables
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.flow.joints import JOINTS
from laer.flow.joints import STATES as AT_JOINT
from laer.flow.sums import decoded
from laer.records.periods import FAR, day_number, last_day

DAY = day_number(last_day(RANGE[1]))
DEADLINES = (("", (30, 60, 180)), ("Enterprise", (60, 90, 270)))
PARAMS = {"deadlines": DEADLINES, "gap_days": 0}


def firm(accounts: int) -> dict[str, pa.Table]:
    """Lines to date, and what sources say of the joints of most accounts."""
    random = np.random.default_rng(7)
    lines = subscription_lines(accounts)
    lines = lines.append_column("unknown", pa.array(np.zeros(lines.num_rows, bool)))
    starts, ends = lines["start_d"].to_numpy(), lines["end_d"].to_numpy()
    lines = lines.filter(pa.array(starts <= DAY))
    ends = lines["end_d"].to_numpy()
    later = ends > DAY
    for name in ("end_d", "end_m"):
        kept = pa.array(np.where(later, FAR, lines[name].to_numpy()), pa.int32())
        lines = lines.set_column(lines.schema.get_field_index(name), name, kept)
    first = np.full(accounts, FAR)
    np.minimum.at(first, lines["account_id"].to_numpy(), lines["start_d"].to_numpy())
    ids = np.arange(accounts)

    def some(share: float) -> Any:
        return ids[random.random(accounts) < share]

    def done(of: Any, most: int, share: float) -> Any:
        return np.where(random.random(len(of)) < share, first[of] + random.integers(1, most, len(of)), FAR)

    planned, promised, used, termed = some(0.8), some(0.6), some(0.9), some(0.7)
    activated = done(used, 120, 0.8)
    end = first[termed] + 365
    over = end <= DAY + 1
    due, whose = end[over], termed[over]
    kept = random.random(len(due)) < 0.8
    made = {
        "lines": lines,
        "input_plans": {"account_id": planned, "started_d": first[planned], "done_d": done(planned, 60, 0.9)},
        "input_outcomes": {"account_id": promised, "promised_d": first[promised], "reached_d": done(promised, 300, 0.6)},
        "input_terms": {"account_id": termed, "known_d": first[termed], "end_d": end},
        "input_renewals": {"account_id": whose, "due_d": due, "settled_d": due, "result": np.where(kept, "signed", "lost")},
        "facts": {"account_id": used, "activated_on": np.where(activated == FAR, -1, activated), "usage_since_on": np.full(len(used), 0)},
    }  # fmt: skip
    tables = {name: one if isinstance(one, pa.Table) else pa.table({k: pa.array(v, pa.int64() if k == "account_id" else pa.string() if k == "result"
        else pa.int32()) for k, v in one.items()}) for name, one in made.items()}  # fmt: skip
    there = tables["facts"]["activated_on"].to_numpy()
    tables["facts"] = tables["facts"].set_column(1, "activated_on", pa.array(there, pa.int32(), mask=there < 0))
    segment = np.where(ids % 10 == 0, "Enterprise", "SMB")
    edges = {"from_d": -800_000, "from_m": -800_000, "until_d": FAR, "until_m": FAR}
    tables["dimensions"] = pa.table({"dimension": ["segment"] * accounts, "account_id": ids, "value": segment,
        **{name: pa.array(np.full(accounts, day), pa.int32()) for name, day in edges.items()}})  # fmt: skip
    return tables


Figures = tuple[dict[Any, tuple[int, int, int]], dict[Any, tuple[int, ...]]]
MOVED = ("landed", "expansion", "reactivation", "contraction", "churn")


def ours(tables: dict[str, pa.Table]) -> Figures:
    run = RunTables(tables, 1, "USD", DAY)
    with DuckDBSession() as session:
        made = flow(lambda run, params, scope: LedgerInput(run.tables["lines"], 1), session, run, PARAMS, Scope(True))
    made.part()  # what a page reads of it is made of the sums
    rows = decoded(made.states).to_pylist()
    states = {(r["cohort"], r["stage"], *(AT_JOINT[r[j]] for j in JOINTS)): (r["accounts"], int(r["landed"]), int(r["mrr"])) for r in rows}
    moved = {(r["cohort"], r["stage"]): tuple(int(r[name]) for name in MOVED) for r in made.moved.to_pylist()}
    return states, moved


def published(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """What a run keeps of the same book."""
    from laer.cycle import flowing
    from laer.flow import landed
    from laer.metrics import changes

    with DuckDBSession() as session:
        session.bind("lines", tables["lines"])
        events = session.keep("events", changes.mrr_changes(changes.lines_table(book=True), 0))
        lines = pa.table({name: pa.array([], flowing.TYPES[kind]) for name, kind in landed.LINES.items()})
        deals = pa.table({name: pa.array([], flowing.TYPES[kind]) for name, kind in landed.DEALS.items()})
        inputs = {name.removeprefix("input_"): table for name, table in tables.items() if name.startswith("input_")} | {"lines": lines, "deals": deals}
        return flowing.kept(session, events, inputs, tables["facts"], {}, DAY, DEADLINES, tables["dimensions"])


SQL = f"""
create temp table points as select account_id, d, max(m) m, sum(parts)::bigint delta from (
  select account_id, start_d d, start_m m, parts from lines where parts <> 0 and start_d < end_d
  union all select account_id, end_d, end_m, -parts from lines where parts <> 0 and start_d < end_d and end_d < {FAR}) group by all having sum(parts) <> 0;
create temp table moves as select *, after - delta as before, row_number() over (partition by account_id order by d) = 1 as first from (
  select *, sum(delta) over (partition by account_id order by d)::bigint as after from points);
create temp table ways as with f as (select account_id, min(d) first_d, min(m) cohort, min(d) filter (before <> 0 and delta > 0) grown_d from moves group by 1),
  p as (select account_id, min(done_d) live_d, min(started_d) live_s from input_plans group by 1),
  o as (select account_id, min(reached_d) out_d, min(promised_d) out_s from input_outcomes group by 1),
  t as (select account_id, end_d, min(known_d) known_d from input_terms group by 1, 2),
  u as (select r.account_id, r.due_d, t.known_d, if(result in ('signed', 'automatic'), settled_d, {FAR}) kept_d from input_renewals r
        left join t on t.account_id = r.account_id and t.end_d = r.due_d union all select account_id, end_d, known_d, {FAR} from t where end_d > {DAY}),
  r as (select u.account_id, min(due_d) due_d, arg_min(greatest(coalesce(known_d, first_d), 0), due_d) due_s, arg_min(kept_d, due_d) kept_d
        from u join f using (account_id) where due_d > first_d group by 1)
  select account_id, cohort, first_d, coalesce(grown_d, {FAR}) grown_d, coalesce(live_d, {FAR}) live_d, coalesce(live_s, {FAR}) live_s,
    coalesce(activated_on, {FAR}) act_d,
    coalesce(case when activated_on is not null then least(activated_on, greatest(usage_since_on, first_d)) when usage_since_on <= first_d then first_d end,
      {FAR}) act_s,
    coalesce(out_d, {FAR}) out_d, coalesce(out_s, {FAR}) out_s, coalesce(due_d, {FAR}) due_d, coalesce(due_s, {FAR}) due_s, coalesce(kept_d, {FAR}) kept_d
  from f left join p using (account_id) left join o using (account_id) left join r using (account_id)
    left join (select account_id, activated_on, usage_since_on from facts) a using (account_id);
create temp table way as select w.*, case when kept_d <= {DAY} or due_s <= {DAY} then 3 else 5 end n3,
  case when out_d <= {DAY} or out_s <= {DAY} then 2 when kept_d <= {DAY} or due_s <= {DAY} then 3 else 5 end n2,
  case when act_d <= {DAY} or act_s <= {DAY} then 1 else null end k1, case when live_d <= {DAY} or live_s <= {DAY} then 0 else null end k0 from ways w;
create temp table standing as with a as (
    select account_id, sum(delta) filter (first)::bigint landed, arg_max(after, d) mrr from moves where d <= {DAY} group by 1),
  s as (select a.*, w.*, case when kept_d <= {DAY} then 4 when out_d <= {DAY} then 3 when act_d <= {DAY} then 2 when live_d <= {DAY} then 1 else 0 end place,
    if(g.value = 'Enterprise', 60, 30) l, if(g.value = 'Enterprise', 90, 60) c, if(g.value = 'Enterprise', 270, 180) q
    from a join way w using (account_id) left join (select account_id, value from dimensions where from_d <= {DAY} and until_d > {DAY}) g using (account_id))
  select cohort, landed, mrr,
    case place when 4 then 4 when 3 then n3 when 2 then n2 when 1 then coalesce(k1, n2) else coalesce(k0, k1, n2) end stage,
    case when live_d <= {DAY} then 'passed' when live_s > {DAY} then 'unknown' when mrr = 0 then 'lost' when first_d + l >= {DAY} then 'due' else 'late' end j1,
    case when act_d <= {DAY} then 'passed' when act_s > {DAY} then 'unknown' when mrr = 0 then 'lost' when first_d + c >= {DAY} then 'due' else 'late' end j2,
    case when out_d <= {DAY} then 'passed' when out_s > {DAY} then 'unknown' when mrr = 0 then 'lost' when first_d + q >= {DAY} then 'due' else 'late' end j3,
    case when grown_d <= {DAY} then 'passed' when due_s > {DAY} then 'unknown' when mrr = 0 then 'lost' when due_d > {DAY} then 'due' else 'late' end j4,
    case when kept_d <= {DAY} then 'passed' when due_s > {DAY} then 'unknown' when mrr = 0 then 'lost' when due_d > {DAY} then 'due' else 'late' end j5
  from s;
"""
STATES = "select cohort, stage, j1, j2, j3, j4, j5, count(*), sum(landed), sum(mrr) from standing group by all"
MOVES = f"""select cohort, case place when 4 then 4 when 3 then n3 when 2 then n2 when 1 then coalesce(k1, n2) else coalesce(k0, k1, n2) end stage,
  sum(delta) filter (first), sum(delta) filter (before > 0 and delta > 0), sum(delta) filter (before = 0 and not first),
  -sum(delta) filter (delta < 0 and after > 0), -sum(delta) filter (delta < 0 and after = 0) from (
  select m.*, w.cohort, n3, n2, k1, k0, case when kept_d <= d then 4 when out_d <= d then 3 when act_d <= d then 2 when live_d <= d then 1 else 0 end place
  from moves m join way w using (account_id) where d <= {DAY}) group by all"""


def by_hand(tables: dict[str, pa.Table]) -> Figures:
    with duckdb.connect(config={"threads": "2", "memory_limit": "1GB", "preserve_insertion_order": "false"}) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        connection.execute(SQL)
        states = {row[:7]: tuple(int(n or 0) for n in row[7:]) for row in connection.execute(STATES).fetchall()}
        moved = {row[:2]: tuple(int(n or 0) for n in row[2:]) for row in connection.execute(MOVES).fetchall()}
    return states, moved  # type: ignore[return-value]


def timed(what: Any, tables: dict[str, pa.Table]) -> tuple[float, Figures]:
    begin = time.perf_counter()
    found = what(tables)
    return time.perf_counter() - begin, found


def run(full: bool) -> Iterator[Table]:
    tables = firm(ACCOUNTS)
    kept = published(tables)
    cold, figures = timed(ours, tables)
    hand, same = timed(by_hand, tables)
    assert figures == same, "ours and the hand-written SQL differ"
    first_kept, again = timed(ours, kept)
    assert figures == again, "what a run keeps says something else than its lines"
    clock: list[list[float]] = [[], [], []]
    for _ in range(9 if full else 5):
        for at, (what, given) in enumerate(((ours, tables), (by_hand, tables), (ours, kept))):
            clock[at].append(timed(what, given)[0])
    lines, sql, rows = (statistics.median(one) for one in clock)
    cohorts = len({key[0] for key in figures[0]})
    table = Table(f"Flow: {ACCOUNTS:,} accounts, {tables['lines'].num_rows:,} lines, {cohorts} cohorts", ["", "first", "median", "", "kept"])
    table.add("ours, from lines", f"{cold:.3f} s", f"{lines:.3f} s", "first", verdict(cold, at_most=2))
    table.add("hand-written SQL, from lines", f"{hand:.3f} s", f"{sql:.3f} s", "", "")
    table.add("ours / SQL", "", f"{lines / sql:.2f}", "ratio", verdict(statistics.median(a / b for a, b in zip(clock[0], clock[1], strict=True)), at_most=1.5))
    table.add("ours, from what a run keeps", f"{first_kept:.3f} s", f"{rows:.3f} s", "median", verdict(rows, at_most=0.1))
    table.notes.append("All figures equal, asserted. `first` builds and compiles the expressions, too. A page asks once for each run and scope.")
    yield table
