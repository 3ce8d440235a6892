"""The accounts behind a cell of the flow: who they are, what they pay, where they stand, and since or by when; as a page and as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
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

from laer.cycle.run_tables import QuestionFault
from laer.flow.joints import BEFORE, CHAIN, JOINTS, STAGES, STATES
from laer.records.money import minor_units, rounded, rounded_together
from laer.records.periods import FAR, date_of
from laer.web.book.many import listed
from laer.web.pages import flow_words, motion
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.motion import MONEY, SHOWN, Asked, said, tile
from laer.web.pages.motion_accounts import state_of
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.runs import flowing, in_use, snapshots
from laer.web.runs.models import AccountCard, PassRun
from laer.web.templatetags.laer import day as day_text
from laer.web.templatetags.laer import number

NOT_SAID = "~"  # in an address: accounts that do not say it
MOVES = ("", *flow_words.MOVES)
CHOICES = {"joint": ("", "any", *JOINTS), "state": ("", *STATES), "move": MOVES, "stage": ("", *STAGES), "standing": ("", "all", *STAGES),
    "by": ("", *flow_words.BY)}  # fmt: skip


@require_safe
@as_then
def behind(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The accounts behind one cell of the flow: at a joint, behind a movement, or standing somewhere."""
    from laer.web.pages.flow import chosen  # the page of the cells; it names this one

    run = then.run
    asked = Asked(request, "flow_accounts", CHOICES, ("cohort", "value", TEAM), then.query)
    if run is None or not snapshots.is_there(run.pk) or not ((asked["joint"] and asked["state"]) or asked["move"] or asked["standing"]):
        raise Http404
    looked = looked_at(request)
    scope, joints, cohort = looked.scope, in_use.joints_of(run), chosen(asked["cohort"])
    by = asked["by"] or None
    params: dict[str, Any] = {name: asked[name] or None for name in ("joint", "state", "move", "stage", "standing")}
    params |= {"first": cohort.first, "last": cohort.last, "value": None if by is None or not asked["value"] else asked["value"].removeprefix(NOT_SAID)}
    try:
        found = flowing.behind(run, scope, joints, params, by)
    except QuestionFault as error:
        raise Http404 from error
    denominator = int(found.schema.metadata[b"denominator"])
    if form := format_of(request):
        return _download(found, denominator, run, form)
    total = Fraction(int(pc.sum(found["amount"]).as_py() or 0), denominator)
    n = found.num_rows
    title, note = _title(asked)
    context = {
        "title": title,
        "crumb": {"label": _("Flow"), "url": reverse("flow") + (f"?{urlencode(dict(then.query))}" if then.query else "")},
        "figures": [
            tile(_amount_head(asked), total, MONEY, run.currency, hint=_("equal to the cell")),
            tile(_("Accounts"), n),
        ],
        "listing": _listing(found, asked, run, denominator, cohort.label if cohort.first is not None else "", note),
        "state": state_of(run, scope, then, ngettext("%(n)s account", "%(n)s accounts", n) % {"n": number(n)}) | {"whose": looked.whose},
        "team_chip": looked.chip(asked),
    } | then.context(request, asked.url())
    return render(request, "pages/flow_accounts.html", context)


def _title(asked: Asked) -> tuple[str, Any]:
    """What the cell is, and what it means."""
    joint, state, move, stage = asked["joint"], asked["state"], asked["move"], asked["stage"]
    if joint == "any":
        return _("Late at a joint"), flow_words.STATE_MEANS["late"]
    if joint:
        return _("%(joint)s: %(state)s") % {"joint": flow_words.JOINTS[joint], "state": flow_words.STATES[state]}, flow_words.STATE_MEANS[state]
    if asked["standing"]:
        if asked["standing"] == "all":
            return _("MRR now"), _("Every account that pays.")
        return _("Now: %(place)s") % {"place": flow_words.ON_THE_WAY[asked["standing"]]}, _("They pay, and this is the next joint ahead of them.")
    if stage:
        return _("%(move)s %(where)s") % {"move": flow_words.MOVES[move], "where": flow_words.WHERE[stage]}, ""
    return str(flow_words.MOVES[move]), ""


def _amount_head(asked: Asked) -> str:
    if asked["joint"]:
        return _("Landed MRR") if asked["state"] == "lost" else _("MRR now")
    return _("MRR now") if asked["standing"] else _("%(move)s, MRR") % {"move": flow_words.MOVES[asked["move"]]}


def _day_head(asked: Asked) -> str:
    if asked["joint"]:
        return _("Passed on") if asked["state"] == "passed" else _("In time until")
    return _("First paid on") if asked["standing"] else _("Last on")


