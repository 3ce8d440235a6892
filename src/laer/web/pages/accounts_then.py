"""The account list as a run of before knew it: its filters and sort asked of that run's facts, under an address that says the same tomorrow.

What a run's facts do not say (a condition, a segment of accounts, when a contract ends) cannot be asked of it: a list that is narrowed by
one of these offers no such address, and one that names it anyway is told so and shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from laer.cycle.scope import Scope
from laer.flow.positions import STATES, column_of
from laer.records.money import minor_units
from laer.records.periods import date_of
from laer.web import position_words
from laer.web.book.many import listed
from laer.web.book.queries import person_name
from laer.web.pages import accounts as today
from laer.web.pages import motion
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, format_of
from laer.web.pages.flow import Chosen, chosen
from laer.web.pages.lists import Column, List, Opened, choices
from laer.web.pages.motion import MONEY, SHOWN, Asked
from laer.web.pages.motion_accounts import state_of, total_of
from laer.web.pages.team_filter import TEAM, looked_at
from laer.web.runs import flowing, in_use
from laer.web.runs.measured import facts_table
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.queries import NONE, Filters
from laer.web.templatetags.laer import day, number

COLUMNS = ("account_id", "segment", "industry", "country", "state", "mrr", "arr", "first_paid_on", "renewal_on", "owner")
SORTS = {"segment": "segment", "industry": "industry", "country": "country", "owner_name": "owner", "mrr": "mrr", "arr": "arr",
    "first_paid_on": "first_paid_on"}  # fmt: skip
ASKED = ("state", "segment", "country", "industry", "owner", "mrr_min", "mrr_max")  # filters that facts answer
OF_BOARD = ("at", "cohort")  # what only an address of the board says
UNKNOWN = "unknown"
DATES = ("first_paid_on", "renewal_on")
NUMBERS = {"mrr": "num strong", "arr": "num"}


@require_safe
def accounts(request: HttpRequest) -> HttpResponseBase:
    """Which accounts are like this? With `run` in the address, as that run knew them."""
    return _of_run(request) if "run" in request.GET else today.accounts(request)


@dataclass(frozen=True)
class Position:
    """Some states of a motion, as an address names them: `adopt:stalled,lapsed`; a state that is not known is `unknown`."""

    motion: str
    states: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Position | None:
        motion, _colon, states = text.partition(":")
        there = tuple(state for state in states.split(",") if state in (*STATES.get(motion, ()), UNKNOWN))
        return cls(motion, there) if there else None

    def text(self) -> str:
        return f"{self.motion}:{','.join(self.states)}"

    def of(self, table: pa.Table) -> pa.Table:
        """Rows in one of the states; none where the run knew no such motion."""
        if column_of(self.motion) not in table.column_names:
            return table.slice(0, 0)
        found = pc.fill_null(table[column_of(self.motion)], UNKNOWN)
        return table.filter(pc.is_in(found, pa.array(self.states, pa.string())))

    def words(self) -> str:
        said = " / ".join(position_words.state_name(self.motion, None if state == UNKNOWN else state) for state in self.states)
        return f"{position_words.MOTIONS[self.motion]}: {said}"


def of_cohort(run: PassRun, scope: Scope, cohort: Chosen) -> Scope:
    """The accounts of some cohorts of the flow, as the run knew them."""
    if cohort.first is None:
        return scope
    found = flowing.behind(run, scope, in_use.joints_of(run), {"move": "landed", "first": cohort.first, "last": cohort.last})
    return scope.narrowed(found["account_id"].to_pylist())


def like(run: PassRun, scope: Scope, filters: Filters, currency: str) -> Scope:
    """The accounts that filters which facts answer leave, as that run knew them."""
    table = facts_table(run, list(COLUMNS), scope) if filters else None
    return scope if table is None else scope.narrowed(_like(table, filters, "", currency)["account_id"].to_pylist())


def _list(currency: str) -> List:
    text = {"segment": gettext_lazy("Segment"), "industry": gettext_lazy("Industry"), "country": gettext_lazy("Country"), "state": gettext_lazy("State")}
    columns = {name: Column(title, name, itemgetter(name), usual=name in ("segment", "country")) for name, title in text.items()}
    columns |= {
        "mrr": Column(gettext_lazy("MRR"), "mrr", lambda row: _money(row["mrr"], currency)),
        "arr": Column(gettext_lazy("ARR"), "arr", lambda row: _money(row["arr"], currency)),
        "first_paid_on": Column(gettext_lazy("Customer since"), "customer_since_on", partial(_date, "first_paid_on"), usual=False),
        "renewal_on": Column(gettext_lazy("Renewal due"), "renewal_on", partial(_date, "renewal_on")),
        "owner_name": Column(gettext_lazy("Owner"), "owner", itemgetter("owner")),
    }
    return List("accounts", "accounts", columns, before={n: itemgetter(n) for n in ("account_id", "account")}, after={"currency": lambda row: currency})


def _as_it_was(request: HttpRequest, then: Then) -> HttpResponseBase:
    run = then.run
    assert run
    looked = looked_at(request)
    scope, currency = looked.scope, run.currency
    asked = Asked(request, "accounts", {}, ("q", "sort", *OF_BOARD, *request_keys(request)), then.query)
    filters = replace(today.read_filters(request.GET, currency), team=looked.query.get(TEAM))
    at = Position.read(request.GET.get("at", ""))
    scope = of_cohort(run, scope, chosen(request.GET.get("cohort", "")))
    table = facts_table(run, [*COLUMNS, *((column_of(at.motion),) if at else ())], scope)
    missing = unanswered(filters)
    if table is None or missing:
        table = pa.table({name: pa.array([], pa.int64() if name == "account_id" else pa.string()) for name in COLUMNS})
    else:
        table = _like(table, filters, request.GET.get("q", "").strip()[:200], currency)
        table = _sorted(at.of(table) if at else table, request.GET.get("sort", ""))
    own = _list(currency)
    if format_of(request):
        return own.file(request, _named(table.to_pylist()), f"accounts-{run.as_of}")
    shown = own.shown(request.GET)
    rows = _named(table.slice(asked.start, SHOWN).to_pylist())
    heads = [{"key": name, "title": own.columns[name].title, "css": NUMBERS.get(name, "")} for name in shown]
    arr = 0.0 if missing else float(pc.sum(table["arr"]).as_py() or 0)
    context = {
        "title": _("Accounts"),
        "notices": [cannot(missing)] if missing else [],
        "listing": motion.listing(
            asked, _("Accounts"), heads, [_row(row, shown, currency, then) for row in rows], table.num_rows,
            tools=Opened(shown, {"columns": choices(own, shown)}), filters=_chips(asked, filters, currency), total=total_of(arr, currency),
            download_url=request.get_full_path(),
            empty={"icon": "building", "title": _("No account was like this"), "text": _("No account that you may see was like this then.")},
        ),
        "state": state_of(run, scope, then, ngettext("%(n)s account", "%(n)s accounts", table.num_rows) % {"n": number(table.num_rows)})
        | {"whose": looked.whose},
    } | then.context(request)  # fmt: skip
    return render(request, "pages/motion.html", context)


def request_keys(request: HttpRequest) -> tuple[str, ...]:
    """The filters in the address, so that its links keep them."""
    return tuple(key for key in (*ASKED, TEAM) if request.GET.get(key))


def unanswered(filters: Filters) -> list[str]:
    """Filters in force that a run's facts do not answer, in words."""
    there = {name: getattr(filters, name) for name in today.SENTENCES}
    return [str(today.SENTENCES[name]) for name, value in there.items() if value is not None and name not in (*ASKED, TEAM)]


