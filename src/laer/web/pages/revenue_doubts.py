"""What stands beside the figures of the Revenue page: contradictions with what each way out would make of them, and rows that are excluded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.cycle.scope import Scope
from laer.cycle.terms import UNRESOLVED
from laer.metrics.policy import load_policy
from laer.records.periods import first_day
from laer.web.pages.revenue_charts import Asked, amount_of, exactly, short
from laer.web.people.models import User
from laer.web.record_words import counted
from laer.web.runs import both_ways, revenue
from laer.web.runs.contradictions import Contradiction, WayOut, contradictions, works_itself_out
from laer.web.runs.models import PassRun
from laer.web.runs.renewing import renewals_of
from laer.web.templatetags.laer import number, percent

CHECKS = {
    "churn_events": "churn_event_while_paying",
    "churn_flags": "flagged_churned_but_paying",
    "amounts": "amount_against_mrr",
    "one_day_gaps": "one_day_gaps",
    "lines_twice": "lines_twice",
    "between": "amounts_between_sources",
}
BETWEEN = "between_"
TOUCHED = {"mrr": "mrr", "nrr": "nrr", "accounts": "logo"}  # figure's key -> what a contradiction says that it touches
PLACE = "#contradictions"


def doubts(user: User, run: PassRun, now: Mapping[str, Any], period: revenue.Period, asked: Asked, *, work_out: bool, closed: bool) -> dict[str, Any]:
    """Context of parts/contradictions.html: contradictions, excluded; and `marks`, the text that each figure carries.

    In   closed   whether the whole period is: then excluded rows are listed, and the figure stands one way
    """
    usual = load_policy(run.policy).churn_basis
    basis = asked.churn_basis or usual
    found = contradictions(user, run, period.first, period.last, basis=basis, movements=asked.movements, work_out=work_out)
    address = asked.url()
    effects_url = f"{address}{'&' if '?' in address else '?'}effects=1"
    waiting = [one for one in found if not one.worked_out]
    return {
        "contradictions": {
            "shown": _figures(now, run.currency) | {"logo": _lost(now), "by": _("what the churn events say") if basis == "events" else _("what the lines say")},
            "rows": [
                _row(one, place, now, run.currency, _settled_at(one, one.ways[place], user, asked.url(churn_basis=_other(one.ways[place], usual))))
                for one in found
                for place in range(len(one.ways))
            ],
            "effects_url": effects_url + PLACE if waiting else None,
            "load_url": effects_url if waiting and works_itself_out(run) else None,
        }
        if found
        else None,
        "excluded": _excluded(user, run, now, period, asked.movements, basis, closed=closed),
        "marks": {key: _mark(found, touched, run.currency) for key, touched in TOUCHED.items()},
    }


def unresolved(run: PassRun, scope: Scope, period: revenue.Period, then: Mapping[str, str]) -> dict[str, Any] | None:
    """Context of the notice on contracts that are expired and unresolved and count in the period's closing MRR (rule 10)."""
    due = renewals_of(run, scope)
    there = due.over(due.view(UNRESOLVED), first_day(period.last + 1))
    n = due.count(there)
    if not n:
        return None
    said = {"n": number(n), "arr": exactly(due.arr(there), run.currency)}
    return {
        "title": ngettext(
            "%(n)s contract is expired and unresolved: %(arr)s of ARR counts though nobody knows whether it renewed",
            "%(n)s contracts are expired and unresolved: %(arr)s of ARR counts though nobody knows whether they renewed",
            n,
        ) % said,
        "text": _("Each that ended takes its amount off from its first unpaid day on; each that renewed leaves the figures as they are."),
        "url": f"{reverse('renewals')}?{urlencode({'view': UNRESOLVED} | dict(then))}",
        "count": n,
    }  # fmt: skip


