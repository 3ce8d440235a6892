"""The board pack: a month's waterfall, retention, movements with their cause, flow, renewals ahead and health; to print, and as a workbook."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from laer.flow.joints import CHAIN, JOINTS, STATES
from laer.records.periods import first_day, month_name, month_of
from laer.web.pages import flow_words, motion
from laer.web.pages import pack_sheets as sheet
from laer.web.pages.account_health import BANDS, TONES
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import format_of, workbook
from laer.web.pages.motion import MONEY, PERCENT, Asked, meaning_of_measure, said, tile
from laer.web.pages.motion_accounts import state_of
from laer.web.pages.pack_sheets import LABELS as MOVEMENTS
from laer.web.pages.pack_sheets import cause_of, sheets, waterfall
from laer.web.pages.renewal_calls import ORDER, SAID, calls_by_contract
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.runs import packing
from laer.web.runs.packing import LOSSES, Moved, Pack
from laer.web.templatetags.laer import number, percent
from laer.web.wording import long_month
from laer.web.work.calls import standing_calls


@require_safe
@as_then
def pack(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The board pack of a month: to look through, to print, to take as a workbook with the rows behind every figure."""
    user, run, looked = user_of(request), then.run, looked_at(request)
    asked = Asked(request, "pack", {}, ("month", TEAM), then.query)
    span = packing.months_known(run, looked.scope) if run else None
    context: dict[str, Any] = {"team_chip": looked.chip(asked), "state": state_of(run, looked.scope, then, None) | {"whose": looked.whose}}
    if run is None or span is None:
        return render(request, "pages/pack.html", context | {"nothing": _nothing()} | then.context(request, asked.url()))
    month = _month(asked["month"], span)
    calls = standing_calls(user, until=run.finished_at if then.query else None)
    found = packing.pack_of(run, looked.scope, month, calls_by_contract(calls), then.known)
    if format_of(request):
        return workbook(f"board-pack-{month_name(month)}", sheets(found, looked.whose))
    context |= {
        "month": long_month(first_day(month)), "to_date": found.to_date, "day": found.day, "months": _months(asked, span, month),
        "figures": _figures(found), "waterfall": _waterfall(found, asked), "retention": _retention(found),
        "moves": [{"title": _("Largest gains"), "rows": _moves(found, gains=True)}, {"title": _("Largest losses"), "rows": _moves(found, gains=False)}],
        "flow": _flow(found), "ahead": _ahead(found), "health": _health(found),
        "download_url": asked.url(month=month_name(month), format="xlsx"),
    }  # fmt: skip
    context["state"]["shown"] = context["month"]
    return render(request, "pages/pack.html", context | then.context(request, asked.url(month=month_name(month))))


def _month(text: str, span: tuple[int, int]) -> int:
    """The month that the address names; where it names none that there is, the last whole one, else the running one."""
    try:
        return min(max(month_of(text), span[0]), span[1])
    except ValueError:
        return max(span[0], span[1] - 1)


def _nothing() -> dict[str, Any]:
    return {
        "icon": "report-money", "title": _("There is no month to report yet"), "text": _("Subscription lines make the ledger that a board pack is made of."),
        "action": {"label": _("Import subscription lines"), "url": reverse("import"), "icon": "file-import"},
    }  # fmt: skip


def _months(asked: Asked, span: tuple[int, int], month: int) -> list[dict[str, Any]]:
    return [
        {"label": long_month(first_day(one)), "url": asked.url(month=month_name(one)), "active": one == month}
        for one in range(span[1], max(span[0], span[1] - 23) - 1, -1)
    ]


ENTRY = {"closing_mrr": "mrr_firm", "arr": "arr_firm", "nrr_12m": "nrr_12m", "grr_12m": "grr_12m", "closing_accounts": "paying_accounts"}


def _figures(found: Pack) -> list[dict[str, Any]]:
    now, before = found.now, found.months[-2] if len(found.months) > 1 else None
    then = found.reported.get(found.month)

    def figure(label: str, name: str, unit: str) -> dict[str, Any]:
        reported = _("as reported: %(value)s") % {"value": said(then[name], unit, found.currency)[0]} if then is not None else ""  # type: ignore[arg-type]
        return tile(label, now[name], unit, found.currency, before=before[name] if before else None, hint=_("against the month before"), known=reported,  # type: ignore[arg-type]
            meaning=meaning_of_measure(ENTRY[name]))  # fmt: skip

    return [figure(_("MRR"), "closing_mrr", MONEY), figure(_("ARR"), "arr", MONEY), figure(_("NRR, 12 months"), "nrr_12m", PERCENT),
            figure(_("GRR, 12 months"), "grr_12m", PERCENT), figure(_("Paying accounts"), "closing_accounts", motion.NUMBER)]  # fmt: skip


