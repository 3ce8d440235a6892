"""What the Revenue page shows: months, periods, dimensions and the accounts behind a figure, asked of the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from laer.cycle.ledger import Ledger
from laer.cycle.ledger_questions import packed
from laer.cycle.scope import Scope
from laer.metrics.policy import load_policy
from laer.metrics.statement import Month
from laer.records.periods import day_number, first_day, month_name, month_number
from laer.web.book.models import SubscriptionLine
from laer.web.runs import rates
from laer.web.runs.desk import ask
from laer.web.runs.models import PassRun
from laer.web.wording import gettext_lazy, long_month

PERIODS = {"month": 1, "quarter": 3, "year": 12}
DIMENSIONS = {
    "segment": gettext_lazy("Segment"),
    "plan": gettext_lazy("Plan"),
    "product": gettext_lazy("Product"),
    "owner": gettext_lazy("Owner"),
    "country": gettext_lazy("Country"),
    "industry": gettext_lazy("Industry"),
    "lead_source": gettext_lazy("Lead source"),
    "cause": gettext_lazy("Cause of change"),
}
MOVES = ("opening_balance_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "entering_mrr", "leaving_mrr")
MOVED = ("balance_accounts", "new_accounts", "reactivated_accounts", "expansions", "contractions", "churns")


@dataclass(frozen=True)
class Period:
    """Months first..last (month numbers) shown as one step of the waterfall."""

    first: int
    last: int
    kind: str
    to_date: bool = False  # it is not over on the run's day (rule 2)

    @property
    def label(self) -> str:
        year = 1970 + self.last // 12
        if self.kind == "quarter":
            name = _("%(year)s, quarter %(quarter)s") % {"year": year, "quarter": self.last % 12 // 3 + 1}
        else:
            name = str(year) if self.kind == "year" else long_month(first_day(self.last))
        return _("%(period)s to date") % {"period": name} if self.to_date else name


def span_of_data(ledger: Ledger, run: PassRun) -> tuple[int, int] | None:
    """First and last month shown: from the first paying month to the run's current one, level where nothing changed."""
    first = ledger.first_month
    return None if first is None else (first, month_number(run.as_of))


def period_of(month: int, kind: str, span: tuple[int, int], run: PassRun) -> Period:
    """The month, or the calendar quarter or year that holds it, cut at the last month of the data."""
    size = PERIODS[kind]
    first = month - month % size
    return Period(first, min(first + size - 1, span[1]), kind, first + size > month_number(run.as_of))


def summed(months: Iterable[Month]) -> dict[str, Fraction | int | None]:
    """Several months as one: movements add up, opening is the first's, closing and retention the last's."""
    months = list(months)
    figures: dict[str, Fraction | int | None] = dict(months[-1].figures)
    for name in (*MOVES, *MOVED):
        figures[name] = sum((m[name] or 0 for m in months), Fraction(0) if name in MOVES else 0)
    if "restatement_mrr" in figures:  # months as reported
        figures["restatement_mrr"] = sum((m["restatement_mrr"] or 0 for m in months), Fraction(0))
    figures["opening_mrr"], figures["opening_accounts"] = months[0]["opening_mrr"], months[0]["opening_accounts"]
    return figures


def at_rates_of(year: int | None) -> dict[str, Any]:
    """The parameter of a question that asks for the plan rates of another year than the run's; none where no year is given."""
    return {} if year is None else {"rates": packed(rates.table().of(year))}


def ledger_of(
    run: PassRun, scope: Scope, *, by: str | None = None, movements: str = "event", churn_basis: str | None = None, plan_year: int | None = None
) -> Ledger:
    """The run's ledger by its policy; churn by what it says unless another basis is asked for (rule 20), at its own plan year's rates or another's (8).

    By cause it has NRR without price too: both compare the same lines.
    """
    policy = load_policy(run.policy)
    rules = {"gap_days": policy.gap_days, "logo_churn": policy.logo_churn, "net_churn": policy.net_churn, "churn_basis": churn_basis or policy.churn_basis}
    ledger: Ledger = ask("revenue", {"by": by, "movements": movements, "without_price": by == "cause", **rules, **at_rates_of(plan_year)}, scope, run.pk)
    return ledger


def level_since(ledger: Ledger, run: PassRun) -> int | None:
    """The last month in which revenue changed, where it is before the run's own; None where something changed in that."""
    changed = max(ledger.total.months, default=None)
    return changed if changed is not None and changed < month_number(run.as_of) else None


