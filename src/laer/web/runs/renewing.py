"""What falls due, for the page: counted and summed as columns, so that a book of 100,000 contracts costs no row but those shown."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from laer.cycle import terms
from laer.cycle.renewals import SCHEMA
from laer.cycle.scope import Scope
from laer.web.runs.desk import ask
from laer.web.runs.memory import Memory
from laer.web.runs.models import PassRun

SETTLED = (terms.RENEWED, terms.LATE, terms.BACK, terms.LOST)
SOON = 90  # days

memory = Memory(50)


class Renewals:
    """The contracts with an end that a person may see, by due date, as of a run. Masks are columns of booleans over `table`.

    table  the columns of `cycle.renewals.SCHEMA`, and `ends_on` (the last covered day), `month` (its number), `settled`
    """

    def __init__(self, table: pa.Table, denominator: int, as_of: date | None) -> None:
        ends_on = pc.subtract(table["due_on"].cast(pa.int32()), pa.scalar(1, pa.int32())).cast(pa.date32())
        ends_on = pc.max_element_wise(ends_on, pa.scalar(date.min, pa.date32()))
        months = pc.add(pc.multiply(pc.subtract(pc.year(ends_on), 1970), 12), pc.subtract(pc.month(ends_on), 1))
        settled = pc.is_in(table["state"], pa.array(SETTLED))
        self.table = table.append_column("ends_on", ends_on).append_column("month", months).append_column("settled", settled)
        self.denominator, self.as_of = denominator, as_of

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def view(self, name: str) -> Any:
        """Mask of a view: all, settled, ahead, or one state."""
        if name == "all":
            return pa.chunked_array([pa.repeat(True, len(self))])
        if name == "settled":
            return self.table["settled"]
        if name == "ahead":
            open_ones = pc.is_in(self.table["state"], pa.array((terms.DUE, terms.ROLLS)))
            return open_ones if self.as_of is None else pc.and_(open_ones, pc.greater_equal(self.table["ends_on"], pa.scalar(self.as_of)))
        return pc.equal(self.table["state"], name)

    def soon(self) -> Any:
        """Mask of what ends within 90 days."""
        assert self.as_of is not None
        return pc.and_(self.view("ahead"), pc.less_equal(self.table["ends_on"], pa.scalar(self.as_of + timedelta(days=SOON))))

    def late(self) -> Any:
        return pc.is_in(self.table["state"], pa.array((terms.LATE, terms.BACK)))

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
        return Renewals(table, denominator, run.as_of)

    found: Renewals = memory.get(("renewals", scope.key), (run.pk, run.finished_at), made)
    return found
