"""The revenue statement: dense months, exact amounts and rates, rounded once at the very end.

Input are the sparse sums of `months.py` and `retention.py` as plain integers; output is one row per month (and value) in
the column order that `laer revenue` prints and the Revenue page shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from laer.metrics.rate_rules import RateRules
from laer.records.money import minor_units, rounded
from laer.records.periods import month_name

MONEY = ("opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "closing_mrr")
COUNT = ("opening_accounts", "closing_accounts", "new_accounts", "reactivated_accounts", "expansions", "contractions", "churns", "accounts_lost")
RATES = ("gross_mrr_churn_rate", "net_mrr_churn_rate", "logo_churn_rate", "quick_ratio")
PER = ("arr", "arpa")
MOVES = ("entering_mrr", "leaving_mrr")
BALANCES = ("opening_balance",)  # of the book: what was paid before anybody knows since when
SUMS = ("new", "reactivation", "expansion", "contraction", "churn")
COUNTED = ("balance_accounts", "new_accounts", "reactivated_accounts", "expansions", "contractions", "churns", "lost")
TOTAL = "TOTAL"
RATES_EFFECT = "rates_effect_mrr"  # what one plan year's exchange rates make of closing MRR, less what another's make of it (rule 8)
WITHOUT_PRICE = 12  # months over which NRR is shown without price
NRR_WITHOUT_PRICE = f"nrr_{WITHOUT_PRICE}m_without_price"


def columns(windows: Iterable[int], by: str | None = None, *, book: bool = False) -> list[str]:
    """Output columns in their order; the book's also say what was an opening balance."""
    retention = [f"{name}_{w}m" for w in windows for name in ("nrr", "grr")]
    money = (MONEY[0], *(f"{n}_mrr" for n in BALANCES), *MONEY[1:]) if book else MONEY
    plain = ["month", *money, *COUNT, *RATES, *PER, *retention]
    return [by, *plain, *MOVES] if by else plain


@dataclass
class Sums:
    """Sparse sums of one value of a dimension (or of everything): month -> name -> integer parts or counts.

    retained: (window, month) -> (change of closing, change of kept), whose running sums are the cohort's amounts.
    without_price: (window, month) -> change of closing without what price changed; None where it was not asked for.
    """

    months: dict[int, dict[str, int]] = field(default_factory=dict)
    retained: dict[tuple[int, int], tuple[Any, Any]] = field(default_factory=dict)
    without_price: dict[tuple[int, int], Any] | None = None


@dataclass(frozen=True)
class Month:
    """One month of a statement, exact: amounts in units of the currency, rates as fractions, None where undefined."""

    month: int
    value: str | None
    figures: Mapping[str, Fraction | int | None]

    def __getitem__(self, name: str) -> Fraction | int | None:
        return self.figures[name]


AS_DEFAULT = RateRules()


def statement(
    sums: Sums, first: int, last: int, denominator: int, windows: Iterable[int], value: str | None = None, rates: RateRules = AS_DEFAULT
) -> list[Month]:
    """Months first..last (month numbers, inclusive) of one value.

    Args    rates  what the policy divides by and offsets (rule 11)
    Holds   opening + opening balance + new + reactivation + expansion - contraction - churn + entering - leaving == closing, exactly
            GRR <= 1 and GRR <= NRR
    Method  docs/methods/mrr-movements.md, docs/methods/retention.md, docs/methods/rates.md
    """
    closing_at = _running({m: row["change"] for m, row in sums.months.items()})
    paying_at = _running({m: row["paying"] for m, row in sums.months.items()})
    windows = tuple(windows)
    kept_at = {
        w: (_running({m: v[0] for (x, m), v in sums.retained.items() if x == w}), _running({m: v[1] for (x, m), v in sums.retained.items() if x == w}))
        for w in windows
    }
    return [_month(m, sums, closing_at, paying_at, kept_at, denominator, windows, value, rates) for m in range(first, last + 1)]


