"""What is in the book and the lake, by record type: rows, the newest day that they speak of, the systems that state them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Max
from django.utils import timezone

from laer.engine.lake import Lake
from laer.web import home
from laer.web.book.models import MODELS, ImportRun, ImportState
from laer.web.people.models import User
from laer.web.runs.doctor.finding import Seen
from laer.web.runs.usage import rows_by_account

DATED = {
    "subscription_lines": "start_on", "contracts": "start_on", "tickets": "opened_at", "survey_responses": "answered_on", "churn_events": "effective_on",
    "opportunities": "closed_on", "assignments": "from_on", "discounts": "start_on", "pauses": "from_on", "costs": "month",
    "onboarding_plans": "started_on", "onboarding_steps": "done_on", "outcomes": "promised_on", "account_metrics": "day",
    "contact_roles": "from_on", "product_users": "added_on", "entitlements": "from_on", "invoices": "issued_on",
}  # fmt: skip
OF_NOBODY = ("people", "products", "product_features")  # they belong to no account, so everybody sees how many there are


@dataclass(frozen=True)
class RecordState:
    """A record type: rows that count, the newest day that they speak of, the systems that state them."""

    record: str
    rows: int
    newest: date | None
    sources: list[str]


def records(user: User | None = None) -> list[RecordState]:
    """Every record type of the book and the lake, whether anything is there or not."""
    seen = Seen(user)
    by_record = _sources()
    found = []
    for record, model in MODELS.items():
        rows = model.objects.filter(archived_at=None) if record in OF_NOBODY else seen.of(model)
        column = DATED.get(record, "created_at")
        newest = rows.filter(**{f"{column}__lte": until(column, seen.today)}).aggregate(last=Max(column))["last"]
        found.append(RecordState(record, rows.count(), newest.date() if hasattr(newest, "date") else newest, sorted(by_record.get(record, ()))))
    lake = Lake(home.lake())
    counts = {month: rows for month, rows in lake.counts("usage_days").items() if rows}
    newest_month = max(counts, default=None)
    last = None if newest_month is None else _end_of_month(newest_month, seen.today)
    rows = sum(counts.values()) if seen.everything else _usage_rows(seen)
    found.append(RecordState("usage_days", rows, last if rows else None, sorted(by_record.get("usage_days", ()))))
    return found


def until(column: str, today: date) -> Any:
    """Today as a column of that name compares: what lies ahead is not the newest."""
    return timezone.now() if column.endswith("_at") else today


def _usage_rows(seen: Seen) -> int:
    """Usage of the accounts seen."""
    counts = rows_by_account()
    return sum(counts.get(pk, 0) for pk in seen.accounts.values_list("pk", flat=True))


def _end_of_month(month: str, today: date) -> date:
    year, number = map(int, month.split("-"))
    following = date(year + number // 12, number % 12 + 1, 1)
    return min(following - timedelta(days=1), today)


def _sources() -> dict[str, set[str]]:
    """Record -> the systems whose imports stated it. One query."""
    found: dict[str, set[str]] = {}
    for source, counts in ImportRun.objects.filter(state=ImportState.DONE).exclude(kind="edit").values_list("source", "counts"):
        for record, count in counts.items():
            if isinstance(count, dict) and any(count.get(k) for k in ("new", "changed", "unchanged")):
                found.setdefault(record, set()).add(source)
    return found