def behind(run: PassRun, scope: Scope, params: dict[str, Any], plan_year: int | None = None) -> list[dict[str, Any]]:
    params = params | at_rates_of(plan_year)
    policy = load_policy(run.policy)
    usual = {"gap_days": policy.gap_days, "churn_basis": policy.churn_basis}
    asked = usual | {k: v for k, v in params.items() if v is not None or k not in usual}
    rows: list[dict[str, Any]] = ask("revenue_behind", asked, scope, run.pk)
    if asked["movement"] not in ("nrr", "grr"):
        return rows
    # Who left and returned within the year counts as retained (rule 12), and is named.
    churned = asked | {"movement": "churn", "movements": "event", "first": int(asked["last"]) - 11}
    left = {row["account_id"] for row in ask("revenue_behind", churned, scope, run.pk)}
    return [row | {"returned": row["after"] > 0 and row["account_id"] in left} for row in rows]


YEAR_BEFORE = ("nrr_12m_year_before", "grr_12m_year_before")


def with_year_before(months: Iterable[Month]) -> list[Month]:
    """Months with the retention of the same month a year before beside their own; None where the data does not reach back so far."""
    months = list(months)
    at = {month.month: month for month in months}

    def before(month: Month, name: str) -> Fraction | int | None:
        then = at.get(month.month - 12)
        return then.figures.get(name.removesuffix("_year_before")) if then else None

    return [Month(m.month, m.value, dict(m.figures) | {name: before(m, name) for name in YEAR_BEFORE}) for m in months]


def committed(run: PassRun, scope: Scope, plan_year: int | None = None) -> dict[str, Fraction]:
    """What is signed and not live, and what is known to leave, after the run's day."""
    found: dict[str, Fraction] = ask("committed", at_rates_of(plan_year), scope, run.pk)
    return found


def paused(run: PassRun, scope: Scope) -> dict[str, Any]:
    """MRR that rests on the run's day, and of how many accounts."""
    found: dict[str, Any] = ask("paused", {"day": day_number(run.as_of)}, scope, run.pk)
    return found


def lines_touching(account_ids: list[int], first: int, last: int, run: PassRun | None = None) -> dict[int, list[dict[str, Any]]]:
    """Lines of some accounts that start, end or run within a period: newest first, at most 12 each. One query.

    run  given where they are to be as that run read them: then amounts are in its currency, at its rates, and say no day of recording
    """
    start, end = first_day(first), first_day(last + 1)
    if run is not None:
        return _lines_then(account_ids, start, end, run)
    lines = (
        SubscriptionLine.objects.filter(account_id__in=account_ids, archived_at=None, start_on__lt=end)
        .select_related("product")
        .order_by("account_id", "-start_on", "-id")
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        if line.end_on is not None and line.end_on < start:
            continue
        what = _("opened") if line.start_on >= start else _("closed") if line.end_on is not None and line.end_on < end else ""
        there = found.setdefault(line.account_id, [])
        there.append(
            {
                "product": line.product.name if line.product else line.plan or _("Subscription"),
                "subscription_id": line.subscription_id,
                "start_on": line.start_on,
                "end_on": line.end_on,
                "mrr": Fraction(line.mrr_num, line.mrr_den),
                "currency": line.currency,
                "what": what,
                "recorded_at": line.created_at,
            }
        )
    return _newest(found)


def _newest(found: dict[int, list[dict[str, Any]]]) -> dict[int, list[dict[str, Any]]]:
    return {a: sorted(rows, key=lambda r: (not r["what"], -r["start_on"].toordinal()))[:12] for a, rows in found.items()}


def _lines_then(account_ids: list[int], start: date, end: date, run: PassRun) -> dict[int, list[dict[str, Any]]]:
    """The same from the run's own table."""
    found: dict[int, list[dict[str, Any]]] = {}
    for line in ask("lines", {"accounts": tuple(sorted(account_ids))}, Scope(False, frozenset(account_ids)), run.pk):
        begins, ends = line["start_on"], line["end_on"]
        if begins >= end or (ends is not None and ends < start):
            continue
        what = _("opened") if begins >= start else _("closed") if ends is not None and ends < end else ""
        found.setdefault(line["account_id"], []).append(
            line | {"product": line["product"] or line["plan"] or _("Subscription"), "currency": run.currency, "what": what}
        )
    return _newest(found)


def current_month() -> int:
    return month_number(timezone.localdate())


def name_of(month: int) -> str:
    return month_name(month)
