"""Revenue: what did recurring revenue do, and does it tie?"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from laer.cycle.company import company_catalogue
from laer.cycle.ledger import Ledger
from laer.metrics.policy import Policy, load_policy
from laer.metrics.statement import RATES_EFFECT, columns, printed, with_rates_effect
from laer.records.periods import first_day, month_of
from laer.web.book.models import Account
from laer.web.pages import revenue_booked, revenue_rates, revenue_reported
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.data import user_of
from laer.web.pages.exports import Money, escaped, export, format_of
from laer.web.pages.meanings import meaning_of
from laer.web.pages.motion import meaning_of_measure
from laer.web.pages.revenue_charts import (
    BALANCE,
    DOWNS,
    UPS,
    Asked,
    amount_of,
    behind_url,
    by_dimension,
    cohorts,
    exactly,
    figures,
    retention,
    short,
    waterfall,
)
from laer.web.pages.revenue_doubts import doubts, marked, unresolved
from laer.web.pages.team_filter import Looked, looked_at
from laer.web.people.company import firm
from laer.web.record_words import counted
from laer.web.runs import revenue
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import stale_since
from laer.web.runs.reported import Reported
from laer.web.templatetags.laer import number, percent
from laer.web.wording import gettext_lazy, long_month

PERIODS = {"month": gettext_lazy("Month"), "quarter": gettext_lazy("Quarter"), "year": gettext_lazy("Year")}
MOVED = {"entering": (gettext_lazy("Entering"), ""), "leaving": (gettext_lazy("Leaving"), ""), "restatement": (gettext_lazy("Restatement"), "")}
RATES = {"nrr": gettext_lazy("NRR, 12 months"), "grr": gettext_lazy("GRR, 12 months")}
LABELS = {k: v[0] for k, v in (BALANCE | UPS | DOWNS | MOVED).items()} | {"opening": gettext_lazy("Opening MRR"), "closing": gettext_lazy("Closing MRR")}
LABELS |= {"arr": gettext_lazy("ARR"), **RATES}
RULE_OF = dict.fromkeys((*UPS, *DOWNS), 3) | {"opening_balance": 13, "entering": 21, "leaving": 21, "opening": 2, "closing": 2, "restatement": 17}
RULE_OF |= {"arr": 13, "nrr": 12, "grr": 12}
PAGE = 50
MEANING_OF = {"closing": "mrr", "arr": "arr", "nrr": "nrr", "grr": "grr"}
NO_DOUBTS: dict[str, Any] = {"contradictions": None, "excluded": None, "marks": {}}
SORTS = ("-amount", "amount", "account_name", "-account_name")


@as_then
def show(request: HttpRequest, then: Then) -> HttpResponse:
    run = then.run
    policy = load_policy(run.policy if then.query and run else settings.POLICY)
    context: dict[str, Any] = {
        "policy": _policy(policy, run),
        "currency": run.currency if run else firm().currency,
        "state": {"note": _("nothing has been computed yet")},
    }
    if run:
        looked = looked_at(request)
        scope = looked.scope
        asked = Asked(request, dict(then.query) | looked.query)
        choice = revenue_rates.choose(request, asked, run)
        ledger = revenue.ledger_of(run, scope, **_counted(asked))
        reported = None if asked.rates else revenue_reported.reported_for(run, scope, asked, ledger, then.known)  # what was reported was at its own rates
        span = revenue.span_of_data(ledger, run)
        if reported:
            span = reported.span(span, ledger)
        context["state"] = _state(looked, then, ledger, span, choice)
        close_url = reverse("revenue-close") if scope.everything and not then.query else None
        context |= {"team_chip": looked.chip(asked), "bases": None, "rates": choice, "close_url": close_url}
        if span:
            context |= _figures_and_charts(request, looked, then, ledger, span, asked, reported)
            context |= then.context(request, asked.url())
            if asked.rates:
                own = revenue.ledger_of(run, scope, movements=asked.movements, churn_basis=asked.churn_basis)
                context["rates_effect"] = revenue_rates.effect(own, ledger, span, run, asked.rates)
            if reported:
                revenue_reported.add_to(context, reported, ledger, revenue.period_of(asked.month or 0, asked.period, span, run), asked)
    template = "pages/revenue.html#revenue" if request.headers.get("HX-Target") == "revenue" and not request.headers.get("HX-Boosted") else "pages/revenue.html"
    return render(request, template, context)


@as_then
def download(request: HttpRequest, then: Then) -> HttpResponse:
    """The ledger as CSV, in the columns of `laer revenue`."""
    run = then.run
    if run is None:
        raise Http404
    looked = looked_at(request)
    asked = Asked(request, dict(then.query) | looked.query)
    revenue_rates.choose(request, asked, run)
    policy = load_policy(run.policy if then.query else settings.POLICY)
    by, scope = asked.by if "by" in request.GET else None, looked.scope
    ledger = revenue.ledger_of(run, scope, by=by, **_counted(asked))
    reported = revenue_reported.reported_for(run, scope, asked, ledger, then.known) if asked.basis == "reported" and not asked.rates else None
    span = revenue.span_of_data(ledger, run)
    span = (reported.span(span, ledger) if reported else span) or (0, -1)
    if by:
        split, _said = revenue_reported.by_value(scope, asked, reported, ledger, *span)
        reported = None if split is ledger else reported  # a file by a dimension of which closings keep nothing is as restated, as its name says
        months = (split or ledger).months_by_value(*span)
    else:
        months = reported.months(ledger.months(*span)) if reported else ledger.months(*span)
    names = columns(policy.windows, by, book=any(m["opening_balance_mrr"] for m in months))
    names = revenue_reported.columns(names) if reported else names
    if asked.rates and not by:
        own = revenue.ledger_of(run, scope, movements=asked.movements, churn_basis=asked.churn_basis)
        months, names = [*map(with_rates_effect, months, own.months(*span), months)], [*names, RATES_EFFECT]
    if asked.compare and not by:
        months, names = revenue.with_year_before(months), [*names, *revenue.YEAR_BEFORE]
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    how = "-as-reported" if reported else f"-rates-{asked.rates}" if asked.rates else "-as-restated" if asked.basis == "reported" else ""
    answer["Content-Disposition"] = f'attachment; filename="revenue-{run.as_of}-run-{run.pk}{how}.csv"'
    writer = csv.writer(answer)
    writer.writerow(names)
    for month in months:
        row = printed(month, names, run.currency, by)
        writer.writerow([escaped(row[n]) if n == by else row[n] for n in names])
    return answer


@as_then
def behind(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The accounts and lines behind one figure; their sum is the figure."""
    run = then.run
    looked = looked_at(request)
    asked = Asked(request, dict(then.query) | looked.query)
    movement = request.GET.get("movement", "closing")
    if run is None or asked.month is None or movement not in LABELS:
        raise Http404
    revenue_rates.choose(request, asked, run)
    scope = looked.scope
    cohort = _month(request.GET.get("cohort"))
    by = asked.by if "value" in request.GET else None
    first = asked.month - asked.month % revenue.PERIODS[asked.period] if cohort is None else asked.month
    last = min(first + revenue.PERIODS[asked.period] - 1, revenue.month_number(run.as_of)) if cohort is None else asked.month
    params = {
        "movement": "closing" if movement == "arr" else movement,
        "first": first,
        "last": last,
        "movements": asked.movements,
        "churn_basis": asked.churn_basis,
        "by": by,
        "value": request.GET.get("value") if by else None,
        "cohort": cohort,
    }
    reported = by is None and asked.basis == "reported" and not asked.rates and movement not in RATES
    found = revenue_reported.behind(run, scope, params, then.known) if reported else None
    if found is None:
        if movement == "restatement":
            raise Http404
        reported, found = False, revenue.behind(run, scope, params, asked.rates)
    if movement == "arr":  # twelve times what the same lines bring in a month
        found = [r | {"amount": r["amount"] * 12} for r in found]
    if form := format_of(request):
        return _behind_file(found, movement, run, asked, form)
    start = _whole(request.GET.get("start"))
    wanted = request.GET.get("sort", "-amount")
    sort = wanted if wanted in SORTS else "-amount"
    found = _sorted(found, sort)
    part = found[start : start + PAGE]
    names = {c.account_id: c for c in AccountCard.objects.filter(account_id__in=[r["account_id"] for r in part])}
    lines = revenue.lines_touching([r["account_id"] for r in part], first, last, run if then.query else None)
    sign = -1 if movement in (*DOWNS, "leaving") else 1
    amount = amount_of(sum((r["amount"] for r in found), Fraction(0)) * sign, run.currency)
    period = revenue.Period(first, last, asked.period, last >= revenue.month_number(run.as_of))
    title = _("%(movement)s, %(period)s") % {"movement": LABELS[movement], "period": period.label}
    if cohort is not None:
        title = _("Cohort of %(cohort)s, in %(month)s") % {"cohort": long_month(first_day(cohort)), "month": long_month(first_day(last))}
    policy = load_policy(run.policy if then.query else settings.POLICY)
    rule_number = RULE_OF[movement]
    context = {
        "title": title,
        "revenue_url": asked.url(value=None, movement=None),
        "currency": run.currency,
        "policy": _policy(policy, run),
        "state": {
            "shown": _how(counted("accounts", len(found), number(len(found))), asked, bool(reported)),
            "as_of": run.as_of,
            "whose": looked.whose if looked.team else None,
            "run": {"label": _("run %(run)s") % {"run": run.pk}},
            "recomputing": not then.query and stale_since() is not None,
        },
        "figures": [
            {
                "label": LABELS[movement] if cohort is None else _("MRR of the cohort"),
                "value": short(amount, run.currency),
                "title": exactly(amount, run.currency),
            },
            {"label": _("Accounts"), "value": number(len(found))},
            *(_rate_figures(found, movement, run) if movement in RATES else []),
            *([{"label": _("Started and stopped"), "value": number(went)}] if (went := sum(_came_and_went(r, movement) for r in found)) else []),
            *([{"label": _("Movements"), "value": number(sum(r["movements"] for r in found))}] if movement in (*UPS, *DOWNS) and cohort is None else []),
        ],
        "filters": [{"label": revenue.DIMENSIONS[asked.by], "value": request.GET["value"] or _("unknown"), "remove_url": behind_url(asked, movement)}]
        if by
        else [],
        "meaning": None if cohort is not None else _meaning(movement, run),
        "rows": [_behind_row(r, names.get(r["account_id"]), movement, sign, lines, run.currency) for r in part],
        "total": amount,
        "total_of": _("the MRR that the rate divides by what was paid twelve months ago") if movement in RATES else _("the figure on the Revenue page"),
        "rule": {"number": rule_number, "title": _title(rule["name"]), "text": rule["text"]} if (rule := policy.rules.get(rule_number)) else None,
        "previous_url": _behind_page(request, start - PAGE) if start else None,
        "next_url": _behind_page(request, start + PAGE) if start + PAGE < len(found) else None,
        "sort": sort,
        "shown": _span_of(start, len(part), len(found)) if part else "",
        "download_url": _behind_page(request, 0, format="csv"),
    } | then.context(request)
    return render(request, "pages/revenue_behind.html", context)


