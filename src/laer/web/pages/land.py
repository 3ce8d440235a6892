"""Land: do we win customers that we can keep? The last twelve months, what they are made of, and the deals behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.scope import Scope
from laer.records.periods import month_name, month_of
from laer.web.book.many import listed
from laer.web.book.models import Contact, Product
from laer.web.pages import land_costs, lists, motion
from laer.web.pages.account_health import BANDS, TONES
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.lists import List, Opened, opened, register
from laer.web.pages.motion import DAYS, MONEY, NUMBER, PERCENT, SHOWN, Asked, Column, Line, known_for, meaning_of_measure, said, tile
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.runs import deal_scores, landing
from laer.web.runs.booked import sales_named
from laer.web.runs.landing import LOST, OPEN, WON, Deals, Firm
from laer.web.runs.models import AccountCard, DealScore, PassRun
from laer.web.runs.passes import stale_since
from laer.web.templatetags.laer import day, number, percent
from laer.web.templatetags.laer import month as month_text
from laer.web.wording import gettext_lazy

TILES = ("new_mrr_firm", "new_accounts", "arr_won", "win_rate", "win_rate_value", "sales_cycle", "deal_size", "discount_depth", "pipeline")
COSTS = ("cac", "cac_lagged", "cac_payback", "gross_margin", "customer_lifetime", "ltv", "ltv_cac")
QUALITY = "land_quality"
BROKEN = ("deals_won", "win_rate", "win_rate_value", "arr_won", "sales_cycle", "deal_size", "discount_depth")
BY = {
    "lead_source": gettext_lazy("Lead source"), "segment": gettext_lazy("Segment"), "seller": gettext_lazy("Seller"),
    "industry": gettext_lazy("Industry"), "country": gettext_lazy("Country"),
}  # fmt: skip
NOT_SAID = "~"  # in an address: deals that do not say it
OFFERS = {"product": gettext_lazy("Product"), "plan": gettext_lazy("Plan")}  # what was sold: lines say it, deals do not
BROKEN_BY_OFFER = ("first_mrr", "first_buyers")
VIEWS = {"": gettext_lazy("All"), WON: gettext_lazy("Won"), LOST: gettext_lazy("Lost"), OPEN: gettext_lazy("Open")}
STATES = {WON: (gettext_lazy("won"), "good"), LOST: (gettext_lazy("lost"), "bad"), OPEN: (gettext_lazy("open"), "info")}


@require_safe
@partial(as_then, newest=True)
def land(request: HttpRequest, then: Then) -> HttpResponseBase:
    """What was won in the last twelve months, how and at what cost, by what it is, and the deals behind it."""
    user, run = user_of(request), then.run
    looked = looked_at(request)
    scope, currency = looked.scope, run.currency if run else "USD"
    asked = Asked(request, "land", {"by": (*BY, *OFFERS), "view": tuple(VIEWS)}, ("value", "month", TEAM), then.query)
    month = _month(asked["month"])
    deals = landing.deals_of(run, scope, asked["by"] if asked["by"] in BY else None)
    split = {"": None, NOT_SAID: ""}.get(asked["value"], asked["value"])
    own = _list(currency)
    if (form := format_of(request)) and deals is not None and request.GET.get("of") != "by":
        return own.file(request, _all(deals, deals.mask(asked["view"], split, month)), f"deals-{run.as_of if run else 'none'}")
    tools = opened(request, user, own)
    if tools.elsewhere:
        return tools.elsewhere
    costs = user.may_see_costs and scope.everything
    firm = landing.firm_of(run, scope, TILES, COSTS if costs else ())
    broken = _split(run, scope, asked["by"], deals)
    if form:
        return _download_by(broken, asked["by"], run, form)
    nothing = deals is None or (not len(deals) and firm.now("new_accounts").amount is None)
    context = {
        "title": _("Land"),
        "notices": [] if nothing else [_lookback(then)],
        "nothing": _nothing() if nothing else None,
        "team_chip": looked.chip(asked),
        "figures": [] if nothing else _figures(firm, asked, currency, costs),
        "trends": [] if nothing else _trends(firm, asked, currency),
        "breakdown": None if nothing else _breakdown(broken, asked, currency),
        "listing": _listing(deals, asked, split, month, currency, tools) if deals is not None and not nothing else None,
        "state": {
            "shown": _("%(first)s to %(last)s") % {"first": month_text(month_name(firm.months[0])), "last": month_text(month_name(firm.months[-1]))}
            if firm.months
            else None,
            "as_of": run.as_of if run else None,
            "whose": looked.whose,
            "run": {"label": _("run %(run)s") % {"run": run.pk}} if run else None,
            "note": _("each figure against the twelve months before") if firm.months and not nothing else None,
            "recomputing": not then.query and stale_since() is not None,
        },
    } | then.context(request, asked.url())
    return render(request, "pages/motion.html", context)


def _split(run: PassRun | None, scope: Scope, by: str, deals: Deals | None) -> dict[str, dict[str, landing.Amount]]:
    """The breakdown; a product by its name. One query where it is by product, and one where it is by what deals are: their quality."""
    found = landing.split_of(run, scope, BROKEN_BY_OFFER if by in OFFERS else BROKEN, by)
    if by in BY and deals is not None:
        for value, amount in deal_scores.by_split(deals).items():
            found.setdefault(value, {})[QUALITY] = amount
    if by != "product":
        return found
    names = dict(Product.objects.filter(pk__in=[int(value) for value in found if value]).values_list("pk", "name"))
    return {names.get(int(value), _("product %(id)s") % {"id": value}) if value else "": amounts for value, amounts in found.items()}


def _lookback(then: Then) -> dict[str, Any]:
    """The way to what became of what was landed."""
    text = _("What was used of what was sold, who left too soon, and where one team’s gain was the next one’s loss.")
    url = reverse("land_lookback") + (f"?{urlencode(dict(then.query))}" if then.query else "")
    return {"tone": "info", "title": _("Land lookback"), "text": text, "action": {"label": _("Look back"), "url": url}}


def _nothing() -> dict[str, Any]:
    return {
        "icon": "flag", "title": _("Nothing was sold yet, as far as this book knows"),
        "text": _("A list of opportunities (account, stage, amount, close date) fills this page; subscription lines alone give new ARR and new accounts."),
        "action": {"label": _("Import opportunities"), "url": reverse("import"), "icon": "file-import"},
    }  # fmt: skip


def _figures(firm: Firm, asked: Asked, currency: str, costs: bool) -> list[dict[str, Any]]:
    """The answer: what was won, how often, how quickly, at what price. In: costs, whether the person may see what it cost."""
    now = firm.now
    won = asked.url("list", view=WON)
    deals = {"text": _("No opportunity of new business ended in these months."), "url": reverse("import"), "action": _("Import opportunities")}
    lines = {"text": _("No subscription lines yet."), "url": reverse("import"), "action": _("Import a file")}
    unsaid = {"text": _("No deal won in these months says its discount.")}
    ended, booked = int(now("win_rate").bottom or 0), now("arr_won").amount
    live_hint = _("%(amount)s booked") % {"amount": said(booked, MONEY, currency)[0]} if booked is not None else _("twelve times new MRR")

    def figure(measure: str, label: str, unit: str, better: str = "up", **more: Any) -> dict[str, Any]:
        return _figure(firm, measure, label, unit, currency, better, **({"missing": deals} | more))

    def middle(measure: str, unit: str) -> str:
        return _middle(now(measure), unit, currency)

    by_value = known_for(now("win_rate_value").n, ended, _("deals"))
    first = [
        figure("new_mrr_firm", _("New ARR, live"), MONEY, monthly=True, times=12, hint=live_hint, url=f"{reverse('revenue')}#booked", missing=lines),
        figure("new_accounts", _("New accounts"), NUMBER, monthly=True, url=f"{reverse('revenue-behind')}?movement=new&period=year", missing=lines),
        figure("win_rate", _("Win rate"), PERCENT, known=_won_of(now("win_rate"), ended), url=won),
        figure("sales_cycle", _("Sales cycle"), DAYS, "down", known=middle("sales_cycle", DAYS), url=won),
    ]
    second = [
        figure("win_rate_value", _("Win rate by value"), PERCENT, known=by_value, url=won),
        figure("deal_size", _("Deal size"), MONEY, known=middle("deal_size", MONEY), url=won),
        figure("discount_depth", _("Discount"), PERCENT, "down", known=middle("discount_depth", PERCENT), url=won, missing=unsaid),
        figure("pipeline", _("Pipeline"), MONEY, hint=_open(now("pipeline").n), url=asked.url("list", view=OPEN)),
    ]
    if not costs:
        return first + second
    landing_costs, worth = land_costs.figures(firm, currency)
    return first + landing_costs + second + worth


def _figure(
    firm: Firm, measure: str, label: str, unit: str, currency: str, better: str, *, monthly: bool = False, times: int = 1, **more: Any
) -> dict[str, Any]:
    """One measure against the twelve months before, with its line: of each month, or of the twelve months to each month's end."""
    points = (firm.by_month if monthly else firm.to_month)(measure)
    now, before, *line = [None if p.amount is None else p.amount * times for p in (firm.now(measure), firm.before(measure), *points)]
    return tile(label, now, unit, currency, before=before, better=better, points=line, meaning=meaning_of_measure(measure), **more)


