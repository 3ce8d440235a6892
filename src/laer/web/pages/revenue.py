"""Revenue: what did recurring revenue do, and does it tie?"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import urlencode

from laer.cycle.ledger import Ledger
from laer.metrics.policy import Policy, load_policy
from laer.metrics.statement import columns, plain, printed
from laer.records.money import minor_units, rounded
from laer.records.periods import first_day, month_of
from laer.web.book.models import Account
from laer.web.book.scope import scope_of
from laer.web.pages.exports import escaped
from laer.web.runs import revenue
from laer.web.runs.contradictions import revenue_contradictions
from laer.web.runs.models import AccountCard, PassRun
from laer.web.runs.passes import latest_run, stale_since

UPS = {"new": ("New", "new_accounts"), "reactivation": ("Reactivation", "reactivated_accounts"), "expansion": ("Expansion", "expansions")}
DOWNS = {"contraction": ("Contraction", "contractions"), "churn": ("Churn", "churns")}
MOVED = {"entering": ("Entering", ""), "leaving": ("Leaving", "")}
LABELS = {k: v[0] for k, v in (UPS | DOWNS | MOVED).items()} | {"opening": "Opening MRR", "closing": "Closing MRR"}
RULE_OF = {"new": 3, "reactivation": 3, "expansion": 3, "contraction": 3, "churn": 3, "entering": 21, "leaving": 21, "opening": 2, "closing": 2}
PAGE = 50
COHORT_COLUMNS = 24
SORTS = ("-amount", "amount", "account_name", "-account_name")


class _Asked:
    """The page's question, read from its address: what is missing or wrong falls back to what the page shows first."""

    def __init__(self, request: HttpRequest) -> None:
        given = request.GET
        self.period = given.get("period", "month") if given.get("period") in revenue.PERIODS else "month"
        self.movements = "net" if given.get("movements") == "net" else "event"
        self.by = given["by"] if given.get("by") in revenue.DIMENSIONS else "segment"
        self.cohorts = "mrr" if given.get("cohorts") == "mrr" else "accounts"
        self.share = "number" if given.get("share") == "number" else "percent"
        try:
            self.month: int | None = month_of(given.get("month", ""))
        except ValueError:
            self.month = None

    def url(self, **changes: Any) -> str:
        """The page's address with some parameters changed; what is the default stays out of it."""
        month = revenue.name_of(self.month) if self.month is not None else None
        values = {"month": month, "period": self.period, "movements": self.movements, "by": self.by, "cohorts": self.cohorts, "share": self.share} | changes
        usual = {"period": "month", "movements": "event", "by": "segment", "cohorts": "accounts", "share": "percent"}
        query = urlencode({k: v for k, v in values.items() if v is not None and usual.get(k) != v})
        return reverse("revenue") + (f"?{query}" if query else "")


def show(request: HttpRequest) -> HttpResponse:
    run = latest_run()
    policy = load_policy(settings.POLICY)
    context: dict[str, Any] = {"policy": _policy(policy, run), "currency": run.currency if run else settings.CURRENCY, "state": {"note": "nothing has been computed yet"}}
    if run:
        scope = scope_of(request.user)
        asked = _Asked(request)
        ledger = revenue.ledger_of(run, scope, movements=asked.movements)
        span = revenue.span_of_data(ledger, run)
        context["state"] = _state(request, run, ledger, span)
        if span:
            context |= _figures_and_charts(request, run, ledger, span, asked)
    template = "pages/revenue.html#revenue" if request.headers.get("HX-Target") == "revenue" and not request.headers.get("HX-Boosted") else "pages/revenue.html"
    return render(request, template, context)


