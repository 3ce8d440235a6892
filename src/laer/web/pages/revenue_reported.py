"""The Revenue page as reported: the switch, the marks where a restated figure differs, and the accounts behind a reported one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from laer.cycle.booked import Booked
from laer.cycle.ledger import Ledger
from laer.cycle.scope import Scope
from laer.metrics.policy import load_policy
from laer.records.periods import first_day, month_number
from laer.web.pages.revenue_charts import Asked, amount_of, exactly
from laer.web.runs import restated, revenue
from laer.web.runs.booked import booked_of
from laer.web.runs.models import ClosedMonth, PassRun
from laer.web.runs.reported import RESTATEMENT, Reported, closings, differences, reported_of
from laer.web.runs.reported_bridges import bridge_as_reported
from laer.web.runs.reported_cohorts import ReportedCohorts, reported_cohorts
from laer.web.runs.reported_splits import ReportedByValue, by_value_as_reported
from laer.web.wording import gettext_lazy, long_month

BASES = {"reported": gettext_lazy("As reported"), "restated": gettext_lazy("As restated")}


def reported_for(run: PassRun, scope: Scope, asked: Asked, ledger: Ledger, known: datetime | None = None) -> Reported | None:
    """The statement as reported (as was known at an instant), where there is a closed month and something of it that the person may see."""
    reported = reported_of(run, scope, asked.movements, load_policy(run.policy).windows, known)
    return None if reported is None or (reported.empty and ledger.first_month is None) else reported


def columns(names: list[str]) -> list[str]:
    """The columns of the statement with the restatement behind the opening."""
    place = names.index("opening_mrr") + 1
    return [*names[:place], RESTATEMENT, *names[place:]]


def cohorts_of(run: PassRun, scope: Scope, known: datetime | None = None) -> ReportedCohorts:
    """The cohort table as reported."""
    return reported_cohorts(run, scope, closings(known))


def by_value(
    scope: Scope, asked: Asked, reported: Reported | None, ledger: Ledger | None, first: int, last: int
) -> tuple[Ledger | ReportedByValue | None, str]:
    """What the table and the file by a dimension are made of, and what they say of its basis: as reported where closings kept it, else as restated and why."""
    if reported is None or ledger is None or asked.basis != "reported":
        return ledger, ""
    if not scope.everything:
        return ledger, _("as restated: a closing keeps the split of the whole book, and you see a part of it")
    if asked.movements == "net":
        return ledger, _("as restated: a closing keeps the split of each change, not of the month's net")
    found = by_value_as_reported(reported.closings, ledger, asked.by, first, last)
    if not isinstance(found, ReportedByValue):
        return ledger, _("as restated: the closing of %(month)s keeps no split") % {"month": long_month(found.month)}
    return found, _("as reported")


def bridge(run: PassRun, scope: Scope, asked: Asked, period: revenue.Period, found: list[ClosedMonth]) -> tuple[Booked, str]:
    """Booked against live, and what it says of its basis (nothing where nobody asked): as reported where a closing kept it, else as restated and why."""
    now = booked_of(run, scope, period.first, period.last, asked.churn_basis)
    if asked.basis != "reported" or not found:
        return now, ""
    if asked.churn_basis not in (None, load_policy(run.policy).churn_basis):
        return now, _("as restated: a closing keeps the bridge by the policy's own basis of churn")
    then = None if period.to_date else bridge_as_reported(found, scope, period.first, period.last)
    if then is None:
        return now, _("as restated: %(month)s is open") % {"month": long_month(first_day(period.last))}
    if not isinstance(then, Booked):
        return now, _("as restated: the closing of %(month)s keeps no bridge") % {"month": long_month(then.month)}
    return then, _("as reported")


def behind(run: PassRun, scope: Scope, params: dict[str, Any], known: datetime | None = None) -> list[dict[str, Any]] | None:
    """The accounts behind a figure as reported; None where no month is closed in the currency of the run."""
    found = closings(known)
    if not found or any(c.currency != run.currency for c in found):
        return None
    if params.get("cohort") is not None:
        return reported_cohorts(run, scope, found).behind(params["cohort"], params["last"])
    return restated.behind(run, scope, found, params, lambda open_months: revenue.behind(run, scope, open_months))


def add_to(context: dict[str, Any], reported: Reported, ledger: Ledger, period: revenue.Period, asked: Asked) -> None:
    """Put the switch, the state and the marks into the page's context."""
    currency = context["currency"]
    first = min(period.first, reported.first, ledger.first_month if ledger.first_month is not None else reported.first)
    now = {m.month: m for m in ledger.months(first, max(period.last, reported.last + 1))}
    then = {m.month: m for m in reported.months(now.values())}
    context["bases"] = [{"label": label, "url": asked.url(basis=basis), "active": basis == asked.basis} for basis, label in BASES.items()]
    context["basis"] = asked.basis
    context["closed_until"] = first_day(reported.last)
    context["state"]["shown"] = _("%(shown)s, %(basis)s") % {"shown": context["state"]["shown"], "basis": BASES[asked.basis].lower()}
    inside = [m for m in range(period.first, period.last + 1) if m in now]
    was, is_now = revenue.summed(then[m] for m in inside), revenue.summed(now[m] for m in inside)
    differ = differences(is_now, was)
    for row in context["waterfall"]["rows"]:
        name = row["key"]
        row["difference"] = _mark(was[name], is_now[name], currency) if name in differ else None
    for row in context["retention"]["rows"] if context["retention"] else ():
        m = month_number(row["month"])
        row["closed"] = reported.first <= m <= reported.last
        changed = m in now and now[m]["closing_mrr"] != then[m]["closing_mrr"]
        row["difference"] = _mark(then[m]["closing_mrr"], now[m]["closing_mrr"], currency) if changed else None
    outstanding = reported.outstanding(ledger)
    if outstanding and context["close_url"]:
        context["notices"] = [*context["notices"], _notice(outstanding, reported, currency)]


def _mark(was: Any, is_now: Any, currency: str) -> dict[str, Any]:
    """What differs, as a small mark: restated less reported."""
    value = amount_of(Fraction(is_now or 0) - Fraction(was or 0), currency)
    return {"value": value, "title": _("as reported %(was)s, as restated %(now)s") % {"was": exactly(was, currency), "now": exactly(is_now, currency)}}


def _notice(outstanding: Fraction, reported: Reported, currency: str) -> Mapping[str, Any]:
    amount = exactly(abs(outstanding), currency)
    more = _("Closed months have changed since they were reported: %(amount)s more at the end of %(month)s")
    less = _("Closed months have changed since they were reported: %(amount)s less at the end of %(month)s")
    return {
        "tone": "info",
        "title": (more if outstanding > 0 else less) % {"amount": amount, "month": long_month(first_day(reported.last))},
        "text": _("As reported, it is a restatement in %(last)s.") % {"last": long_month(first_day(reported.last + 1))},
        "action": {"label": _("Accounts and causes"), "url": reverse("revenue-close")},
    }
