"""Renewal rates: how much of what fell due was renewed, when and at what effort, by the period in which the term ended; each figure opens to its renewals."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.due_items import AUTOMATIC, GONE, SIGNED
from laer.cycle.run_tables import QuestionFault
from laer.records.periods import date_of, first_day, month_name, month_number, month_of
from laer.web.book.many import listed
from laer.web.book.scope import scope_of
from laer.web.pages import measure_words as words
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.revenue_charts import amount_of
from laer.web.runs import renewal_rates as rates
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import stale_since
from laer.web.runs.revenue import DIMENSIONS, Period
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

PAGE = 50
PERIODS = {"month": gettext_lazy("Month"), "quarter": gettext_lazy("Quarter")}
LINES = (("renewal_rate", "solid"), ("renewal_rate_gross", "dashed"), ("renewal_rate_net", "dotted"))
SHORT = {  # headings of the tables; the catalogue's name and words stand behind them
    "renewals_due": gettext_lazy("Due"), "renewals_open": gettext_lazy("Open"), "arr_available_to_renew": gettext_lazy("ARR due"),
    "renewal_rate": gettext_lazy("Rate"), "renewal_rate_gross": gettext_lazy("Gross"), "renewal_rate_net": gettext_lazy("Net"),
    "renewal_rate_signed": gettext_lazy("Decided"), "renewals_automatic": gettext_lazy("By itself"), "renewals_on_time": gettext_lazy("On time"),
    "attach_rate": gettext_lazy("Attached"), "attach_rate_value": gettext_lazy("By value"), "notice_missed": gettext_lazy("Missed"),
    "surprise_churn": gettext_lazy("Surprise"), "renewal_effort": gettext_lazy("Effort"),
}  # fmt: skip
RESULTS = {
    SIGNED: (gettext_lazy("renewed"), "good"), AUTOMATIC: (gettext_lazy("renewed by itself"), "good"), GONE: (gettext_lazy("lost"), "bad"),
    None: (gettext_lazy("not settled"), "warn"),
}  # fmt: skip
SUMMED = {"renewals_due", "renewals_open", "arr_available_to_renew"}


@require_safe
@as_then
def show(request: HttpRequest, then: Then) -> HttpResponseBase:
    """How much of what fell due was renewed, by period, segment and owner."""
    run = then.run
    scope = scope_of(request.user)
    given = request.GET
    kind = given["period"] if given.get("period") in PERIODS else "quarter"
    by = given["by"] if given.get("by") in rates.DIMENSIONS else "segment"
    context: dict[str, Any] = {"state": _state(run, scope.everything, then), "heads": _heads(), "tabs": _tabs(then)}
    if run is not None:
        spans = rates.spans_of(kind, run)
        try:
            found = rates.rates_of(run, scope, spans)
        except QuestionFault:  # a run of before facts were kept, which a link names
            return render(request, "pages/renewal_rates.html", context | then.context(request))
        whole = (spans[0][0], spans[-1][1])
        if form := format_of(request):
            return _download(found, spans, run, form)
        chart = _chart(found, spans, kind, run, then)
        parts = rates.rates_of(run, scope, [whole], by) if chart else {}
        context |= {
            "currency": run.currency,
            "chart": chart,
            "rows": [_row(found[p, None], span, run, then, {"label": _brief(span, kind, run)}) for p, span in reversed(list(enumerate(spans)))],
            "parts": [
                _row(figures, whole, run, then, {"label": value or _("unknown")}, by=by, value=value or "")
                for (_p, value), figures in sorted(parts.items(), key=lambda item: -(item[1]["arr_available_to_renew"]["amount"] or 0))
            ],
            "total": _row(rates.rates_of(run, scope, [whole])[0, None], whole, run, then, {"label": _("Total")}),
            "whole": _label(whole, "several", run),
            "dimension": DIMENSIONS[by],
            "periods": [{"label": label, "url": _url(then, period=key, by=by), "active": key == kind} for key, label in PERIODS.items()],
            "dimensions": [{"label": DIMENSIONS[key], "url": _url(then, period=kind, by=key) + "#parts", "active": key == by} for key in rates.DIMENSIONS],
            "download_url": _url(then, period=kind, format="csv") if chart else None,
        } | then.context(request)
    return render(request, "pages/renewal_rates.html", context)


@require_safe
@as_then
def behind(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The renewals behind one figure."""
    run, given = then.run, request.GET
    measure, span = rates.MEASURES.get(given.get("measure", "")), _span(given)
    by = given.get("by") or None
    if run is None or measure is None or span is None or span[0] > month_number(run.as_of) or (by is not None and by not in rates.DIMENSIONS):
        raise Http404
    scope, value = scope_of(request.user), given.get("value", "")
    try:
        found = rates.behind(run, scope, measure.id, span, by, value if by else None)
    except QuestionFault as error:
        raise Http404 from error
    names = _names(found)
    if form := format_of(request):
        return _behind_file(found, names, run, measure.id, form)
    wanted = given.get("start", "0")
    start = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else 0
    part = found[start : start + PAGE]
    figure = rates.rates_of(run, scope, [span], by).get((0, value if by else None), {}).get(measure.id)
    said = _said(figure, measure.id, run)
    n = len(found)
    context = {
        "title": _("%(measure)s, %(period)s") % {"measure": words.text(measure.name), "period": _label(span, _kind(span), run)},
        "rates_url": _url(then),
        "currency": run.currency,
        "state": {"shown": ngettext("%(n)s renewal", "%(n)s renewals", n) % {"n": number(n)}, **_state(run, scope.everything, then)},
        "figures": [
            {"label": words.text(measure.name), "value": said["text"], "title": said["title"]},
            {"label": _("Renewals"), "value": number(n)},
        ],
        "meaning": words.sentence(measure.words),
        "entry_url": reverse("measure", args=[measure.id]),
        "filters": [{"label": DIMENSIONS[by], "value": value or _("unknown"), "remove_url": _behind_url(then, measure.id, span)}] if by else [],
        "rows": [_behind_row(r, names.get(r["account_id"], {}), run) for r in part],
        "shown": _("%(first)s to %(last)s of %(all)s") % {"first": number(start + 1), "last": number(start + len(part)), "all": number(n)} if part else "",
        "previous_url": _behind_url(then, measure.id, span, by, value, start=max(0, start - PAGE) or None) if start else None,
        "next_url": _behind_url(then, measure.id, span, by, value, start=start + PAGE) if start + PAGE < n else None,
        "download_url": _behind_url(then, measure.id, span, by, value, format="csv") if n else None,
    } | then.context(request)
    return render(request, "pages/renewals_behind.html", context)