def _meaning(movement: str, run: PassRun) -> dict[str, Any] | None:
    """What a figure means, with its entry in the catalogue."""
    if movement in MEANING_OF:
        return meaning_of(MEANING_OF[movement], run)
    measure = f"{movement}_mrr_firm"
    return meaning_of_measure(measure) if measure in company_catalogue() else None


def _rate_figures(found: list[dict[str, Any]], movement: str, run: PassRun) -> list[dict[str, Any]]:
    """What was paid twelve months ago, the rate (the sum of the rows by it), and how many left and returned: they count as retained (rule 12)."""
    before = sum((r["before"] for r in found), Fraction(0))
    rate = sum((r["amount"] for r in found), Fraction(0)) / before if before else None
    paid = {"label": _("Paid twelve months ago"), "value": short(before, run.currency), "title": exactly(before, run.currency)}
    returned = {"label": _("Left and returned"), "value": number(sum(bool(r.get("returned")) for r in found))}
    return [paid, returned, {"label": RATES[movement], "value": percent(None if rate is None else float(rate))}]


def _came_and_went(row: Mapping[str, Any], movement: str) -> bool:
    """Whether a new account had stopped by the end of the period: the net of a month shows nothing of it (rule 4)."""
    return movement == "new" and not row["before"] and not row["after"]


