"""The rows behind a point of a report, or behind a figure of Home: which accounts, on which day, with what they add to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.company import company_catalogue
from laer.cycle.run_tables import QuestionFault
from laer.records.periods import date_of, month_of
from laer.web.book.many import listed
from laer.web.pages import measure_words as words
from laer.web.pages import motion
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.data_firm_measure import dimensions_of, unit_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.motion import MONEY, NUMBER, SHOWN, Asked, meaning_of_measure, said, tile
from laer.web.pages.motion_accounts import state_of
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.runs import reporting
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.reporting import Point
from laer.web.templatetags.laer import day, number

NOT_SAID = "~"  # in an address: accounts that do not say it
CHUNK = 2_000


@require_safe
@as_then
def behind(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The rows that one point of a report is made of; they add up to it."""
    from laer.web.pages.reports import months_said  # the page of the points; it names this one

    run, user, looked = then.run, user_of(request), looked_at(request)
    asked = Asked(request, "report_behind", {}, ("measure", "first", "last", "by", "value", TEAM), then.query)
    point = _point(asked)
    if run is None or point is None:
        raise Http404
    if point.measure in reporting.RESTRICTED and not user.may_see_costs:
        raise PermissionDenied
    one, catalogue = company_catalogue()[point.measure], company_catalogue()
    made_of = catalogue.combined[point.measure].reads if point.measure in catalogue.combined else ()
    try:
        rows = None if made_of else reporting.behind(run, looked.scope, point)
        amount = reporting.amount_of(run, looked.scope, point)
    except QuestionFault as error:
        raise Http404 from error
    if form := format_of(request):
        return _download(point, rows, run, form)
    unit, n = unit_of(one), 0 if rows is None else rows.num_rows
    name = words.text(one.name)
    context = {
        "title": _("%(measure)s, %(months)s") % {"measure": name, "months": months_said(point.first, point.last)},
        "crumb": {"label": _("Reports"), "url": f"{reverse('report')}?{urlencode({'measure': point.measure} | ({TEAM: asked[TEAM]} if asked[TEAM] else {}))}"},
        "figures": [
            tile(name, amount.amount, unit, run.currency, meaning=meaning_of_measure(point.measure), hint=_("as in the report"),
                missing={"text": _("Nothing of that time says it.")}),
            tile(_("Rows"), n, NUMBER, hint=_("made of other measures") if made_of else ""),
        ],
        "made_of": [{"name": words.text(catalogue[part].name), "url": asked.url(measure=part)} for part in made_of
                    if user.may_see_costs or part not in reporting.RESTRICTED],
        "listing": None if rows is None else _listing(rows, point, asked, run, unit),
        "state": state_of(run, looked.scope, then, ngettext("%(n)s row", "%(n)s rows", n) % {"n": number(n)}) | {"whose": looked.whose},
        "team_chip": looked.chip(asked),
    } | then.context(request, asked.url())  # fmt: skip
    return render(request, "pages/report_rows.html", context)


def _point(asked: Asked) -> Point | None:
    """None where the address names no measure, no months, or a dimension by which it is not split."""
    catalogue = company_catalogue()
    try:
        first, last = month_of(asked["first"]), month_of(asked["last"] or asked["first"])
    except ValueError:
        return None
    if asked["measure"] not in catalogue or first > last or (asked["by"] and asked["by"] not in dimensions_of(catalogue[asked["measure"]])):
        return None
    by = asked["by"] or None
    return Point(asked["measure"], first, last, by, asked["value"].removeprefix(NOT_SAID) if by else None)


def _listing(rows: pa.Table, point: Point, asked: Asked, run: PassRun, unit: str) -> dict[str, Any]:
    how = company_catalogue().one(point.measure)
    ratio = how is not None and how.divided
    top = MONEY if company_catalogue()[point.measure].kind == "money" else NUMBER
    heads = [{"title": _("On"), "css": "nowrap"}, {"title": _("Adds"), "css": "num strong"}, *([{"title": _("Divided by"), "css": "num"}] if ratio else []),
             {"title": _("Segment"), "css": "nowrap"}, {"title": _("CSM"), "css": "nowrap"}]  # fmt: skip
    part = rows.slice(asked.start, SHOWN)
    cards = _cards(part)
    shown = []
    for row in part.to_pylist():
        name, segment, owner = cards.get(row["account_id"]) or (_("account %(id)s") % {"id": row["account_id"]}, None, None)
        text, exact = said(row["top"], top, run.currency)
        bottom, exactly = said(row["bottom"], NUMBER, run.currency)
        shown.append({
            "name": name if row["account_id"] is not None else _("the whole firm"),
            "url": reverse("account", args=[row["account_id"]]) if row["account_id"] is not None else None,
            "cells": [{"text": day(date_of(row["on_d"]))}, {"text": text, "title": exact}, *([{"text": bottom, "title": exactly}] if ratio else []),
                      {"text": segment or ""}, {"text": owner or "", "who": owner}],
        })  # fmt: skip
    filters = []
    if point.by:
        label = _("%(dimension)s is") % {"dimension": dimensions_of(company_catalogue()[point.measure])[point.by]}
        filters.append({"label": label, "value": point.value or _("not said"), "remove_url": asked.url(by="", value=""), "key": "value"})
    return motion.listing(
        asked, _("The rows behind it"), heads, shown, rows.num_rows, note=_("what adds most first"), filters=filters, download_url=asked.url(format="csv"),
        empty={"icon": "list", "title": _("No row is behind it"), "text": _("Nothing of that time is known of the accounts that you may see.")},
    )  # fmt: skip


def _cards(rows: pa.Table) -> Mapping[int, tuple[str, str | None, str | None]]:
    ids = set(rows["account_id"].to_pylist()) - {None}
    found = AccountCard.objects.filter(account_id__in=listed(ids)).values_list("account_id", "name", "segment", "owner_name") if ids else ()
    return {pk: (name, segment, owner) for pk, name, segment, owner in found}


def _download(point: Point, rows: pa.Table | None, run: PassRun, form: str) -> HttpResponseBase:
    money = company_catalogue()[point.measure].kind == "money"

    def cells() -> Iterator[tuple[Any, ...]]:
        for begin in range(0, rows.num_rows if rows is not None else 0, CHUNK):
            part = rows.slice(begin, CHUNK)  # type: ignore[union-attr]
            cards = _cards(part)
            for row in part.to_pylist():
                name, segment, owner = cards.get(row["account_id"]) or (None, None, None)
                top = Decimal(f"{row['top']:.12g}")
                adds = Money(top, run.currency) if money else top
                yield (row["account_id"], name, segment, owner, date_of(row["on_d"]), adds, Decimal(f"{row['bottom']:.12g}"))

    return export(f"{point.measure}-rows-{run.as_of}", ("account_id", "account", "segment", "csm", "on", "adds", "divided_by"), cells(), form)
