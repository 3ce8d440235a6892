"""What measures read, made of the book's records: days as numbers in the firm's time zone, amounts in its currency.

The shapes are those of `metrics.inputs.INPUTS`. What the ledger says (states and changes of MRR) and what the lake holds
(usage) are made in the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from laer.cycle import inputs_bought as bought
from laer.cycle import inputs_due as due
from laer.cycle import inputs_people as people
from laer.cycle import inputs_spent as spent
from laer.cycle import inputs_used as used
from laer.cycle.fact_book import Book, Columns
from laer.metrics.inputs import INPUTS

__all__ = ["ARROW", "RECORDS", "Book", "empty", "inputs_of", "schema_of"]
ARROW = {"int32": pa.int32(), "int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}
RECORDS = (  # beside what the ledger reads
    "tickets", "survey_responses", "pulses", "touches", "touch_contacts", "contacts", "contact_roles", "tasks", "forecasts", "costs", "text_sentiments",
    "onboarding_plans", "onboarding_steps", "outcomes", "account_metrics", "invoices", "entitlements", "product_features", "product_users",
)  # fmt: skip


def inputs_of(book: Book) -> dict[str, pa.Table]:
    """The inputs that come of records, each in its declared schema."""
    return {name: _fitted(name, make(book)) for name, make in MAKERS.items()}


def schema_of(name: str) -> pa.Schema:
    return pa.schema([(column, ARROW[kind]) for column, kind in INPUTS[name].shape.items()])


def empty(name: str) -> pa.Table:
    return schema_of(name).empty_table()


def _spans(book: Book) -> Columns:
    return {name: book.spans[name] for name in ("account_id", "dimension", "value", "from_d", "until_d")}


MAKERS: dict[str, Callable[[Book], Columns]] = {
    "lines": bought.lines, "terms": bought.terms, "lapses": bought.lapses, "renewals": due.renewals, "calls": due.called, "deals": bought.deals,
    "tickets": used.tickets,
    "answers": people.answers, "pulses": people.pulses, "touches": people.touches, "contacts": people.contacts, "meetings": people.meetings,
    "plans": used.plans, "steps": used.steps, "outcomes": used.outcomes, "metrics": used.metrics, "limits": used.limits, "discounts": bought.discounts,
    "notices": bought.notices, "spans": _spans, "costs": spent.costs, "efforts": spent.efforts, "invoices": bought.invoices,
    "entitlements": used.entitlements, "texts": people.texts, "product_users": people.product_users, "key_features": used.key_features,
}  # fmt: skip


def _fitted(name: str, columns: Columns) -> pa.Table:
    schema = schema_of(name)
    if not columns:
        return schema.empty_table()
    return pa.table({f.name: _cast(columns[f.name], f.type) for f in schema}, schema=schema)


def _cast(values: Any, kind: pa.DataType) -> Any:
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        return pa.array(values, kind)
    return values if values.type == kind else values.cast(kind)
