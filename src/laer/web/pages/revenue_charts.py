"""The parts of the Revenue page: what it was asked, its figures and its charts. Exact amounts come in, texts and points go out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from laer.cycle.ledger import Ledger
from laer.metrics.policy import load_policy
from laer.metrics.statement import NRR_WITHOUT_PRICE
from laer.records.money import minor_units, rounded
from laer.records.periods import first_day, month_of
from laer.web.pages.meanings import meaning_of
from laer.web.runs import revenue
from laer.web.runs.models import PassRun
from laer.web.runs.reported_cohorts import ReportedCohorts
from laer.web.runs.reported_splits import ReportedByValue
from laer.web.templatetags.laer import money, money_short, number, percent
from laer.web.wording import gettext_lazy

BALANCE = {"opening_balance": (gettext_lazy("Opening balance, start unknown"), "balance_accounts")}
UPS = {
    "new": (gettext_lazy("New"), "new_accounts"),
    "reactivation": (gettext_lazy("Reactivation"), "reactivated_accounts"),
    "expansion": (gettext_lazy("Expansion"), "expansions"),
}
DOWNS = {"contraction": (gettext_lazy("Contraction"), "contractions"), "churn": (gettext_lazy("Churn"), "churns")}
ALWAYS = ("new_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr")  # columns of a split; the others only where something moved so
TITLES = {  # of movements, in a table
    "opening_balance": gettext_lazy("Opening balance"), "new": gettext_lazy("New"), "reactivation": gettext_lazy("Reactivation"),
    "expansion": gettext_lazy("Expansion"), "contraction": gettext_lazy("Contraction"), "churn": gettext_lazy("Churn"), "entering": gettext_lazy("Entering"),
    "leaving": gettext_lazy("Leaving"), "restatement": gettext_lazy("Restatement"),
}  # fmt: skip
LOSSES = ("contraction_mrr", "churn_mrr", "leaving_mrr")
BASES = ("lines", "events")  # rule 20
MINUS = "\u2212\u2060"  # with a word joiner: no line ends between the sign and its amount
COHORT_COLUMNS = 24
BY_CAUSE = {  # rule 16
    "-": gettext_lazy("New, returned and lost"), "price": gettext_lazy("price"), "seats": gettext_lazy("seats"), "plan": gettext_lazy("plan"),
    "product": gettext_lazy("product"), "discount": gettext_lazy("discount"), "currency": gettext_lazy("currency"), "mixed": gettext_lazy("mixed"),
}  # fmt: skip


class Asked:
    """The page's question, read from its address: what is missing or wrong falls back to what the page shows first."""

    def __init__(self, request: HttpRequest, then: Mapping[str, str] | None = None) -> None:
        given = request.GET
        self.then = dict(then or {})  # what keeps its links with the run of the address (`as_of.Then.query`) and the team
        self.period = given.get("period", "month") if given.get("period") in revenue.PERIODS else "month"
        self.movements = "net" if given.get("movements") == "net" else "event"
        self.by = given["by"] if given.get("by") in revenue.DIMENSIONS else "segment"
        self.churn_basis = given["churn_basis"] if given.get("churn_basis") in BASES else None
        self.cohorts = "mrr" if given.get("cohorts") == "mrr" else "accounts"
        self.basis = "reported" if given.get("basis") == "reported" else "restated"
        self.compare = "year" if given.get("compare") == "year" else None  # the same months a year before, beside the retention of each
        self.share = "number" if given.get("share") == "number" else "percent"
        self.rates: int | None = None  # the plan year asked for, where it is not the run's own (`revenue_rates.choose`)
        try:
            self.month: int | None = month_of(given.get("month", ""))
        except ValueError:
            self.month = None

    def how(self) -> dict[str, str]:
        """How movements are counted and at which rates, as parameters of an address."""
        more = {"churn_basis": self.churn_basis, "rates": self.rates}
        return {"movements": self.movements} | {k: str(v) for k, v in more.items() if v is not None} | self.then

    def url(self, **changes: Any) -> str:
        """The page's address with some parameters changed; what is the default stays out of it."""
        month = revenue.name_of(self.month) if self.month is not None else None
        values = {
            "month": month, "period": self.period, "movements": self.movements, "by": self.by, "cohorts": self.cohorts, "share": self.share,
            "churn_basis": self.churn_basis, "basis": self.basis, "rates": self.rates,
            "compare": self.compare, **self.then,
        } | changes  # fmt: skip
        usual = {"period": "month", "movements": "event", "by": "segment", "cohorts": "accounts", "share": "percent", "basis": "restated", "team": ""}
        query = urlencode({k: v for k, v in values.items() if v is not None and usual.get(k) != v})
        return reverse("revenue") + (f"?{query}" if query else "")