def _won_of(rate: landing.Amount, ended: int) -> str:
    if rate.amount is None or rate.low is None:
        return ""
    said_of = {"n": number(int(rate.top or 0)), "of": number(ended), "low": percent(rate.low, 0), "high": percent(rate.high, 0)}
    return _("%(n)s of %(of)s; likely %(low)s to %(high)s") % said_of


def _middle(amount: landing.Amount, unit: str, currency: str) -> str:
    if amount.low is None or amount.high is None:
        return ""
    low, high = said(amount.low, unit, currency)[0], said(amount.high, unit, currency)[0]
    return _("half of %(n)s between %(low)s and %(high)s") % {"n": number(amount.n), "low": low, "high": high}


def _open(n: int) -> str:
    return ngettext("%(n)s open deal", "%(n)s open deals", n) % {"n": number(n)}


def _trends(firm: Firm, asked: Asked, currency: str) -> list[dict[str, Any]]:
    """The reason: what came when, and how the chances and the time moved."""
    months = firm.months
    urls = [asked.url("list", month=month_name(m), view=WON) for m in months]
    won = [one.amount for one in firm.by_month("arr_won")]
    live = [None if one.amount is None else one.amount * 12 for one in firm.by_month("new_mrr_firm")]
    rates = [one.amount for one in firm.to_month("win_rate")]
    values = [one.amount for one in firm.to_month("win_rate_value")]
    return [
        motion.trend(
            "new-arr", _("New ARR by month"), months, [Line(_("Booked"), won, urls=urls), Line(_("Live"), live, "dashed")], MONEY, currency,
            note=_("booked when it was signed, live when it began"), known=[one.n for one in firm.by_month("arr_won")], known_title=_("Deals won"),
        ),
        motion.trend(
            "win-rate", _("Win rate"), months, [Line(_("By number"), rates), Line(_("By value"), values, "dashed")], PERCENT, currency,
            note=_("of the twelve months to each month's end"), known=[int(one.bottom or 0) for one in firm.to_month("win_rate")],
            known_title=_("Deals won or lost"),
            empty={"title": _("No deal has ended"), "text": _("Deals that were won or lost, with the day, make this line.")},
        ),
    ]  # fmt: skip


