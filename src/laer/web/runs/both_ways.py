"""The figures with the rows that were excluded: both ways stand beside each other until the period is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from laer.cycle.book_lines import book_lines
from laer.cycle.otherwise import Handed
from laer.engine.book_reader import read_book
from laer.metrics.policy import load_policy
from laer.records.types import SubscriptionLine as LineRecord
from laer.web.book.exclusions import active
from laer.web.book.models import Exclusion
from laer.web.book.scope import scope_of, visible_accounts
from laer.web.people.models import User
from laer.web.runs import revenue
from laer.web.runs.desk import ask
from laer.web.runs.excluded import LINES, only_excluded
from laer.web.runs.models import PassRun
from laer.web.runs.passes import book_address, rates


@dataclass(frozen=True)
class WithThem:
    """accounts, lines   excluded rows that touch revenue, in the person's scope
    figures           the period's figures with them
    """

    accounts: int
    lines: int
    figures: Mapping[str, Any]


def with_excluded(user: User, run: PassRun, first: int, last: int, *, movements: str = "event") -> WithThem | None:
    """The figures of months first to last if nothing were excluded; None where nothing is. Exact: the ledger with those lines."""
    mine = active().filter(account_id__in=visible_accounts(user).values("pk"), record__in=("accounts", LINES))
    found = list(mine.order_by("pk").values_list("pk", "record", "account_id"))
    if not found:
        return None
    policy = load_policy(run.policy)
    read = read_book(book_address(), [LineRecord], account_ids=[account for _, _, account in found], full=False)
    lines = only_excluded(read[LINES])
    given = book_lines(lines, policy, run.currency, rates()).given
    mark = f"with {found[-1][0]} {Exclusion.objects.exclude(taken_back_at=None).count()} {lines.num_rows}"
    handed = Handed(mark, _plain(given.lines), given.denominator)
    params = {"way": "together", "handed": handed, "movements": movements, "gap_days": policy.gap_days}
    figures = revenue.summed(ask("revenue_otherwise", params, scope_of(user), run.pk).months(first, last))
    accounts = sum(record == "accounts" for _, record, _ in found)
    return WithThem(accounts, len(found) - accounts, figures)


def _plain(lines: pa.Table) -> pa.Table:
    return lines.drop_columns(["product_id"]) if "product_id" in lines.schema.names else lines
