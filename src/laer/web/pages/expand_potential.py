"""Expand, the list of potential: what each account may grow by, for which reason, how likely, and whether it is ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

import pyarrow as pa
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from laer.cycle.run_tables import QuestionFault
from laer.cycle.scope import Scope
from laer.expand.potential import HORIZON, PLAN, PRODUCT
from laer.web.pages import lists, motion
from laer.web.pages.exports import Money
from laer.web.pages.lists import List, Opened
from laer.web.pages.motion import MONEY, SHOWN, Asked
from laer.web.pages.motion_accounts import KEYS, filters_of, named, split_of, total_of
from laer.web.runs.desk import ask
from laer.web.runs.measured import facts_table
from laer.web.runs.models import PassRun
from laer.web.runs.motions import Listed
from laer.web.templatetags.laer import money_short, number, percent
from laer.web.wording import gettext_lazy

POTENTIAL = "potential"
NOT_ACTIVATED, RED, UNSURE, READY = "not_activated", "red", "unsure", "ready"
READINESS = {
    READY: (gettext_lazy("ready"), "good"), UNSURE: (gettext_lazy("health unknown"), "outline"),
    RED: (gettext_lazy("not yet: health is red"), "bad"), NOT_ACTIVATED: (gettext_lazy("not yet: first users are not activated"), "warn"),
}  # fmt: skip
CSS = {"potential": "num strong", "room": "num", "arr": "num", "because": "cell-wide", "owner": "nowrap"}


def potential_of(run: PassRun | None, scope: Scope) -> list[dict[str, Any]]:
    """Reasons to grow as the pass found them; empty where the run did not keep any."""
    if run is None:
        return []
    try:
        found: pa.Table = ask("potential", {}, scope, run.pk)
    except (QuestionFault, TimeoutError):
        return []
    return list(found.to_pylist())


def rows_of(items: Sequence[Mapping[str, Any]], listed: Listed, run: PassRun | None, scope: Scope, asked: Asked) -> list[dict[str, Any]]:
    """A row an account: those that are ready first, then by what they may grow by."""
    facts = facts_table(run, ["account_id", "health", "activated"], scope)
    state = {} if facts is None else {row["account_id"]: row for row in facts.to_pylist()}
    about = {row["account_id"]: row for row in listed.table.select(["account_id", "split", "mrr", "owner"]).to_pylist()}
    split, by_account = split_of(asked), dict[int, list[Mapping[str, Any]]]()
    for one in items:
        by_account.setdefault(one["account_id"], []).append(one)
    rows = []
    for account, reasons in by_account.items():
        row = {"account_id": account, "split": "", "mrr": None, "owner": None} | about.get(account, {})
        if split is None or row["split"] == split:
            reasons = sorted(reasons, key=lambda one: -one["worth"])
            rows.append(row | {
                "reasons": reasons, "potential": sum(one["worth"] for one in reasons), "room": sum(one["amount"] for one in reasons),
                "ready": readiness(state.get(account, {})),
            })  # fmt: skip
    return sorted(rows, key=place)


def place(row: Mapping[str, Any]) -> tuple[bool, float, int]:
    """Where a row stands: who is not ready behind all others, the most potential first."""
    return row["ready"] in (RED, NOT_ACTIVATED), -row["potential"], row["account_id"]


def readiness(facts: Mapping[str, Any]) -> str:
    """Nobody is sold more whose health is red or whose first users are not activated. Activation that nothing says is no obstacle."""
    if facts.get("health") == "red":
        return RED
    if facts.get("activated") is False:
        return NOT_ACTIVATED
    return READY if facts.get("health") else UNSURE


def because(reasons: Sequence[Mapping[str, Any]], currency: str) -> str:
    """The reasons in words, the most worth first, each with its likelihood and the number of cases behind it."""
    return "; ".join(_reason(one, currency) for one in reasons)


def _reason(one: Mapping[str, Any], currency: str) -> str:
    arr = money_short(Decimal(f"{one['amount'] * 12:.2f}"), currency)
    if one["reason"] == PRODUCT:
        what = _("%(product)s, which alike accounts own (%(arr)s)") % {"product": one["name"], "arr": arr}
    elif one["reason"] == PLAN:
        what = _("plan outgrown, %(plan)s is next (%(arr)s)") % {"plan": one["name"], "arr": arr}
    else:
        what = _("seats nearly full (%(arr)s)") % {"arr": arr}
    cases = ngettext("%(n)s case", "%(n)s cases", one["n"]) % {"n": number(one["n"])}
    basis = cases if one["learned"] else _("prior, %(cases)s") % {"cases": cases}
    return _("%(what)s: %(chance)s by %(basis)s") % {"what": what, "chance": percent(one["likelihood"], 0), "basis": basis}


def list_of_potential(currency: str) -> List:
    """An account on each row, with the reasons."""

    def money(name: str) -> Any:
        return lambda row: Money(None if row[name] is None else Decimal(f"{row[name] * 12:.2f}"), currency)

    columns = {
        "potential": lists.Column(gettext_lazy("Potential ARR"), "potential_arr", money("potential")),
        "room": lists.Column(gettext_lazy("If all came"), "if_all_came_arr", money("room")),
        "because": lists.Column(gettext_lazy("Because"), "because", lambda row: because(row["reasons"], currency)),
        "ready": lists.Column(gettext_lazy("Readiness"), "readiness", itemgetter("ready")),
        "arr": lists.Column(gettext_lazy("ARR"), "arr", money("mrr")),
        "owner": lists.Column(gettext_lazy("CSM"), "csm", itemgetter("owner")),
    }
    before = {"account_id": itemgetter("account_id"), "account": itemgetter("account")}
    return List("expand", "expand", columns, KEYS, before=before, after={"currency": lambda row: currency})


def listing(rows: list[dict[str, Any]], asked: Asked, currency: str, tools: Opened, tabs: list[dict[str, Any]]) -> dict[str, Any]:
    titles = list_of_potential(currency).columns
    heads = [{"key": name, "title": titles[name].title, "css": CSS.get(name, "")} for name in tools.shown]
    said = [_row(row, tools.shown, currency) for row in named(rows[asked.start : asked.start + SHOWN])]
    note = _("what would come, times how often it came within %(days)s days at this firm; who is not ready stands last") % {"days": number(HORIZON)}
    return motion.listing(asked, _("Accounts"), heads, said, len(rows), tools=tools, views=tabs, filters=filters_of(asked), note=note,
        total=total_of(sum(row["potential"] for row in rows) * 12, currency, _("Potential ARR")), download_url=asked.url(format="csv"),
        empty={"icon": "trending-up", "title": _("No reason to grow is known"),
            "text": _("Full seats, outgrown plans and products that alike accounts own are reasons; the next pass looks for them.")})  # fmt: skip


def _row(row: Mapping[str, Any], columns: Sequence[str], currency: str) -> dict[str, Any]:
    def money(name: str) -> dict[str, Any]:
        text, exact = motion.said(None if row[name] is None else row[name] * 12, MONEY, currency)
        return {"text": text, "title": exact}

    words, tone = READINESS[row["ready"]]
    cells = {
        "potential": money("potential"), "room": money("room"), "because": {"text": because(row["reasons"], currency)},
        "ready": {"text": words, "tone": tone}, "arr": money("mrr"), "owner": {"text": row["owner"] or "", "who": row["owner"]},
    }  # fmt: skip
    return {"name": row["account"], "url": reverse("account", args=[row["account_id"]]), "sub": row["split"] or "", "cells": [cells[name] for name in columns]}
