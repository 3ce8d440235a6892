"""Checks of subscription lines against one another, for which the engine is asked: a wrong unit, a day short, twice the same."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings

from laer.cycle.line_checks import check_lines
from laer.web.book.models import SubscriptionLine
from laer.web.runs.doctor.finding import Finding, Seen, Severity, many

RECORD = "subscription_lines"
COLUMNS = ("Subscription", "Plan", "Start", "End", "MRR")
OFF = (*COLUMNS, "Off by")  # of checks that say by how much
PATHS = ("subscription__name", "plan", "start_on", "end_on", "mrr_num", "mrr_den", "currency")
SAID: dict[str, tuple[Severity, str, str]] = {
    "one_day_gaps": (
        "warning",
        "Lines whose account goes on one day after their end",
        "Ask billing whether the end is the last paid day. If it is, say so in the mapping of the file (end: inclusive) and import it again: "
        "the churn and the reactivation of that day never happened.",
    ),
    "mrr_unit_jumps": (
        "error",
        "Lines at 12, 100 or 1,000 times what they replace, or a part as small",
        "Look whether a year's amount was taken as a month's, or cents as units; correct the column's meaning in the mapping and import again.",
    ),
    "mrr_outliers": (
        "warning",
        "Lines whose MRR is far from what others of the same plan pay",
        "Compare the line with its contract. If it is right, nothing; if not, correct its source or exclude the line with a reason.",
    ),
    "lines_twice": (
        "warning",
        "Lines that stand twice under different ids",
        "Ask billing whether both are sold. If not, take one out of the source, or exclude it with a reason: MRR is too high by it.",
    ),
    "lines_overruled": (
        "warning",
        "Lines that a newer line of the same subscription overrules",
        "Look at both. If the newer one is right, nothing: it counts. If both are sold, ask billing to state them under ids or products of their own.",
    ),
}


def checks() -> Mapping[str, tuple[str, ...]]:
    return {check: OFF if check in ("mrr_unit_jumps", "mrr_outliers") else COLUMNS for check in SAID}


def find(seen: Seen) -> list[Finding]:
    try:
        found = named(seen)
    except TimeoutError as late:
        said = f"{str(late).capitalize()}."
        return [Finding("lines_not_checked", "warning", 1, "The subscription lines were not checked", said, "Try again when the machine is less busy.", RECORD)]
    findings = []
    for check, lines in found.items():
        if lines:
            severity, title, what = SAID[check]
            accounts = len(set(_accounts(lines)))
            findings.append(Finding(check, severity, len(lines), title, _sentence(check, len(lines), accounts), what, RECORD, {"accounts": accounts}))
    return findings


def named(seen: Seen) -> dict[str, dict[int, float | None]]:
    """Check -> the lines it names, and by what factor each is off. Computed once for what is seen."""
    return seen.once("lines", partial(_named, seen))


def _named(seen: Seen) -> dict[str, dict[int, float | None]]:
    rows = seen.counted_tables[RECORD]
    return check_lines(rows) if rows.num_rows else {check: {} for check in SAID}


def behind(seen: Seen, check: str, limit: int, offset: int) -> list[dict[str, Any]]:
    off = named(seen)[check]
    ids = list(off)[offset : offset + limit]
    rows = {r[0]: r for r in SubscriptionLine.objects.filter(pk__in=ids).values_list("pk", "account_id", "account__name", *PATHS)}
    shown = []
    for pk in ids:
        _, account_id, account, name, plan, start, end, num, den, currency = rows[pk]
        cells = (name, plan, start, end or "open", f"{num / den:,.2f} {currency or settings.CURRENCY}", _factor(off[pk]))
        shown.append({"object_id": pk, "account_id": account_id, "account": account, **dict(zip(OFF, cells, strict=True))})
    return shown


def ids(seen: Seen, check: str) -> tuple[str, list[int]]:
    return RECORD, list(named(seen)[check])


def _accounts(lines: Mapping[int, Any]) -> list[int]:
    found: list[int] = []
    every = list(lines)
    for start in range(0, len(every), 10_000):
        found += SubscriptionLine.objects.filter(pk__in=every[start : start + 10_000]).values_list("account_id", flat=True)
    return found


def _factor(off: float | None) -> str | None:
    if off is None or off <= 0:
        return None
    return f"{off:,.4g} times" if off >= 1 else f"1/{1 / off:,.4g}"


def _sentence(check: str, n: int, accounts: int) -> str:
    lines, of = many(n, "line"), f"of {many(accounts, 'account')}"
    if check == "one_day_gaps":
        return f"{lines} {of}: the next line starts on the day after the end, and the day between is paid by none: read so, the account churns and comes back."
    if check == "mrr_unit_jumps":
        return f"{lines} {of} {'takes' if n == 1 else 'take'} the place of the account's lines before at 12, 100 or 1,000 times their MRR, or a part as small."
    if check == "mrr_outliers":
        return f"{lines} {of} {'pays' if n == 1 else 'pay'} ten times what is usual in the plan (a seat, where seats are stated), or a tenth of it."
    if check == "lines_overruled":
        return (
            f"{lines} {of} {'states' if n == 1 else 'state'} an end after the day on which another line of the same subscription begins: "
            "the newer one rules from that day on, and the rest is not counted."
        )
    return f"{lines} {of} {'says' if n == 1 else 'say'} the same as another line: product, plan, interval, days, seats and amount."
