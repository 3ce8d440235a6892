"""One measure: what it says, how its values are spread, and which accounts have the highest and lowest. Unknown is counted apart."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.company import company_catalogue
from laer.cycle.likelihoods import KINDS
from laer.cycle.own_measures import Measures
from laer.metrics.catalogue import Measure
from laer.web.book.definitions import may_define, measures
from laer.web.book.many import listed
from laer.web.book.scope import scope_of
from laer.web.pages import measure_words as words
from laer.web.pages.account_likelihood import learning_found
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.data import frame, user_of
from laer.web.pages.data_firm_measure import firm_measure
from laer.web.pages.data_metrics import covered_text, state_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.runs import trend
from laer.web.runs.latest import last_run
from laer.web.runs.measured import missing, values
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.queries import currency_of
from laer.web.runs.spread import Bar, Spread, by_segment, quartiles, spread
from laer.web.templatetags.laer import number, percent, url_with
from laer.web.wording import gettext_lazy

SHOWN = 25
CHUNK = 2_000  # rows of a file whose names are asked for at once
VIEWS = {
    "date": {"high": gettext_lazy("Latest"), "low": gettext_lazy("Earliest"), "unknown": gettext_lazy("Unknown")},
    "number": {"high": gettext_lazy("Highest"), "low": gettext_lazy("Lowest"), "unknown": gettext_lazy("Unknown")},
    "text": {"low": gettext_lazy("Known"), "unknown": gettext_lazy("Unknown")},
    "flag": {"high": gettext_lazy("Known"), "unknown": gettext_lazy("Unknown")},
}


@require_safe
@partial(as_then, newest=True)
def measure(request: HttpRequest, then: Then, measure: str) -> HttpResponseBase:
    """A measure of the catalogue, over the accounts that the person may see."""
    if measure in company_catalogue():
        return firm_measure(request, company_catalogue()[measure], then)
    there_are = measures()
    one = there_are.get(measure)
    if one is None:
        raise Http404
    user, run = user_of(request), then.run
    scope, currency = scope_of(user), run.currency if run and then.query else currency_of(run)
    table = values(run, scope, one.id)
    there = pc.is_valid(table["value"])
    known = table.filter(there)
    spreading = spread(one.kind, known["value"], whole=one.unit in words.UNITS)
    views = VIEWS.get(one.kind, VIEWS["number"])
    view = request.GET.get("view", "")
    view = view if view in views else next(iter(views)) if known.num_rows else "unknown"
    asked = request.GET.get("bar", "")
    bar = next((place for place, made in enumerate(spreading.bars) if asked and made.key == asked), None)
    rows = table.filter(pc.invert(there)) if view == "unknown" else _ordered(known if bar is None else known.filter(_of_bar(spreading, bar)), view)
    if form := format_of(request):
        header = ("account_id", "account", "segment", "owner", one.id, *(("currency",) if one.kind == "money" else ()))
        return export(f"{one.id}-{run.as_of if run else 'none'}", header, _cells(one, rows, currency), form)
    start = request.GET.get("start", "0")
    begin = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    part = _named(rows.slice(begin, SHOWN))
    counts = {"unknown": table.num_rows - known.num_rows}
    context = frame(user, "metrics") | {
        "measure": _about(one) | ({"edit_url": reverse("definition", args=["measure", one.id])} if one.own and may_define(user, "measure") else {}),
        "nothing": table.num_rows == 0,
        "nothing_yours": table.num_rows == 0 and not scope.everything,
        "missing": _missing(request, run, one, there_are) if table.num_rows and not known.num_rows else None,
        "figures": _figures(request, one, table, known, spreading, currency),
        "chart": _chart(request, one, spreading, known.num_rows, currency),
        "months_url": reverse("measure_months", args=[one.id]) if known.num_rows and one.kind in trend.KINDS and not then.query else None,
        "segments": _segments(one, table, currency) if one.id != "segment" and known.num_rows else [],
        "middle": {"flag": _("Yes"), "text": _("Most frequent")}.get(one.kind, _("Median")),
        "views": [
            {"title": title, "url": url_with(request, view=name, bar=None, start=None), "active": name == view, "count": counts.get(name)}
            for name, title in views.items()
        ],
        "view": view,
        "rows": [row | words.said(one, words.plain(one, row["value"]), currency) | _then_of(row, then) for row in part],
        "filters": [] if bar is None or view == "unknown" else [_chip(request, one, spreading.bars[bar], currency)],
        "notices": _gone() if asked and bar is None else [],
        "previous_url": url_with(request, start=max(0, begin - SHOWN) or None) if begin else None,
        "next_url": url_with(request, start=begin + SHOWN) if begin + SHOWN < rows.num_rows else None,
        "shown": _("%(first)s to %(last)s of %(all)s")
        % {"first": number(begin + 1), "last": number(min(begin + SHOWN, rows.num_rows)), "all": number(rows.num_rows)}
        if part
        else "",
        "download_url": url_with(request, format="csv", start=None) if rows.num_rows else None,
        "upload_url": None,
        "state": {"shown": covered_text(known.num_rows, table.num_rows) if table.num_rows else None, **state_of(run, scope.everything)},
    } | then.context(request)
    return render(request, "pages/measure.html", context)


def _missing(request: HttpRequest, run: PassRun | None, one: Measure, there_are: Measures) -> dict[str, Any]:
    """Why nothing is known of it: of a likelihood what learning found, else what is not connected."""
    return learning_found(one.id) if one.id in KINDS else words.missing_text(request, missing(run, one.id, there_are))


@require_safe
def months(request: HttpRequest, measure: str) -> HttpResponseBase:
    """Its months, asked for by the measure's page once that stands: thirteen dates take longer than a page may."""
    one = measures().get(measure)
    user, run = user_of(request), last_run()
    if one is None:
        raise Http404
    if one.kind not in trend.KINDS or run is None:
        return render(request, "pages/measure_months.html", {"measure": _about(one), "no_middle": one.kind not in trend.KINDS})
    currency = currency_of(run)
    try:
        points = trend.trend(run, scope_of(user), one.id, one.kind)
    except TimeoutError:
        return render(request, "pages/measure_months.html", {"measure": _about(one), "late": True})
    rows = [
        {"day": point.day, "n": point.n, "accounts": point.accounts}
        | {name: _said(one, getattr(point, name), currency) for name in ("low", "middle", "high")}
        for point in points
    ]
    flag = one.kind == "flag"
    lines = [(_("Share of yes") if flag else _("Median"), "middle", "solid")] + ([] if flag else [(_("A quarter is below"), "low", "dotted"),
        (_("A quarter is above"), "high", "dotted")])
    series = [{"name": name, "values": [_number(getattr(point, key)) for point in points], "dash": dash} for name, key, dash in lines]
    unit = "percent" if flag or one.unit == words.RATE else one.kind
    data = {"unit": unit, "currency": currency, "x": [f"{point.day:%Y-%m}" for point in points], "series": series}
    known = any(point.n for point in points)
    return render(request, "pages/measure_months.html", {"measure": _about(one), "rows": rows, "flag": flag, "data": data if known else None})


