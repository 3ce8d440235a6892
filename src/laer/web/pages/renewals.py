"""Renew: what falls due, what became of what fell due, and the decisions that wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.cycle import terms
from laer.cycle.renewals import SETTLED
from laer.records.periods import first_day, last_covered, month_name, month_number, month_of
from laer.web.book import settling
from laer.web.book.actions import Refused
from laer.web.book.many import listed
from laer.web.book.scope import editable_accounts, scope_of
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, format_of
from laer.web.pages.lists import Column, List, Value, carried, opened, register
from laer.web.pages.meanings import meaning_of
from laer.web.pages.renewal_calls import ORDER, calls_by_contract, person_said, system_said
from laer.web.pages.renewal_calls import SAID as SAID_OF_CALLS
from laer.web.pages.renewal_calls import TONES as TONES_OF_CALLS
from laer.web.pages.renewal_rates import tabs
from laer.web.pages.revenue_charts import amount_of
from laer.web.pages.team_filter import looked_at
from laer.web.people.models import User
from laer.web.runs.desk import ask
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import stale_since
from laer.web.runs.renewing import NO_CALL, Renewals, renewals_of
from laer.web.templatetags.laer import month as month_text
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy
from laer.web.work.calls import standing_calls
from laer.web.work.models import Forecast

Calls = Mapping[tuple[int, date], Forecast]

AHEAD, BACK = 12, 3  # months of the runway
NOBODY = "~"  # in an address: accounts without an owner
SHOWN = 50
SAID = {
    terms.DUE: (gettext_lazy("due"), "info"), terms.PENDING: (gettext_lazy("pending, within the grace"), "warn"),
    terms.UNRESOLVED: (gettext_lazy("expired, unresolved"), "bad"), terms.ROLLS: (gettext_lazy("renews by itself"), "good"),
    terms.RENEWED: (gettext_lazy("renewed"), "good"), terms.LATE: (gettext_lazy("late"), "warn"), terms.BACK: (gettext_lazy("came back"), "warn"),
    terms.LOST: (gettext_lazy("lost"), "bad"),
}  # fmt: skip
VIEWS = {
    "ahead": gettext_lazy("Due ahead"), terms.PENDING: gettext_lazy("Pending"), terms.UNRESOLVED: gettext_lazy("Expired, unresolved"),
    "settled": gettext_lazy("Settled"), "all": gettext_lazy("All"),
}  # fmt: skip
OPENED = {  # views behind a figure, or behind a list of Home
    "soon": gettext_lazy("Ends in 90 days"), "late": gettext_lazy("Late or back"), "near": gettext_lazy("Due in six months"),
    "doubt": gettext_lazy("In doubt, next six months"),
}  # fmt: skip
OPENS: dict[str, Callable[[Renewals], Any]] = {"soon": Renewals.soon, "late": Renewals.late, "near": Renewals.near, "doubt": Renewals.in_doubt}
Links = list[tuple[str, str]]
MEANING_OF = {terms.PENDING: "pending", terms.UNRESOLVED: "unresolved"}


@require_safe
@partial(as_then, newest=True)
def renewals(request: HttpRequest, then: Then) -> HttpResponseBase:
    """What falls due, by month and by what is expected of it; each renewal with the system's call and the person's."""
    user, run = user_of(request), then.run
    looked = looked_at(request)
    scope = looked.scope
    calls = standing_calls(user, until=run.finished_at if run and then.query else None)
    due = renewals_of(run, scope).with_calls(calls_by_contract(calls))
    masks = {name: due.view(name) for name in VIEWS}
    counts = {name: due.count(mask) for name, mask in masks.items()}
    wanted = request.GET.get("view", "")
    if run is not None and wanted in OPENED:  # what a figure opens to, and no tab
        masks[wanted] = OPENS[wanted](due)
    view = wanted if wanted in masks else terms.UNRESOLVED if counts[terms.UNRESOLVED] and not counts["ahead"] else "ahead"
    asked = request.GET.get("month", "")
    month = _month(asked)
    mask = due.of_month(masks[view], month_of(month)) if month else masks[view]
    asked_call = request.GET.get("call", "")
    if asked_call in SAID_OF_CALLS:
        mask = pc.and_(mask, due.called(asked_call))
    else:
        asked_call = ""
    owner = request.GET.get("owner", "")[:200]
    shown_owner = _("nobody") if owner == NOBODY else owner
    nobodys = pc.is_in(due.table["account_id"], pa.array(_accounts_of(NOBODY), pa.int64()))
    if owner:
        mask = pc.and_(mask, pc.is_in(due.table["account_id"], pa.array(_accounts_of(owner), pa.int64())))
    more = {"call": asked_call, "owner": owner}
    shown = due.count(mask)
    if format_of(request):
        return RENEWALS.file(request, _named(due.rows(mask), run, calls), f"renewals-{run.as_of if run else 'none'}")
    tools = opened(request, user, RENEWALS)
    if tools.elsewhere:
        return tools.elsewhere
    links = [*then.query.items(), *looked.query.items(), *carried(request.GET)]
    start = request.GET.get("start", "0")
    begin = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    part = _named(due.rows(mask, begin, SHOWN), run, calls)
    calling = not then.query and any(not r["settled"] for r in part)
    editable = set(editable_accounts(user).filter(pk__in={r["account_id"] for r in part}).values_list("pk", flat=True)) if calling else set()
    context = {
        "rows": [r | {"editable": r["account_id"] in editable and not r["settled"]} for r in part],
        "previous_url": _page(links, view, month, **more, start=max(0, begin - SHOWN)) if begin else None,
        "next_url": _page(links, view, month, **more, start=begin + SHOWN) if begin + SHOWN < shown else None,
        "shown": _("%(first)s to %(last)s of %(all)s") % {"first": number(begin + 1), "last": number(begin + len(part)), "all": number(shown)}
        if part
        else "",
        "tabs": tabs(then, "due"),
        "team_chip": looked.chip(_Address([*then.query.items(), *carried(request.GET)], view, month, more)),
        "views": [{"title": title, "url": _page(links, name), "active": name == view, "count": counts[name]} for name, title in VIEWS.items()],
        "view": view,
        "calls": [{"value": value, "label": SAID_OF_CALLS[value]} for value in ORDER[:-1]] if editable else [],
        "decide": view == terms.UNRESOLVED and bool(editable),
        "decisions": [{"value": value, "label": label} for value, label in settling.DECISIONS.items()],
        "figures": _figures(due, masks, run, links, pc.and_(masks["ahead"], nobodys)),
        "runway": _runway(due, run, links),
        "filters": ([{"label": _("Ends in"), "value": month_text(month), "remove_url": _page(links, view, **more)}] if month else [])
        + ([{"label": _("Shown"), "value": OPENED[view], "remove_url": _page(links, "all", month)}] if view in OPENED else [])
        + ([{"label": _("Call"), "value": SAID_OF_CALLS[asked_call], "remove_url": _page(links, view, month, owner=owner)}] if asked_call else [])
        + ([{"label": _("Owner"), "value": shown_owner, "remove_url": _page(links, view, month, call=asked_call)}] if owner else []),
        "notices": _no_month(asked) if asked and not month else [],
        "currency": run.currency if run else "USD",
        "total": {"label": _("ARR"), "amount": amount_of(due.arr(mask), run.currency), "currency": run.currency} if run and shown else None,
        "download_url": _page(links, view, month, **more, format="csv") if shown else None,
        "state": {
            "shown": ngettext("%(n)s contract with an end", "%(n)s contracts with an end", len(due)) % {"n": number(len(due))} if len(due) else None,
            "as_of": run.as_of if run else None,
            "whose": looked.whose,
            "run": {"label": _("run %(run)s") % {"run": run.pk}} if run else None,
            "recomputing": not then.query and stale_since() is not None,
        },
    }
    context |= tools.context | then.context(request, reverse("renewals") + _page(links, view, month, **more))
    return render(request, "pages/renewals.html", context)


@dataclass(frozen=True)
class _Address:
    """Of this view of the page, for another team."""

    links: Links
    view: str
    month: str
    more: Mapping[str, Any]

    def url(self, *, team: str) -> str:
        return _page(self.links, self.view, self.month, **self.more, team=team)


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """One decision for the contracts that are ticked."""
    user, decision = user_of(request), request.POST.get("decision", "")
    ids = [int(i) for i in request.POST.getlist("contract") if i.isascii() and i.isdigit() and len(i) < 19]
    done = 0
    try:
        for contract in ids[:SHOWN]:
            settling.decide_renewal(user, contract, decision)
            done += 1
    except (Refused, PermissionDenied) as error:
        messages.error(request, str(error) or _("That contract is not yours to decide."))
    if done:
        messages.success(request, ngettext(
            "%(n)s contract: %(lower)s. Figures follow in a moment.",
            "%(n)s contracts: %(lower)s. Figures follow in a moment.",
            done,
        ) % {"n": number(done), "lower": settling.DECISIONS[decision].lower()})
    elif not ids:
        messages.warning(request, _("No contract was ticked."))
    return redirect(f"{reverse('renewals')}?view={terms.UNRESOLVED}")


def due_rows(request: HttpRequest, run: PassRun | None, account: int) -> list[dict[str, Any]]:
    """The account's renewals, as pages show them; none where it is not in the person's scope."""
    if run is None:
        return []
    found = ask("renewals", {"account": account}, scope_of(request.user), run.pk)
    return [_row(r | {"arr": r["mrr"] * 12, "ends_on": last_covered(r["due_on"])}, {}, run) for r in found]


def account_calls(user: User, rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Contract -> its renewal on the page of its account: state, the call that stands, and where it is called. One query."""
    calls = standing_calls(user, contracts=[r["contract_id"] for r in rows])
    return {
        r["contract_id"]: {
            "text": r["words"], "tone": r["tone"], "call": person_said(calls.get((r["contract_id"], r["due_on"]))),
            "call_url": None if r["state"] in SETTLED else reverse("renewal_call", args=[r["contract_id"]]),
        }
        for r in rows
    }  # fmt: skip


