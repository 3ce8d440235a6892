"""What falls due, for the page: counted and summed as columns, so that a book of 100,000 contracts costs no row but those shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle import renewals, terms
from laer.cycle.renewals import SCHEMA, SETTLED
from laer.cycle.scope import Scope
from laer.records.periods import day_number, month_number
from laer.renew.calls import AT_RISK, LIKELIHOOD, LOST, READS, Call, system_call
from laer.web.runs.desk import ask
from laer.web.runs.measured import facts_table
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun

AHEAD = 6  # months of renewals that leaders look at first
NO_CALL = "none"  # nobody called it, and nothing is known by which the system could

memory = Memory(50)


class Renewals:
    """The contracts with an end that a person may see, by due date, as of a run. Masks are columns of booleans over `table`.

    table  the columns of `cycle.renewals.SCHEMA`, and `ends_on` (the last covered day), `month` (its number), `settled`
    """

    def __init__(self, table: pa.Table, denominator: int, as_of: date | None) -> None:
        ends_on = renewals.ends_of(table)
        months = pc.add(pc.multiply(pc.subtract(pc.year(ends_on), 1970), 12), pc.subtract(pc.month(ends_on), 1))
        settled = pc.is_in(table["state"], pa.array(SETTLED))
        table = table.append_column("ends_on", ends_on).append_column("month", months).append_column("settled", settled)
        if "system" not in table.column_names:
            table = table.append_column("system", pa.nulls(table.num_rows, pa.string())).append_column("because", pa.nulls(table.num_rows, pa.string()))
        self.table = table
        self.denominator, self.as_of = denominator, as_of

    def with_calls(self, calls: Mapping[tuple[int, date], str]) -> Renewals:
        """Beside each renewal what a person said of it (`person`), and what stands: that, else the system's call, else NO_CALL (`call`)."""
        found = Renewals.__new__(Renewals)
        found.denominator, found.as_of = self.denominator, self.as_of
        dues = dict(zip(self.table["contract_id"].to_pylist(), self.table["due_on"].to_pylist(), strict=True)) if calls else {}
        there = {contract: category for (contract, due_on), category in calls.items() if dues.get(contract) == due_on}
        at = pc.index_in(self.table["contract_id"], pa.array(list(there), pa.int64()))
        person = pa.chunked_array([pa.array(list(there.values()), pa.string())]).take(at) if there else pa.chunked_array([pa.nulls(len(self), pa.string())])
        call = pc.fill_null(pc.coalesce(person, self.table["system"]), NO_CALL)
        found.table = self.table.append_column("person", person).append_column("call", call)
        return found

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def view(self, name: str) -> Any:
        """Mask of a view: all, settled, ahead, or one state."""
        if name == "all":
            return pa.chunked_array([pa.repeat(True, len(self))])
        if name == "settled":
            return self.table["settled"]
        if name == "ahead":
            return renewals.ahead(self.table, self.as_of)
        return pc.equal(self.table["state"], name)

    def soon(self) -> Any:
        """Mask of what ends within 90 days."""
        assert self.as_of is not None
        return renewals.soon(self.table, self.as_of)

    def near(self) -> Any:
        """Mask of what is ahead and ends in this month or one of the six after it."""
        assert self.as_of is not None
        now = month_number(self.as_of)
        return pc.and_(self.view("ahead"), self.between(now, now + AHEAD))

    def in_doubt(self) -> Any:
        """Mask of what is near, and at risk or lost by the call that stands (`with_calls`)."""
        return pc.and_(self.near(), pc.is_in(self.table["call"], pa.array((AT_RISK, LOST))))

    def late(self) -> Any:
        return renewals.late(self.table)

    def over(self, mask: Any, before: date) -> Any:
        """Of a mask, what fell due before a day."""
        return pc.and_(mask, pc.less(self.table["due_on"], pa.scalar(before)))

    def of_month(self, mask: Any, month: int) -> Any:
        return pc.and_(mask, pc.equal(self.table["month"], month))

    def count(self, mask: Any) -> int:
        return int(pc.sum(mask).as_py() or 0)

    def arr(self, mask: Any) -> Fraction:
        """Exact ARR of what the mask lets through."""
        return self._yearly(pc.sum(self.table["parts"].filter(mask)).as_py())

    def rows(self, mask: Any, begin: int = 0, count: int | None = None) -> list[dict[str, Any]]:
        part = self.table.filter(mask).slice(begin, count)
        return [row | {"arr": self._yearly(row.pop("parts"))} for row in part.to_pylist()]

    def one(self, contract: int) -> dict[str, Any] | None:
        found = self.rows(pc.equal(self.table["contract_id"], contract))
        return found[0] if found else None

    def due_days(self, contracts: Iterable[int]) -> dict[int, date]:
        """Contract -> the day on which it falls due; those that are not here, or settled, are left out."""
        there = self.table.filter(pc.and_(pc.is_in(self.table["contract_id"], pa.array(list(contracts), pa.int64())), pc.invert(self.table["settled"])))
        return dict(zip(there["contract_id"].to_pylist(), there["due_on"].to_pylist(), strict=True))

    def called(self, call: str) -> Any:
        """Mask of what is open and stands under a call."""
        return pc.and_(pc.invert(self.table["settled"]), pc.equal(self.table["call"], call))

    def sums(self, mask: Any, *keys: str) -> dict[tuple[Any, ...], tuple[int, Fraction]]:
        """Values of the keys -> (contracts, ARR), of what the mask lets through."""
        summed = self.table.filter(mask).group_by(list(keys)).aggregate([("parts", "sum"), ("contract_id", "count")])
        return {tuple(row[key] for key in keys): (row["contract_id_count"], self._yearly(row["parts_sum"])) for row in summed.to_pylist()}

    def between(self, first: int, last: int) -> Any:
        """Mask of what ends in some months, both counted."""
        return pc.and_(pc.greater_equal(self.table["month"], first), pc.less_equal(self.table["month"], last))

    def by_month(self, first: int, last: int) -> dict[int, dict[bool, tuple[int, Fraction]]]:
        """Month -> settled or not -> (contracts, ARR), of the months in which any ends."""
        near = self.table.filter(pc.and_(pc.greater_equal(self.table["month"], first), pc.less_equal(self.table["month"], last)))
        summed = near.group_by(["month", "settled"]).aggregate([("parts", "sum"), ("contract_id", "count")])
        found: dict[int, dict[bool, tuple[int, Fraction]]] = {}
        for row in summed.to_pylist():
            found.setdefault(row["month"], {})[row["settled"]] = (row["contract_id_count"], self._yearly(row["parts_sum"]))
        return found

    def _yearly(self, parts: Any) -> Fraction:
        return Fraction(int(parts or 0) * 12, self.denominator)


