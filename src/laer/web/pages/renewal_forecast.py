"""Forecast of renewals: what is expected by month and owner, by rule and by person, between which sums it will lie, and how such calls turned out before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow.compute as pc
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.run_tables import QuestionFault
from laer.metrics.company import wilson
from laer.records.periods import day_number, first_day, month_name, month_number
from laer.renew.calls import AT_RISK, COMMIT, LIKELY, LOST
from laer.renew.measures import LEADS
from laer.renew.outlook import ENOUGH, FEWEST, Base, Range
from laer.web.book.many import listed
from laer.web.book.scope import scope_of
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.motion import meaning_of_measure
from laer.web.pages.renewal_calls import ORDER, SAID, TONES
from laer.web.pages.renewal_rates import tabs
from laer.web.pages.renewals import NOBODY
from laer.web.pages.revenue_charts import amount_of, exactly, short
from laer.web.runs.desk import ask
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.outlooks import LEAD, Outlook, Replayed, outlook_of, replayed
from laer.web.runs.passes import stale_since
from laer.web.runs.renewing import NO_CALL, renewals_of
from laer.web.templatetags.laer import number, percent
from laer.web.wording import gettext_lazy
from laer.web.work.calls import standing_calls

AHEAD = 12  # months
HELD = (COMMIT, LIKELY)  # what counts as expected
WHOSE = {"system": gettext_lazy("System"), "person": gettext_lazy("Person")}
Row = dict[str, Any]


@require_safe
@as_then
def forecast(request: HttpRequest, then: Then) -> HttpResponseBase:
    """What is expected of what falls due in the next twelve months, with its range, and how calls turned out."""
    user, run = user_of(request), then.run
    scope = scope_of(user)
    state = {"as_of": run.as_of, "whose": _("the whole book") if scope.everything else _("your book"), "run": {"label": _("run %(run)s") % {"run": run.pk}},
             "recomputing": not then.query and stale_since() is not None} if run else {"note": _("nothing has been computed yet")}  # fmt: skip
    context: Row = {"state": state, "tabs": tabs(then, "forecast"), "currency": run.currency if run else "USD"}
    if run is None:
        return render(request, "pages/renewal_forecast.html", context)
    first, last = month_number(run.as_of), month_number(run.as_of) + AHEAD - 1
    due = renewals_of(run, scope)
    rows = due.rows(pc.and_(due.between(first, last), pc.invert(due.table["settled"])))
    calls = standing_calls(user, until=run.finished_at if then.query else None, since=first_day(first))
    owners = dict(AccountCard.objects.filter(account_id__in=listed({r["account_id"] for r in rows})).values_list("account_id", "owner_name"))
    for row in rows:
        said = calls.get((row["contract_id"], row["due_on"]))
        row["owner"], row["person"] = owners.get(row["account_id"]) or "", said.category if said else None
        row["expected"] = _expected(row["arr"], None if said is None or said.amount is None or said.currency != run.currency else Fraction(said.amount))
    try:
        before: Replayed | None = replayed(run, scope)
        range_ = outlook_of(run, scope, due, first, last, {account: owner or "" for account, owner in owners.items()})
        accuracy, parts = _accuracy(run, scope, None), _accuracy(run, scope, "owner")
    except QuestionFault:  # a run of before facts were kept, which a link names
        before, range_, accuracy, parts = None, None, [], []
    months = _table(rows, lambda r: r["month"], list(range(first, last + 1)), range_.months if range_ else {})
    if form := format_of(request):
        return _download(months, run, form)
    people = _table(rows, lambda r: r["owner"], sorted({r["owner"] for r in rows}), range_.owners if range_ else {})
    total = _table(rows, lambda r: "", [""], {"": range_.whole} if range_ else {})[0]
    context |= {
        "rows": [_shown(r, run) | {"month": first_day(r["key"]), "url": _due_url(then, month=month_name(r["key"]))} for r in months],
        "owners": [_shown(r, run) | {"owner": r["key"], "url": _due_url(then, owner=r["key"] or NOBODY)} for r in people],
        "total": _shown(total, run), "any": bool(rows), "range": range_ and _said(range_, run),
        "figures": _figures(total, range_, run), "replay": _replay(before) if before else None, "accuracy": accuracy, "parts": parts,
        "few": before is not None and not before.enough, "settled": before.n if before else 0, "enough": ENOUGH,
        "download_url": f"?{urlencode({'format': 'csv', **then.query})}" if rows else None,
    } | then.context(request)  # fmt: skip
    return render(request, "pages/renewal_forecast.html", context)


def _expected(due: Fraction, amount: Fraction | None) -> Fraction:
    return due if amount is None else min(amount, due)


def _table(rows: Iterable[Row], key: Callable[[Row], Any], keys: list[Any], ranges: Mapping[Any, Range]) -> list[Row]:
    """Sums of each key: what is due, and what is expected of it by each call of rule and person."""
    none = Fraction(0)
    found: dict[Any, Row] = {
        k: {"key": k, "count": 0, "due": none, "called": 0, "notice": 0, **{whose: dict.fromkeys(ORDER, none) for whose in WHOSE}} for k in keys
    }
    for row in rows:
        one = found[key(row)]
        one["count"] += 1
        one["due"] += row["arr"]
        one["called"] += row["person"] is not None
        one["notice"] += row["notice_on"] is not None
        one["system"][row["system"] or NO_CALL] += row["arr"]
        one["person"][row["person"] or NO_CALL] += row["expected"] if row["person"] else row["arr"]
    return [one | {"range": ranges.get(one["key"])} for one in found.values()]


def _shown(row: Row, run: PassRun) -> Row:
    def money(amount: Fraction | float) -> Decimal:
        return amount_of(Fraction(amount), run.currency)

    sides = []
    for whose in WHOSE:
        sums = row[whose]
        expected = sum((sums[call] for call in HELD), Fraction(0))
        sides.append({"expected": money(expected), "at_risk": money(sums[AT_RISK]), "lost": money(sums[LOST]), "none": money(sums[NO_CALL])})
    one = row["range"]
    return {
        "count": row["count"], "due": money(row["due"]), "called": row["called"], "sides": sides, "notice": row["notice"],
        "range": one and {"low": money(one.low), "middle": money(one.middle), "high": money(one.high)},
    }  # fmt: skip


def _figures(total: Row, range_: Outlook | None, run: PassRun) -> list[Row]:
    shown = _shown(total, run)
    system, person = shown["sides"]

    def figure(label: str, amount: Decimal, hint: str) -> Row:
        return {"label": label, "value": short(amount, run.currency), "title": exactly(amount, run.currency), "hint": hint}

    called = _("commit and likely; %(called)s of %(all)s called") % {"called": number(total["called"]), "all": number(total["count"])}
    due = figure(_("Due in twelve months"), shown["due"], ngettext("%(n)s contract", "%(n)s contracts", total["count"]) % {"n": number(total["count"])})
    figures = [
        due | {"meaning": meaning_of_measure("arr_due_12m")},
        figure(_("System expects"), system["expected"], _("commit and likely, by rule")), figure(_("People expect"), person["expected"], called),
    ]  # fmt: skip
    if range_ is not None:
        low, high = (short(amount_of(Fraction(x), run.currency), run.currency) for x in (range_.whole.low, range_.whole.high))
        hint = _("P10 %(low)s to P90 %(high)s, simulated") % {"low": low, "high": high}
        figures.append(figure(_("Will come in, P50"), amount_of(Fraction(range_.whole.middle), run.currency), hint))
    return figures


def _said(range_: Outlook, run: PassRun) -> list[str]:
    """On what the range rests, a sentence for each rate."""
    said = []
    for base, n in sorted(range_.bases.items(), key=lambda item: -item[1]):
        if isinstance(base, Base):
            text = ngettext(
                "%(n)s contract: %(renewed)s of %(settled)s settled renewals %(kind)s were renewed",
                "%(n)s contracts: %(renewed)s of %(settled)s settled renewals %(kind)s were renewed", n,
            )  # fmt: skip
            kind = _("of all kinds") if base.of == "all" else _("that stood under “%(call)s”") % {"call": SAID[base.of]}
            said.append(text % {"n": number(n), "renewed": number(base.renewed), "settled": number(base.settled), "kind": kind})
        elif base == LOST:
            text = ngettext("%(n)s contract: notice was given, it does not renew", "%(n)s contracts: notice was given, they do not renew", n)
            said.append(text % {"n": number(n)})
        else:
            said.append(ngettext("%(n)s contract: the learned likelihood", "%(n)s contracts: the learned likelihood", n) % {"n": number(n)})
    return said


def _replay(before: Replayed) -> list[Row]:
    rows = []
    for call in ORDER:
        key = None if call == NO_CALL else call
        renewed, n = before.settled.get(key, (0, 0))
        if n:
            low, high = wilson(renewed, n)
            due = before.due.get(key, 0.0)
            rows.append({
                "words": str(SAID[call]), "tone": TONES[call], "none": call == NO_CALL, "n": n, "rate": percent(renewed / n),
                "between": _("%(low)s to %(high)s") % {"low": percent(low), "high": percent(high)},
                "kept": percent(before.kept.get(key, 0.0) / due) if due else "–", "own": n >= FEWEST,
            })  # fmt: skip
    return rows


def _accuracy(run: PassRun, scope: Any, by: str | None) -> list[Row]:
    """Error, bias and coverage of people's calls over the last twelve months: by lead, or (of 90 days) by owner."""
    leads = LEADS if by is None else (LEAD,)
    measures = tuple(f"{name}_{lead}" for lead in leads for name in ("forecast_error", "forecast_bias", "renewals_called"))
    until = day_number(run.as_of) + 1
    since = day_number(first_day(month_number(run.as_of) - AHEAD + 1))
    found: dict[str, dict[str, Row]] = {}
    for row in ask("company", {"measures": measures, "periods": ((since, until),), "by": by}, scope, run.pk).to_pylist():
        found.setdefault(row["value"] or "", {})[row["measure"]] = row
    told = []
    for value, figures in sorted(found.items()):
        for lead in leads:
            error, bias, called = (figures.get(f"{name}_{lead}") for name in ("forecast_error", "forecast_bias", "renewals_called"))
            if by is not None and not (error and error["n"]):
                continue
            told.append({
                "lead": lead, "owner": value or _("Nobody"), "error": _percent(error), "bias": _percent(bias), "called": _percent(called),
                "n": error["n"] if error else 0, "url": reverse("measure", args=[f"forecast_error_{lead}"]),
            })  # fmt: skip
    return told


def _percent(figure: Row | None) -> str:
    return "–" if figure is None or figure["amount"] is None else percent(figure["amount"])


def _due_url(then: Then, **asked: str) -> str:
    return f"{reverse('renewals')}?{urlencode({'view': 'all', **asked, **then.query})}"


def _download(months: list[Row], run: PassRun, form: str) -> StreamingHttpResponse:
    header = ("month", "contracts", "due_arr", *(f"{whose}_{call}" for whose in WHOSE for call in ORDER), "called", "p10", "p50", "p90", "currency")

    def money(amount: Any) -> Money:
        return Money(None if amount is None else amount_of(Fraction(amount), run.currency), run.currency)

    cells = (
        (first_day(one["key"]), one["count"], money(one["due"]), *(money(one[whose][call]) for whose in WHOSE for call in ORDER), one["called"],
         *(money(getattr(one["range"], edge, None)) for edge in ("low", "middle", "high")), run.currency)
        for one in months
    )  # fmt: skip
    return export(f"renewal-forecast-{run.as_of}", header, cells, form)


urlpatterns = [path("renewals/forecast/", forecast, name="renewal_forecast")]
