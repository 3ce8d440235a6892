"""Questions about the flow of revenue through the joints: the sums by cohort, and the accounts behind each of them.

A run keeps what each account did and when it passed which joint (`kept`); a question sums it under a scope, as of any day up to the
run's. A run of before that was kept is computed anew from its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle import run_tables
from laer.cycle.ledger import LedgerInput
from laer.cycle.run_tables import QuestionFault, RunTables, scoped
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession, Session
from laer.flow import landed, moves, standing, sums
from laer.flow.joints import JOINTS, STAGES, STATES
from laer.flow.moves import LOST
from laer.flow.statement import Flow
from laer.flow.sums import MOVES
from laer.metrics import changes
from laer.metrics.dimensions import SPANS
from laer.records.expr import Table

ACCOUNT_DIMENSIONS = ("segment", "owner", "country", "industry", "region", "lead_source")
DIMENSIONS = (*ACCOUNT_DIMENSIONS, *landed.SIGNED)
SPLIT_KEPT = "segment"  # the dimension by which the page opens: what was moved is kept by it, too
BY_KEPT = f"flow_stages_{SPLIT_KEPT}"
KEPT = ("flow_moves", "flow_ways", "landed_as", "flow_deadlines", "flow_standing", "flow_stages", BY_KEPT)  # tables of a run
TYPES = {"int64": pa.int64(), "int32": pa.int32(), "float64": pa.float64(), "string": pa.string()}
SOURCES = {"flow_plans": ("input_plans", moves.PLANS), "flow_outcomes": ("input_outcomes", moves.OUTCOMES), "flow_terms": ("input_terms", moves.TERMS),
    "flow_dues": ("input_renewals", moves.DUES), "flow_use": ("facts", moves.USE)}  # fmt: skip
IN_PARTS = {"flow_moves": ("after", *moves.MOVED), "flow_standing": ("landed", "mrr"), "flow_stages": MOVES,
    BY_KEPT: MOVES}  # tables of a run -> their amounts
Prepare = Callable[[RunTables, Mapping[str, Any], Scope], LedgerInput]


def prepared(session: Session, events: Table, tables: Mapping[str, pa.Table], day: int) -> tuple[Table, Table]:
    """Moves and ways of every account, in the session.  In  events  `changes.mrr_changes`;  tables  of the pass or of a run;  day  its day"""
    for name, (of, columns) in SOURCES.items():
        session.bind(name, _fitted(tables.get(of), columns))
    ways = session.keep("flow_ways", moves.account_ways(events, day))
    return session.keep("flow_moves", moves.account_moves(events, ways)), ways


def kept(session: Session, events: Table, inputs: Mapping[str, pa.Table], facts: pa.Table, products: Mapping[int, str], day: int,
         deadlines: Any, spans: pa.Table) -> dict[str, pa.Table]:  # fmt: skip
    """What a run keeps of the flow: what each account did, when it passed which joint, as what it was landed, and where it stands on the run's day.

    In   inputs  of facts, by name;  products  product_id -> name;  deadlines  `Joints.days`;  spans  of dimensions of accounts
    """
    named = {f"input_{name}": table for name, table in inputs.items()} | {"facts": facts}
    moved, ways = prepared(session, events, named, day)
    session.bind("flow_lines", _fitted(inputs["lines"], landed.LINES))
    session.bind("flow_deals", _fitted(inputs["deals"], landed.DEALS))
    names = {"product_id": pa.array(list(products), pa.int64()), "name": pa.array(list(products.values()), pa.string())}
    session.bind("flow_products", pa.table(names))
    due = deadlines_table(deadlines)
    session.bind("flow_deadlines", due)
    session.bind("flow_segments", _of(spans, "segment"))
    there = session.keep("flow_standing", standing.account_standing(moved, ways, day))
    stages = session.fetch(standing.account_stages(standing.staged_moves(moved, there, day)))
    session.bind("flow_values", _of(spans, SPLIT_KEPT))
    by = session.fetch(standing.account_stages(standing.staged_moves(moved, there, day, split=True)))
    tables = (session.fetch(moved), session.fetch(ways), session.fetch(landed.landed_as(ways)), due, session.fetch(there), stages, by)
    return dict(zip(KEPT, tables, strict=True))


def scaled(table: pa.Table, factor: int) -> pa.Table:
    """A table of `IN_PARTS` over a denominator that is so many times larger; exact, as decimals where whole numbers of 64 bits do not hold it."""
    if factor == 1:
        return table
    names = [name for names in IN_PARTS.values() for name in names if name in table.column_names]
    rows = {name: [None if value is None else int(value) * factor for value in table[name].to_pylist()] for name in dict.fromkeys(names)}
    large = any(sum(abs(value or 0) for value in column) >= 2**62 for column in rows.values())
    kind = pa.decimal128(38, 0) if large or pa.types.is_decimal(table.schema.field(names[0]).type) else pa.int64()
    for name, column in rows.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(column, kind))
    return table


def deadlines_table(deadlines: Any) -> pa.Table:
    """`Joints.days` as rows."""
    columns = zip(*((segment, *days) for segment, days in deadlines), strict=True)
    kinds = standing.DEADLINES.items()
    return pa.table({name: pa.array(column, TYPES[kind]) for (name, kind), column in zip(kinds, columns, strict=True)})


def _of(spans: pa.Table, dimension: str) -> pa.Table:
    return spans.filter(pc.equal(spans["dimension"], dimension)).drop_columns(["dimension"])


def _fitted(table: pa.Table | None, columns: Mapping[str, str]) -> pa.Table:
    schema = pa.schema([(name, TYPES[kind]) for name, kind in columns.items()])
    if table is None or not set(columns) <= set(table.column_names):
        return schema.empty_table()
    return pa.table({name: table[name].cast(schema.field(name).type) for name in columns}, schema=schema)


class Opened:
    """The tables of a question, in its session: moves, ways and where every account stands at the end of its day."""

    def __init__(self, session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope, lines_of: Prepare) -> None:
        self.session, self.run, self.by = session, run, params.get("by")
        self.day = min(int(params["day"]), run.day) if params.get("day") is not None else run.day
        if self.by is not None and self.by not in DIMENSIONS:
            raise QuestionFault(f"the flow is not split by {self.by!r}; there are {', '.join(DIMENSIONS)}")
        gap_days = int(params.get("gap_days", run.gap_days))
        self.staged: Table
        if _keeps(run, params):
            self.denominator = run.denominator
            if self._as_kept(params, scope):
                return
            moved = scoped(run.tables["flow_moves"], scope)
            session.bind("flow_moves", moved)
            session.bind("flow_ways", scoped(run.tables["flow_ways"], scope))
            self.moves, self.ways = moves.moves_table(_parts(moved)), moves.ways_table()
        else:
            given = lines_of(run, params, scope)
            self.denominator = given.denominator
            session.bind("lines", given.lines)
            unbound = changes.lines_table(given.account_type, given.parts_type, book=given.book)
            events = session.keep("flow_events", changes.mrr_changes(unbound, gap_days))
            self.moves, self.ways = prepared(session, events, run.tables, run.day)
        self._bind_deadlines(params["deadlines"], scope)
        self.standing = session.keep("flow_standing", standing.account_standing(self.moves, self.ways, self.day, self.by is not None))
        self.staged = standing.staged_moves(self.moves, self.standing, self.day, self.by is not None)

    def _as_kept(self, params: Mapping[str, Any], scope: Scope) -> bool:
        """Take what the run counted on its own day with the deadlines that are asked for, where it did."""
        tables = self.run.tables
        if self.by is not None or not _counted(self.run, params):
            return False
        for name in ("flow_standing", "flow_stages"):
            self.session.bind(name, scoped(tables[name], scope))
        self.standing, self.staged = standing.standing_table(_parts(tables["flow_standing"])), standing.stages_table(_parts(tables["flow_stages"]))
        return True

    def _bind_deadlines(self, deadlines: Any, scope: Scope) -> None:
        self.session.bind("flow_deadlines", deadlines_table(deadlines))
        self.session.bind("flow_segments", spans_of(self.run, "segment", scope))
        if self.by is not None:
            self.session.bind("flow_values", spans_of(self.run, str(self.by), scope))


def _keeps(run: RunTables, params: Mapping[str, Any]) -> bool:
    """Whether the run keeps what each account did, under the policy that is asked for."""
    return "flow_moves" in run.tables and int(params.get("gap_days", run.gap_days)) == run.gap_days and params.get("churn_basis", "lines") == "lines"


def _counted(run: RunTables, params: Mapping[str, Any]) -> bool:
    """Whether the run counted where accounts stand on the day that is asked for, with these deadlines."""
    if not _keeps(run, params) or "flow_standing" not in run.tables or "cell" not in run.tables["flow_standing"].column_names:
        return False
    on_its_day = params.get("day") is None or int(params["day"]) >= run.day
    return on_its_day and run.tables["flow_deadlines"].equals(deadlines_table(params["deadlines"]))


def _sums_kept(run: RunTables, params: Mapping[str, Any], scope: Scope) -> tuple[pa.Table, pa.Table] | None:
    """The sums of rows that the run kept, whole or by the dimension that it kept: no engine is needed. None where it has none."""
    by = params.get("by")
    moved = {None: "flow_stages", SPLIT_KEPT: BY_KEPT}.get(by, "")
    if not _counted(run, params) or moved not in run.tables:
        return None
    there = scoped(run.tables["flow_standing"].select(["account_id", "cohort", "value", "cell", "landed", "mrr"]), scope)
    if by is not None:
        spans = spans_of(run, by, scope)
        now = spans.filter(pc.and_(pc.less_equal(spans["from_d"], run.day), pc.greater(spans["until_d"], run.day)))
        at = pc.index_in(there["account_id"], now["account_id"].combine_chunks())
        there = there.set_column(2, "value", pc.fill_null(now["value"].combine_chunks().take(at), ""))
    return sums.joint_sums(there), sums.move_sums(scoped(run.tables[moved], scope))


def _parts(table: pa.Table) -> str:
    return "int64" if pa.types.is_integer(table.schema.field("landed").type) else "decimal(38, 0)"


def spans_of(run: RunTables, dimension: str, scope: Scope) -> pa.Table:
    """The values of a dimension of accounts, dated."""
    if dimension in landed.SIGNED:
        table = run.tables.get("landed_as")
        table = None if table is None else _of(table, dimension)
    else:
        table = run_tables.spans_of(run, dimension)
    if table is None:
        return pa.schema([(column, TYPES[kind]) for column, kind in SPANS.items()]).empty_table()
    return scoped(table, scope)


def flow(lines_of: Prepare, session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> Flow:
    """The flow ledger of the accounts in scope, by cohort.

    Parameters  deadlines (`Joints.days`); day (day number up to the run's; None: the run's); by (a dimension of `DIMENSIONS`, or None);
                gap_days, churn_basis as of `revenue`
    """
    if found := _sums_kept(run, params, scope):
        return Flow(*found, run.denominator, run.currency, run.day)
    opened = Opened(session, run, params, scope, lines_of)
    states, moved = session.fetch(standing.joint_sums(opened.standing)), session.fetch(standing.move_sums(opened.staged))
    return Flow(states, moved, opened.denominator, run.currency, opened.day)


def flow_behind(lines_of: Prepare, session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """The accounts behind a cell of the flow.

    Parameters  as of `flow`; first, last (cohorts, None: without that end); value (of the split, None: all); and one of
                joint and state (`late` of the joint `any`: late at some joint of the chain);
                move (landed, expansion, reactivation, contraction, churn, entering, leaving, leaked, grown) and stage (None: in all);
                standing (a stage, or `all`: those that pay)
    Returns     account_id, cohort, first_d, amount (parts: what is asked for), landed, mrr (parts), stage, on_d (of the joint: passed, else in time
                until; of a movement its last day; null: none), the largest first; `denominator` in the metadata
    """
    opened = Opened(session, run, params, scope, lines_of)
    found = _asked(opened, params)
    table = session.fetch(found)
    if params.get("first") is not None:
        table = table.filter(pc.greater_equal(table["cohort"], int(params["first"])))
    if params.get("last") is not None:
        table = table.filter(pc.less_equal(table["cohort"], int(params["last"])))
    if params.get("value") is not None:
        table = table.filter(pc.equal(table["value"], str(params["value"])))
    table = table.sort_by([("amount", "descending"), ("landed", "descending"), ("account_id", "ascending")])
    return table.replace_schema_metadata({"denominator": str(opened.denominator)})


def _asked(opened: Opened, params: Mapping[str, Any]) -> Table:
    of, columns = opened.standing, ("account_id", "cohort", "value", "first_d", "landed", "mrr", "stage")
    joint, state, move, stage, there = (params.get(name) for name in ("joint", "state", "move", "stage", "standing"))
    if joint == "any" and state == "late":
        late = of.filter(standing.late_somewhere(of))
        return late.select(*columns, amount=late.mrr, on_d=standing.late_since(late))
    if joint is not None:
        if joint not in JOINTS or state not in STATES:
            raise QuestionFault(f"no joint {joint!r} with a state {state!r}; there are {', '.join(JOINTS)}, and {', '.join(STATES)}")
        cell = of.filter(of[joint] == state)
        return cell.select(*columns, amount=cell.landed if state == "lost" else cell.mrr, on_d=cell[f"{joint}_d"] if state == "passed" else cell[f"{joint}_by"])
    if (stage is not None and stage not in STAGES) or there not in (None, "all", *STAGES):
        raise QuestionFault(f"no stage {stage or there!r}; there are {', '.join(STAGES)}")
    if there is not None:
        paying = of.filter(of.mrr != 0) if there == "all" else of.filter(of.mrr != 0, of.stage == STAGES.index(there))
        return paying.select(*columns, amount=paying.mrr, on_d=paying.first_d)
    names = {"leaked": LOST, "grown": ("expansion", "reactivation")}.get(str(move), (move,))
    if not set(names) <= set(MOVES):
        raise QuestionFault(f"no movement {move!r}; there are {', '.join(MOVES)}, leaked, grown")
    staged = opened.staged if stage is None else opened.staged.filter(lambda t: t.stage == STAGES.index(stage))
    return standing.behind_moves(staged, opened.standing, tuple(str(name) for name in names))