COLUMNS = (
    Column("arr_won", gettext_lazy("ARR won"), MONEY), Column("deals_won", gettext_lazy("Won"), NUMBER), Column("win_rate", gettext_lazy("Win rate"), PERCENT),
    Column("win_rate_value", gettext_lazy("By value"), PERCENT), Column("sales_cycle", gettext_lazy("Cycle, median"), DAYS),
    Column("deal_size", gettext_lazy("Deal size, median"), MONEY), Column("discount_depth", gettext_lazy("Discount, median"), PERCENT),
)  # fmt: skip


OF_QUALITY = Column(QUALITY, gettext_lazy("Land quality, mean"), NUMBER)
COLUMNS_BY_OFFER = (Column("first_arr", gettext_lazy("New ARR, live"), MONEY), Column("first_buyers", gettext_lazy("New accounts"), NUMBER))


def _breakdown(broken: Mapping[str, Mapping[str, landing.Amount]], asked: Asked, currency: str) -> dict[str, Any]:
    dimensions = asked.switch("by", BY | OFFERS, "by", value="")
    if asked["by"] in OFFERS:
        sold = [{"name": value, "first_arr": _first_arr(found), "first_buyers": found["first_buyers"].amount} for value, found in _largest(broken)]
        return motion.breakdown(
            _("New business by what was bought first"), dimensions, COLUMNS_BY_OFFER, sold, currency, chart="first_arr",
            download_url=asked.url(of="by", format="csv"), note=_("lines with which accounts began to pay"),
            empty={"title": _("Nobody began to pay in these months"), "text": _("Subscription lines that name a product or a plan stand here.")},
        )  # fmt: skip
    rows = [
        {"name": value, "url": asked.url("list", value=value or NOT_SAID, view="")}
        | {name: found[name].amount for name in (*BROKEN, QUALITY) if name in found}
        for value, found in _largest(broken)
    ]
    columns = (*COLUMNS, *([OF_QUALITY] if any(QUALITY in row for row in rows) else []))
    return motion.breakdown(
        _("Deals of new business by what they are"), dimensions, columns, rows, currency, chart="arr_won", download_url=asked.url(of="by", format="csv"),
        empty={"title": _("No deal has ended in these months"), "text": _("Deals that were won or lost stand here by source, segment and seller.")},
    )  # fmt: skip


