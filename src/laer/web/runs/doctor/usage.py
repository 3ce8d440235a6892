"""Checks of the usage in the lake, held against the lines and accounts of the book, which are read through the seam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laer.cycle.usage_checks import STANDS, Lives, count_usage, has_usage, usage_rows
from laer.engine.lake import Lake
from laer.web import home
from laer.web.book.aliases import all_numbers
from laer.web.book.models import Account, Subscription
from laer.web.runs.doctor.finding import Finding, Seen, Severity, many

COLUMNS = ("Usage id", "Day", "Subscription", "Feature", "Count", "Source")
SAID: dict[str, tuple[Severity, str, str]] = {
    "usage_outside_life": (
        "warning",
        "Usage outside the life of its subscription",
        "Compare the dates of the product's usage with billing. Such usage is kept and counts as usage, never as revenue.",
    ),
    "usage_repeated_ids": (
        "warning",
        "Usage ids that repeat with other content",
        "Ask whoever writes the usage export why ids repeat. Both rows are kept.",
    ),
    "usage_before_sign_up": (
        "warning",
        "Usage from before the account signed up",
        "Compare the sign-up date with the product's usage. Such usage is kept.",
    ),
    "usage_frozen": (
        "warning",
        "Usage that stands still",
        "Ask whoever writes the usage export whether the counter still runs: an account that does the same every day is a script, or a copy of the day before.",
    ),
    "usage_in_another_unit": (
        "warning",
        "Usage a hundred times what is usual, or a hundredth",
        "Look whether seconds and milliseconds, or single events and sums, stand in one column. Such usage is kept.",
    ),
}


def find(seen: Seen) -> list[Finding]:
    lake = Lake(home.lake())
    if not has_usage(lake):
        return []
    try:
        counts = count_usage(lake, _lives(seen))
    except TimeoutError as late:
        return [
            Finding(
                "usage_not_checked",
                "warning",
                1,
                "The usage was not checked",
                f"{str(late).capitalize()}.",
                "Try again when the machine is less busy.",
                "usage_days",
            )
        ]
    findings = []
    for check, found in counts.items():
        count = found["ids"] if check == "usage_repeated_ids" else found["rows"]
        if count:
            severity, title, what = SAID[check]
            findings.append(Finding(check, severity, count, title, _sentence(check, found), what, "usage_days", found))
    return findings


def behind(seen: Seen, check: str, limit: int, offset: int) -> list[dict[str, Any]]:
    lake = Lake(home.lake())
    if not has_usage(lake):
        return []
    rows = usage_rows(check, lake, _lives(seen), limit=limit, offset=offset)
    names = dict(Account.objects.filter(id__in={r["account_id"] for r in rows}).values_list("id", "name"))
    subscriptions = dict(Subscription.objects.filter(id__in={r["subscription_id"] for r in rows}).values_list("id", "name"))
    return [
        {
            "account_id": r["account_id"],
            "account": names.get(r["account_id"], ""),
            **dict(zip(COLUMNS, (r["row_id"], r["day"], subscriptions.get(r["subscription_id"]), r["feature"], r["count"], r["source"]), strict=True)),
        }
        for r in rows
    ]


def ids(seen: Seen, check: str) -> None:
    """Usage lies in the lake, where rows have no number of ours: it cannot be excluded row by row, only with its account."""
    return None


def checks() -> Mapping[str, tuple[str, ...]]:
    return dict.fromkeys(SAID, COLUMNS)


def _lives(seen: Seen) -> Lives:
    return Lives(seen.tables["accounts"], seen.tables["subscription_lines"], all_numbers())


def _sentence(check: str, found: dict[str, int]) -> str:
    rows = many(found["rows"], "usage row")
    if check == "usage_outside_life":
        lie = "lies" if found["rows"] == 1 else "lie"
        return f"{rows} of {many(found['accounts'], 'account')} {lie} on days on which no line of the subscription holds (the end is the first unpaid day)."
    if check == "usage_repeated_ids":
        return f"{many(found['ids'], 'usage id')} {'stands' if found['ids'] == 1 else 'stand'} on several rows with other content: {rows} in all."
    if check == "usage_frozen":
        return f"{rows} of {many(found['accounts'], 'account')}: the account's count of a day is the same on {STANDS} days or more, having moved before."
    if check == "usage_in_another_unit":
        return f"{rows} of {many(found['accounts'], 'account')} {'is' if found['rows'] == 1 else 'are'} far from what the account usually has of the feature."
    return f"{rows} of {many(found['accounts'], 'account')} {'is' if found['rows'] == 1 else 'are'} older than the account's sign-up."