def _named(row: Mapping[str, Any], movement: str) -> Any:
    if row.get("returned"):
        return _("left and returned")
    if _came_and_went(row, movement):
        return _("started and stopped")
    return LABELS[movement].lower() if movement in UPS | DOWNS | MOVED else _("paying")


def _span_of(start: int, here: int, of: int) -> str:
    return _("%(first)s to %(last)s of %(all)s") % {"first": number(start + 1), "last": number(start + here), "all": number(of)}


def _how(shown: str, asked: Asked, reported: bool) -> str:
    if reported:
        return _("%(shown)s, as reported") % {"shown": shown}
    return _("%(shown)s, at the plan rates of %(year)s") % {"shown": shown, "year": asked.rates} if asked.rates else shown


def _counted(asked: Asked) -> dict[str, Any]:
    """How the ledger is asked: movements, basis of churn, plan year of the rates."""
    return {"movements": asked.movements, "churn_basis": asked.churn_basis, "plan_year": asked.rates}


def _state(looked: Looked, then: Then, ledger: Ledger, span: tuple[int, int] | None, rates: dict[str, Any] | None = None) -> dict[str, Any]:
    run = then.run
    assert run is not None
    changed = revenue.level_since(ledger, run)
    note = _("nothing has changed since %(month)s") % {"month": long_month(first_day(changed))} if changed is not None else None
    shown = _("%(first)s to %(last)s") % {"first": long_month(first_day(span[0])), "last": long_month(first_day(span[1]))} if span else _("no lines yet")
    if rates:
        shown = _("%(shown)s, at the plan rates of %(year)s") % {"shown": shown, "year": rates["year"]}
    return {
        "shown": shown,
        "as_of": run.as_of,
        "whose": looked.whose,
        "run": {"label": _("run %(run)s") % {"run": run.pk}},
        "recomputing": not then.query and stale_since() is not None,
        "note": note,
    }


