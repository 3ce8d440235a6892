"""Checks of the usage in the lake, held against the lines and accounts of the book, which are read through the seam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import ngettext

from laer.cycle.usage_checks import STANDS, Lives, count_usage, has_usage, usage_rows
from laer.engine.lake import Lake
from laer.web import home
from laer.web.book.aliases import all_numbers
from laer.web.book.models import Account, Subscription
from laer.web.record_words import counted
from laer.web.runs.doctor.finding import Finding, Seen, Severity
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy, later

NOT_CHECKED = "usage_not_checked"
COLUMNS = (gettext_lazy("Usage id"), gettext_lazy("Day"), gettext_lazy("Subscription"), gettext_lazy("Feature"), gettext_lazy("Count"), gettext_lazy("Source"))
SAID: dict[str, tuple[Severity, str, str]] = {
    "usage_outside_life": (
        "warning",
        gettext_lazy("Usage outside the life of its subscription"),
        gettext_lazy("Compare the dates of the product's usage with billing. Such usage is kept and counts as usage, never as revenue."),
    ),
    "usage_repeated_ids": (
        "warning",
        gettext_lazy("Usage ids that repeat with other content"),
        gettext_lazy("Ask whoever writes the usage export why ids repeat. Both rows are kept."),
    ),
    "usage_before_sign_up": (
        "warning",
        gettext_lazy("Usage from before the account signed up"),
        gettext_lazy("Compare the sign-up date with the product's usage. Such usage is kept."),
    ),
    "usage_frozen": (
        "warning",
        gettext_lazy("Usage that stands still"),
        gettext_lazy(
            "Ask whoever writes the usage export whether the counter still runs: an account that does the same every day is a script, or a "
            "copy of the day before."
        ),
    ),
    "usage_in_another_unit": (
        "warning",
        gettext_lazy("Usage a hundred times what is usual, or a hundredth"),
        gettext_lazy("Look whether seconds and milliseconds, or single events and sums, stand in one column. Such usage is kept."),
    ),
}


def find(seen: Seen) -> list[Finding]:
    lake = Lake(home.lake())
    if not has_usage(lake):
        return []
    try:
        counts = count_usage(lake, _lives(seen))
    except TimeoutError as late:
        return [told(NOT_CHECKED, 1, {"why": str(late)})]
    every = {check: (found["ids"] if check == "usage_repeated_ids" else found["rows"], found) for check, found in counts.items()}
    return [told(check, count, found) for check, (count, found) in every.items() if count]


def told(check: str, n: int, said: Mapping[str, Any]) -> Finding:
    if check == NOT_CHECKED:
        title, what = gettext_lazy("The usage was not checked"), gettext_lazy("Try again when the machine is less busy.")
        return Finding(check, "warning", n, title, f"{said['why'].capitalize()}.", what, "usage_days", said=said)
    severity, title, what = SAID[check]
    return Finding(check, severity, n, title, later(_sentence, check, said), what, "usage_days", dict(said), said)


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


def _sentence(check: str, found: Mapping[str, int]) -> str:
    n = found["rows"]
    said = {"n": number(n), "accounts": counted("accounts", found["accounts"], number(found["accounts"]))} if "accounts" in found else {"n": number(n)}
    if check == "usage_outside_life":
        return ngettext(
            "%(n)s usage row of %(accounts)s lies on days on which no line of the subscription holds (the end is the first unpaid day).",
            "%(n)s usage rows of %(accounts)s lie on days on which no line of the subscription holds (the end is the first unpaid day).",
            n,
        ) % said
    if check == "usage_repeated_ids":
        rows = ngettext("%(n)s usage row", "%(n)s usage rows", n) % said
        return ngettext(
            "%(ids)s usage id stands on several rows with other content: %(rows)s in all.",
            "%(ids)s usage ids stand on several rows with other content: %(rows)s in all.",
            found["ids"],
        ) % {"ids": number(found["ids"]), "rows": rows}
    if check == "usage_frozen":
        return ngettext(
            "%(n)s usage row of %(accounts)s: the account's count of a day is the same on %(days)s days or more, having moved before.",
            "%(n)s usage rows of %(accounts)s: the account's count of a day is the same on %(days)s days or more, having moved before.",
            n,
        ) % (said | {"days": number(STANDS)})
    if check == "usage_in_another_unit":
        return ngettext(
            "%(n)s usage row of %(accounts)s is far from what the account usually has of the feature.",
            "%(n)s usage rows of %(accounts)s are far from what the account usually has of the feature.",
            n,
        ) % said
    return ngettext(
        "%(n)s usage row of %(accounts)s is older than the account's sign-up.",
        "%(n)s usage rows of %(accounts)s are older than the account's sign-up.",
        n,
    ) % said
