"""Rows of which measures of the firm are made and which only a run can say: what is committed, what rests, what falls due, whitespace, the flow.

Each is the answer that its page shows, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle import terms
from laer.cycle.growth import room_in_products
from laer.cycle.ledger_questions import committed_lines
from laer.cycle.renewals import SCHEMA, ahead, late, open_within, soon, whole_shape
from laer.cycle.run_tables import RunTables, scoped, spans_of
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.expand.measures import WHITESPACE
from laer.flow.joints import CHAIN, JOINTS, STATES
from laer.flow.joints import STAGES as AHEAD
from laer.flow.measures import STAGES, STANDING
from laer.flow.sums import decoded
from laer.metrics.ledger_figures import COMMITTED, PAUSED
from laer.records.money import minor_units
from laer.records.periods import date_of
from laer.renew.measures import DUE_TERMS

TYPES = {"int64": pa.int64(), "int32": pa.int32(), "float64": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}


def made(name: str, session: DuckDBSession, run: RunTables, scope: Scope) -> pa.Table:
    """The rows of items of a run (`Items.of_run`), of the accounts in scope."""
    return MAKERS[name](session, run, scope)


def _shaped(shape: dict[str, str], **columns: object) -> pa.Table:
    rows = max((len(column) for column in columns.values() if hasattr(column, "__len__")), default=0)
    arrays = {}
    for name, kind in shape.items():
        column = columns.get(name)
        arrays[name] = pa.array([column] * rows, TYPES[kind]) if not hasattr(column, "__len__") else pa.chunked_array([pa.array(column)]).cast(TYPES[kind])
    return pa.table(arrays)


def _committed(session: DuckDBSession, run: RunTables, scope: Scope) -> pa.Table:
    rows, denominator = committed_lines(run, {}, scope)
    amounts = {name: [parts / denominator if what == name else None for _, what, parts in rows] for name in ("coming", "leaving")}
    return _shaped(COMMITTED, account_id=[account for account, _, _ in rows], on_d=run.day, **amounts)


def _paused(session: DuckDBSession, run: RunTables, scope: Scope) -> pa.Table:
    lines = scoped(run.tables["lines"], scope)
    if "paused_parts" not in lines.column_names:  # a snapshot of before
        return _shaped(PAUSED)
    lines = lines.filter(pc.is_valid(lines["paused_parts"]))
    mrr = [int(parts) / run.denominator for parts in lines["paused_parts"].to_pylist()]
    return _shaped(PAUSED, account_id=lines["account_id"].to_pylist(), on_d=lines["start_d"].to_pylist(), until_d=lines["end_d"].to_pylist(), mrr=mrr)


def _due_terms(session: DuckDBSession, run: RunTables, scope: Scope) -> pa.Table:
    due = whole_shape(scoped(run.tables.get("renewals", SCHEMA.empty_table()), scope))
    as_of, spans = date_of(run.day), spans_of(run, "owner")
    owned: set[int] = set()
    if spans is not None:
        held = spans.filter(pc.and_(pc.and_(pc.less_equal(spans["from_d"], run.day), pc.greater(spans["until_d"], run.day)), pc.not_equal(spans["value"], "")))
        owned = set(held["account_id"].to_pylist())
    masks = {"ahead": ahead(due, as_of), "soon": soon(due, as_of), "late": late(due), "open_12m": open_within(due, as_of, 12)}
    masks |= {name: pc.equal(due["state"], name) for name in (terms.PENDING, terms.UNRESOLVED)}
    return _shaped(
        DUE_TERMS, account_id=due["account_id"].to_pylist(), item=due["contract_id"].to_pylist(), on_d=run.day,
        arr=[round(int(parts) * 12 / run.denominator, minor_units(run.currency) + 2) for parts in due["parts"].to_pylist()],
        owned=[account in owned for account in due["account_id"].to_pylist()], **{name: mask.to_pylist() for name, mask in masks.items()},
    )  # fmt: skip


def _whitespace(session: DuckDBSession, run: RunTables, scope: Scope) -> pa.Table:
    space = room_in_products(session, run, {}, scope)
    columns = {name: space[name].to_pylist() for name in ("account_id", "product", "potential")}
    return _shaped(WHITESPACE, on_d=run.day, **columns)


def _flow_accounts(session: DuckDBSession, run: RunTables, scope: Scope) -> pa.Table:
    if "flow_standing" not in run.tables or "cell" not in run.tables["flow_standing"].column_names:  # a run of before
        return _shaped(STANDING)
    there = decoded(scoped(run.tables["flow_standing"], scope).select(["account_id", "cell", "landed", "mrr"]))
    states = {joint: [STATES[at] for at in there[joint].to_pylist()] for joint in JOINTS}
    late = [any(states[joint][row] == "late" for joint in CHAIN) for row in range(there.num_rows)]
    return _shaped(STANDING, account_id=there["account_id"].to_pylist(), on_d=run.day, at_risk=late, **_money(there, ("landed", "mrr"), run), **states)


def _flow_moved(session: DuckDBSession, run: RunTables, scope: Scope) -> pa.Table:
    if "flow_stages" not in run.tables:
        return _shaped(STAGES)
    rows = scoped(run.tables["flow_stages"], scope)
    names = ("landed", "expansion", "reactivation", "contraction", "churn")
    stage = [AHEAD[at] for at in rows["stage"].to_pylist()]
    return _shaped(STAGES, account_id=rows["account_id"].to_pylist(), on_d=run.day, stage=stage, **_money(rows, names, run))


def _money(rows: pa.Table, names: Iterable[str], run: RunTables) -> dict[str, list[float]]:
    return {name: [int(parts or 0) / run.denominator for parts in rows[name].to_pylist()] for name in names}


MAKERS: dict[str, Callable[[DuckDBSession, RunTables, Scope], pa.Table]] = {
    "committed": _committed, "paused": _paused, "due_terms": _due_terms, "whitespace": _whitespace,
    "flow_accounts": _flow_accounts, "flow_moved": _flow_moved,
}  # fmt: skip
