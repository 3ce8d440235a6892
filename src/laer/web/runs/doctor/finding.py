"""What a check is, what it found, and what of the book it may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property

from laer.cycle.scope import Scope
from laer.engine.book_reader import read_book
from laer.records.types import Account as AccountRecord
from laer.records.types import SubscriptionLine as LineRecord
from laer.web.book.exclusions import active
from laer.web.book.models import MODELS, Account, SubscriptionLine
from laer.web.book.scope import scope_of, visible_accounts
from laer.web.people.models import User
from laer.web.runs.excluded import without_excluded
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import book_address, latest_run
from laer.web.wording import later

Severity = Literal["error", "warning", "info"]
ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}
Details = dict[str, int]
READ = {
    "accounts": ("account_id", "signed_up_on"),
    "subscription_lines": (
        "line_id", "account_id", "subscription_id", "product_id", "plan", "interval", "currency", "seats", "start_on", "end_on", "mrr_num", "mrr_den",
        "cuts",
    ),
}  # fmt: skip
RECORD_OF = {model: record for record, model in MODELS.items()}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (or worth knowing), how often, and what to do about it.

    Its texts are made when they are shown: findings are kept, and their readers' languages differ. `said` is what the texts are made of,
    fit for JSON: with it, the check and the count, `doctor.told` makes the same finding again.
    """

    check: str
    severity: Severity
    count: int
    title: str
    sentence: str
    what_to_do: str
    record: str = ""
    details: Details = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "check": self.check, "severity": self.severity, "count": self.count, "title": str(self.title), "sentence": str(self.sentence),
            "what_to_do": str(self.what_to_do), "record": self.record, "details": self.details,
        }  # fmt: skip


class Seen:
    """What of the book a check may look at: current rows of current accounts, those in the viewer's scope, less what was excluded.

    user   whose view it is; None is the installation itself (the command line)
    """

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.today = timezone.localdate()
        self._made: dict[str, Any] = {}
        self.everything = user is None or user.reads_everything
        self.imports = user is None or user.may_import  # set-aside rows have no account: they are shown to who imports

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Records of which rows are excluded. One query, once."""
        return frozenset(active().order_by().values_list("record", flat=True).distinct())

    @cached_property
    def run(self) -> PassRun | None:
        """The run whose ledger says who pays; None before the first one. One query, once."""
        return latest_run()

    @cached_property
    def scope(self) -> Scope:
        return Scope(True) if self.user is None else scope_of(self.user)

    @cached_property
    def accounts(self) -> QuerySet[Account]:
        seen: QuerySet[Account] = Account.objects.filter(archived_at=None) if self.user is None else visible_accounts(self.user)
        return self._counted(seen, "accounts")

    def of(self, model: type[models.Model]) -> QuerySet[Any]:
        """Current rows of a model with an account. Causes no query."""
        if model is Account:
            return self.accounts
        rows: QuerySet[Any] = self._counted(model._default_manager.filter(archived_at=None), RECORD_OF[model])
        return rows.filter(account__archived_at=None) if self.everything and "accounts" not in self.excluded else rows.filter(account__in=self.accounts)

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """Accounts that are not excluded, and every line, as the engine takes them: read once, through the seam."""
        ids = None if self.everything else list(self.accounts.values_list("id", flat=True))
        read = read_book(book_address(), [AccountRecord, LineRecord], columns=READ, account_ids=ids, full=False)
        if "accounts" in self.excluded:
            gone = pa.array(list(active("accounts").values_list("object_id", flat=True)), pa.int64())
            read["accounts"] = read["accounts"].filter(pc.invert(pc.is_in(read["accounts"]["account_id"], gone)))
        return read

    @cached_property
    def counted_tables(self) -> dict[str, pa.Table]:
        """The same without excluded lines."""
        return without_excluded(self.tables)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once for what is seen: a finding and its rows ask for the same."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def lines(self) -> QuerySet[SubscriptionLine]:
        """Current lines of anybody that are not excluded, to hold other rows against."""
        rows = self._counted(SubscriptionLine.objects.filter(archived_at=None), "subscription_lines")
        return rows.exclude(account_id__in=active("accounts").values("object_id")) if "accounts" in self.excluded else rows

    def paying(self, day: date | None = None) -> QuerySet[Any]:
        """Lines with MRR above 0 on a day (today), by the ends that their source states."""
        return self.lines().filter(alive(day or self.today), mrr_num__gt=0)

    def paying_accounts(self) -> QuerySet[Account]:
        """Accounts that pay."""
        return self.accounts.filter(id__in=self.paying_ids())

    def paying_ids(self) -> QuerySet[Any]:
        """Ids of accounts that pay, of anybody: as the ledger of the newest run counts, before the first run by the ends that lines state."""
        if self.run is None:
            return self.paying().values("account_id")
        return AccountCard.objects.filter(state="paying").values("account_id")

    def _counted(self, rows: QuerySet[Any], record: str) -> QuerySet[Any]:
        return rows.exclude(pk__in=active(record).values("object_id")) if record in self.excluded else rows


def alive(day: Any, start: str = "start_on", end: str = "end_on") -> Q:
    """Rows that hold on a day; the end is exclusive, unknown bounds are open."""
    return (Q(**{start: None}) | Q(**{f"{start}__lte": day})) & (Q(**{end: None}) | Q(**{f"{end}__gt": day}))


@dataclass(frozen=True)
class Check:
    """One question to the book.

    rows      the rows behind it, as a query
    columns   (heading, path) of what is shown of a row, besides its account
    says      the finding in a sentence, from the count and the details
    details   further counts, asked only where something was found
    part_of   another check; this one is shown only where that one found something
    """

    id: str
    severity: Severity
    record: str
    title: str
    what_to_do: str
    rows: Callable[[Seen], QuerySet[Any]]
    columns: tuple[tuple[str, str], ...]
    says: Callable[[int, Details], str]
    details: Callable[[Seen], Details] | None = None
    part_of: str = ""

    def find(self, seen: Seen) -> Finding | None:
        count = self.rows(seen).count()
        if not count:
            return None
        return self.told(count, self.details(seen) if self.details else {})

    def told(self, count: int, details: Details) -> Finding:
        return Finding(self.id, self.severity, count, self.title, later(self.says, count, details), self.what_to_do, self.record, details, details)

    def ids(self, seen: Seen) -> tuple[str, list[int]]:
        """The record, and every row behind it: what can be excluded at once."""
        return self.record, list(self.rows(seen).order_by("pk").values_list("pk", flat=True))

    def behind(self, seen: Seen, limit: int, offset: int) -> list[dict[str, Any]]:
        """Rows as dicts: object_id, account_id, account, then by heading."""
        rows = self.rows(seen)
        account, name = ("pk", "name") if rows.model is Account else ("account_id", "account__name")
        paths = [path for _, path in self.columns]
        found = rows.order_by("pk").values_list("pk", account, name, *paths)[offset : offset + limit]
        return [
            {"object_id": row[0], "account_id": row[1], "account": row[2], **{h: v for (h, _), v in zip(self.columns, row[3:], strict=True)}} for row in found
        ]