def _named(rows: list[dict[str, Any]], run: PassRun | None, calls: Calls) -> list[dict[str, Any]]:
    """Rows with the names of their accounts and owners. One query."""
    if run is None or not rows:
        return []
    cards = AccountCard.objects.filter(account_id__in=listed({r["account_id"] for r in rows}))
    named = {c["account_id"]: c for c in cards.values("account_id", "name", "owner_name", "segment")}
    return [_row(r, named.get(r["account_id"], {}), run) | _calls_of(r, calls) for r in rows]


def _calls_of(row: Mapping[str, Any], calls: Calls) -> dict[str, Any]:
    """Both calls of a row: the system's of what is open, the person's that stands."""
    said = calls.get((row["contract_id"], row["due_on"]))
    return {
        "system_call": None if row["settled"] else system_said(row), "person_call": person_said(said), "called_by": said and said.person_id,
        "call_url": reverse("renewal_call", args=[row["contract_id"]]),
    }  # fmt: skip


def _accounts_of(owner: str) -> list[int]:
    return list(AccountCard.objects.filter(owner_name=None if owner == NOBODY else owner).values_list("account_id", flat=True))


def renewal_text(row: Mapping[str, Any]) -> tuple[str, str]:
    """What became of a renewal in words, and its tone: "late, 12 days"."""
    words, tone = SAID[row["state"]]
    late = row["late_days"] or 0
    if row["state"] == terms.LATE and late:
        return ngettext("late, %(n)s day", "late, %(n)s days", late) % {"n": number(late)}, tone
    if row["state"] == terms.BACK and late:
        return ngettext("came back, %(n)s day", "came back, %(n)s days", late) % {"n": number(late)}, tone
    return str(words), tone


