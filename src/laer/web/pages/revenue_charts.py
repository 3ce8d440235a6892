"""The parts of the Revenue page: what it was asked, its figures and its charts. Exact amounts come in, texts and points go out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from laer.cycle.ledger import Ledger
from laer.metrics.policy import load_policy
from laer.metrics.statement import NRR_WITHOUT_PRICE
from laer.records.money import minor_units, rounded
from laer.records.periods import first_day, month_of
from laer.web.runs import revenue
from laer.web.runs.models import PassRun
from laer.web.templatetags.laer import money, money_short

BALANCE = {"opening_balance": ("Opening balance, start unknown", "balance_accounts")}
UPS = {"new": ("New", "new_accounts"), "reactivation": ("Reactivation", "reactivated_accounts"), "expansion": ("Expansion", "expansions")}
DOWNS = {"contraction": ("Contraction", "contractions"), "churn": ("Churn", "churns")}
ALWAYS = ("new_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr")  # columns of a split; the others only where something moved so
LOSSES = ("contraction_mrr", "churn_mrr", "leaving_mrr")
BASES = ("lines", "events")  # rule 20
MINUS = "\u2212\u2060"  # with a word joiner: no line ends between the sign and its amount
COHORT_COLUMNS = 24
NO_CAUSE = {"-": "New, returned and lost"}
MEANINGS = {
    "mrr": (
        "Monthly recurring revenue",
        "The sum of what the lines that are live on the period's last day bring in a month: of a year's amount, a twelfth.",
    ),
    "arr": (
        "Annual recurring revenue",
        "The exact annualised sum of the same lines. CARR adds what is signed and starts later and takes off what is known to leave; "
        "the end of a term is no departure.",
    ),
    "nrr": (
        "Net revenue retention",
        "The MRR now of the accounts that paid twelve months ago, by their MRR then. New accounts never count.",
    ),
    "grr": ("Gross revenue retention", "As NRR, with each account counted at most at what it paid then; so it never passes 100 %."),
    "accounts": ("Paying accounts", "Accounts whose MRR is above 0 on the period's last day. Trials and free plans do not count."),
}


class Asked:
    """The page's question, read from its address: what is missing or wrong falls back to what the page shows first."""

    def __init__(self, request: HttpRequest) -> None:
        given = request.GET
        self.period = given.get("period", "month") if given.get("period") in revenue.PERIODS else "month"
        self.movements = "net" if given.get("movements") == "net" else "event"
        self.by = given["by"] if given.get("by") in revenue.DIMENSIONS else "segment"
        self.churn_basis = given["churn_basis"] if given.get("churn_basis") in BASES else None
        self.cohorts = "mrr" if given.get("cohorts") == "mrr" else "accounts"
        self.basis = "reported" if given.get("basis") == "reported" else "restated"
        self.share = "number" if given.get("share") == "number" else "percent"
        self.rates: int | None = None  # the plan year asked for, where it is not the run's own (`revenue_rates.choose`)
        try:
            self.month: int | None = month_of(given.get("month", ""))
        except ValueError:
            self.month = None

    def how(self) -> dict[str, str]:
        """How movements are counted and at which rates, as parameters of an address."""
        more = {"churn_basis": self.churn_basis, "rates": self.rates}
        return {"movements": self.movements} | {k: str(v) for k, v in more.items() if v is not None}

    def url(self, **changes: Any) -> str:
        """The page's address with some parameters changed; what is the default stays out of it."""
        month = revenue.name_of(self.month) if self.month is not None else None
        values = {
            "month": month, "period": self.period, "movements": self.movements, "by": self.by, "cohorts": self.cohorts, "share": self.share,
            "churn_basis": self.churn_basis, "basis": self.basis, "rates": self.rates,
        } | changes  # fmt: skip
        usual = {"period": "month", "movements": "event", "by": "segment", "cohorts": "accounts", "share": "percent", "basis": "restated"}
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
    nrr_hint = "what is left of a year ago, with growth" if without_price is None else f"{_share(without_price)} without price changes"
    lost, before = now["accounts_lost"], now["opening_accounts"]
    accounts_hint = f"{lost:,} lost of {before:,}" if asked.period == "month" else f"{before:,} at the opening"
    closing_url = behind_url(asked, "closing")

    def figure(label: str, meaning: str, value: str, hint: str, **more: Any) -> dict[str, Any]:
        title, text = MEANINGS[meaning]
        said = {"title": title, "text": text, "policy": f"policy {run.policy}, version {run.policy_version}"}
        return {"label": label, "value": value, "hint": hint, "meaning": said, **more}

    hint = f"in {period.label}{_resting(paused, run)}"
    return [
        figure("MRR", "mrr", short(now["closing_mrr"], code), hint, title=exactly(now["closing_mrr"], code), move=_move(now), url=closing_url),
        figure("ARR", "arr", short(now["arr"], code), _carr(now, committed, code) if committed else "twelve times MRR, exact", title=exactly(now["arr"], code)),
        figure("NRR, 12 months", "nrr", _share(now.get("nrr_12m")), nrr_hint),
        figure("GRR, 12 months", "grr", _share(now.get("grr_12m")), "the same, each account at most its opening"),
        figure("Paying accounts", "accounts", f"{now['closing_accounts']:,}", accounts_hint, url=closing_url),
    ]


def _resting(paused: Mapping[str, Any] | None, run: PassRun) -> str:
    """MRR of paused lines: part of the figure or beside it, as the policy has it (rule 5)."""
    if not paused or not paused["accounts"]:
        return ""
    how = "of it paused" if load_policy(run.policy).pause == "keep" else "more paused"
    return f", {short(paused['mrr'], run.currency)} {how}"


