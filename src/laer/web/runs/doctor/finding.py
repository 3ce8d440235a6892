"""What a check is, what it found, and what of the book it may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from laer.web.book.models import Account, SubscriptionLine
from laer.web.book.scope import visible_accounts
from laer.web.people.models import User

Severity = Literal["error", "warning", "info"]
ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}
Details = dict[str, int]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (or worth knowing), how often, and what to do about it."""

    check: str
    severity: Severity
    count: int
    title: str
    sentence: str
    what_to_do: str
    record: str = ""
    details: Details = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "check": self.check, "severity": self.severity, "count": self.count, "title": self.title, "sentence": self.sentence,
            "what_to_do": self.what_to_do, "record": self.record, "details": self.details,
        }  # fmt: skip


class Seen:
    """What of the book a check may look at: current rows of current accounts, those in the viewer's scope.

    user   whose view it is; None is the installation itself (the command line)
    """

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.today = timezone.localdate()
        self.everything = user is None or user.reads_everything
        self.imports = user is None or user.may_import  # set-aside rows have no account: they are shown to who imports
        self.accounts: QuerySet[Account] = Account.objects.filter(archived_at=None) if user is None else visible_accounts(user)

    def of(self, model: type[models.Model]) -> QuerySet[Any]:
        """Current rows of a model with an account. Causes no query."""
        if model is Account:
            return self.accounts
        rows: QuerySet[Any] = model._default_manager.filter(archived_at=None)
        return rows.filter(account__archived_at=None) if self.everything else rows.filter(account__in=self.accounts)

    def paying(self, day: date | None = None) -> QuerySet[Any]:
        """Lines with MRR above 0 on a day (today)."""
        day = day or self.today
        return SubscriptionLine.objects.filter(alive(day), archived_at=None, mrr_num__gt=0)

    def paying_accounts(self) -> QuerySet[Account]:
        """Accounts with MRR above 0 today, by their lines."""
        return self.accounts.filter(id__in=self.paying().values("account_id"))


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
        details = self.details(seen) if self.details else {}
        return Finding(self.id, self.severity, count, self.title, self.says(count, details), self.what_to_do, self.record, details)

    def behind(self, seen: Seen, limit: int, offset: int) -> list[dict[str, Any]]:
        """Rows as dicts: account_id, account, then by heading."""
        rows = self.rows(seen)
        account, name = ("pk", "name") if rows.model is Account else ("account_id", "account__name")
        paths = [path for _, path in self.columns]
        found = rows.order_by("pk").values_list(account, name, *paths)[offset : offset + limit]
        return [{"account_id": row[0], "account": row[1], **{h: v for (h, _), v in zip(self.columns, row[2:], strict=True)}} for row in found]


def many(n: int, one: str, several: str | None = None) -> str:
    """1 ticket, 1,077 tickets."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"
