"""Doubts about money: for which period an amount is, and whether it is the line's total or the price of one unit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from laer.records.money import rounded
from laer.sources.tabular.amounts import PERIODS, SAID, STATED, AmountEvidence
from laer.sources.tabular.answers import PERS, amount_of, period_open, unit_open, with_amount_of, with_period
from laer.sources.tabular.intervals import TERM
from laer.sources.tabular.mapping import Mapping
from laer.sources.tabular.weighing import priced
from laer.web.pages.data_doubts import About, Doubt, Option
from laer.web.wording import gettext_lazy

PER = {
    "monthly": gettext_lazy("For a month"),
    "quarterly": gettext_lazy("For a quarter"),
    "semi-annual": gettext_lazy("For half a year"),
    "annual": gettext_lazy("For a year"),
    "biennial": gettext_lazy("For two years"),
    TERM: gettext_lazy("For the whole term"),
}
OF = {"line": gettext_lazy("The whole line"), "unit": gettext_lazy("One unit, times the quantity")}


def what_an_amount_is(about: About) -> Iterator[Doubt]:
    """One panel with the evidence; below it what has to be asked, or may be said against it."""
    mapping, evidence = about.mapping, about.mapping.amount_evidence
    header = priced(mapping)
    if evidence is None or header is None or not evidence.rows:
        return
    there = mapping.headers
    beside = next((there[name] for name in ("mrr", "arr") if name in there), "")
    title = _("What %(header)s is") % {"header": header}
    per_asked, of_asked = evidence.per != STATED and "interval" not in there, not beside and evidence.units > 0
    if not per_asked and not of_asked:  # another column says it: shown, not asked
        yield Doubt(about.key("amount"), "", value=STATED, title=title, verdict=_verdict(mapping, beside), evidence=evidence.sentences)
        return
    verdict, said = _verdict(mapping, beside), evidence.sentences
    if of_asked:
        yield Doubt(
            about.key("amount-of"), _("%(header)s is for …") % {"header": header},
            tuple(Option(of, label, _effect_of(evidence, of)) for of, label in OF.items()),
            "" if unit_open(mapping) else amount_of(mapping), title=title, verdict=verdict, evidence=said,
            wanted=_("say whether %(header)s is for the line or one unit") % {"header": header}, settle=with_amount_of,
        )  # fmt: skip
        title, verdict, said = _("For how long %(header)s is") % {"header": header}, "", ()
    if per_asked:
        pers = [per for per in PERS if per != TERM or "end_on" in there]
        yield Doubt(
            about.key("per"), _("%(header)s is …") % {"header": header},
            tuple(Option(per, PER[per], _effect_per(evidence, per, amount_of(mapping))) for per in pers),
            "" if period_open(mapping) else mapping.fixed.get("interval", ""), title=title, verdict=verdict or _period_verdict(mapping), evidence=said,
            help=_("Rows without an end have no term and would be set aside, were it for the whole term.") if TERM in pers and period_open(mapping) else "",
            wanted=_("say for what period %(header)s is") % {"header": header}, settle=with_period,
        )  # fmt: skip


def _verdict(mapping: Mapping, beside: str) -> str:
    if beside:
        return _("%(beside)s counts; %(mapping)s is held against it.") % {"beside": beside, "mapping": priced(mapping)}
    if unit_open(mapping):
        return _("Nothing in the file says whether it is the line's total or the price of one unit.")
    what = _("The price of one unit, times the quantity") if amount_of(mapping) == "unit" else _("The line's total")
    if "interval" in mapping.headers:
        return _("%(what)s, for the interval that %(interval)s says.") % {"what": what, "interval": mapping.headers["interval"]}
    if period_open(mapping):
        return f"{what}. {_period_verdict(mapping)}"
    return _("%(what)s, for %(period)s.") % {"what": what, "period": SAID.get(mapping.fixed.get("interval", ""), "a month")}


def _period_verdict(mapping: Mapping) -> str:
    if period_open(mapping):
        return _("Nothing in the file says for how long it is.")
    return _("For %(period)s.") % {"period": SAID.get(mapping.fixed.get("interval", ""), "a month")}


def _effect_of(evidence: AmountEvidence, of: str) -> str:
    account, amount, *quantity = evidence.example or ("", "0")
    if not quantity:
        return ""
    total = Decimal(amount) * (Decimal(quantity[0]) if of == "unit" else 1)
    if of == "unit":
        return f"{account}: {_shown(Fraction(total))} = {amount} x {quantity[0]}"
    return _("%(account)s: %(total)s for %(quantity)s units") % {"account": account, "total": _shown(Fraction(total)), "quantity": quantity[0]}


def _effect_per(evidence: AmountEvidence, per: str, of: str) -> str:
    """MRR of the example."""
    account, amount, *quantity = evidence.example or ("", "0")
    total = Fraction(Decimal(amount)) * (Fraction(Decimal(quantity[0])) if quantity and of == "unit" else 1)
    if per == TERM:
        return _("%(account)s: %(total)s over the months from its start to its end") % {"account": account, "total": _shown(total)}
    return _("%(account)s: %(amount)s MRR") % {"account": account, "amount": _shown(total / PERIODS[per])}


def _shown(amount: Fraction) -> str:
    return f"{rounded(amount, 2):,f}"
