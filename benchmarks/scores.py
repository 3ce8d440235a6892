"""All scorecards that ship over 100,000 accounts, against SQL written by hand for three of them; and one account's explanation.

Both begin with the same wide table of facts in memory (what a pass has just made) and end with score, coverage and band by card; those of the three
are the same, row by row (asserted). Ours makes the points of every part too, of all eight; weights and contributions are made when somebody asks.
Run in turn in one process.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import yaml

from benchmarks import Table, verdict
from laer.cycle.definitions import carded
from laer.cycle.explaining import explain, greener
from laer.cycle.own_measures import Measures
from laer.cycle.scorecards import Scorecards
from laer.cycle.scoring import Scores, compute
from laer.engine.session import DuckDBSession
from laer.metrics.inputs import INPUTS
from laer.records.periods import day_number
from laer.scores.scorecard import Scorecard

DAY = day_number(date(2026, 6, 30))
BY_HAND = ("starter", "data_trust", "onboarding")
TYPES = {"number": pa.float64(), "money": pa.float64(), "date": pa.int32(), "text": pa.string(), "flag": pa.bool_()}
UNKNOWN = 0.15  # of the values of each measure


def cards() -> Scorecards:
    made, notes = carded([(Scorecard.model_validate(yaml.safe_load(text)), 1) for text in texts()], Measures())
    assert not notes, notes
    return made


def texts() -> list[str]:
    return [one.read_text() for one in sorted((files("laer.content") / "scorecards").iterdir(), key=str) if one.name.endswith(".yaml")]


def facts(accounts: int, names: Sequence[str], day: int) -> pa.Table:
    """Every measure of some, with values where cards look for them; a part of each is unknown."""
    measures, rng = Measures(), np.random.default_rng(day)
    made: dict[str, Any] = {"account_id": pa.array(np.arange(accounts)), "d": pa.array(np.full(accounts, day), pa.int32())}
    for name in names:
        measure = measures[name]
        values: Any = rng.random(accounts) * (1.2 if measure.unit == "%" else 30)
        if measure.kind == "flag":
            values = rng.random(accounts) < 0.2
        elif measure.kind == "date":
            values = day - rng.integers(-90, 200, accounts)
        elif measure.kind == "text":
            values = rng.choice(np.array(measure.words_of or ("SMB", "Mid-market", "Enterprise")), accounts)
        elif measure.kind == "number" and measure.unit != "%":
            values = np.floor(values)
        made[name] = pa.array(values, TYPES[measure.kind], mask=(rng.random(accounts) < UNKNOWN) & (name not in ("state", "segment")))
    return pa.table(made)


class Given:
    """Facts that are there already, as at the end of a pass; of each date asked for a table of its own."""

    def __init__(self, session: DuckDBSession, accounts: int, names: Sequence[str]) -> None:
        self.session, self.names, self.count = session, names, accounts
        self.made: dict[int, pa.Table] = {}
        self.accounts = (pa.array(np.arange(accounts)), pa.array(np.zeros(accounts, np.int32)))
        self.seen = {name: [DAY - 3_000] for name in INPUTS}

    def of(self, day: int) -> pa.Table:
        if day not in self.made:
            self.made[day] = facts(self.count, self.names, day)
        return self.made[day]

    def scored(self, day: int) -> None:
        return None

    def shipped(self, dates: tuple[int, ...], measures: tuple[str, ...]) -> pa.Table:
        table = pa.concat_tables(self.of(day) for day in dates).select(["account_id", "d", *measures])
        return table if len(dates) == 1 else table.sort_by([("account_id", "ascending"), ("d", "ascending")])

    def bind(self, inputs: Any, days: tuple[int, int]) -> None:
        for name in inputs:
            self.session.bind(name, pa.schema([("account_id", pa.int64()), *((c, pa.string()) for c in INPUTS[name].columns)]).empty_table())


MACROS = """
CREATE OR REPLACE MACRO linear(v, worst, best) AS CASE WHEN v IS NOT NULL THEN least(greatest((v - worst) / (best - worst), 0), 1) * 10000 END;
CREATE OR REPLACE MACRO whole(p) AS floor(p + 0.5);
"""
# Each: the points of its parts in hundredths, then their groups, then the whole. w: the weight of a part where it is known.
POINTS = {
    "starter": f"""
SELECT account_id, coalesce(state = 'paying', false) AS applies,
    CASE WHEN pulse_stale IS NULL OR pulse IS NULL OR pulse_stale THEN NULL WHEN pulse = 'green' THEN 10000 WHEN pulse = 'yellow' THEN 5000 ELSE 0 END AS a,
    whole(linear({DAY} - last_touch_on, 90, 14)) AS b,
    CASE WHEN leaves THEN 0 WHEN terms_overdue >= 1 THEN 2000
         WHEN notice_on BETWEEN {DAY} AND {DAY + 45} THEN 5000
         WHEN renewal_on IS NULL THEN NULL WHEN renewal_on BETWEEN {DAY} AND {DAY + 60} THEN 5000 ELSE 10000 END AS c,
    whole(linear(ticket_pain, 12, 0)) AS d1, whole(linear({DAY} - oldest_ticket_on, 30, 2)) AS d2,
    whole(linear(nps_latest, 2, 9)) AS e1, whole(linear(csat_latest, 1, 5)) AS e2, whole(linear(mrr_change_90d, -0.3, 0)) AS f,
    CASE WHEN leaves THEN 2 WHEN urgent_open >= 2 THEN 1 ELSE 0 END AS bound