def _state(run: PassRun | None, whole: bool, then: Then) -> dict[str, Any]:
    if run is None:
        return {"note": _("nothing has been computed yet")}
    return {
        "as_of": run.as_of, "whose": _("the whole book") if whole else _("your book"), "run": {"label": _("run %(run)s") % {"run": run.pk}},
        "recomputing": not then.query and stale_since() is not None,
    }  # fmt: skip


def _tabs(then: Then) -> list[dict[str, Any]]:
    return tabs(then, active="rates")


def tabs(then: Then, active: str) -> list[dict[str, Any]]:
    """Of Renew: what falls due, and how much of it was renewed."""
    query = f"?{urlencode(dict(then.query))}" if then.query else ""
    both = (
        ("due", _("What falls due"), reverse("renewals")), ("forecast", _("Forecast"), reverse("renewal_forecast")),
        ("rates", _("Renewal rates"), reverse("renewal_rates")),
        ("adoption", _("Does adoption pay?"), reverse("renewal_adoption")),
    )  # fmt: skip
    found = [{"title": title, "url": url + query, "active": key == active} for key, title, url in both]
    return [*found, {"title": _("Risks"), "url": reverse("risks"), "active": False}]


def _heads() -> list[dict[str, str]]:
    asked = ((title, rates.MEASURES[name]) for name, title in SHORT.items())
    return [{"title": str(title), "words": f"{words.text(one.name)}: {words.sentence(one.words)}"} for title, one in asked]


