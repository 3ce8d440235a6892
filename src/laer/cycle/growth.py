"""Questions about adoption and growth that facts of single accounts cannot answer: time to value, and whitespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.adopt.time_to_value import Span, time_to_value
from laer.cycle.run_tables import QuestionFault, RunTables, scoped
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.expand.whitespace import whitespace
from laer.records.money import minor_units

DIMENSIONS = ("segment", "country", "industry", "region", "lead_source", "owner")
READ = ("account_id", "state", *DIMENSIONS, "first_paid_on", "mrr_changed_on", "activated_on", "usage_since_on")


def value_spans(run: RunTables, params: Mapping[str, Any], scope: Scope) -> tuple[dict[str | None, list[tuple[int, Span]]], int]:
    """Group -> (account, span) of each account whose beginning was watched; and how many began before usage was known."""
    facts = scoped(run.tables["facts"], scope) if "facts" in run.tables else pa.table({"account_id": pa.array([], pa.int64())})
    if "activated_on" not in facts.column_names or "usage_since_on" not in facts.column_names:
        return {}, 0
    by, first, last = params.get("by"), params.get("first"), params.get("last")
    if by is not None and by not in DIMENSIONS:
        raise QuestionFault(f"time to value is not split by {by!r}; there are {', '.join(DIMENSIONS)}")
    groups: dict[str | None, list[tuple[int, Span]]] = {}
    before = 0
    for row in facts.select(READ).to_pylist():
        start, since = row["first_paid_on"], row["usage_since_on"]
        if start is None or since is None or start > run.day or (first is not None and start < first) or (last is not None and start > last):
            continue
        if start < since:
            before += 1
            continue
        there = row["activated_on"]
        seen_until = row["mrr_changed_on"] if row["state"] == "churned" else run.day
        span = Span(max((seen_until if there is None else there) - start, 0), there is not None)
        groups.setdefault(None if by is None else row[by] or "", []).append((row["account_id"], span))
    return groups, before


def days_to_value(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Time to value of the accounts in scope, whole or by a dimension, on the run's day.

    Parameters  by (segment, country, industry, region, lead_source, owner, or None); first, last (day numbers between which an account began
                to pay, or None): a cohort
    Returns     groups: value of the dimension ('' unknown; None: all) -> TimeToValue, most accounts first; before: accounts left out
                because they paid before usage was known
    """
    groups, before = value_spans(run, params, scope)
    made = {name: time_to_value(span for _, span in spans) for name, spans in groups.items()}
    return {"groups": dict(sorted(made.items(), key=lambda item: (-item[1].n, item[0] or ""))), "before": before}


def room_in_products(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Whitespace of the accounts in scope: account_id, segment, product, owners, accounts, share, potential (MRR), the most worth first.

    How usual a product is in a segment is a matter of the whole firm, as the medians of segments are; whose lack is shown is the scope's.
    """
    lines, facts = run.tables.get("lines"), run.tables.get("facts")
    if lines is None or facts is None or not {"segment", "state"} <= set(facts.column_names):
        return whitespace_schema().empty_table()
    bind_owned(session, owned_of(lines, run.day, run.denominator, run.currency), facts)
    found = scoped(session.fetch(whitespace()), scope)
    return found.sort_by([("potential", "descending"), ("account_id", "ascending"), ("product", "ascending")])


def owned_of(lines: pa.Table, day: int, denominator: int, currency: str) -> dict[tuple[int, str], float]:
    """(account, product) -> what the account pays a month for it on a day, above nothing."""
    there = lines.filter(pc.and_(pc.and_(pc.less_equal(lines["start_d"], day), pc.greater(lines["end_d"], day)), pc.is_valid(lines["product"])))
    owned: dict[tuple[int, str], int] = {}
    for account, product, parts in zip(there["account_id"].to_pylist(), there["product"].to_pylist(), there["parts"].to_pylist(), strict=True):
        owned[account, product] = owned.get((account, product), 0) + int(parts)
    return {key: round(parts / denominator, minor_units(currency)) for key, parts in owned.items() if parts > 0}


def bind_owned(session: DuckDBSession, owned: Mapping[tuple[int, str], float], facts: pa.Table) -> None:
    """The tables that whitespace reads: who owns what, and the segments of those who pay."""
    rows = [(account, product, mrr) for (account, product), mrr in owned.items()]
    kinds = (("account_id", pa.int64()), ("product", pa.string()), ("mrr", pa.float64()))
    session.bind("owned", pa.table({name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(kinds)}))
    session.bind("paying", facts.filter(pc.equal(facts["state"], "paying")).select(["account_id", "segment"]))


def whitespace_schema() -> pa.Schema:
    return pa.schema([("account_id", pa.int64()), ("segment", pa.string()), ("product", pa.string()), ("owners", pa.int64()), ("accounts", pa.int64()),
        ("share", pa.float64()), ("potential", pa.float64())])  # fmt: skip