FROM facts""",
    "data_trust": f"""
SELECT account_id, coalesce(state = 'paying', false) AS applies,
    CASE WHEN owner IS NULL THEN 0 WHEN segment IS NULL THEN 5000 WHEN country IS NULL THEN 7500 ELSE 10000 END AS a,
    whole(linear({DAY} - last_used_on, 60, 7)) AS b1, whole(linear({DAY} - last_touch_on, 180, 30)) AS b2,
    CASE (renewal_on IS NOT NULL)::int + (usage_28d IS NOT NULL)::int + (last_touch_on IS NOT NULL)::int
         WHEN 3 THEN 10000 WHEN 0 THEN 0 WHEN 1 THEN 3500 ELSE CASE WHEN renewal_on IS NULL THEN 3500 ELSE 7000 END END AS c,
    CASE WHEN terms_overdue >= 1 THEN 3000 WHEN seats_taken_share > 1.2 THEN 4000
         WHEN terms_overdue IS NOT NULL OR seats_taken_share IS NOT NULL THEN 10000 END AS d, 0 AS bound
FROM facts""",
    "onboarding": f"""
SELECT account_id, coalesce(state = 'paying' AND onboardings_open >= 1, false) AS applies,
    whole(linear(onboarding_schedule, 0.4, 1)) AS a1,
    CASE WHEN onboarding_days_late IS NULL THEN NULL WHEN onboarding_days_late >= 31 THEN 0 WHEN onboarding_days_late >= 15 THEN 3000
         WHEN onboarding_days_late >= 1 THEN 6000 WHEN onboarding_days_late >= 0 THEN 10000 ELSE 0 END AS a2,
    CASE WHEN activated IS NULL THEN NULL WHEN activated THEN 10000 ELSE 2000 END AS b1, whole(linear(onboarding_progress, 0, 1)) AS b2,
    CASE WHEN seats > 0 AND active_users_28d IS NOT NULL THEN whole(least(greatest(active_users_28d / seats, 0), 1) * 10000) END AS c,
    CASE WHEN onboarding_steps_late_theirs IS NULL THEN NULL WHEN onboarding_steps_late_theirs >= 3 THEN 0 WHEN onboarding_steps_late_theirs >= 1 THEN 5000
         ELSE 10000 END AS d,
    CASE WHEN kickoff_held IS NULL THEN NULL WHEN kickoff_held THEN 10000 ELSE 0 END AS e1, whole(linear({DAY} - last_touch_on, 45, 7)) AS e2,
    whole(linear(onboarding_csat, 1, 5)) AS f, CASE WHEN onboarding = 'stalled' THEN 2 ELSE 0 END AS bound
FROM facts""",
}
GROUPS = {  # (weight of the group, (weight, part) ...)
    "starter": ((30, (1, "a")), (20, (1, "b")), (20, (1, "c")), (15, (2, "d1"), (1, "d2")), (10, (1, "e1"), (1, "e2")), (5, (1, "f"))),
    "data_trust": ((25, (1, "a")), (25, (1, "b1"), (1, "b2")), (25, (1, "c")), (25, (1, "d"))),
    "onboarding": ((30, (1, "a1"), (1, "a2")), (25, (2, "b1"), (1, "b2")), (15, (1, "c")), (10, (1, "d")), (10, (1, "e1"), (1, "e2")), (10, (1, "f"))),
}


def by_hand(name: str) -> str:
    """Score, coverage and band of one card: missing weight spread within its group, then among groups; caps; a share of 30 and of 60 per cent."""
    points, weights, whole = [], [], sum(group[0] for group in GROUPS[name])
    for place, (_weight, *parts) in enumerate(GROUPS[name]):
        known = " + ".join(f"CASE WHEN {part} IS NULL THEN 0 ELSE {weight} END" for weight, part in parts)
        summed = " + ".join(f"coalesce({part}, 0) * {weight}" for weight, part in parts)
        points.append(f"({summed}) / nullif({known}, 0) AS p{place}")
        weights.append(f"({known}) / {sum(weight for weight, _ in parts)}.0 AS k{place}")
    there = " + ".join(f"CASE WHEN p{n} IS NULL THEN 0 ELSE {group[0]} END" for n, group in enumerate(GROUPS[name]))
    total = " + ".join(f"coalesce(p{n}, 0) * {group[0]}" for n, group in enumerate(GROUPS[name]))
    seen = " + ".join(f"k{n} * {group[0]}" for n, group in enumerate(GROUPS[name]))
    return f"""
