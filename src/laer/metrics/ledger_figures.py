"""Figures that the ledger states of the firm: movements, retention, churn rates, ARR and CARR. The Revenue page and the catalogue read the same months.

Over several months movements add up, levels and retention are those of the last month, and movement rates are of the month: what moved in
all of them over the sum of their openings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

from laer.metrics.booked import BOOKED, LIVE
from laer.metrics.catalogue import Measure, Records
from laer.metrics.company import RATIO, SUM, Combined, Company, Items, Stated
from laer.metrics.rate_rules import RateRules
from laer.metrics.retention import WINDOWS
from laer.metrics.statement import NRR_WITHOUT_PRICE, Month
from laer.records.expr import Table, literal, table

LEDGER, WITHOUT_PRICE, BRIDGE = "ledger", "ledger without price", "bridge"
LINES, SALES = ("subscription_lines",), ("opportunities", "subscription_lines")
Figure = Fraction | int | None
Parts = tuple[Fraction, Fraction, int]  # what is divided, by what, and how many accounts stand behind it


def total(months: Sequence[Month], *names: str) -> Fraction:
    """The sum of some figures over months."""
    return sum((Fraction(month[name] or 0) for month in months for name in names), Fraction(0))


def _paying(months: Sequence[Month], rules: RateRules) -> int:
    more = ("new_accounts",) if rules.logo_churn == "opening and new" else ()
    return int(total(months, "opening_accounts", *more))


def _gross(months: Sequence[Month], rules: RateRules) -> Parts:
    return total(months, "churn_mrr", "contraction_mrr"), total(months, "opening_mrr"), int(total(months, "opening_accounts"))


def _net(months: Sequence[Month], rules: RateRules) -> Parts:
    back = ("reactivation_mrr",) if rules.net_churn == "with reactivation" else ()
    lost, opening, n = _gross(months, rules)
    return lost - total(months, "expansion_mrr", *back), opening, n


def _logo(months: Sequence[Month], rules: RateRules) -> Parts:
    return total(months, "accounts_lost"), Fraction(_paying(months, rules)), _paying(months, rules)


def _quick(months: Sequence[Month], rules: RateRules) -> Parts:
    gains, losses = total(months, "new_mrr", "reactivation_mrr", "expansion_mrr"), total(months, "churn_mrr", "contraction_mrr")
    return gains, losses, int(total(months, "new_accounts", "reactivated_accounts", "expansions", "churns", "contractions"))


RATES: dict[str, Callable[[Sequence[Month], RateRules], Parts]] = {
    "gross_mrr_churn_rate": _gross, "net_mrr_churn_rate": _net, "logo_churn_rate": _logo, "quick_ratio": _quick,
}  # fmt: skip
"""Figures of a statement that movements make -> what they divide. Of one month each is the statement's own."""

firm = partial(Measure, kind="number", grain="company", leading=False, sources=LINES)
money = partial(firm, kind="money", unit="per month", method="mrr-movements")
yearly = partial(firm, kind="money", unit="per year", motion="base", method="mrr")
rate = partial(firm, unit="%", motion="renew", method="rates")
step = partial(firm, kind="money", unit="per year", motion="land", sources=SALES, method="booked", better="")


def _retention(window: int) -> tuple[Stated, Stated]:
    said = "a month" if window == 1 else f"{window} months"
    nrr = rate(f"nrr_{window}m", f"NRR, {said}", words=f"MRR at the end of the accounts that paid {said} before, over what they paid then; new accounts never "
        "count", better="up", method="retention")  # fmt: skip
    grr = rate(f"grr_{window}m", f"GRR, {said}", words=f"the same over {said}, each account at most at what it paid then", better="up", method="retention")
    return Stated(nrr, LEDGER, nrr.id, how=RATIO, at_end=True), Stated(grr, LEDGER, grr.id, how=RATIO, at_end=True)


STEPS = (
    ("not_started", "Signed and not started", "ARR signed in the period that begins later, below 0"),
    ("began_before", "Live before it was signed", "ARR signed in the period that went live in an earlier one, below 0"),
    ("slipped_in", "Signed before, starts now", "ARR signed in an earlier period that begins in this one"),
    ("signed_later", "Live now, signed later", "ARR that began in the period and was signed after it"),
    ("unbilled", "Sold, nothing billed", "ARR that was to begin in the period, and no line of the account's rose near that day, below 0"),
    ("smaller", "Smaller than sold", "what went live less what was sold, where it is less"),
    ("larger", "Larger than sold", "what went live less what was sold, where it is more"),
    ("unsold", "Live, never sold by record", "ARR that is new, returned or grew, and no opportunity or contract stands behind it"),
)

