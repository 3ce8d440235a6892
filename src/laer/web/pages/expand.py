"""Expand: where is room and reason to grow, and whose is it? What grew, products that alike accounts own, seats nearly full, growth without an owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from laer.cycle.growth import whitespace_schema
from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.expand.measures import FULL
from laer.records.periods import day_number
from laer.web.pages import lists, motion
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.expand_potential import POTENTIAL, list_of_potential, potential_of, rows_of
from laer.web.pages.expand_potential import listing as potential_listing
from laer.web.pages.exports import Money, format_of
from laer.web.pages.lists import List, Opened, opened, register
from laer.web.pages.meanings import meaning_of
from laer.web.pages.motion import MONEY, NUMBER, PERCENT, SHOWN, Asked, Column, Line, meaning_of_measure, tile
from laer.web.pages.motion_accounts import (
    BY,
    KEYS,
    NOT_SAID,
    Shown,
    all_rows,
    filters_of,
    largest,
    list_of,
    listing,
    named,
    split_of,
    state_of,
    tabs_of,
    total_of,
)
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.runs import landing
from laer.web.runs.desk import ask
from laer.web.runs.landing import Firm
from laer.web.runs.models import PassRun
from laer.web.runs.motions import Listed, View, all_of, listed_of, paying
from laer.web.runs.revenue import ledger_of
from laer.web.templatetags.laer import number, percent
from laer.web.wording import gettext_lazy

TILES = ("expansion_mrr_firm", "expansion_rate", "expansion_share", "mrr_firm", "net_mrr_firm")
READY, READY_BAND = "score_expansion_readiness", "band_expansion_readiness"  # of the scorecard that ships
MEASURES = (
    "segment", "expansion_365d", "seats", "seats_taken_share", "seats_free", "products", "growth_deals_open", "pipeline_arr", "usage_trend",
    READY, READY_BAND, "expansion_potential_mrr",
)  # fmt: skip
WHITESPACE = "whitespace"


def _full(facts: Any) -> Any:
    return all_of(paying(facts), pc.greater_equal(facts["seats_taken_share"], FULL))


def _unworked(facts: Any) -> Any:
    """Seats nearly full, and no open deal of expansion."""
    return all_of(_full(facts), pc.equal(pc.fill_null(facts["growth_deals_open"], 0.0), 0.0))


def _unowned(facts: Any) -> Any:
    """A reason to grow (seats nearly full, or an open deal of expansion), and no CSM."""
    reason = pc.or_(_full(facts), pc.fill_null(pc.greater(facts["growth_deals_open"], 0), False))
    return all_of(paying(facts), reason, pc.equal(pc.fill_null(facts["owner"], ""), ""))


def _ready(facts: Any) -> Any:
    return all_of(paying(facts), pc.equal(facts[READY_BAND], "green"))


def _grew(facts: Any) -> Any:
    return all_of(paying(facts), pc.greater(facts["expansion_365d"], 0))


def _has_potential(facts: Any) -> Any:
    return all_of(paying(facts), pc.greater(facts["expansion_potential_mrr"], 0))


def _tone(name: str, value: Any) -> str | None:
    return {"red": "bad", "yellow": "warn", "green": "good"}.get(value) if name == "seat_band" else None


def views_of() -> dict[str, Shown]:
    arr = ("mrr", "descending")
    seats = ("seats", "seats_taken_share", "seats_free", "growth_deals_open", "usage_trend")
    return {
        WHITESPACE: Shown(gettext_lazy("Whitespace"), View(paying, (arr,)), (),
            gettext_lazy("products that accounts of the same segment own, the most worth first")),
        "ready": Shown(gettext_lazy("Ready"), View(_ready, ((READY, "descending"), arr)),
            ("seats_taken_share", "growth_deals_open", "pipeline_arr", "usage_trend"),
            gettext_lazy("expansion readiness is green: value proven, room, somebody who speaks for it")),
        POTENTIAL: Shown(gettext_lazy("Potential"), View(_has_potential, (("expansion_potential_mrr", "descending"),)), (),
            gettext_lazy("what each may grow by, times how often that came, with the reason")),
        "full": Shown(gettext_lazy("Seats nearly full"), View(_full, (("seats_taken_share", "descending"), arr)), seats,
            gettext_lazy("90 % of the seats and more are taken")),
        "unworked": Shown(gettext_lazy("Full, no deal open"), View(_unworked, (arr,)), seats, gettext_lazy("seats are nearly full, and nobody sells more")),
        "unowned": Shown(gettext_lazy("Growth without an owner"), View(_unowned, (arr,)), ("seats_taken_share", "growth_deals_open", "pipeline_arr"),
            gettext_lazy("a reason to grow, and no CSM")),
        "open": Shown(gettext_lazy("Deals open"), View(lambda facts: all_of(pc.greater(facts["growth_deals_open"], 0)), (("pipeline_arr", "descending"), arr)),
            ("growth_deals_open", "pipeline_arr", "seats_taken_share", "products"), gettext_lazy("open deals of expansion")),
        "grew": Shown(gettext_lazy("Grew"), View(_grew, (("expansion_365d", "descending"), arr)),
            ("expansion_365d", "seats", "seats_free", "products"), gettext_lazy("MRR rose within 365 days")),
    }  # fmt: skip


def _list(views: Mapping[str, Shown], asked: Asked, currency: str) -> List:
    if asked["view"] == WHITESPACE:
        return _space_list(currency)
    return list_of_potential(currency) if asked["view"] == POTENTIAL else list_of("expand", views, asked["view"], asked["by"], currency)


@require_safe
@partial(as_then, newest=True)
def expand(request: HttpRequest, then: Then) -> HttpResponseBase:
    """What grew, and where there is room and reason to grow: whitespace, seats, growth without an owner."""
    user, run = user_of(request), then.run
    looked = looked_at(request)
    scope, currency = looked.scope, run.currency if run else "USD"
    views = views_of()
    asked = Asked(request, "expand", {"by": tuple(BY), "view": tuple(views)}, ("value", "product", TEAM), then.query, of_view=True)
    listed = listed_of(run, scope, MEASURES, asked["by"], day_number(run.as_of) if run else 0)
    space = whitespace_of(run, scope)
    own = _list(views, asked, currency)
    if format_of(request) and listed is not None:
        if asked["view"] == POTENTIAL:
            rows = rows_of(potential_of(run, scope), listed, run, scope, asked)
            return own.file(request, _all_potential(rows), f"potential-{run.as_of if run else 'none'}")
        if asked["view"] == WHITESPACE:
            return own.file(request, _all_space(_chosen(space, listed, asked)), f"whitespace-{run.as_of if run else 'none'}")
        return own.file(request, all_rows(listed, views[asked["view"]], split_of(asked)), f"expand-{asked['view']}-{run.as_of if run else 'none'}")
    tools = opened(request, user, own)
    if tools.elsewhere:
        return tools.elsewhere
    nothing = listed is None or not listed.count(paying(listed.table))
    firm = Firm(()) if nothing else landing.firm_of(run, scope, TILES)
    context = {
        "title": _("Expand"),
        "nothing": _nothing() if nothing else None,
        "figures": [] if nothing or listed is None or run is None else _figures(firm, listed, space, asked, run, scope, currency),
        "trends": [] if nothing else _trends(firm, currency),
        "breakdown": None if nothing or listed is None else _breakdown(firm, listed, space, run, scope, asked, currency),
        "grid": None if nothing else _grid(space, asked, currency),
        "listing": None if nothing or listed is None else _listing(listed, views, space, asked, currency, tools, run, scope),
        "state": state_of(run, scope, then, None if nothing or listed is None else _shown(listed)) | {"whose": looked.whose},
        "team_chip": looked.chip(asked),
    } | then.context(request, asked.url())
    return render(request, "pages/expand.html", context)


def whitespace_of(run: PassRun | None, scope: Scope) -> pa.Table:
    """account_id, segment, product, owners, accounts, share, potential: the most worth first; empty where nothing can be said."""
    if run is not None:
        try:
            found: pa.Table = ask("whitespace", {}, scope, run.pk)
        except (QuestionFault, TimeoutError):
            pass
        else:
            return found
    return whitespace_schema().empty_table()


def _nothing() -> dict[str, Any]:
    return {
        "icon": "trending-up", "title": _("Nobody pays yet, as far as this book knows"),
        "text": _("Subscription lines with products and seats fill this page: what grew, what alike accounts own, whose seats are full."),
        "action": {"label": _("Import subscription lines"), "url": reverse("import"), "icon": "file-import"},
    }  # fmt: skip


def _shown(listed: Listed) -> str:
    n = listed.count(paying(listed.table))
    return ngettext("%(n)s paying account", "%(n)s paying accounts", n) % {"n": number(n)}


def _figures(
    firm: Firm, listed: Listed, space: pa.Table, asked: Asked, run: PassRun, scope: Scope, currency: str
) -> list[dict[str, Any]]:
    """The answer: what grew, at what rate, and where room is."""
    missing = {"text": _("No subscription lines of these months."), "url": reverse("import"), "action": _("Import a file")}

    def figure(measure: str, label: str, unit: str, times: int = 1, *, months: bool = False, **more: Any) -> dict[str, Any]:
        points = (firm.by_month if months else firm.to_month)(measure)
        scaled = [None if p.amount is None else p.amount * times for p in (firm.now(measure), firm.before(measure), *points)]
        return tile(label, scaled[0], unit, currency, before=scaled[1], points=scaled[2:], meaning=meaning_of_measure(measure), missing=missing, **more)

    worth = float(pc.sum(space["potential"]).as_py() or 0) * 12
    lacking = len(pc.unique(space["account_id"]))
    rooms = listed.table.filter(all_of(paying(listed.table), pc.greater(listed.table["seats_free"], 0)))
    full = listed.count(listed.mask(views_of()["full"].view))
    known = listed.count(all_of(paying(listed.table), pc.is_valid(listed.table["seats_taken_share"])))
    there = listed.count(paying(listed.table))
    grown = listed.count(all_of(paying(listed.table), pc.is_valid(listed.table["expansion_potential_mrr"])))
    open_mask = listed.mask(views_of()["open"].view)
    return [
        figure("expansion_mrr_firm", _("Expansion ARR"), MONEY, 12, months=True, hint=_("twelve times what MRR rose by"), url=asked.url("list", view="grew")),
        figure("expansion_rate", _("Expansion rate"), PERCENT, hint=_("of MRR a year ago"), url=asked.url("list", view="grew")),
        figure("expansion_share", _("Share of MRR"), PERCENT, hint=_("expansion of the year over MRR now"), url=asked.url("list", view="grew")),
        _nrr(run, scope, currency),
        tile(_("Whitespace"), worth if space.num_rows else None, MONEY, currency, known=_lacking(lacking), url=asked.url("list", view=WHITESPACE),
            meaning=meaning_of_measure("whitespace_firm"),
            missing={"text": _("No product is owned by five accounts of a segment.")}),
        tile(_("Expansion potential"), listed.total(paying(listed.table), "expansion_potential_mrr") * 12 if grown else None, MONEY, currency,
            known=motion.known_for(grown, there, _("accounts")), url=asked.url("list", view=POTENTIAL), meaning=meaning_of_measure("expansion_potential_firm"),
            missing={"text": _("The next pass computes it.")}),
        tile(_("Seats nearly full"), full if known else None, NUMBER, currency, known=motion.known_for(known, there, _("accounts")), better="",
            url=asked.url("list", view="full"), meaning=meaning_of_measure("seats_full_accounts"), missing=_of_seats()),
        tile(_("Room in seats"), float(pc.sum(rooms["seats_free"]).as_py() or 0) if known else None, NUMBER, currency, better="",
            known=_("bought and not taken, of %(n)s accounts") % {"n": number(rooms.num_rows)}, meaning=meaning_of_measure("seats_free_firm"),
            missing=_of_seats(), url=reverse("measure", args=["seats_free"])),
        tile(_("Expansion in the pipeline"), listed.total(open_mask, "pipeline_arr") if _told(listed) else None, MONEY, currency,
            known=ngettext("%(n)s account", "%(n)s accounts", listed.count(open_mask)) % {"n": number(listed.count(open_mask))},
            url=asked.url("list", view="open"), meaning=meaning_of_measure("growth_pipeline_firm"),
            missing={"text": _("No opportunities yet."), "url": reverse("import"), "action": _("Import opportunities")}),
    ]  # fmt: skip


def _told(listed: Listed) -> bool:
    return bool(listed.table["growth_deals_open"].null_count < len(listed))


def _of_seats() -> dict[str, Any]:
    return {"text": _("No source names users or counts seats assigned."), "url": reverse("import"), "action": _("Import usage or metrics")}


def _lacking(n: int) -> str:
    return ngettext("%(n)s account lacks what its segment owns", "%(n)s accounts lack what their segment owns", n) % {"n": number(n)}


def _nrr(run: PassRun, scope: Scope, currency: str) -> dict[str, Any]:
    """NRR as the ledger says it: the figure of the Revenue page, against that of the same month a year before."""
    shown = landing.months_of(run)
    known = {month.month: month["nrr_12m"] for month in ledger_of(run, scope).months(shown[-1] - landing.MONTHS, shown[-1])}
    points, before = [known.get(month) for month in shown], known.get(shown[-1] - landing.MONTHS)
    return tile(
        _("NRR, 12 months"), points[-1] if points else None, PERCENT, currency, before=before, points=points, meaning=meaning_of("nrr", run),
        url=reverse("revenue"), hint=_("as the Revenue page has it"), missing={"text": _("Nobody paid a year ago.")},
    )  # fmt: skip


def _trends(firm: Firm, currency: str) -> list[dict[str, Any]]:
    grown = [None if p.amount is None else p.amount * 12 for p in firm.by_month("expansion_mrr_firm")]
    return [
        motion.trend("expansion", _("Expansion ARR by month"), firm.months, [Line(_("Expansion ARR"), grown)], MONEY, currency, kind="bars",
            known=[p.n for p in firm.by_month("expansion_mrr_firm")], known_title=_("Changes of MRR"), note=_("twelve times what MRR rose by")),
        motion.trend("rates", _("Expansion rate"), firm.months, [Line(_("Of MRR a year before"), [p.amount for p in firm.to_month("expansion_rate")]),
            Line(_("Share of MRR"), [p.amount for p in firm.to_month("expansion_share")], "dashed")], PERCENT,
            note=_("of the twelve months to each month's end"),
            empty={"title": _("No year is whole yet"), "text": _("Twelve months of subscription lines make these lines.")}),
    ]  # fmt: skip


COLUMNS = (
    Column("paying", gettext_lazy("Paying accounts")), Column("arr", gettext_lazy("Expansion ARR"), MONEY),
    Column("rate", gettext_lazy("Expansion rate"), PERCENT),
    Column("full", gettext_lazy("Seats nearly full")), Column("space", gettext_lazy("Whitespace, ARR"), MONEY),
)  # fmt: skip


def _breakdown(firm: Firm, listed: Listed, space: pa.Table, run: PassRun | None, scope: Scope, asked: Asked, currency: str) -> dict[str, Any]:
    by = landing.split_of(run, scope, ("expansion_mrr_firm", "expansion_rate"), asked["by"])
    masks = {"paying": paying(listed.table), "full": _full(listed.table)}
    kind = pc.fill_null(listed.table["split"].combine_chunks().take(pc.index_in(space["account_id"], listed.table["account_id"])), "")
    worth = pa.table({"split": kind, "potential": space["potential"]}).group_by("split").aggregate([("potential", "sum")])
    room = {row["split"]: row["potential_sum"] * 12 for row in worth.to_pylist()}
    rows = []
    for value, found in largest(listed.split_counts(masks), "paying"):
        if found["paying"]:
            mine = by.get(value, {})
            grown = mine.get("expansion_mrr_firm", landing.NOTHING).amount
            rows.append({
                "name": value, "url": asked.url("list", value=value or NOT_SAID), **found, "arr": None if grown is None else grown * 12,
                "rate": mine.get("expansion_rate", landing.NOTHING).amount, "space": room.get(value),
            })  # fmt: skip
    return motion.breakdown(_("Growth by what they are"), asked.switch("by", BY, "by", value=""), COLUMNS, rows, currency, chart="arr")


def _grid(space: pa.Table, asked: Asked, currency: str) -> dict[str, Any] | None:
    """Whitespace by product and segment: how usual it is there, how many lack it, what that comes to."""
    if not space.num_rows:
        return None
    found = space.group_by(["product", "segment"]).aggregate([("potential", "sum"), ("account_id", "count"), ("owners", "max"), ("accounts", "max"),
        ("share", "max"), ("potential", "max")]).to_pylist()  # fmt: skip
    rows = [
        {
            "product": row["product"], "segment": row["segment"],
            "url": asked.url("list", product=row["product"], by="segment", value=row["segment"], view=WHITESPACE),
            "share": percent(row["share_max"], 0), "owners": _("%(n)s of %(of)s") % {"n": number(row["owners_max"]), "of": number(row["accounts_max"])},
            "lack": row["account_id_count"], "each": row["potential_max"] * 12, "worth": row["potential_sum"] * 12,
        }
        for row in sorted(found, key=lambda r: (-r["potential_sum"], r["product"], r["segment"]))
    ]  # fmt: skip
    return {"rows": rows, "currency": currency}


def _space_list(currency: str) -> List:
    """Whitespace: an account and a product that it does not own on each row."""
    columns = {
        "product": lists.Column(gettext_lazy("Product"), "product", itemgetter("product")),
        "share": lists.Column(gettext_lazy("Owned by"), "share", lambda row: Decimal(str(round(row["share"], 6)))),
        "owners": lists.Column(gettext_lazy("Of its segment"), "owners", itemgetter("owners")),
        "potential": lists.Column(gettext_lazy("Potential ARR"), "potential_arr", lambda row: Money(Decimal(f"{row['potential'] * 12:.2f}"), currency)),
        "arr": lists.Column(gettext_lazy("ARR"), "arr", lambda row: Money(None if row["mrr"] is None else Decimal(f"{row['mrr'] * 12:.2f}"), currency)),
        "owner": lists.Column(gettext_lazy("CSM"), "csm", itemgetter("owner")),
    }
    before = {"account_id": itemgetter("account_id"), "account": itemgetter("account"), "segment": itemgetter("segment")}
    return List("expand", "expand", columns, KEYS, before=before, after={"accounts": itemgetter("accounts"), "currency": lambda row: currency})


CSS = {"share": "num", "owners": "num", "potential": "num strong", "arr": "num", "owner": "nowrap"}  # of the columns of whitespace


def _chosen(space: pa.Table, listed: Listed, asked: Asked) -> pa.Table:
    """Whitespace of the chosen value and product, with `split`, `mrr` and `owner` of the account: "" and null where it is not among those listed."""
    split = split_of(asked)
    table = space.filter(pc.equal(space["product"], asked["product"])) if asked["product"] else space
    about = listed.table.select(["account_id", "split", "mrr", "owner"]).combine_chunks()
    at = pc.index_in(table["account_id"], about["account_id"])
    table = table.append_column("split", pc.fill_null(about["split"].take(at), "")).append_column("at", at)
    if split is not None:
        table = table.filter(pc.equal(table["split"], split))
    for name in ("mrr", "owner"):
        table = table.append_column(name, about[name].take(table["at"]))
    return table.drop_columns(["at"])


def _listing(
    listed: Listed, views: Mapping[str, Shown], space: pa.Table, asked: Asked, currency: str, tools: Opened, run: PassRun | None, scope: Scope
) -> dict[str, Any]:
    rows = _chosen(space, listed, asked)
    if asked["view"] == POTENTIAL:
        found = rows_of(potential_of(run, scope), listed, run, scope, asked)
        made = potential_listing(found, asked, currency, tools, tabs_of(listed, views, asked))
    elif asked["view"] == WHITESPACE:
        made = _space_listing(rows, asked, currency, tools, views[WHITESPACE].note, tabs_of(listed, views, asked))
    else:
        empty = {"icon": "trending-up", "title": _("No account is like this"),
            "text": _("Seats are known where a source names users or counts seats assigned; deals, where opportunities are imported.")}  # fmt: skip
        made = listing(listed, views, asked, _("Accounts"), currency, empty, tools)
    for tab in made["views"]:
        if tab["title"] == views[WHITESPACE].title:
            tab["count"] = rows.num_rows
    return made


def _space_listing(
    rows: pa.Table, asked: Asked, currency: str, tools: Opened, note: Any, tabs: list[dict[str, Any]]
) -> dict[str, Any]:
    filters = filters_of(asked)
    if asked["product"]:
        filters.append({"label": _("Product is"), "value": asked["product"], "remove_url": asked.url("list", product=""), "key": "product"})
    titles = _space_list(currency).columns
    heads = [{"key": name, "title": titles[name].title, "css": CSS.get(name, "")} for name in tools.shown]
    said = [_space_row(row, tools.shown, currency) for row in named(rows.slice(asked.start, SHOWN).to_pylist())]
    return motion.listing(asked, _("Accounts"), heads, said, rows.num_rows, tools=tools, views=tabs, filters=filters, note=note,
        total=total_of(float(pc.sum(rows["potential"]).as_py() or 0) * 12, currency, _("Potential ARR")),
        download_url=asked.url(format="csv"), empty={"icon": "trending-up", "title": _("No whitespace is known"),
            "text": _("A product counts where at least five accounts of a segment own it, and a tenth of them.")})  # fmt: skip


def _space_row(row: Mapping[str, Any], columns: Sequence[str], currency: str) -> dict[str, Any]:
    potential, exact = motion.said(row["potential"] * 12, MONEY, currency)
    arr, whole = motion.said(None if row["mrr"] is None else row["mrr"] * 12, MONEY, currency)
    cells = {
        "product": {"text": row["product"]}, "share": {"text": percent(row["share"], 0)},
        "owners": {"text": _("%(n)s of %(of)s") % {"n": number(row["owners"]), "of": number(row["accounts"])}},
        "potential": {"text": potential, "title": exact}, "arr": {"text": arr, "title": whole}, "owner": {"text": row["owner"] or "", "who": row["owner"]},
    }  # fmt: skip
    return {
        "name": row["account"], "url": reverse("account", args=[row["account_id"]]), "sub": row["segment"], "cells": [cells[name] for name in columns],
    }  # fmt: skip


def _all_space(rows: pa.Table) -> Iterator[dict[str, Any]]:
    for begin in range(0, rows.num_rows, 1_000):
        yield from named(rows.slice(begin, 1_000).to_pylist())


def _all_potential(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for begin in range(0, len(rows), 1_000):
        yield from named(list(rows[begin : begin + 1_000]))


register(List("expand", "expand", {}, KEYS))
urlpatterns = [path("expand/", expand, name="expand")]
