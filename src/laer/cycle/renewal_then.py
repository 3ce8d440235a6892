"""What was known of renewals before they fell due: the question that base rates, the replay of calls and the worth of adoption rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle.company import as_known
from laer.cycle.fact_questions import account_facts, kept_input
from laer.cycle.run_tables import RunTables, scoped
from laer.cycle.scope import Scope
from laer.engine.session import DuckDBSession
from laer.records.periods import date_of, day_number, first_day, month_number


def month_end_before(day: int) -> int:
    """The last day of a month that is not after the day."""
    return day_number(first_day(month_number(date_of(day + 1)))) - 1


def renewals_then(session: DuckDBSession, run: RunTables, params: Mapping[str, Any], scope: Scope) -> pa.Table:
    """Settled renewals of the last months, each with facts of its account as they were known before it fell due.

    The facts are those of the last end of a month that lies at least `lead` days before the due day, so that a few dates serve all.
    Parameters  lead (days); months (how many before the run's own); measures (ids; what the run does not know is left out)
    Returns     the columns of the input `renewals`; then_d: the day of the facts; a column per measure, null where it was not known
    """
    lead, back = int(params["lead"]), int(params["months"])
    items = as_known("renewals", scoped(kept_input(run, "renewals"), scope), run.day)
    since = day_number(first_day(month_number(date_of(run.day)) - back))
    items = items.filter(pc.and_(pc.is_valid(items["result"]), pc.greater_equal(items["due_d"], since)))
    then = pa.array([month_end_before(day - lead) for day in items["due_d"].to_pylist()], pa.int32())
    items = items.append_column("then_d", then)
    measures = [name for name in params["measures"] if name in run.measures]
    if not items.num_rows or not measures:
        return items
    accounts = frozenset(items["account_id"].to_pylist())
    facts = account_facts(session, run, {"dates": tuple(set(then.to_pylist())), "measures": measures, "accounts": accounts}, scope)
    joined = items.join(facts.rename_columns({"d": "then_d"}), ["account_id", "then_d"], join_type="left outer")
    return joined.sort_by([("due_d", "ascending"), ("account_id", "ascending")])