def _waterfall(found: Pack, asked: Asked) -> dict[str, Any]:
    """Data of frontend/src/charts/waterfall.js, and its table; every bar opens to its accounts."""
    rows, bars, then = [], [], found.reported.get(found.month)
    for key, label, amount, movements in waterfall(found):
        query = {"movement": key, "month": month_name(found.month), TEAM: asked[TEAM], **asked.then}
        url = f"{reverse('revenue-behind')}?{urlencode({k: v for k, v in query.items() if v})}" if amount else None
        kind = "total" if key in ("opening", "closing") else "down" if key in LOSSES else "up"
        text, exact = said(amount, MONEY, found.currency)
        rows.append({"label": label, "text": exact, "title": text, "movements": movements, "url": url, "kind": kind, "key": key,
                     "reported": None if then is None else said(sheet.reported(then, key), MONEY, found.currency)[1]})
        if key == "restatement":
            continue  # as restated there is none: no bar
        bars.append({"label": label, "kind": kind, "value": str(abs(found.money(amount))), "url": url})
    return {"data": {"currency": found.currency, "bars": bars}, "rows": rows, "reported": then is not None}


def _retention(found: Pack) -> dict[str, Any]:
    months = [one.month for one in found.months]
    lines = [motion.Line(_("NRR"), [one["nrr_12m"] for one in found.months]), motion.Line(_("GRR"), [one["grr_12m"] for one in found.months], "dashed")]
    return motion.trend("pack-retention", _("NRR and GRR"), months, lines, PERCENT, note=_("each of the twelve months to the month’s end"))


def _moves(found: Pack, *, gains: bool) -> list[dict[str, Any]]:
    return [_move(found, one) for one in found.top(gains=gains)]


def _move(found: Pack, one: Moved) -> dict[str, Any]:
    text, exact = said(one.amount, MONEY, found.currency)
    who = found.who.get(one.account_id)
    return {
        "name": (who and who.name) or _("account %(id)s") % {"id": one.account_id}, "url": reverse("account", args=[one.account_id]),
        "segment": who and who.segment, "movement": MOVEMENTS[one.movement], "cause": cause_of(one), "text": text, "title": exact,
        "tone": "good" if one.amount > 0 else "bad",
    }  # fmt: skip


def _flow(found: Pack) -> dict[str, Any]:
    part = found.flow.part()
    rows = []
    for joint in JOINTS:
        cells, rate = part.joints[joint], part.rate(joint)
        leak = said(part.leak(joint), MONEY, found.currency) if joint in CHAIN else None
        rows.append({
            "name": flow_words.JOINTS[joint], "pair": flow_words.pair_name(found.joints.pair(joint)), "rate": None if rate is None else percent(float(rate), 0),
            "cells": [number(cells[state].accounts) for state in STATES], "leak": leak,
        })  # fmt: skip
    worst = part.worst()
    risk, leaked = (said(amount, MONEY, found.currency)[0] for amount in (part.at_risk.mrr, part.leaked))
    sentence = _("%(leaked)s of MRR has leaked since records began; %(risk)s is at risk with accounts that are late at a joint.")
    sentence %= {"leaked": leaked, "risk": risk}
    if worst is not None:
        most = {"amount": said(worst[1], MONEY, found.currency)[0], "where": flow_words.WHERE[worst[0]]}
        sentence = _("The worst leak: %(amount)s of MRR, %(where)s.") % most + " " + sentence
    return {"heads": [flow_words.STATES[state] for state in STATES], "rows": rows, "sentence": sentence}


def _ahead(found: Pack) -> dict[str, Any]:
    rows = []
    for month, contracts, arr, by_call in found.ahead():
        cells = [said(by_call.get(call, 0), MONEY, found.currency) for call in ORDER]
        rows.append({"month": first_day(month), "contracts": contracts, "arr": said(arr, MONEY, found.currency),
                     "cells": [{"text": text, "title": exact} for text, exact in cells]})  # fmt: skip
    return {"heads": [SAID[call] for call in ORDER], "rows": rows, "any": any(row["contracts"] for row in rows)}


def _health(found: Pack) -> list[dict[str, Any]]:
    rows = []
    for band, one in found.health.items():
        before = found.health_before.get(band)
        if band is None and not one.accounts:
            continue
        text, exact = said(one.arr, MONEY, found.currency)
        rows.append({"band": BANDS.get(band or "") or _("Unknown"), "tone": TONES.get(band or "", ""), "accounts": one.accounts,
                     "before": before.accounts if before else None, "arr": text, "title": exact,
                     "arr_before": said(before.arr, MONEY, found.currency)[0] if before else None})  # fmt: skip
    return rows


urlpatterns = [path("home/pack/", pack, name="pack")]
