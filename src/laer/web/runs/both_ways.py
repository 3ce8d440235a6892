"""The figures with the rows that were excluded: both ways stand beside each other until the period is closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from django.db.models import Max, QuerySet

from laer.cycle.adjustments import Beside
from laer.cycle.book_lines import book_lines
from laer.cycle.otherwise import Handed
from laer.cycle.terms import counting
from laer.engine.book_reader import read_book
from laer.metrics.policy import load_policy
from laer.records.record import record_type
from laer.web.book.exclusions import active
from laer.web.book.models import Exclusion, FieldChange
from laer.web.book.scope import scope_of, visible_rows
from laer.web.people.models import User
from laer.web.runs import revenue
from laer.web.runs.desk import ask
from laer.web.runs.excluded import LINES, without_excluded
from laer.web.runs.models import PassRun
from laer.web.runs.passes import book_address
from laer.web.runs.rates import rates_of


def excluded_here(user: User) -> tuple[int, int]:
    """Excluded accounts and lines of the person's scope: the rows that touch revenue."""
    found = Counter(_mine(user).values_list("record", flat=True))
    return found["accounts"], found[LINES]


def _mine(user: User) -> QuerySet[Exclusion]:
    return active().filter(visible_rows(user), record__in=("accounts", LINES))


def with_excluded(user: User, run: PassRun, first: int, last: int, *, basis: str, movements: str = "event") -> Mapping[str, Any] | None:
    """The figures of months first to last if nothing were excluded; None where nothing is. Exact: the ledger with those lines."""
    found = list(_mine(user).order_by("pk").values_list("pk", "account_id"))
    if not found:
        return None
    policy = load_policy(run.policy)
    mark = f"with {found[-1][0]} {Exclusion.objects.exclude(taken_back_at=None).count()} {FieldChange.objects.aggregate(last=Max('id'))['last']} {basis}"
    handed = counted_anew(mark, sorted({account for _, account in found}), run, basis, excluded=True)
    params = {"way": "instead", "handed": handed, "movements": movements, "gap_days": policy.gap_days, "churn_basis": basis}
    return revenue.summed(ask("revenue_otherwise", params, scope_of(user), run.pk).months(first, last))


def counted_anew(
    mark: str, accounts: list[int], run: PassRun, basis: str, *, excluded: bool = False, change: Callable[[pa.Table], pa.Table] | None = None
) -> Handed:
    """Every line of the accounts as a pass would take it, for the way `instead`.

    In   excluded  had none been excluded: contracts and events speak for excluded lines too
         change    what is done to the lines before they are counted
    """
    policy = load_policy(run.policy)
    read = read_book(book_address(), [record_type(n) for n in (LINES, "contracts", "churn_events", "discounts", "pauses")], account_ids=accounts, full=False)
    kept = without_excluded(read)
    lines = read[LINES] if excluded else kept[LINES]
    if change is not None:
        lines = change(lines)
    when = counting(lines, kept["contracts"], kept["churn_events"], policy, run.as_of)
    given = book_lines(lines, policy, run.currency, rates_of(run), when, Beside(kept["discounts"], kept["pauses"], kept["contracts"])).given
    counted = given.lines.drop_columns(["product_id"])
    if basis == "events":  # rule 20, as the question itself does with the lines of the run
        for name in ("end_d", "end_m"):
            counted = counted.set_column(counted.schema.get_field_index(name), name, counted[f"event_{name}"])
    return Handed(mark, counted, given.denominator)