def _like(table: pa.Table, filters: Filters, q: str, currency: str) -> pa.Table:
    scale = 10 ** minor_units(currency)
    for name in ("state", "segment", "country", "industry"):
        value = getattr(filters, name)
        if value is not None:
            table = table.filter(pc.is_null(table[name]) if value == NONE else pc.fill_null(pc.equal(table[name], value), False))
    if filters.owner is not None:
        owner = None if filters.owner == NONE else person_name(int(filters.owner))
        table = table.filter(pc.is_null(table["owner"]) if owner is None else pc.fill_null(pc.equal(table["owner"], owner), False))
    if filters.mrr_min is not None:
        table = table.filter(pc.fill_null(pc.greater_equal(table["mrr"], filters.mrr_min / scale), False))
    if filters.mrr_max is not None:
        table = table.filter(pc.fill_null(pc.less(table["mrr"], filters.mrr_max / scale), False))
    if q:
        found = AccountCard.objects.filter(account_id__in=listed(table["account_id"].to_pylist()), name__icontains=q).values_list("account_id", flat=True)
        table = table.filter(pc.is_in(table["account_id"], pa.array(list(found), pa.int64())))
    return table


def _sorted(table: pa.Table, sort: str) -> pa.Table:
    by, down = SORTS.get(sort.removeprefix("-"), "arr"), sort.startswith("-") or sort.removeprefix("-") not in SORTS
    return table.sort_by([(by, "descending" if down else "ascending"), ("account_id", "ascending")])


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with today's names of their accounts: one query."""
    names = dict(AccountCard.objects.filter(account_id__in=listed([row["account_id"] for row in rows])).values_list("account_id", "name")) if rows else {}
    return [row | {"account": names.get(row["account_id"]) or _("account %(id)s") % {"id": row["account_id"]}} for row in rows]


