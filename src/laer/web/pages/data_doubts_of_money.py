"""Doubts about money: for which period an amount is, and whether it is the line's total or the price of one unit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from laer.records.money import rounded
from laer.sources.tabular.amounts import PERIODS, SAID, STATED, AmountEvidence
from laer.sources.tabular.answers import PERS, amount_of, period_open, unit_open, with_amount_of, with_period
from laer.sources.tabular.intervals import TERM
from laer.sources.tabular.mapping import Mapping
from laer.sources.tabular.weighing import priced
from laer.web.pages.data_doubts import About, Doubt, Option

PER = {
    "monthly": "For a month",
    "quarterly": "For a quarter",
    "semi-annual": "For half a year",
    "annual": "For a year",
    "biennial": "For two years",
    TERM: "For the whole term",
}
OF = {"line": "The whole line", "unit": "One unit, times the quantity"}


def what_an_amount_is(about: About) -> Iterator[Doubt]:
    """One panel with the evidence; below it what has to be asked, or may be said against it."""
    mapping, evidence = about.mapping, about.mapping.amount_evidence
    header = priced(mapping)
    if evidence is None or header is None or not evidence.rows:
        return
    there = mapping.headers
    beside = next((there[name] for name in ("mrr", "arr") if name in there), "")
    title = f"What {header} is"
    per_asked, of_asked = evidence.per != STATED and "interval" not in there, not beside and evidence.units > 0
    if not per_asked and not of_asked:  # another column says it: shown, not asked
        yield Doubt(about.key("amount"), "", value=STATED, title=title, verdict=_verdict(mapping, beside), evidence=evidence.sentences)
        return
    verdict, said = _verdict(mapping, beside), evidence.sentences
    if of_asked:
        yield Doubt(
            about.key("amount-of"), f"{header} is for …", tuple(Option(of, label, _effect_of(evidence, of)) for of, label in OF.items()),
            "" if unit_open(mapping) else amount_of(mapping), title=title, verdict=verdict, evidence=said,
            wanted=f"say whether {header} is for the line or one unit", settle=with_amount_of,
        )  # fmt: skip
        title, verdict, said = f"For how long {header} is", "", ()
    if per_asked:
        pers = [per for per in PERS if per != TERM or "end_on" in there]
        yield Doubt(
            about.key("per"), f"{header} is …", tuple(Option(per, PER[per], _effect_per(evidence, per, amount_of(mapping))) for per in pers),
            "" if period_open(mapping) else mapping.fixed.get("interval", ""), title=title, verdict=verdict or _period_verdict(mapping), evidence=said,
            help="Rows without an end have no term and would be set aside, were it for the whole term." if TERM in pers and period_open(mapping) else "",
            wanted=f"say for what period {header} is", settle=with_period,
        )  # fmt: skip


def _verdict(mapping: Mapping, beside: str) -> str:
    if beside:
        return f"{beside} counts; {priced(mapping)} is held against it."
    if unit_open(mapping):
        return "Nothing in the file says whether it is the line's total or the price of one unit."
    what = "The price of one unit, times the quantity" if amount_of(mapping) == "unit" else "The line's total"
    if "interval" in mapping.headers:
        return f"{what}, for the interval that {mapping.headers['interval']} says."
    return f"{what}. {_period_verdict(mapping)}" if period_open(mapping) else f"{what}, for {SAID.get(mapping.fixed.get('interval', ''), 'a month')}."


def _period_verdict(mapping: Mapping) -> str:
    if period_open(mapping):
        return "Nothing in the file says for how long it is."
    return f"For {SAID.get(mapping.fixed.get('interval', ''), 'a month')}."


def _effect_of(evidence: AmountEvidence, of: str) -> str:
    account, amount, *quantity = evidence.example or ("", "0")
    if not quantity:
        return ""
    total = Decimal(amount) * (Decimal(quantity[0]) if of == "unit" else 1)
    return f"{account}: {_shown(Fraction(total))}" + (f" = {amount} x {quantity[0]}" if of == "unit" else f" for {quantity[0]} units")


def _effect_per(evidence: AmountEvidence, per: str, of: str) -> str:
    """MRR of the example."""
    account, amount, *quantity = evidence.example or ("", "0")
    total = Fraction(Decimal(amount)) * (Fraction(Decimal(quantity[0])) if quantity and of == "unit" else 1)
    if per == TERM:
        return f"{account}: {_shown(total)} over the months from its start to its end"
    return f"{account}: {_shown(total / PERIODS[per])} MRR"


def _shown(amount: Fraction) -> str:
    return f"{rounded(amount, 2):,f}"