def _said(one: Measure, value: Any, currency: str) -> str:
    if value is None:
        return number(None)
    return percent(value, 0) if one.kind == "flag" else str(words.said(one, words.plain(one, value), currency)["text"])


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _chip(request: HttpRequest, one: Measure, bar: Bar, currency: str) -> dict[str, Any]:
    return {"label": words.text(one.name), "value": words.bar_text(one, bar, currency), "remove_url": url_with(request, bar=None, start=None)}


def _gone() -> list[dict[str, Any]]:
    title, text = _("That part of the values is no longer there"), _("The values have moved since the link was made. All are shown.")
    return [{"tone": "warn", "title": title, "text": text}]


def _about(one: Measure) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": words.text(one.name),
        "words": words.sentence(one.words),
        "motion": words.MOTIONS[one.motion],
        "motion_url": f"{reverse('metrics')}?motion={one.motion}",
        "kind": words.KINDS[one.kind],
        "unit": words.text(one.unit),
        "moves": words.MOVES.get(one.leading) if one.leading is not None else None,
        "moves_title": words.SAID_OF_MOVES.get(one.leading) if one.leading is not None else None,
        "better": words.BETTER[one.better],
        "sources": [words.source_text(source) for source in one.sources],
        "counts": one.kind in ("number", "money", "flag"),
        "zero": one.zero,
        "own": one.own,
        "method": f"docs/methods/{one.method}.md",
    }


def _then_of(row: dict[str, Any], then: Then) -> dict[str, str]:
    """The account of a row as the run knew it, on a page of before."""
    return {"account_url": f"{reverse('account', args=[row['account_id']])}?{urlencode(then.query)}"} if then.query else {}


def _ordered(known: pa.Table, view: str) -> pa.Table:
    """By value, those that have the same one by account."""
    return known.sort_by([("value", "descending" if view == "high" else "ascending"), ("account_id", "ascending")]) if known.num_rows else known


def _of_bar(spreading: Spread, place: int) -> pa.Array:
    return pa.array(spreading.at == place)