def figures(
    now: Mapping[str, Any],
    period: revenue.Period,
    run: PassRun,
    asked: Asked,
    by: Ledger | None,
    committed: Mapping[str, Fraction] | None,
    paused: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The five figures that matter, each with what it means and where it opens. By cause, NRR says what it is without price.

    In   committed  `revenue.committed` where the period shown is the run's own, else None: CARR is of today;  paused  `revenue.paused`, likewise
    """
    code = run.currency
    without_price = by.months(period.last, period.last)[0].figures.get(NRR_WITHOUT_PRICE) if by else None
    nrr_hint = _("what is left of a year ago, with growth")
    if without_price is not None:
        nrr_hint = _("%(rate)s without price changes") % {"rate": _share(without_price)}
    lost, before = now["accounts_lost"], now["opening_accounts"]
    said_before = {"lost": number(lost), "before": number(before)}
    accounts_hint = (_("%(lost)s lost of %(before)s") if asked.period == "month" else _("%(before)s at the opening")) % said_before
    closing_url = behind_url(asked, "closing")

    def rate_url(name: str) -> str | None:  # of closed months their rates were kept, and not the accounts they were made of
        return behind_url(asked, name) if now.get(f"{name}_12m") is not None and asked.basis != "reported" else None

    def figure(label: str, meaning: str, value: str, hint: str, **more: Any) -> dict[str, Any]:
        return {"key": meaning, "label": label, "value": value, "hint": hint, "meaning": meaning_of(meaning, run), **more}

    arr_hint = _carr(now, committed, code) if committed else _("twelve times MRR, exact")
    hint = _in_period(period.label, paused, run)
    return [
        figure(_("MRR"), "mrr", short(now["closing_mrr"], code), hint, title=exactly(now["closing_mrr"], code), move=_move(now), url=closing_url),
        figure(_("ARR"), "arr", short(now["arr"], code), arr_hint, title=exactly(now["arr"], code), url=behind_url(asked, "arr")),
        figure(_("NRR, 12 months"), "nrr", _share(now.get("nrr_12m")), nrr_hint, url=rate_url("nrr")),
        figure(_("GRR, 12 months"), "grr", _share(now.get("grr_12m")), _("the same, each account at most its opening"), url=rate_url("grr")),
        figure(_("Paying accounts"), "accounts", number(now["closing_accounts"]), accounts_hint, url=closing_url),
    ]


def _in_period(period: str, paused: Mapping[str, Any] | None, run: PassRun) -> str:
    """MRR of paused lines: part of the figure or beside it, as the policy has it (rule 5)."""
    if not paused or not paused["accounts"]:
        return _("in %(period)s") % {"period": period}
    kept = load_policy(run.policy).pause == "keep"
    text = _("in %(period)s, %(amount)s of it paused") if kept else _("in %(period)s, %(amount)s more paused")
    return text % {"period": period, "amount": short(paused["mrr"], run.currency)}


def _carr(now: Mapping[str, Any], committed: Mapping[str, Fraction], code: str) -> str:
    """Committed ARR in words, and what makes it another figure than ARR."""
    coming, leaving = committed["coming"], committed["leaving"]
    will = _("%(amount)s signed, not live") if coming > 0 else _("%(amount)s known to fall")
    parts = ((coming, will), (-leaving, _("%(amount)s known to leave")))
    said = [text % {"amount": f"{'+' if amount > 0 else MINUS}{short(12 * abs(amount), code)}"} for amount, text in parts if amount]
    carr = _("committed (CARR): %(amount)s") % {"amount": short(now["arr"] + 12 * (coming - leaving), code)}
    return f"{carr}, {', '.join(said)}" if said else carr


def _move(now: Mapping[str, Any]) -> dict[str, Any] | None:
    closing, opening = now["closing_mrr"], now["opening_mrr"]
    if not opening:
        return None
    direction = "up" if closing > opening else "down" if closing < opening else "flat"
    return {"text": f"{float((closing - opening) / opening):+.1%}", "tone": "bad" if direction == "down" else "good", "direction": direction}


def waterfall(now: Mapping[str, Any], asked: Asked, currency: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {
            "key": "opening_mrr",
            "label": _("Opening MRR"),
            "kind": "total",
            "value": amount_of(now["opening_mrr"], currency),
            "accounts": now["opening_accounts"],
            "movements": None,
            "url": behind_url(asked, "opening"),
        }
    ]
    changed = now.get("restatement_mrr")
    if changed:  # as reported: what has changed in closed months since
        kind, value = ("up" if changed > 0 else "down"), amount_of(abs(changed), currency)
        url = behind_url(asked, "restatement")
        rows.append({"key": "", "label": _("Restatement"), "kind": kind, "value": value, "accounts": None, "movements": None, "url": url})
    for kind, group in (("up", BALANCE | UPS), ("down", DOWNS)):
        for name, (label, count) in group.items():
            if name in BALANCE and not now[f"{name}_mrr"]:
                continue
            rows.append(
                {
                    "key": f"{name}_mrr",
                    "label": label,
                    **({"short": _("Balance")} if name in BALANCE else {}),
                    "kind": kind,
                    "value": amount_of(now[f"{name}_mrr"], currency),
                    "accounts": None,
                    "movements": now[count],
                    "url": behind_url(asked, name) if now[f"{name}_mrr"] else None,
                }
            )
    rows.append(
        {
            "key": "closing_mrr",
            "label": _("Closing MRR"),
            "kind": "total",
            "value": amount_of(now["closing_mrr"], currency),
            "accounts": now["closing_accounts"],
            "movements": None,
            "url": behind_url(asked, "closing"),
        }
    )
    gains = sum((now[f"{name}_mrr"] for name in BALANCE | UPS), Fraction(changed or 0))
    ties = now["opening_mrr"] + gains - now["contraction_mrr"] - now["churn_mrr"] == now["closing_mrr"]
    bars = [{"label": r.get("short", r["label"]), "kind": r["kind"], "value": str(r["value"]), "url": r["url"]} for r in rows]
    return {"data": {"currency": currency, "bars": bars}, "rows": rows, "ties": ties}


def retention(months: Mapping[int, Any], span: tuple[int, int], currency: str, asked: Asked) -> dict[str, Any] | None:
    """NRR and GRR by month, and beside them, where it is asked for, those of the same months a year before. Four lines, four dashes."""
    shown = [m for m in range(span[0], span[1] + 1) if months[m]["nrr_12m"] is not None]
    if not shown:
        return None
    names = [revenue.name_of(m) for m in shown]
    lines = [("nrr_12m", _("Net revenue retention"), "solid", 0), ("grr_12m", _("Gross revenue retention"), "dashed", 0)]
    if asked.compare:
        lines += [("nrr_12m", _("Net, a year before"), "dotted", 12), ("grr_12m", _("Gross, a year before"), "dashdot", 12)]
    series = [
        {"name": label, "values": [(v := _at(months, m - back, key)) and round(v, 6) for m in shown], "dash": dash, "area": False, "end": not back}
        for key, label, dash, back in lines
    ]
    keys = ("nrr_1m", "grr_1m", "nrr_12m", "grr_12m", "logo_churn_rate", "quick_ratio")
    rows = [
        {
            "month": first_day(m),
            "opening_mrr": amount_of(months[m]["opening_mrr"], currency),
            **{k: _float(months[m][k]) for k in keys},
            **{f"{k}_before": _at(months, m - 12, k) for k in ("nrr_12m", "grr_12m")},
            "url": asked.url(month=revenue.name_of(m), period="month"),
        }
        for m in reversed(range(span[0], span[1] + 1))
    ]
    compare = [
        {"label": label, "url": asked.url(compare=value), "active": asked.compare == value}
        for label, value in ((_("Alone"), None), (_("With the year before"), "year"))
    ]
    return {"data": {"unit": "percent", "x": names, "series": series}, "unit": "percent", "rows": rows, "compare": compare, "compared": bool(asked.compare)}


def _at(months: Mapping[int, Any], month: int, key: str) -> float | None:
    """A rate of a month; None where the data does not reach back so far."""
    return _float(months[month][key]) if month in months else None


def cohorts(ledger: Ledger | ReportedCohorts, span: tuple[int, int], asked: Asked, currency: str) -> dict[str, Any] | None:
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
            url = (
                behind_url(asked, "closing", month=revenue.name_of(cohort + row["months_since"]), cohort=revenue.name_of(cohort), period=None)
                if value
                else None
            )
            line.append(None if shown is None else {"value": shown, "url": url})
            if shown is not None:
                points.append({"row": place, "column": row["months_since"], "value": round(shown, 4), "url": url})
        rows.append({"month": first_day(cohort), "accounts": found[0]["accounts"], "cells": line})
    width = max(len(r["cells"]) for r in rows)
    data = {
        "unit": unit,
        "currency": currency,
        "rows": [revenue.name_of(c) for c in cells],
        "row_notes": [number(r["accounts"]) for r in rows],
        "row_title": _("Cohort"),
        "columns": [str(i) for i in range(width)],
        "cells": points,
    }
    return {
        "measure": asked.cohorts,
        "data": data,
        "columns": list(range(width)),
        "rows": rows,
        "unit": unit,
        "toggles": [{"label": t, "url": asked.url(cohorts=k), "active": k == asked.cohorts} for k, t in (("accounts", _("Accounts")), ("mrr", _("MRR")))],
        "shares": [{"label": t, "url": asked.url(share=k), "active": k == asked.share} for k, t in (("percent", _("Share")), ("number", _("Amount")))],
    }


def by_dimension(ledger: Ledger | ReportedByValue, period: revenue.Period, asked: Asked, currency: str) -> dict[str, Any]:
    by_value: dict[str | None, list[Any]] = {}
    for month in ledger.months_by_value(period.first, period.last):
        by_value.setdefault(month.value, []).append(month)
    total = _by_row(_("Total"), revenue.summed(by_value.pop("TOTAL")), currency, None)
    rows = []
    for value, months in by_value.items():
        figures = revenue.summed(months)
        if any(figures[k] for k in (*revenue.MOVES, "opening_mrr", "closing_mrr")):
            url = _cause_url(asked, value or "", figures) if asked.by == "cause" else behind_url(asked, "closing", by=asked.by, value=value or "")
            url = None if isinstance(ledger, ReportedByValue) and period.first <= ledger.last else url  # the accounts of a value were not kept
            rows.append(_by_row(BY_CAUSE.get(value or "", value or "") if asked.by == "cause" else value or "", figures, currency, url))
    rows.sort(key=lambda r: -(r["expansion_mrr"] + r["contraction_mrr"] if r["closing_mrr"] is None else r["closing_mrr"]))
    dimensions = [{"label": label, "url": asked.url(by=key), "active": key == asked.by} for key, label in revenue.DIMENSIONS.items()]
    columns = [
        {"key": key, "title": TITLES[key.removesuffix("_mrr")], "loss": key in LOSSES}
        for key in ("restatement_mrr", *revenue.MOVES)
        if key in ALWAYS or total.get(key) or any(row.get(key) for row in rows)
    ]
    return {
        "dimension": revenue.DIMENSIONS[asked.by],
        "dimensions": dimensions,
        "rows": rows,
        "total": total,
        "columns": columns,
        "levels": asked.by != "cause",
    }


def _cause_url(asked: Asked, value: str, figures: Mapping[str, Any]) -> str | None:
    """A cause has no level: its row opens to the larger of what rose and what fell by it."""
    movement = max(("expansion", "contraction"), key=lambda m: figures[f"{m}_mrr"])
    return behind_url(asked, movement, by=asked.by, value=value) if figures[f"{movement}_mrr"] else None


def _by_row(name: str, figures: Mapping[str, Any], currency: str, url: str | None) -> dict[str, Any]:
    """Opening and closing are None where a value has movements and no level."""
    money: dict[str, Decimal | None] = {k: amount_of(figures[k], currency) for k in revenue.MOVES}
    if "restatement_mrr" in figures:
        money["restatement_mrr"] = amount_of(figures["restatement_mrr"], currency)
    money |= {k: None if figures[k] is None else amount_of(figures[k], currency) for k in ("opening_mrr", "closing_mrr")}
    return {
        "name": name,
        "url": url,
        **money,
        "accounts": figures["closing_accounts"],
        "nrr_12m": _float(figures.get("nrr_12m")),
        "grr_12m": _float(figures.get("grr_12m")),
    }


def behind_url(asked: Asked, movement: str, **more: Any) -> str:
    month = revenue.name_of(asked.month) if asked.month is not None else None
    values = {
        "movement": movement,
        "month": month,
        "period": asked.period if asked.period != "month" else None,
        "movements": asked.movements if asked.movements != "event" else None,
        "churn_basis": asked.churn_basis,
        "rates": asked.rates,
        "basis": "reported" if asked.basis == "reported" and "by" not in more else None,
        **asked.then,
    } | more
    return f"{reverse('revenue-behind')}?{urlencode({k: v for k, v in values.items() if v is not None})}"


def amount_of(value: Fraction | int | None, currency: str) -> Decimal:
    return rounded(Fraction(value or 0), minor_units(currency))


def short(value: Any, currency: str) -> str:
    return str(money_short(value if isinstance(value, Decimal) else amount_of(value, currency), currency))


def exactly(value: Any, currency: str) -> str:
    return str(money(value if isinstance(value, Decimal) else amount_of(value, currency), currency))


def _share(value: Fraction | int | None) -> str:
    return "–" if value is None else percent(float(value))


def _float(value: Fraction | int | None) -> float | None:
    return None if value is None else float(value)
