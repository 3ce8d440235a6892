"""Renew: what falls due, what became of what fell due, and the decisions that wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from laer.cycle import terms
from laer.records.periods import first_day, last_covered, month_name, month_number, month_of
from laer.web.book import settling
from laer.web.book.actions import Refused
from laer.web.book.scope import editable_accounts, scope_of
from laer.web.pages.accounts import user_of
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.revenue_charts import amount_of
from laer.web.runs.desk import ask
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import latest_run, stale_since
from laer.web.templatetags.laer import month as month_text

AHEAD, BACK = 12, 3  # months of the runway
SHOWN = 50
SAID = {
    terms.DUE: ("due", "info"), terms.PENDING: ("pending, within the grace", "warn"), terms.UNRESOLVED: ("expired, unresolved", "bad"),
    terms.ROLLS: ("renews by itself", "good"), terms.RENEWED: ("renewed", "good"), terms.LATE: ("late", "warn"), terms.BACK: ("came back", "warn"),
    terms.LOST: ("lost", "bad"),
}  # fmt: skip
VIEWS = {
    "ahead": "Due ahead", terms.PENDING: "Pending", terms.UNRESOLVED: "Expired, unresolved", "settled": "Settled", "all": "All",
}  # fmt: skip
SETTLED = (terms.RENEWED, terms.LATE, terms.BACK, terms.LOST)


@require_safe
def renewals(request: HttpRequest) -> HttpResponseBase:
    user, run = user_of(request), latest_run()
    rows = due_rows(request, run)
    as_of = run.as_of if run else None
    found = {name: [r for r in rows if _in_view(r, name, as_of)] for name in VIEWS}
    wanted = request.GET.get("view", "")
    view = wanted if wanted in VIEWS else terms.UNRESOLVED if found[terms.UNRESOLVED] and not found["ahead"] else "ahead"
    asked = request.GET.get("month", "")
    month = _month(asked)
    shown = [r for r in found[view] if not month or f"{r['ends_on']:%Y-%m}" == month]
    if form := format_of(request):
        return _download(shown, run, form)
    start = request.GET.get("start", "0")
    begin = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    part = shown[begin : begin + SHOWN]
    editable = set(editable_accounts(user).filter(pk__in={r["account_id"] for r in part}).values_list("pk", flat=True)) if view == terms.UNRESOLVED else set()
    context = {
        "rows": [r | {"editable": r["account_id"] in editable} for r in part],
        "previous_url": _page(view, month, begin - SHOWN) if begin else None,
        "next_url": _page(view, month, begin + SHOWN) if begin + SHOWN < len(shown) else None,
        "shown": f"{begin + 1:,} to {begin + len(part):,} of {len(shown):,}" if part else "",
        "views": [{"title": title, "url": f"?{urlencode({'view': name})}", "active": name == view, "count": len(found[name])} for name, title in VIEWS.items()],
        "view": view,
        "decide": view == terms.UNRESOLVED and bool(editable),
        "decisions": [{"value": value, "label": label} for value, label in settling.DECISIONS.items()],
        "figures": _figures(found, run),
        "runway": _runway(rows, run),
        "filters": [{"label": "Ends in", "value": month_text(month), "remove_url": f"?{urlencode({'view': view})}"}] if month else [],
        "notices": [{"tone": "warn", "title": f"“{asked[:20]}” is not a month", "text": "Contracts of all months are shown. A month is written like 2026-12."}]
        if asked and not month
        else [],
        "currency": run.currency if run else "USD",
        "total": sum((r["arr"] for r in shown), Decimal(0)),
        "download_url": f"?{urlencode({'view': view, 'format': 'csv'} | ({'month': month} if month else {}))}" if shown else None,
        "state": {
            "shown": f"{len(rows):,} contract{'' if len(rows) == 1 else 's'} with an end" if rows else None,
            "as_of": as_of,
            "whose": "the whole book" if scope_of(user).everything else "your book",
            "run": {"label": f"run {run.pk}"} if run else None,
            "recomputing": stale_since() is not None,
        },
    }
    return render(request, "pages/renewals.html", context)


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
        messages.error(request, str(error) or "That contract is not yours to decide.")
    if done:
        messages.success(request, f"{done:,} contract{'' if done == 1 else 's'}: {settling.DECISIONS[decision].lower()}. Figures follow in a moment.")
    elif not ids:
        messages.warning(request, "No contract was ticked.")
    return redirect(f"{reverse('renewals')}?view={terms.UNRESOLVED}")


def due_rows(request: HttpRequest, run: PassRun | None, account: int | None = None) -> list[dict[str, Any]]:
    """Renewals in the person's scope, as pages show them."""
    if run is None:
        return []
    found = ask("renewals", {"account": account}, scope_of(request.user), run.pk)
    cards = AccountCard.objects.filter(account_id__in={r["account_id"] for r in found}) if account is None else AccountCard.objects.none()
    named = {c["account_id"]: c for c in cards.values("account_id", "name", "owner_name", "segment")}
    return [_row(r, named.get(r["account_id"], {}), run) for r in found]