def _carr(now: Mapping[str, Any], committed: Mapping[str, Fraction], code: str) -> str:
    """Committed ARR in words, and what makes it another figure than ARR."""
    coming, leaving = committed["coming"], committed["leaving"]
    parts = ((coming, "signed, not live" if coming > 0 else "known to fall"), (-leaving, "known to leave"))
    said = [f"{'+' if amount > 0 else MINUS}{short(12 * abs(amount), code)} {what}" for amount, what in parts if amount]
    carr = f"committed (CARR): {short(now['arr'] + 12 * (coming - leaving), code)}"
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
            "label": "Opening MRR",
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
        rows.append({"label": "Restatement", "kind": kind, "value": value, "accounts": None, "movements": None, "url": behind_url(asked, "restatement")})
    for kind, group in (("up", BALANCE | UPS), ("down", DOWNS)):
        for name, (label, count) in group.items():
            if name in BALANCE and not now[f"{name}_mrr"]:
                continue
            rows.append(
                {
                    "label": label,
                    **({"short": "Balance"} if name in BALANCE else {}),
                    "kind": kind,
                    "value": amount_of(now[f"{name}_mrr"], currency),
                    "accounts": None,
                    "movements": now[count],
                    "url": behind_url(asked, name) if now[f"{name}_mrr"] else None,
                }
            )
    rows.append(
        {
            "label": "Closing MRR",
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
    shown = [m for m in range(span[0], span[1] + 1) if months[m]["nrr_12m"] is not None]
    if not shown:
        return None
    names = [revenue.name_of(m) for m in shown]
    series = [
        {"name": label, "values": [round(float(months[m][key]), 6) for m in shown], "dash": dash, "area": False}
        for key, label, dash in (("nrr_12m", "Net revenue retention", "solid"), ("grr_12m", "Gross revenue retention", "dashed"))
    ]
    keys = ("nrr_1m", "grr_1m", "nrr_12m", "grr_12m", "logo_churn_rate", "quick_ratio")
    rows = [
        {
            "month": first_day(m),
            "opening_mrr": amount_of(months[m]["opening_mrr"], currency),
            **{k: _float(months[m][k]) for k in keys},
            "url": asked.url(month=revenue.name_of(m), period="month"),
        }
        for m in reversed(range(span[0], span[1] + 1))
    ]
    return {"data": {"unit": "percent", "x": names, "series": series}, "unit": "percent", "rows": rows}


def cohorts(ledger: Ledger, span: tuple[int, int], asked: Asked, currency: str) -> dict[str, Any] | None:
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
        "row_notes": [f"{r['accounts']:,}" for r in rows],
        "row_title": "Cohort",
        "columns": [str(i) for i in range(width)],
        "cells": points,
    }
    return {
        "measure": asked.cohorts,
        "data": data,
        "columns": list(range(width)),
        "rows": rows,
        "unit": unit,
        "toggles": [{"label": t, "url": asked.url(cohorts=k), "active": k == asked.cohorts} for k, t in (("accounts", "Accounts"), ("mrr", "MRR"))],
        "shares": [{"label": t, "url": asked.url(share=k), "active": k == asked.share} for k, t in (("percent", "Share"), ("number", "Amount"))],
    }


def by_dimension(ledger: Ledger, period: revenue.Period, asked: Asked, currency: str) -> dict[str, Any]:
    by_value: dict[str | None, list[Any]] = {}
    for month in ledger.months_by_value(period.first, period.last):
        by_value.setdefault(month.value, []).append(month)
    total = _by_row("Total", revenue.summed(by_value.pop("TOTAL")), currency, None)
    rows = []
    for value, months in by_value.items():
        figures = revenue.summed(months)
        if any(figures[k] for k in (*revenue.MOVES, "opening_mrr", "closing_mrr")):
            url = _cause_url(asked, value or "", figures) if asked.by == "cause" else behind_url(asked, "closing", by=asked.by, value=value or "")
            rows.append(_by_row(NO_CAUSE.get(value or "", value or ""), figures, currency, url))
    rows.sort(key=lambda r: -(r["expansion_mrr"] + r["contraction_mrr"] if r["closing_mrr"] is None else r["closing_mrr"]))
    dimensions = [{"label": label, "url": asked.url(by=key), "active": key == asked.by} for key, label in revenue.DIMENSIONS.items()]
    columns = [
        {"key": key, "title": key.removesuffix("_mrr").replace("_", " ").capitalize(), "loss": key in LOSSES}
        for key in revenue.MOVES
        if key in ALWAYS or total[key] or any(row[key] for row in rows)
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
        "basis": "reported" if asked.basis == "reported" and not {"by", "cohort"} & set(more) else None,
    } | more
    return f"{reverse('revenue-behind')}?{urlencode({k: v for k, v in values.items() if v is not None})}"


def amount_of(value: Fraction | int | None, currency: str) -> Decimal:
    return rounded(Fraction(value or 0), minor_units(currency))


def short(value: Any, currency: str) -> str:
    return str(money_short(value if isinstance(value, Decimal) else amount_of(value, currency), currency))


def exactly(value: Any, currency: str) -> str:
    return str(money(value if isinstance(value, Decimal) else amount_of(value, currency), currency))


def _share(value: Fraction | int | None) -> str:
    return "–" if value is None else f"{float(value):.1%}"


def _float(value: Fraction | int | None) -> float | None:
    return None if value is None else float(value)