def download(request: HttpRequest) -> HttpResponse:
    """The ledger as CSV, in the columns of `laer revenue`."""
    run = latest_run()
    if run is None:
        raise Http404
    asked = _Asked(request)
    policy = load_policy(settings.POLICY)
    by = asked.by if "by" in request.GET else None
    ledger = revenue.ledger_of(run, scope_of(request.user), by=by, movements=asked.movements)
    span = revenue.span_of_data(ledger, run) or (0, -1)
    names = columns(policy.windows, by)
    months = ledger.months_by_value(*span) if by else ledger.months(*span)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="revenue-{run.as_of}-run-{run.pk}.csv"'
    writer = csv.writer(answer)
    writer.writerow(names)
    for month in months:
        row = printed(month, names, run.currency, by)
        writer.writerow([escaped(row[n]) if n == by else row[n] for n in names])
    return answer


def behind(request: HttpRequest) -> HttpResponse:
    """The accounts and lines behind one figure; their sum is the figure."""
    run = latest_run()
    asked = _Asked(request)
    movement = request.GET.get("movement", "closing")
    if run is None or asked.month is None or movement not in LABELS:
        raise Http404
    scope = scope_of(request.user)
    cohort = _month(request.GET.get("cohort"))
    by = asked.by if "value" in request.GET else None
    first = asked.month - asked.month % revenue.PERIODS[asked.period] if cohort is None else asked.month
    last = min(first + revenue.PERIODS[asked.period] - 1, revenue.month_number(run.as_of)) if cohort is None else asked.month
    params = {"movement": movement, "first": first, "last": last, "movements": asked.movements, "by": by, "value": request.GET.get("value") if by else None, "cohort": cohort}
    found = revenue.behind(run, scope, params)
    if request.GET.get("format") == "csv":
        return _behind_csv(found, movement, run, asked)
    start = _whole(request.GET.get("start"))
    sort = request.GET.get("sort") if request.GET.get("sort") in SORTS else "-amount"
    found = _sorted(found, sort)
    part = found[start : start + PAGE]
    names = {c.account_id: c for c in AccountCard.objects.filter(account_id__in=[r["account_id"] for r in part])}
    lines = revenue.lines_touching([r["account_id"] for r in part], first, last)
    sign = -1 if movement in (*DOWNS, "leaving") else 1
    amount = _money(sum((r["amount"] for r in found), Fraction(0)) * sign, run.currency)
    period = revenue.Period(first, last, asked.period)
    title = f"{LABELS[movement]}, {period.label}" if cohort is None else f"Cohort of {first_day(cohort):%B %Y}, in {first_day(last):%B %Y}"
    policy = load_policy(settings.POLICY)
    number = RULE_OF[movement]
    context = {
        "title": title, "revenue_url": asked.url(value=None, movement=None), "currency": run.currency, "policy": _policy(policy, run),
        "state": {"shown": f"{len(found):,} account{'' if len(found) == 1 else 's'}", "as_of": run.as_of, "run": {"label": f"run {run.pk}"}, "recomputing": stale_since() is not None},
        "figures": [
            {"label": LABELS[movement] if cohort is None else "MRR of the cohort", "value": _short(amount, run.currency), "title": _exactly(amount, run.currency)},
            {"label": "Accounts", "value": f"{len(found):,}"},
            *([{"label": "Movements", "value": f"{sum(r['movements'] for r in found):,}"}] if movement in (*UPS, *DOWNS) and cohort is None else []),
        ],
        "filters": [{"label": revenue.DIMENSIONS[asked.by], "value": request.GET["value"] or "unknown", "remove_url": _behind_url(asked, movement)}] if by else [],
        "rows": [_behind_row(r, names.get(r["account_id"]), movement, sign, lines, run.currency) for r in part],
        "total": amount, "total_of": "the figure on the Revenue page",
        "rule": {"number": number, "title": _title(policy.rules[number]["name"]), "text": policy.rules[number]["text"]},
        "previous_url": _behind_page(request, start - PAGE) if start else None,
        "next_url": _behind_page(request, start + PAGE) if start + PAGE < len(found) else None,
        "sort": sort, "shown": f"{start + 1:,} to {start + len(part):,} of {len(found):,}" if part else "",
        "download_url": _behind_page(request, 0, format="csv"),
    }  # fmt: skip
    return render(request, "pages/revenue_behind.html", context)