STATED = (
    Stated(money("mrr_firm", "MRR of the firm", words="MRR of all accounts at the end of the period, exact", motion="base", method="mrr", better="up"), LEDGER,
        "closing_mrr", at_end=True),
    Stated(yearly("arr_firm", "ARR of the firm", words="12 times MRR at the end of the period, from exact amounts", better="up"), LEDGER, "arr", at_end=True),
    Stated(money("opening_mrr_firm", "Opening MRR", words="MRR at the end of the month before the period", motion="base", better=""), LEDGER, "opening_mrr"),
    Stated(money("opening_balance_mrr_firm", "Opening balance", words="MRR of lines of which nobody knows since when they were paid, in the period in which "
        "they were first stated", motion="base", better=""), LEDGER, "opening_balance_mrr"),
    Stated(money("reactivation_mrr_firm", "Reactivation MRR", words="MRR of former payers who came back in the period", motion="land", better="up"), LEDGER,
        "reactivation_mrr"),
    Stated(money("contraction_mrr_firm", "Contraction MRR", words="falls of MRR of accounts that still pay, in the period", motion="renew", better="down"),
        LEDGER, "contraction_mrr"),
    Stated(money("churn_mrr_firm", "Churned MRR", words="MRR of accounts that stopped paying in the period", motion="renew", better="down"), LEDGER,
        "churn_mrr"),
    *(one for window in reversed(WINDOWS) for one in _retention(window)),
    Stated(rate("nrr_12m_without_price", "NRR without price, 12 months", words="NRR over 12 months less what price alone has changed within them", better="up",
        method="causes"), WITHOUT_PRICE, NRR_WITHOUT_PRICE, how=RATIO, at_end=True, whole=True),
    Stated(rate("logo_churn", "Logo churn", words="accounts that paid at a month's opening and stopped paying within it, over accounts that paid at its "
        "opening; of several months their sums", better="down"), LEDGER, "logo_churn_rate", how=RATIO),
    Stated(rate("gross_mrr_churn", "Revenue churn, gross", words="churned and contracted MRR over MRR at the month's opening; of several months their sums",
        better="down"), LEDGER, "gross_mrr_churn_rate", how=RATIO),
    Stated(rate("net_mrr_churn", "Revenue churn, net", words="churned and contracted MRR less expansion (and reactivation, where the policy says so) over MRR "
        "at the month's opening; of several months their sums; below 0 is good", better="down"), LEDGER, "net_mrr_churn_rate", how=RATIO),
    Stated(firm("quick_ratio", "Quick ratio", "times", "new, returned and expanded MRR over churned and contracted MRR", motion="base", better="up",
        method="rates"), LEDGER, "quick_ratio", how=RATIO),
    Stated(step("booked_arr", "Booked ARR", words="ARR of opportunities that land or expand and were won in the period; without opportunities, what rose when "
        "the lines of a signed contract began", better="up"), BRIDGE, BOOKED),
    *(Stated(step(f"bridge_{name}", title, words=words), BRIDGE, name) for name, title, words in STEPS),
    Stated(step("live_new_arr", "Live new ARR", words="12 times what the ledger calls new, reactivation and expansion in the period", better="up",
        sources=LINES), BRIDGE, LIVE),
)  # fmt: skip

COMMITTED = {"account_id": "int64", "on_d": "int32", "item": "int64", "coming": "float64", "leaving": "float64"}
PAUSED = {"account_id": "int64", "on_d": "int32", "until_d": "int32", "item": "int64", "mrr": "float64"}


def committed(records: Records) -> Table:
    """Lines that are to come, and lines that are known to leave, as of the run's day. Grain: line."""
    return table(COMMITTED, "committed")


def paused(records: Records) -> Table:
    """Lines while they rest, with the MRR that rests. Grain: line."""
    return table(PAUSED, "paused")


def _times_12(column: str) -> Callable[[Table], Table]:
    return lambda rows: rows[column] * literal(12.0)


ITEMS = (
    Items("committed", "line", "lines", committed, of_run=True, of_day=True),
    Items("paused", "line", "lines", paused, held=True, of_run=True),
)
COMPANY = (
    Company(yearly("arr_coming", "ARR signed, not live", words="12 times MRR of lines that start after the day of the run, less what they take the place of on "
        "that very day", better="up", zero=True, leading=True, method="renewals"), "committed", _times_12("coming"), how=SUM),
    Company(yearly("arr_leaving", "ARR known to leave", words="12 times MRR of lines of which somebody stated that they leave after the day of the run; the "
        "end of a term is no departure", better="down", zero=True, leading=True, method="renewals"), "committed", _times_12("leaving"), how=SUM),
    Company(money("paused_mrr", "Paused MRR", words="MRR that rests at the end of the period, whether the policy lets it count or not", motion="base",
        better="down", zero=True, method="discounts-and-pauses"), "paused", lambda rows: rows.mrr),
)  # fmt: skip
COMBINED = (
    Combined(yearly("carr", "CARR", words="committed ARR: ARR, plus what is signed and starts after the day of the run, less what is known to leave",
        better="up", leading=True, method="renewals"), ("arr_firm", "arr_coming", "arr_leaving"), lambda arr, coming, leaving: arr + coming - leaving),
)  # fmt: skip