def _listing(found: pa.Table, asked: Asked, run: PassRun, denominator: int, cohort: str, note: Any) -> dict[str, Any]:
    rows = _named(found.slice(asked.start, SHOWN).to_pylist())
    heads: list[dict[str, Any]] = [
        {"title": _("Landed in"), "css": "nowrap"}, {"title": _amount_head(asked), "css": "num strong"}, {"title": _("Landed MRR"), "css": "num"},
        {"title": "" if _amount_head(asked) == _("MRR now") else _("MRR now"), "css": "num", "optional": True},
        {"title": _day_head(asked), "css": "nowrap"}, {"title": _("Next joint"), "optional": True},
        {"title": _("CSM"), "css": "nowrap"},
    ]  # fmt: skip
    filters = []
    if cohort:
        filters.append({"label": _("Cohort"), "value": cohort, "remove_url": asked.url(cohort=""), "key": "cohort"})
    if asked["by"] and asked["value"]:
        value = flow_words.value_name(asked["by"], asked["value"].removeprefix(NOT_SAID)) or _("not said")
        label = _("%(dimension)s is") % {"dimension": flow_words.BY[asked["by"]]}
        filters.append({"label": label, "value": value, "remove_url": asked.url(by="", value=""), "key": "value"})
    return motion.listing(
        asked, _("Accounts"), heads, [_row(row, run.currency, denominator, heads) for row in rows], found.num_rows, filters=filters, note=note,
        download_url=asked.url(format="csv"),
        empty={"icon": "route", "title": _("Nobody is behind this cell"), "text": _("It is zero for the accounts that you may see.")},
    )  # fmt: skip


def _row(row: Mapping[str, Any], currency: str, denominator: int, heads: list[dict[str, Any]]) -> dict[str, Any]:
    def money(name: str) -> dict[str, str]:
        text, exact = said(Fraction(int(row[name]), denominator), MONEY, currency)
        return {"text": text, "title": exact}

    on_d, stage = row["on_d"], STAGES[row["stage"]]
    return {
        "name": row["account"], "url": reverse("account", args=[row["account_id"]]), "sub": row["segment"],
        "cells": [
            {"text": flow_words.cohort_name(row["cohort"])}, money("amount"), money("landed"), money("mrr") if heads[3]["title"] else {"text": ""},
            {"text": "" if on_d is None or on_d >= FAR else day_text(date_of(on_d))},
            {"text": str(flow_words.JOINTS[stage]) if stage in CHAIN else ""},
            {"text": row["owner"] or "", "who": row["owner"]},
        ],
    }  # fmt: skip


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with names, segments and CSMs of today: one query."""
    cards = AccountCard.objects.filter(account_id__in=listed({row["account_id"] for row in rows})) if rows else AccountCard.objects.none()
    there = {pk: (name, segment, owner) for pk, name, segment, owner in cards.values_list("account_id", "name", "segment", "owner_name")}
    nameless = _("account %(id)s")
    made = []
    for row in rows:
        name, segment, owner = there.get(row["account_id"], (nameless % {"id": row["account_id"]}, None, None))
        made.append(row | {"account": name, "segment": segment, "owner": owner})
    return made


HEADER = ("account_id", "account", "segment", "csm", "cohort", "first_paid_on", "amount", "landed_mrr", "mrr", "currency", "on", "next_joint")


def _download(found: pa.Table, denominator: int, run: PassRun, form: str) -> HttpResponseBase:
    """Amounts add up to the cell's, to the minor unit (rule 14)."""
    places = minor_units(run.currency)
    amounts = rounded_together([Fraction(int(value), denominator) for value in found["amount"].to_pylist()], places)

    def exact(value: Any) -> Money:
        return Money(rounded(Fraction(int(value), denominator), places), run.currency)

    def cells() -> Iterator[tuple[Any, ...]]:
        for begin in range(0, found.num_rows, 1_000):
            for at, row in enumerate(_named(found.slice(begin, 1_000).to_pylist()), begin):
                on_d = row["on_d"]
                yield (
                    row["account_id"], row["account"], row["segment"], row["owner"],
                    "before" if row["cohort"] == BEFORE else f"{1970 + row['cohort'] // 12:04d}-{row['cohort'] % 12 + 1:02d}", date_of(row["first_d"]),
                    Money(amounts[at], run.currency), exact(row["landed"]), exact(row["mrr"]), run.currency,
                    None if on_d is None or on_d >= FAR else date_of(on_d), STAGES[row["stage"]],
                )  # fmt: skip

    return export(f"flow-accounts-{run.as_of}", HEADER, cells(), form)