# -- the parts of the page ------------------------------------------------------------------------------------------------------


def _state(request: HttpRequest, run: PassRun, ledger: Ledger, span: tuple[int, int] | None) -> dict[str, Any]:
    whole = scope_of(request.user).everything
    note = None
    if span and span[1] < revenue.month_number(run.as_of):
        note = f"nothing has changed since {first_day(span[1]):%B %Y}"
    shown = f"{first_day(span[0]):%B %Y} to {first_day(span[1]):%B %Y}" if span else "no lines yet"
    return {"shown": shown, "as_of": run.as_of, "whose": "the whole book" if whole else "your book", "run": {"label": f"run {run.pk}"}, "recomputing": stale_since() is not None, "note": note}


def _figures_and_charts(request: HttpRequest, run: PassRun, ledger: Ledger, span: tuple[int, int], asked: _Asked) -> dict[str, Any]:
    asked.month = min(max(asked.month if asked.month is not None else span[1], span[0]), span[1])
    period = revenue.period_of(asked.month, asked.period, span)
    months = {m.month: m for m in ledger.months(min(span[0], period.first), span[1])}
    now = revenue.summed(months[m] for m in range(period.first, period.last + 1) if m in months)
    size = revenue.PERIODS[asked.period]
    previous, following = period.first - 1, period.first + size
    choices = range(span[1], span[0] - 1, -1) if size == 1 else sorted({m - m % size for m in range(span[0], span[1] + 1)}, reverse=True)
    by = revenue.ledger_of(run, scope_of(request.user), by=asked.by, movements=asked.movements)
    return {
        "figures": _figures(now, period, run, asked),
        "notices": [*revenue_contradictions(request.user, run, now), *({"tone": "warn", "title": note} for note in run.notes)],
        "month": first_day(period.last) if size == 1 else period.label,
        "months": [{"label": revenue.period_of(m, asked.period, span).label, "url": asked.url(month=revenue.name_of(m)), "active": period.first <= m <= period.last} for m in choices],
        "periods": [{"label": k.capitalize(), "url": asked.url(period=k), "active": k == asked.period} for k in revenue.PERIODS],
        "movements": [{"label": t, "url": asked.url(movements=k), "active": k == asked.movements} for k, t in (("event", "Each change"), ("net", "Net of the month"))],
        "previous_month_url": asked.url(month=revenue.name_of(previous)) if previous >= span[0] else None,
        "next_month_url": asked.url(month=revenue.name_of(following)) if following <= span[1] else None,
        "waterfall": _waterfall(now, asked, run.currency),
        "retention": _retention(months, span, run.currency, asked),
        "cohorts": _cohorts(ledger, span, asked, run.currency),
        "by": _by(by, period, asked, run.currency),
        "download_url": f"{reverse('revenue-download')}?{urlencode({'movements': asked.movements})}",
    }  # fmt: skip


