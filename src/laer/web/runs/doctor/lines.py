"""Checks of subscription lines against one another, for which the engine is asked: a wrong unit, a day short, twice the same."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.utils.translation import gettext, ngettext

from laer.cycle.line_checks import check_lines
from laer.web.book.models import SubscriptionLine
from laer.web.people.company import firm
from laer.web.record_words import counted
from laer.web.runs.doctor.finding import Finding, Seen, Severity
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy, later

RECORD = "subscription_lines"
NOT_CHECKED = "lines_not_checked"
COLUMNS = (gettext_lazy("Subscription"), gettext_lazy("Plan"), gettext_lazy("Start"), gettext_lazy("End"), "MRR")
OFF = (*COLUMNS, gettext_lazy("Off by"))  # of checks that say by how much
PATHS = ("subscription__name", "plan", "start_on", "end_on", "mrr_num", "mrr_den", "currency")
SAID: dict[str, tuple[Severity, str, str]] = {
    "one_day_gaps": (
        "warning",
        gettext_lazy("Lines whose account goes on one day after their end"),
        gettext_lazy("Ask billing whether the end is the last paid day. If it is, say so in the mapping of the file (end: inclusive) and import it again: "
        "the churn and the reactivation of that day never happened."),
    ),
    "mrr_unit_jumps": (
        "error",
        gettext_lazy("Lines at 12, 100 or 1,000 times what they replace, or a part as small"),
        gettext_lazy("Look whether a year's amount was taken as a month's, or cents as units; correct the column's meaning in the mapping and import again."),
    ),
    "mrr_outliers": (
        "warning",
        gettext_lazy("Lines whose MRR is far from what others of the same plan pay"),
        gettext_lazy("Compare the line with its contract. If it is right, nothing; if not, correct its source or exclude the line with a reason."),
    ),
    "lines_twice": (
        "warning",
        gettext_lazy("Lines that stand twice under different ids"),
        gettext_lazy("Ask billing whether both are sold. If not, take one out of the source, or exclude it with a reason: MRR is too high by it."),
    ),
    "lines_overruled": (
        "warning",
        gettext_lazy("Lines that a newer line of the same subscription overrules"),
        gettext_lazy(
            "Look at both. If the newer one is right, nothing: it counts. If both are sold, ask billing to state them under ids or products "
            "of their own."
        ),
    ),
}


def checks() -> Mapping[str, tuple[str, ...]]:
    return {check: OFF if check in ("mrr_unit_jumps", "mrr_outliers") else COLUMNS for check in SAID}


def find(seen: Seen) -> list[Finding]:
    try:
        found = named(seen)
    except TimeoutError as late:
        return [told(NOT_CHECKED, 1, {"why": str(late)})]
    return [told(check, len(lines), {"accounts": len(set(_accounts(lines)))}) for check, lines in found.items() if lines]


def told(check: str, n: int, said: Mapping[str, Any]) -> Finding:
    if check == NOT_CHECKED:
        title, what = gettext_lazy("The subscription lines were not checked"), gettext_lazy("Try again when the machine is less busy.")
        return Finding(check, "warning", n, title, f"{said['why'].capitalize()}.", what, RECORD, said=said)
    severity, title, what = SAID[check]
    return Finding(check, severity, n, title, later(_sentence, check, n, said["accounts"]), what, RECORD, dict(said), said)


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
        cells = (name, plan, start, end or "open", f"{num / den:,.2f} {currency or firm().currency}", _factor(off[pk]))
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
    return gettext("%(factor)s times") % {"factor": f"{off:,.4g}"} if off >= 1 else f"1/{1 / off:,.4g}"


def _sentence(check: str, n: int, accounts: int) -> str:
    said = {"n": number(n), "accounts": counted("accounts", accounts, number(accounts))}
    if check == "one_day_gaps":
        return ngettext(
            "%(n)s line of %(accounts)s: the next line starts on the day after the end, and the day between is paid by none: "
            "read so, the account churns and comes back.",
            "%(n)s lines of %(accounts)s: the next line starts on the day after the end, and the day between is paid by none: "
            "read so, the account churns and comes back.",
            n,
        ) % said
    if check == "mrr_unit_jumps":
        return ngettext(
            "%(n)s line of %(accounts)s takes the place of the account's lines before at 12, 100 or 1,000 times their MRR, or a part as small.",
            "%(n)s lines of %(accounts)s take the place of the account's lines before at 12, 100 or 1,000 times their MRR, or a part as small.",
            n,
        ) % said
    if check == "mrr_outliers":
        return ngettext(
            "%(n)s line of %(accounts)s pays ten times what is usual in the plan (a seat, where seats are stated), or a tenth of it.",
            "%(n)s lines of %(accounts)s pay ten times what is usual in the plan (a seat, where seats are stated), or a tenth of it.",
            n,
        ) % said
    if check == "lines_overruled":
        return ngettext(
            "%(n)s line of %(accounts)s states an end after the day on which another line of the same subscription begins: "
            "the newer one rules from that day on, and the rest is not counted.",
            "%(n)s lines of %(accounts)s state an end after the day on which another line of the same subscription begins: "
            "the newer one rules from that day on, and the rest is not counted.",
            n,
        ) % said
    return ngettext(
        "%(n)s line of %(accounts)s says the same as another line: product, plan, interval, days, seats and amount.",
        "%(n)s lines of %(accounts)s say the same as another line: product, plan, interval, days, seats and amount.",
        n,
    ) % said