def _month(
    m: int,
    sums: Sums,
    closing_at: _Steps,
    paying_at: _Steps,
    kept_at: dict[int, tuple[_Steps, _Steps]],
    denominator: int,
    windows: tuple[int, ...],
    value: str | None,
    rates: RateRules,
) -> Month:
    row = sums.months.get(m, {})
    money = {n: Fraction(row.get(n, 0), denominator) for n in (*BALANCES, *SUMS, "entering", "leaving")}
    opening, closing = Fraction(closing_at(m - 1), denominator), Fraction(closing_at(m), denominator)
    counts = {n: int(row.get(n, 0)) for n in COUNTED}
    opening_accounts, closing_accounts = int(paying_at(m - 1)), int(paying_at(m))
    losses = money["churn"] + money["contraction"]
    gains = money["expansion"] + money["reactivation"]
    offset = gains if rates.net_churn == "with reactivation" else money["expansion"]
    at_risk = opening_accounts + (counts["new_accounts"] if rates.logo_churn == "opening and new" else 0)
    figures: dict[str, Fraction | int | None] = {
        "opening_mrr": opening, **{f"{n}_mrr": money[n] for n in (*BALANCES, *SUMS)}, "closing_mrr": closing,
        "opening_accounts": opening_accounts, "closing_accounts": closing_accounts,
        **{n: counts[n] for n in COUNTED[:-1]}, "accounts_lost": counts["lost"],
        "gross_mrr_churn_rate": _over(losses, opening),
        "net_mrr_churn_rate": _over(losses - offset, opening),
        "logo_churn_rate": _over(counts["lost"], at_risk),
        "quick_ratio": _over(money["new"] + gains, losses),
        "arr": closing * 12,
        "arpa": _over(closing, closing_accounts),
    }  # fmt: skip
    for w in windows:
        base = Fraction(closing_at(m - w), denominator)
        closings, kepts = kept_at[w]
        figures[f"nrr_{w}m"] = _over(Fraction(closings(m)) / denominator, base)
        figures[f"grr_{w}m"] = _over(Fraction(kepts(m)) / denominator, base)
    if sums.without_price is not None:
        closings = _running({x: v for (w, x), v in sums.without_price.items() if w == WITHOUT_PRICE})
        figures[NRR_WITHOUT_PRICE] = _over(Fraction(closings(m)) / denominator, Fraction(closing_at(m - WITHOUT_PRICE), denominator))
    figures |= {"entering_mrr": money["entering"], "leaving_mrr": money["leaving"]}
    return Month(m, value, figures)


def with_rates_effect(month: Month, own: Month, other: Month) -> Month:
    """A month with what the rates of `own` make of closing MRR less what those of `other` do. No movement: a line of its own (rule 8)."""
    effect = Fraction(own["closing_mrr"] or 0) - Fraction(other["closing_mrr"] or 0)
    return Month(month.month, month.value, dict(month.figures) | {RATES_EFFECT: effect})


def movements_only(month: Month) -> Month:
    """A row of values that have movements and no level: opening, closing, rates and what follows from them are undefined."""
    kept = {*(f"{n}_mrr" for n in SUMS), *MOVES, *COUNTED[:-1]}
    return Month(month.month, month.value, {n: figure if n in kept else None for n, figure in month.figures.items()})


def printed(month: Month, names: Iterable[str], currency: str | None, by: str | None = None) -> dict[str, str]:
    """The texts of one row: amounts with the currency's decimals, rates with 6, both half-even; '' where undefined."""
    places = minor_units(currency)
    texts = {}
    for name in names:
        if name == "month":
            texts[name] = month_name(month.month)
        elif name == by:
            texts[name] = month.value or ""
        else:
            texts[name] = _text(name, month.figures.get(name), places)
    return texts


def _text(name: str, figure: Fraction | int | None, places: int) -> str:
    if figure is None:
        return ""
    if name in COUNT or name in COUNTED:
        return str(figure)
    money = name.endswith("_mrr") or name in PER
    return plain(rounded(Fraction(figure), places if money else 6))


def plain(number: Decimal) -> str:
    """Without exponent and without a negative zero."""
    return format(number if number else abs(number), "f")


def cohort_rows(sums: Iterable[tuple[int, int, int, int]], first: int, last: int, denominator: int) -> list[dict[str, Any]]:
    """Cells of the cohort table: accounts and MRR of each cohort, months_since 0 up to `last`.

    In   (cohort, month, change of paying accounts, change of MRR in parts); cohorts from month `first` on
    """
    changes: dict[int, dict[int, tuple[int, int]]] = {}
    for cohort, m, paying, change in sums:
        changes.setdefault(cohort, {})[m] = (paying, change)
    rows = []
    for cohort in sorted(c for c in changes if first <= c <= last):
        accounts = parts = 0
        for m in range(cohort, last + 1):
            paying, change = changes[cohort].get(m, (0, 0))
            accounts, parts = accounts + paying, parts + change
            rows.append({"cohort": cohort, "months_since": m - cohort, "accounts": accounts, "mrr": Fraction(parts, denominator)})
    return rows


def _over(a: Fraction | int, b: Fraction | int) -> Fraction | None:
    return Fraction(a) / Fraction(b) if b else None


class _Steps:
    """A running sum of sparse changes, readable at any month."""

    def __init__(self, changes: dict[int, Any]) -> None:
        self.months = sorted(changes)
        self.levels: list[Any] = []
        level: Any = 0
        for m in self.months:
            value = changes[m]
            level = level + (Fraction(value) if isinstance(value, float) else int(value))
            self.levels.append(level)

    def __call__(self, month: int) -> Any:
        from bisect import bisect_right

        place = bisect_right(self.months, month)
        return self.levels[place - 1] if place else 0


def _running(changes: dict[int, Any]) -> _Steps:
    return _Steps(changes)