def _figures(now: Mapping[str, Any], period: revenue.Period, run: PassRun, asked: _Asked) -> list[dict[str, Any]]:
    code = run.currency
    closing, opening = now["closing_mrr"], now["opening_mrr"]
    move = {"text": f"{float((closing - opening) / opening):+.1%}", "tone": "good" if closing >= opening else "bad", "direction": "up" if closing > opening else "down" if closing < opening else "flat"} if opening else None
    lost = now["opening_accounts"] and now["accounts_lost"]
    return [
        {"label": "MRR", "value": _short(closing, code), "title": _exactly(closing, code), "move": move, "hint": f"in {period.label}", "url": _behind_url(asked, "closing"), "meaning": _meaning("mrr", "Monthly recurring revenue", "The sum of what the lines that are live on the period's last day bring in a month: a year's amount counts a twelfth.", run)},
        {"label": "ARR", "value": _short(now["arr"], code), "title": _exactly(now["arr"], code), "hint": "twelve times MRR, exact", "meaning": _meaning("rates", "Annual recurring revenue", "The exact annualised sum of the same lines.", run)},
        {"label": "NRR, 12 months", "value": _share(now.get("nrr_12m")), "hint": "what is left of a year ago, with growth", "meaning": _meaning("retention", "Net revenue retention", "The MRR now of the accounts that paid twelve months ago, by their MRR then. New accounts never count.", run)},
        {"label": "GRR, 12 months", "value": _share(now.get("grr_12m")), "hint": "the same, each account at most its opening", "meaning": _meaning("retention", "Gross revenue retention", "As NRR, with each account counted at most at what it paid then; so it never passes 100 %.", run)},
        {"label": "Paying accounts", "value": f"{now['closing_accounts']:,}", "hint": f"{lost or 0:,} lost of {now['opening_accounts']:,}" if asked.period == "month" else f"{now['opening_accounts']:,} at the opening", "url": _behind_url(asked, "closing"), "meaning": _meaning("mrr", "Paying accounts", "Accounts whose MRR is above 0 on the period's last day. Trials and free plans do not count.", run)},
    ]  # fmt: skip


