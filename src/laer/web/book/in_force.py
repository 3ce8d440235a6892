"""What accounts pay on a day as the ledger counts it: renewals that are pending or roll on, replacements and late starts included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import pyarrow as pa

from laer.cycle.adjustments import Beside
from laer.cycle.book_lines import book_lines
from laer.cycle.terms import counting
from laer.metrics.policy import Policy
from laer.records.periods import day_number
from laer.records.record import record_type
from laer.web.book.models import MODELS

ACCOUNTS = 5_000  # asked for at a time


@dataclass(frozen=True)
class InForce:
    """A line that counts on a day.

    contract  the one that it goes on under: None where that is over
    mrr       as the ledger counts it; reduced: a discount of the book, or a pause, makes it less than the line says
    """

    line: int
    subscription: int
    product: int | None
    plan: str | None
    contract: int | None
    mrr: Fraction
    currency: str | None
    reduced: bool = False

    @property
    def item(self) -> str:
        return self.plan or (f"product {self.product}" if self.product else "")


def lines_in_force(accounts: Iterable[int], day: date, policy: Policy, *, without_run: int | None = None) -> dict[int, list[InForce]]:
    """Account -> its lines that count on a day, in the order in which they began.

    In   without_run  an import whose rows are not there yet: what it wrote before an interruption says nothing
    """
    ids = sorted(set(accounts))
    found: dict[int, list[InForce]] = {}
    for start in range(0, len(ids), ACCOUNTS):
        part = ids[start : start + ACCOUNTS]
        lines = current_rows("subscription_lines", part, without_run)
        if lines.num_rows:
            _counted(lines, part, day, policy, without_run, found)
    return found


def _counted(lines: pa.Table, accounts: list[int], day: date, policy: Policy, without_run: int | None, found: dict[int, list[InForce]]) -> None:
    contracts, discounts, pauses = (current_rows(record, accounts, without_run) for record in ("contracts", "discounts", "pauses"))
    events = record_type("churn_events").schema_of().empty_table()  # a list says what is paid: it settles what an event left open
    when = counting(lines, contracts, events, policy, day)
    today = day_number(day)
    going_on = {row["contract_id"] for row in when.renewals if day_number(row["due_on"]) > today}
    each = {code: Fraction(1) for code in lines["currency"].to_pylist() if code}  # every amount in its own currency
    given = book_lines(lines, policy, "", each, when, Beside(discounts, pauses, contracts)).given
    said = {row["line_id"]: row for row in lines.to_pylist()}
    columns = ("line_id", "start_d", "end_d", "parts")
    counted: dict[int, Fraction] = {}
    for number, begins, ends, parts in zip(*(given.lines[c].to_pylist() for c in columns), strict=True):
        if number is not None and begins <= today < ends and parts:
            counted[number] = Fraction(int(parts), given.denominator)
    for number in sorted(counted, key=lambda n: (said[n]["start_on"], n)):
        line, mrr = said[number], counted[number]
        contract = line["contract_id"] if line["contract_id"] in going_on else None
        reduced = mrr != Fraction(line["mrr_num"], line["mrr_den"])
        one = InForce(number, line["subscription_id"], line["product_id"], line["plan"], contract, mrr, line["currency"], reduced)
        found.setdefault(line["account_id"], []).append(one)


def current_rows(record: str, accounts: list[int], without_run: int | None = None) -> pa.Table:
    """Current rows of accounts as the ledger reads a record; columns that the book does not keep as one are empty."""
    schema, key, model = record_type(record).schema_of(), record_type(record).info.key, MODELS[record]
    fields = {field.attname for field in model._meta.local_concrete_fields} - {"custom"}
    names = [name for name in schema.names if name == key or name in fields]
    rows = model.objects.filter(account_id__in=accounts, archived_at=None).exclude(created_run=without_run).order_by("id")
    columns = list(zip(*rows.values_list(*("id" if name == key else name for name in names)), strict=True)) or [()] * len(names)
    held = dict(zip(names, columns, strict=True))
    count = len(columns[0])
    return pa.table([pa.array(held[f.name], f.type) if f.name in held else pa.nulls(count, f.type) for f in schema], schema=schema)