def _figures_and_charts(
    request: HttpRequest, looked: Looked, then: Then, ledger: Ledger, span: tuple[int, int], asked: Asked, reported: Reported | None = None
) -> dict[str, Any]:
    run = then.run
    assert run is not None
    asked.month = min(max(asked.month if asked.month is not None else span[1], span[0]), span[1])
    period = revenue.period_of(asked.month, asked.period, span, run)
    restated = ledger.months(min(span[0], period.first), span[1])
    months = {m.month: m for m in (reported.months(restated) if reported and asked.basis == "reported" else restated)}
    now = revenue.summed(months[m] for m in range(period.first, period.last + 1) if m in months)
    size = revenue.PERIODS[asked.period]
    previous, following = period.first - 1, period.first + size
    choices = range(span[1], span[0] - 1, -1) if size == 1 else sorted({m - m % size for m in range(span[0], span[1] + 1)}, reverse=True)
    scope = looked.scope
    whole = scope.everything
    by = revenue.ledger_of(run, scope, by=asked.by, **_counted(asked)) if ledger.first_month is not None else None
    split, split_note = revenue_reported.by_value(scope, asked, reported, by, period.first, period.last)
    query = asked.how() | ({"compare": asked.compare} if asked.compare else {}) | ({"basis": "reported"} if reported and asked.basis == "reported" else {})
    # What contradictions and exclusions would change is worked out at the run's own rates, and stands beside those figures.
    shut = bool(reported and period.last <= reported.last)
    # What they would change now says nothing of a run of before.
    out = request.GET.get("effects") == "1"
    beside = NO_DOUBTS if asked.rates or then.query or looked.team else doubts(user_of(request), run, now, period, asked, work_out=out, closed=shut)
    today = (revenue.committed(run, scope, asked.rates), revenue.paused(run, scope)) if period.last >= span[1] else (None, None)
    ways = (("event", _("Each change")), ("net", _("Net of the month")))
    return {
        "figures": marked(figures(now, period, run, asked, by, *today), beside["marks"]),
        "contradictions": beside["contradictions"],
        "excluded": beside["excluded"],
        "unresolved": None if asked.rates or asked.basis == "reported" else unresolved(run, scope, period, then.query),
        "notices": [{"tone": "warn", "title": note} for note in (run.notes if whole else ())]
        + (revenue_rates.notices(run) if whole and not then.query else []),
        "month": period.label,
        "months": [
            {"label": one.label, "url": asked.url(month=revenue.name_of(m)), "active": period.first <= m <= period.last}
            for m, one in ((m, revenue.period_of(m, asked.period, span, run)) for m in choices)
        ],
        "periods": [{"label": label, "url": asked.url(period=k), "active": k == asked.period} for k, label in PERIODS.items()],
        "movements": [
            {"label": t, "url": asked.url(movements=k), "active": k == asked.movements} for k, t in ways
        ],
        "previous_month_url": asked.url(month=revenue.name_of(previous)) if previous >= span[0] else None,
        "next_month_url": asked.url(month=revenue.name_of(following)) if following <= span[1] else None,
        "waterfall": waterfall(now, asked, run.currency),
        "retention": retention(months, span, run.currency, asked),
        "booked": revenue_booked.section(run, scope, period, asked, reported.closings if reported else []),
        "import_opportunities": {"label": _("Import opportunities"), "url": "/data/import/", "icon": "file-import"},
        "cohorts": cohorts(
            ledger if asked.basis != "reported" or not reported else revenue_reported.cohorts_of(run, scope, then.known), span, asked, run.currency
        ),
        "by": by_dimension(split, period, asked, run.currency) | {"note": split_note, "download_url": _file(query | {"by": asked.by})} if split else None,
        "download_url": _file(query),
    }