def _waterfall(now: Mapping[str, Any], asked: _Asked, currency: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [{"label": "Opening MRR", "kind": "total", "value": _money(now["opening_mrr"], currency), "accounts": now["opening_accounts"], "movements": None, "url": _behind_url(asked, "opening")}]
    for kind, group in (("up", UPS), ("down", DOWNS)):
        for name, (label, count) in group.items():
            rows.append({"label": label, "kind": kind, "value": _money(now[f"{name}_mrr"], currency), "accounts": None, "movements": now[count], "url": _behind_url(asked, name) if now[f"{name}_mrr"] else None})
    rows.append({"label": "Closing MRR", "kind": "total", "value": _money(now["closing_mrr"], currency), "accounts": now["closing_accounts"], "movements": None, "url": _behind_url(asked, "closing")})
    ties = now["opening_mrr"] + now["new_mrr"] + now["reactivation_mrr"] + now["expansion_mrr"] - now["contraction_mrr"] - now["churn_mrr"] == now["closing_mrr"]
    bars = [{"label": r["label"], "kind": r["kind"], "value": str(r["value"]), "url": r["url"]} for r in rows]
    return {"data": {"currency": currency, "bars": bars}, "rows": rows, "ties": ties}


def _retention(months: Mapping[int, Any], span: tuple[int, int], currency: str, asked: _Asked) -> dict[str, Any] | None:
    shown = [m for m in range(span[0], span[1] + 1) if months[m]["nrr_12m"] is not None]
    if not shown:
        return None
    names = [revenue.name_of(m) for m in shown]
    series = [{"name": label, "values": [round(float(months[m][key]), 6) for m in shown], "dash": dash, "area": False} for key, label, dash in (("nrr_12m", "Net revenue retention", "solid"), ("grr_12m", "Gross revenue retention", "dashed"))]
    keys = ("nrr_1m", "grr_1m", "nrr_12m", "grr_12m", "logo_churn_rate", "quick_ratio")
    rows = [
        {"month": first_day(m), "opening_mrr": _money(months[m]["opening_mrr"], currency), **{k: _float(months[m][k]) for k in keys}, "url": asked.url(month=revenue.name_of(m), period="month")}
        for m in reversed(range(span[0], span[1] + 1))
    ]
    return {"data": {"unit": "percent", "x": names, "series": series}, "unit": "percent", "rows": rows}


def _cohorts(ledger: Ledger, span: tuple[int, int], asked: _Asked, currency: str) -> dict[str, Any] | None:
    first = max(span[0], span[1] - COHORT_COLUMNS + 1)
    cells: dict[int, list[Any]] = {}
    for row in ledger.cohort_rows(first, span[1]):
        cells.setdefault(row["cohort"], []).append(row)
    if not cells:
        return None
    unit = "percent" if asked.share == "percent" else "money" if asked.cohorts == "mrr" else "number"
    rows, points = [], []
    for place, (cohort, found) in enumerate(cells.items()):
        base = found[0][asked.cohorts]
        line = []
        for row in found:
            value = row[asked.cohorts]
            shown = (float(value / base) if base else None) if unit == "percent" else float(value)
            url = _behind_url(asked, "closing", month=revenue.name_of(cohort + row["months_since"]), cohort=revenue.name_of(cohort), period=None) if value else None
            line.append(None if shown is None else {"value": shown, "url": url})
            if shown is not None:
                points.append({"row": place, "column": row["months_since"], "value": round(shown, 4), "url": url})
        rows.append({"month": first_day(cohort), "accounts": found[0]["accounts"], "cells": line})
    width = max(len(r["cells"]) for r in rows)
    data = {"unit": unit, "currency": currency, "rows": [revenue.name_of(c) for c in cells], "row_notes": [f"{r['accounts']:,}" for r in rows], "row_title": "Cohort", "columns": [str(i) for i in range(width)], "cells": points}
    return {
        "measure": asked.cohorts, "data": data, "columns": list(range(width)), "rows": rows, "unit": unit,
        "toggles": [{"label": t, "url": asked.url(cohorts=k), "active": k == asked.cohorts} for k, t in (("accounts", "Accounts"), ("mrr", "MRR"))],
        "shares": [{"label": t, "url": asked.url(share=k), "active": k == asked.share} for k, t in (("percent", "Share"), ("number", "Amount"))],
    }  # fmt: skip


def _by(ledger: Ledger, period: revenue.Period, asked: _Asked, currency: str) -> dict[str, Any]:
    by_value: dict[str | None, list[Any]] = {}
    for month in ledger.months_by_value(period.first, period.last):
        by_value.setdefault(month.value, []).append(month)
    total = _by_row("Total", revenue.summed(by_value.pop("TOTAL")), currency, None)
    rows = []
    for value, months in by_value.items():
        figures = revenue.summed(months)
        if any(figures[k] for k in (*revenue.MOVES, "opening_mrr", "closing_mrr")):
            rows.append(_by_row(value or "", figures, currency, _behind_url(asked, "closing", by=asked.by, value=value or "")))
    rows.sort(key=lambda r: -r["closing_mrr"])
    dimensions = [{"label": label, "url": asked.url(by=key), "active": key == asked.by} for key, label in revenue.DIMENSIONS.items()]
    return {"dimension": revenue.DIMENSIONS[asked.by], "dimensions": dimensions, "rows": rows, "total": total}


def _by_row(name: str, figures: Mapping[str, Any], currency: str, url: str | None) -> dict[str, Any]:
    money = {k: _money(figures[k], currency) for k in (*revenue.MOVES, "opening_mrr", "closing_mrr")}
    return {"name": name, "url": url, **money, "accounts": figures["closing_accounts"], "nrr_12m": _float(figures.get("nrr_12m")), "grr_12m": _float(figures.get("grr_12m"))}


def _behind_row(row: Mapping[str, Any], card: AccountCard | None, movement: str, sign: int, lines: Mapping[int, Any], currency: str) -> dict[str, Any]:
    account = row["account_id"]
    name = card.name if card else Account.objects.filter(pk=account).values_list("name", flat=True).first() or f"account {account}"
    tone = "good" if movement in UPS or movement == "entering" else "bad" if movement in DOWNS else ""
    return {
        "account_name": name, "account_url": f"/accounts/{account}/", "segment": card.segment if card else None, "movement": LABELS[movement].lower() if movement in UPS | DOWNS | MOVED else "paying",
        "tone": tone, "before": _money(row["before"], currency), "after": _money(row["after"], currency), "amount": _money(row["amount"] * sign, currency), "currency": currency,
        "lines": [line | {"mrr": _money(line["mrr"], line["currency"] or currency), "currency": line["currency"] or currency} for line in lines.get(account, [])],
    }  # fmt: skip


def _sorted(found: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Largest first as the ledger gives them, or by name."""
    if sort.endswith("account_name"):
        names = dict(AccountCard.objects.values_list("account_id", "search") if len(found) > 5_000 else AccountCard.objects.filter(account_id__in=[r["account_id"] for r in found]).values_list("account_id", "search"))
        return sorted(found, key=lambda r: names.get(r["account_id"], ""), reverse=sort.startswith("-"))
    return found if sort == "-amount" else found[::-1]


def _behind_csv(found: Iterable[Mapping[str, Any]], movement: str, run: PassRun, asked: _Asked) -> HttpResponse:
    found = list(found)
    names = dict(AccountCard.objects.filter(account_id__in=[r["account_id"] for r in found][:30_000]).values_list("account_id", "name"))
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{movement}-{revenue.name_of(asked.month or 0)}.csv"'
    writer = csv.writer(answer)
    writer.writerow(["account_id", "account", "before_mrr", "after_mrr", f"{movement}_mrr", "currency"])
    for r in found:
        writer.writerow([r["account_id"], escaped(names.get(r["account_id"], "")), *(plain(_money(r[k], run.currency)) for k in ("before", "after", "amount")), run.currency])
    return answer


def _behind_url(asked: _Asked, movement: str, **more: Any) -> str:
    month = revenue.name_of(asked.month) if asked.month is not None else None
    values = {"movement": movement, "month": month, "period": asked.period if asked.period != "month" else None, "movements": asked.movements if asked.movements != "event" else None} | more
    return f"{reverse('revenue-behind')}?{urlencode({k: v for k, v in values.items() if v is not None})}"


def _behind_page(request: HttpRequest, start: int, **more: str) -> str:
    query = request.GET.copy()
    query["start"] = str(start)
    for key, value in more.items():
        query[key] = value
    if not start:
        del query["start"]
    return f"{reverse('revenue-behind')}?{query.urlencode()}"


def _policy(policy: Policy, run: PassRun | None) -> dict[str, Any]:
    rules = [{"number": n, "title": _title(r["name"]), "text": r["text"]} for n, r in sorted(policy.rules.items())]
    return {"name": policy.title, "version": run.policy_version if run else policy.version, "summary": policy.description, "rules": rules}


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _meaning(method: str, title: str, text: str, run: PassRun) -> dict[str, Any]:
    return {"title": title, "text": text, "policy": f"policy {run.policy}, version {run.policy_version}"}


def _money(value: Fraction | int | None, currency: str) -> Decimal:
    return rounded(Fraction(value or 0), minor_units(currency))


def _short(value: Any, currency: str) -> str:
    from laer.web.templatetags.laer import money_short

    return str(money_short(_money(value, currency) if not isinstance(value, Decimal) else value, currency))


def _exactly(value: Any, currency: str) -> str:
    from laer.web.templatetags.laer import money

    return str(money(_money(value, currency) if not isinstance(value, Decimal) else value, currency))


def _share(value: Fraction | int | None) -> str:
    return "–" if value is None else f"{float(value):.1%}"


def _float(value: Fraction | int | None) -> float | None:
    return None if value is None else float(value)


def _month(text: str | None) -> int | None:
    try:
        return month_of(text or "")
    except ValueError:
        return None


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0


urlpatterns = [
    path("revenue/", show, name="revenue"),
    path("revenue/behind/", behind, name="revenue-behind"),
    path("revenue/download/", download, name="revenue-download"),
]
