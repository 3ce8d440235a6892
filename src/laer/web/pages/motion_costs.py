"""Cost of each motion: what it took to land, adopt, expand and renew one unit of ARR, over twelve months, with the time behind it. For who may see costs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.metrics.motion_costs import AFTER_SALE, MOTIONS
from laer.records.periods import first_day
from laer.web.book.costing import MOTION_WORDS
from laer.web.book.scope import scope_of
from laer.web.pages import motion
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import export, format_of
from laer.web.pages.motion import MONEY, PERCENT, Asked, Column, Line, meaning_of_measure, said, tile
from laer.web.people import company
from laer.web.runs.landing import Amount, Firm, firm_of, split_of
from laer.web.runs.passes import stale_since
from laer.web.templatetags.laer import number, percent
from laer.web.wording import gettext_lazy

MEASURES = (
    *(f"{name}_{one}" for one in MOTIONS for name in ("cost_to", "arr_gained", "hours")), *(f"cost_to_{one}_timed" for one in AFTER_SALE), "time_inferred",
)  # fmt: skip
BY = {"segment": gettext_lazy("Segment"), "owner": gettext_lazy("Owner"), "industry": gettext_lazy("Industry"), "country": gettext_lazy("Country")}
LABELS = {
    "land": gettext_lazy("To land 1 of ARR"), "adopt": gettext_lazy("To bring 1 of ARR to an outcome"), "expand": gettext_lazy("To expand by 1 of ARR"),
    "renew": gettext_lazy("To renew 1 of ARR"),
}  # fmt: skip
DASHES = ("solid", "dashed", "dotted", "solid")
PER = 100_000  # of ARR, over which hours are said


@require_safe
@partial(as_then, newest=True)
def costs(request: HttpRequest, then: Then) -> HttpResponseBase:
    """What each motion cost per unit of ARR, its trend, and the hours behind it by segment."""
    user, run = user_of(request), then.run
    scope, currency = scope_of(user), run.currency if run else "USD"
    if not user.may_see_costs or not scope.everything:
        raise PermissionDenied
    asked = Asked(request, "motion_costs", {"by": tuple(BY)}, then=then.query)
    firm = firm_of(run, scope, MEASURES)
    split = split_of(run, scope, tuple(f"{name}_{one}" for one in MOTIONS for name in ("hours", "arr_gained")), asked["by"])
    if form := format_of(request):
        return _download(firm, form, str(run.as_of) if run else "none")
    known = any(firm.now(f"cost_to_{one}").n or firm.now(f"hours_{one}").amount for one in MOTIONS)
    logged = any(firm.now(f"hours_{one}").amount for one in MOTIONS)
    context = {
        "title": _("Cost of each motion"), "nothing": None if known else _nothing(), "figures": _figures(firm, currency) if known else [],
        "trends": [_trend(firm)] if known else [], "breakdown": _breakdown(split, asked, currency) if logged else None, "listing": None,
        "notices": [_time(firm)] if known else [], "download_url": asked.url() + ("&" if "?" in asked.url() else "?") + "format=csv" if known else None,
        "state": {
            "shown": _("twelve months to date"), "as_of": run.as_of if run else None, "whose": _("the whole book"),
            "run": {"label": _("run %(run)s") % {"run": run.pk}} if run else None, "note": _("seen by admins, leads and finance"),
            "recomputing": not then.query and stale_since() is not None,
        },
    } | then.context(request, asked.url())  # fmt: skip
    return render(request, "pages/motion.html", context)


def _nothing() -> dict[str, Any]:
    return {
        "icon": "scale", "title": _("No costs are entered, and no time is logged"),
        "text": _("Costs by month and motion in Settings, and the minutes of touches and tasks, fill this page."),
        "action": {"label": _("Enter costs"), "url": reverse("settings_costs"), "icon": "plus"},
    }  # fmt: skip


def _figures(firm: Firm, currency: str) -> list[dict[str, Any]]:
    figures = []
    for one in MOTIONS:
        now, before = firm.now(f"cost_to_{one}"), firm.before(f"cost_to_{one}")
        timed = firm.now(f"cost_to_{one}_timed").amount
        hint = _("%(amount)s with pay shared out by time") % {"amount": _unit(timed, currency)} if timed is not None else ""
        entered = ngettext("costs entered for %(n)s month", "costs entered for %(n)s months", now.n) % {"n": number(now.n)}
        missing = {"text": _("Costs of the motion, or ARR that it gained, are not known."), "url": reverse("settings_costs"), "action": _("Enter costs")}
        shown = tile(
            LABELS[one], now.amount, MONEY, currency, before=before.amount, better="down", points=[a.amount for a in firm.to_month(f"cost_to_{one}")],
            known=entered if now.amount is not None else "", hint=hint, meaning=meaning_of_measure(f"cost_to_{one}"), missing=missing,
        )  # fmt: skip
        figures.append(shown | ({"value": _unit(now.amount, currency)} if now.amount is not None else {}))
    return figures


def _unit(amount: float | None, currency: str) -> str:
    """A cost of one unit of ARR: to the cent, where a short amount would say 0 or 1."""
    return said(amount, MONEY, currency)[1] if amount is not None else number(None)


def _trend(firm: Firm) -> dict[str, Any]:
    lines = [Line(MOTION_WORDS[one], [a.amount for a in firm.to_month(f"cost_to_{one}")], dash=dash) for one, dash in zip(MOTIONS, DASHES, strict=True)]
    empty = {"title": _("No month has costs and ARR yet"), "text": _("Costs by month and motion in Settings fill this.")}
    note = _("as a share of the ARR that was gained, over the twelve months to each month")
    return motion.trend("unit", _("Cost of the ARR of each motion"), firm.months, lines, PERCENT, note=note, empty=empty)


def _time(firm: Firm) -> dict[str, Any]:
    """How much of the time nobody wrote down."""
    hours = sum(firm.now(f"hours_{one}").amount or 0.0 for one in MOTIONS)
    inferred, usual = firm.now("time_inferred").amount, company.firm().minutes
    title = _("%(hours)s hours are logged in twelve months") % {"hours": number(round(hours))} if hours else _("No time is logged in twelve months")
    text = _("A touch or a task without minutes counts by its kind: call %(call)s, meeting %(meeting)s, mail and chat %(mail)s, task %(task)s.") % {
        "call": usual["call"], "meeting": usual["meeting"], "mail": usual["mail"], "task": usual["task"],
    }  # fmt: skip
    if inferred is not None:
        title = _("%(title)s, %(share)s of them by default minutes") % {"title": title, "share": percent(inferred)}
    return {"tone": "info", "title": title, "text": text}


def _breakdown(split: Mapping[str, Mapping[str, Amount]], asked: Asked, currency: str) -> dict[str, Any]:
    """Hours of each motion over the ARR that it gained, by segment: costs themselves belong to no account."""
    columns = [Column("hours", _("Hours")), *(Column(f"per_{one}", MOTION_WORDS[one]) for one in MOTIONS)]
    rows = []
    for value, found in sorted(split.items()):
        row: dict[str, Any] = {"name": value or None, "url": None}
        for one in MOTIONS:
            hours = found[f"hours_{one}"].amount if f"hours_{one}" in found else None
            arr = found[f"arr_gained_{one}"].amount if f"arr_gained_{one}" in found else None
            row["hours"] = hours if row.get("hours") is None else row["hours"] + (hours or 0.0)
            row[f"per_{one}"] = hours / arr * PER if hours is not None and arr else None
        rows.append(row)
    empty = {"title": _("No time is logged yet"), "text": _("Touches and tasks with their minutes fill this.")}
    return motion.breakdown(
        _("Time by %(dimension)s") % {"dimension": str(BY[asked["by"]]).lower()}, asked.switch("by", BY), columns, rows, currency,
        note=_("hours of touches and tasks, and of each motion per 100,000 of ARR that it gained; costs belong to no account, so time says where they go"),
        empty=empty,
    )  # fmt: skip


def _download(firm: Firm, form: str, as_of: str) -> StreamingHttpResponse:
    header = ("month", *MEASURES)
    rows = ((first_day(m), *(firm.by_month(name)[at].amount for name in MEASURES)) for at, m in enumerate(firm.months))
    return export(f"motion-costs-{as_of}", header, rows, form)


urlpatterns = [path("costs/", costs, name="motion_costs")]