def _row(row: Mapping[str, Any], card: Mapping[str, Any], run: PassRun) -> dict[str, Any]:
    words, tone = renewal_text(row)
    return {
        **row,
        "account": card.get("name") or _("account %(account_id)s") % {"account_id": row["account_id"]},
        "owner": card.get("owner_name"),
        "segment": card.get("segment"),
        "url": f"/accounts/{row['account_id']}/?tab=subscriptions",
        "arr": amount_of(row["arr"], run.currency),
        "currency": run.currency,
        "words": words,
        "tone": tone,
    }


def _month(text: str) -> str:
    """A month of the address as YYYY-MM; nothing where it does not read as one."""
    try:
        return month_name(month_of(text))
    except ValueError:
        return ""


def _no_month(asked: str) -> list[dict[str, Any]]:
    title = _("“%(asked)s” is not a month") % {"asked": asked[:20]}
    return [{"tone": "warn", "title": title, "text": _("Contracts of all months are shown. A month is written like 2026-12.")}]


def _page(links: Links, view: str, month: str = "", **more: Any) -> str:
    """The page's query: its view, its month, and what its links carry: a run of before, the open view, the columns."""
    return "?" + urlencode({k: v for k, v in ({"view": view, "month": month} | more).items() if v}) + "".join(f"&{urlencode([pair])}" for pair in links)