def marked(figures: list[dict[str, Any]], marks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures, each with what stands against it."""
    return [figure | ({"doubt": marks[figure["key"]]} if marks.get(figure["key"]) else {}) for figure in figures]


def _mark(found: list[Contradiction], touched: str, currency: str) -> dict[str, Any] | None:
    """The heaviest contradiction of a figure, in words, with the figure as it would be."""
    heavy = next((one for one in found if touched in one.touches), None)
    if heavy is None:
        return None
    effect = heavy.ways[0].effect
    others = sum(touched in one.touches for one in found) - 1
    values = {
        "mrr": lambda e: short(e["closing_mrr"], currency),
        "nrr": lambda e: None if e["nrr_12m"] is None else percent(float(e["nrr_12m"])),
        "logo": lambda e: number(e["closing_accounts"]),
    }
    value = values[touched](effect) if effect else None
    label = str(heavy.ways[0].label)
    label = label if heavy.id.startswith(BETWEEN) else label[0].lower() + label[1:]  # a system's name stays as it is written
    then = _("%(value)s if %(way)s") % {"value": value, "way": label} if value else ""
    return {"text": heavy.mark, "then": then, "more": _("and %(others)s more") % {"others": others} if others else "", "url": PLACE}


def _other(way: WayOut, usual: str) -> str | None:
    return way.basis if way.basis != usual else None


def _settled_at(one: Contradiction, way: WayOut, user: User, basis: str) -> str | None:
    """Where a person settles a contradiction: by the basis of churn on this page, or by an answer."""
    if way.basis:
        return basis
    return f"{reverse('questions')}#amounts" if one.id.startswith(BETWEEN) and user.may_edit else None


def _row(one: Contradiction, place: int, now: Mapping[str, Any], currency: str, choose: str | None) -> dict[str, Any]:
    way = one.ways[place]
    effect = way.effect
    row = {
        "id": f"{one.id}-{place + 1}" if place else one.id,
        "sentence": one.sentence,
        "label": way.label,
        "shown": one.shown,
        "rows_url": f"/data/doctor/{CHECKS[one.id if one.id in CHECKS else one.id.partition('_')[0]]}/",
        "choose_url": choose,
        "worked_out": bool(effect),
        "open": effect is None,
    }
    if not effect:
        return row
    return row | _figures(effect, currency) | {"logo": _lost(effect), "changes": _changes(now, effect, currency)}


def _lost(figures: Mapping[str, Any]) -> str:
    return _("%(lost)s of %(before)s") % {"lost": number(figures["accounts_lost"]), "before": number(figures["opening_accounts"])}


def _figures(figures: Mapping[str, Any], currency: str) -> dict[str, Any]:
    nrr, churn = figures["nrr_12m"], figures["logo_churn_rate"]
    return {
        "mrr": short(figures["closing_mrr"], currency),
        "mrr_exact": exactly(figures["closing_mrr"], currency),
        "nrr": None if nrr is None else percent(float(nrr)),
        "churn": None if churn is None else percent(float(churn)),
    }


def _changes(now: Mapping[str, Any], then: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """By how much each figure moves: money, percentage points, accounts."""
    money = amount_of(then["closing_mrr"] - now["closing_mrr"], currency)
    points = None if now["nrr_12m"] is None or then["nrr_12m"] is None else float(then["nrr_12m"] - now["nrr_12m"]) * 100
    lost = then["accounts_lost"] - now["accounts_lost"]
    sign = "+" if money > 0 else "−" if money < 0 else "±"
    return {
        "mrr": f"{sign}{short(abs(money), currency)}",
        "mrr_exact": f"{sign}{exactly(abs(money), currency)}",
        "nrr": None if points is None else _("%(points)s points") % {"points": _signed(points, 1)},
        "logo": ngettext("%(lost)s account", "%(lost)s accounts", abs(lost)) % {"lost": _signed(lost, 0)},
        "tone": "bad" if money < 0 else "good" if money > 0 else "",
    }


def _signed(value: float, places: int) -> str:
    text = f"{abs(value):,.{places}f}"
    return f"±{text}" if not float(text.replace(",", "")) else f"{'+' if value > 0 else '−'}{text}"


def _excluded(
    user: User, run: PassRun, now: Mapping[str, Any], period: revenue.Period, movements: str, basis: str, *, closed: bool
) -> dict[str, Any] | None:
    """Rows that do not count, and until the period is closed the figure both ways: as shown, and with them."""
    of_accounts, of_lines = both_ways.excluded_here(user)
    n = of_accounts + of_lines
    if not n:
        return None
    accounts = counted("accounts", of_accounts, number(of_accounts))
    lines = ngettext("%(n)s line", "%(n)s lines", of_lines) % {"n": number(of_lines)}
    rows = _("%(accounts)s and %(lines)s") % {"accounts": accounts, "lines": lines} if of_accounts and of_lines else accounts if of_accounts else lines
    shown = {"count": n, "url": "/data/doctor/excluded/"}
    found = None if closed else both_ways.with_excluded(user, run, period.first, period.last, basis=basis, movements=movements)
    if found is None:
        title = ngettext("%(n)s row is excluded", "%(n)s rows are excluded", n) % {"n": number(n)}
        return shown | {"title": title, "text": _("%(rows)s. These months are closed: their figures stand as they are.") % {"rows": rows}, "changes": None}
    return shown | {
        "title": ngettext("%(n)s row is excluded: MRR would be %(mrr)s with it", "%(n)s rows are excluded: MRR would be %(mrr)s with them", n)
        % {"n": number(n), "mrr": exactly(found["closing_mrr"], run.currency)},
        "text": _("%(rows)s. As shown, without: %(mrr)s.") % {"rows": rows, "mrr": exactly(now["closing_mrr"], run.currency)},
        "changes": _changes(now, found, run.currency),
    }