def _row(row: Mapping[str, Any], shown: tuple[str, ...], currency: str, then: Then) -> dict[str, Any]:
    cells = []
    for name in shown:
        if name in NUMBERS:
            text, exact = motion.said(row[name], MONEY, currency)
            cells.append({"text": text, "title": exact})
        elif name in DATES:
            cells.append({"text": day(_date(name, row)) if row[name] is not None else ""})
        elif name == "owner_name":
            cells.append({"text": row["owner"] or "", "who": row["owner"]})
        else:
            cells.append({"text": str(today.STATES.get(row[name], row[name] or "")) if name == "state" else row[name] or ""})
    return {"name": row["account"], "url": f"{reverse('account', args=[row['account_id']])}?{urlencode(then.query)}", "sub": "", "cells": cells}


def _chips(asked: Asked, filters: Filters, currency: str) -> list[dict[str, Any]]:
    at, cohort = Position.read(asked["at"]), chosen(asked["cohort"])
    placed = [{"label": _("Position is"), "value": at.words(), "remove_url": asked.url(at=""), "key": "at"}] if at else []
    if cohort.first is not None:
        placed.append({"label": _("Cohort"), "value": cohort.label, "remove_url": asked.url(cohort=""), "key": "cohort"})
    chips: list[dict[str, Any]] = [*placed, {"label": _("Words"), "value": asked["q"], "remove_url": asked.url(q=""), "key": "q"}] if asked["q"] else placed
    for name in (*ASKED, TEAM):
        value = getattr(filters, name)
        if value is not None:
            said = today.said(name, value, {"owner": []}, currency)
            chips.append({"label": today.SENTENCES[name], "value": said, "remove_url": asked.url(**{name: ""}), "key": name})
    return chips


def cannot(names: list[str]) -> dict[str, str]:
    text = _("What the run kept does not say: %(filters)s. Take that away, or look at the list of now.") % {"filters": ", ".join(names)}
    return {"tone": "warn", "title": _("This list cannot be shown as it was"), "text": text}


def _money(value: float | None, currency: str) -> Money:
    return Money(None if value is None else Decimal(f"{value:.{minor_units(currency)}f}"), currency)


def _date(name: str, row: Mapping[str, Any]) -> Any:
    return None if row[name] is None else date_of(int(row[name]))


_of_run = as_then(_as_it_was, newest=True)
urlpatterns: list[URLPattern] = [path("accounts/", accounts, name="accounts")]