def _first_arr(found: Mapping[str, landing.Amount]) -> float | None:
    mrr = found["first_mrr"].amount
    return None if mrr is None else mrr * 12


def _largest(broken: Mapping[str, Mapping[str, landing.Amount]]) -> list[tuple[str, Mapping[str, landing.Amount]]]:
    def worth(found: Mapping[str, landing.Amount]) -> float:
        return found.get("arr_won", found.get("first_mrr", landing.NOTHING)).amount or 0

    return sorted(broken.items(), key=lambda item: (not item[0], -worth(item[1]), item[0]))


def _list(currency: str) -> List:
    """Deals of new business, with what speaks of how well they landed."""
    name = itemgetter
    columns = {
        "state": lists.Column(gettext_lazy("State"), "state", name("state")),
        "on": lists.Column(gettext_lazy("Ended, or begun"), "ended_on", lambda row: None if row["state"] == OPEN else row["on"]),
        "arr": lists.Column(gettext_lazy("ARR"), "arr", lambda row: _money(row["arr"], currency)),
        "discount": lists.Column(gettext_lazy("Discount"), "discount", lambda row: _part(row["discount"])),
        "cycle": lists.Column(gettext_lazy("Cycle"), "cycle_days", name("cycle_days")),
        "contacts": lists.Column(gettext_lazy("Contacts at close"), "contacts_at_close", name("contacts")),
        "seats": lists.Column(gettext_lazy("Seats in use"), "seats_in_use", lambda row: _part(row["seat_use"]) if row["state"] == WON else None),
        "quality": lists.Column(gettext_lazy("Land quality"), "land_quality", lambda row: None if row["quality"] is None else _part(row["quality"][0])),
        "source": lists.Column(gettext_lazy("Lead source"), "lead_source", name("lead_source")),
        "seller": lists.Column(gettext_lazy("Seller"), "seller", name("seller")),
    }
    before = {"account_id": name("account_id"), "account": name("account"), "deal_id": name("deal_id"), "deal": name("deal")}
    return List("land", "land", columns, ("by", "value", "month", "view"), before=before, after={"currency": lambda row: currency})


def _part(share: float | None) -> Decimal | None:
    return None if share is None else Decimal(str(round(share, 6)))


CSS = {"on": "nowrap", "arr": "num strong", "discount": "num", "cycle": "num", "contacts": "num", "seats": "num", "quality": "nowrap", "seller": "nowrap"}
SPARSE = ("discount", "contacts", "seats", "quality", "source")  # columns that are left out where no deal shown has them


def _listing(deals: Deals, asked: Asked, split: str | None, month: int | None, currency: str, tools: Opened) -> dict[str, Any]:
    mask = deals.mask(asked["view"], split, month)
    counts = {view: deals.count(deals.mask(view, split, month)) for view in VIEWS}
    filters = []
    if split is not None:
        label = _("%(dimension)s is") % {"dimension": BY[asked["by"]]}
        filters.append({"label": label, "value": split or _("not said"), "remove_url": asked.url("list", value=""), "key": "value"})
    if month is not None:
        filters.append({"label": _("Ended in"), "value": month_text(month_name(month)), "remove_url": asked.url("list", month=""), "key": "month"})
    part = deals.rows(mask, asked.start, SHOWN)
    heads = [
        {"key": name, "title": column.title, "css": CSS.get(name, ""), "optional": name in SPARSE} for name, column in _list(currency).columns.items()
    ]
    return motion.listing(
        asked, _("Deals"), heads, [_row(row, currency) for row in _named(part, deals.as_of)], counts[asked["view"]], tools=tools,
        total={"label": _("ARR"), "amount": _money(deals.arr(mask), currency).amount, "currency": currency},
        views=asked.switch("view", VIEWS, "list", counts), filters=filters, download_url=asked.url(format="csv"),
        note=_("of new business: those that ended in these months, and those that are open"),
        empty={
            "icon": "flag", "title": _("No deal is like this"),
            "text": _("Opportunities of new business stand here when they are open, and for a year after they ended."),
        },
    )  # fmt: skip


