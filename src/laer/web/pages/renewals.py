"""Renew: what falls due, what became of what fell due, and the decisions that wait."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from laer.cycle import terms
from laer.records.periods import first_day, last_covered, month_name, month_number, month_of
from laer.web.book import settling
from laer.web.book.actions import Refused
from laer.web.book.scope import editable_accounts, scope_of
from laer.web.pages.accounts import user_of
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.meanings import meaning_of
from laer.web.pages.revenue_charts import amount_of
from laer.web.runs.desk import ask
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import stale_since
from laer.web.runs.queries import listed
from laer.web.runs.renewing import Renewals, renewals_of
from laer.web.templatetags.laer import month as month_text
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

AHEAD, BACK = 12, 3  # months of the runway
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
OPENED = {"soon": gettext_lazy("Ends in 90 days"), "late": gettext_lazy("Late or back")}  # views behind a figure
MEANING_OF = {terms.PENDING: "pending", terms.UNRESOLVED: "unresolved"}


@require_safe
@partial(as_then, newest=True)
def renewals(request: HttpRequest, then: Then) -> HttpResponseBase:
    user, run = user_of(request), then.run
    scope = scope_of(user)
    due = renewals_of(run, scope)
    masks = {name: due.view(name) for name in VIEWS}
    counts = {name: due.count(mask) for name, mask in masks.items()}
    wanted = request.GET.get("view", "")
    if run is not None and wanted in OPENED:  # what a figure opens to, and no tab
        masks[wanted] = due.soon() if wanted == "soon" else due.late()
    view = wanted if wanted in masks else terms.UNRESOLVED if counts[terms.UNRESOLVED] and not counts["ahead"] else "ahead"
    asked = request.GET.get("month", "")
    month = _month(asked)
    mask = due.of_month(masks[view], month_of(month)) if month else masks[view]
    shown = due.count(mask)
    if form := format_of(request):
        return _download(_named(due.rows(mask), run), run, form)
    start = request.GET.get("start", "0")
    begin = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    part = _named(due.rows(mask, begin, SHOWN), run)
    deciding = view == terms.UNRESOLVED and not then.query
    editable = set(editable_accounts(user).filter(pk__in={r["account_id"] for r in part}).values_list("pk", flat=True)) if deciding else set()
    context = {
        "rows": [r | {"editable": r["account_id"] in editable} for r in part],
        "previous_url": _page(then, view, month, start=max(0, begin - SHOWN)) if begin else None,
        "next_url": _page(then, view, month, start=begin + SHOWN) if begin + SHOWN < shown else None,
        "shown": _("%(first)s to %(last)s of %(all)s") % {"first": number(begin + 1), "last": number(begin + len(part)), "all": number(shown)}
        if part
        else "",
        "views": [{"title": title, "url": _page(then, name), "active": name == view, "count": counts[name]} for name, title in VIEWS.items()],
        "view": view,
        "decide": view == terms.UNRESOLVED and bool(editable),
        "decisions": [{"value": value, "label": label} for value, label in settling.DECISIONS.items()],
        "figures": _figures(due, masks, run, then),
        "runway": _runway(due, run, then),
        "filters": ([{"label": _("Ends in"), "value": month_text(month), "remove_url": _page(then, view)}] if month else [])
        + ([{"label": _("Shown"), "value": OPENED[view], "remove_url": _page(then, "all", month)}] if view in OPENED else []),
        "notices": _no_month(asked) if asked and not month else [],
        "currency": run.currency if run else "USD",
        "total": amount_of(due.arr(mask), run.currency if run else "USD"),
        "download_url": _page(then, view, month, format="csv") if shown else None,
        "state": {
            "shown": ngettext("%(n)s contract with an end", "%(n)s contracts with an end", len(due)) % {"n": number(len(due))} if len(due) else None,
            "as_of": run.as_of if run else None,
            "whose": _("the whole book") if scope.everything else _("your book"),
            "run": {"label": _("run %(run)s") % {"run": run.pk}} if run else None,
            "recomputing": not then.query and stale_since() is not None,
        },
    } | then.context(request, reverse("renewals") + _page(then, view, month))
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


def _named(rows: list[dict[str, Any]], run: PassRun | None) -> list[dict[str, Any]]:
    """Rows with the names of their accounts and owners. One query."""
    if run is None or not rows:
        return []
    cards = AccountCard.objects.filter(account_id__in=listed({r["account_id"] for r in rows}))
    named = {c["account_id"]: c for c in cards.values("account_id", "name", "owner_name", "segment")}
    return [_row(r, named.get(r["account_id"], {}), run) for r in rows]


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


def _page(then: Then, view: str, month: str = "", **more: Any) -> str:
    """The page's query: its view, its month, and what keeps it with a run of before."""
    return "?" + urlencode({k: v for k, v in ({"view": view, "month": month} | more).items() if v} | dict(then.query))


def _figures(due: Renewals, masks: Mapping[str, Any], run: PassRun | None, then: Then) -> list[dict[str, Any]]:
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
        figures.append(said | {"url": _page(then, key), "meaning": meaning_of(MEANING_OF.get(key, key), run)})
    return figures


def _runway(due: Renewals, run: PassRun | None, then: Then) -> dict[str, Any] | None:
    """ARR by the month in which the term ends."""
    if run is None:
        return None
    now = month_number(run.as_of)
    months = range(now - BACK, now + AHEAD)
    by_month = due.by_month(months[0], months[-1])
    if not by_month:
        return None
    none = (0, Fraction(0))
    table = []
    for m in months:
        there = by_month.get(m, {})
        (open_count, open_arr), (settled_count, settled_arr) = there.get(False, none), there.get(True, none)
        table.append(
            {
                "month": first_day(m),
                "count": open_count + settled_count,
                "open": amount_of(open_arr, run.currency),
                "settled": amount_of(settled_arr, run.currency),
                "url": _page(then, "all", month_name(m)) if there else None,
            }
        )
    series = [{"name": name, "values": [str(one[key]) for one in table]} for key, name in (("open", _("Open")), ("settled", _("Settled")))]
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