def _figures(request: HttpRequest, one: Measure, table: pa.Table, known: pa.Table, spreading: Spread, currency: str) -> list[dict[str, Any]]:
    """How many are known, and the quartiles of those; of words and flags the most frequent."""
    if not table.num_rows:
        return []
    unknown = table.num_rows - known.num_rows
    of = _("of %(accounts)s; %(unknown)s unknown") % {"accounts": number(table.num_rows), "unknown": number(unknown)}
    figures: list[dict[str, Any]] = [{"label": _("Known"), "value": number(known.num_rows), "hint": of, "url": "#accounts"}]
    n = ngettext("of %(n)s known", "of %(n)s known", known.num_rows) % {"n": number(known.num_rows)}
    if one.kind in ("text", "flag"):
        for bar in sorted(spreading.bars, key=lambda bar: -bar.count)[: 4 if one.kind == "text" else 2]:
            share = percent(bar.count / known.num_rows, 0)
            label = words.bar_text(one, bar, currency)
            label = label[:1].upper() + label[1:] if bar.value in (True, False, *one.words_of) else label
            figures.append({"label": label, "value": number(bar.count), "hint": f"{share} {n}", "url": _bar_url(request, bar)})
        return figures
    labels = (_("Lowest"), _("A quarter is below"), _("Median"), _("A quarter is above"), _("Highest"))
    if one.kind == "date":
        labels = (_("Earliest"), _("A quarter is before"), _("Median"), _("A quarter is after"), _("Latest"))
    for label, value in zip(labels, quartiles(one.kind, known["value"]), strict=False):
        said = words.said(one, words.plain(one, value), currency)
        hint = " · ".join(part for part in (said["unit"], n) if part)
        figures.append({"label": label, "value": said["text"], "title": said["title"], "hint": hint, "word": one.kind == "date"})
    if known.num_rows and len(figures) > 1:  # the ends open to the accounts that have them, the quartiles to how the values are spread
        figures[1]["url"], figures[-1]["url"] = (url_with(request, view=view, bar=None, start=None) + "#accounts" for view in ("low", "high"))
        for figure in figures[2:-1]:
            figure["url"] = "#spread-title"
    return figures


def _bar_url(request: HttpRequest, bar: Bar) -> str | None:
    return url_with(request, bar=bar.key, view=None, start=None) + "#accounts" if bar.count else None


def _chart(request: HttpRequest, one: Measure, spreading: Spread, n: int, currency: str) -> dict[str, Any] | None:
    if not spreading.bars:
        return None
    table = [
        {"label": words.bar_text(one, bar, currency), "count": bar.count, "share": bar.count / n, "url": _bar_url(request, bar)} for bar in spreading.bars
    ]
    rest = int((spreading.at < 0).sum())
    if rest:
        table.append({"label": _("all others"), "count": rest, "share": rest / n, "url": None})
    series = [{"name": _("Accounts"), "values": [row["count"] for row in table]}]
    data = {"unit": "number", "x": [row["label"] for row in table], "series": series, "urls": [row["url"] for row in table]}
    return {"data": data, "rows": table}


def _segments(one: Measure, table: pa.Table, currency: str) -> list[dict[str, Any]]:
    rows = []
    for of in by_segment(one.kind, table):
        middle: dict[str, Any] = words.said(one, words.plain(one, of.middle), currency)
        if one.kind == "flag" and of.share is not None:
            middle = {"text": percent(of.share, 0), "title": "", "unit": ""}
        share = percent(of.share, 0) if one.kind == "text" and of.n else None
        rows.append({"segment": of.segment, "accounts": of.accounts, "n": of.n, "share": share} | middle)
    return rows


def _named(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows with the names of their accounts; one archived since the run is left out. One query, of accounts in scope already."""
    ids = rows["account_id"].to_pylist()
    if not ids:
        return []
    cards = AccountCard.objects.filter(account_id__in=listed(ids), account__archived_at=None).values("account_id", "name", "segment", "owner_name", "currency")
    named = {card["account_id"]: card for card in cards}
    pairs = zip(ids, rows["value"].to_pylist(), strict=True)
    return [named[account] | {"value": value, "account_url": f"{reverse('account', args=[account])}?tab=facts"} for account, value in pairs if account in named]


def _cells(one: Measure, rows: pa.Table, currency: str) -> Iterator[list[Any]]:
    for begin in range(0, rows.num_rows, CHUNK):
        for row in _named(rows.slice(begin, CHUNK)):
            value = words.plain(one, row["value"])
            shown = Money(value, currency) if one.kind == "money" else value
            yield [row["account_id"], row["name"], row["segment"], row["owner_name"], shown, *((currency,) if one.kind == "money" else ())]