def _figures(due: Renewals, masks: Mapping[str, Any], run: PassRun | None, links: Links, nobodys: Any) -> list[dict[str, Any]]:
    from laer.web.pages.revenue_charts import exactly, short

    if run is None:
        return []
    figures = []
    for key, label, mask, hint in (
        ("soon", _("Ends in 90 days"), due.soon(), _("contracts, by their ARR")),
        (terms.PENDING, _("Pending"), masks[terms.PENDING], _("past their end, within the grace; still counted")),
        (terms.UNRESOLVED, _("Expired, unresolved"), masks[terms.UNRESOLVED], _("nobody knows whether they renewed; still counted")),
        ("late", _("Late or back"), due.late(), _("signed after their last day")),
    ):
        total = amount_of(due.arr(mask), run.currency)
        hint = f"{number(due.count(mask))} · {hint}"
        said = {"label": label, "value": short(total, run.currency), "title": exactly(total, run.currency), "hint": hint}
        figures.append(said | {"url": _page(links, key), "meaning": meaning_of(MEANING_OF.get(key, key), run)})
    total, n = amount_of(due.arr(nobodys), run.currency), number(due.count(nobodys))
    of = _("due ahead, of accounts without an owner")
    hint = f"{n} · {of}"
    return [*figures, {"label": _("Nobody’s"), "value": short(total, run.currency), "title": exactly(total, run.currency), "hint": hint,
                       "url": _page(links, "ahead", owner=NOBODY), "meaning": meaning_of("nobodys", run)}]  # fmt: skip


def _runway(due: Renewals, run: PassRun | None, links: Links) -> dict[str, Any] | None:
    """ARR by the month in which the term ends: what is open by the call that stands, and what is settled."""
    if run is None:
        return None
    now = month_number(run.as_of)
    months = range(now - BACK, now + AHEAD)
    near = due.between(months[0], months[-1])
    open_sums = due.sums(pc.and_(near, pc.invert(due.table["settled"])), "month", "call")
    settled_sums = due.sums(pc.and_(near, due.table["settled"]), "month")
    if not open_sums and not settled_sums:
        return None
    none = (0, Fraction(0))
    table: list[dict[str, Any]] = []
    for m in months:
        by_call = {call: open_sums.get((m, call), none) for call in ORDER}
        settled = settled_sums.get((m,), none)
        count = settled[0] + sum(n for n, _arr in by_call.values())
        arr = sum((total for _n, total in by_call.values()), settled[1])
        cells = [
            {"arr": amount_of(total, run.currency), "url": _page(links, "all", month_name(m), call=call) if n else None} for call, (n, total) in by_call.items()
        ]
        table.append(
            {"month": first_day(m), "count": count, "arr": amount_of(arr, run.currency), "cells": cells, "settled": amount_of(settled[1], run.currency),
             "url": _page(links, "all", month_name(m)) if count else None}
        )  # fmt: skip
    series = [
        {"name": str(SAID_OF_CALLS[call]), "values": [str(one["cells"][at]["arr"]) for one in table], "urls": [one["cells"][at]["url"] for one in table],
         "tone": TONES_OF_CALLS[call] or "none"}
        for at, call in enumerate(ORDER) if any(one["cells"][at]["arr"] for one in table)
    ]  # fmt: skip
    series.append({"name": _("Settled"), "values": [str(one["settled"]) for one in table], "urls": [one["url"] for one in table], "tone": "settled"})
    data = {"unit": "money", "currency": run.currency, "x": [month_name(m) for m in months], "series": series}
    return {"data": data, "rows": table, "heads": [SAID_OF_CALLS[call] for call in ORDER]}