def renewal_text(row: Mapping[str, Any]) -> tuple[str, str]:
    """What became of a renewal in words, and its tone: "late, 12 days"."""
    words, tone = SAID[row["state"]]
    late = row["late_days"] or 0
    if row["state"] in (terms.LATE, terms.BACK) and late:
        words += f", {late} day{'' if late == 1 else 's'}"
    return words, tone


def _row(row: Mapping[str, Any], card: Mapping[str, Any], run: PassRun) -> dict[str, Any]:
    words, tone = renewal_text(row)
    return {
        **row,
        "ends_on": last_covered(row["due_on"]),
        "account": card.get("name") or f"account {row['account_id']}",
        "owner": card.get("owner_name"),
        "segment": card.get("segment"),
        "url": f"/accounts/{row['account_id']}/?tab=subscriptions",
        "arr": amount_of(row["mrr"] * 12, run.currency),
        "words": words,
        "tone": tone,
    }


def _month(text: str) -> str:
    """A month of the address as YYYY-MM; nothing where it does not read as one."""
    try:
        return month_name(month_of(text))
    except ValueError:
        return ""


def _page(view: str, month: str, start: int) -> str:
    return "?" + urlencode({"view": view} | ({"month": month} if month else {}) | ({"start": start} if start > 0 else {}))


def _in_view(row: Mapping[str, Any], view: str, as_of: date | None) -> bool:
    if view == "all":
        return True
    if view == "settled":
        return row["state"] in SETTLED
    if view == "ahead":
        return row["state"] in (terms.DUE, terms.ROLLS) and (as_of is None or row["ends_on"] >= as_of)
    return bool(row["state"] == view)


def _figures(found: Mapping[str, list[dict[str, Any]]], run: PassRun | None) -> list[dict[str, Any]]:
    from laer.web.pages.revenue_charts import exactly, short

    if run is None:
        return []
    ahead = [r for r in found["ahead"] if (r["ends_on"] - run.as_of).days <= 90]
    figures = []
    for label, rows, hint in (
        ("Ends in 90 days", ahead, "contracts, by their ARR"),
        ("Pending", found[terms.PENDING], "past their end, within the grace; still counted"),
        ("Expired, unresolved", found[terms.UNRESOLVED], "nobody knows whether they renewed; still counted"),
        ("Late or back", [r for r in found["settled"] if r["state"] in (terms.LATE, terms.BACK)], "signed after their last day"),
    ):
        total = sum((r["arr"] for r in rows), Decimal(0))
        figures.append({"label": label, "value": short(total, run.currency), "title": exactly(total, run.currency), "hint": f"{len(rows):,} · {hint}"})
    return figures


def _runway(rows: list[dict[str, Any]], run: PassRun | None) -> dict[str, Any] | None:
    """ARR by the month in which the term ends."""
    if run is None or not rows:
        return None
    now = month_number(run.as_of)
    months = range(now - BACK, now + AHEAD)
    by_month = {m: [r for r in rows if month_number(r["ends_on"]) == m] for m in months}
    if not any(by_month.values()):
        return None
    table = [
        {
            "month": first_day(m),
            "count": len(part),
            "open": sum((r["arr"] for r in part if r["state"] not in SETTLED), Decimal(0)),
            "settled": sum((r["arr"] for r in part if r["state"] in SETTLED), Decimal(0)),
            "url": f"?{urlencode({'view': 'all', 'month': month_name(m)})}" if part else None,
        }
        for m, part in by_month.items()
    ]
    series = [{"name": name, "values": [str(one[key]) for one in table]} for key, name in (("open", "Open"), ("settled", "Settled"))]
    x, urls = [month_name(m) for m in months], [one["url"] for one in table]
    return {"data": {"unit": "money", "currency": run.currency, "x": x, "series": series, "urls": urls}, "rows": table}


HEADER = ("account_id", "account", "contract", "ends_on", "due_on", "state", "signed_on", "late_days", "arr", "currency", "owner")


def _download(rows: list[dict[str, Any]], run: PassRun | None, form: str) -> StreamingHttpResponse:
    currency = run.currency if run else ""
    cells = (
        (r["account_id"], r["account"], r["name"], r["ends_on"], r["due_on"], r["state"], r["signed_on"], r["late_days"] or None,
         Money(r["arr"], currency), currency, r["owner"])
        for r in rows
    )  # fmt: skip
    return export(f"renewals-{run.as_of if run else 'none'}", HEADER, cells, form)


urlpatterns = [path("renewals/", renewals, name="renewals"), path("renewals/decide/", decide, name="renewal_decide")]