def _label(span: rates.Span, kind: str, run: PassRun) -> str:
    """A period in words: one month, one quarter, or from one month to another."""
    if kind != "several":
        return Period(span[0], span[1], kind, span[1] >= month_number(run.as_of)).label
    last = min(span[1], month_number(run.as_of))
    return _("%(first)s to %(last)s") % {"first": _label((span[0], span[0]), "month", run), "last": _label((last, last), "month", run)}


def _kind(span: rates.Span) -> str:
    quarter = span[1] - span[0] == 2 and span[0] % 3 == 0
    return "month" if span[0] == span[1] else "quarter" if quarter else "several"


def _brief(span: rates.Span, kind: str, run: PassRun) -> str:
    """The period where there is little room."""
    if kind == "month":
        return _label(span, kind, run)
    name = _("Q%(quarter)s %(year)s") % {"quarter": span[0] % 12 // 3 + 1, "year": 1970 + span[0] // 12}
    return _("%(period)s to date") % {"period": name} if span[1] >= month_number(run.as_of) else name


def _row(figures: Mapping[str, Any], span: rates.Span, run: PassRun, then: Then, row: dict[str, Any], by: str | None = None, value: str = "") -> dict[str, Any]:
    cells = []
    for name in SHORT:
        figure = figures.get(name)
        said = _said(figure, name, run)
        linked = figure is not None and figure["n"] and figure["amount"] is not None and (name not in SUMMED or figure["amount"])
        cells.append(said | {"url": _behind_url(then, name, span, by, value) if linked else None, "strong": name in dict(LINES)})
    return row | {"cells": cells}


def _said(figure: Mapping[str, Any] | None, name: str, run: PassRun) -> dict[str, Any]:
    """A figure in words, and how sure it is: n, and the interval or the middle half."""
    measure = rates.MEASURES[name]
    if figure is None or figure["amount"] is None:
        return {"text": "–", "title": _("nothing is known of it")}
    said = words.said(measure, words.plain(measure, figure["amount"]), run.currency)
    title = said["title"]
    if name not in SUMMED:
        title = ngettext("%(n)s renewal", "%(n)s renewals", figure["n"]) % {"n": number(figure["n"])}
        if figure["low"] is not None:
            low, high = (words.said(measure, words.plain(measure, figure[edge]), run.currency)["text"] for edge in ("low", "high"))
            between = _("the middle half from %(low)s to %(high)s") if name == "renewal_effort" else _("between %(low)s and %(high)s with 95 %%")
            title = f"{title}, {between % {'low': low, 'high': high}}"
    return {"text": said["text"], "title": title}


def _chart(found: Mapping[tuple[int, str | None], Mapping[str, Any]], spans: list[rates.Span], kind: str, run: PassRun, then: Then) -> dict[str, Any] | None:
    def at(name: str) -> list[float | None]:
        amounts = [found[p, None][name]["amount"] for p in range(len(spans))]
        return [None if amount is None else round(amount, 6) for amount in amounts]

    if not any(found[p, None]["renewals_due"]["amount"] for p in range(len(spans))):
        return None
    series = [
        {"name": words.text(rates.MEASURES[name].name), "values": at(name), "dash": dash, "area": False,
         "urls": [_behind_url(then, name, span) for span in spans]}
        for name, dash in LINES
    ]  # fmt: skip
    return {"unit": "percent", "x": [month_name(span[0]) if kind == "month" else _brief(span, kind, run) for span in spans], "series": series}


def _url(then: Then, **more: Any) -> str:
    usual = {"period": "quarter", "by": "segment"}
    query = urlencode({k: v for k, v in more.items() if usual.get(k) != v} | dict(then.query))
    return reverse("renewal_rates") + (f"?{query}" if query else "")


def _behind_url(then: Then, measure: str, span: rates.Span, by: str | None = None, value: str = "", **more: Any) -> str:
    asked = {"measure": measure, "first": month_name(span[0]), "last": month_name(span[1])} | ({"by": by, "value": value} if by else {})
    return f"{reverse('renewals_behind')}?{urlencode(asked | {k: v for k, v in more.items() if v is not None} | dict(then.query))}"


def _span(given: Mapping[str, str]) -> rates.Span | None:
    try:
        first, last = month_of(given.get("first", "")), month_of(given.get("last", ""))
    except ValueError:
        return None
    return (first, last) if first <= last else None


def _names(found: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    cards = AccountCard.objects.filter(account_id__in=listed({r["account_id"] for r in found}))
    return {c["account_id"]: dict(c) for c in cards.values("account_id", "name", "owner_name", "segment")}


def _behind_row(row: Mapping[str, Any], card: Mapping[str, Any], run: PassRun) -> dict[str, Any]:
    text, tone = RESULTS[row["result"]]

    def money(name: str) -> Any:
        return None if row[name] is None else amount_of(Fraction(row[name]).limit_denominator(10**6), run.currency)

    return {
        "account": card.get("name") or _("account %(account_id)s") % {"account_id": row["account_id"]},
        "url": f"/accounts/{row['account_id']}/?tab=subscriptions",
        "segment": card.get("segment"), "owner": card.get("owner_name"), "ends_on": date_of(row["ends_d"]), "due_on": date_of(row["due_d"]),
        "contracts": row["contracts"], "words": str(text), "tone": tone, "due": money("due"), "kept": money("kept"), "renewed": money("renewed"),
        "on_time": row["on_time"], "minutes": row["minutes"],
    }  # fmt: skip


def _download(found: Mapping[tuple[int, str | None], Mapping[str, Any]], spans: list[rates.Span], run: PassRun, form: str) -> StreamingHttpResponse:
    header = ("first_day", "last_day", *rates.MEASURES, "currency")
    cells = (
        (first_day(first), date_of(rates.days_of((first, last))[1] - 1), *(_cell(found[p, None][name], name, run) for name in rates.MEASURES), run.currency)
        for p, (first, last) in enumerate(spans)
    )
    return export(f"renewal-rates-{run.as_of}", header, cells, form)


def _cell(figure: Mapping[str, Any], name: str, run: PassRun) -> Any:
    amount = rates.plain(figure["amount"])
    return Money(None if amount is None else amount_of(Fraction(amount), run.currency), run.currency) if rates.MEASURES[name].kind == "money" else amount


def _behind_file(found: list[dict[str, Any]], names: Mapping[int, Any], run: PassRun, name: str, form: str) -> StreamingHttpResponse:
    header = (
        "account_id", "account", "ends_on", "due_on", "contracts", "result", "due_arr", "kept_arr", "renewed_arr", "currency", "on_time",
        "minutes", "adds", "of",
    )  # fmt: skip

    def cells() -> Any:
        for r in found:
            row = _behind_row(r, names.get(r["account_id"], {}), run)
            on_time = None if r["on_time"] is None else bool(r["on_time"])
            yield (
                r["account_id"], row["account"], row["ends_on"], row["due_on"], r["contracts"], r["result"],
                *(Money(row[column], run.currency) for column in ("due", "kept", "renewed")), run.currency, on_time, r["minutes"],
                rates.plain(r["top"]), rates.plain(r["bottom"]),
            )  # fmt: skip

    return export(f"{name}-{run.as_of}", header, cells(), form)


urlpatterns = [path("renewals/rates/", show, name="renewal_rates"), path("renewals/behind/", behind, name="renewals_behind")]
