"""Booked against live ARR: the bridge on the Revenue page, and the accounts behind each of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from laer.cycle.booked import CONTRACTS, Booked
from laer.cycle.scope import Scope
from laer.metrics.booked import BOOKED, LIVE, STEPS
from laer.metrics.policy import load_policy
from laer.records.periods import month_number
from laer.web.pages.as_of import Then, as_then
from laer.web.pages.exports import Money, export, format_of
from laer.web.pages.revenue_charts import MINUS, Asked, amount_of, exactly, short
from laer.web.pages.revenue_reported import bridge
from laer.web.pages.team_filter import looked_at
from laer.web.record_words import counted
from laer.web.runs import revenue
from laer.web.runs.booked import by_account, sales_named, step_of
from laer.web.runs.models import AccountCard, ClosedMonth, PassRun
from laer.web.runs.passes import stale_since
from laer.web.runs.reported import closings
from laer.web.templatetags.laer import number
from laer.web.wording import gettext_lazy

PAGE = 50
WORDS = {  # step -> its name, its short name on the chart, what it means
    BOOKED: (
        gettext_lazy("Booked ARR"),
        gettext_lazy("Booked"),
        gettext_lazy("What was signed in the period: won opportunities that land or expand, by the day on which they were won."),
    ),
    "not_started": (
        gettext_lazy("Signed and not started"),
        gettext_lazy("Not started"),
        gettext_lazy("Signed in the period; it begins later."),
    ),
    "began_before": (
        gettext_lazy("Live before it was signed"),
        gettext_lazy("Began before"),
        gettext_lazy("Signed in the period; it went live in an earlier one."),
    ),
    "slipped_in": (
        gettext_lazy("Signed before, starts now"),
        gettext_lazy("Starts now"),
        gettext_lazy("Signed in an earlier period; it begins in this one."),
    ),
    "signed_later": (
        gettext_lazy("Live now, signed later"),
        gettext_lazy("Signed later"),
        gettext_lazy("It went live in the period and was signed after it."),
    ),
    "unbilled": (
        gettext_lazy("Sold, nothing billed"),
        gettext_lazy("Not billed"),
        gettext_lazy("It was to begin in the period, and no line of the account's rose near that day."),
    ),
    "smaller": (
        gettext_lazy("Smaller than sold"),
        gettext_lazy("Smaller"),
        gettext_lazy("What went live is less than what was sold."),
    ),
    "larger": (
        gettext_lazy("Larger than sold"),
        gettext_lazy("Larger"),
        gettext_lazy("What went live is more than what was sold."),
    ),
    "unsold": (
        gettext_lazy("Live, never sold by record"),
        gettext_lazy("Never sold"),
        gettext_lazy("MRR that is new, returned or grew, and no opportunity stands behind it."),
    ),
    LIVE: (
        gettext_lazy("Live new ARR"),
        gettext_lazy("Live"),
        gettext_lazy("Twelve times what the ledger calls new, reactivation and expansion in the period."),
    ),
}
BY_CONTRACT = {
    BOOKED: (
        gettext_lazy("Booked ARR"),
        gettext_lazy("Booked"),
        gettext_lazy("What rose when the lines of a signed contract began, by the day of signature: a contract says no amount of its own."),
    ),
    "unsold": (
        gettext_lazy("Live without a contract"),
        gettext_lazy("No contract"),
        gettext_lazy("MRR that is new, returned or grew on a day on which no signed contract began."),
    ),
}
ALWAYS = (BOOKED, "not_started", "slipped_in", "unbilled", "smaller", "larger", "unsold", LIVE)
ASIDE = {
    "renewal": ngettext_lazy("%(n)s renewal brought nothing new and is not booked", "%(n)s renewals brought nothing new and are not booked", "count"),
    "motion": ngettext_lazy(
        "%(n)s won without a motion, of accounts that paid before: they may be renewals and do not count",
        "%(n)s won without a motion, of accounts that paid before: they may be renewals and do not count",
        "count",
    ),
    "amount": ngettext_lazy("%(n)s won without an amount", "%(n)s won without an amount", "count"),
    "rate": ngettext_lazy("%(n)s in a currency without a rate", "%(n)s in a currency without a rate", "count"),
    "year": ngettext_lazy(
        "%(n)s with an amount and no term: it counts as a year's", "%(n)s with an amount and no term: it counts as a year's", "count"
    ),
}


def section(run: PassRun, scope: Scope, period: revenue.Period, asked: Asked, found: list[ClosedMonth]) -> dict[str, Any]:
    """Context of parts/booked.html. In  found  the closings in force, where the page can show months as reported."""
    booked, note = bridge(run, scope, asked, period, found)
    if booked.basis is None:
        return {"basis": None}
    currency = run.currency
    rows = [row for name in _order() if (row := _row(booked, name, asked, currency))]
    bars = [{"label": r["short"], "kind": r["kind"], "value": str(r["value"]), "url": r["url"]} for r in rows if r["value"] or r["kind"] == "total"]
    exact = {name: step_of(booked, name).arr for name in WORDS}
    return {
        "basis": booked.basis,
        "by_contract": booked.basis == CONTRACTS,
        "period": period.label,
        "note": note,
        "empty": not booked.parts,
        "says": _says(exact, currency, booked.basis == CONTRACTS),
        "data": {"currency": currency, "bars": bars},
        "rows": rows,
        "ties": exact[BOOKED] + sum((exact[name] for name in STEPS), Fraction(0)) == exact[LIVE],
        "aside": [str(ASIDE[k] % {"count": n, "n": n}) for k in ASIDE if (n := booked.aside.get(k))],
    }


def _order() -> tuple[str, ...]:
    return (BOOKED, *STEPS, LIVE)


def _words(booked: Booked, name: str) -> tuple[str, str, str]:
    return BY_CONTRACT.get(name, WORDS[name]) if booked.basis == CONTRACTS else WORDS[name]


def _row(booked: Booked, name: str, asked: Asked, currency: str) -> dict[str, Any] | None:
    step = step_of(booked, name)
    if not step.accounts and (name not in ALWAYS or (booked.basis == CONTRACTS and name in ("unbilled", "smaller", "larger"))):
        return None
    label, brief, meaning = _words(booked, name)
    kind = "total" if name in (BOOKED, LIVE) else "down" if step.arr < 0 or (not step.arr and name in ("not_started", "unbilled", "smaller")) else "up"
    value, url = amount_of(abs(step.arr), currency), behind_url(asked, name) if step.accounts else None
    return {"label": label, "short": brief, "meaning": meaning, "kind": kind, "value": value, "accounts": step.accounts, "sales": step.sales, "url": url}


def _says(exact: Mapping[str, Fraction], currency: str, by_contract: bool) -> str:
    """The answer in a sentence."""
    said = [_("%(booked)s was booked and %(live)s went live") % {"booked": short(exact[BOOKED], currency), "live": short(exact[LIVE], currency)}]
    unsold = _("behind %(amount)s of what is live stands no contract") if by_contract else _("behind %(amount)s of what is live stands no opportunity")
    parts = (("not_started", _("%(amount)s is signed and not started")), ("unbilled", _("%(amount)s is sold and not billed")), ("unsold", unsold))
    said += [text % {"amount": short(abs(exact[name]), currency)} for name, text in parts if exact[name]]
    return "; ".join(said) + "."


def behind_url(asked: Asked, step: str, **more: Any) -> str:
    month = revenue.name_of(asked.month) if asked.month is not None else None
    values = {"step": step, "month": month, "period": asked.period if asked.period != "month" else None, "churn_basis": asked.churn_basis}
    values |= {"basis": "reported" if asked.basis == "reported" else None} | asked.then | more
    return f"{reverse('revenue-booked')}?{urlencode({k: v for k, v in values.items() if v is not None})}"


@as_then
def behind(request: HttpRequest, then: Then) -> HttpResponseBase:
    """The accounts behind one step of the bridge, with what was sold to them; their sum is the step."""
    run, asked, name = then.run, Asked(request, then.query), request.GET.get("step", "")
    if run is None or asked.month is None or name not in WORDS:
        raise Http404
    first = asked.month - asked.month % revenue.PERIODS[asked.period]
    known = closings(then.known) if asked.basis == "reported" else []
    known = known if all(c.currency == run.currency for c in known) else []
    until = max([month_number(run.as_of), *(month_number(c.month) for c in known)])
    end = first + revenue.PERIODS[asked.period] - 1
    period = revenue.Period(first, min(end, until), asked.period, end >= month_number(run.as_of) + 1)
    booked, note = bridge(run, looked_at(request).scope, asked, period, known)
    found = by_account(booked, name)
    if form := format_of(request):
        return _file(found, booked, name, run, asked, form)
    given = request.GET.get("start", "")
    start = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    part = found[start : start + PAGE]
    label, _brief, meaning = _words(booked, name)
    total = amount_of(sum((r["arr"] for r in found), Fraction(0)), run.currency)
    context = {
        "title": _("%(step)s, %(period)s") % {"step": label, "period": period.label},
        "revenue_url": f"{asked.url()}#booked",
        "currency": run.currency,
        "state": {
            "shown": counted("accounts", len(found), number(len(found))), "as_of": run.as_of, "run": {"label": _("run %(run)s") % {"run": run.pk}},
            "recomputing": not then.query and stale_since() is not None, "note": note,
        },
        "figures": [
            {"label": label, "value": _signed(total, run.currency, name), "title": exactly(total, run.currency)},
            {"label": _("Accounts"), "value": number(len(found))},
            {"label": _("Contracts") if booked.basis == CONTRACTS else _("Opportunities"), "value": number(len({n for r in found for n in r["sales"]}))},
        ],
        "meaning": meaning,
        "entry_url": reverse("measure", args=[{BOOKED: "booked_arr", LIVE: "live_new_arr"}.get(name, f"bridge_{name}")]),
        "rule": load_policy(run.policy).rules.get(18),
        "by_contract": booked.basis == CONTRACTS,
        "is_total": name in (BOOKED, LIVE),
        "rows": _rows(part, booked, run.currency),
        "total": total,
        "shown": _("%(first)s to %(last)s of %(all)s") % {"first": number(start + 1), "last": number(start + len(part)), "all": number(len(found))}
        if part
        else "",
        "previous_url": behind_url(asked, name, start=max(0, start - PAGE) or None) if start else None,
        "next_url": behind_url(asked, name, start=start + PAGE) if start + PAGE < len(found) else None,
        "download_url": behind_url(asked, name, format="csv"),
    } | then.context(request)  # fmt: skip
    return render(request, "pages/revenue_booked.html", context)


def _signed(total: Any, currency: str, name: str) -> str:
    text = short(abs(total), currency)
    return text if name in (BOOKED, LIVE) or not total else f"{MINUS if total < 0 else '+'}{text}"


def _rows(part: list[dict[str, Any]], booked: Booked, currency: str) -> list[dict[str, Any]]:
    names = {c.account_id: c for c in AccountCard.objects.filter(account_id__in=[r["account_id"] for r in part])}
    sold = sales_named(booked.basis, {n for r in part for n in r["sales"]})
    rows = []
    for r in part:
        card = names.get(r["account_id"])
        sales = [sold[n] | {"arr": _own(sold[n], currency)} for n in r["sales"] if n in sold]
        rows.append(
            {
                "account_name": card.name if card else _("account %(account_id)s") % {"account_id": r["account_id"]},
                "account_url": f"/accounts/{r['account_id']}/",
                "segment": card.segment if card else None,
                "amount": amount_of(r["arr"], currency),
                "sales": [s | {"currency": s.get("currency") or currency} for s in sales],
            }
        )
    return rows


def _own(sale: Mapping[str, Any], currency: str) -> Any:
    return None if sale.get("arr") is None else amount_of(sale["arr"], sale.get("currency") or currency)


def _file(found: list[dict[str, Any]], booked: Booked, name: str, run: PassRun, asked: Asked, form: str) -> StreamingHttpResponse:
    names = dict(AccountCard.objects.filter(account_id__in=[r["account_id"] for r in found][:30_000]).values_list("account_id", "name"))
    sold = sales_named(booked.basis, sorted({n for r in found for n in r["sales"]})[:30_000])
    header = ("account_id", "account", f"{name}_arr", "currency", "contracts" if booked.basis == CONTRACTS else "opportunities")
    cells = (
        (r["account_id"], names.get(r["account_id"]), Money(amount_of(r["arr"], run.currency), run.currency), run.currency,
         "; ".join(str(sold[n]["name"] or n) for n in r["sales"] if n in sold))
        for r in found
    )  # fmt: skip
    return export(f"{name}-{revenue.name_of(asked.month or 0)}", header, cells, form)


urlpatterns = [path("revenue/booked/", behind, name="revenue-booked")]