def renewals_of(run: PassRun | None, scope: Scope) -> Renewals:
    """Of the run, under the scope; remembered for the run."""
    if run is None:
        return Renewals(SCHEMA.empty_table(), 1, None)

    def made() -> Renewals:
        table, denominator = ask("renewals_due", {}, scope, run.pk)
        return Renewals(_called(table, run, scope), denominator, run.as_of)

    found: Renewals = memory.get(("renewals", scope.key), (run.pk, run.finished_at), made)
    return found


def _called(table: pa.Table, run: PassRun, scope: Scope) -> pa.Table:
    """With the system's call of each renewal that is not settled, and the fact that decided: by the facts of the run, the rule of `renew.calls`."""
    facts = facts_table(run, ["account_id", *READS, LIKELIHOOD], scope)
    known = {row["account_id"]: row for row in facts.to_pylist()} if facts is not None else {}
    day, calls = day_number(run.as_of), []
    columns = ("account_id", "state", "due_on", "notice_on", "cancelled", "auto_renews")
    for account, state, due_on, notice_on, cancelled, auto in zip(*(table[name].to_pylist() for name in columns), strict=True):
        if state in SETTLED:
            calls.append(Call(None, ""))
            continue
        own = {"renews_by_itself": auto or state == terms.ROLLS, "notice_on": None if notice_on is None else day_number(notice_on)}
        over = state in (terms.PENDING, terms.UNRESOLVED) or due_on <= run.as_of
        calls.append(system_call(known.get(account, {}) | own, day, ends=bool(cancelled), over=over))
    both = {"system": [call.category for call in calls], "because": [call.because for call in calls]}
    for name, values in both.items():
        table = table.append_column(name, pa.array(values, pa.string()))
    return table
