"""One measure of the firm: what it says, its last twelve months, what it is by a dimension, and the rows that make it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.cycle.company import company_catalogue
from laer.cycle.run_tables import QuestionFault
from laer.land.costs import RESTRICTED
from laer.metrics.catalogue import Measure
from laer.metrics.company import FACTS, RATIO, SHARE, SUM
from laer.metrics.ledger_figures import LEDGER
from laer.metrics.motion_costs import RESTRICTED as COSTS_OF_MOTIONS
from laer.records.periods import date_of
from laer.web.book.many import listed
from laer.web.book.scope import scope_of
from laer.web.pages import measure_words as words
from laer.web.pages import motion
from laer.web.pages.as_of import Then
from laer.web.pages.data import frame, user_of
from laer.web.pages.data_metrics import state_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.motion import DAYS, MONEY, MONTHS, NUMBER, PERCENT, SHOWN, TIMES, Asked, Column, Line, said, tile
from laer.web.runs import landing
from laer.web.runs.desk import ask
from laer.web.runs.measured import firm_missing
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.queries import currency_of
from laer.web.templatetags.laer import day, number, percent
from laer.web.wording import gettext_lazy

ROUTE = "measure"
BY = {"segment": gettext_lazy("Segment"), "country": gettext_lazy("Country"), "industry": gettext_lazy("Industry"), "owner": gettext_lazy("CSM")}
BY_LINE = {"plan": gettext_lazy("Plan"), "product": gettext_lazy("Product")}  # what lines say, and the ledger can be split by
UNITS = {"days": DAYS, "months": MONTHS, "times": TIMES, words.RATE: PERCENT}
INTERVALS = {
    SHARE: gettext_lazy("likely between %(low)s and %(high)s, from %(n)s"), SUM: gettext_lazy("from %(n)s"), RATIO: gettext_lazy("from %(n)s"),
}  # fmt: skip
MIDDLE = gettext_lazy("the middle half lies between %(low)s and %(high)s, of %(n)s")
CHUNK = 2_000


def firm_measure(request: HttpRequest, one: Measure, then: Then) -> HttpResponseBase:
    """The page of a measure of the firm, over the accounts that the person may see."""
    user, run = user_of(request), then.run
    if one.id in RESTRICTED | COSTS_OF_MOTIONS and not user.may_see_costs:
        raise PermissionDenied
    scope, currency = scope_of(user), currency_of(run)
    dimensions = dimensions_of(one)
    asked = Asked(request, ROUTE, {"by": tuple(dimensions)} if dimensions else {}, then=then.query, args=[one.id])
    missing = firm_missing(run, one.id)
    rows = None if missing or run is None or company_catalogue().one(one.id) is None else _behind(run, scope, one)
    if form := format_of(request):
        return _download(one, rows, run, currency, form)
    firm = landing.firm_of(None if missing else run, scope, (one.id,))
    broken = {} if missing or not dimensions else landing.split_of(run, scope, (one.id,), asked["by"])
    unit = unit_of(one)
    context = frame(user, "metrics") | {
        "measure": about(one),
        "missing": words.missing_text(request, missing) if missing else None,
        "figures": [] if missing else _figures(one, firm, unit, currency),
        "trends": [] if missing else [_trend(one, firm, unit, currency)],
        "breakdown": None if missing or not dimensions else _breakdown(one, asked, dimensions, broken, unit, currency),
        "listing": _listing(one, asked, rows, currency) if rows is not None else None,
        "upload_url": None,
        "download_url": asked.url(format="csv") if rows is not None and rows.num_rows else None,
        "state": {"shown": _("the last twelve months") if run else None, **state_of(run, scope.everything)},
    } | then.context(request)
    return render(request, "pages/firm_measure.html", context)


def about(one: Measure) -> dict[str, Any]:
    """What the catalogue says of it."""
    return {
        "id": one.id, "name": words.text(one.name), "words": words.sentence(one.words), "motion": words.MOTIONS[one.motion],
        "motion_url": f"{reverse('metrics')}?motion={one.motion}", "kind": words.KINDS[one.kind], "unit": words.text(one.unit),
        "moves": words.MOVES.get(one.leading) if one.leading is not None else None,
        "moves_title": words.SAID_OF_MOVES.get(one.leading) if one.leading is not None else None, "better": words.BETTER[one.better],
        "sources": [words.source_text(source) for source in one.sources], "of": words.GRAINS[one.grain], "method": f"docs/methods/{one.method}.md",
        "made_of": [
            {"name": words.text(company_catalogue()[name].name), "url": reverse(ROUTE, args=[name])}
            for name in (company_catalogue().combined[one.id].reads if one.id in company_catalogue().combined else ())
        ],
    }  # fmt: skip


def unit_of(one: Measure) -> str:
    return MONEY if one.kind == "money" else UNITS.get(one.unit, NUMBER)


def dimensions_of(one: Measure) -> dict[str, Any]:
    """By what it can be split: what accounts are, and what its items say themselves."""
    catalogue = company_catalogue()
    needed = catalogue.needed([one.id])
    if any(name in catalogue.stated and catalogue.stated[name].whole for name in needed):
        return {}
    if all(name in catalogue.stated and catalogue.stated[name].by == LEDGER for name in needed):
        return {**BY, **BY_LINE}
    counted = [catalogue.companies[name] for name in needed if name in catalogue.companies]
    items = [catalogue.items_of[company.of] for company in counted if company.of != FACTS]
    if not all(item.of_accounts for item in items):
        return {}
    own = [item.dimensions or {} for item in items]
    shared = {name: words.text(title) for name, title in (own[0].items() if own else ()) if all(name in other for other in own)}
    return {**BY, **(shared if len(items) == len(needed) else {})}


def _figures(one: Measure, firm: landing.Firm, unit: str, currency: str) -> list[dict[str, Any]]:
    now, before, months = firm.now(one.id), firm.before(one.id), firm.by_month(one.id)

    def figure(label: str, amount: landing.Amount, **more: Any) -> dict[str, Any]:
        known = _likely(one, amount, unit, currency)
        return tile(label, amount.amount, unit, currency, better=one.better, known=known, missing={"text": _("Nothing of that time says it.")}, **more)

    if company_catalogue().at_end(one.id):
        return [figure(_("Now"), now, before=before.amount, points=[month.amount for month in months]), figure(_("A year before"), before)]
    return [
        figure(_("Last twelve months"), now, before=before.amount, points=[month.amount for month in months]),
        figure(_("The twelve before"), before),
        figure(_("This month to date"), months[-1] if months else landing.NOTHING),
    ]


def _likely(one: Measure, amount: landing.Amount, unit: str, currency: str) -> str:
    """From how many rows, and how far it may be off."""
    if amount.amount is None or not amount.n:
        return ""
    made = company_catalogue().one(one.id)
    how = SUM if made is None else made.how
    low, high = (said(value, unit, currency)[0] for value in (amount.low, amount.high))
    if unit == PERCENT and amount.low is not None and amount.high is not None:
        low, high = percent(amount.low, 0), percent(amount.high, 0)
    n = ngettext("%(n)s row", "%(n)s rows", amount.n) % {"n": number(amount.n)}
    text = INTERVALS.get(how) if isinstance(how, str) else MIDDLE
    if amount.low is None or amount.high is None:
        text = INTERVALS[SUM]
    return str(text) % {"low": low, "high": high, "n": n}


def _trend(one: Measure, firm: landing.Firm, unit: str, currency: str) -> dict[str, Any]:
    months = firm.by_month(one.id)
    year = firm.to_month(one.id)
    lines = [Line(_("At the month’s end") if company_catalogue().at_end(one.id) else _("In the month"), [p.amount for p in months])]
    made = company_catalogue().one(one.id)
    if not company_catalogue().at_end(one.id) and (made is None or made.how != SUM):  # of few rows a month, a rate jumps
        lines.append(Line(_("In the twelve months to its end"), [p.amount for p in year], "dashed"))
    return motion.trend("months", _("By month"), firm.months, lines, unit, currency, known=[p.n for p in months], known_title=_("Rows"))


def _breakdown(
    one: Measure, asked: Asked, dimensions: Mapping[str, Any], broken: Mapping[str, Mapping[str, landing.Amount]], unit: str, currency: str
) -> dict[str, Any]:
    columns = (Column("amount", words.text(one.name), unit), Column("n", _("Rows"), NUMBER))
    ordered = sorted(broken.items(), key=lambda item: (not item[0], item[1][one.id].amount is None, -(item[1][one.id].amount or 0), item[0]))
    rows = [{"name": value or None, "amount": found[one.id].amount, "n": found[one.id].n} for value, found in ordered]
    by = asked.switch("by", dimensions, "by")
    return motion.breakdown(_("Of what it is made"), by, columns, rows, currency, chart="amount", note=_("last twelve months"))


def _behind(run: PassRun, scope: Any, one: Measure) -> pa.Table | None:
    months = landing.months_of(run)
    first, until = landing.span(months[0], months[-1])
    try:
        table = ask("company_behind", {"measure": one.id, "first": first, "until": until}, scope, run.pk)
    except QuestionFault:  # no rows stand behind it
        return None
    return table.sort_by([("on_d", "descending"), ("account_id", "ascending")])


HEADS = (
    {"title": gettext_lazy("On"), "css": "nowrap"}, {"title": gettext_lazy("Adds"), "css": "num strong"}, {"title": gettext_lazy("Divided by"), "css": "num"},
)  # fmt: skip


def _listing(one: Measure, asked: Asked, rows: pa.Table, currency: str) -> dict[str, Any]:
    made = company_catalogue().one(one.id)
    heads = HEADS if made is not None and made.divided else HEADS[:2]
    top = MONEY if one.kind == "money" else NUMBER
    names = _names(rows.slice(asked.start, SHOWN))
    shown = [
        {
            **_named(row["account_id"], names),
            "cells": [
                {"text": day(date_of(row["on_d"]))}, {"text": said(row["top"], top, currency)[0], "title": said(row["top"], top, currency)[1]},
                {"text": said(row["bottom"], NUMBER, currency)[0]},
            ][: len(heads)],
        }
        for row in rows.slice(asked.start, SHOWN).to_pylist()
    ]  # fmt: skip
    return motion.listing(
        asked, _("The rows behind it"), heads, shown, rows.num_rows, note=_("of the last twelve months, newest first"),
        empty={"icon": "list", "title": _("Nothing happened in these months"), "text": _("A row stands here for each thing that is counted.")},
    )  # fmt: skip


def _named(account: int | None, names: Mapping[int, str]) -> dict[str, Any]:
    """What a row is called, and the page of its account; what the firm does as a whole belongs to none."""
    if account is None:
        return {"name": _("the whole firm"), "url": None}
    return {"name": names.get(account) or _("account %(id)s") % {"id": account}, "url": reverse("account", args=[account])}


def _names(rows: pa.Table) -> dict[int, str]:
    ids = set(rows["account_id"].to_pylist()) - {None}
    return dict(AccountCard.objects.filter(account_id__in=listed(ids)).values_list("account_id", "name")) if ids else {}


def _download(one: Measure, rows: pa.Table | None, run: PassRun | None, currency: str, form: str) -> HttpResponseBase:
    def cells() -> Iterator[list[Any]]:
        for begin in range(0, rows.num_rows if rows is not None else 0, CHUNK):
            assert rows is not None
            part = rows.slice(begin, CHUNK)
            names = _names(part)
            for row in part.to_pylist():
                top = Decimal(f"{row['top']:.12g}")
                yield [
                    row["account_id"], names.get(row["account_id"]), row.get("item"), date_of(row["on_d"]),
                    Money(top, currency) if one.kind == "money" else top, Decimal(f"{row['bottom']:.12g}"),
                ]  # fmt: skip

    return export(f"{one.id}-{run.as_of if run else 'none'}", ("account_id", "account", "item", "on", "adds", "divided_by"), cells(), form)