WITH points AS ({POINTS[name]}), groups AS (SELECT account_id, applies, bound, {", ".join(points)}, {", ".join(weights)} FROM points),
totals AS (SELECT account_id, applies, whole(round(({total}) / nullif({there}, 0), 6)) AS total, whole(round(({seen}) / {whole}.0 * 10000, 6)) AS coverage,
           bound FROM groups),
capped AS (SELECT *, greatest(bound, CASE WHEN coverage < 6000 THEN 1 ELSE 0 END) AS most FROM totals)
SELECT account_id, CASE WHEN applies AND coverage >= 3000 THEN least(total, CASE most WHEN 2 THEN 3999 WHEN 1 THEN 6999 ELSE 10000 END) / 100 END AS score,
       CASE WHEN applies THEN coverage / 10000 END AS coverage,
       CASE WHEN applies AND coverage >= 3000 THEN CASE greatest(most, CASE WHEN total >= 7000 THEN 0 WHEN total >= 4000 THEN 1 ELSE 2 END)
            WHEN 0 THEN 'green' WHEN 1 THEN 'yellow' ELSE 'red' END END AS band
FROM capped ORDER BY account_id"""


def same(ours: Scores, theirs: Mapping[str, pa.Table]) -> None:
    """Asserts that score, coverage and band are the same, row by row."""
    for name, rows in theirs.items():
        for mine, column in ((f"score_{name}", "score"), (f"coverage_{name}", "coverage")):
            left, right = ours.table[mine].to_numpy(), rows[column].cast(pa.float64()).to_numpy()
            assert np.allclose(left, right, atol=1e-9, equal_nan=True), (mine, np.flatnonzero(~np.isclose(left, right, atol=1e-9, equal_nan=True))[:5])
        assert ours.table[f"band_{name}"].to_pylist() == rows["band"].to_pylist(), f"band_{name}"


def run(full: bool) -> Iterator[Table]:
    yield from measured(100_000, 9) if full else measured(10_000, 5)


def measured(accounts: int, repeat: int) -> Iterator[Table]:
    made, measures = cards(), Measures()
    with DuckDBSession() as session:
        source = Given(session, accounts, [name for name in measures if measures[name].kind in TYPES])
        table = source.of(DAY)
        hand = duckdb.connect()
        hand.execute(MACROS)
        hand.register("facts", table)
        queries = {name: by_hand(name) for name in BY_HAND}
        ratios, of_cpu, mine, theirs = [], [], [], []
        for turn in range(repeat + 1):
            begun, spent = time.perf_counter(), time.process_time()
            ours = compute(source, made, measures, (DAY,))
            half, middle = time.perf_counter(), time.process_time()
            answers = {name: hand.sql(query).to_arrow_table() for name, query in queries.items()}
            ended, last = time.perf_counter(), time.process_time()
            if not turn:  # the first round reads what later ones find in memory
                same(ours, answers)
                continue
            mine.append(half - begun)
            theirs.append(ended - half)
            ratios.append(mine[-1] / theirs[-1])
            of_cpu.append((middle - spent) / (last - middle))
        ratio = statistics.median(ratios)
        shown = f"{statistics.median(theirs):.3f}", f"ours / SQL {ratio:.2f}", f"{statistics.median(of_cpu):.2f}", verdict(ratio, 1.5)
        rows = [
            (f"ours, all {len(made.cards)} cards with the points of every part", f"{statistics.median(mine):.3f}", "", "", ""),
            (f"hand-written SQL, {len(BY_HAND)} cards, no parts", *shown),
        ]
        yield Table(f"Scorecards over {accounts:,} accounts", (f"median of {repeat}", "seconds", "ratio", "ratio of CPU", "kept"), rows)
        yield _explained(made, table)


def _explained(made: Scorecards, table: pa.Table) -> Table:
    """Why each card of an account says what it says, and what would make it green: of a hundred accounts in turn."""
    measures = Measures(cards=made)
    firsts = dict.fromkeys(INPUTS, DAY - 3_000)
    took, spent = [], []
    for row in table.slice(0, 100).to_pylist():
        begun, before = time.perf_counter(), time.process_time()
        for one in made.cards:
            greener(explain(one, row, date(2026, 6, 30), measures, firsts, lambda name: True))
        took.append((time.perf_counter() - begun) * 1_000)
        spent.append((time.process_time() - before) * 1_000)
    p95 = sorted(took)[int(len(took) * 0.95)]
    rows = [("all cards of an account", f"{statistics.median(took):.1f}", f"{p95:.1f}", f"{statistics.median(spent):.1f}", verdict(p95, 100))]
    return Table("Explanations, times in ms", ("100 accounts in turn", "p50", "p95", "p50 CPU", "kept"), rows)