def _named(rows: list[dict[str, Any]], as_of: date) -> list[dict[str, Any]]:
    """Rows with the names of their accounts and deals, and what speaks of how well they landed: four queries."""
    if not rows:
        return []
    cards = {card["account_id"]: card for card in AccountCard.objects.filter(account_id__in=listed({r["account_id"] for r in rows})).values(*CARD)}
    mapped = _mapped(rows)
    sales = sales_named(None, [r["deal_id"] for r in rows if r["deal_id"] is not None])
    scores = deal_scores.of_deals([r["deal_id"] for r in rows if r["deal_id"] is not None], as_of)
    nameless = _("account %(id)s")
    return [
        row
        | {"account": card.get("name") or nameless % {"id": row["account_id"]}, "deal": sales.get(row["deal_id"], {}).get("name")}
        | {"contacts": mapped.get(row["deal_id"]), "seat_use": (card.get("facts") or {}).get("seat_use"), "quality": _quality(scores.get(row["deal_id"]))}
        for row, card in ((row, cards.get(row["account_id"], {})) for row in rows)
    ]


def _quality(score: DealScore | None) -> tuple[float, str] | None:
    """Points and band of a deal by the scorecard land quality, by what was known when it was won; of an open one, as if it were won today."""
    return None if score is None or score.points is None or not score.band else (score.points, score.band)


def _mapped(rows: list[dict[str, Any]]) -> dict[int, int]:
    """Deal -> contacts of its account that the book had when it ended, or has while it is open.

    Of a deal that ended before its account's first contact was recorded nobody can say. One query.
    """
    since: dict[int, list[date]] = {}
    ids = list({r["account_id"] for r in rows})
    for account, at in Contact.objects.filter(account_id__in=ids, archived_at=None).values_list("account_id", "created_at"):
        since.setdefault(account, []).append(timezone.localdate(at))
    found = {}
    for row in rows:
        days = since.get(row["account_id"], [])
        n = len(days) if row["state"] == OPEN else sum(day <= row["on"] for day in days)
        if n or (row["state"] == OPEN and not days):
            found[row["deal_id"]] = n
    return found


def _row(row: Mapping[str, Any], currency: str) -> dict[str, Any]:
    words, tone = STATES[row["state"]]
    arr, exact = said(row["arr"], MONEY, currency)
    return {
        "name": row["account"], "url": reverse("account", args=[row["account_id"]]), "sub": row["deal"] or _("deal without a name"),
        "cells": [
            {"text": words, "tone": tone}, {"text": day(row["on"]) if row["on_d"] else ""}, {"text": arr, "title": exact},
            {"text": "" if row["discount"] is None else percent(row["discount"])},
            {"text": "" if row["cycle_days"] is None else said(row["cycle_days"], DAYS, currency)[0]},
            {"text": "" if row["contacts"] is None else number(row["contacts"])},
            {"text": "" if row["seat_use"] is None or row["state"] != WON else percent(row["seat_use"], 0)},
            {"text": "" if row["quality"] is None else f"{number(round(row['quality'][0]))} · {BANDS[row['quality'][1]]}",
             "tone": TONES[row["quality"][1]] if row["quality"] else None},
            {"text": row["lead_source"] or ""}, {"text": row["seller"] or "", "who": row["seller"]},
        ],
    }  # fmt: skip


def _month(text: str) -> int | None:
    try:
        return month_of(text)
    except ValueError:
        return None


def _money(value: float | None, currency: str) -> Money:
    return Money(None if value is None else Decimal(str(round(value, 2))), currency)


CARD = ("account_id", "name", "facts")


def _all(deals: Deals, mask: Any) -> Iterator[dict[str, Any]]:
    """All deals, for a file."""
    begin = 0
    while part := _named(deals.rows(mask, begin, 1_000), deals.as_of):
        yield from part
        begin += 1_000


def _download_by(broken: Mapping[str, Mapping[str, landing.Amount]], by: str, run: PassRun | None, form: str) -> StreamingHttpResponse:
    currency = run.currency if run else ""
    units = {column.key: column.unit for column in (*COLUMNS, OF_QUALITY)} | {"first_mrr": MONEY, "first_buyers": NUMBER}
    names = BROKEN_BY_OFFER if by in OFFERS else (*BROKEN, QUALITY)

    def cell(name: str, value: float | None) -> Any:
        return _money(value, currency) if units[name] == MONEY else None if value is None else Decimal(f"{value:.6g}")

    rows = ((value, *(cell(name, found.get(name, landing.NOTHING).amount) for name in names), currency) for value, found in _largest(broken))
    return export(f"land-by-{by}-{run.as_of if run else 'none'}", (by, *names, "currency"), rows, form)


register(_list(""))
urlpatterns = [path("land/", land, name="land")]