def _file(query: Mapping[str, str]) -> str:
    return f"{reverse('revenue-download')}?{urlencode(query)}"


def _behind_row(row: Mapping[str, Any], card: AccountCard | None, movement: str, sign: int, lines: Mapping[int, Any], currency: str) -> dict[str, Any]:
    account = row["account_id"]
    name = card.name if card else Account.objects.filter(pk=account).values_list("name", flat=True).first() or _("account %(account)s") % {"account": account}
    tone = "good" if movement in UPS or movement == "entering" else "bad" if movement in DOWNS else ""
    return {
        "account_name": name,
        "account_url": f"/accounts/{account}/",
        "segment": card.segment if card else None,
        "movement": _named(row, movement),
        "tone": tone,
        "before": amount_of(row["before"], currency),
        "after": amount_of(row["after"], currency),
        "amount": amount_of(row["amount"] * sign, currency),
        "currency": currency,
        "lines": [
            line | {"mrr": amount_of(line["mrr"], line["currency"] or currency), "currency": line["currency"] or currency} for line in lines.get(account, [])
        ],
    }


def _sorted(found: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Largest first as the ledger gives them, or by name."""
    if sort.endswith("account_name"):
        names = dict(
            AccountCard.objects.values_list("account_id", "search")
            if len(found) > 5_000
            else AccountCard.objects.filter(account_id__in=[r["account_id"] for r in found]).values_list("account_id", "search")
        )
        return sorted(found, key=lambda r: names.get(r["account_id"], ""), reverse=sort.startswith("-"))
    return found if sort == "-amount" else found[::-1]


def _behind_file(found: Iterable[Mapping[str, Any]], movement: str, run: PassRun, asked: Asked, form: str) -> StreamingHttpResponse:
    found = list(found)
    names = dict(AccountCard.objects.filter(account_id__in=[r["account_id"] for r in found][:30_000]).values_list("account_id", "name"))
    header = ("account_id", "account", "before_mrr", "after_mrr", f"{movement}_mrr", "currency")
    cells = (
        (r["account_id"], names.get(r["account_id"]),
         *(Money(amount_of(r[k], run.currency), run.currency) for k in ("before", "after", "amount")), run.currency)
        for r in found
    )  # fmt: skip
    return export(f"{movement}-{revenue.name_of(asked.month or 0)}", header, cells, form)


def _behind_page(request: HttpRequest, start: int, **more: str) -> str:
    query = request.GET.copy()
    query["start"] = str(start)
    for key, value in more.items():
        query[key] = value
    if not start:
        del query["start"]
    return f"{reverse('revenue-behind')}?{query.urlencode()}"


def _policy(policy: Policy, run: PassRun | None) -> dict[str, Any]:
    rules = [{"number": n, "title": _title(r["name"]), "text": r["text"]} for n, r in sorted(policy.rules.items())]
    return {"name": policy.title, "version": run.policy_version if run else policy.version, "summary": policy.description, "rules": rules}


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _month(text: str | None) -> int | None:
    try:
        return month_of(text or "")
    except ValueError:
        return None


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0


urlpatterns = [
    path("revenue/", show, name="revenue"),
    path("revenue/behind/", behind, name="revenue-behind"),
    path("revenue/download/", download, name="revenue-download"),
]