def _system_call(row: Mapping[str, Any]) -> str | None:
    found = row["system_call"]
    return None if found is None or found["category"] == NO_CALL else found["category"]


def _of_call(name: str) -> Value:
    """A part of the person's call; None where nobody called it, or it is empty."""

    def told(row: Mapping[str, Any]) -> Any:
        value = (row["person_call"] or {}).get(name)
        return None if value == "" else value

    return told


def _call_amount(row: Mapping[str, Any]) -> Money | None:
    person = row["person_call"] or {}
    return Money(person["amount"], person["currency"]) if person.get("amount") is not None else None


RENEWALS = register(
    List(
        "renewals",
        "renewals",
        {
            "segment": Column(gettext_lazy("Segment"), "segment", itemgetter("segment"), usual=False),
            "ends_on": Column(gettext_lazy("Ends"), "ends_on", itemgetter("ends_on")),
            "due_on": Column(gettext_lazy("Renewal due"), "due_on", itemgetter("due_on"), usual=False, filed=True),
            "state": Column(gettext_lazy("State"), "state", itemgetter("state")),
            "signed_on": Column(gettext_lazy("Signed"), "signed_on", itemgetter("signed_on"), usual=False, filed=True),
            "late_days": Column(gettext_lazy("Days late"), "late_days", lambda row: row["late_days"] or None, usual=False, filed=True),
            "arr": Column(gettext_lazy("ARR"), "arr", lambda row: Money(row["arr"], row["currency"])),
            "owner": Column(gettext_lazy("Owner"), "owner", itemgetter("owner")),
            "notice_on": Column(gettext_lazy("Notice by"), "notice_on", itemgetter("notice_on")),
            "system_call": Column(gettext_lazy("System’s call"), "system_call", _system_call),
            "system_because": Column(gettext_lazy("Why"), "system_because", lambda row: row["because"] or None, usual=False, filed=True),
            "call": Column(gettext_lazy("Person’s call"), "call", _of_call("category")),
            "call_amount": Column(gettext_lazy("Amount"), "call_amount", _call_amount, usual=False, filed=True),
            "notice_given": Column(gettext_lazy("Notice given"), "notice_given", _of_call("notice_given"), usual=False, filed=True),
            "next_step": Column(gettext_lazy("Next step"), "next_step", _of_call("next_step"), usual=False, filed=True),
            "reason": Column(gettext_lazy("Reason"), "reason", _of_call("reason"), usual=False, filed=True),
            "called_at": Column(gettext_lazy("Called at"), "called_at", _of_call("at"), usual=False, filed=True),
        },
        keys=("view", "month", "call", "owner"),
        before={"account_id": itemgetter("account_id"), "account": itemgetter("account"), "contract": itemgetter("name")},
        after={"currency": itemgetter("currency")},
    )
)




urlpatterns = [path("renewals/", renewals, name="renewals"), path("renewals/decide/", decide, name="renewal_decide")]
