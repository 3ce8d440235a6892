"""What accounts pay on a day as the ledger counts it: renewals that are pending or roll on, replacements and late starts included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa

from laer.cycle.terms import LINES, counting
from laer.metrics.policy import Policy
from laer.records.periods import day_number
from laer.records.record import record_type
from laer.web.book.models import Contract, SubscriptionLine

CONTRACTS = ("contract_id", "account_id", "name", "start_on", "end_on", "signed_on", "term_months", "auto_renews", "cancelled_on", "status", "renews_id")
AMOUNT = ("mrr_den", "currency", "is_trial", "trial_ends_on")
ACCOUNTS = 5_000  # asked for at a time


@dataclass(frozen=True)
class InForce:
    """A line that counts on a day. `contract` is the one that it goes on under: None where that is over."""

    line: int
    subscription: int
    product: int | None
    plan: str | None
    contract: int | None
    mrr: Fraction
    currency: str | None


def lines_in_force(accounts: Iterable[int], day: date, policy: Policy, *, without_run: int | None = None) -> dict[int, list[InForce]]:
    """Account -> its lines that count on a day, in the order in which they began.

    In   without_run  an import whose rows are not there yet: what it wrote before an interruption says nothing
    """
    ids = sorted(set(accounts))
    found: dict[int, list[InForce]] = {}
    for start in range(0, len(ids), ACCOUNTS):
        part = ids[start : start + ACCOUNTS]
        lines = SubscriptionLine.objects.filter(account_id__in=part, archived_at=None).exclude(created_run=without_run).order_by("start_on", "id")
        rows = list(lines.values_list(*(_field(name, "line_id") for name in (*LINES, *AMOUNT))))
        if rows:
            _counted(rows, part, day, policy, without_run, found)
    return found


def _counted(rows: list[Any], accounts: list[int], day: date, policy: Policy, without_run: int | None, found: dict[int, list[InForce]]) -> None:
    contracts = Contract.objects.filter(account_id__in=accounts, archived_at=None).exclude(created_run=without_run)
    terms = _table("contracts", CONTRACTS, contracts.values_list(*(_field(name, "contract_id") for name in CONTRACTS)))
    lines = _table("subscription_lines", LINES, [row[: len(LINES)] for row in rows])
    events = record_type("churn_events").schema_of().empty_table()  # a list says what is paid: it settles what an event left open
    when = counting(lines, terms, events, policy, day)
    today = day_number(day)
    going_on = {row["contract_id"] for row in when.renewals if day_number(row["due_on"]) > today}
    for row, begins, ends in zip(rows, when.start.tolist(), when.end.tolist(), strict=True):
        line = dict(zip((*LINES, *AMOUNT), row, strict=True))
        on_trial = line["trial_ends_on"] > day if line["trial_ends_on"] else line["is_trial"] or (line["status"] or "") in policy.status.zero
        if line["mrr_num"] and not on_trial and begins <= today < ends:
            contract = line["contract_id"] if line["contract_id"] in going_on else None
            mrr = Fraction(line["mrr_num"], line["mrr_den"])
            found.setdefault(line["account_id"], []).append(
                InForce(line["line_id"], line["subscription_id"], line["product_id"], line["plan"], contract, mrr, line["currency"])
            )


def _field(name: str, key: str) -> str:
    return "id" if name == key else name


def _table(record: str, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    schema = pa.schema([record_type(record).schema_of().field(name) for name in names])
    columns = list(zip(*rows, strict=True)) or [() for _ in names]
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)
