"""The Revenue page and exchange rates: which plan year made its figures, the choice of another, and what the difference of rates makes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from laer.cycle.ledger import Ledger
from laer.metrics.statement import RATES_EFFECT, with_rates_effect
from laer.records.periods import first_day
from laer.web.pages.revenue_charts import Asked, amount_of
from laer.web.runs import rates
from laer.web.runs.models import PassRun

SHOWN = 12  # months of the effect; the download has all


def choose(request: HttpRequest, asked: Asked, run: PassRun) -> dict[str, Any] | None:
    """Take up the plan year asked for, where there is one beside the run's; the years to choose from, or None where there is no choice.

    A year without a rate for every currency of the run's is no choice, and one asked for falls back to the run's own.
    """
    there = rates.years(run)
    wanted = request.GET.get("rates", "")
    asked.rates = next((year for year in there if str(year) == wanted and year != run.plan_year), None)
    if run.plan_year is None:
        return None
    shown = asked.rates or run.plan_year
    years = [{"label": str(year), "url": asked.url(rates=None if year == run.plan_year else year), "active": year == shown} for year in there]
    return {"year": shown, "own": run.plan_year, "years": years if len(years) > 1 else None}


def notices(run: PassRun) -> list[dict[str, Any]]:
    said = rates.trouble()
    text = _("%(trouble)s. Figures are at the rates of run %(run)s.") % {"trouble": said, "run": run.pk}
    return [{"tone": "bad", "title": _("The exchange rates cannot be used"), "text": text}] if said else []


def effect(own: Ledger, other: Ledger, span: tuple[int, int], run: PassRun, year: int) -> dict[str, Any]:
    """What the rates of the run's plan year make of closing MRR, less what another year's make of it, newest month first."""
    first = max(span[0], span[1] - SHOWN + 1)
    names = {"own": "closing_mrr", "effect": RATES_EFFECT}
    rows = [
        {"month": first_day(then.month), "other": amount_of(then["closing_mrr"], run.currency)}
        | {key: amount_of(with_rates_effect(at, at, then)[name], run.currency) for key, name in names.items()}
        for at, then in zip(own.months(first, span[1]), other.months(first, span[1]), strict=True)
    ]
    used = rates.rates_of(run)
    table = rates.table().of(year)
    changed = [{"currency": code, "own": _rate(rate), "other": _rate(table[code])} for code, rate in sorted(used.items()) if table[code] != rate]
    return {"own": run.plan_year, "other": year, "rows": rows[::-1], "rates": changed}


def _rate(rate: Fraction) -> str:
    """As a decimal, as tables have them."""
    return f"{float(rate):.6f}".rstrip("0").rstrip(".")
